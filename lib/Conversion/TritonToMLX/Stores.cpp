// SPDX-License-Identifier: MIT
// Stores: regions where addresses are affine and injective, scatters elsewhere.
#include "Memory.h"
#include "Refusal.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

/// Replaces a region of the flat array by `value`; nullopt if the strides are not nested.
static std::optional<Value> updateRegion(Emitter &e, Value flat, int64_t first, ArrayRef<int64_t> shape,
                                         ArrayRef<int64_t> strides, Value value) {
  int64_t length = shapeOf(flat)[0];
  Extents n, s; // collapsed, outermost first
  for (auto [extent, stride] : zip_equal(shape, strides)) {
    if (extent == 1)
      continue;
    if (!n.empty() && s.back() == stride * extent) {
      n.back() *= extent;
      s.back() = stride;
    } else {
      n.push_back(extent);
      s.push_back(stride);
    }
  }
  int64_t count = 1;
  for (int64_t extent : n)
    count *= extent;
  if (n.empty() || (n.size() == 1 && s[0] == 1))
    return e.replace(flat, e.reshape(value, {count}), first);
  if (s.back() != 1) {
    n.push_back(1);
    s.push_back(1);
  }
  for (unsigned i = 0; i + 1 < s.size(); ++i)
    if (s[i] % s[i + 1] != 0)
      return std::nullopt;
  // Views the rows of the region, with gaps, as an array, and replaces its leading corner.
  int64_t span = n[0] * s[0], missing = std::max<int64_t>(first + span - length, 0);
  unsigned rank = n.size();
  Value target = flat;
  if (missing)
    target = e.pad(flat, e.zero(elementOf(flat), 0), {0}, {missing});
  Extents rows = {n[0]};
  for (unsigned i = 0; i + 1 < rank; ++i)
    rows.push_back(s[i] / s[i + 1]);
  Value part = e.reshape(e.sliceAxis(target, 0, first, first + span), rows);
  Extents zeros(rank, 0);
  part = e.emit<SliceUpdateOp>(part, e.reshape(value, n), ArrayRef<int64_t>(zeros), ArrayRef<int64_t>(n));
  Value result = e.replace(target, e.reshape(part, {span}), first);
  return missing ? e.sliceAxis(result, 0, 0, length) : result;
}

bool Memory::storeRegion(const Access &access, Value value) {
  if (access.dynamicOffset || !access.offset.isAffine())
    return false;
  Box box = planBox(access);
  if (box.empty)
    return true;
  Value mask = maskOf(box.rest, access);
  SmallVector<BoxAxis> axes;
  SmallVector<std::pair<unsigned, int64_t>> lastLane; // axes on which several lanes write to one address
  for (const BoxAxis &axis : box.axes) {
    if (axis.stride != 0) {
      axes.push_back(axis);
      continue;
    }
    int64_t lane = axis.high - 1;
    for (unsigned source : reverse(axis.sources)) {
      if (mask && shapeOf(mask)[source] != 1)
        return false;
      lastLane.push_back({source, lane % access.extents[source]});
      lane /= access.extents[source];
    }
  }
  std::stable_sort(axes.begin(), axes.end(), [](const BoxAxis &a, const BoxAxis &b) {
    return std::abs(a.stride) > std::abs(b.stride);
  });
  int64_t below = 0, first = box.first, last = box.first;
  for (const BoxAxis &axis : reverse(axes)) {
    if (axis.size() > 1 && std::abs(axis.stride) <= below)
      return false; // two lanes may share an address
    below += std::abs(axis.stride) * (axis.size() - 1);
    (axis.stride < 0 ? first : last) += axis.stride * (axis.size() - 1);
  }
  if (first < 0 || last >= length(access)) {
    if (mask)
      return false;
    refuseOutOfBounds(access, first < 0 ? first : last);
  }
  auto toRegion = [&](Value v) {
    for (auto [axis, lane] : lastLane)
      if (shapeOf(v)[axis] != 1)
        v = e.sliceAxis(v, axis, lane, lane + 1);
    Extents full(shapeOf(v).begin(), shapeOf(v).end()), merged, low, high;
    SmallVector<int64_t> order;
    for (auto [axis, lane] : lastLane)
      order.push_back(axis);
    for (const BoxAxis &axis : axes) {
      for (unsigned source : axis.sources) {
        order.push_back(source);
        full[source] = access.extents[source];
      }
      merged.push_back(axis.extent);
      low.push_back(axis.low);
      high.push_back(axis.high);
    }
    v = e.reshape(e.transpose(e.broadcast(v, full), order), merged);
    v = e.slice(v, low, high);
    for (auto [i, axis] : enumerate(axes))
      if (axis.stride < 0)
        v = e.flip(v, i);
    return v;
  };
  Value flat = state(access);
  Value region = toRegion(value);
  Extents shape, strides;
  for (const BoxAxis &axis : axes) {
    shape.push_back(axis.size());
    strides.push_back(std::abs(axis.stride));
  }
  if (mask)
    region = e.where(e.broadcast(toRegion(mask), shape), region, e.asStrided(flat, shape, strides, first));
  auto updated = updateRegion(e, flat, first, shape, strides, region);
  if (!updated)
    return false;
  int64_t lanes = 1;
  for (int64_t extent : shape)
    lanes *= extent;
  setState(access, *updated, Range{first, last}, /*exact=*/!mask && lanes == last - first + 1);
  return true;
}

Value Memory::scatterInto(const Access &access, Value target, Value indices, Value updates,
                          ScatterReduction reduction) {
  if (onGpu && elementOf(target).getIntOrFloatBitWidth() == 64)
    refuse(access.op, "MLX has no scatter of " + typeName(elementOf(target)) +
                          " on a GPU, and the addresses are not a regular region.");
  return e.emit<ScatterOp>(target, indices, updates, reduction);
}

/// MLX has no bitwise scatter, so scatters each bit: as minimum (and), maximum
/// (or) or parity of the sum (xor).
Value Memory::scatterBits(const Access &access, Value target, Value indices, Value updates,
                          ScatterReduction perBit) {
  Type bits = e.unsignedType(elementOf(target).getIntOrFloatBitWidth());
  Value one = e.integer(1, bits, 1), result;
  for (unsigned bit = 0; bit < bits.getIntOrFloatBitWidth(); ++bit) {
    Value place = e.integer(bit, bits, 1);
    auto bitOf = [&](Value v) {
      Value moved = e.emit<RightShiftOp>(e.asUnsigned(v), place);
      return e.convert(e.emit<BitwiseAndOp>(moved, one), e.i32());
    };
    Value old = bitOf(target);
    Value updated = e.convert(scatterInto(access, old, indices, bitOf(updates), perBit), bits);
    updated = e.emit<LeftShiftOp>(e.emit<BitwiseAndOp>(updated, one), place);
    result = result ? e.emit<BitwiseOrOp>(result, updated) : updated;
  }
  return e.asSigned(result);
}

void Memory::scatter(const Access &access, Value value, std::optional<Combiner> combiner) {
  checkKnownLanes(access);
  unsigned rank = access.extents.size();
  int64_t end = length(access);
  Value mask = maskOf(access.condition, access), indices = flatIndices(access), flat = state(access);
  bool isUnsigned = combiner == Combiner::MaxUnsigned || combiner == Combiner::MinUnsigned;
  if (isUnsigned) {
    flat = e.asUnsigned(flat);
    value = e.asUnsigned(value);
  }
  Type type = elementOf(indices);
  auto range = access.offset.range(access.extents);
  if (access.dynamicOffset || !range || range->min < 0 || range->max >= end) {
    Value behindStart = e.emit<GreaterEqualOp>(indices, e.integer(0, type, rank));
    Value beforeEnd = e.emit<LessOp>(indices, e.integer(end, type, rank));
    mask = e.both(mask, e.both(behindStart, beforeEnd));
  }
  // A combiner needs every lane of every program; otherwise one of those that share an address is enough.
  Extents shape = combiner ? access.extents : commonShape({indices, value, mask ? mask : value});
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  Value target = flat;
  if (mask) { // lanes that do not act write to an extra element behind the end
    indices = e.where(mask, indices, e.integer(end, type, rank));
    target = e.pad(flat, e.zero(elementOf(flat), 0), {0}, {1});
  }
  if (end < INT32_MAX)
    indices = e.convert(indices, e.i32());
  indices = e.reshape(e.broadcast(indices, shape), {count});
  value = e.reshape(e.broadcast(value, shape), {count});
  auto plain = [&](ScatterReduction reduction) {
    return scatterInto(access, target, indices, value, reduction);
  };
  auto bitwise = [&](ScatterReduction reduction) {
    return scatterBits(access, target, indices, value, reduction);
  };
  auto combined = [&](Combiner by) {
    switch (by) {
    case Combiner::Add:
      return plain(ScatterReduction::Add);
    case Combiner::MaxSigned:
    case Combiner::MaxUnsigned:
      return plain(ScatterReduction::Max);
    case Combiner::MinSigned:
    case Combiner::MinUnsigned:
      return plain(ScatterReduction::Min);
    case Combiner::And:
      return bitwise(ScatterReduction::Min);
    case Combiner::Or:
      return bitwise(ScatterReduction::Max);
    case Combiner::Xor:
      return bitwise(ScatterReduction::Add);
    default:
      llvm_unreachable("no atomic operation combines so");
    }
  };
  Value result = combiner ? combined(*combiner) : plain(ScatterReduction::None);
  if (mask)
    result = e.sliceAxis(result, 0, 0, end);
  if (isUnsigned)
    result = e.asSigned(result);
  std::optional<Range> touched;
  if (!access.dynamicOffset && range)
    touched = Range{std::clamp<int64_t>(range->min, 0, end - 1), std::clamp<int64_t>(range->max, 0, end - 1)};
  setState(access, result, touched, /*exact=*/false);
}

void Memory::store(const Access &access, Value value) {
  if (access.condition.constantValue() == false)
    return;
  if (!storeRegion(access, value))
    scatter(access, value, std::nullopt);
}

} // namespace tmetal::raising
