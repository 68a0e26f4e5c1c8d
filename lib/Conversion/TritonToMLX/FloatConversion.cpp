// SPDX-License-Identifier: MIT
#include "FloatConversion.h"
#include "Refusal.h"

#include <cmath>

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

Type arrayElement(Type type) {
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8)
    return IntegerType::get(type.getContext(), 8, IntegerType::Unsigned);
  return type;
}

Type memoryElement(Type type) {
  return type.isInteger(1) ? IntegerType::get(type.getContext(), 8) : arrayElement(type);
}

static Value fromFloat8(Emitter &e, Value bits, Type from) {
  unsigned rank = shapeOf(bits).size();
  Type u32 = e.unsignedType(32), f32 = e.f32();
  if (isa<Float8E5M2Type>(from)) { // the upper byte of an f16
    Type u16 = e.unsignedType(16);
    Value wide = e.emit<LeftShiftOp>(e.convert(bits, u16), e.integer(8, u16, rank));
    return e.convert(e.bits(wide, e.f16()), f32);
  }
  // E4M3FN has bias 7, no infinity, and all ones for NaN.
  Value x = e.convert(bits, u32);
  Value magnitude = e.emit<BitwiseAndOp>(x, e.integer(0x7f, u32, rank));
  Value normal = e.emit<AddOp>(e.emit<LeftShiftOp>(magnitude, e.integer(20, u32, rank)),
                               e.integer(120 << 23, u32, rank));
  Value subnormal = e.emit<MultiplyOp>(e.convert(magnitude, f32), e.real(0x1p-9, f32, rank));
  Value value = e.where(e.emit<LessOp>(magnitude, e.integer(8, u32, rank)), subnormal, e.bits(normal, f32));
  value = e.where(e.emit<EqualOp>(magnitude, e.integer(0x7f, u32, rank)), e.real(NAN, f32, rank), value);
  Value negative = e.emit<GreaterEqualOp>(x, e.integer(0x80, u32, rank));
  return e.where(negative, e.emit<NegativeOp>(value), value);
}

static Value toFloat8(Emitter &e, Value a, Type to, bool towardZero, Operation *op) {
  bool e5m2 = isa<Float8E5M2Type>(to);
  if (!e5m2 && !isa<Float8E4M3FNType>(to))
    refuse(op, "Converting to " + typeName(to) + " is not supported.");
  unsigned rank = shapeOf(a).size();
  Type u32 = e.unsignedType(32), f32 = e.f32(), u8 = e.unsignedType(8);
  a = e.convert(a, f32);
  int mantissa = e5m2 ? 2 : 3, bias = e5m2 ? 15 : 7, drop = 23 - mantissa;
  int64_t largest = e5m2 ? 0x7b : 0x7e, nan = 0x7f;
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
  Value result = e.where(isSubnormal, subnormal, normal);
  Value tooLarge =
      e.emit<LogicalAndOp>(e.emit<LogicalNotOp>(isSubnormal), e.emit<GreaterOp>(normal, constant(largest)));
  result = e.where(tooLarge, constant(largest), result);
  result = e.where(e.emit<GreaterOp>(magnitude, constant(0x7f800000)), constant(nan), result);
  Value sign = e.emit<BitwiseAndOp>(e.emit<RightShiftOp>(bits, constant(24)), constant(0x80));
  return e.convert(e.emit<BitwiseOrOp>(result, sign), u8);
}

Value convertFloat(Emitter &e, Value a, Type from, Type to, bool towardZero, Operation *op) {
  if (from == to)
    return a;
  bool from8 = arrayElement(from) != from, to8 = arrayElement(to) != to;
  if (from8) {
    if (!isa<Float8E5M2Type, Float8E4M3FNType>(from))
      refuse(op, "Converting from " + typeName(from) + " is not supported.");
    a = fromFloat8(e, a, from);
  }
  if (to8)
    return toFloat8(e, a, to, towardZero, op);
  if (elementOf(a).isF64() && to.getIntOrFloatBitWidth() < 32) {
    // MLX converts through f32 and would round twice. Rounding the first step to
    // odd makes the second one exact.
    Type f32 = e.f32(), f64 = e.f64(), u32 = e.unsignedType(32);
    unsigned rank = shapeOf(a).size();
    Value near = e.convert(a, f32), back = e.convert(near, f64), bits = e.bits(near, u32),
          one = e.integer(1, u32, rank);
    Value away = e.emit<GreaterOp>(e.emit<AbsOp>(back), e.emit<AbsOp>(a));
    Value truncated = e.where(away, e.emit<SubtractOp>(bits, one), bits);
    Value odd = e.emit<BitwiseOrOp>(truncated, one);
    Value inexact =
        e.emit<LogicalAndOp>(e.emit<NotEqualOp>(back, a), e.emit<LogicalNotOp>(e.emit<IsnanOp>(a)));
    a = e.bits(e.where(inexact, odd, bits), f32);
  }
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
