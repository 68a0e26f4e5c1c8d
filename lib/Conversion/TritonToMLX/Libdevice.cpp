// SPDX-License-Identifier: MIT
// Functions of libdevice, named by symbols `__tm_<name>`.
// python/triton_metal/backend/libdevice.py lists them.
#include "FloatArithmetic.h"
#include "FloatConversion.h"
#include "IntegerArithmetic.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

static Value number(Emitter &e, Value like, double value) {
  return e.real(value, elementOf(like), shapeOf(like).size());
}

static Value inverse(Emitter &e, Value a) { return e.emit<DivideOp>(number(e, a, 1.0), a); }

// ---- functions of one array ----

static Value exp2(Emitter &e, Value a) { return e.emit<PowerOp>(number(e, a, 2.0), a); }
static Value exp10(Emitter &e, Value a) { return e.emit<PowerOp>(number(e, a, 10.0), a); }

static Value roundHalfAway(Emitter &e, Value a) {
  Value magnitude = e.emit<AbsOp>(a), floor = e.emit<FloorOp>(magnitude);
  Value up = e.emit<GreaterEqualOp>(e.emit<SubtractOp>(magnitude, floor), number(e, a, 0.5));
  return copySign(e, e.emit<AddOp>(floor, e.convert(up, elementOf(a))), a);
}

static Value saturate(Emitter &e, Value a) {
  Value small = e.emit<MinimumOp>(a, number(e, a, 1.0));
  return maxNumber(e, small, number(e, a, 0.0));
}

static Value cubeRoot(Emitter &e, Value a) {
  // Numbers whose cube would overflow or lose its last places are scaled.
  bool wide = elementOf(a).isF64();
  Value magnitude = e.emit<AbsOp>(a);
  Value isSmall = e.emit<LessOp>(magnitude, number(e, a, wide ? 0x1p-600 : 0x1p-60));
  Value isLarge = e.emit<GreaterOp>(magnitude, number(e, a, wide ? 0x1p600 : 0x1p60));
  auto scaled = [&](Value v, double up, double down) {
    Value large = e.where(isLarge, number(e, a, down), number(e, a, 1.0));
    return e.emit<MultiplyOp>(v, e.where(isSmall, number(e, a, up), large));
  };
  Value x = scaled(magnitude, wide ? 0x1p600 : 0x1p60, wide ? 0x1p-600 : 0x1p-60);
  Value root = e.emit<PowerOp>(x, number(e, a, 1.0 / 3.0));
  // One step of Newton's method, except where the root is zero or infinite.
  Value square = e.emit<MultiplyOp>(root, root);
  Value residue = e.emit<SubtractOp>(e.emit<MultiplyOp>(square, root), x);
  Value step = e.emit<DivideOp>(residue, e.emit<MultiplyOp>(number(e, a, 3.0), square));
  Value finite = e.emit<LessOp>(e.emit<AbsOp>(step), number(e, a, kInfinity));
  root = e.where(finite, e.emit<SubtractOp>(root, step), root);
  return copySign(e, scaled(root, wide ? 0x1p-200 : 0x1p-20, wide ? 0x1p200 : 0x1p20), a);
}
static Value inverseCubeRoot(Emitter &e, Value a) { return inverse(e, cubeRoot(e, a)); }

/// erfc(x + low) by a Chebyshev fit with a relative error below 1.2e-7 (W. H. Press et al., Numerical
/// Recipes, section 6.2). Null for types other than f32.
static Value complementaryErrorSum(Emitter &e, Value x, Value low) {
  if (!elementOf(x).isF32())
    return {};
  constexpr double fit[] = {-1.26551223, 1.00002368,  0.37409196, 0.09678418,  -0.18628806,
                            0.27886807,  -1.13520398, 1.48851587, -0.82215223, 0.17087277};
  auto constant = [&](double v) { return number(e, x, v); };
  Value z = e.emit<MinimumOp>(e.emit<AbsOp>(x), constant(12.0)); // 0 from there on
  Value one = constant(1.0), zero = constant(0.0), isNegative = e.emit<LessOp>(x, zero);
  Value t = e.emit<DivideOp>(one, e.emit<AddOp>(one, e.emit<MultiplyOp>(constant(0.5), z)));
  Value sum = constant(fit[9]);
  for (int i = 8; i >= 0; --i)
    sum = e.emit<AddOp>(e.emit<MultiplyOp>(sum, t), constant(fit[i]));
  // exp(-z^2): the square as a sum of two numbers, and the root of the power, which does not overflow. MLX's
  // exp of the whole exponent would have an error that grows with it.
  Value scaled = e.emit<MultiplyOp>(z, constant(4097.0));
  Value head = e.emit<SubtractOp>(scaled, e.emit<SubtractOp>(scaled, z)), tail = e.emit<SubtractOp>(z, head);
  Value square = e.emit<MultiplyOp>(z, z), rest = e.emit<SubtractOp>(e.emit<MultiplyOp>(head, head), square);
  rest = e.emit<AddOp>(rest, e.emit<MultiplyOp>(e.emit<MultiplyOp>(constant(2.0), head), tail));
  rest = e.emit<AddOp>(rest, e.emit<MultiplyOp>(tail, tail));
  if (low) {
    Value signedLow = e.where(isNegative, e.emit<NegativeOp>(low), low);
    rest = e.emit<AddOp>(rest, e.emit<MultiplyOp>(e.emit<MultiplyOp>(constant(2.0), z), signedLow));
  }
  Value root = e.emit<AddOp>(e.emit<Expm1Op>(e.emit<MultiplyOp>(square, constant(0.5))), one);
  Value value = e.emit<MultiplyOp>(t, e.emit<ExpOp>(sum));
  value = e.emit<MultiplyOp>(value, e.emit<SubtractOp>(one, rest));
  value = e.emit<DivideOp>(e.emit<DivideOp>(value, root), root);
  value = e.where(isNegative, e.emit<SubtractOp>(constant(2.0), value), value);
  // Near zero, 1 - erf is accurate enough.
  Value near = e.emit<SubtractOp>(one, errorFunction(e, low ? e.emit<AddOp>(x, low) : x));
  value = e.where(e.emit<LessOp>(z, constant(0.5)), near, value);
  return e.where(e.emit<IsnanOp>(x), x, value);
}
static Value complementaryError(Emitter &e, Value x) { return complementaryErrorSum(e, x, Value()); }

static Value inverseErrorFunction(Emitter &e, Value a) { // MLX computes it in f32, whatever the type
  return elementOf(a).isF64() ? Value() : e.emit<ErfinvOp>(a);
}

static Value normalDistribution(Emitter &e, Value a) {
  if (!elementOf(a).isF32())
    return {};
  // a / sqrt(2) as a sum of two numbers, because the tail depends on the exponent's last places. The first
  // part of the constant has 12 bits, so that its product with a half of the digits of a is exact.
  auto constant = [&](double v) { return number(e, a, v); };
  Value x = e.emit<MaximumOp>(e.emit<MinimumOp>(a, constant(30.0)), constant(-30.0));
  constexpr double high = 0x1.6ap-1, low = 0x1.3cccfe7799211p-14; // their sum is sqrt(1/2)
  Value scaled = e.emit<MultiplyOp>(x, constant(4097.0));
  Value head = e.emit<SubtractOp>(scaled, e.emit<SubtractOp>(scaled, x)), tail = e.emit<SubtractOp>(x, head);
  Value first = e.emit<MultiplyOp>(head, constant(-high)); // exact
  Value second =
      e.emit<AddOp>(e.emit<MultiplyOp>(tail, constant(-high)), e.emit<MultiplyOp>(x, constant(-low)));
  Value sum = e.emit<AddOp>(first, second);
  Value rest = e.emit<SubtractOp>(second, e.emit<SubtractOp>(sum, first));
  return e.emit<MultiplyOp>(constant(0.5), complementaryErrorSum(e, sum, rest));
}

static Value isFinite(Emitter &e, Value a) {
  return e.emit<LessOp>(e.emit<AbsOp>(a), number(e, a, kInfinity));
}

static Value signBit(Emitter &e, Value a) {
  Type bits = e.builder.getIntegerType(elementOf(a).getIntOrFloatBitWidth());
  return e.convert(e.emit<LessOp>(e.bits(a, bits), e.integer(0, bits, shapeOf(a).size())), e.i32());
}

/// 1 + the index of the lowest set bit, or 0 for 0.
static Value findFirstSet(Emitter &e, Value a) {
  auto constant = [&](int64_t v) { return e.integer(v, elementOf(a), shapeOf(a).size()); };
  Value index = e.emit<AddOp>(countTrailingZeros(e, a), constant(1));
  return e.where(e.emit<EqualOp>(a, constant(0)), constant(0), index);
}

static UnaryForm unaryForm(StringRef name) {
  static const llvm::StringMap<UnaryForm> forms = {
      {"floor", &unary<FloorOp>},
      {"ceil", &unary<CeilOp>},
      {"trunc", &truncate},
      {"rint", &unary<RoundOp>},
      {"nearbyint", &unary<RoundOp>},
      {"llrint", &unary<RoundOp>},
      {"round", &roundHalfAway},
      {"sqrt", &unary<SqrtOp>},
      {"sqrt_rn", &unary<SqrtOp>},
      {"rsqrt", &inverseSquareRoot},
      {"rsqrt_rn", &inverseSquareRoot},
      {"cbrt", &cubeRoot},
      {"rcbrt", &inverseCubeRoot},
      {"rcp_rn", &inverse},
      {"exp", &exponential},
      {"fast_expf", &exponential},
      {"exp2", &exp2},
      {"exp10", &exp10},
      {"fast_exp10f", &exp10},
      {"expm1", &unary<Expm1Op>},
      {"log", &unary<LogOp>},
      {"fast_logf", &unary<LogOp>},
      {"log2", &unary<Log2Op>},
      {"fast_log2f", &unary<Log2Op>},
      {"log10", &unary<Log10Op>},
      {"fast_log10f", &unary<Log10Op>},
      {"log1p", &unary<Log1pOp>},
      {"sin", &sine},
      {"fast_sinf", &sine},
      {"cos", &cosine},
      {"fast_cosf", &cosine},
      {"tan", &unary<TanOp>},
      {"fast_tanf", &unary<TanOp>},
      {"sinpi", &sineOfPi},
      {"cospi", &cosineOfPi},
      {"asin", &unary<ArcsinOp>},
      {"acos", &unary<ArccosOp>},
      {"atan", &unary<ArctanOp>},
      {"sinh", &unary<SinhOp>},
      {"cosh", &unary<CoshOp>},
      {"tanh", &unary<TanhOp>},
      {"fast_tanhf", &unary<TanhOp>},
      {"asinh", &unary<ArcsinhOp>},
      {"acosh", &unary<ArccoshOp>},
      {"atanh", &unary<ArctanhOp>},
      {"erf", &errorFunction},
      {"erfc", &complementaryError},
      {"erfinv", &inverseErrorFunction},
      {"normcdf", &normalDistribution},
      {"abs", &unary<AbsOp>},
      {"saturatef", &saturate},
      {"isnan", &unary<IsnanOp>},
      {"isinf", &unary<IsinfOp>},
      {"finitef", &isFinite},
      {"isfinited", &isFinite},
      {"signbit", &signBit},
      {"popc", &countOnes},
      {"clz", &countLeadingZeros},
      {"ffs", &findFirstSet},
  };
  return forms.lookup(name);
}

// ---- functions of two arrays ----

static Value positiveDifference(Emitter &e, Value a, Value b) {
  Value difference = e.emit<SubtractOp>(a, b);
  return e.where(e.emit<LessEqualOp>(a, b), number(e, a, 0.0), difference);
}

static Value hypotenuse(Emitter &e, Value a, Value b) { return euclideanNorm(e, {a, b}, false); }
static Value inverseHypotenuse(Emitter &e, Value a, Value b) { return euclideanNorm(e, {a, b}, true); }

/// a^n for integers n, which may not fit the type of a. The last bit of n decides the sign.
static Value powerOfInteger(Emitter &e, Value a, Value n) {
  Type type = elementOf(a);
  auto constant = [&](int64_t v) { return e.integer(v, elementOf(n), shapeOf(n).size()); };
  Value x = e.emit<AbsOp>(a), value = e.emit<PowerOp>(x, e.convert(n, type));
  if (!type.isF64()) {
    // Only bases near 1 have a finite power here, so no part of it overflows.
    Value low = e.emit<BitwiseAndOp>(n, constant(255)), high = e.emit<SubtractOp>(n, low);
    Value split = e.emit<MultiplyOp>(e.emit<PowerOp>(x, e.convert(high, type)),
                                     e.emit<PowerOp>(x, e.convert(low, type)));
    Value fits = e.both(e.emit<LessOp>(n, constant(1 << 24)), e.emit<GreaterOp>(n, constant(-(1 << 24))));
    value = e.where(fits, value, split);
  }
  Value odd = e.emit<NotEqualOp>(e.emit<BitwiseAndOp>(n, constant(1)), constant(0));
  return e.where(odd, copySign(e, value, a), value);
}

template <bool isSigned> static Value high(Emitter &e, Value a, Value b) {
  return multiplyHigh(e, a, b, isSigned);
}

static BinaryForm binaryForm(StringRef name) {
  static const llvm::StringMap<BinaryForm> forms = {
      {"atan2", &binary<Arctan2Op>},   {"pow", &binary<PowerOp>},
      {"fast_powf", &binary<PowerOp>}, {"add_rn", &binary<AddOp>},
      {"sub_rn", &binary<SubtractOp>}, {"mul_rn", &binary<MultiplyOp>},
      {"div_rn", &binary<DivideOp>},   {"fast_dividef", &binary<DivideOp>},
      {"fdim", &positiveDifference},   {"hypot", &hypotenuse},
      {"rhypot", &inverseHypotenuse},  {"fmod", &floatRemainder},
      {"copysign", &copySign},         {"mulhi", &high<true>},
      {"umulhi", &high<false>},
  };
  return forms.lookup(name);
}

// ---- everything else ----

/// Rounds in the mode that the name ends with. The caller casts the result to an integer.
static Value roundedAs(Emitter &e, StringRef mode, Value a) {
  if (mode == "rn")
    return e.emit<RoundOp>(a);
  if (mode == "rz")
    return truncate(e, a);
  return mode == "rd" ? e.emit<FloorOp>(a) : e.emit<CeilOp>(a);
}

/// Null if there is no such function, or not for these types.
static Value libdeviceCall(Emitter &e, StringRef name, ArrayRef<Value> args, Type result) {
  Value a = args[0];
  if (UnaryForm form = args.size() == 1 ? unaryForm(name) : nullptr)
    return form(e, a);
  if (name == "ldexp" || name == "scalbn")
    return timesPowerOfTwo(e, a, args[1]);
  if (name == "pow" && isa<IntegerType>(elementOf(args[1])))
    return powerOfInteger(e, a, args[1]);
  if (BinaryForm form = args.size() == 2 ? binaryForm(name) : nullptr)
    return form(e, a, e.convert(args[1], elementOf(a)));
  if (name == "fma" || name == "fma_rn")
    return fusedMultiplyAdd(e, a, args[1], args[2]);
  if (name == "norm3d" || name == "norm4d")
    return euclideanNorm(e, args, false);
  if (name == "rnorm3d" || name == "rnorm4d")
    return euclideanNorm(e, args, true);
  if (name.contains("_as_")) // float_as_int and the like keep the bits
    return e.bits(a, result);
  if (name.contains("2int_") || name.contains("2ll_"))
    return roundedAs(e, name.take_back(2), a);
  if (name == "int2float_rn" || name == "ll2float_rn" || name == "int2double_rn" || name == "ll2double_rn" ||
      name == "double2float_rn")
    return a;
  if (name == "uint2float_rn" || name == "ull2float_rn" || name == "uint2double_rn" ||
      name == "ull2double_rn")
    return e.asUnsigned(a);
  return {};
}

void raiseExternElementwise(Raising &r, Operation *op) {
  StringRef symbol = cast<StringAttr>(op->getAttr("symbol")).getValue(), name = symbol;
  if (!name.consume_front("__tm_"))
    refuse(op, "The function '" + symbol + "' belongs to another backend.");
  SmallVector<Value, 3> args;
  for (Value operand : op->getOperands())
    args.push_back(r.values.arrayOf(operand));
  Type result = getElementTypeOrSelf(op->getResult(0).getType());
  Value value = libdeviceCall(r.emitter, name, args, result);
  if (!value && unaryForm(name))
    refuse(op, "'" + symbol + "' of " + typeName(elementOf(args[0])) + " is not supported.");
  if (!value)
    refuse(op, "The function '" + symbol + "' has no form in MLX.");
  r.values.setArray(op->getResult(0), r.emitter.convert(value, result));
}

} // namespace tmetal::raising
