// SPDX-License-Identifier: MIT
// Functions of libdevice, named by symbols `__tm_<name>` (python/triton_metal/backend/libdevice.py lists
// them).
#include "Raiser.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace llvm;

namespace tmetal {

void Raiser::raiseExternElementwise(Operation *op, StringRef) {
  StringRef symbol = cast<StringAttr>(op->getAttr("symbol")).getValue(), name = symbol;
  if (!name.consume_front("__tm_"))
    refuse(op, "The function '" + symbol + "' belongs to another backend.");
  SmallVector<Value, 3> args;
  for (Value operand : op->getOperands())
    args.push_back(arrayOf(operand));
  Value a = args[0], b = args.size() > 1 ? args[1] : Value();
  Type type = elementOf(a), result = arrayElement(getElementTypeOrSelf(op->getResult(0).getType()));
  unsigned rank = shapeOf(a).size();
  auto done = [&](Value value) {
    if (result.isInteger(1))
      set(op->getResult(0), makeCondition({}, value));
    else
      setArray(op->getResult(0), emitCast(value, result));
  };
  auto number = [&](double v) { return emitFloat(v, type, rank); };
  auto unary = [&](StringRef form, Value x) { return emitElementwise(form, x, type); };
  auto binary = [&](StringRef form, Value x, Value y) { return emitElementwise(form, {x, y}, type); };
  auto truncate = [&](Value x) {
    return emitWhere(emitCompare("less", x, number(0.0)), unary("ceil", x), unary("floor", x));
  };

  StringRef direct = llvm::StringSwitch<StringRef>(name)
                         .Case("floor", "floor")
                         .Case("ceil", "ceil")
                         .Cases({"rint", "nearbyint"}, "round")
                         .Cases({"sqrt", "sqrt_rn"}, "sqrt")
                         .Cases({"rsqrt", "rsqrt_rn"}, "rsqrt")
                         .Cases({"exp", "fast_expf"}, "exp")
                         .Case("expm1", "expm1")
                         .Cases({"log", "fast_logf"}, "log")
                         .Cases({"log2", "fast_log2f"}, "log2")
                         .Cases({"log10", "fast_log10f"}, "log10")
                         .Case("log1p", "log1p")
                         .Cases({"sin", "fast_sinf"}, "sin")
                         .Cases({"cos", "fast_cosf"}, "cos")
                         .Cases({"tan", "fast_tanf"}, "tan")
                         .Case("asin", "arcsin")
                         .Case("acos", "arccos")
                         .Case("atan", "arctan")
                         .Case("sinh", "sinh")
                         .Case("cosh", "cosh")
                         .Cases({"tanh", "fast_tanhf"}, "tanh")
                         .Case("asinh", "arcsinh")
                         .Case("acosh", "arccosh")
                         .Case("atanh", "arctanh")
                         .Case("erf", "erf")
                         .Case("erfinv", "erfinv")
                         .Case("abs", "abs")
                         .Cases({"atan2"}, "arctan2")
                         .Cases({"pow", "fast_powf"}, "power")
                         .Cases({"add_rn"}, "add")
                         .Cases({"sub_rn"}, "subtract")
                         .Cases({"mul_rn"}, "multiply")
                         .Cases({"div_rn", "fast_dividef"}, "divide")
                         .Default("");
  if (!direct.empty()) {
    if (b && elementOf(b) != type)
      b = emitCast(b, type);
    return done(b ? binary(direct, a, b) : accurateUnary(direct, a));
  }
  if (name == "trunc")
    return done(truncate(a));
  if (name == "round") { // half away from zero
    Value magnitude = unary("abs", a), floor = unary("floor", magnitude);
    Value up = emitCompare("greater_equal", binary("subtract", magnitude, floor), number(0.5));
    Value rounded = binary("add", floor, emitCast(up, type));
    return done(copySign(rounded, a));
  }
  if (name == "exp2")
    return done(binary("power", number(2.0), a));
  if (name == "exp10" || name == "fast_exp10f")
    return done(binary("power", number(10.0), a));
  if (name == "rcp_rn")
    return done(binary("divide", number(1.0), a));
  if (name == "saturatef")
    return done(maxNumber(binary("minimum", a, number(1.0)), number(0.0), true));
  if (name == "cbrt" || name == "rcbrt") {
    Value x = unary("abs", a), root = binary("power", x, number(1.0 / 3.0));
    // One step of Newton's method, where the root is neither zero nor infinite.
    Value square = binary("multiply", root, root);
    Value residue = binary("subtract", binary("multiply", square, root), x);
    Value step = binary("divide", residue, binary("multiply", number(3.0), square));
    Value finite = emitCompare("less", unary("abs", step), number(std::numeric_limits<double>::infinity()));
    root = copySign(emitWhere(finite, binary("subtract", root, step), root), a);
    return done(name == "cbrt" ? root : binary("divide", number(1.0), root));
  }
  // Chebyshev fit with a relative error below 1.2e-7 (W. H. Press et al., Numerical Recipes, section 6.2).
  auto complementaryError = [&](Value x) {
    if (!type.isF32())
      refuse(op, "'" + symbol + "' of " + typeName(type) + " is not supported.");
    constexpr double fit[] = {-1.26551223, 1.00002368,  0.37409196, 0.09678418,  -0.18628806,
                              0.27886807,  -1.13520398, 1.48851587, -0.82215223, 0.17087277};
    Value z = unary("abs", x);
    Value t = binary("divide", number(1.0), binary("add", number(1.0), binary("multiply", number(0.5), z)));
    Value sum = number(fit[9]);
    for (int i = 8; i >= 0; --i)
      sum = binary("add", binary("multiply", sum, t), number(fit[i]));
    Value tail = binary("multiply", t, unary("exp", binary("subtract", sum, binary("multiply", z, z))));
    tail = emitWhere(emitCompare("less", x, number(0.0)), binary("subtract", number(2.0), tail), tail);
    // Near zero the difference from 1 is exact enough.
    return emitWhere(emitCompare("less", z, number(0.5)), binary("subtract", number(1.0), errorFunction(x)),
                     tail);
  };
  if (name == "erfc")
    return done(complementaryError(a));
  if (name == "normcdf")
    return done(
        binary("multiply", number(0.5), complementaryError(binary("multiply", a, number(-std::sqrt(0.5))))));
  if (name == "sinpi" || name == "cospi") {
    // Reduced to one period first: pi * a would lose the fraction of a large a.
    Value period = binary(
        "subtract", a, binary("multiply", number(2.0), unary("floor", binary("multiply", a, number(0.5)))));
    return done(accurateUnary(name == "sinpi" ? "sin" : "cos", binary("multiply", period, number(M_PI))));
  }
  if (name == "isnan")
    return done(emitElementwise("isnan", a, i1()));
  if (name == "isinf")
    return done(emitElementwise("isinf", a, i1()));
  if (name == "finitef" || name == "isfinited")
    return done(emitCompare("less", unary("abs", a), number(std::numeric_limits<double>::infinity())));
  if (name == "signbit") {
    Type bits = builder.getIntegerType(type.getIntOrFloatBitWidth());
    return done(emitCast(emitCompare("less", emitView(a, bits), emitInt(0, bits, rank)), i32()));
  }
  if (name == "fdim") {
    Value difference = binary("subtract", a, b);
    return done(emitWhere(emitCompare("less_equal", a, b), number(0.0), difference));
  }
  if (name == "hypot" || name == "rhypot") {
    // Scaled by the larger side, so that squares do not overflow.
    Value x = unary("abs", a), y = unary("abs", b), large = binary("maximum", x, y),
          small = binary("minimum", x, y);
    Value isZero = emitCompare("equal", large, number(0.0));
    Value ratio = binary("divide", small, emitWhere(isZero, number(1.0), large));
    Value length = binary("multiply", large,
                          unary("sqrt", binary("add", number(1.0), binary("multiply", ratio, ratio))));
    Value infinite = emitElementwise(
        "logical_or", {emitElementwise("isinf", x, i1()), emitElementwise("isinf", y, i1())}, i1());
    length = emitWhere(infinite, number(std::numeric_limits<double>::infinity()), length);
    // Infinite beside anything, NaN too.
    Value infinity = number(std::numeric_limits<double>::infinity());
    length = emitWhere(emitCompare("equal", x, infinity), infinity,
                       emitWhere(emitCompare("equal", y, infinity), infinity, length));
    return done(name == "hypot" ? length : binary("divide", number(1.0), length));
  }
  if (name == "fmod")
    return done(floatRemainder(a, b));
  if (name == "copysign")
    return done(copySign(a, b));
  if (name == "fma" || name == "fma_rn")
    return done(fusedMultiplyAdd(a, b, args[2]));
  if (name == "ldexp" || name == "scalbn") {
    // In three steps: one power of two may overflow where the product does not.
    Value exponent = emitCast(b, type);
    Value third = truncate(binary("divide", exponent, number(3.0)));
    Value rest = binary("subtract", exponent, binary("multiply", number(2.0), third));
    Value step = binary("power", number(2.0), third);
    Value scaled = binary("multiply", binary("multiply", a, step), step);
    return done(binary("multiply", scaled, binary("power", number(2.0), rest)));
  }
  if (name == "norm3d" || name == "rnorm3d" || name == "norm4d" || name == "rnorm4d") {
    Value sum;
    for (Value v : args)
      sum = sum ? binary("add", sum, binary("multiply", v, v)) : binary("multiply", v, v);
    Value length = unary("sqrt", sum);
    return done(name.starts_with("r") ? binary("divide", number(1.0), length) : length);
  }
  if (name == "mulhi" || name == "umulhi")
    return done(multiplyHigh(a, b, name == "mulhi"));
  if (name == "popc" || name == "clz")
    return done(integerArray(op, name == "popc" ? "ctpop" : "ctlz", {a}));
  if (name == "ffs") { // 1 + the index of the lowest set bit, 0 for 0
    Value index = emitElementwise("add", {integerArray(op, "cttz", {a}), emitInt(1, type, rank)}, type);
    return done(emitWhere(emitCompare("equal", a, emitInt(0, type, rank)), emitInt(0, type, rank), index));
  }
  if (name.contains("_as_")) // float_as_int and its like keep the bits
    return done(emitView(a, result));
  if (name.contains("2int_") || name.contains("2ll_")) {
    StringRef mode = name.take_back(2);
    Value rounded = mode == "rn"   ? unary("round", a)
                    : mode == "rz" ? truncate(a)
                                   : unary(mode == "rd" ? "floor" : "ceil", a);
    return done(rounded);
  }
  if (name == "llrint")
    return done(unary("round", a));
  if (name == "int2float_rn" || name == "ll2float_rn" || name == "int2double_rn" || name == "ll2double_rn" ||
      name == "double2float_rn")
    return done(a);
  if (name == "uint2float_rn" || name == "ull2float_rn" || name == "uint2double_rn" ||
      name == "ull2double_rn")
    return done(emitUnsigned(a));
  refuse(op, "The function '" + symbol + "' has no form in MLX.");
}

} // namespace tmetal
