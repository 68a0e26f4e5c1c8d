// SPDX-License-Identifier: MIT
// Rules of floating-point arithmetic.
#include "Raiser.h"

#include <cmath>

using namespace mlir;
using namespace llvm;

namespace tmetal {

// ---- functions that MLX has not, or not well enough ----

Value Raiser::copySign(Value magnitude, Value sign) {
  Type type = elementOf(magnitude), bits = unsignedType(type.getIntOrFloatBitWidth());
  unsigned rank = shapeOf(magnitude).size();
  Value top = emitInt(int64_t(uint64_t(1) << (type.getIntOrFloatBitWidth() - 1)), bits, rank);
  Value rest = emitElementwise(
      "bitwise_and", {emitView(magnitude, bits), emitElementwise("bitwise_invert", top, bits)}, bits);
  Value merged = emitElementwise(
      "bitwise_or", {rest, emitElementwise("bitwise_and", {emitView(sign, bits), top}, bits)}, bits);
  return emitView(merged, type);
}

Value Raiser::floatRemainder(Value a, Value b) {
  // C's fmod, on magnitudes; the result has the sign of the dividend, also when it is zero.
  Type type = elementOf(a);
  Value x = emitElementwise("abs", a, type), y = emitElementwise("abs", b, type);
  Value r = emitElementwise("remainder", {x, y}, type);
  r = emitWhere(emitCompare("less", x, y), x, r); // also for an infinite divisor
  return emitWhere(emitElementwise("isnan", r, i1()), r, copySign(r, a));
}

Value Raiser::fusedMultiplyAdd(Value a, Value b, Value c) {
  Type type = elementOf(a), f32 = builder.getF32Type();
  auto binary = [&](StringRef name, Value x, Value y) { return emitElementwise(name, {x, y}, elementOf(x)); };
  if (type.getIntOrFloatBitWidth() < 32) // the product of two half-width numbers is exact in f32
    return emitCast(binary("add", binary("multiply", emitCast(a, f32), emitCast(b, f32)), emitCast(c, f32)),
                    type);
  // Error-free transformations: T. J. Dekker, "A floating-point technique for extending the available
  // precision", Numerische Mathematik 18 (1971). The two rounding errors are added at the end.
  unsigned rank = shapeOf(a).size();
  Value splitter = emitFloat(type.isF64() ? 134217729.0 : 4097.0, type, rank);
  auto split = [&](Value v) -> std::pair<Value, Value> {
    Value scaled = binary("multiply", v, splitter);
    Value high = binary("subtract", scaled, binary("subtract", scaled, v));
    return {high, binary("subtract", v, high)};
  };
  Value product = binary("multiply", a, b);
  auto [aHigh, aLow] = split(a);
  auto [bHigh, bLow] = split(b);
  Value productError = binary("subtract", binary("multiply", aHigh, bHigh), product);
  productError = binary("add", productError, binary("multiply", aHigh, bLow));
  productError = binary("add", productError, binary("multiply", aLow, bHigh));
  productError = binary("add", productError, binary("multiply", aLow, bLow));
  Value sum = binary("add", product, c);
  Value part = binary("subtract", sum, product);
  Value sumError =
      binary("add", binary("subtract", product, binary("subtract", sum, part)), binary("subtract", c, part));
  Value fused = binary("add", sum, binary("add", productError, sumError));
  // Where the splitting overflowed, and for infinities and NaN, the plain result stands.
  Value finite = emitCompare("less", emitElementwise("abs", fused, type),
                             emitFloat(std::numeric_limits<double>::infinity(), type, rank));
  return emitWhere(finite, fused, sum);
}

Value Raiser::errorFunction(Value a) {
  Type type = elementOf(a);
  unsigned rank = shapeOf(a).size();
  auto number = [&](double v) { return emitFloat(v, type, rank); };
  auto binary = [&](StringRef name, Value x, Value y) { return emitElementwise(name, {x, y}, type); };
  Value square = binary("multiply", a, a), magnitude = emitElementwise("abs", a, type);
  if (!type.isF64()) {
    // MLX's erf has an absolute error near 1e-7; near zero the Taylor series keeps the relative one.
    Value series = number(0.0);
    for (int n = 7; n >= 0; --n) {
      double coefficient =
          2.0 / std::sqrt(M_PI) * (n % 2 ? -1.0 : 1.0) / (std::tgamma(n + 1.0) * (2 * n + 1));
      series = binary("add", binary("multiply", series, square), number(coefficient));
    }
    return emitWhere(emitCompare("less", magnitude, number(0.5)), binary("multiply", a, series),
                     emitElementwise("erf", a, type));
  }
  // MLX computes erf of f64 in f32. erf(x) = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!!, all terms
  // positive (Abramowitz and Stegun 7.1.6); beyond 6 it is 1.
  Value clipped = binary("minimum", magnitude, number(6.0));
  Value z = binary("multiply", clipped, clipped), series = number(1.0);
  for (int n = 130; n >= 1; --n)
    series = binary("add", binary("multiply", binary("multiply", series, z), number(2.0 / (2 * n + 1))),
                    number(1.0));
  Value value =
      binary("multiply", binary("multiply", number(2.0 / std::sqrt(M_PI)), clipped),
             binary("multiply", accurateUnary("exp", emitElementwise("negative", z, type)), series));
  value = emitWhere(emitCompare("greater_equal", magnitude, number(6.0)), number(1.0), value);
  return emitWhere(emitElementwise("isnan", a, i1()), a, copySign(value, a));
}

Value Raiser::accurateUnary(StringRef form, Value a) {
  Type type = elementOf(a);
  if (form == "erf" && type.getIntOrFloatBitWidth() >= 32)
    return errorFunction(a);
  // MLX computes exp, sin and cos of f64 in f32, and sin of f32 to an absolute error only; expm1 and tan are
  // exact to the last places.
  bool coarse =
      type.isF64() ? form == "exp" || form == "sin" || form == "cos" : type.isF32() && form == "sin";
  if (!coarse)
    return emitElementwise(form, a, type);
  unsigned rank = shapeOf(a).size();
  auto number = [&](double v) { return emitFloat(v, type, rank); };
  auto binary = [&](StringRef name, Value x, Value y) { return emitElementwise(name, {x, y}, type); };
  if (form == "exp") { // exp(|x|), or its inverse: expm1 of a negative number would lose the small results
    Value large = binary("add", emitElementwise("expm1", emitElementwise("abs", a, type), type), number(1.0));
    return emitWhere(emitCompare("less", a, number(0.0)), binary("divide", number(1.0), large), large);
  }
  Value t = emitElementwise("tan", binary("multiply", a, number(0.5)), type),
        square = binary("multiply", t, t);
  Value scale = binary("add", number(1.0), square);
  if (form == "sin")
    return emitWhere(emitCompare("equal", a, number(0.0)), a, // MLX's tan drops the sign of zero
                     binary("divide", binary("multiply", number(2.0), t), scale));
  return binary("divide",
                binary("multiply", binary("subtract", number(1.0), t), binary("add", number(1.0), t)), scale);
}

// ---- comparisons and plain arithmetic ----

void Raiser::raiseCompareFloat(Operation *op, StringRef) {
  auto compare = cast<arith::CmpFOp>(op);
  using P = arith::CmpFPredicate;
  Value a = arrayOf(compare.getLhs()), b = arrayOf(compare.getRhs());
  auto negate = [&](Value v) { return emitElementwise("logical_not", v, i1()); };
  auto either = [&](Value x, Value y) { return emitElementwise("logical_or", {x, y}, i1()); };
  auto different = [&] { return either(emitCompare("less", a, b), emitCompare("greater", a, b)); };
  auto unordered = [&] {
    return either(emitElementwise("isnan", a, i1()), emitElementwise("isnan", b, i1()));
  };
  Value result;
  switch (compare.getPredicate()) {
  case P::AlwaysFalse:
  case P::AlwaysTrue:
    set(op->getResult(0), makeCondition(Condition::constant(compare.getPredicate() == P::AlwaysTrue,
                                                            extentsOf(op->getResult(0).getType()).size())));
    return;
  case P::OEQ:
    result = emitCompare("equal", a, b);
    break;
  case P::OGT:
    result = emitCompare("greater", a, b);
    break;
  case P::OGE:
    result = emitCompare("greater_equal", a, b);
    break;
  case P::OLT:
    result = emitCompare("less", a, b);
    break;
  case P::OLE:
    result = emitCompare("less_equal", a, b);
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
    result = negate(emitCompare("less_equal", a, b));
    break;
  case P::UGE:
    result = negate(emitCompare("less", a, b));
    break;
  case P::ULT:
    result = negate(emitCompare("greater_equal", a, b));
    break;
  case P::ULE:
    result = negate(emitCompare("greater", a, b));
    break;
  case P::UNE:
    result = emitCompare("not_equal", a, b);
    break;
  case P::UNO:
    result = unordered();
    break;
  }
  set(op->getResult(0), makeCondition({}, result));
}

void Raiser::raiseUnaryFloat(Operation *op, StringRef form) {
  setArray(op->getResult(0), accurateUnary(form, arrayOf(op->getOperand(0))));
}

void Raiser::raiseBinaryFloat(Operation *op, StringRef form) {
  Value a = arrayOf(op->getOperand(0)), b = arrayOf(op->getOperand(1));
  setArray(op->getResult(0), emitElementwise(form, {a, b}, elementOf(a)));
}

Value Raiser::maxNumber(Value a, Value b, bool maximum) {
  // MLX propagates NaN; maxnum and minnum return the other operand.
  Type type = elementOf(a);
  Value result = emitElementwise(maximum ? "maximum" : "minimum", {a, b}, type);
  result = emitWhere(emitElementwise("isnan", a, i1()), b, result);
  return emitWhere(emitElementwise("isnan", b, i1()), a, result);
}

void Raiser::raiseFloatMath(Operation *op, StringRef name) {
  Value a = arrayOf(op->getOperand(0));
  Type type = elementOf(a);
  unsigned rank = shapeOf(a).size();
  Value result;
  if (name == "maxnum" || name == "minnum")
    result = maxNumber(a, arrayOf(op->getOperand(1)), name == "maxnum");
  else if (name == "exp2")
    result = emitElementwise("power", {emitFloat(2.0, type, rank), a}, type);
  else if (name == "fma")
    result = fusedMultiplyAdd(a, arrayOf(op->getOperand(1)), arrayOf(op->getOperand(2)));
  else if (name == "remf")
    result = floatRemainder(a, arrayOf(op->getOperand(1)));
  else if (name == "clampf") {
    auto clamp = cast<tt::ClampFOp>(op);
    Value low = arrayOf(clamp.getMin()), high = arrayOf(clamp.getMax());
    if (clamp.getPropagateNan() == tt::PropagateNan::ALL)
      result = emitElementwise("minimum", {emitElementwise("maximum", {a, low}, type), high}, type);
    else
      result = maxNumber(maxNumber(a, low, true), high, false);
  } else if (name == "copysign")
    result = copySign(a, arrayOf(op->getOperand(1)));
  else if (name == "trunc")
    result = emitWhere(emitCompare("less", a, emitFloat(0.0, type, rank)), emitElementwise("ceil", a, type),
                       emitElementwise("floor", a, type));
  else if (name == "exp10")
    result = emitElementwise("power", {emitFloat(10.0, type, rank), a}, type);
  else
    refuse(op, "This floating-point operation has no form in MLX.");
  setArray(op->getResult(0), result);
}

} // namespace tmetal
