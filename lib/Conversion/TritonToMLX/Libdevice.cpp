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
  Value x = e.emit<AbsOp>(a), root = e.emit<PowerOp>(x, number(e, a, 1.0 / 3.0));
  // One step of Newton's method, except where the root is zero or infinite.
  Value square = e.emit<MultiplyOp>(root, root);
  Value residue = e.emit<SubtractOp>(e.emit<MultiplyOp>(square, root), x);
  Value step = e.emit<DivideOp>(residue, e.emit<MultiplyOp>(number(e, a, 3.0), square));
  Value finite = e.emit<LessOp>(e.emit<AbsOp>(step), number(e, a, kInfinity));
  return copySign(e, e.where(finite, e.emit<SubtractOp>(root, step), root), a);
}
static Value inverseCubeRoot(Emitter &e, Value a) { return inverse(e, cubeRoot(e, a)); }

/// Chebyshev fit with a relative error below 1.2e-7 (W. H. Press et al., Numerical Recipes, section 6.2).
/// Null for types other than f32.
static Value complementaryError(Emitter &e, Value x) {
  if (!elementOf(x).isF32())
    return {};
  constexpr double fit[] = {-1.26551223, 1.00002368,  0.37409196, 0.09678418,  -0.18628806,
                            0.27886807,  -1.13520398, 1.48851587, -0.82215223, 0.17087277};
  auto constant = [&](double v) { return number(e, x, v); };
  Value z = e.emit<AbsOp>(x);
  Value one = constant(1.0);
  Value t = e.emit<DivideOp>(one, e.emit<AddOp>(constant(1.0), e.emit<MultiplyOp>(constant(0.5), z)));
  Value sum = constant(fit[9]);
  for (int i = 8; i >= 0; --i)
    sum = e.emit<AddOp>(e.emit<MultiplyOp>(sum, t), constant(fit[i]));
  Value tail = e.emit<MultiplyOp>(t, e.emit<ExpOp>(e.emit<SubtractOp>(sum, e.emit<MultiplyOp>(z, z))));
  tail = e.where(e.emit<LessOp>(x, constant(0.0)), e.emit<SubtractOp>(constant(2.0), tail), tail);
  // Near zero, 1 - erf is accurate enough.
  return e.where(e.emit<LessOp>(z, constant(0.5)), e.emit<SubtractOp>(constant(1.0), errorFunction(e, x)),
                 tail);
}

static Value normalDistribution(Emitter &e, Value a) {
  Value half = number(e, a, 0.5);
  Value tail = complementaryError(e, e.emit<MultiplyOp>(a, number(e, a, -std::sqrt(0.5))));
  return tail ? e.emit<MultiplyOp>(half, tail) : Value();
}

/// Reduces a to one period first, because pi * a would lose the fraction of a large a.
static Value timesPi(Emitter &e, Value a) {
  Value two = number(e, a, 2.0);
  Value whole = e.emit<FloorOp>(e.emit<MultiplyOp>(a, number(e, a, 0.5)));
  Value period = e.emit<SubtractOp>(a, e.emit<MultiplyOp>(two, whole));
  return e.emit<MultiplyOp>(period, number(e, a, M_PI));
}
static Value sineOfPi(Emitter &e, Value a) { return sine(e, timesPi(e, a)); }
static Value cosineOfPi(Emitter &e, Value a) { return cosine(e, timesPi(e, a)); }

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
      {"rsqrt", &unary<RsqrtOp>},
      {"rsqrt_rn", &unary<RsqrtOp>},
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
      {"erfinv", &unary<ErfinvOp>},
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

/// Scales by the larger side, so that squares do not overflow.
static Value hypotenuse(Emitter &e, Value a, Value b) {
  auto constant = [&](double v) { return number(e, a, v); };
  Value x = e.emit<AbsOp>(a), y = e.emit<AbsOp>(b);
  Value large = e.emit<MaximumOp>(x, y), small = e.emit<MinimumOp>(x, y);
  Value isZero = e.emit<EqualOp>(large, constant(0.0));
  Value ratio = e.emit<DivideOp>(small, e.where(isZero, constant(1.0), large));
  Value one = constant(1.0);
  Value root = e.emit<SqrtOp>(e.emit<AddOp>(one, e.emit<MultiplyOp>(ratio, ratio)));
  Value length = e.emit<MultiplyOp>(large, root);
  Value xInfinite = e.emit<IsinfOp>(x);
  length = e.where(e.either(xInfinite, e.emit<IsinfOp>(y)), constant(kInfinity), length);
  // The result is infinite if one side is, even if the other one is NaN.
  Value infinity = constant(kInfinity), xIs = e.emit<EqualOp>(x, infinity);
  return e.where(xIs, infinity, e.where(e.emit<EqualOp>(y, infinity), infinity, length));
}
static Value inverseHypotenuse(Emitter &e, Value a, Value b) { return inverse(e, hypotenuse(e, a, b)); }

/// Multiplies in three steps, because a single power of two may overflow where the product does not.
static Value timesPowerOfTwo(Emitter &e, Value a, Value exponent) {
  auto constant = [&](double v) { return number(e, a, v); };
  Value third = truncate(e, e.emit<DivideOp>(exponent, constant(3.0)));
  Value rest = e.emit<SubtractOp>(exponent, e.emit<MultiplyOp>(constant(2.0), third));
  Value step = e.emit<PowerOp>(constant(2.0), third);
  Value scaled = e.emit<MultiplyOp>(e.emit<MultiplyOp>(a, step), step);
  return e.emit<MultiplyOp>(scaled, e.emit<PowerOp>(constant(2.0), rest));
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
      {"copysign", &copySign},         {"ldexp", &timesPowerOfTwo},
      {"scalbn", &timesPowerOfTwo},    {"mulhi", &high<true>},
      {"umulhi", &high<false>},
  };
  return forms.lookup(name);
}

// ---- everything else ----

static Value length(Emitter &e, ArrayRef<Value> sides) {
  Value sum;
  for (Value v : sides)
    sum = sum ? e.emit<AddOp>(sum, e.emit<MultiplyOp>(v, v)) : e.emit<MultiplyOp>(v, v);
  return e.emit<SqrtOp>(sum);
}

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
  if (BinaryForm form = args.size() == 2 ? binaryForm(name) : nullptr)
    return form(e, a, e.convert(args[1], elementOf(a)));
  if (name == "fma" || name == "fma_rn")
    return fusedMultiplyAdd(e, a, args[1], args[2]);
  if (name == "norm3d" || name == "norm4d")
    return length(e, args);
  if (name == "rnorm3d" || name == "rnorm4d")
    return inverse(e, length(e, args));
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
  Type result = arrayElement(getElementTypeOrSelf(op->getResult(0).getType()));
  Value value = libdeviceCall(r.emitter, name, args, result);
  if (!value && unaryForm(name))
    refuse(op, "'" + symbol + "' of " + typeName(elementOf(args[0])) + " is not supported.");
  if (!value)
    refuse(op, "The function '" + symbol + "' has no form in MLX.");
  r.values.setArray(op->getResult(0), r.emitter.convert(value, result));
}

} // namespace tmetal::raising
