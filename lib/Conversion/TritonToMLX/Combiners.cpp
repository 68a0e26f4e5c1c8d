// SPDX-License-Identifier: MIT
#include "Combiners.h"
#include "FloatArithmetic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

std::optional<Combiner> combinerOf(Operation *op) {
  using Found = std::optional<Combiner>;
  return llvm::TypeSwitch<Operation *, Found>(op)
      .Case<arith::AddIOp, arith::AddFOp>([](auto) { return Combiner::Add; })
      .Case<arith::MulIOp, arith::MulFOp>([](auto) { return Combiner::Multiply; })
      .Case<arith::MaximumFOp>([](auto) { return Combiner::Maximum; })
      .Case<arith::MinimumFOp>([](auto) { return Combiner::Minimum; })
      .Case<arith::MaxNumFOp>([](auto) { return Combiner::MaxNumber; })
      .Case<arith::MinNumFOp>([](auto) { return Combiner::MinNumber; })
      .Case<arith::MaxSIOp>([](auto) { return Combiner::MaxSigned; })
      .Case<arith::MinSIOp>([](auto) { return Combiner::MinSigned; })
      .Case<arith::MaxUIOp>([](auto) { return Combiner::MaxUnsigned; })
      .Case<arith::MinUIOp>([](auto) { return Combiner::MinUnsigned; })
      .Case<arith::AndIOp>([](auto) { return Combiner::And; })
      .Case<arith::OrIOp>([](auto) { return Combiner::Or; })
      .Case<arith::XOrIOp>([](auto) { return Combiner::Xor; })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Combiner> combinerOf(Region &region) {
  Block &block = region.front();
  if (block.getNumArguments() != 2 || !llvm::hasNItems(block, 2))
    return std::nullopt;
  Operation &op = block.front();
  if (op.getNumOperands() != 2 || op.getNumResults() != 1 ||
      block.getTerminator()->getOperand(0) != op.getResult(0))
    return std::nullopt;
  Value a = block.getArgument(0), b = block.getArgument(1);
  if (!((op.getOperand(0) == a && op.getOperand(1) == b) || (op.getOperand(0) == b && op.getOperand(1) == a)))
    return std::nullopt;
  return combinerOf(&op);
}

/// For i1, where true is 1 if unsigned and -1 if signed.
static Value combineTruth(Emitter &e, Combiner combiner, Value a, Value b) {
  switch (combiner) {
  case Combiner::Add:
  case Combiner::Xor:
    return e.emit<NotEqualOp>(a, b);
  case Combiner::Multiply:
  case Combiner::And:
  case Combiner::MinUnsigned:
  case Combiner::MaxSigned:
    return e.emit<LogicalAndOp>(a, b);
  default:
    return e.emit<LogicalOrOp>(a, b);
  }
}

template <typename Op> static Value asUnsigned(Emitter &e, Value a, Value b) {
  Value ua = e.asUnsigned(a);
  return e.asSigned(e.emit<Op>(ua, e.asUnsigned(b)));
}

Value combine(Emitter &e, Combiner combiner, Value a, Value b) {
  if (elementOf(a).isInteger(1))
    return combineTruth(e, combiner, a, b);
  switch (combiner) {
  case Combiner::Add:
    return e.emit<AddOp>(a, b);
  case Combiner::Multiply:
    return e.emit<MultiplyOp>(a, b);
  case Combiner::Maximum:
  case Combiner::MaxSigned:
    return e.emit<MaximumOp>(a, b);
  case Combiner::Minimum:
  case Combiner::MinSigned:
    return e.emit<MinimumOp>(a, b);
  case Combiner::MaxNumber:
    return maxNumber(e, a, b);
  case Combiner::MinNumber:
    return minNumber(e, a, b);
  case Combiner::MaxUnsigned:
    return asUnsigned<MaximumOp>(e, a, b);
  case Combiner::MinUnsigned:
    return asUnsigned<MinimumOp>(e, a, b);
  case Combiner::And:
    return e.emit<BitwiseAndOp>(a, b);
  case Combiner::Or:
    return e.emit<BitwiseOrOp>(a, b);
  case Combiner::Xor:
    return e.emit<BitwiseXorOp>(a, b);
  }
  llvm_unreachable("every combiner is above");
}

bool reducesDirectly(Combiner combiner, Type elementType) {
  bool bitwise = combiner == Combiner::And || combiner == Combiner::Or;
  if (elementType.isInteger(1))
    return bitwise;
  return !bitwise && combiner != Combiner::Xor;
}

/// MLX propagates NaN, so NaN is replaced by the neutral element first, and
/// restored where there was no number.
template <typename Op> static Value reduceNumbers(Emitter &e, Value a, int64_t axis, double neutral) {
  Type type = elementOf(a);
  unsigned rank = shapeOf(a).size();
  Value nan = e.emit<IsnanOp>(a);
  Value clean = e.where(nan, e.real(neutral, type, rank), a);
  Value result = e.emit<Op>(clean, axis);
  return e.where(e.emit<AllOp>(nan, axis), e.real(std::numeric_limits<double>::quiet_NaN(), type, rank),
                 result);
}

Value reduce(Emitter &e, Combiner combiner, Value a, unsigned axis) {
  Type type = elementOf(a);
  int64_t at = axis;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (combiner) {
  case Combiner::Add:
    // Sums half types in f32, because MLX would round at every step.
    if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32)
      return e.convert(e.emit<SumOp>(e.convert(a, e.f32()), at), type);
    return e.emit<SumOp>(a, at);
  case Combiner::Multiply:
    return e.emit<ProdOp>(a, at);
  case Combiner::Maximum:
  case Combiner::MaxSigned:
    return e.emit<MaxOp>(a, at);
  case Combiner::Minimum:
  case Combiner::MinSigned:
    return e.emit<MinOp>(a, at);
  case Combiner::MaxNumber:
    return reduceNumbers<MaxOp>(e, a, at, -infinity);
  case Combiner::MinNumber:
    return reduceNumbers<MinOp>(e, a, at, infinity);
  case Combiner::MaxUnsigned:
    return e.asSigned(e.emit<MaxOp>(e.asUnsigned(a), at));
  case Combiner::MinUnsigned:
    return e.asSigned(e.emit<MinOp>(e.asUnsigned(a), at));
  case Combiner::And:
    return e.emit<AllOp>(a, at);
  case Combiner::Or:
    return e.emit<AnyOp>(a, at);
  case Combiner::Xor:
    break;
  }
  llvm_unreachable("MLX has no such reduction");
}

Value reduceByHalves(Emitter &e, Combiner combiner, Value a, unsigned axis) {
  if (reducesDirectly(combiner, elementOf(a)))
    return reduce(e, combiner, a, axis);
  int64_t extent = shapeOf(a)[axis];
  while (extent > 1) {
    int64_t half = extent / 2;
    Value first = e.sliceAxis(a, axis, 0, half), second = e.sliceAxis(a, axis, half, 2 * half);
    Value both = combine(e, combiner, first, second);
    a = extent % 2 ? e.concatenate({both, e.sliceAxis(a, axis, 2 * half, extent)}, axis) : both;
    extent = half + extent % 2;
  }
  return a;
}

Value scanDirectly(Emitter &e, Combiner combiner, Value a, unsigned axis, bool reverse) {
  Type type = elementOf(a);
  bool rounds = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  if (rounds || type.isInteger(1))
    return {};
  switch (combiner) {
  case Combiner::Add:
    return e.emit<CumsumOp>(a, axis, reverse);
  case Combiner::Multiply:
    return e.emit<CumprodOp>(a, axis, reverse);
  case Combiner::MaxSigned:
    return e.emit<CummaxOp>(a, axis, reverse);
  case Combiner::MinSigned:
    return e.emit<CumminOp>(a, axis, reverse);
  default:
    return {};
  }
}

} // namespace tmetal::raising
