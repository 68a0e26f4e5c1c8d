// SPDX-License-Identifier: MIT
#include "FloatArithmetic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

Value copySign(Emitter &e, Value magnitude, Value sign) {
  Type type = elementOf(magnitude), bits = e.unsignedType(type.getIntOrFloatBitWidth());
  unsigned rank = shapeOf(magnitude).size();
  Value top = e.integer(int64_t(uint64_t(1) << (type.getIntOrFloatBitWidth() - 1)), bits, rank);
  Value rest = e.emit<BitwiseAndOp>(e.bits(magnitude, bits), e.emit<BitwiseInvertOp>(top));
  Value merged = e.emit<BitwiseOrOp>(rest, e.emit<BitwiseAndOp>(e.bits(sign, bits), top));
  return e.bits(merged, type);
}

Value floatRemainder(Emitter &e, Value a, Value b) {
  Value x = e.emit<AbsOp>(a), y = e.emit<AbsOp>(b);
  Value r = e.emit<RemainderOp>(x, y);
  r = e.where(e.emit<LessOp>(x, y), x, r); // also right for an infinite divisor
  return e.where(e.emit<IsnanOp>(r), r, copySign(e, r, a));
}

Value truncate(Emitter &e, Value a) {
  Value zero = e.real(0.0, elementOf(a), shapeOf(a).size());
  return e.where(e.emit<LessOp>(a, zero), e.emit<CeilOp>(a), e.emit<FloorOp>(a));
}

/// a + b and what its rounding lost: D. E. Knuth's TwoSum.
static std::pair<Value, Value> exactSum(Emitter &e, Value a, Value b) {
  Value sum = e.emit<AddOp>(a, b);
  Value part = e.emit<SubtractOp>(sum, a);
  Value lost = e.emit<AddOp>(e.emit<SubtractOp>(a, e.emit<SubtractOp>(sum, part)), e.emit<SubtractOp>(b, part));
  return {sum, lost};
}

/// a + b, where an inexact sum has an odd last bit, so that rounding it once more gives what rounding the exact sum
/// gives: S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding
/// to odd", IEEE Transactions on Computers 57 (2008).
static Value sumRoundedToOdd(Emitter &e, Value a, Value b) {
  auto [sum, lost] = exactSum(e, a, b);
  Type type = elementOf(sum), integer = IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth());
  unsigned rank = shapeOf(sum).size();
  Value zero = e.real(0.0, type, rank), one = e.integer(1, integer, rank);
  Value bits = e.bits(sum, integer);
  Value isEven = e.emit<EqualOp>(e.emit<BitwiseAndOp>(bits, one), e.integer(0, integer, rank));
  Value isAway = e.emit<EqualOp>(e.emit<GreaterOp>(lost, zero), e.emit<GreaterOp>(sum, zero));
  Value odd = e.emit<AddOp>(bits, e.where(isAway, one, e.integer(-1, integer, rank)));
  Value infinity = e.real(std::numeric_limits<double>::infinity(), type, rank);
  Value isFinite = e.emit<LessOp>(e.emit<AbsOp>(sum), infinity);
  Value isInexact = e.both(isFinite, e.emit<NotEqualOp>(lost, zero));
  return e.where(e.both(isInexact, isEven), e.bits(odd, type), sum);
}

Value fusedMultiplyAdd(Emitter &e, Value a, Value b, Value c) {
  Type type = elementOf(a), f32 = e.f32();
  if (type.getIntOrFloatBitWidth() < 32) { // products of half-width numbers are exact in f32
    Value product = e.emit<MultiplyOp>(e.convert(a, f32), e.convert(b, f32));
    return e.convert(sumRoundedToOdd(e, product, e.convert(c, f32)), type);
  }
  // The error of the product: T. J. Dekker, "A floating-point technique for extending the available precision",
  // Numerische Mathematik 18 (1971).
  unsigned rank = shapeOf(a).size();
  Value splitter = e.real(type.isF64() ? 134217729.0 : 4097.0, type, rank);
  auto split = [&](Value v) -> std::pair<Value, Value> {
    Value scaled = e.emit<MultiplyOp>(v, splitter);
    Value high = e.emit<SubtractOp>(scaled, e.emit<SubtractOp>(scaled, v));
    return {high, e.emit<SubtractOp>(v, high)};
  };
  Value product = e.emit<MultiplyOp>(a, b);
  auto [aHigh, aLow] = split(a);
  auto [bHigh, bLow] = split(b);
  Value productLost = e.emit<SubtractOp>(e.emit<MultiplyOp>(aHigh, bHigh), product);
  productLost = e.emit<AddOp>(productLost, e.emit<MultiplyOp>(aHigh, bLow));
  productLost = e.emit<AddOp>(productLost, e.emit<MultiplyOp>(aLow, bHigh));
  productLost = e.emit<AddOp>(productLost, e.emit<MultiplyOp>(aLow, bLow));
  auto [low, lowLost] = exactSum(e, c, productLost);
  auto [high, highLost] = exactSum(e, product, low);
  Value fused = e.emit<AddOp>(high, sumRoundedToOdd(e, lowLost, highLost));
  // The plain result is kept where the splitting overflowed, for infinities and NaN, and where the product is exact,
  // since adding an error of 0 would turn -0 into 0.
  Value plain = e.emit<AddOp>(product, c);
  Value infinity = e.real(std::numeric_limits<double>::infinity(), type, rank);
  auto isFinite = [&](Value v) { return e.emit<LessOp>(e.emit<AbsOp>(v), infinity); };
  Value isInexact = e.emit<NotEqualOp>(productLost, e.real(0.0, type, rank));
  Value value = e.where(e.both(isFinite(fused), isInexact), fused, plain);
  // A product that overflows does not make NaN of an infinite addend.
  return e.where(e.both(e.emit<IsinfOp>(c), e.both(isFinite(a), isFinite(b))), c, value);
}

/// A function of f32 applied to a narrower type, so that the result is rounded to that type only once.
static Value inSingle(Emitter &e, Value a, UnaryForm function) {
  return e.convert(function(e, e.convert(a, e.f32())), elementOf(a));
}

Value errorFunction(Emitter &e, Value a) {
  Type type = elementOf(a);
  if (type.getIntOrFloatBitWidth() < 32)
    return inSingle(e, a, &errorFunction);
  unsigned rank = shapeOf(a).size();
  auto number = [&](double v) { return e.real(v, type, rank); };
  Value square = e.emit<MultiplyOp>(a, a), magnitude = e.emit<AbsOp>(a);
  if (!type.isF64()) {
    // MLX's erf has an absolute error near 1e-7; below 1 the Taylor series keeps the relative error small.
    Value series = number(0.0);
    for (int n = 11; n >= 0; --n) {
      double coefficient =
          2.0 / std::sqrt(M_PI) * (n % 2 ? -1.0 : 1.0) / (std::tgamma(n + 1.0) * (2 * n + 1));
      series = e.emit<AddOp>(e.emit<MultiplyOp>(series, square), number(coefficient));
    }
    return e.where(e.emit<LessOp>(magnitude, number(1.0)), e.emit<MultiplyOp>(a, series), e.emit<ErfOp>(a));
  }
  // MLX computes erf of f64 in f32. Uses erf(x) = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!, where all
  // terms are positive (Abramowitz and Stegun 7.1.6); beyond 6 the result is 1.
  Value clipped = e.emit<MinimumOp>(magnitude, number(6.0));
  Value z = e.emit<MultiplyOp>(clipped, clipped), series = number(1.0);
  for (int n = 130; n >= 1; --n)
    series = e.emit<AddOp>(e.emit<MultiplyOp>(e.emit<MultiplyOp>(series, z), number(2.0 / (2 * n + 1))),
                           number(1.0));
  Value value = e.emit<MultiplyOp>(e.emit<MultiplyOp>(number(2.0 / std::sqrt(M_PI)), clipped),
                                   e.emit<MultiplyOp>(exponential(e, e.emit<NegativeOp>(z)), series));
  value = e.where(e.emit<GreaterEqualOp>(magnitude, number(6.0)), number(1.0), value);
  return e.where(e.emit<IsnanOp>(a), a, copySign(e, value, a));
}

// MLX computes exp, sin and cos of f64 in f32, and sin of f32 only to an absolute error. Its expm1 and tan
// are accurate to the last places.

Value exponential(Emitter &e, Value a) {
  Type type = elementOf(a);
  if (!type.isF64())
    return e.emit<ExpOp>(a);
  // Computes exp(|x|) and inverts it for negative x, because expm1 of a negative
  // number would lose small results.
  auto number = [&](double v) { return e.real(v, type, shapeOf(a).size()); };
  Value large = e.emit<AddOp>(e.emit<Expm1Op>(e.emit<AbsOp>(a)), number(1.0));
  return e.where(e.emit<LessOp>(a, number(0.0)), e.emit<DivideOp>(number(1.0), large), large);
}

Value sine(Emitter &e, Value a) {
  Type type = elementOf(a);
  auto number = [&](double v) { return e.real(v, type, shapeOf(a).size()); };
  Value isZero = e.emit<EqualOp>(a, number(0.0)); // MLX loses the sign of zero
  if (!type.isF64() && !type.isF32())
    return e.where(isZero, a, e.emit<SinOp>(a));
  Value t = e.emit<TanOp>(e.emit<MultiplyOp>(a, number(0.5))), square = e.emit<MultiplyOp>(t, t);
  Value scale = e.emit<AddOp>(number(1.0), square);
  return e.where(isZero, a, e.emit<DivideOp>(e.emit<MultiplyOp>(number(2.0), t), scale));
}

Value cosine(Emitter &e, Value a) {
  Type type = elementOf(a);
  if (!type.isF64() && !type.isF32())
    return e.emit<CosOp>(a);
  auto number = [&](double v) { return e.real(v, type, shapeOf(a).size()); };
  Value one = number(1.0);
  Value t = e.emit<TanOp>(e.emit<MultiplyOp>(a, number(0.5))), square = e.emit<MultiplyOp>(t, t);
  Value scale = e.emit<AddOp>(one, square);
  Value difference = e.emit<MultiplyOp>(e.emit<SubtractOp>(one, t), e.emit<AddOp>(one, t));
  Value value = e.emit<DivideOp>(difference, scale);
  // Near its zeros, 1 - t would lose the relative precision that sin(a) / tan(a) keeps.
  Value sineOfA = e.emit<DivideOp>(e.emit<MultiplyOp>(number(2.0), t), scale);
  Value quotient = e.emit<DivideOp>(sineOfA, e.emit<TanOp>(a));
  Value small = e.emit<LessOp>(e.emit<AbsOp>(value), number(0.5));
  return e.where(small, quotient, value);
}

Value inverseSquareRoot(Emitter &e, Value a) {
  if (elementOf(a).getIntOrFloatBitWidth() < 32)
    return inSingle(e, a, &inverseSquareRoot);
  return e.emit<RsqrtOp>(a);
}

// ---- sine and cosine of half turns ----

namespace {
/// a = quarter / 2 + rest, exactly, with |rest| <= 1/4; quarter is in [0, 4). NaN for infinities.
struct HalfTurns {
  Value sine, cosine, quarter;
};
} // namespace

static HalfTurns reduceHalfTurns(Emitter &e, Value a) {
  auto number = [&](double v) { return e.real(v, elementOf(a), shapeOf(a).size()); };
  // Large numbers are even integers, and twice the largest one would overflow.
  Value isLarge = e.emit<GreaterOp>(e.emit<AbsOp>(a), number(elementOf(a).isF64() ? 0x1p60 : 0x1p30));
  a = e.where(isLarge, e.emit<MultiplyOp>(a, number(0.0)), a);
  Value whole = e.emit<RoundOp>(e.emit<AddOp>(a, a));
  Value angle =
      e.emit<MultiplyOp>(e.emit<SubtractOp>(a, e.emit<MultiplyOp>(whole, number(0.5))), number(M_PI));
  Value turns = e.emit<FloorOp>(e.emit<MultiplyOp>(whole, number(0.25)));
  Value quarter = e.emit<SubtractOp>(whole, e.emit<MultiplyOp>(turns, number(4.0)));
  return {sine(e, angle), cosine(e, angle), quarter};
}

/// sin(pi / 2 * (quarter + shift) + angle).
static Value sineOfQuarter(Emitter &e, const HalfTurns &t, bool shift) {
  auto number = [&](double v) { return e.real(v, elementOf(t.quarter), shapeOf(t.quarter).size()); };
  auto isQuarter = [&](int q) { return e.emit<EqualOp>(t.quarter, number(q)); };
  Value odd = e.either(isQuarter(1), isQuarter(3));
  Value value = shift ? e.where(odd, t.sine, t.cosine) : e.where(odd, t.cosine, t.sine);
  Value negative = e.either(isQuarter(2), isQuarter(shift ? 1 : 3));
  value = e.where(negative, e.emit<NegativeOp>(value), value);
  return e.where(e.emit<EqualOp>(value, number(0.0)), number(0.0), value);
}

Value sineOfPi(Emitter &e, Value a) {
  Value value = sineOfQuarter(e, reduceHalfTurns(e, a), false);
  Value isZero = e.emit<EqualOp>(value, e.real(0.0, elementOf(a), shapeOf(a).size()));
  return e.where(isZero, copySign(e, value, a), value);
}

Value cosineOfPi(Emitter &e, Value a) { return sineOfQuarter(e, reduceHalfTurns(e, a), true); }

// ---- scaling ----

Value timesPowerOfTwo(Emitter &e, Value a, Value exponent) {
  Type type = elementOf(a), f32 = e.f32();
  if (type.getIntOrFloatBitWidth() < 32)
    return e.convert(timesPowerOfTwo(e, e.convert(a, f32), exponent), type);
  // A step down leaves at least as many binary places as the mantissa has, so that only the last one rounds.
  bool wide = type.isF64();
  int64_t lowest = wide ? -1022 : -126, highest = wide ? 1023 : 127, down = lowest + (wide ? 53 : 24);
  Type integer = wide ? e.i64() : e.i32();
  auto constant = [&](int64_t v) { return e.integer(v, integer, shapeOf(exponent).size()); };
  auto power = [&](Value n) {
    Value biased = e.emit<AddOp>(n, constant(highest));
    return e.bits(e.emit<LeftShiftOp>(biased, constant(wide ? 52 : 23)), type);
  };
  // Further powers change nothing, and the smallest integer cannot be negated.
  Value n = e.emit<MaximumOp>(e.emit<MinimumOp>(e.convert(exponent, integer), constant(3 * highest)),
                              constant(-3 * highest));
  for (int step = 0; step < 2; ++step) {
    Value part = e.where(e.emit<LessOp>(n, constant(lowest)), constant(down),
                         e.where(e.emit<GreaterOp>(n, constant(highest)), constant(highest), constant(0)));
    a = e.emit<MultiplyOp>(a, power(part));
    n = e.emit<SubtractOp>(n, part);
  }
  n = e.emit<MaximumOp>(e.emit<MinimumOp>(n, constant(highest)), constant(lowest));
  return e.emit<MultiplyOp>(a, power(n));
}

Value euclideanNorm(Emitter &e, ArrayRef<Value> sides, bool reciprocal) {
  auto constant = [&](double v) { return e.real(v, elementOf(sides[0]), shapeOf(sides[0]).size()); };
  Value infinity = constant(std::numeric_limits<double>::infinity()), large, infinite;
  SmallVector<Value, 4> lengths;
  for (Value side : sides) {
    Value length = e.emit<AbsOp>(side), is = e.emit<EqualOp>(length, infinity);
    large = large ? e.emit<MaximumOp>(large, length) : length;
    infinite = infinite ? e.either(infinite, is) : is;
    lengths.push_back(length);
  }
  Value isZero = e.emit<EqualOp>(large, constant(0.0)), scale = e.where(isZero, constant(1.0), large), sum;
  for (Value length : lengths) {
    Value ratio = e.emit<DivideOp>(length, scale), square = e.emit<MultiplyOp>(ratio, ratio);
    sum = sum ? e.emit<AddOp>(sum, square) : square;
  }
  Value root = e.emit<SqrtOp>(sum);
  // Infinite if one side is, even if another one is NaN.
  if (!reciprocal)
    return e.where(infinite, infinity, e.emit<MultiplyOp>(large, root));
  Value inverse = e.emit<DivideOp>(e.emit<DivideOp>(constant(1.0), root), large);
  return e.where(infinite, constant(0.0), inverse);
}

/// The numeric operand where the other is NaN, which MLX would propagate.
template <typename Op> static Value numberOf(Emitter &e, Value a, Value b) {
  Value result = e.emit<Op>(a, b);
  result = e.where(e.emit<IsnanOp>(a), b, result);
  return e.where(e.emit<IsnanOp>(b), a, result);
}

Value maxNumber(Emitter &e, Value a, Value b) { return numberOf<MaximumOp>(e, a, b); }
Value minNumber(Emitter &e, Value a, Value b) { return numberOf<MinimumOp>(e, a, b); }

} // namespace tmetal::raising
