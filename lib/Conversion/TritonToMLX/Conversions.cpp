// SPDX-License-Identifier: MIT
// Rules of conversions and bitcasts.
#include "FloatConversion.h"
#include "KnownIntegers.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

/// MLX goes through f32 from integers to narrower floats. So that only the second step rounds, an integer of many
/// digits loses its last ones before, and the last one that is left is odd where something was lost.
static Value withFewDigits(Emitter &e, Value a, bool isSigned) {
  Type type = elementOf(a);
  unsigned rank = shapeOf(a).size();
  auto number = [&](int64_t value) { return e.integer(value, type, rank); };
  Value zero = number(0), size = a;
  if (isSigned)
    size = e.where(e.emit<LessOp>(a, zero), e.emit<SubtractOp>(number(-1), a), a);
  Value result = a;
  for (unsigned lost : {12, 26, 40}) {
    if (lost + 10 >= type.getIntOrFloatBitWidth())
      break;
    int64_t last = int64_t(1) << lost;
    Value rest = e.emit<BitwiseAndOp>(a, number(last - 1));
    Value odd = e.emit<BitwiseOrOp>(a, number(last));
    Value kept = e.where(e.emit<NotEqualOp>(rest, zero), odd, a);
    kept = e.emit<SubtractOp>(kept, rest);
    result = e.where(e.emit<LessOp>(size, number(int64_t(1) << (lost + 10))), result, kept);
  }
  return result;
}

static Value fromInteger(Emitter &e, Value a, Type from, Type to, bool isSigned) {
  if (!isSigned)
    a = e.asUnsigned(a);
  if (isSigned && from.isInteger(1)) // true is -1, and 0 has no sign
    a = e.emit<NegativeOp>(e.convert(a, e.i32()));
  bool takesTwoSteps = to.getIntOrFloatBitWidth() < 32 && from.getIntOrFloatBitWidth() > 24;
  return e.convert(takesTwoSteps ? withFewDigits(e, a, isSigned) : a, to);
}

static Value converted(Emitter &e, Operation *op, Value a, Type from, Type to) {
  unsigned rank = shapeOf(a).size();
  auto throughUnsigned = [&](Value v) {
    return e.asSigned(e.convert(v, e.unsignedType(to.getIntOrFloatBitWidth())));
  };
  auto fromSigned = [&] { // true is -1
    Value v = e.convert(a, to);
    return from.isInteger(1) ? e.emit<NegativeOp>(v) : v;
  };
  auto real = [&](double value) { return e.real(value, from, rank); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::ExtSIOp) { return fromSigned(); })
      .Case([&](arith::SIToFPOp) { return fromInteger(e, a, from, to, true); })
      .Case([&](arith::ExtUIOp) {
        return from.isInteger(1) ? e.convert(a, to) : throughUnsigned(e.asUnsigned(a));
      })
      .Case([&](arith::TruncIOp) {
        if (!to.isInteger(1))
          return e.convert(a, to);
        Value lowest = e.emit<BitwiseAndOp>(a, e.integer(1, from, rank));
        return e.emit<NotEqualOp>(lowest, e.integer(0, from, rank));
      })
      .Case([&](arith::UIToFPOp) { return fromInteger(e, a, from, to, false); })
      .Case([&](arith::FPToSIOp) { return to.isInteger(1) ? e.emit<LessEqualOp>(a, real(-1)) : e.convert(a, to); })
      .Case([&](arith::FPToUIOp) { return to.isInteger(1) ? e.emit<GreaterEqualOp>(a, real(1)) : throughUnsigned(a); })
      .Case([&](tt::FpToFpOp convert) {
        bool towardZero = convert.getRounding() == tt::RoundingMode::RTZ;
        return convertFloat(e, a, from, to, towardZero);
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return convertFloat(e, a, from, to, false); });
}

void raiseConversion(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Value source = op->getOperand(0), result = op->getResult(0);
  Type from = getElementTypeOrSelf(source.getType()), to = getElementTypeOrSelf(result.getType());
  Extents extents = values.extentsOf(result.getType());
  if (isa<IntegerType>(from) && isa<IntegerType>(to)) {
    if (auto known = values.knownInteger(source))
      if (auto index = evaluateInteger(op, *known, extents)) {
        values.setKnown(result, *index);
        return;
      }
  }
  values.setArray(result, converted(e, op, values.arrayOf(source), from, to));
}

void raiseBitcast(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Value source = op->getOperand(0), result = op->getResult(0);
  Type from = getElementTypeOrSelf(source.getType()), to = getElementTypeOrSelf(result.getType());
  Val val = values.get(source);
  if (val.kind == Val::Kind::Pointer) {
    auto bytes = [&](Type pointer) {
      Type pointee = cast<tt::PointerType>(pointer).getPointeeType();
      return static_cast<int64_t>(memoryElement(pointee).getIntOrFloatBitWidth() / 8);
    };
    int64_t fromBytes = bytes(from), toBytes = bytes(to);
    if (fromBytes == toBytes) {
      values.set(result, val);
      return;
    }
    Extents extents = values.extentsOf(result.getType());
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
      val.array = e.emit<MultiplyOp>(
          val.array, e.integer(fromBytes / toBytes, elementOf(val.array), shapeOf(val.array).size()));
    val.index = *index;
    values.set(result, val);
    return;
  }
  if (from == to) {
    values.set(result, val);
    return;
  }
  if (from.isInteger(1) || to.isInteger(1))
    refuse(op, "A bitcast between " + typeName(from) + " and " + typeName(to) + " is not supported.");
  values.setArray(result, e.bits(values.arrayOf(source), to));
}

} // namespace tmetal::raising
