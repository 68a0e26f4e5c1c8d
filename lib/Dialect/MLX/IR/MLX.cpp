// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/MLX/IR/MLX.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace tmetal::mlxir {

using Shape = SmallVector<int64_t, 6>;

static RankedTensorType arrayType(ArrayRef<int64_t> shape, Type elementType) {
  return RankedTensorType::get(shape, elementType);
}

bool isAddressable(RankedTensorType type) {
  if (!type.getElementType().isIntOrFloat())
    return false; // what elements are permitted may be verified later
  int64_t bits = type.getElementTypeBitWidth();
  return llvm::all_of(type.getShape(), [&](int64_t extent) {
    return extent >= 0 && !llvm::MulOverflow(bits, std::max<int64_t>(extent, 1), bits);
  });
}

static Shape shapeOf(Value array) { return Shape(typeOf(array).getShape()); }

// ---- inference and verification shared by several operations ----

/// Broadcasts as NumPy does, aligned at the last axis. Extents that do not match are left to the verifier, so
/// that builders of elementwise operations cannot fail.
static RankedTensorType broadcastType(ValueRange operands, Type elementType) {
  Shape shape;
  for (Value operand : operands) {
    ArrayRef<int64_t> extents = typeOf(operand).getShape();
    if (extents.size() > shape.size())
      shape.insert(shape.begin(), extents.size() - shape.size(), 1);
    unsigned skipped = shape.size() - extents.size();
    for (auto [i, extent] : llvm::enumerate(extents))
      if (shape[skipped + i] == 1)
        shape[skipped + i] = extent;
  }
  return arrayType(shape, elementType);
}

/// Every axis of an operand, aligned at the last one, must be 1 or the extent of the result.
static LogicalResult verifyBroadcast(Operation *op) {
  auto result = typeOf(op->getResult(0));
  for (Value operand : op->getOperands()) {
    auto type = typeOf(operand);
    if (type.getRank() > result.getRank())
      return op->emitOpError("has an operand of higher rank than the result");
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t extent = type.getDimSize(type.getRank() - 1 - i);
      if (extent != 1 && extent != result.getDimSize(result.getRank() - 1 - i))
        return op->emitOpError() << "cannot broadcast " << type << " to " << result;
    }
  }
  return success();
}

static RankedTensorType reducedType(Value a, ArrayRef<int64_t> axes) {
  Shape shape = shapeOf(a);
  for (int64_t axis : axes)
    shape[axis] = 1;
  return arrayType(shape, typeOf(a).getElementType());
}

static LogicalResult verifyAxes(Operation *op, Value a, ArrayRef<int64_t> axes) {
  SmallVector<bool> seen(typeOf(a).getRank());
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= typeOf(a).getRank())
      return op->emitOpError() << "has no axis " << axis;
    if (seen[axis])
      return op->emitOpError() << "names axis " << axis << " twice";
    seen[axis] = true;
  }
  return success();
}

/// The attribute must have one value for each axis of `a`.
static LogicalResult verifyPerAxis(Operation *op, Value a, ArrayRef<int64_t> values, StringRef name) {
  if (static_cast<int64_t>(values.size()) != typeOf(a).getRank())
    return op->emitOpError() << "needs one " << name << " per axis";
  return success();
}

} // namespace tmetal::mlxir

#define GET_OP_CLASSES
#include "triton-metal/Dialect/MLX/IR/MLXOps.cpp.inc"

#include "triton-metal/Dialect/MLX/IR/MLXDialect.cpp.inc"
#include "triton-metal/Dialect/MLX/IR/MLXEnums.cpp.inc"

namespace tmetal::mlxir {

using Types = SmallVectorImpl<Type>;
using MaybeLocation = std::optional<Location>;

void MLXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "triton-metal/Dialect/MLX/IR/MLXOps.cpp.inc"
      >();
}

ArrayRef<StringRef> categoryNames() {
  static const StringRef names[] = {"views",   "assignments", "gathers", "scatters",  "stepped loops",
                                    "matmuls", "reductions",  "scans",   "constants", "element-wise"};
  return names;
}

StringRef categoryOf(OperationName name) {
  if (name.hasTrait<trait::View>())
    return "views";
  if (name.hasTrait<trait::Gathers>())
    return "gathers";
  if (name.hasTrait<trait::Reduces>())
    return "reductions";
  if (name.hasTrait<trait::Scans>())
    return "scans";
  if (name.hasTrait<trait::Creates>())
    return "constants";
  if (name.getTypeID() == TypeID::get<SliceUpdateOp>())
    return "assignments";
  if (name.getTypeID() == TypeID::get<ScatterOp>())
    return "scatters";
  if (name.getTypeID() == TypeID::get<WhileOp>())
    return "stepped loops";
  if (name.getTypeID() == TypeID::get<MatmulOp>())
    return "matmuls";
  return name.hasTrait<OpTrait::IsTerminator>() ? "" : "element-wise";
}

// ---- conversions ----

void AstypeOp::build(OpBuilder &builder, OperationState &state, Value a, Type elementType) {
  build(builder, state, arrayType(typeOf(a).getShape(), elementType), a);
}

void ViewOp::build(OpBuilder &builder, OperationState &state, Value a, Type elementType) {
  Shape shape = shapeOf(a);
  unsigned from = typeOf(a).getElementTypeBitWidth(), to = elementType.getIntOrFloatBitWidth();
  if (from != to)
    shape.back() = shape.back() * from / to;
  build(builder, state, arrayType(shape, elementType), a);
}

LogicalResult ViewOp::verify() {
  auto from = getA().getType(), to = getResult().getType();
  if (from.getRank() != to.getRank())
    return emitOpError("changes the number of axes");
  int64_t last = from.getRank() - 1;
  unsigned fromWidth = from.getElementTypeBitWidth(), toWidth = to.getElementTypeBitWidth();
  if (last < 0)
    return fromWidth == toWidth ? success() : emitOpError("changes the width of a single element");
  if (from.getShape().drop_back() != to.getShape().drop_back() ||
      from.getDimSize(last) * fromWidth != to.getDimSize(last) * toWidth)
    return emitOpError() << "cannot show the bits of " << from << " as " << to;
  return success();
}

// ---- creation ----

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  types.push_back(cast<RankedTensorType>(adaptor.getValue().getShapedType()));
  return success();
}

LogicalResult ArangeOp::verify() {
  if (llvm::count_if(getResult().getType().getShape(), [](int64_t extent) { return extent != 1; }) > 1)
    return emitOpError("varies along more than one axis");
  return success();
}

// ---- shape ----

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value a, ArrayRef<int64_t> shape) {
  build(builder, state, arrayType(shape, typeOf(a).getElementType()), a);
}

LogicalResult ReshapeOp::verify() {
  if (getA().getType().getNumElements() != getResult().getType().getNumElements())
    return emitOpError("changes the number of elements");
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getA().getType() == getResult().getType())
    return getA();
  if (auto inner = getA().getDefiningOp<ReshapeOp>()) {
    getOperation()->setOperand(0, inner.getA());
    return getResult();
  }
  return {};
}

void BroadcastToOp::build(OpBuilder &builder, OperationState &state, Value a, ArrayRef<int64_t> shape) {
  build(builder, state, arrayType(shape, typeOf(a).getElementType()), a);
}

LogicalResult BroadcastToOp::verify() { return verifyBroadcast(getOperation()); }

void AsStridedOp::build(OpBuilder &builder, OperationState &state, Value a, ArrayRef<int64_t> shape,
                        ArrayRef<int64_t> strides, int64_t offset) {
  build(builder, state, arrayType(shape, typeOf(a).getElementType()), a, strides, offset);
}

LogicalResult AsStridedOp::verify() {
  auto from = getA().getType(), to = getResult().getType();
  if (from.getRank() != 1)
    return emitOpError("needs a flat array");
  if (static_cast<int64_t>(getStrides().size()) != to.getRank())
    return emitOpError("needs one stride per axis");
  int64_t low = getOffset(), high = getOffset();
  for (auto [stride, extent] : llvm::zip(getStrides(), to.getShape())) {
    if (extent == 0)
      return success();
    int64_t reach, &end = stride < 0 ? low : high;
    if (llvm::MulOverflow(stride, extent - 1, reach) || llvm::AddOverflow(end, reach, end))
      return emitOpError("has strides that exceed 64 bits");
  }
  if (low < 0 || high >= from.getNumElements())
    return emitOpError() << "reads elements " << low << " to " << high << " of an array of "
                         << from.getNumElements();
  return success();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  auto from = typeOf(adaptor.getA());
  Shape shape;
  for (int64_t axis : adaptor.getAxes())
    shape.push_back(from.getDimSize(axis));
  types.push_back(arrayType(shape, from.getElementType()));
  return success();
}

LogicalResult TransposeOp::verify() {
  if (failed(verifyPerAxis(getOperation(), getA(), getAxes(), "axis number")))
    return failure();
  return verifyAxes(getOperation(), getA(), getAxes());
}

/// The stop of a slice as a position. With a negative stride, MLX counts a negative stop from the end.
static int64_t sliceStop(int64_t stop, int64_t stride, int64_t extent) {
  return stride < 0 && stop < 0 ? stop + extent : stop;
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  auto from = typeOf(adaptor.getA());
  Shape shape;
  for (auto [start, stop, stride, extent] :
       llvm::zip(adaptor.getStart(), adaptor.getStop(), adaptor.getStrides(), from.getShape())) {
    int64_t end = sliceStop(stop, stride, extent), step = std::abs(stride);
    int64_t span = stride > 0 ? end - start : start - end;
    shape.push_back((span + step - 1) / step);
  }
  types.push_back(arrayType(shape, from.getElementType()));
  return success();
}

LogicalResult SliceOp::verify() {
  Operation *op = getOperation();
  if (failed(verifyPerAxis(op, getA(), getStart(), "start")) ||
      failed(verifyPerAxis(op, getA(), getStop(), "stop")) ||
      failed(verifyPerAxis(op, getA(), getStrides(), "stride")))
    return failure();
  for (auto [i, extent] : llvm::enumerate(getA().getType().getShape())) {
    int64_t start = getStart()[i], stride = getStrides()[i], stop = sliceStop(getStop()[i], stride, extent);
    if (stride == 0)
      return emitOpError("has a stride of 0");
    bool inside = stride > 0 ? start >= 0 && start <= stop && stop <= extent
                             : stop >= -1 && stop <= start && start < extent;
    if (!inside)
      return emitOpError() << "leaves axis " << i << " of " << extent << " elements";
  }
  return success();
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  auto from = typeOf(adaptor.getA());
  Shape shape;
  for (auto [extent, low, high] : llvm::zip(from.getShape(), adaptor.getLow(), adaptor.getHigh()))
    shape.push_back(extent + low + high);
  types.push_back(arrayType(shape, from.getElementType()));
  return success();
}

LogicalResult PadOp::verify() {
  if (failed(verifyPerAxis(getOperation(), getA(), getLow(), "low padding")) ||
      failed(verifyPerAxis(getOperation(), getA(), getHigh(), "high padding")))
    return failure();
  auto negative = [](int64_t extent) { return extent < 0; };
  if (llvm::any_of(getLow(), negative) || llvm::any_of(getHigh(), negative))
    return emitOpError("pads by a negative number of elements");
  if (getValue().getType().getRank() != 0)
    return emitOpError("needs a single element to pad with");
  return success();
}

LogicalResult ConcatenateOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  Shape shape = shapeOf(adaptor.getArrays().front());
  int64_t axis = adaptor.getAxis();
  shape[axis] = 0;
  for (Value array : adaptor.getArrays())
    shape[axis] += typeOf(array).getDimSize(axis);
  types.push_back(arrayType(shape, typeOf(adaptor.getArrays().front()).getElementType()));
  return success();
}

LogicalResult ConcatenateOp::verify() {
  if (getArrays().empty())
    return emitOpError("needs an array");
  int64_t axis = getAxis();
  if (failed(verifyAxes(getOperation(), getArrays().front(), axis)))
    return failure();
  auto first = typeOf(getArrays().front());
  for (Value array : getArrays()) {
    auto type = typeOf(array);
    bool fits = type.getElementType() == first.getElementType() && type.getRank() == first.getRank();
    for (int64_t i = 0; fits && i < type.getRank(); ++i)
      fits = i == axis || type.getDimSize(i) == first.getDimSize(i);
    if (!fits)
      return emitOpError() << "cannot join " << type << " to " << first << " along axis " << axis;
  }
  return success();
}

LogicalResult SliceUpdateOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  types.push_back(adaptor.getA().getType());
  return success();
}

LogicalResult SliceUpdateOp::verify() {
  Operation *op = getOperation();
  if (failed(verifyPerAxis(op, getA(), getStart(), "start")) ||
      failed(verifyPerAxis(op, getA(), getStop(), "stop")))
    return failure();
  Shape shape;
  for (auto [i, extent] : llvm::enumerate(getA().getType().getShape())) {
    if (getStart()[i] < 0 || getStart()[i] > getStop()[i] || getStop()[i] > extent)
      return emitOpError() << "leaves axis " << i << " of " << extent << " elements";
    shape.push_back(getStop()[i] - getStart()[i]);
  }
  if (getUpdate().getType().getShape() != ArrayRef<int64_t>(shape))
    return emitOpError() << "replaces a part of another shape than " << getUpdate().getType();
  return success();
}

// ---- indexing ----

LogicalResult TakeOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  auto from = typeOf(adaptor.getA());
  int64_t axis = adaptor.getAxis();
  Shape shape(from.getShape().take_front(axis));
  llvm::append_range(shape, typeOf(adaptor.getIndices()).getShape());
  llvm::append_range(shape, from.getShape().drop_front(axis + 1));
  types.push_back(arrayType(shape, from.getElementType()));
  return success();
}

LogicalResult TakeOp::verify() { return verifyAxes(getOperation(), getA(), static_cast<int64_t>(getAxis())); }

LogicalResult TakeAlongAxisOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  types.push_back(
      arrayType(typeOf(adaptor.getIndices()).getShape(), typeOf(adaptor.getA()).getElementType()));
  return success();
}

LogicalResult TakeAlongAxisOp::verify() {
  auto from = getA().getType(), indices = getIndices().getType();
  int64_t axis = getAxis();
  if (failed(verifyAxes(getOperation(), getA(), axis)))
    return failure();
  bool fits = from.getRank() == indices.getRank();
  for (int64_t i = 0; fits && i < from.getRank(); ++i)
    fits = i == axis || from.getDimSize(i) == indices.getDimSize(i);
  if (!fits)
    return emitOpError() << "cannot index " << from << " by " << indices << " along axis " << axis;
  return success();
}

LogicalResult ScatterOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  types.push_back(adaptor.getA().getType());
  return success();
}

LogicalResult ScatterOp::verify() {
  if (getA().getType().getRank() != 1)
    return emitOpError("needs a flat array");
  if (getIndices().getType().getRank() != 1 ||
      getIndices().getType().getShape() != getUpdates().getType().getShape())
    return emitOpError("needs one index per update");
  auto number = dyn_cast<FloatType>(getA().getType().getElementType());
  if (getReduction() != ScatterReduction::None && number && number.getWidth() == 8)
    return emitOpError() << "cannot combine " << number << ", which MLX only moves";
  return success();
}

// ---- products ----

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, MaybeLocation, Adaptor adaptor, Types &types) {
  auto a = typeOf(adaptor.getA()), b = typeOf(adaptor.getB());
  Shape shape(a.getShape());
  shape.back() = b.getShape().back();
  types.push_back(arrayType(shape, a.getElementType()));
  return success();
}

LogicalResult MatmulOp::verify() {
  ArrayRef<int64_t> a = getA().getType().getShape(), b = getB().getType().getShape();
  if (a.size() < 2 || a.size() != b.size())
    return emitOpError("needs matrices, or batches of equal rank");
  if (a.drop_back(2) != b.drop_back(2))
    return emitOpError("has different batches");
  if (a.back() != b[b.size() - 2])
    return emitOpError() << "has an inner axis of " << a.back() << " on one side and " << b[b.size() - 2]
                         << " on the other";
  return success();
}

// ---- control ----

void WhileOp::build(OpBuilder &builder, OperationState &state, ValueRange inits) {
  OpBuilder::InsertionGuard guard(builder);
  state.addOperands(inits);
  state.addTypes(inits.getTypes());
  Block *body = builder.createBlock(state.addRegion());
  for (Value init : inits)
    body->addArgument(init.getType(), init.getLoc());
}

LogicalResult WhileOp::verify() {
  auto *yield = getBody().front().getTerminator();
  if (getInits().empty() || !cast<RankedTensorType>(getInits()[0].getType()).getElementType().isInteger(1))
    return emitOpError("needs a condition as its first carried array");
  if (getInits().getTypes() != getResults().getTypes() ||
      TypeRange(getBody().getArgumentTypes()) != TypeRange(getInits().getTypes()) ||
      yield->getOperandTypes() != getResults().getTypes())
    return emitOpError("must carry arrays of unchanging types");
  return success();
}

} // namespace tmetal::mlxir
