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

Value fusedMultiplyAdd(Emitter &e, Value a, Value b, Value c) {
  Type type = elementOf(a), f32 = e.f32();
  if (type.getIntOrFloatBitWidth() < 32) // products of half-width numbers are exact in f32
    return e.convert(
        e.emit<AddOp>(e.emit<MultiplyOp>(e.convert(a, f32), e.convert(b, f32)), e.convert(c, f32)), type);
  // Error-free transformations: T. J. Dekker, "A floating-point technique for extending the available
  // precision", Numerische Mathematik 18 (1971). The two rounding errors are added at the end.
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
  Value productError = e.emit<SubtractOp>(e.emit<MultiplyOp>(aHigh, bHigh), product);
  productError = e.emit<AddOp>(productError, e.emit<MultiplyOp>(aHigh, bLow));
  productError = e.emit<AddOp>(productError, e.emit<MultiplyOp>(aLow, bHigh));
  productError = e.emit<AddOp>(productError, e.emit<MultiplyOp>(aLow, bLow));
  Value sum = e.emit<AddOp>(product, c);
  Value part = e.emit<SubtractOp>(sum, product);
  Value sumError =
      e.emit<AddOp>(e.emit<SubtractOp>(product, e.emit<SubtractOp>(sum, part)), e.emit<SubtractOp>(c, part));
  Value fused = e.emit<AddOp>(sum, e.emit<AddOp>(productError, sumError));
  // The plain result is kept where the splitting overflowed, and for infinities and NaN.
  Value finite =
      e.emit<LessOp>(e.emit<AbsOp>(fused), e.real(std::numeric_limits<double>::infinity(), type, rank));
  return e.where(finite, fused, sum);
}

Value errorFunction(Emitter &e, Value a) {
  Type type = elementOf(a);
  if (type.getIntOrFloatBitWidth() < 32)
    return e.emit<ErfOp>(a);
  unsigned rank = shapeOf(a).size();
  auto number = [&](double v) { return e.real(v, type, rank); };
  Value square = e.emit<MultiplyOp>(a, a), magnitude = e.emit<AbsOp>(a);
  if (!type.isF64()) {
    // MLX's erf has an absolute error near 1e-7; near zero the Taylor series keeps the relative error small.
    Value series = number(0.0);
    for (int n = 7; n >= 0; --n) {
      double coefficient =
          2.0 / std::sqrt(M_PI) * (n % 2 ? -1.0 : 1.0) / (std::tgamma(n + 1.0) * (2 * n + 1));
      series = e.emit<AddOp>(e.emit<MultiplyOp>(series, square), number(coefficient));
    }
    return e.where(e.emit<LessOp>(magnitude, number(0.5)), e.emit<MultiplyOp>(a, series), e.emit<ErfOp>(a));
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
  if (!type.isF64() && !type.isF32())
    return e.emit<SinOp>(a);
  auto number = [&](double v) { return e.real(v, type, shapeOf(a).size()); };
  Value t = e.emit<TanOp>(e.emit<MultiplyOp>(a, number(0.5))), square = e.emit<MultiplyOp>(t, t);
  Value scale = e.emit<AddOp>(number(1.0), square);
  return e.where(e.emit<EqualOp>(a, number(0.0)), a, // MLX's tan loses the sign of zero
                 e.emit<DivideOp>(e.emit<MultiplyOp>(number(2.0), t), scale));
}

Value cosine(Emitter &e, Value a) {
  Type type = elementOf(a);
  if (!type.isF64())
    return e.emit<CosOp>(a);
  auto number = [&](double v) { return e.real(v, type, shapeOf(a).size()); };
  Value t = e.emit<TanOp>(e.emit<MultiplyOp>(a, number(0.5))), square = e.emit<MultiplyOp>(t, t);
  Value scale = e.emit<AddOp>(number(1.0), square);
  Value difference = e.emit<SubtractOp>(number(1.0), t);
  return e.emit<DivideOp>(e.emit<MultiplyOp>(difference, e.emit<AddOp>(number(1.0), t)), scale);
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
