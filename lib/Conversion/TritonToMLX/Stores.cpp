// SPDX-License-Identifier: MIT
// Rules of stores and atomics: regions where addresses are affine and injective, scatters elsewhere.
#include "Raiser.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

// ---- stores ----

std::optional<Value> Raiser::updateRegion(Value flat, int64_t first, ArrayRef<int64_t> shape,
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
  auto replace = [&](Value target, Value part, int64_t start) {
    int64_t count = shapeOf(part)[0];
    if (start == 0 && count == shapeOf(target)[0])
      return part;
    return emit("slice_update", {target, part}, elementOf(target), shapeOf(target),
                {builder.getNamedAttr("start", builder.getDenseI64ArrayAttr({start})),
                 builder.getNamedAttr("stop", builder.getDenseI64ArrayAttr({start + count}))});
  };
  int64_t count = 1;
  for (int64_t extent : n)
    count *= extent;
  if (n.empty() || (n.size() == 1 && s[0] == 1))
    return replace(flat, emitReshape(value, {count}), first);
  if (s.back() != 1) {
    n.push_back(1);
    s.push_back(1);
  }
  for (unsigned i = 0; i + 1 < s.size(); ++i)
    if (s[i] % s[i + 1] != 0)
      return std::nullopt;
  // The rows of the region, gaps included, as an array whose leading corner is replaced.
  int64_t span = n[0] * s[0], missing = std::max<int64_t>(first + span - length, 0);
  unsigned rank = n.size();
  Value target = flat;
  if (missing) {
    Value zero =
        isa<FloatType>(elementOf(flat)) ? emitFloat(0.0, elementOf(flat), 0) : emitInt(0, elementOf(flat), 0);
    target = emitPad(flat, zero, {0}, {missing});
  }
  Extents rows = {n[0]};
  for (unsigned i = 0; i + 1 < rank; ++i)
    rows.push_back(s[i] / s[i + 1]);
  Value part = emitReshape(emitSliceAxis(target, 0, first, first + span), rows);
  Extents zeros(rank, 0);
  part = emit("slice_update", {part, emitReshape(value, n)}, elementOf(flat), rows,
              {builder.getNamedAttr("start", builder.getDenseI64ArrayAttr(zeros)),
               builder.getNamedAttr("stop", builder.getDenseI64ArrayAttr(n))});
  Value result = replace(target, emitReshape(part, {span}), first);
  return missing ? emitSliceAxis(result, 0, 0, length) : result;
}

bool Raiser::storeRegion(const Access &access, Value value) {
  if (access.dynamicOffset || !access.offset.isAffine())
    return false;
  unsigned rank = access.extents.size();
  SmallVector<bool> movable(rank, true);
  Box box = planBox(access, movable);
  if (box.empty)
    return true;
  Value mask =
      emitAnd(box.rest.atoms.empty() ? Value() : materialize(box.rest, access.extents), access.dynamicMask);
  SmallVector<BoxAxis> axes;
  SmallVector<std::pair<unsigned, int64_t>> lastLane; // axes on which one address is written by several lanes
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
  if (first < 0 || last >= storageLength(access)) {
    if (mask)
      return false;
    refuseOutOfBounds(access, first < 0 ? first : last);
  }
  auto toRegion = [&](Value v) {
    for (auto [axis, lane] : lastLane)
      if (shapeOf(v)[axis] != 1)
        v = emitSliceAxis(v, axis, lane, lane + 1);
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
    v = emitReshape(emitTranspose(emitBroadcast(v, full), order), merged);
    v = emitSlice(v, low, high);
    for (auto [i, axis] : enumerate(axes))
      if (axis.stride < 0)
        v = emitFlip(v, i);
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
    region =
        emitWhere(emitBroadcast(toRegion(mask), shape), region, emitAsStrided(flat, shape, strides, first));
  auto updated = updateRegion(flat, first, shape, strides, region);
  if (!updated)
    return false;
  int64_t lanes = 1;
  for (int64_t extent : shape)
    lanes *= extent;
  setState(access, *updated, Range{first, last}, /*exact=*/!mask && lanes == last - first + 1);
  return true;
}

void Raiser::storeScatter(const Access &access, Value value, StringRef reduction) {
  checkKnownLanes(access);
  unsigned rank = access.extents.size();
  int64_t length = storageLength(access);
  Value mask, indices = flatIndices(access, mask), flat = state(access);
  bool isUnsigned = reduction.consume_front("u");
  if (isUnsigned) {
    flat = emitUnsigned(flat);
    value = emitUnsigned(value);
  }
  Type type = elementOf(indices);
  auto range = access.offset.range(access.extents);
  if (access.dynamicOffset || !range || range->min < 0 || range->max >= length) {
    Value inside = emitElementwise("logical_and",
                                   {emitCompare("greater_equal", indices, emitInt(0, type, rank)),
                                    emitCompare("less", indices, emitInt(length, type, rank))},
                                   i1());
    mask = emitAnd(mask, inside);
  }
  Extents shape(rank, 1);
  if (reduction == "none") {
    for (Value v : {indices, value, mask ? mask : value})
      for (unsigned i = 0; i < rank; ++i)
        shape[i] = std::max(shape[i], shapeOf(v)[i]);
  } else {
    shape = access.extents; // every lane of every program counts
  }
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  Value target = flat;
  if (mask) { // lanes that are off write to one element behind the end
    indices = emitWhere(mask, indices, emitInt(length, type, rank));
    Value zero =
        isa<FloatType>(elementOf(flat)) ? emitFloat(0.0, elementOf(flat), 0) : emitInt(0, elementOf(flat), 0);
    target = emitPad(flat, zero, {0}, {1});
  }
  if (length < INT32_MAX)
    indices = emitCast(indices, i32());
  indices = emitReshape(emitBroadcast(indices, shape), {count});
  value = emitReshape(emitBroadcast(value, shape), {count});
  auto scatter = [&](Value into, Value updates, StringRef how) {
    if (onGpu && elementOf(into).getIntOrFloatBitWidth() == 64)
      refuse(access.op, "MLX has no scatter of " + typeName(elementOf(into)) +
                            " on a GPU, and the addresses are not a regular region.");
    return emit("scatter", {into, indices, updates}, elementOf(into), shapeOf(into),
                {builder.getNamedAttr("reduction", builder.getStringAttr(how))});
  };
  Value result;
  StringRef perBit = reduction == "and" ? "min" : reduction == "or" ? "max" : reduction == "xor" ? "add" : "";
  if (perBit.empty()) {
    result = scatter(target, value, reduction);
  } else { // MLX has no bitwise scatter: bit by bit, as minimum, maximum or parity
    Type bits = elementOf(emitUnsigned(flat));
    Value one = emitInt(1, bits, 1);
    for (unsigned bit = 0; bit < bits.getIntOrFloatBitWidth(); ++bit) {
      Value place = emitInt(bit, bits, 1);
      auto bitOf = [&](Value v) {
        Value moved = emitElementwise("right_shift", {emitUnsigned(v), place}, bits);
        return emitCast(emitElementwise("bitwise_and", {moved, one}, bits), i32());
      };
      Value updated = emitCast(scatter(bitOf(target), bitOf(value), perBit), bits);
      updated =
          emitElementwise("left_shift", {emitElementwise("bitwise_and", {updated, one}, bits), place}, bits);
      result = result ? emitElementwise("bitwise_or", {result, updated}, bits) : updated;
    }
    result = emitSigned(result);
  }
  if (mask)
    result = emitSliceAxis(result, 0, 0, length);
  if (isUnsigned)
    result = emitSigned(result);
  std::optional<Range> touched;
  if (!access.dynamicOffset && range)
    touched =
        Range{std::clamp<int64_t>(range->min, 0, length - 1), std::clamp<int64_t>(range->max, 0, length - 1)};
  setState(access, result, touched, /*exact=*/false);
}

void Raiser::store(const Access &access, Value value) {
  if (access.condition.constantValue() == false)
    return;
  if (!storeRegion(access, value))
    storeScatter(access, value, "none");
}

void Raiser::raiseStore(Operation *op, StringRef) {
  auto store = cast<tt::StoreOp>(op);
  Access access = makeAccess(op, store.getPtr(), store.getMask());
  if (isa<tt::PointerType>(access.element))
    refuse(op, "Storing pointers needs a kernel engine.");
  this->store(access, emitCast(arrayOf(store.getValue()), memoryElement(access.element)));
}

// ---- atomics whose result is not used ----

Value Raiser::reduceLanes(Operation *op, StringRef kind, Value value, unsigned axis) {
  bool isFloat = isa<FloatType>(elementOf(value));
  StringRef combiner = kind == "add"    ? (isFloat ? "arith.addf" : "arith.addi")
                       : kind == "max"  ? "arith.maxsi"
                       : kind == "min"  ? "arith.minsi"
                       : kind == "umax" ? "arith.maxui"
                       : kind == "umin" ? "arith.minui"
                                        : "";
  if (!combiner.empty())
    return reduceKnown(combiner, value, axis);
  StringRef rule = kind == "and" ? "andi" : kind == "or" ? "ori" : "xori";
  int64_t extent = shapeOf(value)[axis];
  while (extent > 1) {
    int64_t half = extent / 2;
    Value both = integerArray(
        op, rule, {emitSliceAxis(value, axis, 0, half), emitSliceAxis(value, axis, half, 2 * half)});
    value = extent % 2 ? emitConcatenate({both, emitSliceAxis(value, axis, 2 * half, extent)}, axis) : both;
    extent = half + extent % 2;
  }
  return value;
}

void Raiser::raiseAtomic(Operation *op, StringRef) {
  auto atomic = cast<tt::AtomicRMWOp>(op);
  if (!op->getResult(0).use_empty())
    refuse(op,
           "Using the result of an atomic operation needs an order of the programs: not in the mlx engine.");
  Access access = makeAccess(op, atomic.getPtr(), atomic.getMask());
  if (access.condition.constantValue() == false)
    return;
  Value value = arrayOf(atomic.getVal());
  Type type = elementOf(value);
  unsigned rank = access.extents.size(), width = type.getIntOrFloatBitWidth();
  bool isFloat = isa<FloatType>(type);
  using Kind = tt::RMWOp;
  StringRef kind;
  int64_t neutral = 0, lowest = int64_t(uint64_t(1) << (width - 1));
  switch (atomic.getAtomicRmwOp()) {
  case Kind::ADD:
  case Kind::FADD:
    kind = "add";
    break;
  case Kind::MAX:
    kind = "max";
    neutral = wrapSigned(lowest, width);
    break;
  case Kind::MIN:
    kind = "min";
    neutral = wrapSigned(lowest - 1, width);
    break;
  case Kind::UMAX:
    kind = "umax";
    break;
  case Kind::UMIN:
    kind = "umin";
    neutral = -1;
    break;
  case Kind::AND:
    kind = "and";
    neutral = -1;
    break;
  case Kind::OR:
    kind = "or";
    break;
  case Kind::XOR:
    kind = "xor";
    break;
  case Kind::XCHG:
    store(access, value);
    return;
  }
  if (isFloat && kind != "add")
    refuse(op, "An atomic " + kind + " of " + typeName(type) + " is not supported.");
  auto apply = [&](Value a, Value b) -> Value {
    if (isFloat)
      return emitElementwise("add", {a, b}, type);
    StringRef rule = kind == "add"    ? "addi"
                     : kind == "max"  ? "maxsi"
                     : kind == "min"  ? "minsi"
                     : kind == "umax" ? "maxui"
                     : kind == "umin" ? "minui"
                     : kind == "and"  ? "andi"
                     : kind == "or"   ? "ori"
                                      : "xori";
    return integerArray(op, rule, {a, b});
  };
  if (!access.dynamicOffset && access.offset.isAffine()) {
    // Lanes that share an address are combined first; what is left may be a plain read, combine, write.
    Value mask =
        emitAnd(access.condition.atoms.empty() ? Value() : materialize(access.condition, access.extents),
                access.dynamicMask);
    Value lanes = value;
    if (mask)
      lanes = emitWhere(mask, lanes, isFloat ? emitFloat(0.0, type, rank) : emitInt(neutral, type, rank));
    Access region = access;
    region.dynamicMask = {};
    region.condition = {};
    for (const IndexExpr &atom : access.condition.atoms) {
      bool shared = false;
      for (unsigned i = 0; i < rank; ++i)
        shared |= atom.varies(i) && access.offset.coefficients[i] == 0;
      if (!shared)
        region.condition.atoms.push_back(atom);
    }
    for (unsigned i = 0; i < rank; ++i) {
      if (access.extents[i] == 1 || access.offset.coefficients[i] != 0)
        continue;
      Extents shape(shapeOf(lanes).begin(), shapeOf(lanes).end());
      shape[i] = access.extents[i];
      lanes = reduceLanes(op, kind, emitBroadcast(lanes, shape), i);
      region.extents[i] = 1;
    }
    auto bounds = region.offset.range(region.extents);
    bool readable = !region.condition.atoms.empty() ||
                    (bounds && bounds->min >= 0 && bounds->max < storageLength(region));
    if (readable || !access.dynamicMask) {
      Value old = load(region, Value());
      if (storeRegion(region, apply(old, lanes)))
        return;
    }
  }
  storeScatter(access, value, kind);
}

} // namespace tmetal
