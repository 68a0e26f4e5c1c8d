// SPDX-License-Identifier: MIT
// Every integer of a launch becomes a linear form over unknowns (program ids, coordinates in blocks,
// trips of loops, quotients, ...), each with a lower and an upper bound (its box) and with linear facts
// between them. An access is inside when its distance to each end of the argument is shown to be
// non-negative: as a sum of facts with non-negative weights plus a bound that follows from the boxes.
// This is sound, and complete enough for what kernels do (see the tests); finding the best weights in
// general would be linear programming.
#include "triton-metal/Analysis/AccessBounds.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace tmetal {
namespace {

using Wide = __int128;
using Op = AccessProgram::Op;

constexpr Wide kHuge = Wide(1) << 90; // larger forms are given up, so that nothing overflows
constexpr int kMaxDepth = 7;          // facts in one proof
constexpr int kMaxSteps = 3000;       // forms tried for one proof
constexpr int kMaxCases = 4;          // nested case distinctions

Wide magnitude(Wide value) { return value < 0 ? -value : value; }

Wide divisor(Wide a, Wide b) {
  while (b)
    a = std::exchange(b, a % b);
  return magnitude(a);
}

Wide floorDivide(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/// A constant plus unknowns with coefficients; the terms are sorted by unknown.
struct Linear {
  Wide constant = 0;
  std::vector<std::pair<int, Wide>> terms;

  bool isConstant() const { return terms.empty(); }
  bool isHuge() const {
    if (magnitude(constant) > kHuge)
      return true;
    for (const auto &[unknown, coefficient] : terms)
      if (magnitude(coefficient) > kHuge)
        return true;
    return false;
  }
};

/// x * a + y * b.
Linear combine(const Linear &a, Wide x, const Linear &b, Wide y) {
  Linear sum;
  sum.constant = a.constant * x + b.constant * y;
  sum.terms.reserve(a.terms.size() + b.terms.size());
  size_t i = 0, j = 0;
  while (i < a.terms.size() || j < b.terms.size()) {
    bool first = j == b.terms.size() || (i < a.terms.size() && a.terms[i].first <= b.terms[j].first);
    bool second = i == a.terms.size() || (j < b.terms.size() && b.terms[j].first <= a.terms[i].first);
    int unknown = first ? a.terms[i].first : b.terms[j].first;
    Wide coefficient = (first ? a.terms[i++].second * x : 0) + (second ? b.terms[j++].second * y : 0);
    if (coefficient != 0)
      sum.terms.emplace_back(unknown, coefficient);
  }
  return sum;
}

Linear constantForm(Wide value) { return {value, {}}; }

Wide coefficientOf(const Linear &form, int unknown) {
  for (const auto &[other, coefficient] : form.terms)
    if (other == unknown)
      return coefficient;
  return 0;
}

using Facts = std::vector<Linear>; // each is >= 0

struct Value {
  Linear form;
  Wide low = 0, high = 0;    // bounds of the form, at least as tight as those from the boxes
  Facts whenTrue, whenFalse; // of a condition: what holds when it is true, and when it is false
  bool isConstant() const { return form.isConstant(); }
};

struct Unknown {
  Wide low, high;
  std::vector<int> facts; // indices of the facts that mention it
  /// Only when the unknown is the result of a select: the nodes of the condition and of the two values.
  int condition = -1, ifTrue = -1, ifFalse = -1;
};

class Evaluator {
public:
  Evaluator(const AccessProgram &program, const std::array<int64_t, 3> &grid,
            const std::vector<int64_t> &integers)
      : program(program), grid(grid), integers(integers) {
    values.reserve(program.nodes.size());
    for (const AccessProgram::Node &node : program.nodes)
      values.push_back(evaluate(node));
  }

  bool isInside(const AccessProgram::Access &access, const Reach &reach) {
    Facts facts;
    for (int condition : access.conditions) {
      const Value &value = values[condition];
      if (value.high <= 0)
        return true; // the access never happens
      facts.insert(facts.end(), value.whenTrue.begin(), value.whenTrue.end());
    }
    const std::vector<Unknown> boxes = unknowns;
    bool proven = !tighten(facts) || staysInside(values[access.offset].form, access.bytes, reach, facts);
    unknowns = boxes;
    return proven;
  }

private:
  // ---- forms ----

  Wide lowest(const Linear &form) const {
    Wide bound = form.constant;
    for (const auto &[unknown, c] : form.terms)
      bound += c * (c > 0 ? unknowns[unknown].low : unknowns[unknown].high);
    return bound;
  }
  Wide highest(const Linear &form) const {
    Wide bound = form.constant;
    for (const auto &[unknown, c] : form.terms)
      bound += c * (c > 0 ? unknowns[unknown].high : unknowns[unknown].low);
    return bound;
  }

  static Wide smallest(int width) { return -(Wide(1) << (width - 1)); }
  static Wide largest(int width) { return (Wide(1) << (width - 1)) - 1; }

  Linear newUnknown(Wide low, Wide high) {
    unknowns.push_back({low, high, {}});
    return {0, {{static_cast<int>(unknowns.size()) - 1, 1}}};
  }
  void addFact(Linear fact) {
    if (fact.isConstant() || fact.isHuge())
      return;
    for (const auto &[unknown, coefficient] : fact.terms)
      unknowns[unknown].facts.push_back(static_cast<int>(known.size()));
    known.push_back(std::move(fact));
  }

  Value boxed(Wide low, Wide high) {
    if (low == high)
      return {constantForm(low), low, high, {}, {}};
    return {newUnknown(low, high), low, high, {}, {}};
  }
  Value anything(int width) { return width <= 1 ? boxed(0, 1) : boxed(smallest(width), largest(width)); }
  /// Nothing is known of a result that may wrap.
  Value fitted(Linear form, int width) {
    if (form.isHuge())
      return anything(width);
    Wide low = lowest(form), high = highest(form);
    if (low < smallest(width) || high > largest(width))
      return anything(width);
    return {std::move(form), low, high, {}, {}};
  }

  // ---- integers ----

  Value evaluate(const AccessProgram::Node &node) {
    auto at = [&](int operand) -> const Value & { return values[operand]; };
    if (node.width == 1 && isArithmetic(node.op))
      return anything(1); // as a signed number, true is -1
    switch (node.op) {
    case Op::Constant:
      return boxed(node.value, node.value);
    case Op::Argument: {
      auto value = static_cast<uint64_t>(integers[node.value]);
      if (node.width == 1)
        return boxed(value & 1, value & 1);
      Wide wrapped = static_cast<int64_t>(value << (64 - node.width)) >> (64 - node.width);
      return boxed(wrapped, wrapped);
    }
    case Op::ProgramId:
      return boxed(0, grid[node.value] - 1);
    case Op::NumPrograms:
      return boxed(grid[node.value], grid[node.value]);
    case Op::Lane:
      return boxed(0, node.value - 1);
    case Op::Trip:
    case Op::TripCount:
      return trips(at(node.a), at(node.b), at(node.c), node.op == Op::TripCount);
    case Op::Data:
    case Op::Any:
      return anything(node.width);
    case Op::Add:
      return fitted(combine(at(node.a).form, 1, at(node.b).form, 1), node.width);
    case Op::Sub:
      return fitted(combine(at(node.a).form, 1, at(node.b).form, -1), node.width);
    case Op::Mul:
      return product(at(node.a), at(node.b), node.width);
    case Op::Div:
    case Op::Rem:
      return node.op == Op::Div ? quotient(node.a, node.b, node.width)
                                : remainder(node.a, node.b, node.width);
    case Op::DivU:
    case Op::RemU:
      if (at(node.a).low < 0 || at(node.b).low < 0)
        return anything(node.width);
      return node.op == Op::DivU ? quotient(node.a, node.b, node.width)
                                 : remainder(node.a, node.b, node.width);
    case Op::Min:
    case Op::Max:
      return extremum(at(node.a), at(node.b), node.op == Op::Min);
    case Op::And:
    case Op::Or:
    case Op::Xor:
      return node.width == 1 ? logical(node.op, at(node.a), at(node.b)) : bitwise(node);
    case Op::ShiftLeft:
      if (at(node.b).isConstant() && at(node.b).low >= 0 && at(node.b).low < node.width)
        return product(at(node.a), boxed(Wide(1) << int(at(node.b).low), Wide(1) << int(at(node.b).low)),
                       node.width);
      return anything(node.width);
    case Op::ShiftRight:
    case Op::ShiftRightU: {
      const Value &a = at(node.a), &b = at(node.b);
      if (!b.isConstant() || b.low < 0 || b.low >= node.width || (a.low < 0 && node.op == Op::ShiftRightU))
        return anything(node.width);
      Wide by = Wide(1) << int(b.low);
      if (a.low >= 0)
        return quotientBy(a, by, node.width);
      return boxed(floorDivide(a.low, by), floorDivide(a.high, by));
    }
    case Op::SignExtend:
      if (program.nodes[node.a].width == 1)
        return boxed(-at(node.a).high, -at(node.a).low);
      return at(node.a);
    case Op::ZeroExtend: {
      const Value &a = at(node.a);
      int from = program.nodes[node.a].width;
      if (from == 1 || a.low >= 0)
        return {a.form, a.low, a.high, {}, {}};
      return boxed(0, (Wide(1) << from) - 1);
    }
    case Op::Truncate: {
      const Value &a = at(node.a);
      if (node.width > 1 && a.low >= smallest(node.width) && a.high <= largest(node.width))
        return a;
      return anything(node.width);
    }
    case Op::Compare:
      if (program.nodes[node.a].width == 1 && node.value >= AccessProgram::LT &&
          node.value <= AccessProgram::GE)
        return anything(1);
      return comparison(static_cast<AccessProgram::Predicate>(node.value), at(node.a), at(node.b));
    case Op::Select:
      return choice(node);
    }
    return anything(node.width);
  }

  static bool isArithmetic(Op op) {
    return op >= Op::Add && op <= Op::ShiftRightU && op != Op::And && op != Op::Or && op != Op::Xor;
  }

  Value trips(const Value &lower, const Value &upper, const Value &step, bool count) {
    constexpr Wide most = Wide(1) << 62;
    if (step.low < 1)
      return boxed(0, most);
    Linear span = combine(upper.form, 1, lower.form, -1);
    Wide longest = std::min(upper.high - lower.low, most);
    // count = ceil(span / step) unless that is negative; a trip is less than the count.
    Wide last = longest <= 0 ? 0 : floorDivide(longest - 1, step.low);
    Value result = boxed(0, count ? (longest <= 0 ? 0 : last + 1) : last);
    if (!step.isConstant() || result.isConstant())
      return result;
    // The facts about a trip hold only inside of the loop, where the accesses have them as conditions.
    if (count && lowest(span) >= 0)
      addFact(combine(combine(span, 1, result.form, -step.low), 1, constantForm(step.low - 1), 1));
    return result;
  }

  Value product(const Value &a, const Value &b, int width) {
    if (a.isConstant() || b.isConstant()) {
      const Value &factor = a.isConstant() ? a : b, &other = a.isConstant() ? b : a;
      return fitted(combine(other.form, factor.form.constant, {}, 0), width);
    }
    Wide corners[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    Wide low = *std::min_element(corners, corners + 4), high = *std::max_element(corners, corners + 4);
    return low < smallest(width) || high > largest(width) ? anything(width) : boxed(low, high);
  }

  /// x / by and x % by for x >= 0, if the form splits exactly into terms that are multiples of `by` and a
  /// rest between 0 and by - 1.
  std::optional<std::pair<Linear, Linear>> split(const Value &x, Wide by) const {
    Linear whole, rest;
    whole.constant = floorDivide(x.form.constant, by);
    rest.constant = x.form.constant - whole.constant * by;
    for (const auto &[unknown, c] : x.form.terms) {
      if (c % by == 0)
        whole.terms.emplace_back(unknown, c / by);
      else
        rest.terms.emplace_back(unknown, c);
    }
    if (lowest(rest) < 0 || highest(rest) >= by)
      return std::nullopt;
    return std::make_pair(std::move(whole), std::move(rest));
  }

  Value quotientBy(const Value &x, Wide by, int width) {
    if (auto parts = split(x, by))
      return fitted(parts->first, width);
    Value result = boxed(x.low / by, x.high / by);
    if (!result.isConstant()) {
      addFact(combine(x.form, 1, result.form, -by));
      addFact(combine(combine(result.form, by, x.form, -1), 1, constantForm(by - 1), 1));
    }
    return result;
  }

  Value quotient(int a, int b, int width) {
    auto [place, isNew] = quotients.try_emplace({a, b});
    if (!isNew)
      return place->second;
    const Value &x = values[a], &y = values[b];
    Value result;
    if (x.isConstant() && y.isConstant() && y.low != 0) {
      result = fitted(constantForm(x.low / y.low), width);
    } else if (x.low >= 0 && y.low >= 1) {
      if (y.isConstant()) {
        result = quotientBy(x, y.low, width);
      } else {
        result = boxed(x.low / y.high, x.high / y.low);
        addFact(combine(x.form, 1, result.form, -1));
      }
    } else {
      Wide most = std::max(magnitude(x.low), magnitude(x.high));
      result = most > largest(width) ? anything(width) : boxed(-most, most);
    }
    return quotients[{a, b}] = result;
  }

  Value remainder(int a, int b, int width) {
    const Value x = values[a], y = values[b];
    if (x.isConstant() && y.isConstant() && y.low != 0)
      return fitted(constantForm(x.low % y.low), width);
    if (y.low < 1) {
      Wide most = std::max(magnitude(y.low), magnitude(y.high)) - 1;
      return most < 0 || y.low == smallest(width) ? anything(width) : boxed(x.low < 0 ? -most : 0, most);
    }
    Wide most = y.high - 1;
    if (x.low < 0)
      return boxed(std::max(-most, x.low), std::max(std::min(most, x.high), Wide(0)));
    if (y.isConstant())
      if (auto parts = split(x, y.low))
        return fitted(parts->second, width);
    Value result = boxed(0, std::min(most, x.high));
    if (result.isConstant())
      return result;
    addFact(combine(combine(y.form, 1, result.form, -1), 1, constantForm(1), -1));
    addFact(combine(x.form, 1, result.form, -1));
    if (y.isConstant()) { // r = x - q * y
      Linear rest = combine(x.form, 1, quotient(a, b, width).form, -y.low);
      addFact(combine(rest, 1, result.form, -1));
      addFact(combine(result.form, 1, rest, -1));
    }
    return result;
  }

  Value extremum(const Value &a, const Value &b, bool least) {
    if (least ? a.high <= b.low : a.low >= b.high)
      return a;
    if (least ? b.high <= a.low : b.low >= a.high)
      return b;
    Linear difference = combine(a.form, 1, b.form, -1);
    if (lowest(difference) >= 0)
      return least ? b : a;
    if (highest(difference) <= 0)
      return least ? a : b;
    Value result = least ? boxed(std::min(a.low, b.low), std::min(a.high, b.high))
                         : boxed(std::max(a.low, b.low), std::max(a.high, b.high));
    Wide sign = least ? 1 : -1;
    addFact(combine(a.form, sign, result.form, -sign));
    addFact(combine(b.form, sign, result.form, -sign));
    return result;
  }

  Value bitwise(const AccessProgram::Node &node) {
    const Value &a = values[node.a], &b = values[node.b];
    if (a.isConstant() && b.isConstant()) {
      auto x = static_cast<int64_t>(a.low), y = static_cast<int64_t>(b.low);
      int64_t bits = node.op == Op::And ? x & y : node.op == Op::Or ? x | y : x ^ y;
      return boxed(bits, bits);
    }
    if (node.op == Op::And) {
      for (auto [x, mask] : {std::make_pair(&a, &b), std::make_pair(&b, &a)}) {
        if (!mask->isConstant() || mask->low < 0)
          continue;
        Wide modulus = mask->low + 1;
        if (x->low >= 0 && (modulus & (modulus - 1)) == 0)
          if (auto parts = split(*x, modulus))
            return fitted(parts->second, node.width);
        return boxed(0, x->low >= 0 ? std::min(mask->low, x->high) : mask->low);
      }
      if (a.low >= 0 || b.low >= 0)
        return boxed(0, a.low >= 0 && b.low >= 0 ? std::min(a.high, b.high) : a.low >= 0 ? a.high : b.high);
      return anything(node.width);
    }
    if (a.low < 0 || b.low < 0)
      return anything(node.width);
    Wide end = 1;
    while (end <= std::max(a.high, b.high))
      end *= 2;
    return boxed(0, end - 1);
  }

  // ---- conditions ----

  static void append(Facts &facts, const Facts &more) { facts.insert(facts.end(), more.begin(), more.end()); }

  Value logical(Op op, const Value &a, const Value &b) {
    if (op == Op::Xor) {
      for (auto [x, flip] : {std::make_pair(&a, &b), std::make_pair(&b, &a)})
        if (flip->isConstant()) {
          if (flip->low == 0)
            return *x;
          return {combine(constantForm(1), 1, x->form, -1), 1 - x->high, 1 - x->low, x->whenFalse,
                  x->whenTrue};
        }
      return anything(1);
    }
    Value result = op == Op::And ? boxed(std::min(a.low, b.low), std::min(a.high, b.high))
                                 : boxed(std::max(a.low, b.low), std::max(a.high, b.high));
    Facts &both = op == Op::And ? result.whenTrue : result.whenFalse;
    append(both, op == Op::And ? a.whenTrue : a.whenFalse);
    append(both, op == Op::And ? b.whenTrue : b.whenFalse);
    return result;
  }

  Value comparison(AccessProgram::Predicate predicate, const Value &a, const Value &b) {
    using P = AccessProgram::Predicate;
    Linear more = combine(a.form, 1, b.form, -1), less = combine(b.form, 1, a.form, -1); // a - b, b - a
    Linear one = constantForm(1);
    if (predicate >= P::ULT) {
      if (a.low < 0 || b.low < 0)
        return anything(1);
      predicate = static_cast<P>(predicate - P::ULT + P::LT);
    }
    if (predicate == P::EQ || predicate == P::NE) {
      Facts equal = {more, less};
      bool never = lowest(more) > 0 || highest(more) < 0, always = more.isConstant() && more.constant == 0;
      bool isEqual = predicate == P::EQ;
      Value result = never || always ? boxed(always == isEqual, always == isEqual) : boxed(0, 1);
      (isEqual ? result.whenTrue : result.whenFalse) = std::move(equal);
      return result;
    }
    Linear holds, fails; // >= 0 when the comparison is true, and when it is false
    switch (predicate) {
    case P::LT:
      holds = combine(less, 1, one, -1), fails = more;
      break;
    case P::LE:
      holds = less, fails = combine(more, 1, one, -1);
      break;
    case P::GT:
      holds = combine(more, 1, one, -1), fails = less;
      break;
    default:
      holds = more, fails = combine(less, 1, one, -1);
      break;
    }
    Value result = lowest(holds) >= 0 ? boxed(1, 1) : highest(holds) < 0 ? boxed(0, 0) : boxed(0, 1);
    result.whenTrue = {std::move(holds)};
    result.whenFalse = {std::move(fails)};
    return result;
  }

  Value choice(const AccessProgram::Node &node) {
    const Value &condition = values[node.a];
    if (condition.isConstant())
      return values[condition.low ? node.b : node.c];
    const Value &a = values[node.b], &b = values[node.c];
    Value result = boxed(std::min(a.low, b.low), std::max(a.high, b.high));
    if (!result.isConstant()) {
      Unknown &unknown = unknowns[result.form.terms[0].first];
      unknown.condition = node.a, unknown.ifTrue = node.b, unknown.ifFalse = node.c;
    }
    return result;
  }

  // ---- proofs ----

  bool staysInside(const Linear &offset, int bytes, const Reach &reach, const Facts &facts) {
    steps = 0;
    if (!nonNegative(combine(offset, 1, constantForm(reach.before), 1), facts, 0))
      return false;
    steps = 0;
    return nonNegative(combine(offset, -1, constantForm(reach.after - bytes), 1), facts, 0);
  }

  /// Sums of a fact about this access and a known fact that are left with one or two unknowns, which bound
  /// for example the quotient of a masked index.
  Facts joinedFacts(const Facts &facts) const {
    Facts joined;
    for (const Linear &fact : facts)
      for (const Linear &other : known)
        for (const auto &[unknown, c] : fact.terms) {
          Wide d = coefficientOf(other, unknown);
          if (d == 0 || (d > 0) == (c > 0))
            continue;
          Linear sum = combine(fact, magnitude(d), other, magnitude(c));
          if (!sum.isConstant() && sum.terms.size() <= 2 && !sum.isHuge())
            joined.push_back(std::move(sum));
        }
    return joined;
  }

  /// Tightens the boxes by the facts. Unlike sums of facts this rounds to integers. Returns false when the
  /// facts contradict each other, so that the access never happens.
  bool tighten(const Facts &facts) {
    constexpr int kRounds = 3;
    Facts joined = joinedFacts(facts);
    for (int round = 0; round < kRounds; ++round)
      for (const Facts *some :
           {&facts, static_cast<const Facts *>(&known), static_cast<const Facts *>(&joined)})
        for (const Linear &fact : *some) {
          Wide most = highest(fact);
          if (most < 0)
            return false;
          for (const auto &[unknown, c] : fact.terms) {
            Unknown &box = unknowns[unknown];
            // The other terms are at most `most` minus the share of this one.
            if (c > 0)
              box.low = std::max(box.low, box.high - floorDivide(most, c));
            else
              box.high = std::min(box.high, box.low + floorDivide(most, -c));
            if (box.low > box.high)
              return false;
            most = highest(fact);
          }
        }
    return true;
  }

  /// Whether form >= 0 is shown to hold wherever all facts hold.
  bool nonNegative(const Linear &form, const Facts &facts, int cases) {
    for (int depth = 0; depth <= kMaxDepth; ++depth) {
      bool cut = false;
      if (search(form, 1, facts, depth, cut))
        return true;
      if (!cut || steps > kMaxSteps)
        break;
    }
    if (cases == kMaxCases)
      return false;
    int chosen = choiceIn(form, facts);
    if (chosen < 0)
      return false;
    // Tries both values of a select, each with the facts of its condition.
    for (bool holds : {true, false}) {
      const Unknown &unknown = unknowns[chosen];
      const Value &value = values[holds ? unknown.ifTrue : unknown.ifFalse];
      Facts more;
      for (const Linear &fact : facts)
        more.push_back(replaced(fact, chosen, value.form));
      append(more, holds ? values[unknown.condition].whenTrue : values[unknown.condition].whenFalse);
      bool happens = true;
      for (const Linear &fact : more)
        happens &= !fact.isHuge() && highest(fact) >= 0;
      steps = 0;
      if (happens && !nonNegative(replaced(form, chosen, value.form), more, cases + 1))
        return false;
    }
    return true;
  }

  int choiceIn(const Linear &form, const Facts &facts) const {
    int found = -1; // the latest: it may be made of the earlier ones
    auto look = [&](const Linear &in) {
      for (const auto &[unknown, coefficient] : in.terms)
        if (unknowns[unknown].condition >= 0)
          found = std::max(found, unknown);
    };
    look(form);
    if (found < 0)
      for (const Linear &fact : facts)
        look(fact);
    return found;
  }

  static Linear replaced(const Linear &form, int unknown, const Linear &by) {
    Wide coefficient = coefficientOf(form, unknown);
    if (coefficient == 0)
      return form;
    return combine(combine(form, 1, {0, {{unknown, 1}}}, -coefficient), 1, by, coefficient);
  }

  /// Whether `wanted` >= 0, an integer for which scaled = scale * wanted - (a sum of facts with positive
  /// weights). Sets `cut` when a greater depth might find more.
  bool search(const Linear &scaled, Wide scale, const Facts &facts, int depth, bool &cut) {
    if (lowest(scaled) > -scale)
      return true;
    if (++steps > kMaxSteps)
      return false;
    if (scaled.isConstant())
      return false;
    if (depth == 0) {
      cut = true;
      return false;
    }
    // Later unknowns are made of earlier ones, so they are eliminated first.
    for (size_t i = scaled.terms.size(); i-- > 0;) {
      auto [unknown, coefficient] = scaled.terms[i];
      auto eliminate = [&, unknown = unknown, coefficient = coefficient](const Linear &fact) {
        Wide other = coefficientOf(fact, unknown);
        if (other == 0 || (other > 0) != (coefficient > 0))
          return false;
        Wide common = divisor(coefficient, other);
        Wide ours = magnitude(other) / common, theirs = magnitude(coefficient) / common;
        if (scale > kHuge / ours)
          return false;
        Linear next = combine(scaled, ours, fact, -theirs);
        return !next.isHuge() && search(next, scale * ours, facts, depth - 1, cut);
      };
      for (const Linear &fact : facts)
        if (eliminate(fact))
          return true;
      for (int fact : unknowns[unknown].facts)
        if (eliminate(known[fact]))
          return true;
    }
    return false;
  }

  const AccessProgram &program;
  const std::array<int64_t, 3> &grid;
  const std::vector<int64_t> &integers;
  std::vector<Value> values;
  std::vector<Unknown> unknowns;
  Facts known;
  std::map<std::pair<int, int>, Value> quotients;
  int steps = 0;
};

} // namespace

std::vector<int> unprovenAccesses(const AccessProgram &program, const std::array<int64_t, 3> &grid,
                                  const std::vector<int64_t> &integers, const std::vector<Reach> &reaches) {
  std::vector<int> unproven;
  Evaluator evaluator(program, grid, integers);
  for (size_t i = 0; i < program.accesses.size(); ++i) {
    const AccessProgram::Access &access = program.accesses[i];
    if (access.dataDependent)
      continue;
    if (access.parameter < 0 || !evaluator.isInside(access, reaches[access.parameter]))
      unproven.push_back(static_cast<int>(i));
  }
  return unproven;
}

} // namespace tmetal
