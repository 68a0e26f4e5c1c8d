// SPDX-License-Identifier: MIT
#include "Emitter.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

// ---- creation ----

Value Emitter::scalar(Attribute value, Type elementType, unsigned rank) {
  auto type = RankedTensorType::get(Extents(rank, 1), elementType);
  return emit<ConstantOp>(DenseElementsAttr::get(type, ArrayRef<Attribute>(value)));
}

Value Emitter::integer(int64_t value, Type elementType, unsigned rank) {
  unsigned width = elementType.getIntOrFloatBitWidth();
  return scalar(IntegerAttr::get(elementType, APInt(width, static_cast<uint64_t>(value), false, true)),
                elementType, rank);
}

Value Emitter::real(double value, Type elementType, unsigned rank) {
  return scalar(FloatAttr::get(elementType, value), elementType, rank);
}

Value Emitter::zero(Type elementType, unsigned rank) {
  return isa<FloatType>(elementType) ? real(0.0, elementType, rank) : integer(0, elementType, rank);
}

Value Emitter::materialize(const IndexExpr &index, Type elementType, ArrayRef<int64_t> extents) {
  unsigned rank = index.rank();
  Value sum;
  int64_t start = index.offset; // added to the first term
  auto accumulate = [&](Value term) {
    sum = sum ? emit<AddOp>(sum, term) : term;
    start = 0;
  };
  for (unsigned i = 0; i < rank; ++i) {
    if (index.coefficients[i] == 0 || extents[i] == 1)
      continue;
    Extents shape(rank, 1);
    shape[i] = extents[i];
    accumulate(emit<ArangeOp>(RankedTensorType::get(shape, elementType), start, index.coefficients[i]));
  }
  if (index.table) {
    auto type = RankedTensorType::get(index.table->shape, elementType);
    unsigned width = elementType.getIntOrFloatBitWidth();
    SmallVector<APInt> table;
    table.reserve(index.table->values.size());
    for (int64_t value : index.table->values)
      table.emplace_back(width, static_cast<uint64_t>(value + start), false, true);
    accumulate(emit<ConstantOp>(DenseElementsAttr::get(type, table)));
  }
  return sum ? sum : integer(index.offset, elementType, rank);
}

Value Emitter::materialize(const Condition &condition, ArrayRef<int64_t> extents) {
  unsigned rank = extents.size();
  if (auto value = condition.constantValue())
    return scalar(builder.getBoolAttr(*value), i1(), rank);
  Value all;
  for (const IndexExpr &atom : condition.atoms) {
    auto r = atom.range(extents);
    Type type = r && r->fitsSigned(32) ? i32() : i64();
    all = both(all, emit<GreaterEqualOp>(materialize(atom, type, extents), integer(0, type, rank)));
  }
  return all;
}

// ---- element types ----

Value Emitter::convert(Value a, Type elementType) {
  return elementOf(a) == elementType ? a : emit<AstypeOp>(a, elementType);
}

Value Emitter::bits(Value a, Type elementType) {
  return elementOf(a) == elementType ? a : emit<ViewOp>(a, elementType);
}

Value Emitter::asUnsigned(Value a) {
  auto type = cast<IntegerType>(elementOf(a));
  return type.getWidth() == 1 ? a : bits(a, unsignedType(type.getWidth()));
}

Value Emitter::asSigned(Value a) {
  return bits(a, builder.getIntegerType(cast<IntegerType>(elementOf(a)).getWidth()));
}

Value Emitter::where(Value condition, Value a, Value b) {
  return a == b ? a : emit<WhereOp>(condition, a, b);
}

Value Emitter::both(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return emit<LogicalAndOp>(a, b);
}

// ---- shapes ----

Value Emitter::reshape(Value a, ArrayRef<int64_t> shape) {
  return shapeOf(a) == shape ? a : emit<ReshapeOp>(a, shape);
}

Value Emitter::transpose(Value a, ArrayRef<int64_t> axes) {
  bool identity = true;
  Extents shape;
  SmallVector<int64_t> before, after; // the axes with more than one element
  for (auto [i, axis] : enumerate(axes)) {
    identity &= static_cast<int64_t>(i) == axis;
    shape.push_back(shapeOf(a)[axis]);
    if (shapeOf(a)[i] != 1)
      before.push_back(i);
    if (shapeOf(a)[axis] != 1)
      after.push_back(axis);
  }
  if (identity)
    return a;
  if (before == after)
    return reshape(a, shape);
  return emit<TransposeOp>(a, axes);
}

Value Emitter::broadcast(Value a, ArrayRef<int64_t> shape) {
  return shapeOf(a) == shape ? a : emit<BroadcastToOp>(a, shape);
}

Value Emitter::slice(Value a, ArrayRef<int64_t> start, ArrayRef<int64_t> stop, ArrayRef<int64_t> strides) {
  Extents steps(strides.begin(), strides.end());
  if (steps.empty())
    steps.assign(start.size(), 1);
  bool whole = true;
  for (auto [i, extent] : enumerate(shapeOf(a)))
    whole &= steps[i] == 1 && start[i] == 0 && stop[i] == extent;
  return whole ? a : emit<SliceOp>(a, start, stop, steps);
}

Value Emitter::sliceAxis(Value a, unsigned axis, int64_t start, int64_t stop, int64_t stride) {
  Extents low(shapeOf(a).size(), 0), high(shapeOf(a)), step(low.size(), 1);
  low[axis] = start;
  high[axis] = stop;
  step[axis] = stride;
  return slice(a, low, high, step);
}

Value Emitter::flip(Value a, unsigned axis) {
  int64_t extent = shapeOf(a)[axis];
  // MLX counts a negative stop from the end, so "before the first" is -extent - 1.
  return extent == 1 ? a : sliceAxis(a, axis, extent - 1, -extent - 1, -1);
}

Value Emitter::concatenate(ArrayRef<Value> arrays, unsigned axis) {
  return emit<ConcatenateOp>(ValueRange(arrays), axis);
}

Value Emitter::pad(Value a, Value value, ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
  auto nothing = [](int64_t extent) { return extent == 0; };
  if (all_of(low, nothing) && all_of(high, nothing))
    return a;
  return emit<PadOp>(a, reshape(value, {}), low, high);
}

Value Emitter::asStrided(Value flat, ArrayRef<int64_t> shape, ArrayRef<int64_t> strides, int64_t offset) {
  return emit<AsStridedOp>(flat, shape, strides, offset);
}

Value Emitter::replace(Value flat, Value part, int64_t start) {
  int64_t count = shapeOf(part)[0];
  if (start == 0 && count == shapeOf(flat)[0])
    return part;
  return emit<SliceUpdateOp>(flat, part, ArrayRef<int64_t>(start), ArrayRef<int64_t>(start + count));
}

} // namespace tmetal::raising
