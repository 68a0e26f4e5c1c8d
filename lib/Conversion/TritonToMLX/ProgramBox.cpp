// SPDX-License-Identifier: MIT
// Chooses the program axes.
#include "ProgramBox.h"
#include "KnownIntegers.h"

#include "llvm/ADT/DenseMap.h"

#include <numeric>

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

namespace {
/// Evaluates scalars of the kernel that depend only on program ids and launch constants.
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

/// A table that an affine map has brought to 0..extent-1, which takes evenly spaced values.
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

/// The program at each point of the box that `coordinates` span; empty if the mapping is not one to one.
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

  // Candidates are scalars that are not affine and have a user that is not such a scalar itself.
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
      // The coordinates replace the grid axis; every other axis keeps its place.
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

} // namespace tmetal::raising
