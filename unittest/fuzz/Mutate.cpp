// SPDX-License-Identifier: MIT
#include "Mutate.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>

namespace fuzz {

static bool isWordStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
static bool isWordPart(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("_.$-", c);
}
static bool isDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  size_t at = 0;
  auto isAt = [&](size_t place, auto test) {
    return place < text.size() && text[place] && test(text[place]);
  };
  while (true) {
    Token token;
    size_t begin = at;
    while (isAt(at, [](char c) { return std::isspace(static_cast<unsigned char>(c)); }))
      ++at;
    token.before = text.substr(begin, at - begin);
    begin = at;
    if (at == text.size()) {
      token.kind = Token::End;
      tokens.push_back(token);
      return tokens;
    }
    char first = text[at++];
    bool inShape = first == 'x' && !tokens.empty() && token.before.empty() &&
                   (tokens.back().kind == Token::Number || tokens.back().text == "?");
    if (inShape) {
      token.kind = Token::Punctuation; // the x of 16x32xf32
    } else if (isWordStart(first)) {
      token.kind = Token::Word;
      while (isAt(at, isWordPart))
        ++at;
    } else if (std::strchr("%@^#!", first) && first && isAt(at, isWordPart)) {
      token.kind = Token::Name;
      while (isAt(at, isWordPart))
        ++at;
    } else if (isDigit(first) || (first == '-' && isAt(at, isDigit))) {
      token.kind = Token::Number;
      bool hex = first == '0' && isAt(at, [](char c) { return c == 'x'; }) && at + 1 < text.size() &&
                 std::isxdigit(static_cast<unsigned char>(text[at + 1])) && !isAt(at + 1, isDigit);
      at += hex;
      while (isAt(at, [&](char c) { return isDigit(c) || c == '.' || (hex && std::isxdigit(c)); }))
        ++at;
      if (!hex && isAt(at, [](char c) { return c == 'e' || c == 'E'; }) && at + 1 < text.size() &&
          (isDigit(text[at + 1]) || std::strchr("+-", text[at + 1])))
        for (at += 2; isAt(at, isDigit);)
          ++at;
    } else if (first == '"') {
      token.kind = Token::String;
      while (at < text.size() && text[at] != '"')
        at += text[at] == '\\' ? 2 : 1;
      at = std::min(at + 1, text.size());
    } else if (first == '-' && isAt(at, [](char c) { return c == '>'; })) {
      ++at;
    }
    token.text = text.substr(begin, at - begin);
    tokens.push_back(token);
  }
}

static std::string joined(const std::vector<Token> &tokens) {
  std::string text;
  for (const Token &token : tokens)
    text.append(token.before).append(token.text);
  return text;
}

static size_t below(std::mt19937_64 &random, size_t bound) { return random() % std::max<size_t>(bound, 1); }

static const std::string &anyOf(const std::vector<std::string> &all, std::mt19937_64 &random) {
  return all[below(random, all.size())];
}

static const std::vector<std::string> numbers = {"0",
                                                 "1",
                                                 "2",
                                                 "3",
                                                 "7",
                                                 "8",
                                                 "12",
                                                 "31",
                                                 "32",
                                                 "33",
                                                 "64",
                                                 "127",
                                                 "128",
                                                 "255",
                                                 "256",
                                                 "1000",
                                                 "1024",
                                                 "65536",
                                                 "1048576",
                                                 "2147483647",
                                                 "2147483648",
                                                 "4294967295",
                                                 "4294967296",
                                                 "1099511627776",
                                                 "9223372036854775807",
                                                 "9223372036854775808",
                                                 "18446744073709551615",
                                                 "18446744073709551616",
                                                 "-1",
                                                 "-2",
                                                 "-7",
                                                 "-128",
                                                 "-2147483648",
                                                 "-2147483649",
                                                 "-9223372036854775808",
                                                 "0x7FF0000000000000",
                                                 "0xFFFFFFFF",
                                                 "1.0e+400",
                                                 "0.0",
                                                 "1.5",
                                                 "-0.0",
                                                 "99999999999999999999999999999999999999"};

static const std::vector<std::string> types = {"i1",
                                               "i8",
                                               "i16",
                                               "i32",
                                               "i64",
                                               "i128",
                                               "i7",
                                               "i0",
                                               "ui8",
                                               "si32",
                                               "f16",
                                               "bf16",
                                               "f32",
                                               "f64",
                                               "f80",
                                               "f8E5M2",
                                               "f8E4M3FN",
                                               "f8E4M3FNUZ",
                                               "f8E5M2FNUZ",
                                               "f8E4M3B11FNUZ",
                                               "tf32",
                                               "index",
                                               "none",
                                               "!tt.ptr<f32>",
                                               "!tt.ptr<i8>",
                                               "!tt.ptr<i1>",
                                               "!tt.ptr<f8E5M2>",
                                               "tensor<f32>",
                                               "tensor<0xf32>",
                                               "tensor<3xi32>",
                                               "tensor<16xi32>",
                                               "tensor<16x16xf32>",
                                               "tensor<?xf32>",
                                               "tensor<*xf32>",
                                               "tensor<1048576xf32>",
                                               "tensor<4294967296xf32>",
                                               "tensor<16x!tt.ptr<f32>>",
                                               "!tt.ptr<tensor<16xf32>>",
                                               "vector<4xf32>",
                                               "memref<4xf32>",
                                               "tuple<i32, f32>",
                                               "complex<f32>",
                                               "(i32) -> i32",
                                               "!tt.tensordesc<16x16xf16>",
                                               "()"};

Mutator::Mutator(const std::vector<std::string> &texts) : texts(texts), types(fuzz::types) {
  std::array<std::set<std::string>, Token::End + 1> found;
  for (const std::string &text : texts)
    for (const Token &token : tokenize(text))
      found[token.kind].emplace(token.text);
  for (size_t kind = 0; kind < found.size(); ++kind)
    pool[kind].assign(found[kind].begin(), found[kind].end());
  for (const std::string &word : pool[Token::Word])
    if (word.find('.') != std::string::npos)
      operations.push_back(word);
  pool[Token::Number].insert(pool[Token::Number].end(), numbers.begin(), numbers.end());
}

std::string Mutator::replacement(const Token &token, const std::vector<Token> &own, Random &random) const {
  auto ofOwn = [&](auto fits) {
    std::vector<std::string_view> found;
    for (const Token &other : own)
      if (fits(other))
        found.push_back(other.text);
    return found.empty() ? std::string(token.text) : std::string(found[below(random, found.size())]);
  };
  if (below(random, 12) == 0)
    return ofOwn([](const Token &) { return true; });
  switch (token.kind) {
  case Token::Word:
    if (token.text.find('.') != std::string_view::npos && !operations.empty())
      return below(random, 2) ? ofOwn([](const Token &other) {
        return other.kind == Token::Word && other.text.find('.') != std::string_view::npos;
      })
                              : anyOf(operations, random);
    if (std::find(types.begin(), types.end(), token.text) != types.end() || below(random, 4) == 0)
      return anyOf(types, random);
    return below(random, 2) ? ofOwn([](const Token &other) { return other.kind == Token::Word; })
                            : anyOf(pool[Token::Word], random);
  case Token::Name:
    return ofOwn([&](const Token &other) {
      return other.kind == Token::Name && other.text.front() == token.text.front();
    });
  case Token::Number:
    return below(random, 3) ? anyOf(numbers, random)
                            : ofOwn([](const Token &other) { return other.kind == Token::Number; });
  default:
    return anyOf(pool[token.kind], random);
  }
}

void Mutator::changeToken(std::string &text, Random &random) const {
  std::vector<Token> tokens = tokenize(text);
  size_t at = below(random, tokens.size()), other = below(random, tokens.size());
  std::string held;
  switch (below(random, 12)) {
  case 0: // drop some
    tokens.erase(tokens.begin() + at, tokens.begin() + std::min(at + 1 + below(random, 3), tokens.size()));
    break;
  case 1:
    tokens.insert(tokens.begin() + at, tokens[other]);
    break;
  case 2:
    std::swap(tokens[at].text, tokens[other].text);
    break;
  case 3: { // swap two of a kind, such as operands
    std::vector<size_t> same;
    for (size_t i = 0; i < tokens.size(); ++i)
      if (tokens[i].kind == tokens[at].kind)
        same.push_back(i);
    std::swap(tokens[at].text, tokens[same[below(random, same.size())]].text);
    break;
  }
  default:
    held = replacement(tokens[at], tokens, random);
    tokens[at].text = held;
  }
  text = joined(tokens);
}

static std::vector<std::string> linesOf(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    lines.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return lines;
}

/// Replaces all tokens with the same text, which keeps types consistent.
void Mutator::changeEverywhere(std::string &text, Random &random) const {
  std::vector<Token> tokens = tokenize(text);
  const Token chosen = tokens[below(random, tokens.size())];
  if (chosen.kind == Token::Punctuation || chosen.kind == Token::End)
    return changeToken(text, random);
  std::string held = replacement(chosen, tokens, random);
  const bool swap = below(random, 4) == 0; // or exchange the two
  std::string old(chosen.text);
  for (Token &token : tokens)
    if (token.text == old)
      token.text = held;
    else if (swap && token.text == held)
      token.text = old;
  text = joined(tokens);
}

/// Replaces an operation by one of the same dialect with as many operands, as far as names tell.
void Mutator::changeOperation(std::string &text, Random &random) const {
  std::vector<Token> tokens = tokenize(text);
  std::vector<size_t> found;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].kind == Token::Word && tokens[i].text.find('.') != std::string_view::npos)
      found.push_back(i);
  if (found.empty())
    return;
  Token &token = tokens[found[below(random, found.size())]];
  std::string_view dialect = token.text.substr(0, token.text.find('.') + 1);
  std::vector<std::string_view> similar;
  for (const std::string &operation : operations)
    if (operation.compare(0, dialect.size(), dialect) == 0 && operation.back() == token.text.back())
      similar.push_back(operation);
  if (!similar.empty())
    token.text = similar[below(random, similar.size())];
  text = joined(tokens);
}

void Mutator::changeLines(std::string &text, Random &random) const {
  std::vector<std::string> lines = linesOf(text);
  if (lines.empty())
    return;
  size_t at = below(random, lines.size()), other = below(random, lines.size());
  switch (below(random, 4)) {
  case 0:
    lines.erase(lines.begin() + at);
    break;
  case 1:
    lines.insert(lines.begin() + at, std::string(lines[other]));
    break;
  case 2:
    std::swap(lines[at], lines[other]);
    break;
  default: {
    std::vector<std::string> strange = linesOf(anyOf(texts, random));
    if (!strange.empty())
      lines.insert(lines.begin() + at, anyOf(strange, random));
  }
  }
  text.clear();
  for (const std::string &line : lines)
    text += line;
}

/// Drops, empties or doubles a part in braces or brackets.
void Mutator::changeBraces(std::string &text, Random &random) const {
  std::vector<size_t> opened;
  for (size_t i = 0; i < text.size(); ++i)
    if (std::strchr("{([<", text[i]) && text[i])
      opened.push_back(i);
  if (opened.empty())
    return;
  size_t begin = opened[below(random, opened.size())], end = begin;
  char open = text[begin], close = open == '(' ? ')' : static_cast<char>(open + 2);
  for (int depth = 0; end < text.size(); ++end) {
    depth += text[end] == open;
    depth -= text[end] == close;
    if (depth == 0)
      break;
  }
  end = std::min(end + 1, text.size());
  switch (below(random, 3)) {
  case 0:
    text.erase(begin, end - begin);
    break;
  case 1:
    text.replace(begin, end - begin, {open, close});
    break;
  default:
    text.insert(end, text.substr(begin, end - begin));
  }
}

void Mutator::changeBytes(std::string &text, Random &random) const {
  if (text.empty())
    return;
  size_t at = below(random, text.size());
  switch (below(random, 3)) {
  case 0:
    text.resize(at);
    break;
  case 1:
    text[at] = static_cast<char>(random());
    break;
  default:
    text.insert(at, 1, static_cast<char>(random()));
  }
}

void Mutator::changeOnce(std::string &text, Random &random) const {
  size_t form = below(random, 20);
  if (form < 7)
    changeToken(text, random);
  else if (form < 12)
    changeEverywhere(text, random);
  else if (form < 14)
    changeOperation(text, random);
  else if (form < 17)
    changeLines(text, random);
  else if (form < 19)
    changeBraces(text, random);
  else
    changeBytes(text, random);
}

size_t Mutator::origin(uint64_t seed, uint64_t number) const {
  Random random(seed * 0x9E3779B97F4A7C15u + number);
  return below(random, texts.size());
}

std::string Mutator::mutant(uint64_t seed, uint64_t number) const {
  Random random(seed * 0x9E3779B97F4A7C15u + number);
  std::string text = texts[below(random, texts.size())];
  // Mostly one change: the more there are, the sooner the parser stops.
  for (size_t changes = 1 + (below(random, 3) == 0 ? below(random, 4) : 0); changes > 0; --changes)
    changeOnce(text, random);
  return text;
}

} // namespace fuzz
