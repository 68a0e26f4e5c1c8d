// SPDX-License-Identifier: MIT
// Rules of arithmetic, comparisons, selections and conversions.
#include "Raiser.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace llvm;

namespace tmetal {

void Raiser::raiseConstant(Operation *op, StringRef) {
  Value result = op->getResult(0);
  Attribute value = op->getAttr("value");
  Type element = getElementTypeOrSelf(result.getType());
  unsigned rank = extentsOf(result.getType()).size();
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (dense && dense.isSplat())
    value = dense.getSplatValue<Attribute>();
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    if (element.isInteger(1))
      set(result, makeCondition(Condition::constant(!integer.getValue().isZero(), rank)));
    else
      setIndex(result, IndexExpr::constant(integer.getValue().getSExtValue(), rank));
    return;
  }
  if (auto number = dyn_cast<FloatAttr>(value)) {
    Type type = arrayElement(element);
    if (type != element)
      setArray(result,
               emitInt(static_cast<int64_t>(number.getValue().bitcastToAPInt().getZExtValue()), type, rank));
    else
      setArray(result, emitScalar(FloatAttr::get(element, number.getValue()), element, rank));
    return;
  }
  if (dense && isa<IntegerType>(element)) {
    Extents shape(programRank(), 1);
    ArrayRef<int64_t> block = cast<RankedTensorType>(result.getType()).getShape();
    shape.append(block.begin(), block.end());
    std::vector<int64_t> all;
    for (APInt v : dense.getValues<APInt>())
      all.push_back(element.isInteger(1) ? v.getZExtValue() : v.getSExtValue());
    IndexExpr index = IndexExpr::fromValues(shape, std::move(all));
    if (element.isInteger(1))
      set(result, makeCondition(Condition::fromInteger(index, extentsOf(result.getType()))));
    else
      setIndex(result, index);
    return;
  }
  if (dense && arrayElement(element) == element) {
    Extents shape(programRank(), 1);
    ArrayRef<int64_t> block = cast<RankedTensorType>(result.getType()).getShape();
    shape.append(block.begin(), block.end());
    auto type = RankedTensorType::get(shape, element);
    setArray(result,
             emit("constant", {}, element, shape, {builder.getNamedAttr("value", dense.reshape(type))}));
    return;
  }
  refuse(op, "A constant of type " + typeName(result.getType()) + " is not supported.");
}

void Raiser::raisePoison(Operation *op, StringRef) {
  Value result = op->getResult(0);
  Type element = getElementTypeOrSelf(result.getType());
  unsigned rank = extentsOf(result.getType()).size();
  if (element.isInteger(1))
    set(result, makeCondition(Condition::constant(false, rank)));
  else if (element.isIntOrIndex())
    setIndex(result, IndexExpr::constant(0, rank));
  else if (isa<FloatType>(element) && arrayElement(element) == element)
    setArray(result, emitFloat(0.0, element, rank));
  else
    refuse(op, "An undefined value of type " + typeName(result.getType()) + " is not supported.");
}

// ---- integers ----

Value Raiser::divideUnsigned(Value a, Value b, bool remainder) {
  // A divisor of 0 has no defined result, but must not trap on a lane that is off.
  Type type = elementOf(b);
  unsigned rank = shapeOf(b).size();
  Value safe = emitElementwise("maximum", {b, emitInt(1, type, rank)}, type);
  Value quotient = emitElementwise("floor_divide", {a, safe}, type);
  if (!remainder)
    return quotient;
  return emitElementwise("subtract", {a, emitElementwise("multiply", {quotient, safe}, type)}, type);
}

Value Raiser::divideTruncating(Value a, Value b, bool remainder) {
  // On magnitudes, so that the rounding is toward zero and INT_MIN / -1 wraps instead of trapping.
  Type type = elementOf(a);
  unsigned rank = shapeOf(a).size();
  Value zero = emitInt(0, type, rank);
  Value aNegative = emitCompare("less", a, zero), bNegative = emitCompare("less", b, zero);
  auto magnitude = [&](Value v, Value negative) {
    return emitUnsigned(emitWhere(negative, emitElementwise("negative", v, type), v));
  };
  Value result = emitSigned(divideUnsigned(magnitude(a, aNegative), magnitude(b, bNegative), remainder));
  Value flip = remainder ? aNegative : emitCompare("not_equal", aNegative, bNegative);
  return emitWhere(flip, emitElementwise("negative", result, type), result);
}

Value Raiser::multiplyHigh(Value a, Value b, bool isSigned) {
  unsigned width = cast<IntegerType>(elementOf(a)).getWidth(), rank = shapeOf(a).size();
  Type type = elementOf(a);
  if (width < 64) {
    Type wide = isSigned ? Type(i64()) : unsignedType(64);
    auto widen = [&](Value v) { return emitCast(isSigned ? v : emitUnsigned(v), wide); };
    Value product = emitElementwise("multiply", {widen(a), widen(b)}, wide);
    Value high = emitElementwise("right_shift", {product, emitInt(width, wide, rank)}, wide);
    return isSigned ? emitCast(high, type) : emitSigned(emitCast(high, unsignedType(width)));
  }
  Type u64 = unsignedType(64);
  Value mask = emitInt(0xffffffff, u64, rank), half = emitInt(32, u64, rank);
  auto binary = [&](StringRef name, Value x, Value y) { return emitElementwise(name, {x, y}, u64); };
  Value ua = emitUnsigned(a), ub = emitUnsigned(b);
  Value aLow = binary("bitwise_and", ua, mask), aHigh = binary("right_shift", ua, half);
  Value bLow = binary("bitwise_and", ub, mask), bHigh = binary("right_shift", ub, half);
  Value cross = binary("add", binary("multiply", aHigh, bLow),
                       binary("right_shift", binary("multiply", aLow, bLow), half));
  Value cross2 = binary("add", binary("multiply", aLow, bHigh), binary("bitwise_and", cross, mask));
  Value high = binary("add", binary("multiply", aHigh, bHigh),
                      binary("add", binary("right_shift", cross, half), binary("right_shift", cross2, half)));
  high = emitSigned(high);
  if (!isSigned)
    return high;
  // Signed from unsigned: subtract b where a < 0, and a where b < 0.
  Value zero = emitInt(0, type, rank);
  high = emitElementwise("subtract", {high, emitWhere(emitCompare("less", a, zero), b, zero)}, type);
  return emitElementwise("subtract", {high, emitWhere(emitCompare("less", b, zero), a, zero)}, type);
}

Value Raiser::shift(Value a, Value amount, StringRef name, bool isSigned) {
  Type type = elementOf(a);
  if (isSigned)
    return emitElementwise(name, {a, amount}, type);
  Value ua = emitUnsigned(a);
  return emitSigned(emitElementwise(name, {ua, emitUnsigned(amount)}, elementOf(ua)));
}

Value Raiser::integerArray(Operation *op, StringRef name, ArrayRef<Value> operands) {
  Value a = operands[0], b = operands.size() > 1 ? operands[1] : Value();
  Type type = elementOf(a);
  if (type.isInteger(1)) {
    StringRef form = llvm::StringSwitch<StringRef>(name)
                         .Cases({"addi", "subi", "xori"}, "not_equal")
                         .Cases({"muli", "andi", "minui", "maxsi"}, "logical_and")
                         .Cases({"ori", "maxui", "minsi"}, "logical_or")
                         .Default("");
    if (form.empty())
      refuse(op, "This operation is not defined on i1.");
    return emitElementwise(form, {a, b}, i1());
  }
  StringRef simple = llvm::StringSwitch<StringRef>(name)
                         .Case("addi", "add")
                         .Case("subi", "subtract")
                         .Case("muli", "multiply")
                         .Case("andi", "bitwise_and")
                         .Case("ori", "bitwise_or")
                         .Case("xori", "bitwise_xor")
                         .Case("maxsi", "maximum")
                         .Case("minsi", "minimum")
                         .Case("floordivsi", "floor_divide")
                         .Default("");
  if (name == "floordivsi") {
    Value quotient = divideTruncating(a, b, false), remainder = divideTruncating(a, b, true);
    Value zero = emitInt(0, type, shapeOf(a).size());
    Value off = emitAnd(emitCompare("not_equal", remainder, zero),
                        emitCompare("not_equal", emitCompare("less", a, zero), emitCompare("less", b, zero)));
    return emitElementwise("subtract", {quotient, emitCast(off, type)}, type);
  }
  if (name == "ceildivsi") {
    Value quotient = divideTruncating(a, b, false), remainder = divideTruncating(a, b, true);
    Value zero = emitInt(0, type, shapeOf(a).size());
    Value up = emitAnd(emitCompare("not_equal", remainder, zero),
                       emitCompare("equal", emitCompare("less", a, zero), emitCompare("less", b, zero)));
    return emitElementwise("add", {quotient, emitCast(up, type)}, type);
  }
  if (!simple.empty())
    return emitElementwise(simple, {a, b}, type);
  if (name == "maxui" || name == "minui") {
    Value ua = emitUnsigned(a);
    return emitSigned(
        emitElementwise(name == "maxui" ? "maximum" : "minimum", {ua, emitUnsigned(b)}, elementOf(ua)));
  }
  if (name == "divsi" || name == "remsi")
    return divideTruncating(a, b, name == "remsi");
  if (name == "divui" || name == "remui")
    return emitSigned(divideUnsigned(emitUnsigned(a), emitUnsigned(b), name == "remui"));
  if (name == "shli")
    return shift(a, b, "left_shift", true);
  if (name == "shrsi" || name == "shrui")
    return shift(a, b, "right_shift", name == "shrsi");
  if (name == "mulhiui")
    return multiplyHigh(a, b, false);
  if (name == "absi") // INT_MIN wraps to itself
    return emitWhere(emitCompare("less", a, emitInt(0, type, shapeOf(a).size())),
                     emitElementwise("negative", a, type), a);
  if (name == "ctpop" || name == "ctlz" || name == "cttz") {
    unsigned width = cast<IntegerType>(type).getWidth(), rank = shapeOf(a).size();
    Value ua = emitUnsigned(a);
    Type u = elementOf(ua);
    auto binary = [&](StringRef form, Value x, Value y) { return emitElementwise(form, {x, y}, u); };
    auto constant = [&](int64_t v) { return emitInt(v, u, rank); };
    if (name == "ctlz") // smear the top bit down: the zeros above are what is left
      for (unsigned s = 1; s < width; s *= 2)
        ua = binary("bitwise_or", ua, binary("right_shift", ua, constant(s)));
    if (name == "cttz") // ones below the lowest set bit
      ua = binary("bitwise_and", emitElementwise("bitwise_invert", ua, u),
                  binary("subtract", ua, constant(1)));
    Value count = constant(0);
    for (unsigned s = 0; s < width; ++s)
      count =
          binary("add", count, binary("bitwise_and", binary("right_shift", ua, constant(s)), constant(1)));
    if (name == "ctlz")
      count = binary("subtract", constant(width), count);
    return emitSigned(count);
  }
  refuse(op, "This integer operation has no form in MLX.");
}

void Raiser::raiseInteger(Operation *op, StringRef name) {
  Value result = op->getResult(0);
  Type element = getElementTypeOrSelf(result.getType());
  Extents extents = extentsOf(result.getType());
  if (element.isInteger(1) && name == "andi") {
    set(result, conjunction(get(op->getOperand(0)), get(op->getOperand(1)), extents));
    return;
  }
  SmallVector<IndexExpr, 2> known;
  for (Value operand : op->getOperands())
    if (auto index = knownInteger(operand))
      known.push_back(*index);
  if (known.size() == op->getNumOperands())
    if (auto index = evaluateInteger(op, known, extents)) {
      if (element.isInteger(1))
        set(result, makeCondition(Condition::fromInteger(*index, extents)));
      else
        setIndex(result, *index);
      return;
    }
  SmallVector<Value, 2> arrays;
  for (Value operand : op->getOperands())
    arrays.push_back(arrayOf(operand));
  setArray(result, integerArray(op, name, arrays));
}

void Raiser::raiseExtendedMultiply(Operation *op, StringRef name) {
  Value a = arrayOf(op->getOperand(0)), b = arrayOf(op->getOperand(1));
  setArray(op->getResult(0), emitElementwise("multiply", {a, b}, elementOf(a)));
  setArray(op->getResult(1), multiplyHigh(a, b, name == "signed"));
}

void Raiser::raiseCompareInteger(Operation *op, StringRef) {
  auto compare = cast<arith::CmpIOp>(op);
  using P = arith::CmpIPredicate;
  Extents extents = extentsOf(op->getResult(0).getType());
  Type element = getElementTypeOrSelf(compare.getLhs().getType());
  auto a = knownInteger(compare.getLhs()), b = knownInteger(compare.getRhs());
  if (a && b && (!element.isInteger(1) || compare.getPredicate() == P::eq || compare.getPredicate() == P::ne))
    if (auto condition =
            evaluateComparison(compare.getPredicate(), element.getIntOrFloatBitWidth(), *a, *b, extents)) {
      set(op->getResult(0), makeCondition(*condition));
      return;
    }
  Value x = arrayOf(compare.getLhs()), y = arrayOf(compare.getRhs());
  if (element.isInteger(1)) { // MLX orders false below true; a signed i1 has true = -1
    bool isSigned = compare.getPredicate() == P::slt || compare.getPredicate() == P::sle ||
                    compare.getPredicate() == P::sgt || compare.getPredicate() == P::sge;
    if (isSigned)
      std::swap(x, y);
    x = emitCast(x, i32());
    y = emitCast(y, i32());
  }
  StringRef form;
  bool isUnsigned = false;
  switch (compare.getPredicate()) {
  case P::eq:
    form = "equal";
    break;
  case P::ne:
    form = "not_equal";
    break;
  case P::ult:
    isUnsigned = true;
    [[fallthrough]];
  case P::slt:
    form = "less";
    break;
  case P::ule:
    isUnsigned = true;
    [[fallthrough]];
  case P::sle:
    form = "less_equal";
    break;
  case P::ugt:
    isUnsigned = true;
    [[fallthrough]];
  case P::sgt:
    form = "greater";
    break;
  case P::uge:
    isUnsigned = true;
    [[fallthrough]];
  case P::sge:
    form = "greater_equal";
    break;
  }
  if (isUnsigned && !element.isInteger(1)) {
    x = emitUnsigned(x);
    y = emitUnsigned(y);
  }
  set(op->getResult(0), makeCondition({}, emitCompare(form, x, y)));
}

void Raiser::raiseSelect(Operation *op, StringRef) {
  auto select = cast<arith::SelectOp>(op);
  Val condition = get(select.getCondition());
  if (isa<RankedTensorType>(select.getType()) && !isa<RankedTensorType>(select.getCondition().getType())) {
    unsigned block = cast<RankedTensorType>(select.getType()).getRank();
    for (IndexExpr &atom : condition.condition.atoms)
      for (unsigned i = 0; i < block; ++i)
        atom = atom.withAxis(atom.rank());
    if (condition.array) {
      Extents shape(shapeOf(condition.array).begin(), shapeOf(condition.array).end());
      shape.append(block, 1);
      condition.array = emitReshape(condition.array, shape);
    }
  }
  set(op->getResult(0),
      selectVal(condition, get(select.getTrueValue()), get(select.getFalseValue()), select.getType(), op));
}

// ---- conversions ----

Value Raiser::fromFloat8(Value bits, Type from) {
  unsigned rank = shapeOf(bits).size();
  Type u32 = unsignedType(32), f32 = builder.getF32Type();
  if (isa<Float8E5M2Type>(from)) { // the upper byte of an f16
    Type u16 = unsignedType(16);
    Value wide = emitElementwise("left_shift", {emitCast(bits, u16), emitInt(8, u16, rank)}, u16);
    return emitCast(emitView(wide, builder.getF16Type()), f32);
  }
  // E4M3FN: bias 7, no infinity, NaN = all ones.
  Value x = emitCast(bits, u32);
  Value magnitude = emitElementwise("bitwise_and", {x, emitInt(0x7f, u32, rank)}, u32);
  Value normal = emitElementwise("add",
                                 {emitElementwise("left_shift", {magnitude, emitInt(20, u32, rank)}, u32),
                                  emitInt(120 << 23, u32, rank)},
                                 u32);
  Value subnormal =
      emitElementwise("multiply", {emitCast(magnitude, f32), emitFloat(0x1p-9, f32, rank)}, f32);
  Value value =
      emitWhere(emitCompare("less", magnitude, emitInt(8, u32, rank)), subnormal, emitView(normal, f32));
  value =
      emitWhere(emitCompare("equal", magnitude, emitInt(0x7f, u32, rank)), emitFloat(NAN, f32, rank), value);
  Value negative = emitCompare("greater_equal", x, emitInt(0x80, u32, rank));
  return emitWhere(negative, emitElementwise("negative", value, f32), value);
}

Value Raiser::toFloat8(Value a, Type to, bool towardZero, Operation *op) {
  bool e5m2 = isa<Float8E5M2Type>(to);
  if (!e5m2 && !isa<Float8E4M3FNType>(to))
    refuse(op, "Converting to " + typeName(to) + " is not supported.");
  unsigned rank = shapeOf(a).size();
  Type u32 = unsignedType(32), f32 = builder.getF32Type(), u8 = unsignedType(8);
  a = emitCast(a, f32);
  int mantissa = e5m2 ? 2 : 3, bias = e5m2 ? 15 : 7, drop = 23 - mantissa;
  int64_t largest = e5m2 ? 0x7b : 0x7e, nan = 0x7f;
  auto constant = [&](int64_t v) { return emitInt(v, u32, rank); };
  auto binary = [&](StringRef name, Value x, Value y) { return emitElementwise(name, {x, y}, u32); };
  Value bits = emitView(a, u32);
  Value magnitude = binary("bitwise_and", bits, constant(0x7fffffff));
  Value rounded = magnitude;
  if (!towardZero) { // to nearest, ties to even
    Value odd = binary("bitwise_and", binary("right_shift", magnitude, constant(drop)), constant(1));
    rounded = binary("add", magnitude, binary("add", odd, constant((int64_t(1) << (drop - 1)) - 1)));
  }
  Value normal = binary("subtract", binary("right_shift", rounded, constant(drop)),
                        constant(int64_t(127 - bias) << mantissa));
  Value scaled = emitElementwise(
      "multiply", {emitView(magnitude, f32), emitFloat(std::ldexp(1.0, bias - 1 + mantissa), f32, rank)},
      f32);
  Value subnormal = emitCast(emitElementwise(towardZero ? "floor" : "round", scaled, f32), u32);
  Value isSubnormal = emitCompare("less", magnitude, constant(int64_t(127 - bias + 1) << 23));
  // Numbers beyond the range saturate, as the hardware conversions that Triton uses elsewhere do.
  Value result = emitWhere(isSubnormal, subnormal, normal);
  Value tooLarge = emitElementwise(
      "logical_and",
      {emitElementwise("logical_not", isSubnormal, i1()), emitCompare("greater", normal, constant(largest))},
      i1());
  result = emitWhere(tooLarge, constant(largest), result);
  result = emitWhere(emitCompare("greater", magnitude, constant(0x7f800000)), constant(nan), result);
  Value sign = binary("bitwise_and", binary("right_shift", bits, constant(24)), constant(0x80));
  return emitCast(binary("bitwise_or", result, sign), u8);
}

Value Raiser::convertFloat(Value a, Type from, Type to, bool towardZero, Operation *op) {
  if (from == to)
    return a;
  bool from8 = arrayElement(from) != from, to8 = arrayElement(to) != to;
  if (from8) {
    if (!isa<Float8E5M2Type, Float8E4M3FNType>(from))
      refuse(op, "Converting from " + typeName(from) + " is not supported.");
    a = fromFloat8(a, from);
  }
  if (to8)
    return toFloat8(a, to, towardZero, op);
  if (elementOf(a).isF64() && to.getIntOrFloatBitWidth() < 32) {
    // MLX goes by way of f32 and would round twice: round to odd there, which the second rounding cannot
    // tell.
    Type f32 = builder.getF32Type(), f64 = builder.getF64Type(), u32 = unsignedType(32);
    unsigned rank = shapeOf(a).size();
    Value near = emitCast(a, f32), back = emitCast(near, f64), bits = emitView(near, u32),
          one = emitInt(1, u32, rank);
    Value away = emitCompare("greater", emitElementwise("abs", back, f64), emitElementwise("abs", a, f64));
    Value truncated = emitWhere(away, emitElementwise("subtract", {bits, one}, u32), bits);
    Value odd = emitElementwise("bitwise_or", {truncated, one}, u32);
    Value inexact = emitElementwise("logical_and",
                                    {emitCompare("not_equal", back, a),
                                     emitElementwise("logical_not", emitElementwise("isnan", a, i1()), i1())},
                                    i1());
    a = emitView(emitWhere(inexact, odd, bits), f32);
  }
  Value rounded = emitCast(a, to);
  if (!towardZero || to.getIntOrFloatBitWidth() >= elementOf(a).getIntOrFloatBitWidth())
    return rounded;
  // Toward zero: where rounding went away from zero, take the next number toward it.
  Type wide = elementOf(a), bits = unsignedType(to.getIntOrFloatBitWidth());
  unsigned rank = shapeOf(a).size();
  Value back = emitCast(rounded, wide);
  Value away = emitCompare("greater", emitElementwise("abs", back, wide), emitElementwise("abs", a, wide));
  Value stepped =
      emitView(emitElementwise("subtract", {emitView(rounded, bits), emitInt(1, bits, rank)}, bits), to);
  return emitWhere(away, stepped, rounded);
}

void Raiser::raiseConversion(Operation *op, StringRef name) {
  Value source = op->getOperand(0), result = op->getResult(0);
  Type from = getElementTypeOrSelf(source.getType()), to = getElementTypeOrSelf(result.getType());
  Extents extents = extentsOf(result.getType());
  if (isa<IntegerType>(from) && isa<IntegerType>(to)) {
    if (auto known = knownInteger(source))
      if (auto index = evaluateInteger(op, *known, extents)) {
        if (to.isInteger(1))
          set(result, makeCondition(Condition::fromInteger(*index, extents)));
        else
          setIndex(result, *index);
        return;
      }
  }
  Value a = arrayOf(source);
  unsigned rank = shapeOf(a).size();
  Value r;
  if (name == "extsi")
    r = from.isInteger(1) ? emitElementwise("negative", emitCast(a, to), to) : emitCast(a, to);
  else if (name == "extui")
    r = from.isInteger(1) ? emitCast(a, to)
                          : emitSigned(emitCast(emitUnsigned(a), unsignedType(to.getIntOrFloatBitWidth())));
  else if (name == "trunci")
    r = to.isInteger(1)
            ? emitCompare("not_equal", emitElementwise("bitwise_and", {a, emitInt(1, from, rank)}, from),
                          emitInt(0, from, rank))
            : emitCast(a, to);
  else if (name == "sitofp")
    r = from.isInteger(1) ? emitElementwise("negative", emitCast(a, to), to) : emitCast(a, to);
  else if (name == "uitofp")
    r = emitCast(emitUnsigned(a), to);
  else if (name == "fptosi" || name == "fptoui") {
    if (to.isInteger(1))
      r = emitCompare("not_equal", a, emitFloat(0.0, from, rank));
    else if (name == "fptosi")
      r = emitCast(a, to);
    else
      r = emitSigned(emitCast(a, unsignedType(to.getIntOrFloatBitWidth())));
  } else if (name == "fp_to_fp") {
    auto rounding = cast<tt::FpToFpOp>(op).getRounding();
    r = convertFloat(a, from, to, rounding && *rounding == tt::RoundingMode::RTZ, op);
  } else // extf, truncf
    r = convertFloat(a, from, to, false, op);
  if (to.isInteger(1))
    set(result, makeCondition({}, r));
  else
    setArray(result, r);
}

void Raiser::raiseBitcast(Operation *op, StringRef) {
  Value source = op->getOperand(0), result = op->getResult(0);
  Type from = getElementTypeOrSelf(source.getType()), to = getElementTypeOrSelf(result.getType());
  Val val = get(source);
  if (val.kind == Val::Kind::Pointer) {
    auto bytes = [&](Type pointer) {
      Type pointee = cast<tt::PointerType>(pointer).getPointeeType();
      return static_cast<int64_t>(memoryElement(pointee).getIntOrFloatBitWidth() / 8);
    };
    int64_t fromBytes = bytes(from), toBytes = bytes(to);
    if (fromBytes == toBytes) {
      set(result, val);
      return;
    }
    Extents extents = extentsOf(result.getType());
    std::optional<IndexExpr> index;
    if (fromBytes % toBytes == 0)
      index = val.index.scaled(fromBytes / toBytes, extents);
    else if (val.index.isAffine() &&
             all_of(val.index.coefficients, [&](int64_t c) { return c * fromBytes % toBytes == 0; }) &&
             val.index.offset * fromBytes % toBytes == 0) {
      index = val.index;
      index->offset = index->offset * fromBytes / toBytes;
      for (int64_t &c : index->coefficients)
        c = c * fromBytes / toBytes;
    }
    if (!index || (val.array && fromBytes % toBytes != 0))
      refuse(op, "Casting " + typeName(from) + " to " + typeName(to) + " leaves the address unaligned.");
    if (val.array && fromBytes != toBytes)
      val.array = emitElementwise(
          "multiply",
          {val.array, emitInt(fromBytes / toBytes, elementOf(val.array), shapeOf(val.array).size())},
          elementOf(val.array));
    val.index = *index;
    set(result, val);
    return;
  }
  if (from == to) {
    set(result, val);
    return;
  }
  if (from.isInteger(1) || to.isInteger(1))
    refuse(op, "A bitcast between " + typeName(from) + " and " + typeName(to) + " is not supported.");
  setArray(result, emitView(arrayOf(source), arrayElement(to)));
}

} // namespace tmetal
