// SPDX-License-Identifier: MIT
// Verifiers, type inference, effects and builders.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;

namespace tmetal::tt {

static unsigned bitsOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return isa<PointerType>(element) ? 64 : element.getIntOrFloatBitWidth();
}

static LogicalResult inferenceError(std::optional<Location> loc, const Twine &message) {
  return emitOptionalError(loc, message);
}

// ---- elementwise ----

LogicalResult BitcastOp::verify() {
  unsigned from = bitsOf(getSrc().getType()), to = bitsOf(getType());
  if (from != to)
    return emitOpError() << "keeps the bits, but goes from " << from << " to " << to << " bits";
  return success();
}

LogicalResult FpToFpOp::verify() {
  bool narrows = bitsOf(getSrc().getType()) > bitsOf(getType());
  if (narrows && !getRounding())
    return emitOpError() << "narrows " << getSrc().getType() << " to " << getType()
                         << " and needs a rounding mode";
  return success();
}

// Operands and results of elementwise functions must be tensors of one shape, or all scalars.
static LogicalResult verifyOneShape(Operation *op) {
  std::optional<ArrayRef<int64_t>> shape;
  auto shapeOf = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor ? tensor.getShape() : ArrayRef<int64_t>();
  };
  auto check = [&](Type type) {
    if (!shape)
      shape = shapeOf(type);
    return *shape == shapeOf(type);
  };
  if (!llvm::all_of(op->getOperandTypes(), check) || !llvm::all_of(op->getResultTypes(), check))
    return op->emitOpError() << "needs operands and results of one shape";
  return success();
}

LogicalResult ExternElementwiseOp::verify() { return verifyOneShape(*this); }

LogicalResult ElementwiseInlineAsmOp::verify() {
  if (failed(verifyOneShape(*this)))
    return failure();
  int64_t pack = getPackedElementAttr().getInt();
  if (pack < 1)
    return emitOpError() << "packs " << pack << " elements at a time";
  if (auto tensor = dyn_cast<RankedTensorType>(getResultTypes().empty() ? Type() : getResultTypes()[0]))
    if (tensor.getNumElements() % pack != 0)
      return emitOpError() << "packs " << pack << " elements at a time, which does not divide " << tensor;
  return success();
}

template <typename OpT>
static void opaqueCodeEffects(OpT op,
                              SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (op.getPure())
    return;
  effects.emplace_back(MemoryEffects::Read::get());
  effects.emplace_back(MemoryEffects::Write::get());
}

void ExternElementwiseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  opaqueCodeEffects(*this, effects);
}
void ElementwiseInlineAsmOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  opaqueCodeEffects(*this, effects);
}
Speculation::Speculatability ExternElementwiseOp::getSpeculatability() {
  return getPure() ? Speculation::Speculatable : Speculation::NotSpeculatable;
}
Speculation::Speculatability ElementwiseInlineAsmOp::getSpeculatability() {
  return getPure() ? Speculation::Speculatable : Speculation::NotSpeculatable;
}

LogicalResult MapElementwiseOp::verify() {
  if (getSrcs().empty())
    return emitOpError() << "needs an operand";
  int64_t pack = getPackAttr().getInt();
  int64_t elements = cast<RankedTensorType>(getSrcs()[0].getType()).getNumElements();
  if (pack < 1 || elements % pack != 0)
    return emitOpError() << "takes " << pack << " of " << elements << " elements at a time";
  return success();
}

LogicalResult MapElementwiseOp::verifyRegions() {
  auto repeated = [&](TypeRange tensors) {
    SmallVector<Type> types;
    for (Type tensor : tensors)
      types.append(getPack(), getElementTypeOrSelf(tensor));
    return types;
  };
  if (TypeRange(getScalarOp().getArgumentTypes()) != TypeRange(repeated(getOperandTypes())))
    return emitOpError() << "has a region whose arguments are not 'pack' elements of each operand";
  SmallVector<Type> returned = repeated(getResultTypes());
  for (Block &block : getScalarOp())
    if (auto end = dyn_cast<MapElementwiseReturnOp>(block.getTerminator()))
      if (TypeRange(end.getOperandTypes()) != TypeRange(returned))
        return end.emitOpError() << "does not return 'pack' elements of each result";
  return success();
}

// ---- ranges and shapes ----

LogicalResult MakeRangeOp::verify() {
  int64_t start = getStartAttr().getInt(), end = getEndAttr().getInt();
  auto type = getType();
  if (type.getRank() != 1)
    return emitOpError() << "gives a tensor of rank 1, not " << type;
  if (start >= end)
    return emitOpError() << "needs a start below the end, but has " << start << " and " << end;
  if (end - start != type.getDimSize(0))
    return emitOpError() << "counts " << end - start << " values, but " << type << " holds "
                         << type.getDimSize(0);
  return success();
}

LogicalResult SplatOp::verify() {
  auto tensor = dyn_cast<RankedTensorType>(getSrc().getType());
  if (tensor && tensor.getNumElements() != 1)
    return emitOpError() << "takes one value, not " << tensor;
  return success();
}

LogicalResult UnsplatOp::verify() {
  if (getSrc().getType().getNumElements() != 1)
    return emitOpError() << "takes a tensor of one element, not " << getSrc().getType();
  return success();
}

LogicalResult UnsplatOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(getElementTypeOrSelf(adaptor.getSrc().getType()));
  return success();
}

LogicalResult ExpandDimsOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto src = cast<RankedTensorType>(adaptor.getSrc().getType());
  int64_t axis = adaptor.getAxisAttr().getInt();
  if (axis < 0 || axis > src.getRank())
    return inferenceError(loc, "axis " + Twine(axis) + " is outside of the " + Twine(src.getRank()) +
                                   " dimensions");
  SmallVector<int64_t> shape(src.getShape());
  shape.insert(shape.begin() + axis, 1);
  types.push_back(RankedTensorType::get(shape, src.getElementType()));
  return success();
}

LogicalResult ReshapeOp::verify() {
  if (getSrc().getType().getNumElements() != getType().getNumElements())
    return emitOpError() << "keeps the number of elements, but goes from " << getSrc().getType() << " to "
                         << getType();
  return success();
}

LogicalResult BroadcastOp::verify() {
  auto src = getSrc().getType(), dst = getType();
  if (src.getRank() != dst.getRank())
    return emitOpError() << "keeps the rank, but goes from " << src << " to " << dst;
  for (auto [axis, from, to] : llvm::enumerate(src.getShape(), dst.getShape()))
    if (from != to && from != 1)
      return emitOpError() << "repeats dimensions of size 1, but dimension " << axis << " goes from " << from
                           << " to " << to;
  return success();
}

LogicalResult CatOp::verify() {
  if (getType().getNumElements() != 2 * getLhs().getType().getNumElements())
    return emitOpError() << "gives as many elements as both operands have, not " << getType();
  return success();
}

LogicalResult JoinOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto src = cast<RankedTensorType>(adaptor.getLhs().getType());
  SmallVector<int64_t> shape(src.getShape());
  shape.push_back(2);
  types.push_back(RankedTensorType::get(shape, src.getElementType()));
  return success();
}

LogicalResult SplitOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto src = cast<RankedTensorType>(adaptor.getSrc().getType());
  if (src.getRank() < 1 || src.getShape().back() != 2)
    return inferenceError(loc, "the last dimension of a tensor to split has size 2");
  auto half = RankedTensorType::get(src.getShape().drop_back(), src.getElementType());
  types.append(2, half);
  return success();
}

LogicalResult TransOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto src = cast<RankedTensorType>(adaptor.getSrc().getType());
  ArrayRef<int32_t> order = adaptor.getOrder();
  SmallVector<int32_t> sorted(order);
  llvm::sort(sorted);
  if (static_cast<int64_t>(order.size()) != src.getRank() ||
      sorted != llvm::to_vector(llvm::seq<int32_t>(order.size())))
    return inferenceError(loc, "'order' is not a permutation of the dimensions");
  SmallVector<int64_t> shape;
  for (int32_t axis : order)
    shape.push_back(src.getDimSize(axis));
  types.push_back(RankedTensorType::get(shape, src.getElementType()));
  return success();
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  types.push_back(
      withElementType(adaptor.getIndices().getType(), getElementTypeOrSelf(adaptor.getSrc().getType())));
  return success();
}

LogicalResult GatherOp::verify() {
  auto src = getSrc().getType(), indices = getIndices().getType();
  int64_t axis = getAxisAttr().getInt();
  if (src.getRank() != indices.getRank())
    return emitOpError() << "needs source and indices of one rank, but has " << src << " and " << indices;
  if (axis < 0 || axis >= src.getRank())
    return emitOpError() << "has axis " << axis << " outside of the " << src.getRank() << " dimensions";
  for (int64_t dim = 0; dim < src.getRank(); ++dim)
    if (dim != axis && src.getDimSize(dim) != indices.getDimSize(dim))
      return emitOpError() << "needs equal sizes along dimension " << dim << ", but has "
                           << src.getDimSize(dim) << " and " << indices.getDimSize(dim);
  return success();
}

LogicalResult HistogramOp::verify() {
  if (getSrc().getType().getRank() != 1 || getType().getRank() != 1)
    return emitOpError() << "counts a tensor of rank 1 into a tensor of rank 1";
  return success();
}

// ---- reductions ----

template <typename OpT> static LogicalResult verifyAlongAxis(OpT op) {
  if (op.getSrcs().empty())
    return op.emitOpError() << "needs an operand";
  auto first = cast<RankedTensorType>(op.getSrcs()[0].getType());
  for (Type type : op.getSrcs().getTypes())
    if (cast<RankedTensorType>(type).getShape() != first.getShape())
      return op.emitOpError() << "needs operands of one shape, but has " << first << " and " << type;
  int64_t axis = op.getAxisAttr().getInt();
  if (axis < 0 || axis >= first.getRank())
    return op.emitOpError() << "has axis " << axis << " outside of the " << first.getRank() << " dimensions";
  return success();
}

template <typename ReturnT, typename OpT> static LogicalResult verifyCombiner(OpT op) {
  SmallVector<Type> elements;
  for (Type type : op.getSrcs().getTypes())
    elements.push_back(getElementTypeOrSelf(type));
  SmallVector<Type> arguments(elements);
  arguments.append(elements);
  Block &block = op.getCombineOp().front();
  if (TypeRange(block.getArgumentTypes()) != TypeRange(arguments))
    return op.emitOpError() << "has a region that does not take two elements of each operand";
  auto end = dyn_cast<ReturnT>(block.getTerminator());
  if (!end)
    return op.emitOpError() << "has a region that does not end in '" << ReturnT::getOperationName() << "'";
  if (TypeRange(end.getOperandTypes()) != TypeRange(elements))
    return end.emitOpError() << "does not return one element of each operand";
  return success();
}

template <typename OpT> static Operation *singleCombiner(OpT op) {
  Block &block = op.getCombineOp().front();
  if (block.getOperations().size() != 2)
    return nullptr;
  Operation *combiner = &block.front();
  Operation *end = block.getTerminator();
  bool plain = combiner->getNumOperands() == 2 && combiner->getNumResults() == 1 &&
               end->getNumOperands() == 1 && end->getOperand(0) == combiner->getResult(0) &&
               block.getNumArguments() == 2 &&
               llvm::all_of(combiner->getOperands(),
                            [&](Value value) { return llvm::is_contained(block.getArguments(), value); }) &&
               combiner->getOperand(0) != combiner->getOperand(1);
  return plain ? combiner : nullptr;
}

void ReduceOp::build(OpBuilder &builder, OperationState &state, ValueRange srcs, int axis) {
  SmallVector<Type> types;
  for (Value src : srcs) {
    auto type = cast<RankedTensorType>(src.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + axis);
    types.push_back(shape.empty() ? type.getElementType()
                                  : RankedTensorType::get(shape, type.getElementType()));
  }
  build(builder, state, types, srcs, static_cast<uint32_t>(axis));
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  int64_t axis = adaptor.getAxisAttr().getInt();
  for (Type srcType : adaptor.getSrcs().getTypes()) {
    auto type = cast<RankedTensorType>(srcType);
    if (axis < 0 || axis >= type.getRank())
      return inferenceError(loc, "axis " + Twine(axis) + " is outside of the " + Twine(type.getRank()) +
                                     " dimensions");
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + axis);
    types.push_back(shape.empty() ? type.getElementType()
                                  : RankedTensorType::get(shape, type.getElementType()));
  }
  return success();
}

LogicalResult ReduceOp::verify() { return verifyAlongAxis(*this); }
LogicalResult ReduceOp::verifyRegions() { return verifyCombiner<ReduceReturnOp>(*this); }
Operation *ReduceOp::getSingleCombiner() { return singleCombiner(*this); }

void ScanOp::build(OpBuilder &builder, OperationState &state, ValueRange srcs, int axis, bool reverse) {
  build(builder, state, srcs.getTypes(), srcs, static_cast<uint32_t>(axis), reverse);
}

LogicalResult ScanOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  llvm::append_range(types, adaptor.getSrcs().getTypes());
  return success();
}

LogicalResult ScanOp::verify() { return verifyAlongAxis(*this); }
LogicalResult ScanOp::verifyRegions() { return verifyCombiner<ScanReturnOp>(*this); }
Operation *ScanOp::getSingleCombiner() { return singleCombiner(*this); }

// ---- matrix products ----

LogicalResult DotOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType()), b = cast<RankedTensorType>(getB().getType());
  auto c = cast<RankedTensorType>(getC().getType());
  int64_t rank = a.getRank();
  if ((rank != 2 && rank != 3) || b.getRank() != rank || c.getRank() != rank)
    return emitOpError() << "multiplies matrices or batches of matrices, not " << a << " and " << b
                         << " into " << c;
  if (rank == 3 && (a.getDimSize(0) != b.getDimSize(0) || a.getDimSize(0) != c.getDimSize(0)))
    return emitOpError() << "needs batches of one size, but has " << a << ", " << b << " and " << c;
  if (a.getDimSize(rank - 1) != b.getDimSize(rank - 2))
    return emitOpError() << "has inner dimensions " << a.getDimSize(rank - 1) << " and "
                         << b.getDimSize(rank - 2);
  if (a.getDimSize(rank - 2) != c.getDimSize(rank - 2) || b.getDimSize(rank - 1) != c.getDimSize(rank - 1))
    return emitOpError() << "does not fit its accumulator " << c;
  Type elementA = a.getElementType(), elementB = b.getElementType();
  if (isa<IntegerType>(elementA) != isa<IntegerType>(elementB) || bitsOf(elementA) != bitsOf(elementB))
    return emitOpError() << "needs operands of one kind and width, but has " << elementA << " and "
                         << elementB;
  if (isa<IntegerType>(elementA) != isa<IntegerType>(c.getElementType()))
    return emitOpError() << "cannot add products of " << elementA << " to " << c.getElementType();
  if (isa<FloatType>(c.getElementType()) && bitsOf(c.getElementType()) == 8)
    return emitOpError() << "cannot add in " << c.getElementType() << ", which is a storage format";
  return success();
}

/// Checks the element type of an operand against its format, and how it is packed.
static LogicalResult checkScaledOperand(DotScaledOp op, RankedTensorType type, ScaleDotElemType format,
                                        bool packedAlongInner) {
  Type element = type.getElementType();
  bool isByte = element.isInteger(8), fits = isByte; // 8-bit floats and narrower ones may come as bytes
  if (format == ScaleDotElemType::E4M3)
    fits = isByte || isa<Float8E4M3FNType>(element);
  else if (format == ScaleDotElemType::E5M2)
    fits = isByte || isa<Float8E5M2Type>(element);
  else if (format == ScaleDotElemType::BF16)
    fits = element.isBF16();
  else if (format == ScaleDotElemType::FP16)
    fits = element.isF16();
  StringRef name = stringifyScaleDotElemType(format);
  if (!fits)
    return op.emitOpError() << "cannot take " << type << " for " << name;
  if (!packedAlongInner && format != ScaleDotElemType::E2M1)
    return op.emitOpError() << "packs only e2m1 along another dimension than the inner one, not " << name;
  return success();
}

LogicalResult DotScaledOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType()), b = cast<RankedTensorType>(getB().getType());
  auto c = cast<RankedTensorType>(getC().getType());
  int64_t rank = a.getRank();
  if ((rank != 2 && rank != 3) || b.getRank() != rank || c.getRank() != rank)
    return emitOpError() << "multiplies matrices or batches of matrices, not " << a << " and " << b
                         << " into " << c;
  if (rank == 3 && (a.getDimSize(0) != b.getDimSize(0) || a.getDimSize(0) != c.getDimSize(0)))
    return emitOpError() << "needs batches of one size, but has " << a << ", " << b << " and " << c;
  if (failed(checkScaledOperand(*this, a, getAElemType(), getLhsKPack())) ||
      failed(checkScaledOperand(*this, b, getBElemType(), getRhsKPack())))
    return failure();
  // Two elements of e2m1 share a byte, either along the inner or along the outer dimension.
  auto factor = [](ScaleDotElemType type) { return type == ScaleDotElemType::E2M1 ? 2 : 1; };
  int64_t packA = factor(getAElemType()), packB = factor(getBElemType());
  int64_t innerA = a.getDimSize(rank - 1) * (getLhsKPack() ? packA : 1);
  int64_t innerB = b.getDimSize(rank - 2) * (getRhsKPack() ? packB : 1);
  int64_t rows = a.getDimSize(rank - 2) * (getLhsKPack() ? 1 : packA);
  int64_t columns = b.getDimSize(rank - 1) * (getRhsKPack() ? 1 : packB);
  if (innerA != innerB)
    return emitOpError() << "has inner dimensions " << innerA << " and " << innerB;
  if (rows != c.getDimSize(rank - 2) || columns != c.getDimSize(rank - 1))
    return emitOpError() << "does not fit its accumulator " << c;
  int64_t groupOfBoth = 0;
  auto checkScale = [&](Value scale, int64_t outer, StringRef name) -> LogicalResult {
    if (!scale)
      return success();
    auto type = cast<RankedTensorType>(scale.getType());
    if (type.getRank() != rank || type.getDimSize(rank - 2) != outer ||
        (rank == 3 && type.getDimSize(0) != c.getDimSize(0)))
      return emitOpError() << "has " << type << " as scales of " << name << " with " << outer << " rows";
    int64_t group = innerA / std::max<int64_t>(type.getDimSize(rank - 1), 1);
    if (type.getDimSize(rank - 1) * group != innerA || (group != 16 && group != 32))
      return emitOpError() << "needs a scale per 16 or 32 elements of " << name << ", but has " << type
                           << " for " << innerA;
    if (groupOfBoth && group != groupOfBoth)
      return emitOpError() << "has a scale per " << groupOfBoth << " elements of the left operand, but per "
                           << group << " of the right one";
    groupOfBoth = group;
    return success();
  };
  if (failed(checkScale(getAScale(), rows, "the left operand")))
    return failure();
  return checkScale(getBScale(), columns, "the right operand");
}

// ---- memory ----

void LoadOp::build(OpBuilder &builder, OperationState &state, Value ptr, Value mask, Value other,
                   CachePolicyAttr cachePolicy, bool isVolatile) {
  build(builder, state, pointeeTypeFor(ptr.getType()), ptr, mask, other, cachePolicy, isVolatile);
}

void LoadOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getPtrMutable());
  if (getIsVolatile())
    effects.emplace_back(MemoryEffects::Write::get(), &getPtrMutable());
}

LogicalResult AtomicPollOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(maskTypeFor(adaptor.getExpected().getType()));
  return success();
}

LogicalResult AtomicPollOp::verify() {
  if (getSem() != MemSemantic::RELAXED && getSem() != MemSemantic::ACQUIRE)
    return emitOpError() << "is relaxed or acquire, not " << stringifyMemSemantic(getSem());
  if (pointeeTypeFor(getPtr().getType()) != getExpected().getType())
    return emitOpError() << "compares " << getPtr().getType() << " with " << getExpected().getType();
  return success();
}

LogicalResult AtomicRMWOp::verify() {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(getVal().getType()));
  switch (getAtomicRmwOp()) {
  case RMWOp::FADD:
    if (!isFloat)
      return emitOpError() << "'fadd' adds floats, not " << getVal().getType();
    break;
  case RMWOp::XCHG:
    break;
  default:
    if (isFloat)
      return emitOpError() << "'" << stringifyRMWOp(getAtomicRmwOp()) << "' works on integers, not on "
                           << getVal().getType();
  }
  return success();
}

// ---- descriptors ----

LogicalResult MakeTensorDescOp::verify() {
  size_t rank = getType().getShape().size();
  if (getShape().size() != rank || getStrides().size() != rank)
    return emitOpError() << "has blocks of rank " << rank << ", but " << getShape().size() << " sizes and "
                         << getStrides().size() << " strides";
  if (rank < 1 || rank > 5)
    return emitOpError() << "describes tensors of rank 1 to 5, not " << rank;
  if (getBase().getType().getPointeeType() != getType().getSignlessElementType())
    return emitOpError() << "has elements of type " << getType().getElementType() << " at "
                         << getBase().getType();
  if (getPadding() == PaddingOption::PAD_NAN && !isa<FloatType>(getType().getElementType()))
    return emitOpError() << "pads " << getType().getElementType() << " with NaN";
  return success();
}

// The block must have the elements of the descriptor's blocks in the same order; loads and stores may drop or
// add dimensions of size 1.
static LogicalResult verifyBlockAccess(Operation *op, TensorDescType desc, RankedTensorType block,
                                       size_t indices) {
  if (desc.getSignlessElementType() != block.getElementType())
    return op->emitOpError() << "moves " << block << " through " << desc;
  if (desc.getBlockType().getNumElements() != block.getNumElements())
    return op->emitOpError() << "moves " << block.getNumElements() << " elements through blocks of "
                             << desc.getBlockType().getNumElements();
  if (indices != desc.getShape().size())
    return op->emitOpError() << "has " << indices << " indices into blocks of rank "
                             << desc.getShape().size();
  return success();
}

LogicalResult DescriptorLoadOp::verify() {
  return verifyBlockAccess(*this, getDesc().getType(), cast<RankedTensorType>(getType()),
                           getIndices().size());
}
LogicalResult DescriptorStoreOp::verify() {
  return verifyBlockAccess(*this, getDesc().getType(), cast<RankedTensorType>(getSrc().getType()),
                           getIndices().size());
}
LogicalResult DescriptorReduceOp::verify() {
  return verifyBlockAccess(*this, getDesc().getType(), cast<RankedTensorType>(getSrc().getType()),
                           getIndices().size());
}

static LogicalResult verifyRowAccess(Operation *op, TensorDescType desc, RankedTensorType rows,
                                     RankedTensorType offsets) {
  ArrayRef<int64_t> block = desc.getShape();
  if (block.size() != 2 || block[0] != 1)
    return op->emitOpError() << "needs blocks of one row, not " << desc;
  if (offsets.getRank() != 1 || rows.getRank() != 2 || rows.getDimSize(0) != offsets.getDimSize(0))
    return op->emitOpError() << "moves one row per offset, but has " << rows << " and " << offsets;
  if (rows.getDimSize(1) != block[1])
    return op->emitOpError() << "moves rows of " << rows.getDimSize(1) << " elements through " << desc;
  if (rows.getElementType() != desc.getSignlessElementType())
    return op->emitOpError() << "moves " << rows << " through " << desc;
  return success();
}

LogicalResult DescriptorGatherOp::verify() {
  return verifyRowAccess(*this, getDesc().getType(), cast<RankedTensorType>(getType()),
                         getXOffsets().getType());
}
LogicalResult DescriptorScatterOp::verify() {
  return verifyRowAccess(*this, getDesc().getType(), cast<RankedTensorType>(getSrc().getType()),
                         getXOffsets().getType());
}

// ---- control ----

LogicalResult PrintOp::verify() {
  if (getArgs().size() != getIsSigned().size())
    return emitOpError() << "has " << getArgs().size() << " values, but " << getIsSigned().size() << " signs";
  return success();
}

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name, FunctionType type,
                   ArrayRef<NamedAttribute> attrs, ArrayRef<DictionaryAttr> argAttrs) {
  state.addAttribute(SymbolTable::getSymbolAttrName(), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.attributes.append(attrs.begin(), attrs.end());
  state.addRegion();
  if (argAttrs.empty())
    return;
  call_interface_impl::addArgAndResultAttrs(builder, state, argAttrs, /*resultAttrs=*/{},
                                            getArgAttrsAttrName(state.name), getResAttrsAttrName(state.name));
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto makeType = [](Builder &builder, ArrayRef<Type> arguments, ArrayRef<Type> results,
                     function_interface_impl::VariadicFlag,
                     std::string &) { return builder.getFunctionType(arguments, results); };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name), makeType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
                                           getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "calls '" << getCallee() << "', which is no function of this module";
  if (TypeRange(callee.getArgumentTypes()) != TypeRange(getOperandTypes()))
    return emitOpError() << "does not pass what '" << getCallee() << "' takes: " << callee.getFunctionType();
  if (TypeRange(callee.getResultTypes()) != TypeRange(getResultTypes()))
    return emitOpError() << "does not receive what '" << getCallee()
                         << "' returns: " << callee.getFunctionType();
  return success();
}

LogicalResult ReturnOp::verify() {
  auto function = cast<FuncOp>((*this)->getParentOp());
  if (TypeRange(getOperandTypes()) != TypeRange(function.getResultTypes()))
    return emitOpError() << "does not return what '" << function.getName()
                         << "' declares: " << function.getFunctionType();
  return success();
}

} // namespace tmetal::tt

#define GET_OP_CLASSES
#include "triton-metal/Dialect/Triton/IR/TritonOps.cpp.inc"
