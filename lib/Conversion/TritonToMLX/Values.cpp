// SPDX-License-Identifier: MIT
#include "Values.h"
#include "Refusal.h"

#include "triton-metal/Support/SourceLocation.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

ArrayRef<int64_t> blockShape(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.getShape();
  return {};
}

Extents commonShape(ArrayRef<Value> arrays) {
  Extents shape(shapeOf(arrays.front()).size(), 1);
  for (Value array : arrays)
    for (auto [extent, other] : zip_equal(shape, shapeOf(array)))
      extent = std::max(extent, other);
  return shape;
}

Extents Values::extentsOf(Type type) const {
  Extents extents = programExtents();
  ArrayRef<int64_t> block = blockShape(type);
  extents.append(block.begin(), block.end());
  return extents;
}

Val Values::makeArray(Value array) const {
  Val val;
  val.kind = elementOf(array).isInteger(1) ? Val::Kind::Condition : Val::Kind::Array;
  val.frame = frame();
  val.array = array;
  return val;
}

Val Values::makeIndex(IndexExpr index) const {
  Val val;
  val.kind = Val::Kind::Index;
  val.frame = frame();
  val.index = std::move(index);
  return val;
}

Val Values::makeCondition(Condition condition, Value array) const {
  Val val;
  val.kind = Val::Kind::Condition;
  val.frame = frame();
  val.condition = std::move(condition);
  val.array = array;
  return val;
}

void Values::set(Value value, Val val) {
  val.frame = frame();
  values[value] = std::move(val);
}

void Values::setArray(Value value, Value array) { set(value, makeArray(array)); }

void Values::setKnown(Value value, IndexExpr index) {
  if (getElementTypeOrSelf(value.getType()).isInteger(1))
    set(value, makeCondition(Condition::fromInteger(index, extentsOf(value.getType()))));
  else
    setIndex(value, std::move(index));
}

IndexExpr Values::adaptIndex(IndexExpr index, unsigned fromFrame) const {
  for (unsigned i = fromFrame + 1; i < frames.size(); ++i) {
    unsigned below = frames[i - 1].extents.size();
    for (unsigned k = 0; k < frames[i].addedBack; ++k)
      index = index.withAxis(below + k);
    index = index.withLeadingAxes(frames[i].addedFront);
  }
  return index;
}

Value Values::adaptArray(Value array, unsigned fromFrame) {
  Extents shape(shapeOf(array).begin(), shapeOf(array).end());
  for (unsigned i = fromFrame + 1; i < frames.size(); ++i) {
    shape.insert(shape.begin() + frames[i - 1].extents.size(), frames[i].addedBack, 1);
    shape.insert(shape.begin(), frames[i].addedFront, 1);
  }
  return e.reshape(array, shape);
}

Val Values::adapt(Val val) {
  unsigned from = val.frame;
  if (from == frame())
    return val;
  val.frame = frame();
  if (val.array)
    val.array = adaptArray(val.array, from);
  if (val.kind == Val::Kind::Index || val.kind == Val::Kind::Pointer)
    val.index = adaptIndex(val.index, from);
  for (IndexExpr &atom : val.condition.atoms)
    atom = adaptIndex(atom, from);
  return val;
}

Val Values::get(Value value) {
  auto found = values.find(value);
  if (found == values.end())
    throw Error(ErrorKind::Unsupported,
                placeOf(value.getLoc()) + "[tt.func] A value was used before it was raised.");
  return adapt(found->second);
}

std::optional<IndexExpr> Values::knownInteger(Value value) {
  Val val = get(value);
  if (val.kind == Val::Kind::Index)
    return val.index;
  if (val.kind == Val::Kind::Condition && !val.array)
    return val.condition.asInteger(extentsOf(value.getType()));
  return std::nullopt;
}

Value Values::toArray(const Val &val, Type elementType, ArrayRef<int64_t> extents) {
  switch (val.kind) {
  case Val::Kind::Array:
    return val.array;
  case Val::Kind::Index:
    return e.materialize(val.index, elementType, extents);
  case Val::Kind::Condition:
    if (val.array && val.condition.atoms.empty())
      return val.array;
    return e.both(e.materialize(val.condition, extents), val.array);
  case Val::Kind::Pointer:
    break;
  }
  throw Error(ErrorKind::Unsupported, "[tt.ptr] A pointer was used as a number.");
}

Value Values::arrayOf(Value value) {
  return toArray(get(value), getElementTypeOrSelf(value.getType()), extentsOf(value.getType()));
}

Value Values::fullArrayOf(Value value) { return fullBlock(arrayOf(value), value.getType()); }

Value Values::fullBlock(Value array, Type type) {
  Extents shape(shapeOf(array).begin(), shapeOf(array).end());
  for (auto [i, extent] : enumerate(blockShape(type)))
    shape[programRank() + i] = extent;
  return e.broadcast(array, shape);
}

Val Values::conjunction(const Val &a, const Val &b, ArrayRef<int64_t> extents) {
  Val result = makeCondition({});
  for (const Val *side : {&a, &b}) {
    if (side->kind == Val::Kind::Condition)
      result.condition.add(side->condition, extents);
    result.array = e.both(result.array, side->array);
  }
  if (result.condition.constantValue() == false)
    result.array = {};
  return result;
}

Val Values::negation(const Val &condition, ArrayRef<int64_t> extents) {
  if (condition.kind == Val::Kind::Condition && !condition.array)
    if (auto negated = condition.condition.negated(extents))
      return makeCondition(*negated);
  Value array = toArray(condition, e.i1(), extents);
  return makeCondition({}, e.emit<LogicalNotOp>(array));
}

Value Values::offsetOf(const Val &pointer, ArrayRef<int64_t> extents) {
  Value sum = e.materialize(pointer.index, e.i64(), extents);
  return pointer.array ? e.emit<AddOp>(sum, e.convert(pointer.array, e.i64())) : sum;
}

Val Values::widened(Val condition, unsigned rank) {
  for (IndexExpr &atom : condition.condition.atoms)
    while (atom.rank() < rank)
      atom = atom.withAxis(atom.rank());
  if (condition.array) {
    Extents shape(shapeOf(condition.array));
    shape.resize(rank, 1);
    condition.array = e.reshape(condition.array, shape);
  }
  return condition;
}

/// The index that a known condition selects; a null condition is unknown.
static std::optional<IndexExpr> selectIndex(const Condition *condition, const IndexExpr &a,
                                            const IndexExpr &b, ArrayRef<int64_t> extents) {
  if (a == b)
    return a;
  auto chosen = condition ? condition->asInteger(extents) : std::nullopt;
  if (!chosen)
    return std::nullopt;
  return IndexExpr::map({*chosen, a, b}, extents, [](ArrayRef<int64_t> v) { return v[0] ? v[1] : v[2]; });
}

static const Condition *knownCondition(const Val &val) {
  return val.kind == Val::Kind::Condition && !val.array ? &val.condition : nullptr;
}

Val Values::selectPointer(const Val &condition, const Val &a, const Val &b, ArrayRef<int64_t> extents,
                          Operation *op) {
  if (a.kind != b.kind || a.storage != b.storage)
    refuse(op, "Selecting between pointers into different arguments needs a kernel engine.");
  Val result = a;
  if (!a.array && !b.array)
    if (auto index = selectIndex(knownCondition(condition), a.index, b.index, extents)) {
      result.index = *index;
      return result;
    }
  Value chooser = toArray(condition, e.i1(), extents), first = offsetOf(a, extents);
  result.array = e.where(chooser, first, offsetOf(b, extents));
  result.index = IndexExpr::constant(0, extents.size());
  return result;
}

Val Values::select(const Val &condition, const Val &a, const Val &b, Type type, Operation *op) {
  Extents extents = extentsOf(type);
  const Condition *known = knownCondition(condition);
  if (known)
    if (auto value = known->constantValue())
      return *value ? a : b;
  if (a.kind == Val::Kind::Pointer || b.kind == Val::Kind::Pointer)
    return selectPointer(condition, a, b, extents, op);
  if (a.kind == Val::Kind::Index && b.kind == Val::Kind::Index)
    if (auto index = selectIndex(known, a.index, b.index, extents))
      return makeIndex(*index);
  if (knownCondition(a) && knownCondition(b)) {
    auto x = a.condition.asInteger(extents), y = b.condition.asInteger(extents);
    if (x && y)
      if (auto index = selectIndex(known, *x, *y, extents))
        return makeCondition(Condition::fromInteger(*index, extents));
  }
  Type element = getElementTypeOrSelf(type);
  Value chooser = toArray(condition, e.i1(), extents), first = toArray(a, element, extents);
  return makeArray(e.where(chooser, first, toArray(b, element, extents)));
}

Val Values::activeMask(ArrayRef<int64_t> extents) {
  Val active = makeCondition({});
  for (const Mask &mask : masks) {
    Val one = makeCondition(mask.condition, mask.array);
    one.frame = mask.frame;
    one = adapt(one);
    active = conjunction(active, widened(one, extents.size()), extents);
  }
  return active;
}

} // namespace tmetal::raising
