// SPDX-License-Identifier: MIT
// Emission of single `mlx` operations with inferred shapes.
#include "Raiser.h"

#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

Value Raiser::emit(StringRef name, ValueRange operands, Type elementType, ArrayRef<int64_t> shape,
                   Attributes attributes) {
  ++emitted;
  OperationState op(builder.getUnknownLoc(), ("mlx." + name).str());
  op.addOperands(operands);
  op.addTypes(RankedTensorType::get(shape, elementType));
  op.addAttributes(attributes);
  return builder.create(op)->getResult(0);
}

Value Raiser::emitElementwise(StringRef name, ValueRange operands, Type elementType) {
  Extents shape(shapeOf(operands[0]).begin(), shapeOf(operands[0]).end());
  for (Value operand : operands.drop_front())
    for (auto [extent, other] : zip_equal(shape, shapeOf(operand)))
      if (extent == 1)
        extent = other;
  return emit(name, operands, elementType, shape);
}

Value Raiser::emitCompare(StringRef name, Value a, Value b) { return emitElementwise(name, {a, b}, i1()); }

Value Raiser::emitWhere(Value condition, Value a, Value b) {
  return a == b ? a : emitElementwise("where", {condition, a, b}, elementOf(a));
}

Value Raiser::emitScalar(Attribute value, Type elementType, unsigned rank) {
  Extents shape(rank, 1);
  auto type = RankedTensorType::get(shape, elementType);
  return emit("constant", {}, elementType, shape,
              {builder.getNamedAttr("value", DenseElementsAttr::get(type, ArrayRef<Attribute>(value)))});
}

Value Raiser::emitInt(int64_t value, Type elementType, unsigned rank) {
  unsigned width = elementType.getIntOrFloatBitWidth();
  return emitScalar(IntegerAttr::get(elementType, APInt(width, static_cast<uint64_t>(value), false, true)),
                    elementType, rank);
}

Value Raiser::emitFloat(double value, Type elementType, unsigned rank) {
  return emitScalar(FloatAttr::get(elementType, value), elementType, rank);
}

Value Raiser::emitCast(Value a, Type elementType) {
  return elementOf(a) == elementType ? a : emit("astype", a, elementType, shapeOf(a));
}

Value Raiser::emitView(Value a, Type elementType) {
  return elementOf(a) == elementType ? a : emit("view", a, elementType, shapeOf(a));
}

Value Raiser::emitUnsigned(Value a) {
  auto type = cast<IntegerType>(elementOf(a));
  return type.getWidth() == 1 ? a : emitView(a, unsignedType(type.getWidth()));
}

Value Raiser::emitSigned(Value a) {
  return emitView(a, builder.getIntegerType(cast<IntegerType>(elementOf(a)).getWidth()));
}

Value Raiser::emitReshape(Value a, ArrayRef<int64_t> shape) {
  return shapeOf(a) == shape ? a : emit("reshape", a, elementOf(a), shape);
}

Value Raiser::emitTranspose(Value a, ArrayRef<int64_t> axes) {
  bool identity = true, onlyOnesMove = true;
  Extents shape;
  SmallVector<int64_t> before, after;
  for (auto [i, axis] : enumerate(axes)) {
    identity &= static_cast<int64_t>(i) == axis;
    shape.push_back(shapeOf(a)[axis]);
    if (shapeOf(a)[i] != 1)
      before.push_back(i);
    if (shapeOf(a)[axis] != 1)
      after.push_back(axis);
  }
  onlyOnesMove = before == after;
  if (identity)
    return a;
  if (onlyOnesMove)
    return emitReshape(a, shape);
  return emit("transpose", a, elementOf(a), shape,
              {builder.getNamedAttr("axes", builder.getDenseI64ArrayAttr(axes))});
}

Value Raiser::emitBroadcast(Value a, ArrayRef<int64_t> shape) {
  return shapeOf(a) == shape ? a : emit("broadcast_to", a, elementOf(a), shape);
}

Value Raiser::emitSlice(Value a, ArrayRef<int64_t> start, ArrayRef<int64_t> stop, ArrayRef<int64_t> strides) {
  Extents steps(strides.begin(), strides.end());
  if (steps.empty())
    steps.assign(start.size(), 1);
  Extents shape;
  bool whole = true;
  for (auto [i, extent] : enumerate(shapeOf(a))) {
    int64_t span = steps[i] > 0 ? stop[i] - start[i] : start[i] - stop[i], step = std::abs(steps[i]);
    shape.push_back((span + step - 1) / step);
    whole &= steps[i] == 1 && start[i] == 0 && stop[i] == extent;
  }
  if (whole)
    return a;
  return emit("slice", a, elementOf(a), shape,
              {builder.getNamedAttr("start", builder.getDenseI64ArrayAttr(start)),
               builder.getNamedAttr("stop", builder.getDenseI64ArrayAttr(stop)),
               builder.getNamedAttr("strides", builder.getDenseI64ArrayAttr(steps))});
}

Value Raiser::emitSliceAxis(Value a, unsigned axis, int64_t start, int64_t stop, int64_t stride) {
  Extents low(shapeOf(a).size(), 0), high(shapeOf(a).begin(), shapeOf(a).end()), step(low.size(), 1);
  low[axis] = start;
  high[axis] = stop;
  step[axis] = stride;
  return emitSlice(a, low, high, step);
}

Value Raiser::emitFlip(Value a, unsigned axis) {
  int64_t extent = shapeOf(a)[axis];
  // MLX reads a negative stop from the end, so "before the first" is -extent - 1.
  if (extent == 1)
    return a;
  Extents low(shapeOf(a).size(), 0), high(shapeOf(a).begin(), shapeOf(a).end()), step(low.size(), 1);
  low[axis] = extent - 1;
  high[axis] = -extent - 1;
  step[axis] = -1;
  return emit("slice", a, elementOf(a), shapeOf(a),
              {builder.getNamedAttr("start", builder.getDenseI64ArrayAttr(low)),
               builder.getNamedAttr("stop", builder.getDenseI64ArrayAttr(high)),
               builder.getNamedAttr("strides", builder.getDenseI64ArrayAttr(step))});
}

Value Raiser::emitConcatenate(ArrayRef<Value> arrays, unsigned axis) {
  Extents shape(shapeOf(arrays[0]).begin(), shapeOf(arrays[0]).end());
  shape[axis] = 0;
  for (Value array : arrays)
    shape[axis] += shapeOf(array)[axis];
  return emit("concatenate", arrays, elementOf(arrays[0]), shape,
              {builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis))});
}

Value Raiser::emitPad(Value a, Value value, ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
  Extents shape;
  for (auto [i, extent] : enumerate(shapeOf(a)))
    shape.push_back(extent + low[i] + high[i]);
  if (shapeOf(a) == ArrayRef<int64_t>(shape))
    return a;
  return emit("pad", {a, value}, elementOf(a), shape,
              {builder.getNamedAttr("low", builder.getDenseI64ArrayAttr(low)),
               builder.getNamedAttr("high", builder.getDenseI64ArrayAttr(high))});
}

Value Raiser::emitReduction(StringRef name, Value a, ArrayRef<int64_t> axes, Type elementType) {
  Extents shape(shapeOf(a).begin(), shapeOf(a).end());
  for (int64_t axis : axes)
    shape[axis] = 1;
  return emit(name, a, elementType, shape,
              {builder.getNamedAttr("axes", builder.getDenseI64ArrayAttr(axes))});
}

Value Raiser::emitAsStrided(Value flat, ArrayRef<int64_t> shape, ArrayRef<int64_t> strides, int64_t offset) {
  return emit("as_strided", flat, elementOf(flat), shape,
              {builder.getNamedAttr("strides", builder.getDenseI64ArrayAttr(strides)),
               builder.getNamedAttr("offset", builder.getI64IntegerAttr(offset))});
}

Value Raiser::emitTake(Value a, Value indices, unsigned axis) {
  Extents shape(shapeOf(a).take_front(axis).begin(), shapeOf(a).take_front(axis).end());
  shape.append(shapeOf(indices).begin(), shapeOf(indices).end());
  ArrayRef<int64_t> behind = shapeOf(a).drop_front(axis + 1);
  shape.append(behind.begin(), behind.end());
  return emit("take", {a, indices}, elementOf(a), shape,
              {builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis))});
}

Value Raiser::emitAnd(Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return emitElementwise("logical_and", {a, b}, i1());
}

Type Raiser::arrayElement(Type type) {
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8)
    return unsignedType(8);
  return type;
}

Type Raiser::memoryElement(Type type) { return type.isInteger(1) ? builder.getI8Type() : arrayElement(type); }

Value Raiser::materialize(const IndexExpr &index, Type elementType, ArrayRef<int64_t> extents) {
  unsigned rank = index.rank();
  Value sum;
  int64_t start = index.offset;
  auto accumulate = [&](Value term) { sum = sum ? emitElementwise("add", {sum, term}, elementType) : term; };
  for (unsigned i = 0; i < rank; ++i) {
    if (index.coefficients[i] == 0 || extents[i] == 1)
      continue;
    Extents shape(rank, 1);
    shape[i] = extents[i];
    accumulate(emit("arange", {}, elementType, shape,
                    {builder.getNamedAttr("start", builder.getI64IntegerAttr(start)),
                     builder.getNamedAttr("step", builder.getI64IntegerAttr(index.coefficients[i]))}));
    start = 0;
  }
  if (index.table) {
    auto type = RankedTensorType::get(index.table->shape, elementType);
    unsigned width = elementType.getIntOrFloatBitWidth();
    SmallVector<APInt> table;
    table.reserve(index.table->values.size());
    for (int64_t value : index.table->values)
      table.emplace_back(width, static_cast<uint64_t>(value + start), false, true);
    start = 0;
    accumulate(emit("constant", {}, elementType, index.table->shape,
                    {builder.getNamedAttr("value", DenseElementsAttr::get(type, table))}));
  }
  return sum ? sum : emitInt(index.offset, elementType, rank);
}

Value Raiser::materialize(const Condition &condition, ArrayRef<int64_t> extents) {
  unsigned rank = extents.size();
  if (auto value = condition.constantValue())
    return emitScalar(builder.getBoolAttr(*value), i1(), rank);
  Value all;
  for (const IndexExpr &atom : condition.atoms) {
    auto r = atom.range(extents);
    Type type = r && r->fitsSigned(32) ? i32() : i64();
    all =
        emitAnd(all, emitCompare("greater_equal", materialize(atom, type, extents), emitInt(0, type, rank)));
  }
  return all;
}

} // namespace tmetal
