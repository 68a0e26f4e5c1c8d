// SPDX-License-Identifier: MIT
// Rules of pointers and loads, and what loads and stores share: views where addresses are affine, else
// gathers.
#include "Raiser.h"

#include <numeric>

using namespace mlir;
using namespace llvm;

namespace tmetal {

void Raiser::raiseAddPointer(Operation *op, StringRef) {
  auto add = cast<tt::AddPtrOp>(op);
  Extents extents = extentsOf(op->getResult(0).getType());
  Val pointer = get(add.getPtr()), offset = get(add.getOffset());
  if (offset.kind == Val::Kind::Index) {
    if (auto sum = IndexExpr::add(pointer.index, offset.index, extents)) {
      pointer.index = *sum;
      set(op->getResult(0), pointer);
      return;
    }
  }
  Value array = arrayOf(add.getOffset());
  if (pointer.array) {
    // Two i32 offsets may add up beyond i32; addresses do not wrap.
    array = emitElementwise("add", {emitCast(pointer.array, i64()), emitCast(array, i64())}, i64());
  }
  pointer.array = array;
  set(op->getResult(0), pointer);
}

// ---- accesses ----

Val Raiser::activeMask(ArrayRef<int64_t> extents) {
  Val active = makeCondition({});
  for (const Mask &mask : masks) {
    Val one = makeCondition(mask.condition, mask.array);
    one.frame = mask.frame;
    one = adapt(one);
    for (IndexExpr &atom : one.condition.atoms)
      while (atom.rank() < extents.size())
        atom = atom.withAxis(atom.rank());
    if (one.array) {
      Extents shape(shapeOf(one.array).begin(), shapeOf(one.array).end());
      shape.resize(extents.size(), 1);
      one.array = emitReshape(one.array, shape);
    }
    active = conjunction(active, one, extents);
  }
  return active;
}

Raiser::Access Raiser::makeAccess(Operation *op, Value pointer, Value mask) {
  Access access;
  access.op = op;
  Val val = get(pointer);
  if (val.kind != Val::Kind::Pointer)
    refuse(op, "The address was not computed from an argument.");
  access.storage = val.storage;
  access.element = cast<tt::PointerType>(getElementTypeOrSelf(pointer.getType())).getPointeeType();
  access.offset = val.index;
  access.dynamicOffset = val.array;
  access.extents = extentsOf(pointer.getType());
  Val active = activeMask(access.extents);
  if (mask)
    active = conjunction(active, get(mask), access.extents);
  access.condition = active.condition;
  access.dynamicMask = active.array;
  return access;
}

int64_t Raiser::storageLength(const Access &access) const {
  int64_t bytes = const_cast<Raiser *>(this)->memoryElement(access.element).getIntOrFloatBitWidth() / 8;
  return signature.storages[access.storage].nbytes / bytes;
}

Value Raiser::state(const Access &access) {
  Value flat = states[access.storage];
  Type type = memoryElement(access.element);
  if (elementOf(flat) == type)
    return flat;
  int64_t have = elementOf(flat).getIntOrFloatBitWidth() / 8, want = type.getIntOrFloatBitWidth() / 8;
  int64_t bytes = shapeOf(flat)[0] * have, length = bytes / want;
  if (length * want != bytes) // a tail too short for one element cannot be read
    flat = emitSliceAxis(flat, 0, 0, length * want / have);
  return emit("view", flat, type, {length});
}

void Raiser::setState(const Access &access, Value flat, std::optional<Range> range, bool exact) {
  int64_t width = elementOf(flat).getIntOrFloatBitWidth() / 8;
  int64_t nbytes = signature.storages[access.storage].nbytes;
  Value before = states[access.storage];
  if (shapeOf(flat)[0] * width != shapeOf(before)[0] * (elementOf(before).getIntOrFloatBitWidth() / 8))
    refuse(access.op, "The size of '" + storageArgument[access.storage] +
                          "' is not a whole number of the elements stored through it.");
  states[access.storage] = flat;
  int64_t begin = range ? range->min * width : 0, end = range ? (range->max + 1) * width : nbytes;
  Range &bytes = written[access.storage];
  bool first = bytes.min > bytes.max, joined = begin <= bytes.max && end >= bytes.min;
  exactlyWritten[access.storage] = exactlyWritten[access.storage] && exact && (first || joined);
  bytes.min = std::min(bytes.min, begin);
  bytes.max = std::max(bytes.max, end);
}

void Raiser::refuseOutOfBounds(const Access &access, int64_t element) {
  throw Error(ErrorKind::Argument,
              placeOf(access.op->getLoc()) + "[argument '" + storageArgument[access.storage] + "'] " +
                  (isa<tt::LoadOp>(access.op) ? "Loads" : "Stores to") + " element " +
                  std::to_string(element) + " of " + std::to_string(storageLength(access)) +
                  ": too few bytes, or a mask is missing.");
}

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/// Axes over which a condition or an offset table is an interval get bounds; everything else stays in `rest`.
Raiser::Box Raiser::planBox(const Access &access, ArrayRef<bool> movable) {
  Box box;
  const IndexExpr &offset = access.offset;
  SmallVector<int> groupOf(access.extents.size(), -1);
  for (unsigned i = 0; i < access.extents.size(); ++i) {
    groupOf[i] = box.axes.size();
    BoxAxis axis;
    axis.sources = {i};
    axis.extent = axis.high = access.extents[i];
    axis.stride = axis.extent == 1 ? 0 : offset.coefficients[i];
    box.axes.push_back(axis);
  }
  auto varied = [&](const IndexExpr &atom) {
    SmallVector<unsigned, 4> axes;
    for (unsigned i = 0; i < atom.rank(); ++i)
      if (access.extents[i] > 1 && atom.varies(i))
        axes.push_back(i);
    return axes;
  };
  // Conditions over several axes first: they decide which axes are merged.
  SmallVector<const IndexExpr *> atoms;
  for (const IndexExpr &atom : access.condition.atoms)
    atoms.push_back(&atom);
  std::stable_sort(atoms.begin(), atoms.end(), [&](const IndexExpr *a, const IndexExpr *b) {
    return varied(*a).size() > varied(*b).size();
  });
  for (const IndexExpr *atom : atoms) {
    SmallVector<unsigned, 4> axes = varied(*atom);
    auto keep = [&] { box.rest.atoms.push_back(*atom); };
    if (atom->isConstant()) {
      box.empty |= atom->offset < 0;
      continue;
    }
    if (any_of(axes, [&](unsigned i) { return !movable[i]; })) {
      keep();
      continue;
    }
    if (atom->table) {
      BoxAxis &axis = box.axes[groupOf[axes[0]]];
      Extents shape(access.extents.size(), 1);
      shape[axes[0]] = access.extents[axes[0]];
      if (axes.size() != 1 || axis.sources.size() != 1) {
        keep();
        continue;
      }
      std::vector<int64_t> values = atom->values(shape);
      int64_t low = 0, high = values.size();
      while (low < high && values[low] < 0)
        ++low;
      while (high > low && values[high - 1] < 0)
        --high;
      if (std::any_of(values.begin() + low, values.begin() + high, [](int64_t v) { return v < 0; })) {
        keep();
        continue;
      }
      axis.low = std::max(axis.low, low);
      axis.high = std::min(axis.high, high);
      continue;
    }
    std::sort(axes.begin(), axes.end(), [&](unsigned a, unsigned b) {
      return std::abs(atom->coefficients[a]) > std::abs(atom->coefficients[b]);
    });
    // Row-major nesting in the condition and in the address alike: the axes count as one.
    bool nested = true;
    for (unsigned k = 0; k + 1 < axes.size(); ++k) {
      int64_t extent = access.extents[axes[k + 1]];
      nested &= atom->coefficients[axes[k]] == atom->coefficients[axes[k + 1]] * extent;
      nested &= offset.coefficients[axes[k]] == offset.coefficients[axes[k + 1]] * extent;
    }
    BoxAxis *group = &box.axes[groupOf[axes[0]]];
    bool same = ArrayRef<unsigned>(group->sources) == ArrayRef<unsigned>(axes);
    bool single = all_of(axes, [&](unsigned i) {
      const BoxAxis &g = box.axes[groupOf[i]];
      return g.sources.size() == 1 && !g.clipped();
    });
    if (!nested || !(same || single)) {
      keep();
      continue;
    }
    if (!same) {
      BoxAxis merged;
      merged.sources.assign(axes.begin(), axes.end());
      merged.stride = offset.coefficients[axes.back()];
      for (unsigned i : axes)
        merged.extent *= access.extents[i];
      merged.high = merged.extent;
      int slot = groupOf[axes[0]];
      for (unsigned i : axes) {
        if (groupOf[i] != slot)
          box.axes[groupOf[i]].sources.clear();
        groupOf[i] = slot;
      }
      box.axes[slot] = merged;
      group = &box.axes[slot];
    }
    int64_t k = atom->coefficients[axes.back()], c = atom->offset; // k * m + c >= 0
    if (k > 0)
      group->low = std::max(group->low, -floorDivide(c, k));
    else
      group->high = std::min(group->high, floorDivide(c, -k) + 1);
  }
  erase_if(box.axes, [](const BoxAxis &axis) { return axis.sources.empty(); });
  box.first = offset.offset;
  for (const BoxAxis &axis : box.axes) {
    box.empty |= axis.low >= axis.high;
    box.first += axis.stride * axis.low;
  }
  return box;
}

/// The bounds of a box axis as conditions again.
static void addBounds(Condition &condition, ArrayRef<unsigned> sources, int64_t low, int64_t high,
                      ArrayRef<int64_t> extents) {
  IndexExpr position = IndexExpr::constant(0, extents.size()), negative = position;
  int64_t step = 1;
  for (unsigned axis : reverse(sources)) {
    position.coefficients[axis] = extents[axis] == 1 ? 0 : step;
    negative.coefficients[axis] = -position.coefficients[axis];
    step *= extents[axis];
  }
  condition.add(position + -low, extents);
  condition.add(negative + (high - 1), extents);
}

/// The single element of an array that is the same everywhere and known, as a 0-d constant.
static DenseElementsAttr knownScalar(Value array) {
  auto constant = array ? array.getDefiningOp<mlxir::ConstantOp>() : nullptr;
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return dense && dense.getNumElements() == 1 ? dense : nullptr;
}

// ---- loads ----

std::optional<Value> Raiser::loadView(const Access &access, Value other) {
  if (access.dynamicOffset || !access.offset.isAffine())
    return std::nullopt;
  unsigned rank = access.extents.size();
  SmallVector<bool> movable(rank, true);
  Box box = planBox(access, movable);
  Type type = memoryElement(access.element);
  Value zero = isa<FloatType>(type) ? emitFloat(0.0, type, rank) : emitInt(0, type, rank);
  if (box.empty)
    return other ? other : zero;
  struct Dimension {
    SmallVector<unsigned, 2> sources;
    int64_t extent, low, high, stride;
  };
  SmallVector<Dimension> dimensions;
  for (const BoxAxis &axis : box.axes) {
    if (axis.stride == 0) { // every lane reads the same element: a view keeps one
      if (axis.clipped())
        addBounds(box.rest, axis.sources, axis.low, axis.high, access.extents);
      continue;
    }
    if (axis.clipped()) {
      dimensions.push_back({axis.sources, axis.extent, axis.low, axis.high, axis.stride});
      continue;
    }
    int64_t stride = axis.stride;
    SmallVector<Dimension> apart;
    for (unsigned source : reverse(axis.sources)) {
      apart.push_back({{source}, access.extents[source], 0, access.extents[source], stride});
      stride *= access.extents[source];
    }
    dimensions.append(apart.rbegin(), apart.rend());
  }
  bool masked = access.dynamicMask || !box.rest.atoms.empty();
  Extents shape, strides;
  int64_t low = box.first, high = box.first;
  for (const Dimension &d : dimensions) {
    shape.push_back(d.high - d.low);
    strides.push_back(d.stride);
    (d.stride < 0 ? low : high) += d.stride * (shape.back() - 1);
  }
  if (low < 0 || high >= storageLength(access)) {
    if (masked)
      return std::nullopt;
    refuseOutOfBounds(access, low < 0 ? low : high);
  }
  Value view = emitAsStrided(state(access), shape, strides, box.first);
  // Lanes outside the bounds get `other` (or 0) by padding.
  Value padding = zero;
  bool otherByPadding = !other;
  if (DenseElementsAttr scalar = knownScalar(other)) {
    padding = other;
    otherByPadding = true;
  }
  Extents before, after, unfolded;
  SmallVector<unsigned> order;
  bool clipped = false;
  for (const Dimension &d : dimensions) {
    before.push_back(d.low);
    after.push_back(d.extent - d.high);
    clipped |= before.back() || after.back();
    for (unsigned source : d.sources) {
      order.push_back(source);
      unfolded.push_back(access.extents[source]);
    }
  }
  if (clipped)
    view = emitPad(view, emitReshape(padding, {}), before, after);
  view = emitReshape(view, unfolded);
  // To the order of the axes, the ones that do not vary with extent 1.
  SmallVector<int64_t> transpose;
  Extents full(rank, 1);
  for (unsigned axis = 0; axis < rank; ++axis) {
    auto found = find(order, axis);
    if (found == order.end())
      continue;
    transpose.push_back(found - order.begin());
    full[axis] = access.extents[axis];
  }
  view = emitReshape(emitTranspose(view, transpose), full);
  if (masked || (clipped && !otherByPadding)) {
    const Condition &condition = otherByPadding ? box.rest : access.condition;
    Value mask = emitAnd(condition.atoms.empty() ? Value() : materialize(condition, access.extents),
                         access.dynamicMask);
    view = emitWhere(mask, view, other ? other : zero);
  }
  return view;
}

Value Raiser::flatIndices(const Access &access, Value &mask) {
  mask = emitAnd(access.condition.atoms.empty() ? Value() : materialize(access.condition, access.extents),
                 access.dynamicMask);
  auto r = access.offset.range(access.extents);
  Type type = !access.dynamicOffset && r && r->fitsSigned(32) ? i32() : i64();
  Value indices = materialize(access.offset, type, access.extents);
  if (access.dynamicOffset)
    indices = emitElementwise("add", {indices, emitCast(access.dynamicOffset, type)}, type);
  return indices;
}

/// Addresses that are known lane by lane must lie inside where the lane is on.
void Raiser::checkKnownLanes(const Access &access) {
  if (access.dynamicOffset || access.dynamicMask)
    return;
  auto r = access.offset.range(access.extents);
  int64_t length = storageLength(access);
  if (r && r->min >= 0 && r->max < length)
    return;
  std::optional<int64_t> outside;
  SmallVector<IndexExpr> operands(access.condition.atoms.begin(), access.condition.atoms.end());
  operands.push_back(access.offset);
  (void)IndexExpr::map(operands, access.extents, [&](ArrayRef<int64_t> v) -> int64_t {
    if (all_of(v.drop_back(), [](int64_t atom) { return atom >= 0; }) && (v.back() < 0 || v.back() >= length))
      outside = v.back();
    return 0;
  });
  if (outside)
    refuseOutOfBounds(access, *outside);
}

Value Raiser::loadGather(const Access &access, Value other) {
  checkKnownLanes(access);
  unsigned rank = access.extents.size();
  Type type = memoryElement(access.element);
  int64_t length = storageLength(access);
  Value zero = isa<FloatType>(type) ? emitFloat(0.0, type, rank) : emitInt(0, type, rank);
  if (length == 0)
    return other ? other : zero;
  // Axes with a plain stride are read as windows, one gather index per window.
  SmallVector<bool> windowed(rank, false);
  for (unsigned i = 0; i < rank; ++i) {
    bool indexed = (access.offset.table && access.offset.table->shape[i] != 1) ||
                   (access.dynamicOffset && shapeOf(access.dynamicOffset)[i] != 1);
    windowed[i] = !indexed && access.extents[i] > 1 && access.offset.coefficients[i] != 0 &&
                  (access.offset.table || access.dynamicOffset);
  }
  Box box = planBox(access, windowed);
  if (box.empty)
    return other ? other : zero;
  Access rows = access;
  rows.offset.offset = box.first;
  Extents sizes, strides, before, after, unfolded;
  SmallVector<unsigned> order;
  int64_t forward = 0, backward = 0;
  bool clipped = false;
  for (const BoxAxis &axis : box.axes) {
    if (!windowed[axis.sources[0]])
      continue;
    for (unsigned source : axis.sources) {
      rows.offset.coefficients[source] = 0;
      order.push_back(source);
      unfolded.push_back(access.extents[source]);
    }
    sizes.push_back(axis.size());
    strides.push_back(axis.stride);
    before.push_back(axis.low);
    after.push_back(axis.extent - axis.high);
    clipped |= axis.clipped();
    (axis.stride > 0 ? forward : backward) += std::abs(axis.stride) * (axis.size() - 1);
  }
  rows.condition = box.rest;
  Value mask;
  Value indices = flatIndices(rows, mask);
  Type indexType = elementOf(indices);
  Value flat = state(access);
  auto range = rows.offset.range(access.extents);
  bool inside = !access.dynamicOffset && range && range->min - backward >= 0 && range->max + forward < length;
  bool maskVariesInWindow = false;
  for (unsigned source : order)
    maskVariesInWindow |= mask && shapeOf(mask)[source] != 1;
  int64_t windows = length - forward - backward;
  if (!inside && (maskVariesInWindow || windows <= 0) && !sizes.empty()) {
    // A window may reach beyond the storage with lanes that are off: give it room.
    flat = emitPad(flat, emitReshape(zero, {}), {backward}, {forward});
    windows = length;
  } else if (backward) {
    indices = emitElementwise("subtract", {indices, emitInt(backward, indexType, rank)}, indexType);
  }
  if (!inside) {
    indices = emitElementwise("maximum", {indices, emitInt(0, indexType, rank)}, indexType);
    indices = emitElementwise("minimum", {indices, emitInt(windows - 1, indexType, rank)}, indexType);
  }
  if (windows <= INT32_MAX)
    indices = emitCast(indices, i32());
  Value result;
  if (sizes.empty()) {
    result = emitTake(flat, indices, 0);
  } else {
    Extents windowShape = {windows}, windowStrides = {1};
    windowShape.append(sizes.begin(), sizes.end());
    windowStrides.append(strides.begin(), strides.end());
    result = emitTake(emitAsStrided(flat, windowShape, windowStrides, backward), indices, 0);
    if (clipped) {
      Extents low(rank, 0), high(rank, 0);
      low.append(before.begin(), before.end());
      high.append(after.begin(), after.end());
      Value padding = knownScalar(other) ? other : zero;
      result = emitPad(result, emitReshape(padding, {}), low, high);
    }
    Extents apart(shapeOf(indices).begin(), shapeOf(indices).end());
    apart.append(unfolded.begin(), unfolded.end());
    result = emitReshape(result, apart);
    SmallVector<int64_t> transpose;
    for (unsigned axis = 0; axis < rank; ++axis) {
      auto found = find(order, axis);
      transpose.push_back(found == order.end() ? axis : rank + (found - order.begin()));
    }
    Extents full(shapeOf(indices).begin(), shapeOf(indices).end());
    for (unsigned source : order)
      full[source] = access.extents[source];
    for (unsigned source : order)
      transpose.push_back(source); // extent 1 now, dropped by the reshape
    result = emitReshape(emitTranspose(result, transpose), full);
  }
  bool otherByPadding = !other || knownScalar(other);
  if (mask || (clipped && !otherByPadding)) {
    if (clipped && !otherByPadding)
      mask = emitAnd(materialize(access.condition, access.extents), access.dynamicMask);
    result = emitWhere(mask, result, other ? other : zero);
  }
  return result;
}

Value Raiser::load(const Access &access, Value other) {
  if (auto view = loadView(access, other))
    return *view;
  return loadGather(access, other);
}

void Raiser::raiseLoad(Operation *op, StringRef) {
  auto load = cast<tt::LoadOp>(op);
  Access access = makeAccess(op, load.getPtr(), load.getMask());
  if (isa<tt::PointerType>(access.element))
    refuse(op, "Loading pointers from memory needs a kernel engine.");
  Value other = load.getOther() ? arrayOf(load.getOther()) : Value();
  bool truth = access.element.isInteger(1);
  if (truth && other)
    other = emitCast(other, memoryElement(access.element));
  Value result = this->load(access, other);
  if (truth)
    set(op->getResult(0),
        makeCondition(
            {}, emitCompare("not_equal", result, emitInt(0, elementOf(result), shapeOf(result).size()))));
  else
    setArray(op->getResult(0), result);
}

} // namespace tmetal
