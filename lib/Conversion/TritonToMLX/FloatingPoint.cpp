// SPDX-License-Identifier: MIT
// Rules of floating-point arithmetic.
#include "FloatArithmetic.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

void raiseCompareFloat(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  auto compare = cast<arith::CmpFOp>(op);
  using P = arith::CmpFPredicate;
  Value a = values.arrayOf(compare.getLhs()), b = values.arrayOf(compare.getRhs());
  auto negate = [&](Value v) { return e.emit<LogicalNotOp>(v); };
  auto different = [&] {
    Value less = e.emit<LessOp>(a, b);
    return e.either(less, e.emit<GreaterOp>(a, b));
  };
  auto unordered = [&] {
    Value nan = e.emit<IsnanOp>(a);
    return e.either(nan, e.emit<IsnanOp>(b));
  };
  Value result;
  switch (compare.getPredicate()) {
  case P::AlwaysFalse:
  case P::AlwaysTrue:
    values.set(op->getResult(0), values.makeCondition(Condition::constant(
                                     compare.getPredicate() == P::AlwaysTrue,
                                     values.extentsOf(op->getResult(0).getType()).size())));
    return;
  case P::OEQ:
    result = e.emit<EqualOp>(a, b);
    break;
  case P::OGT:
    result = e.emit<GreaterOp>(a, b);
    break;
  case P::OGE:
    result = e.emit<GreaterEqualOp>(a, b);
    break;
  case P::OLT:
    result = e.emit<LessOp>(a, b);
    break;
  case P::OLE:
    result = e.emit<LessEqualOp>(a, b);
    break;
  case P::ONE:
    result = different();
    break;
  case P::ORD:
    result = negate(unordered());
    break;
  case P::UEQ:
    result = negate(different());
    break;
  case P::UGT:
    result = negate(e.emit<LessEqualOp>(a, b));
    break;
  case P::UGE:
    result = negate(e.emit<LessOp>(a, b));
    break;
  case P::ULT:
    result = negate(e.emit<GreaterEqualOp>(a, b));
    break;
  case P::ULE:
    result = negate(e.emit<GreaterOp>(a, b));
    break;
  case P::UNE:
    result = e.emit<NotEqualOp>(a, b);
    break;
  case P::UNO:
    result = unordered();
    break;
  }
  values.setArray(op->getResult(0), result);
}

void raiseUnary(Raising &r, Operation *op, UnaryForm form) {
  r.values.setArray(op->getResult(0), form(r.emitter, r.values.arrayOf(op->getOperand(0))));
}

void raiseBinary(Raising &r, Operation *op, BinaryForm form) {
  Value a = r.values.arrayOf(op->getOperand(0)), b = r.values.arrayOf(op->getOperand(1));
  r.values.setArray(op->getResult(0), form(r.emitter, a, b));
}

/// Raises functions for which MLX has no single operation.
void raiseFloatMath(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  SmallVector<Value, 3> args;
  for (Value operand : op->getOperands())
    args.push_back(r.values.arrayOf(operand));
  Value a = args[0];
  Value result = llvm::TypeSwitch<Operation *, Value>(op)
                     .Case([&](math::TruncOp) { return truncate(e, a); })
                     .Case([&](math::Exp2Op) {
                       return e.emit<PowerOp>(e.real(2.0, elementOf(a), shapeOf(a).size()), a);
                     })
                     .Case([&](arith::RemFOp) { return floatRemainder(e, a, args[1]); })
                     .Case([&](arith::MaxNumFOp) { return maxNumber(e, a, args[1]); })
                     .Case([&](arith::MinNumFOp) { return minNumber(e, a, args[1]); })
                     .Case([&](math::CopySignOp) { return copySign(e, a, args[1]); })
                     .Case([&](math::FmaOp) { return fusedMultiplyAdd(e, a, args[1], args[2]); })
                     .Case([&](tt::ClampFOp clamp) {
                       return clamp.getPropagateNan() == tt::PropagateNan::ALL
                                  ? e.emit<MinimumOp>(e.emit<MaximumOp>(a, args[1]), args[2])
                                  : minNumber(e, maxNumber(e, a, args[1]), args[2]);
                     })
                     .Default([](Operation *) { return Value(); });
  if (!result)
    refuse(op, "This floating-point operation has no form in MLX.");
  r.values.setArray(op->getResult(0), result);
}

} // namespace tmetal::raising
