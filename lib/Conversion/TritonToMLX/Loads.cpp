// SPDX-License-Identifier: MIT
// Loads: views where addresses are affine, gathers elsewhere.
#include "Memory.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

/// Whether the array is a constant of one element, which broadcasts to any shape.
static bool isKnownScalar(Value array) {
  return array && array.getDefiningOp<ConstantOp>() && typeOf(array).getNumElements() == 1;
}

std::optional<Value> Memory::loadView(const Access &access, Value other) {
  if (access.dynamicOffset || !access.offset.isAffine())
    return std::nullopt;
  unsigned rank = access.extents.size();
  Box box = planBox(access);
  Type type = memoryElement(access.element);
  Value zero = e.zero(type, rank);
  if (box.empty)
    return other ? other : zero;
  struct Dimension {
    SmallVector<unsigned, 2> sources;
    int64_t extent, low, high, stride;
  };
  SmallVector<Dimension> dimensions;
  for (const BoxAxis &axis : box.axes) {
    if (axis.stride == 0) { // every lane reads the same element, so the view has it once
      if (axis.clipped())
        addBounds(box.rest, axis, access.extents);
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
  if (low < 0 || high >= length(access)) {
    if (masked)
      return std::nullopt;
    refuseOutOfBounds(access, low < 0 ? low : high);
  }
  Value view = e.asStrided(state(access), shape, strides, box.first);
  // Padding gives `other` (or 0) to the lanes outside of the bounds.
  Value padding = zero;
  bool otherByPadding = !other;
  if (isKnownScalar(other)) {
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
    view = e.pad(view, padding, before, after);
  view = e.reshape(view, unfolded);
  // Restores the order of the axes, with extent 1 for those that do not vary.
  SmallVector<int64_t> transpose;
  Extents full(rank, 1);
  for (unsigned axis = 0; axis < rank; ++axis) {
    auto found = find(order, axis);
    if (found == order.end())
      continue;
    transpose.push_back(found - order.begin());
    full[axis] = access.extents[axis];
  }
  view = e.reshape(e.transpose(view, transpose), full);
  if (masked || (clipped && !otherByPadding)) {
    const Condition &condition = otherByPadding ? box.rest : access.condition;
    Value mask = maskOf(condition, access);
    view = e.where(mask, view, other ? other : zero);
  }
  return view;
}

Value Memory::loadGather(const Access &access, Value other) {
  checkKnownLanes(access);
  unsigned rank = access.extents.size();
  Type type = memoryElement(access.element);
  int64_t end = length(access);
  Value zero = e.zero(type, rank);
  if (end == 0)
    return other ? other : zero;
  // Axes with a plain stride are read as windows, with one gather index for each window.
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
  Value mask = maskOf(rows.condition, rows), indices = flatIndices(rows);
  Type indexType = elementOf(indices);
  Value flat = state(access);
  auto range = rows.offset.range(access.extents);
  bool inside = !access.dynamicOffset && range && range->min - backward >= 0 && range->max + forward < end;
  bool maskVariesInWindow = false;
  for (unsigned source : order)
    maskVariesInWindow |= mask && shapeOf(mask)[source] != 1;
  int64_t windows = end - forward - backward;
  if (!inside && (maskVariesInWindow || windows <= 0) && !sizes.empty()) {
    // A window may reach beyond the storage in lanes that do not act, so pads the storage.
    flat = e.pad(flat, zero, {backward}, {forward});
    windows = end;
  } else if (backward) {
    indices = e.emit<SubtractOp>(indices, e.integer(backward, indexType, rank));
  }
  if (!inside) {
    indices = e.emit<MaximumOp>(indices, e.integer(0, indexType, rank));
    indices = e.emit<MinimumOp>(indices, e.integer(windows - 1, indexType, rank));
  }
  if (windows <= INT32_MAX)
    indices = e.convert(indices, e.i32());
  Value result;
  if (sizes.empty()) {
    result = e.emit<TakeOp>(flat, indices, 0);
  } else {
    Extents windowShape = {windows}, windowStrides = {1};
    windowShape.append(sizes.begin(), sizes.end());
    windowStrides.append(strides.begin(), strides.end());
    result = e.emit<TakeOp>(e.asStrided(flat, windowShape, windowStrides, backward), indices, 0);
    if (clipped) {
      Extents low(rank, 0), high(rank, 0);
      low.append(before.begin(), before.end());
      high.append(after.begin(), after.end());
      result = e.pad(result, isKnownScalar(other) ? other : zero, low, high);
    }
    Extents apart(shapeOf(indices).begin(), shapeOf(indices).end());
    apart.append(unfolded.begin(), unfolded.end());
    result = e.reshape(result, apart);
    SmallVector<int64_t> transpose;
    for (unsigned axis = 0; axis < rank; ++axis) {
      auto found = find(order, axis);
      transpose.push_back(found == order.end() ? axis : rank + (found - order.begin()));
    }
    Extents full(shapeOf(indices).begin(), shapeOf(indices).end());
    for (unsigned source : order)
      full[source] = access.extents[source];
    for (unsigned source : order)
      transpose.push_back(source); // its extent is 1 now, and the reshape drops it
    result = e.reshape(e.transpose(result, transpose), full);
  }
  bool otherByPadding = !other || isKnownScalar(other);
  if (mask || (clipped && !otherByPadding)) {
    if (clipped && !otherByPadding)
      mask = e.both(e.materialize(access.condition, access.extents), access.dynamicMask);
    result = e.where(mask, result, other ? other : zero);
  }
  return result;
}

Value Memory::load(const Access &access, Value other) {
  if (auto view = loadView(access, other))
    return *view;
  return loadGather(access, other);
}

} // namespace tmetal::raising
