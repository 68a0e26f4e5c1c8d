// SPDX-License-Identifier: MIT
// Expressions: rules for the spellings of scalar operations in the registry of operations.
#include "Printer.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

using namespace mlir;
using llvm::Twine;

namespace tmetal {

// ---- types and constants ----

static bool isFloat8(Type type) { return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8; }

/// The name of an 8-bit float format in kernels/triton_metal/fp8.h.
static const char *float8Format(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return "f8E4M3FN";
  if (isa<Float8E5M2Type>(type))
    return "f8E5M2";
  if (isa<Float8E4M3FNUZType>(type))
    return "f8E4M3FNUZ";
  if (isa<Float8E5M2FNUZType>(type))
    return "f8E5M2FNUZ";
  return "f8E4M3B11FNUZ";
}

std::string MslPrinter::typeName(Type type, Location loc) {
  if (auto pointer = dyn_cast<tt::PointerType>(type)) {
    Type pointee = pointer.getPointeeType();
    return "device " + storedName(pointee, loc) + " *";
  }
  if (isFloat8(type))
    return "uchar";
  if (type.isF16())
    return "half";
  if (type.isBF16())
    return "bfloat";
  if (type.isF32())
    return "float";
  if (type.isF64())
    return isSoftware(type) ? "tm::float64" : "double";
  if (type.isIndex())
    return "int";
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return "bool";
  case 8:
    return "char";
  case 16:
    return "short";
  case 32:
    return "int";
  case 64:
    return "long";
  default:
    break;
  }
  std::string spelled;
  llvm::raw_string_ostream(spelled) << type;
  refuse(loc, "type", "Metal has no type " + spelled + ".");
}

std::string MslPrinter::unsignedName(Type type, Location loc) {
  std::string name = typeName(type, loc);
  return name == "bool" ? name : "u" + name;
}

std::string MslPrinter::zero(Type type, Location loc) {
  if (isa<tt::PointerType>(type))
    return "nullptr";
  return typeName(type, loc) + (isSoftware(type) ? "{0UL}" : "(0)");
}

std::string MslPrinter::literal(TypedAttr attribute, Location loc) {
  Type type = attribute.getType();
  std::string out;
  llvm::raw_string_ostream stream(out);
  if (auto integer = dyn_cast<IntegerAttr>(attribute)) {
    int64_t value = integer.getValue().getSExtValue();
    if (type.isInteger(1))
      return value ? "true" : "false";
    if (type.isInteger(64)) {
      if (value == std::numeric_limits<int64_t>::min())
        return "long(0x8000000000000000UL)";
      stream << value << "L";
    } else if (type.isInteger(32) || type.isIndex()) {
      if (value == std::numeric_limits<int32_t>::min())
        return "int(0x80000000u)";
      stream << value;
    } else {
      stream << typeName(type, loc) << "(" << value << ")";
    }
    return value < 0 && out[0] == '-' ? "(" + out + ")" : out;
  }
  auto number = cast<FloatAttr>(attribute);
  APFloat value = number.getValue();
  if (isFloat8(type)) {
    stream << "uchar(" << value.bitcastToAPInt().getZExtValue() << ")";
    return out;
  }
  uint64_t bits = value.bitcastToAPInt().getZExtValue();
  if (isSoftware(type)) {
    stream << "tm::float64{" << llvm::format_hex(bits, 18) << "UL}";
    return out;
  }
  if (!value.isFinite()) {
    switch (type.getIntOrFloatBitWidth()) {
    case 16:
      stream << "as_type<" << typeName(type, loc) << ">(ushort(" << llvm::format_hex(bits, 6) << "))";
      return out;
    case 32:
      stream << "as_type<float>(" << llvm::format_hex(bits, 10) << "u)";
      return out;
    default:
      stream << "as_type<double>(" << llvm::format_hex(bits, 18) << "UL)";
      return out;
    }
  }
  bool exact;
  if (type.isF64()) {
    stream << llvm::format("%.17g", value.convertToDouble());
    if (out.find_first_of(".en") == std::string::npos)
      out += ".0";
    return out[0] == '-' ? "(" + out + ")" : out;
  }
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &exact);
  stream << llvm::format("%.9g", double(value.convertToFloat()));
  if (out.find_first_of(".en") == std::string::npos)
    out += ".0";
  out += "f";
  if (type.getIntOrFloatBitWidth() == 16)
    return typeName(type, loc) + "(" + out + ")";
  return out[0] == '-' ? "(" + out + ")" : out;
}

// ---- rules ----

namespace {

/// The operands, result and spelling of an operation.
struct Use {
  MslPrinter &printer;
  Operation *op;
  std::string operand(unsigned i) const { return printer.name(op->getOperand(i)); }
  Type type(unsigned i) const { return op->getOperand(i).getType(); }
  Type resultType() const { return op->getResult(0).getType(); }
  std::string result() const { return printer.typeName(resultType(), op->getLoc()); }
  std::string named(Type type) const { return printer.typeName(type, op->getLoc()); }
  /// A conversion to the type of the result. Metal's cast would need a constructor of tm::float64.
  std::string converted(const std::string &text) const {
    return (printer.isSoftware(resultType()) ? "tm::to_float64" : result()) + "(" + text + ")";
  }
  std::string asUnsigned(unsigned i) const {
    return printer.unsignedName(type(i), op->getLoc()) + "(" + operand(i) + ")";
  }
  std::string call(const Twine &function) const {
    std::string text = (function + "(").str();
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      text += (i ? ", " : "") + operand(i);
    return text + ")";
  }
};
using Rule = std::string (*)(const Use &);

std::string infix(const Use &use, const char *sign) {
  return use.operand(0) + " " + sign + " " + use.operand(1);
}

/// Wraps in the width of the operation, unless it is known not to overflow.
std::string wrapping(const Use &use, const char *sign, const char *function) {
  if (use.resultType().isInteger(1)) // arithmetic modulo 2
    return sign[0] == '*' ? infix(use, "&&") : infix(use, "!=");
  if (auto flags = use.op->getAttrOfType<arith::IntegerOverflowFlagsAttr>("overflowFlags"))
    if (bitEnumContainsAll(flags.getValue(), arith::IntegerOverflowFlags::nsw) &&
        use.resultType().getIntOrFloatBitWidth() >= 32)
      return infix(use, sign);
  return use.call(Twine("tm::") + function);
}

/// The constant operand of an operation inside of a region, if it is one.
std::optional<APInt> constantInRegion(const Use &use, unsigned i) {
  IntegerAttr value;
  if (!use.op->getParentOfType<tm::RegionOp>() || use.type(i).isInteger(1) ||
      !matchPattern(use.op->getOperand(i), m_Constant(&value)))
    return std::nullopt;
  return value.getValue();
}

/// The low bits of a value inside of a region; see TM_MASK for why they are marked.
std::string lowBits(const Use &use, const APInt &mask) {
  Type type = use.type(0);
  std::string text = use.operand(0) + " & TM_MASK(" +
                     use.printer.literal(IntegerAttr::get(type, mask), use.op->getLoc()) + ")";
  return type.getIntOrFloatBitWidth() < 32 ? use.named(type) + "(" + text + ")" : text;
}

/// A division or its remainder. The divisor may be a constant power of two.
std::string divide(const Use &use, const char *function, bool isSigned, bool isRemainder) {
  std::optional<APInt> divisor = constantInRegion(use, 1);
  if (!divisor || !divisor->isPowerOf2() || (isSigned && divisor->isNegative()) || divisor->isOne())
    return use.call(function);
  APInt low = *divisor - 1, log2(divisor->getBitWidth(), divisor->logBase2());
  auto marked = [&](const APInt &value) {
    return use.result() + "(TM_MASK(" +
           use.printer.literal(IntegerAttr::get(use.resultType(), value), use.op->getLoc()) + "))";
  };
  if (isRemainder)
    return isSigned ? "tm::rem_power_of_2(" + use.operand(0) + ", " + marked(low) + ")" : lowBits(use, low);
  if (!isSigned)
    return "tm::ushr(" + use.operand(0) + ", " + marked(log2) + ")";
  return "tm::div_power_of_2(" + use.operand(0) + ", " + marked(low) + ", " + marked(log2) + ")";
}

/// A right shift. Together with a left shift of its operand it selects low bits.
std::string shiftRight(const Use &use, const char *function) {
  std::optional<APInt> count = constantInRegion(use, 1);
  if (!count || !use.op->getOperand(0).getDefiningOp<arith::ShLIOp>())
    return use.call(function);
  return (Twine(function) + "(" + use.operand(0) + ", " + use.result() + "(TM_MASK(" + use.operand(1) + ")))")
      .str();
}

std::string truncateInteger(const Use &use) {
  unsigned width = use.resultType().getIntOrFloatBitWidth();
  if (width == 1)
    return "(" + use.operand(0) + " & 1) != 0";
  if (width == 32 || !use.op->getParentOfType<tm::RegionOp>())
    return use.result() + "(" + use.operand(0) + ")";
  unsigned from = use.type(0).getIntOrFloatBitWidth();
  return use.result() + "(" + lowBits(use, APInt::getLowBitsSet(from, width)) + ")";
}

std::string bitwise(const Use &use, const char *sign) {
  std::optional<APInt> mask = sign[0] == '&' ? constantInRegion(use, 1) : std::nullopt;
  if (mask && mask->isMask() && !mask->isAllOnes())
    return lowBits(use, *mask);
  std::string text = infix(use, sign);
  if (use.resultType().isInteger(1))
    return sign[0] == '&' ? infix(use, "&&") : sign[0] == '|' ? infix(use, "||") : infix(use, "!=");
  return use.resultType().getIntOrFloatBitWidth() < 32 ? use.result() + "(" + text + ")" : text;
}

std::string arithmetic(const Use &use, const char *sign) {
  std::string text = infix(use, sign);
  // bfloat and half round after every operation.
  return use.resultType().getIntOrFloatBitWidth() == 16 ? use.result() + "(" + text + ")" : text;
}

/// A function that exists for float (and double or tm::float64); narrower types are computed in float.
std::string floatCall(const Use &use, const std::string &function) {
  Type type = use.type(0);
  bool narrow = type.getIntOrFloatBitWidth() == 16;
  std::string text = function + "(";
  for (unsigned i = 0; i < use.op->getNumOperands(); ++i) {
    bool widen = narrow && isa<FloatType>(use.type(i));
    text += (i ? ", " : "") + (widen ? "float(" + use.operand(i) + ")" : use.operand(i));
  }
  text += ")";
  return narrow && isa<FloatType>(use.resultType()) ? use.result() + "(" + text + ")" : text;
}

std::string compareInteger(const Use &use) {
  auto compare = cast<arith::CmpIOp>(use.op);
  using P = arith::CmpIPredicate;
  const char *sign = nullptr;
  bool isUnsigned = false;
  switch (compare.getPredicate()) {
  case P::eq:
    sign = "==";
    break;
  case P::ne:
    sign = "!=";
    break;
  case P::ult:
    isUnsigned = true;
    [[fallthrough]];
  case P::slt:
    sign = "<";
    break;
  case P::ule:
    isUnsigned = true;
    [[fallthrough]];
  case P::sle:
    sign = "<=";
    break;
  case P::ugt:
    isUnsigned = true;
    [[fallthrough]];
  case P::sgt:
    sign = ">";
    break;
  case P::uge:
    isUnsigned = true;
    [[fallthrough]];
  case P::sge:
    sign = ">=";
    break;
  }
  if (use.type(0).isInteger(1) && sign[1] != '=' && !isUnsigned)
    return "-int(" + use.operand(0) + ") " + sign + " -int(" + use.operand(1) + ")"; // true is -1
  if (use.type(0).isInteger(1) && (compare.getPredicate() == P::sle || compare.getPredicate() == P::sge))
    return "-int(" + use.operand(0) + ") " + sign + " -int(" + use.operand(1) + ")";
  if (isUnsigned && !use.type(0).isInteger(1))
    return use.asUnsigned(0) + " " + sign + " " + use.asUnsigned(1);
  return infix(use, sign);
}

std::string compareFloat(const Use &use) {
  auto compare = cast<arith::CmpFOp>(use.op);
  using P = arith::CmpFPredicate;
  auto ordered = [&](const char *sign) { return infix(use, sign); };
  auto unordered = [&](const char *opposite) { return "!(" + infix(use, opposite) + ")"; };
  switch (compare.getPredicate()) {
  case P::AlwaysFalse:
    return "false";
  case P::AlwaysTrue:
    return "true";
  case P::OEQ:
    return ordered("==");
  case P::OGT:
    return ordered(">");
  case P::OGE:
    return ordered(">=");
  case P::OLT:
    return ordered("<");
  case P::OLE:
    return ordered("<=");
  case P::UNE:
    return ordered("!=");
  case P::UGT:
    return unordered("<=");
  case P::UGE:
    return unordered("<");
  case P::ULT:
    return unordered(">=");
  case P::ULE:
    return unordered(">");
  case P::ONE:
    return infix(use, "<") + " || " + infix(use, ">");
  case P::UEQ:
    return "!(" + infix(use, "<") + " || " + infix(use, ">") + ")";
  case P::ORD:
    return use.operand(0) + " == " + use.operand(0) + " && " + use.operand(1) + " == " + use.operand(1);
  case P::UNO:
    return use.operand(0) + " != " + use.operand(0) + " || " + use.operand(1) + " != " + use.operand(1);
  }
  return "false";
}

std::string convertFloat(const Use &use) {
  Type from = use.type(0), to = use.resultType();
  std::string value = use.operand(0);
  bool towardZero = false;
  if (auto convert = dyn_cast<tt::FpToFpOp>(use.op))
    towardZero = convert.getRounding() == tt::RoundingMode::RTZ;
  if (isFloat8(to)) {
    if (isFloat8(from))
      value = std::string("tm::from_") + float8Format(from) + "<float>(" + value + ")";
    return std::string("tm::to_") + float8Format(to) + (towardZero ? "_rtz(" : "(") + value + ")";
  }
  if (isFloat8(from) && use.printer.isSoftware(to))
    return use.converted(std::string("tm::from_") + float8Format(from) + "<float>(" + value + ")");
  if (isFloat8(from))
    return std::string("tm::from_") + float8Format(from) + "<" + use.named(to) + ">(" + value + ")";
  if (from != to && use.printer.isSoftware(from))
    return "tm::to_" + use.named(to) + (towardZero ? "_rtz(" : "(") + value + ")";
  if (towardZero && to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth())
    return "tm::to_" + use.named(to) + "_rtz(" + value + ")";
  if (from != to && from.getIntOrFloatBitWidth() == 16 && to.getIntOrFloatBitWidth() == 16)
    value = "float(" + value + ")"; // half and bfloat have no direct conversion
  if (from.isF64() && to.isBF16())
    return "tm::to_bfloat(" + value + ")"; // rounds once
  return use.converted(value);
}

std::string bitcast(const Use &use) {
  Type from = use.type(0), to = use.resultType();
  if (isa<tt::PointerType>(to))
    return "(" + use.named(to) + ")(" + use.operand(0) + ")";
  if (use.named(from) == use.named(to))
    return use.operand(0);
  if (from.isInteger(1) || to.isInteger(1))
    return use.named(to) + "(" + use.operand(0) + ")";
  if (use.printer.isSoftware(from))
    return "as_type<" + use.named(to) + ">(" + use.operand(0) + ".bits)";
  if (use.printer.isSoftware(to))
    return use.named(to) + "{as_type<ulong>(" + use.operand(0) + ")}";
  return "as_type<" + use.named(to) + ">(" + use.operand(0) + ")";
}

/// Functions of f64 that kernels/triton_metal/float64*.h does not have.
constexpr StringRef kNotInSoftware[] = {
    "cyl_bessel_i0", "cyl_bessel_i1", "erfcinv", "erfinv", "j0", "j1", "jn",
    "lgamma",        "normcdfinv",    "tgamma",  "y0",     "y1", "yn"};

std::string libraryFunction(const Use &use) {
  StringRef symbol = cast<StringAttr>(use.op->getAttr("symbol")).getValue();
  if (!symbol.consume_front("__tm_"))
    use.printer.refuse(use.op, ("The function '" + symbol + "' belongs to another backend.").str());
  bool isSoftware = false, takesSoftware = false;
  for (Type type : use.op->getOperandTypes())
    takesSoftware |= use.printer.isSoftware(type);
  isSoftware = takesSoftware || use.printer.isSoftware(use.resultType());
  if (isSoftware && llvm::is_contained(kNotInSoftware, symbol))
    use.printer.refuse(use.op, ("The function '" + symbol +
                                "' is not computed for f64 on a device without double: convert to float32.")
                                   .str());
  if (isSoftware && !takesSoftware) // no argument tells it from the function for double
    return use.call("tm::" + symbol + "_float64");
  bool narrow =
      use.op->getNumOperands() && isa<FloatType>(use.type(0)) && use.type(0).getIntOrFloatBitWidth() == 16;
  std::string text = narrow ? floatCall(use, ("tm::" + symbol).str()) : use.call("tm::" + symbol);
  return use.named(use.resultType()) + "(" + text + ")";
}

std::string programId(const Use &use) {
  return std::string("int(tm_pid.") + "xyz"[int(cast<tt::GetProgramIdOp>(use.op).getAxis())] + ")";
}

std::string programCount(const Use &use) {
  return std::string("int(tm_grid.") + "xyz"[int(cast<tt::GetNumProgramsOp>(use.op).getAxis())] + ")";
}

std::string undefined(const Use &use) { return use.printer.zero(use.resultType(), use.op->getLoc()); }

std::string convert(const Use &use) { return use.converted(use.operand(0)); }

std::string select(const Use &use) {
  if (use.printer.isSoftware(use.resultType()))
    return use.call("tm::f64::choose"); // `?:` would take no variable together with a constant
  return use.operand(0) + " ? " + use.operand(1) + " : " + use.operand(2);
}

/// Metal may go through float from long integers to bfloat, and would round twice.
std::string fromInteger(const Use &use, const std::string &integer) {
  bool takesTwoSteps = use.resultType().isBF16() && use.type(0).getIntOrFloatBitWidth() > 24;
  return use.converted(takesTwoSteps ? "tm::with_few_digits(" + integer + ")" : integer);
}

/// A conversion from a signed integer, where true (i1) is -1.
std::string convertSigned(const Use &use) {
  if (use.type(0).isInteger(1))
    return use.converted("-int(" + use.operand(0) + ")");
  return isa<FloatType>(use.resultType()) ? fromInteger(use, use.operand(0)) : convert(use);
}

std::string convertUnsigned(const Use &use) { return fromInteger(use, use.asUnsigned(0)); }

std::string toSigned(const Use &use) {
  if (use.resultType().isInteger(1)) // true is -1
    return "tm::to_int<int>(" + use.operand(0) + ") < 0";
  return "tm::to_int<" + use.result() + ">(" + use.operand(0) + ")";
}

std::string toUnsigned(const Use &use) {
  if (use.resultType().isInteger(1))
    return "tm::to_int<int>(" + use.operand(0) + ") > 0";
  return use.result() + "(tm::to_int<" + use.printer.unsignedName(use.resultType(), use.op->getLoc()) + ">(" +
         use.operand(0) + "))";
}

std::string negate(const Use &use) {
  return use.resultType().getIntOrFloatBitWidth() == 16 ? use.result() + "(-" + use.operand(0) + ")"
                                                        : "-" + use.operand(0);
}

std::string clamp(const Use &use) {
  bool all = cast<tt::ClampFOp>(use.op).getPropagateNan() == tt::PropagateNan::ALL;
  return use.call(all ? "tm::clamp_nan" : "tm::clamp_number");
}

/// The spellings that the registry of operations may use.
const llvm::StringMap<Rule> &rules() {
  static const llvm::StringMap<Rule> table = {
#define TM_SPELLING(NAME, ...) {NAME, +[](const Use &use) -> std::string { return __VA_ARGS__; }},
#include "triton-metal/Operations/Spellings.inc"
  };
  return table;
}

} // namespace

std::string MslPrinter::expression(Operation *op) {
  auto rule = rules().find(op->getName().getStringRef());
  if (rule == rules().end())
    refuse(op, "This operation has no form in Metal.");
  for (Type type : op->getOperandTypes())
    typeName(type, op->getLoc());
  return rule->second(Use{*this, op});
}

} // namespace tmetal
