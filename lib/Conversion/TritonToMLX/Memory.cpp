// SPDX-License-Identifier: MIT
#include "Memory.h"
#include "Refusal.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Support/SourceLocation.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

Access Memory::access(Operation *op, Value pointer, Value mask) {
  Access access;
  access.op = op;
  Val val = values.get(pointer);
  if (val.kind != Val::Kind::Pointer)
    refuse(op, "The address was not computed from an argument.");
  access.storage = val.storage;
  access.element = cast<tt::PointerType>(getElementTypeOrSelf(pointer.getType())).getPointeeType();
  access.offset = val.index;
  access.dynamicOffset = val.array;
  access.extents = values.extentsOf(pointer.getType());
  Val active = values.activeMask(access.extents);
  if (mask)
    active = values.conjunction(active, values.get(mask), access.extents);
  access.condition = active.condition;
  access.dynamicMask = active.array;
  return access;
}

static int64_t bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

int64_t Memory::length(const Access &access) const {
  return storages[access.storage].nbytes / bytesOf(memoryElement(access.element));
}

Value Memory::state(const Access &access) {
  Value flat = storages[access.storage].state;
  Type type = memoryElement(access.element);
  int64_t have = bytesOf(elementOf(flat)), want = bytesOf(type);
  int64_t bytes = shapeOf(flat)[0] * have, whole = bytes / want * want;
  if (whole != bytes) // an incomplete element at the end cannot be read
    flat = e.sliceAxis(flat, 0, 0, whole / have);
  return e.bits(flat, type);
}

void Memory::setState(const Access &access, Value flat, std::optional<Range> range, bool exact) {
  Storage &storage = storages[access.storage];
  int64_t width = bytesOf(elementOf(flat));
  if (shapeOf(flat)[0] * width != shapeOf(storage.state)[0] * bytesOf(elementOf(storage.state)))
    refuse(access.op,
           "The size of '" + storage.argument + "' is not a whole number of the elements stored through it.");
  storage.state = flat;
  int64_t begin = range ? range->min * width : 0, end = range ? (range->max + 1) * width : storage.nbytes;
  Range &bytes = storage.written;
  bool first = !storage.isWritten(), joined = begin <= bytes.max && end >= bytes.min;
  storage.exactlyWritten = storage.exactlyWritten && exact && (first || joined);
  bytes.min = std::min(bytes.min, begin);
  bytes.max = std::max(bytes.max, end);
}

void Memory::refuseOutOfBounds(const Access &access, int64_t element) {
  throw Error(ErrorKind::Argument, placeOf(access.op->getLoc()) + "[argument '" +
                                       storages[access.storage].argument + "'] " +
                                       (isa<tt::LoadOp>(access.op) ? "Loads" : "Stores to") + " element " +
                                       std::to_string(element) + " of " + std::to_string(length(access)) +
                                       ": too few bytes, or a mask is missing.");
}

void Memory::checkKnownLanes(const Access &access) {
  if (access.dynamicOffset || access.dynamicMask)
    return;
  auto r = access.offset.range(access.extents);
  int64_t end = length(access);
  if (r && r->min >= 0 && r->max < end)
    return;
  std::optional<int64_t> outside;
  SmallVector<IndexExpr> operands(access.condition.atoms.begin(), access.condition.atoms.end());
  operands.push_back(access.offset);
  (void)IndexExpr::map(operands, access.extents, [&](ArrayRef<int64_t> v) -> int64_t {
    if (all_of(v.drop_back(), [](int64_t atom) { return atom >= 0; }) && (v.back() < 0 || v.back() >= end))
      outside = v.back();
    return 0;
  });
  if (outside)
    refuseOutOfBounds(access, *outside);
}

Value Memory::maskOf(const Condition &condition, const Access &access) {
  Value known = condition.atoms.empty() ? Value() : e.materialize(condition, access.extents);
  return e.both(known, access.dynamicMask);
}

Value Memory::flatIndices(const Access &access) {
  auto r = access.offset.range(access.extents);
  Type type = !access.dynamicOffset && r && r->fitsSigned(32) ? e.i32() : e.i64();
  Value indices = e.materialize(access.offset, type, access.extents);
  if (access.dynamicOffset)
    indices = e.emit<AddOp>(indices, e.convert(access.dynamicOffset, type));
  return indices;
}

} // namespace tmetal::raising
