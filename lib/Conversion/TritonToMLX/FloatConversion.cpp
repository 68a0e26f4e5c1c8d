// SPDX-License-Identifier: MIT
#include "FloatConversion.h"

#include "triton-metal/Operations/CheckTypes.h"

#include <cmath>

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

Type memoryElement(Type type) { return type.isInteger(1) ? IntegerType::get(type.getContext(), 8) : type; }

namespace {
/// A format of 8 bits. Its codes without sign are in the order of the numbers.
struct Float8Format {
  int mantissa, bias;
  int64_t largest; // the code of the largest finite number
  int64_t nan;
  bool hasNegativeZero; // else 0x80 is the only NaN

  explicit Float8Format(Type type) {
    const fltSemantics &semantics = cast<FloatType>(type).getFloatSemantics();
    auto code = [](const APFloat &number) {
      return static_cast<int64_t>(number.bitcastToAPInt().getZExtValue());
    };
    mantissa = static_cast<int>(APFloat::semanticsPrecision(semantics)) - 1;
    bias = 1 - APFloat::semanticsMinExponent(semantics);
    largest = code(APFloat::getLargest(semantics));
    hasNegativeZero = code(APFloat::getZero(semantics, /*Negative=*/true)) != 0;
    nan = hasNegativeZero ? 0x7f : 0x80;
  }
};
} // namespace

static Value fromFloat8(Emitter &e, Value stored, Type from) {
  unsigned rank = shapeOf(stored).size();
  Type u32 = e.unsignedType(32), f32 = e.f32();
  Value bits = e.bits(stored, e.unsignedType(8));
  if (isa<Float8E5M2Type>(from)) { // the upper byte of an f16; the only format with infinities
    Type u16 = e.unsignedType(16);
    Value wide = e.emit<LeftShiftOp>(e.convert(bits, u16), e.integer(8, u16, rank));
    return e.convert(e.bits(wide, e.f16()), f32);
  }
  Float8Format format(from);
  auto constant = [&](int64_t v) { return e.integer(v, u32, rank); };
  Value x = e.convert(bits, u32);
  Value magnitude = e.emit<BitwiseAndOp>(x, constant(0x7f));
  Value normal = e.emit<AddOp>(e.emit<LeftShiftOp>(magnitude, constant(23 - format.mantissa)),
                               constant(int64_t(127 - format.bias) << 23));
  Value subnormal = e.emit<MultiplyOp>(e.convert(magnitude, f32),
                                       e.real(std::ldexp(1.0, 1 - format.bias - format.mantissa), f32, rank));
  Value isSubnormal = e.emit<LessOp>(magnitude, constant(int64_t(1) << format.mantissa));
  Value value = e.where(isSubnormal, subnormal, e.bits(normal, f32));
  Value isNan = format.hasNegativeZero ? e.emit<GreaterOp>(magnitude, constant(format.largest))
                                       : e.emit<EqualOp>(x, constant(format.nan));
  value = e.where(isNan, e.real(NAN, f32, rank), value);
  Value isNegative = e.emit<GreaterEqualOp>(x, constant(0x80));
  return e.where(isNegative, e.emit<NegativeOp>(value), value);
}

static Value toFloat8(Emitter &e, Value a, Type to, bool towardZero) {
  Float8Format format(to);
  unsigned rank = shapeOf(a).size();
  Type u32 = e.unsignedType(32), f32 = e.f32(), u8 = e.unsignedType(8);
  a = e.convert(a, f32);
  int mantissa = format.mantissa, bias = format.bias, drop = 23 - mantissa;
  auto constant = [&](int64_t v) { return e.integer(v, u32, rank); };
  Value bits = e.bits(a, u32);
  Value magnitude = e.emit<BitwiseAndOp>(bits, constant(0x7fffffff));
  Value rounded = magnitude;
  if (!towardZero) { // to nearest, ties to even
    Value odd = e.emit<BitwiseAndOp>(e.emit<RightShiftOp>(magnitude, constant(drop)), constant(1));
    rounded = e.emit<AddOp>(magnitude, e.emit<AddOp>(odd, constant((int64_t(1) << (drop - 1)) - 1)));
  }
  Value normal = e.emit<SubtractOp>(e.emit<RightShiftOp>(rounded, constant(drop)),
                                    constant(int64_t(127 - bias) << mantissa));
  Value scaled =
      e.emit<MultiplyOp>(e.bits(magnitude, f32), e.real(std::ldexp(1.0, bias - 1 + mantissa), f32, rank));
  Value subnormal = e.convert(towardZero ? e.emit<FloorOp>(scaled) : e.emit<RoundOp>(scaled), u32);
  Value isSubnormal = e.emit<LessOp>(magnitude, constant(int64_t(127 - bias + 1) << 23));
  // Numbers beyond the range saturate, as in the hardware conversions that Triton uses elsewhere.
  Value code = e.where(isSubnormal, subnormal, normal);
  Value tooLarge = e.emit<LogicalAndOp>(e.emit<LogicalNotOp>(isSubnormal),
                                        e.emit<GreaterOp>(normal, constant(format.largest)));
  code = e.where(tooLarge, constant(format.largest), code);
  Value sign = e.emit<BitwiseAndOp>(e.emit<RightShiftOp>(bits, constant(24)), constant(0x80));
  Value isNan = e.emit<GreaterOp>(magnitude, constant(0x7f800000));
  if (format.hasNegativeZero) {
    code = e.emit<BitwiseOrOp>(e.where(isNan, constant(format.nan), code), sign);
  } else {
    Value isZero = e.emit<EqualOp>(code, constant(0));
    code = e.where(isZero, code, e.emit<BitwiseOrOp>(code, sign));
    code = e.where(isNan, constant(format.nan), code);
  }
  return e.bits(e.convert(code, u8), to);
}

/// MLX converts f64 to narrow types through f32 and would round twice. Rounding the first step to odd makes
/// the second one exact.
static Value toFloat32Odd(Emitter &e, Value a) {
  Type f32 = e.f32(), f64 = e.f64(), u32 = e.unsignedType(32);
  unsigned rank = shapeOf(a).size();
  Value near = e.convert(a, f32), back = e.convert(near, f64), bits = e.bits(near, u32),
        one = e.integer(1, u32, rank);
  Value away = e.emit<GreaterOp>(e.emit<AbsOp>(back), e.emit<AbsOp>(a));
  Value truncated = e.where(away, e.emit<SubtractOp>(bits, one), bits);
  Value odd = e.emit<BitwiseOrOp>(truncated, one);
  Value inexact = e.emit<LogicalAndOp>(e.emit<NotEqualOp>(back, a), e.emit<LogicalNotOp>(e.emit<IsnanOp>(a)));
  return e.bits(e.where(inexact, odd, bits), f32);
}

Value convertFloat(Emitter &e, Value a, Type from, Type to, bool towardZero) {
  if (from == to)
    return a;
  if (isStorageType(from))
    a = fromFloat8(e, a, from);
  if (elementOf(a).isF64() && to.getIntOrFloatBitWidth() < 32)
    a = toFloat32Odd(e, a);
  if (isStorageType(to))
    return toFloat8(e, a, to, towardZero);
  Value rounded = e.convert(a, to);
  if (!towardZero || to.getIntOrFloatBitWidth() >= elementOf(a).getIntOrFloatBitWidth())
    return rounded;
  // Toward zero: where rounding went away from zero, takes the next number toward zero.
  Type wide = elementOf(a), bits = e.unsignedType(to.getIntOrFloatBitWidth());
  unsigned rank = shapeOf(a).size();
  Value back = e.convert(rounded, wide);
  Value away = e.emit<GreaterOp>(e.emit<AbsOp>(back), e.emit<AbsOp>(a));
  Value stepped = e.bits(e.emit<SubtractOp>(e.bits(rounded, bits), e.integer(1, bits, rank)), to);
  return e.where(away, stepped, rounded);
}

} // namespace tmetal::raising
