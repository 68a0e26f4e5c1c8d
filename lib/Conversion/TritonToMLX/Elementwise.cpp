// SPDX-License-Identifier: MIT
// Rules of constants, integers, comparisons and selections.
#include "Combiners.h"
#include "FloatConversion.h"
#include "IntegerArithmetic.h"
#include "KnownIntegers.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

void raiseConstant(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Value result = op->getResult(0);
  Attribute value = op->getAttr("value");
  Type element = getElementTypeOrSelf(result.getType());
  unsigned rank = values.extentsOf(result.getType()).size();
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (dense && dense.isSplat())
    value = dense.getSplatValue<Attribute>();
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    if (element.isInteger(1))
      values.set(result, values.makeCondition(Condition::constant(!integer.getValue().isZero(), rank)));
    else
      values.setIndex(result, IndexExpr::constant(integer.getValue().getSExtValue(), rank));
    return;
  }
  if (auto number = dyn_cast<FloatAttr>(value)) {
    values.setArray(result, e.scalar(number, element, rank));
    return;
  }
  Extents shape(values.programRank(), 1);
  llvm::append_range(shape, blockShape(result.getType()));
  if (dense && isa<IntegerType>(element)) {
    std::vector<int64_t> all;
    for (APInt v : dense.getValues<APInt>())
      all.push_back(element.isInteger(1) ? v.getZExtValue() : v.getSExtValue());
    values.setKnown(result, IndexExpr::fromValues(shape, std::move(all)));
    return;
  }
  if (dense) {
    values.setArray(result, e.emit<ConstantOp>(dense.reshape(RankedTensorType::get(shape, element))));
    return;
  }
  refuse(op, "A constant of type " + typeName(result.getType()) + " is not supported.");
}

void raisePoison(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Value result = op->getResult(0);
  Type element = getElementTypeOrSelf(result.getType());
  unsigned rank = values.extentsOf(result.getType()).size();
  if (element.isInteger(1))
    values.set(result, values.makeCondition(Condition::constant(false, rank)));
  else if (element.isIntOrIndex())
    values.setIndex(result, IndexExpr::constant(0, rank));
  else if (isa<FloatType>(element))
    values.setArray(result, e.real(0.0, element, rank));
  else
    refuse(op, "An undefined value of type " + typeName(result.getType()) + " is not supported.");
}

static Value integerForm(Emitter &e, Operation *op, ArrayRef<Value> operands) {
  Value a = operands[0], b = operands.size() > 1 ? operands[1] : Value();
  if (auto combiner = combinerOf(op))
    return combine(e, *combiner, a, b);
  if (elementOf(a).isInteger(1)) {
    if (isa<arith::SubIOp>(op))
      return e.emit<NotEqualOp>(a, b);
    refuse(op, "This operation is not defined on i1.");
  }
  auto unsignedDivision = [&](bool remainder) {
    Value ua = e.asUnsigned(a);
    return e.asSigned(divideUnsigned(e, ua, e.asUnsigned(b), remainder));
  };
  Value result = llvm::TypeSwitch<Operation *, Value>(op)
                     .Case([&](arith::SubIOp) { return e.emit<SubtractOp>(a, b); })
                     .Case([&](arith::DivSIOp) { return divideTruncating(e, a, b, false); })
                     .Case([&](arith::RemSIOp) { return divideTruncating(e, a, b, true); })
                     .Case([&](arith::DivUIOp) { return unsignedDivision(false); })
                     .Case([&](arith::RemUIOp) { return unsignedDivision(true); })
                     .Case([&](arith::FloorDivSIOp) { return divideFloor(e, a, b); })
                     .Case([&](arith::CeilDivSIOp) { return divideCeil(e, a, b); })
                     .Case([&](arith::ShLIOp) { return e.emit<LeftShiftOp>(a, b); })
                     .Case([&](arith::ShRSIOp) { return e.emit<RightShiftOp>(a, b); })
                     .Case([&](arith::ShRUIOp) { return shiftRightUnsigned(e, a, b); })
                     .Case([&](tt::MulhiUIOp) { return multiplyHigh(e, a, b, /*isSigned=*/false); })
                     .Case([&](math::AbsIOp) { return absolute(e, a); })
                     .Case([&](math::CtPopOp) { return countOnes(e, a); })
                     .Case([&](math::CountLeadingZerosOp) { return countLeadingZeros(e, a); })
                     .Case([&](math::CountTrailingZerosOp) { return countTrailingZeros(e, a); })
                     .Default([](Operation *) { return Value(); });
  if (!result)
    refuse(op, "This integer operation has no form in MLX.");
  return result;
}

void raiseInteger(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Value result = op->getResult(0);
  Type element = getElementTypeOrSelf(result.getType());
  Extents extents = values.extentsOf(result.getType());
  if (element.isInteger(1) && isa<arith::AndIOp>(op)) {
    values.set(result,
               values.conjunction(values.get(op->getOperand(0)), values.get(op->getOperand(1)), extents));
    return;
  }
  SmallVector<IndexExpr, 2> known;
  for (Value operand : op->getOperands())
    if (auto index = values.knownInteger(operand))
      known.push_back(*index);
  if (known.size() == op->getNumOperands())
    if (auto index = evaluateInteger(op, known, extents)) {
      values.setKnown(result, *index);
      return;
    }
  SmallVector<Value, 2> arrays;
  for (Value operand : op->getOperands())
    arrays.push_back(values.arrayOf(operand));
  values.setArray(result, integerForm(e, op, arrays));
}

void raiseExtendedMultiply(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Value a = values.arrayOf(op->getOperand(0)), b = values.arrayOf(op->getOperand(1));
  values.setArray(op->getResult(0), e.emit<MultiplyOp>(a, b));
  bool isBit = elementOf(a).isInteger(1);
  // One bit: 1 is the product of two ones, also where they stand for -1.
  Value high = isBit ? e.emit<NotEqualOp>(a, a) : multiplyHigh(e, a, b, isa<arith::MulSIExtendedOp>(op));
  values.setArray(op->getResult(1), high);
}

using P = arith::CmpIPredicate;

static bool isSigned(P predicate) {
  return predicate == P::slt || predicate == P::sle || predicate == P::sgt || predicate == P::sge;
}
static bool isUnsigned(P predicate) {
  return predicate == P::ult || predicate == P::ule || predicate == P::ugt || predicate == P::uge;
}

static BinaryForm comparison(P predicate) {
  switch (predicate) {
  case P::eq:
    return &binary<EqualOp>;
  case P::ne:
    return &binary<NotEqualOp>;
  case P::slt:
  case P::ult:
    return &binary<LessOp>;
  case P::sle:
  case P::ule:
    return &binary<LessEqualOp>;
  case P::sgt:
  case P::ugt:
    return &binary<GreaterOp>;
  case P::sge:
  case P::uge:
    return &binary<GreaterEqualOp>;
  }
  llvm_unreachable("every predicate is above");
}

void raiseCompareInteger(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  auto compare = cast<arith::CmpIOp>(op);
  Extents extents = values.extentsOf(op->getResult(0).getType());
  Type element = getElementTypeOrSelf(compare.getLhs().getType());
  auto a = values.knownInteger(compare.getLhs()), b = values.knownInteger(compare.getRhs());
  if (a && b && (!element.isInteger(1) || compare.getPredicate() == P::eq || compare.getPredicate() == P::ne))
    if (auto condition =
            evaluateComparison(compare.getPredicate(), element.getIntOrFloatBitWidth(), *a, *b, extents)) {
      values.set(op->getResult(0), values.makeCondition(*condition));
      return;
    }
  Value x = values.arrayOf(compare.getLhs()), y = values.arrayOf(compare.getRhs());
  if (element.isInteger(1)) { // MLX orders false before true, but true is -1 as a signed i1
    if (isSigned(compare.getPredicate()))
      std::swap(x, y);
    x = e.convert(x, e.i32());
    y = e.convert(y, e.i32());
  }
  if (isUnsigned(compare.getPredicate()) && !element.isInteger(1)) {
    x = e.asUnsigned(x);
    y = e.asUnsigned(y);
  }
  values.setArray(op->getResult(0), comparison(compare.getPredicate())(e, x, y));
}

void raiseSelect(Raising &r, Operation *op) {
  Values &values = r.values;
  auto select = cast<arith::SelectOp>(op);
  Val condition = values.get(select.getCondition());
  condition = values.widened(condition, values.extentsOf(select.getType()).size());
  values.set(op->getResult(0), values.select(condition, values.get(select.getTrueValue()),
                                             values.get(select.getFalseValue()), select.getType(), op));
}

} // namespace tmetal::raising
