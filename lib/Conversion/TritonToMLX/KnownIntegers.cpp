// SPDX-License-Identifier: MIT
// Integers and comparisons whose operands are known at raising time, and the choice of program axes.
#include "Raiser.h"

#include "llvm/ADT/StringSwitch.h"

#include <numeric>

using namespace mlir;
using namespace llvm;

namespace tmetal {

static uint64_t low(int64_t value, unsigned width) {
  return width >= 64 ? static_cast<uint64_t>(value)
                     : static_cast<uint64_t>(value) & ((uint64_t(1) << width) - 1);
}

using PointRule = int64_t (*)(int64_t a, int64_t b, unsigned width);

/// What each operation does to two signed values of `width` bits; the result is wrapped by the caller.
/// Division by zero has no defined result and gives 0.
static PointRule pointRule(StringRef name) {
  return llvm::StringSwitch<PointRule>(name)
      .Case("arith.addi", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) + uint64_t(b)); })
      .Case("arith.subi", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) - uint64_t(b)); })
      .Case("arith.muli", [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) * uint64_t(b)); })
      .Case("arith.divsi",
            [](int64_t a, int64_t b, unsigned) {
              return b == 0 ? 0 : b == -1 ? int64_t(0 - uint64_t(a)) : a / b;
            })
      .Case("arith.remsi", [](int64_t a, int64_t b, unsigned) { return b == 0 || b == -1 ? 0 : a % b; })
      .Case("arith.divui",
            [](int64_t a, int64_t b, unsigned w) { return b == 0 ? 0 : int64_t(low(a, w) / low(b, w)); })
      .Case("arith.remui",
            [](int64_t a, int64_t b, unsigned w) { return b == 0 ? 0 : int64_t(low(a, w) % low(b, w)); })
      .Case("arith.ceildivsi",
            [](int64_t a, int64_t b, unsigned) -> int64_t {
              return b == 0    ? 0
                     : b == -1 ? int64_t(0 - uint64_t(a))
                               : a / b + (a % b != 0 && (a < 0) == (b < 0));
            })
      .Case("arith.floordivsi",
            [](int64_t a, int64_t b, unsigned) -> int64_t {
              return b == 0    ? 0
                     : b == -1 ? int64_t(0 - uint64_t(a))
                               : a / b - (a % b != 0 && (a < 0) != (b < 0));
            })
      .Case("arith.andi", [](int64_t a, int64_t b, unsigned) { return a & b; })
      .Case("arith.ori", [](int64_t a, int64_t b, unsigned) { return a | b; })
      .Case("arith.xori", [](int64_t a, int64_t b, unsigned) { return a ^ b; })
      .Case("arith.shli",
            [](int64_t a, int64_t b, unsigned w) { return b < 0 || b >= w ? 0 : int64_t(uint64_t(a) << b); })
      .Case("arith.shrsi", [](int64_t a, int64_t b, unsigned w) { return a >> (b < 0 || b >= w ? 63 : b); })
      .Case("arith.shrui",
            [](int64_t a, int64_t b, unsigned w) { return b < 0 || b >= w ? 0 : int64_t(low(a, w) >> b); })
      .Case("arith.maxsi", [](int64_t a, int64_t b, unsigned) { return std::max(a, b); })
      .Case("arith.minsi", [](int64_t a, int64_t b, unsigned) { return std::min(a, b); })
      .Case("arith.maxui", [](int64_t a, int64_t b, unsigned w) { return low(a, w) > low(b, w) ? a : b; })
      .Case("arith.minui", [](int64_t a, int64_t b, unsigned w) { return low(a, w) < low(b, w) ? a : b; })
      .Case("tt.mulhiui",
            [](int64_t a, int64_t b, unsigned w) {
              return int64_t(uint64_t((static_cast<unsigned __int128>(low(a, w)) * low(b, w)) >> w));
            })
      .Default(nullptr);
}

std::optional<IndexExpr> evaluateInteger(Operation *op, ArrayRef<IndexExpr> operands,
                                         ArrayRef<int64_t> extents) {
  StringRef name = op->getName().getStringRef();
  unsigned width = getElementTypeOrSelf(op->getResult(0).getType()).getIntOrFloatBitWidth();
  auto fits = [&](const std::optional<IndexExpr> &e) {
    if (!e)
      return false;
    auto r = e->range(extents);
    return r && r->fitsSigned(width);
  };
  if (name == "arith.extsi" || name == "arith.extui" || name == "arith.trunci" ||
      name == "arith.index_cast") {
    unsigned from = getElementTypeOrSelf(op->getOperand(0).getType()).getIntOrFloatBitWidth();
    auto r = operands[0].range(extents);
    // An i1 is known as 0 or 1 here.
    if (name == "arith.extsi" && from == 1)
      return operands[0].scaled(-1, extents);
    if (name == "arith.extsi" || (name == "arith.extui" && r && r->min >= 0) ||
        (name != "arith.extui" && width > 1 && r && r->fitsSigned(width)))
      return operands[0];
    if (name == "arith.extui")
      return IndexExpr::map(operands, extents, [=](ArrayRef<int64_t> v) { return int64_t(low(v[0], from)); });
    return IndexExpr::map(operands, extents, [=](ArrayRef<int64_t> v) {
      return width == 1 ? v[0] & 1 : wrapSigned(v[0], width);
    });
  }
  if (width == 1) { // truth values stay 0 or 1
    PointRule rule = pointRule(name);
    return rule ? IndexExpr::map(operands, extents,
                                 [=](ArrayRef<int64_t> v) { return rule(v[0], v[1], 1) & 1; })
                : std::nullopt;
  }
  std::optional<IndexExpr> affine;
  if (name == "arith.addi")
    affine = IndexExpr::add(operands[0], operands[1], extents);
  else if (name == "arith.subi")
    affine = IndexExpr::subtract(operands[0], operands[1], extents);
  else if (name == "arith.muli" && operands[1].isConstant())
    affine = operands[0].scaled(operands[1].offset, extents);
  else if (name == "arith.muli" && operands[0].isConstant())
    affine = operands[1].scaled(operands[0].offset, extents);
  else if (name == "arith.shli" && operands[1].isConstant() && operands[1].offset >= 0 &&
           operands[1].offset < 62)
    affine = operands[0].scaled(int64_t(1) << operands[1].offset, extents);
  if (fits(affine))
    return affine;
  if (PointRule rule = pointRule(name))
    return IndexExpr::map(operands, extents,
                          [=](ArrayRef<int64_t> v) { return wrapSigned(rule(v[0], v[1], width), width); });
  return std::nullopt;
}

std::optional<Condition> evaluateComparison(arith::CmpIPredicate predicate, unsigned width,
                                            const IndexExpr &a, const IndexExpr &b,
                                            ArrayRef<int64_t> extents) {
  using P = arith::CmpIPredicate;
  auto ra = a.range(extents), rb = b.range(extents);
  if (!ra || !rb)
    return std::nullopt;
  bool isUnsigned = predicate == P::ult || predicate == P::ule || predicate == P::ugt || predicate == P::uge;
  if (isUnsigned && (ra->min < 0 || rb->min < 0)) {
    auto table = IndexExpr::map({a, b}, extents, [=](ArrayRef<int64_t> v) -> int64_t {
      uint64_t x = low(v[0], width), y = low(v[1], width);
      switch (predicate) {
      case P::ult:
        return x < y;
      case P::ule:
        return x <= y;
      case P::ugt:
        return x > y;
      default:
        return x >= y;
      }
    });
    return table ? std::optional(Condition::fromInteger(*table, extents)) : std::nullopt;
  }
  Condition result;
  auto atLeast = [&](const IndexExpr &x, const IndexExpr &y, int64_t margin) { // x - y - margin >= 0
    auto difference = IndexExpr::subtract(x, y, extents);
    if (!difference)
      return false;
    result.add(*difference + -margin, extents);
    return true;
  };
  bool ok = false;
  switch (predicate) {
  case P::slt:
  case P::ult:
    ok = atLeast(b, a, 1);
    break;
  case P::sle:
  case P::ule:
    ok = atLeast(b, a, 0);
    break;
  case P::sgt:
  case P::ugt:
    ok = atLeast(a, b, 1);
    break;
  case P::sge:
  case P::uge:
    ok = atLeast(a, b, 0);
    break;
  case P::eq:
    ok = atLeast(a, b, 0) && atLeast(b, a, 0);
    break;
  case P::ne: {
    if (ra->max < rb->min || rb->max < ra->min)
      return Condition{};
    if (a == b)
      return Condition::constant(false, extents.size());
    auto table = IndexExpr::map({a, b}, extents, [](ArrayRef<int64_t> v) -> int64_t { return v[0] != v[1]; });
    if (table)
      return Condition::fromInteger(*table, extents);
    break;
  }
  }
  return ok ? std::optional(result) : std::nullopt;
}

// ---- program axes ----

namespace {
/// Scalars of the kernel that depend on program ids, launch constants and nothing else.
class ScalarEvaluator {
public:
  ScalarEvaluator(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box)
      : func(func), signature(signature), box(box) {}

  std::optional<IndexExpr> evaluate(Value value) {
    auto found = cache.find(value);
    if (found != cache.end())
      return found->second;
    auto result = compute(value);
    cache[value] = result;
    return result;
  }

private:
  std::optional<IndexExpr> compute(Value value) {
    unsigned rank = box.extents.size();
    if (!value.getType().isInteger())
      return std::nullopt;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getOwner() != &func.getBody().front())
        return std::nullopt;
      const ArgumentSpec &spec = signature.arguments[argument.getArgNumber()];
      if (spec.kind != ArgumentSpec::Kind::Integer)
        return std::nullopt;
      return IndexExpr::constant(wrapSigned(spec.value, value.getType().getIntOrFloatBitWidth()), rank);
    }
    Operation *op = value.getDefiningOp();
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      APInt v = cast<IntegerAttr>(constant.getValue()).getValue();
      return IndexExpr::constant(value.getType().isInteger(1) ? v.getZExtValue() : v.getSExtValue(), rank);
    }
    if (auto id = dyn_cast<tt::GetProgramIdOp>(op))
      return box.ids[static_cast<unsigned>(id.getAxis())];
    if (auto count = dyn_cast<tt::GetNumProgramsOp>(op))
      return IndexExpr::constant(signature.grid[static_cast<unsigned>(count.getAxis())], rank);
    SmallVector<IndexExpr, 3> operands;
    if (op->getNumOperands() == 0 || op->getNumRegions() != 0 || op->getNumResults() != 1)
      return std::nullopt;
    for (Value operand : op->getOperands()) {
      auto known = evaluate(operand);
      if (!known)
        return std::nullopt;
      operands.push_back(*known);
    }
    if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
      auto condition =
          evaluateComparison(compare.getPredicate(), compare.getLhs().getType().getIntOrFloatBitWidth(),
                             operands[0], operands[1], box.extents);
      return condition ? condition->asInteger(box.extents) : std::nullopt;
    }
    if (isa<arith::SelectOp>(op))
      return IndexExpr::map(operands, box.extents, [](ArrayRef<int64_t> v) { return v[0] ? v[1] : v[2]; });
    return evaluateInteger(op, operands, box.extents);
  }

  tt::FuncOp func;
  const LaunchSignature &signature;
  const ProgramBox &box;
  llvm::DenseMap<Value, std::optional<IndexExpr>> cache;
};

/// A table brought to 0..extent-1 by an affine map, if its values are evenly spaced.
struct Coordinate {
  std::vector<int64_t> values;
  int64_t extent = 0;
  bool operator==(const Coordinate &other) const { return values == other.values; }
};
} // namespace

static std::optional<Coordinate> normalize(std::vector<int64_t> values) {
  int64_t low = *std::min_element(values.begin(), values.end()), step = 0, high = 0;
  for (int64_t &v : values) {
    v -= low;
    step = std::gcd(step, v);
    high = std::max(high, v);
  }
  if (step == 0)
    return std::nullopt;
  for (int64_t &v : values)
    v /= step;
  return Coordinate{std::move(values), high / step + 1};
}

/// For each point of the box spanned by `coordinates` the program that lies there; empty if not one to one.
static std::vector<int64_t> inverse(ArrayRef<const Coordinate *> coordinates, int64_t programs) {
  int64_t size = 1;
  for (const Coordinate *c : coordinates)
    if (__builtin_mul_overflow(size, c->extent, &size) || size > programs)
      return {};
  if (size != programs)
    return {};
  std::vector<int64_t> result(programs, -1);
  for (int64_t p = 0; p < programs; ++p) {
    int64_t point = 0;
    for (const Coordinate *c : coordinates)
      point = point * c->extent + c->values[p];
    if (result[point] != -1)
      return {};
    result[point] = p;
  }
  return result;
}

ProgramBox planProgramBox(tt::FuncOp func, const LaunchSignature &signature) {
  ProgramBox plain;
  SmallVector<int, 3> axisOf(3, -1);
  for (int d = 0; d < 3; ++d)
    if (signature.grid[d] > 1) {
      axisOf[d] = plain.extents.size();
      plain.extents.push_back(signature.grid[d]);
    }
  for (int d = 0; d < 3; ++d)
    plain.ids[d] = axisOf[d] < 0 ? IndexExpr::constant(0, plain.extents.size())
                                 : IndexExpr::axis(plain.extents.size(), axisOf[d]);

  // Scalars that are used by something else than another such scalar, and are not affine.
  ScalarEvaluator evaluator(func, signature, plain);
  for (unsigned axis = 0; axis < plain.extents.size(); ++axis) {
    int64_t programs = plain.extents[axis];
    if (programs > kMaxTableSize)
      continue;
    SmallVector<Coordinate> candidates;
    func.walk([&](Operation *op) {
      for (Value result : op->getResults()) {
        if (candidates.size() >= 16 || result.getType().isInteger(1))
          continue;
        auto known = evaluator.evaluate(result);
        if (!known || known->isAffine())
          continue;
        if (all_of(result.getUsers(), [&](Operation *user) {
              return user->getNumResults() == 1 && evaluator.evaluate(user->getResult(0)).has_value();
            }))
          continue;
        Extents shape(plain.extents.size(), 1);
        shape[axis] = programs;
        if (known->variedShape(plain.extents) != shape)
          continue;
        if (auto coordinate = normalize(known->values(shape)))
          if (!is_contained(candidates, *coordinate))
            candidates.push_back(std::move(*coordinate));
      }
    });
    auto adopt = [&](ArrayRef<const Coordinate *> coordinates) {
      std::vector<int64_t> programAt = inverse(coordinates, programs);
      if (programAt.empty())
        return false;
      // The grid axis gives way to the coordinates; every other axis keeps its place.
      ProgramBox result;
      unsigned added = coordinates.size();
      for (unsigned i = 0; i < plain.extents.size(); ++i) {
        if (i != axis)
          result.extents.push_back(plain.extents[i]);
        else
          for (const Coordinate *c : coordinates)
            result.extents.push_back(c->extent);
      }
      Extents shape(result.extents.size(), 1);
      for (unsigned k = 0; k < added; ++k)
        shape[axis + k] = coordinates[k]->extent;
      for (int d = 0; d < 3; ++d) {
        if (axisOf[d] < 0)
          result.ids[d] = IndexExpr::constant(0, result.extents.size());
        else if (axisOf[d] == static_cast<int>(axis))
          result.ids[d] = IndexExpr::fromValues(shape, programAt);
        else
          result.ids[d] = IndexExpr::axis(
              result.extents.size(), axisOf[d] < static_cast<int>(axis) ? axisOf[d] : axisOf[d] + added - 1);
      }
      plain = result;
      return true;
    };
    for (unsigned i = 0; i < candidates.size(); ++i)
      for (unsigned j = i + 1; j < candidates.size(); ++j)
        if (adopt({&candidates[i], &candidates[j]}))
          return plain;
    for (const Coordinate &candidate : candidates)
      if (adopt({&candidate}))
        return plain;
    for (unsigned i = 0; i < candidates.size(); ++i)
      for (unsigned j = i + 1; j < candidates.size(); ++j)
        for (unsigned k = j + 1; k < candidates.size(); ++k)
          if (adopt({&candidates[i], &candidates[j], &candidates[k]}))
            return plain;
  }
  return plain;
}

} // namespace tmetal
