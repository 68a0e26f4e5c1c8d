// SPDX-License-Identifier: MIT
// Random changes to texts of IR and JSON.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

struct Token {
  enum Kind { Word, Name, Number, String, Punctuation, End } kind = Punctuation;
  std::string_view before, text; // the white space in front, and the token itself
};

std::vector<Token> tokenize(std::string_view text);

/// Changes texts. What it inserts are tokens and lines of other texts of the collection.
class Mutator {
public:
  explicit Mutator(const std::vector<std::string> &texts);

  /// The mutant with a number: the same for the same collection, seed and number.
  std::string mutant(uint64_t seed, uint64_t number) const;
  /// The number of the text that this mutant is made from.
  size_t origin(uint64_t seed, uint64_t number) const;

private:
  using Random = std::mt19937_64;
  void changeOnce(std::string &text, Random &random) const;
  void changeToken(std::string &text, Random &random) const;
  void changeEverywhere(std::string &text, Random &random) const;
  void changeOperation(std::string &text, Random &random) const;
  void changeLines(std::string &text, Random &random) const;
  void changeBraces(std::string &text, Random &random) const;
  void changeBytes(std::string &text, Random &random) const;
  std::string replacement(const Token &token, const std::vector<Token> &own, Random &random) const;

  const std::vector<std::string> &texts;
  std::array<std::vector<std::string>, Token::End + 1> pool; // different tokens of all texts, by kind
  std::vector<std::string> operations, types;                // words that are names of operations and types
};

} // namespace fuzz
