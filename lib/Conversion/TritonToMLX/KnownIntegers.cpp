// SPDX-License-Identifier: MIT
// Evaluates integers and comparisons whose operands are known at raising time.
#include "KnownIntegers.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

static uint64_t low(int64_t value, unsigned width) {
  return width >= 64 ? static_cast<uint64_t>(value)
                     : static_cast<uint64_t>(value) & ((uint64_t(1) << width) - 1);
}

using PointRule = int64_t (*)(int64_t a, int64_t b, unsigned width);

/// The function of an operation on signed values of `width` bits; the caller wraps the result. Division by
/// zero has no defined result and gives 0.
static PointRule pointRule(Operation *op) {
  if (isa<arith::AddIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) + uint64_t(b)); };
  if (isa<arith::SubIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) - uint64_t(b)); };
  if (isa<arith::MulIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return int64_t(uint64_t(a) * uint64_t(b)); };
  if (isa<arith::DivSIOp>(op))
    return [](int64_t a, int64_t b, unsigned) {
      return b == 0 ? 0 : b == -1 ? int64_t(0 - uint64_t(a)) : a / b;
    };
  if (isa<arith::RemSIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return b == 0 || b == -1 ? 0 : a % b; };
  if (isa<arith::DivUIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return b == 0 ? 0 : int64_t(low(a, w) / low(b, w)); };
  if (isa<arith::RemUIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return b == 0 ? 0 : int64_t(low(a, w) % low(b, w)); };
  if (isa<arith::CeilDivSIOp>(op))
    return [](int64_t a, int64_t b, unsigned) -> int64_t {
      return b == 0 ? 0 : b == -1 ? int64_t(0 - uint64_t(a)) : a / b + (a % b != 0 && (a < 0) == (b < 0));
    };
  if (isa<arith::FloorDivSIOp>(op))
    return [](int64_t a, int64_t b, unsigned) -> int64_t {
      return b == 0 ? 0 : b == -1 ? int64_t(0 - uint64_t(a)) : a / b - (a % b != 0 && (a < 0) != (b < 0));
    };
  if (isa<arith::AndIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return a & b; };
  if (isa<arith::OrIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return a | b; };
  if (isa<arith::XOrIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return a ^ b; };
  if (isa<arith::ShLIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return b < 0 || b >= w ? 0 : int64_t(uint64_t(a) << b); };
  if (isa<arith::ShRSIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return a >> (b < 0 || b >= w ? 63 : b); };
  if (isa<arith::ShRUIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return b < 0 || b >= w ? 0 : int64_t(low(a, w) >> b); };
  if (isa<arith::MaxSIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return std::max(a, b); };
  if (isa<arith::MinSIOp>(op))
    return [](int64_t a, int64_t b, unsigned) { return std::min(a, b); };
  if (isa<arith::MaxUIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return low(a, w) > low(b, w) ? a : b; };
  if (isa<arith::MinUIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) { return low(a, w) < low(b, w) ? a : b; };
  if (isa<tt::MulhiUIOp>(op))
    return [](int64_t a, int64_t b, unsigned w) {
      return int64_t(uint64_t((static_cast<unsigned __int128>(low(a, w)) * low(b, w)) >> w));
    };
  return nullptr;
}

std::optional<IndexExpr> evaluateInteger(Operation *op, ArrayRef<IndexExpr> operands,
                                         ArrayRef<int64_t> extents) {
  unsigned width = getElementTypeOrSelf(op->getResult(0).getType()).getIntOrFloatBitWidth();
  auto fits = [&](const std::optional<IndexExpr> &e) {
    if (!e)
      return false;
    auto r = e->range(extents);
    return r && r->fitsSigned(width);
  };
  if (isa<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::IndexCastOp>(op)) {
    bool isSigned = isa<arith::ExtSIOp>(op), isUnsigned = isa<arith::ExtUIOp>(op);
    unsigned from = getElementTypeOrSelf(op->getOperand(0).getType()).getIntOrFloatBitWidth();
    auto r = operands[0].range(extents);
    // A known i1 is stored as 0 or 1.
    if (isSigned && from == 1)
      return operands[0].scaled(-1, extents);
    if (isSigned || (isUnsigned && r && r->min >= 0) ||
        (!isUnsigned && width > 1 && r && r->fitsSigned(width)))
      return operands[0];
    if (isUnsigned)
      return IndexExpr::map(operands, extents, [=](ArrayRef<int64_t> v) { return int64_t(low(v[0], from)); });
    return IndexExpr::map(operands, extents, [=](ArrayRef<int64_t> v) {
      return width == 1 ? v[0] & 1 : wrapSigned(v[0], width);
    });
  }
  if (width == 1) { // truth values are 0 or 1
    PointRule rule = pointRule(op);
    return rule ? IndexExpr::map(operands, extents,
                                 [=](ArrayRef<int64_t> v) { return rule(v[0], v[1], 1) & 1; })
                : std::nullopt;
  }
  std::optional<IndexExpr> affine;
  if (isa<arith::AddIOp>(op))
    affine = IndexExpr::add(operands[0], operands[1], extents);
  else if (isa<arith::SubIOp>(op))
    affine = IndexExpr::subtract(operands[0], operands[1], extents);
  else if (isa<arith::MulIOp>(op) && operands[1].isConstant())
    affine = operands[0].scaled(operands[1].offset, extents);
  else if (isa<arith::MulIOp>(op) && operands[0].isConstant())
    affine = operands[1].scaled(operands[0].offset, extents);
  else if (isa<arith::ShLIOp>(op) && operands[1].isConstant() && operands[1].offset >= 0 &&
           operands[1].offset < 62)
    affine = operands[0].scaled(int64_t(1) << operands[1].offset, extents);
  if (fits(affine))
    return affine;
  if (PointRule rule = pointRule(op))
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
  auto byTable = [&]() -> std::optional<Condition> {
    auto table = IndexExpr::map({a, b}, extents, [=](ArrayRef<int64_t> v) -> int64_t {
      return arith::applyCmpPredicate(predicate, APInt(64, low(v[0], isUnsigned ? width : 64)),
                                      APInt(64, low(v[1], isUnsigned ? width : 64)));
    });
    return table ? std::optional(Condition::fromInteger(*table, extents)) : std::nullopt;
  };
  if (isUnsigned && (ra->min < 0 || rb->min < 0))
    return byTable();
  Condition result;
  auto atLeast = [&](const IndexExpr &x, const IndexExpr &y, int64_t margin) { // x - y - margin >= 0
    auto difference = IndexExpr::subtract(x, y, extents);
    if (difference && margin != 0)
      difference = IndexExpr::add(*difference, IndexExpr::constant(-margin, x.rank()), extents);
    if (difference)
      result.add(*difference, extents);
    return difference.has_value();
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
    return byTable();
  }
  }
  // The difference of two 64-bit integers may not be one.
  return ok ? std::optional(result) : byTable();
}

} // namespace tmetal::raising
