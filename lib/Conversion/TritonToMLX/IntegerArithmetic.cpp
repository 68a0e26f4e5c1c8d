// SPDX-License-Identifier: MIT
#include "IntegerArithmetic.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

Value divideUnsigned(Emitter &e, Value a, Value b, bool remainder) {
  // Dividing by 0 has no defined result, but must not trap in a masked lane.
  Type type = elementOf(b);
  unsigned rank = shapeOf(b).size();
  Value safe = e.emit<MaximumOp>(b, e.integer(1, type, rank));
  Value quotient = e.emit<FloorDivideOp>(a, safe);
  if (!remainder)
    return quotient;
  return e.emit<SubtractOp>(a, e.emit<MultiplyOp>(quotient, safe));
}

Value divideTruncating(Emitter &e, Value a, Value b, bool remainder) {
  // Divides magnitudes, so that the result is rounded toward zero, and INT_MIN /
  // -1 wraps instead of trapping.
  Type type = elementOf(a);
  unsigned rank = shapeOf(a).size();
  Value zero = e.integer(0, type, rank);
  Value aNegative = e.emit<LessOp>(a, zero), bNegative = e.emit<LessOp>(b, zero);
  auto magnitude = [&](Value v, Value negative) {
    return e.asUnsigned(e.where(negative, e.emit<NegativeOp>(v), v));
  };
  Value result = e.asSigned(divideUnsigned(e, magnitude(a, aNegative), magnitude(b, bNegative), remainder));
  Value flip = remainder ? aNegative : e.emit<NotEqualOp>(aNegative, bNegative);
  return e.where(flip, e.emit<NegativeOp>(result), result);
}

Value multiplyHigh(Emitter &e, Value a, Value b, bool isSigned) {
  unsigned width = cast<IntegerType>(elementOf(a)).getWidth(), rank = shapeOf(a).size();
  Type type = elementOf(a);
  if (width < 64) {
    Type wide = isSigned ? Type(e.i64()) : e.unsignedType(64);
    auto widen = [&](Value v) { return e.convert(isSigned ? v : e.asUnsigned(v), wide); };
    Value product = e.emit<MultiplyOp>(widen(a), widen(b));
    Value high = e.emit<RightShiftOp>(product, e.integer(width, wide, rank));
    return isSigned ? e.convert(high, type) : e.asSigned(e.convert(high, e.unsignedType(width)));
  }
  Type u64 = e.unsignedType(64);
  Value mask = e.integer(0xffffffff, u64, rank), half = e.integer(32, u64, rank);
  Value ua = e.asUnsigned(a), ub = e.asUnsigned(b);
  Value aLow = e.emit<BitwiseAndOp>(ua, mask), aHigh = e.emit<RightShiftOp>(ua, half);
  Value bLow = e.emit<BitwiseAndOp>(ub, mask), bHigh = e.emit<RightShiftOp>(ub, half);
  Value cross = e.emit<AddOp>(e.emit<MultiplyOp>(aHigh, bLow),
                              e.emit<RightShiftOp>(e.emit<MultiplyOp>(aLow, bLow), half));
  Value cross2 = e.emit<AddOp>(e.emit<MultiplyOp>(aLow, bHigh), e.emit<BitwiseAndOp>(cross, mask));
  Value high =
      e.emit<AddOp>(e.emit<MultiplyOp>(aHigh, bHigh),
                    e.emit<AddOp>(e.emit<RightShiftOp>(cross, half), e.emit<RightShiftOp>(cross2, half)));
  high = e.asSigned(high);
  if (!isSigned)
    return high;
  // Turns the unsigned result into the signed one: subtracts b where a < 0, and a where b < 0.
  Value zero = e.integer(0, type, rank);
  high = e.emit<SubtractOp>(high, e.where(e.emit<LessOp>(a, zero), b, zero));
  return e.emit<SubtractOp>(high, e.where(e.emit<LessOp>(b, zero), a, zero));
}

Value shiftRightUnsigned(Emitter &e, Value a, Value amount) {
  Value ua = e.asUnsigned(a);
  return e.asSigned(e.emit<RightShiftOp>(ua, e.asUnsigned(amount)));
}

/// 1 where a quotient rounded toward zero is inexact and the signs of the operands differ (or agree), else 0.
static Value roundedUp(Emitter &e, Value a, Value b, bool signsDiffer) {
  Value remainder = divideTruncating(e, a, b, true);
  Value zero = e.integer(0, elementOf(a), shapeOf(a).size());
  Value inexact = e.emit<NotEqualOp>(remainder, zero);
  Value aNegative = e.emit<LessOp>(a, zero), bNegative = e.emit<LessOp>(b, zero);
  Value signs =
      signsDiffer ? e.emit<NotEqualOp>(aNegative, bNegative) : e.emit<EqualOp>(aNegative, bNegative);
  return e.convert(e.both(inexact, signs), elementOf(a));
}

Value divideFloor(Emitter &e, Value a, Value b) {
  Value quotient = divideTruncating(e, a, b, false);
  return e.emit<SubtractOp>(quotient, roundedUp(e, a, b, true));
}

Value divideCeil(Emitter &e, Value a, Value b) {
  Value quotient = divideTruncating(e, a, b, false);
  return e.emit<AddOp>(quotient, roundedUp(e, a, b, false));
}

Value absolute(Emitter &e, Value a) {
  return e.where(e.emit<LessOp>(a, e.integer(0, elementOf(a), shapeOf(a).size())), e.emit<NegativeOp>(a), a);
}

/// Counts the ones of an unsigned array, bit by bit.
static Value sumOfBits(Emitter &e, Value bits) {
  Type type = elementOf(bits);
  auto constant = [&](int64_t v) { return e.integer(v, type, shapeOf(bits).size()); };
  Value count = constant(0);
  for (unsigned s = 0; s < type.getIntOrFloatBitWidth(); ++s)
    count = e.emit<AddOp>(count, e.emit<BitwiseAndOp>(e.emit<RightShiftOp>(bits, constant(s)), constant(1)));
  return count;
}

Value countOnes(Emitter &e, Value a) { return e.asSigned(sumOfBits(e, e.asUnsigned(a))); }

Value countLeadingZeros(Emitter &e, Value a) {
  Value bits = e.asUnsigned(a);
  Type type = elementOf(bits);
  unsigned width = type.getIntOrFloatBitWidth(), rank = shapeOf(a).size();
  // Copies the top bit into all lower bits; the zeros that are left are the leading ones.
  for (unsigned s = 1; s < width; s *= 2)
    bits = e.emit<BitwiseOrOp>(bits, e.emit<RightShiftOp>(bits, e.integer(s, type, rank)));
  Value count = sumOfBits(e, bits);
  return e.asSigned(e.emit<SubtractOp>(e.integer(width, type, rank), count));
}

Value countTrailingZeros(Emitter &e, Value a) {
  Value bits = e.asUnsigned(a);
  // A mask of the bits below the lowest set bit.
  Value inverted = e.emit<BitwiseInvertOp>(bits), one = e.integer(1, elementOf(bits), shapeOf(a).size());
  Value below = e.emit<BitwiseAndOp>(inverted, e.emit<SubtractOp>(bits, one));
  return e.asSigned(sumOfBits(e, below));
}

} // namespace tmetal::raising
