// SPDX-License-Identifier: MIT
// Verifiers: each operation must stand where it is allowed to, and must stay inside of the registers, arrays
// and matrices that it names.
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"
#include "triton-metal/Operations/CheckTypes.h"
#include "triton-metal/Support/Types.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tmetal::tm;

namespace tt = tmetal::tt;

// ---- attributes and types ----

LogicalResult LinearLayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> shape,
                                       ArrayRef<int64_t> registers, ArrayRef<int64_t> lanes,
                                       ArrayRef<int64_t> simdgroups) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent <= 0 || !llvm::isPowerOf2_64(extent))
      return emitError() << "extent " << extent << " is not a power of two";
    count *= extent;
  }
  if (lanes.size() != 5)
    return emitError() << "a SIMD group has 5 bits of lanes, not " << lanes.size();
  if (simdgroups.size() > 5)
    return emitError() << "a threadgroup has at most 5 bits of SIMD groups, not " << simdgroups.size();
  for (ArrayRef<int64_t> bases : {registers, lanes, simdgroups})
    for (int64_t base : bases)
      if (base < 0 || base >= count)
        return emitError() << "basis " << base << " lies outside of the block's " << count << " elements";
  return success();
}

/// What a variable, an array or a parameter may hold.
static bool isScalar(Type type) { return type.isIntOrFloat() || isa<tt::PointerType>(type); }

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError, Type element,
                               LinearLayoutAttr layout) {
  if (!isScalar(element))
    return emitError() << "a tile holds numbers or pointers, not " << element;
  // Gaussian elimination shows whether the bases span all bits of the element index.
  SmallVector<int64_t> reduced;
  for (ArrayRef<int64_t> bases : {layout.getRegisters(), layout.getLanes(), layout.getSimdgroups()})
    for (int64_t basis : bases) {
      for (int64_t other : reduced)
        basis = std::min(basis, basis ^ other);
      if (basis)
        reduced.push_back(basis);
    }
  if (int64_t(1) << reduced.size() != layout.getNumElements())
    return emitError() << "a tile holds every element of its block, but this layout reaches "
                       << (int64_t(1) << reduced.size()) << " of " << layout.getNumElements();
  return success();
}

LogicalResult SharedType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t count, Type element) {
  if (count <= 0)
    return emitError() << "an array has at least one element, not " << count;
  if (!isScalar(element))
    return emitError() << "an array holds numbers or pointers, not " << element;
  return success();
}

static bool isOperandOfProducts(Type type) { return type.isF16() || type.isBF16() || type.isF32(); }

LogicalResult FragmentsType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t rows,
                                    int64_t columns, Type element, int64_t simdgroupRows,
                                    int64_t simdgroupColumns) {
  if (!isOperandOfProducts(element))
    return emitError() << "fragments hold f16, bf16 or f32, not " << element;
  if (simdgroupRows <= 0 || simdgroupColumns <= 0 || rows <= 0 || columns <= 0 ||
      rows % (8 * simdgroupRows) || columns % (8 * simdgroupColumns))
    return emitError() << rows << " by " << columns << " is not made of 8x8 fragments for " << simdgroupRows
                       << " by " << simdgroupColumns << " SIMD groups";
  return success();
}

// ---- where an operation stands ----

namespace {
enum Place : unsigned { Uniform = 1, InRegion = 2, InSingle = 4 };
} // namespace

static KernelOp kernelOf(Operation *op) { return op->getParentOfType<KernelOp>(); }
static RegionOp regionOf(Operation *op) { return op->getParentOfType<RegionOp>(); }

/// `op` must stand in one of the places in `allowed`.
static LogicalResult standsIn(Operation *op, unsigned allowed) {
  Place place = Uniform;
  for (Operation *parent = op->getParentOp();; parent = parent->getParentOp()) {
    if (!parent)
      return op->emitOpError("belongs in a tm.kernel");
    if (isa<KernelOp>(parent))
      break;
    if (isa<RegionOp>(parent))
      place = InRegion;
    else if (isa<SingleOp>(parent))
      place = InSingle;
  }
  if (allowed & place)
    return success();
  switch (allowed) {
  case Uniform:
    return op->emitOpError(
        "is for all threads at once: it belongs in uniform code, not in a tm.region or tm.single");
  case InRegion:
    return op->emitOpError("is of each thread by itself: it belongs in a tm.region");
  case Uniform | InRegion:
    return op->emitOpError("does not belong in a tm.single");
  default:
    return op->emitOpError("would be done by every thread alike: it belongs in a tm.region or tm.single");
  }
}

/// The layout must have as many SIMD groups as the kernel.
static LogicalResult fitsKernel(Operation *op, LinearLayoutAttr layout) {
  KernelOp kernel = kernelOf(op);
  if (layout.getNumSimdgroups() != int64_t(kernel.getSimdgroups()))
    return op->emitOpError() << "has a layout over " << layout.getNumSimdgroups()
                             << " SIMD groups in a kernel of " << kernel.getSimdgroups();
  return success();
}

/// How widely a value is shared: 0 if each thread has its own, 1 for a SIMD group, 2 for all threads.
static unsigned sharingOf(LinearLayoutAttr layout) {
  return layout.isUniform() ? 2 : layout.isLaneUniform() ? 1 : 0;
}

/// `reg` must be a register of `layout`, as far as this is known: a constant, or the register of a region.
static LogicalResult isRegisterOf(Operation *op, Value reg, LinearLayoutAttr layout) {
  int64_t count = layout.getNumRegisters();
  llvm::APInt constant;
  if (matchPattern(reg, m_ConstantInt(&constant))) {
    if (constant.isNegative() || constant.sge(count))
      return op->emitOpError() << "names register " << constant.getSExtValue() << " of " << count;
  } else if (auto argument = dyn_cast<BlockArgument>(reg)) {
    if (auto region = dyn_cast<RegionOp>(argument.getOwner()->getParentOp());
        region && region.getLayout().getNumRegisters() > count)
      return op->emitOpError() << "is in a region of " << region.getLayout().getNumRegisters()
                               << " registers, but names one of " << count;
  }
  return success();
}

static LogicalResult isPosition(Operation *op, Value reg, LinearLayoutAttr layout) {
  if (failed(standsIn(op, InRegion)) || failed(fitsKernel(op, layout)))
    return failure();
  return isRegisterOf(op, reg, layout);
}

/// `index` must lie inside of the array, if it is a constant.
static LogicalResult isIndexOf(Operation *op, Value index, SharedType array) {
  llvm::APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)) &&
      (constant.isNegative() || constant.sge(array.getNumElements())))
    return op->emitOpError() << "names element " << constant.getSExtValue() << " of "
                             << array.getNumElements();
  return success();
}

/// `value` must have the type of what it is read from or written to.
static LogicalResult isOfType(Operation *op, Type type, Type wanted, const char *what) {
  if (type == wanted)
    return success();
  return op->emitOpError() << "has " << what << " of type " << type << " where " << wanted << " is kept";
}

// ---- the kernel ----

/// Operations of other dialects in the kernel must not be arithmetic on storage types, whose bytes the
/// printer would take for numbers. Those of this dialect move values, and their verifiers know the
/// exceptions.
static LogicalResult storageIsNotComputedWith(KernelOp kernel) {
  WalkResult walk = kernel.walk([&](Operation *op) -> WalkResult {
    if (op->getDialect() == kernel->getDialect())
      return WalkResult::advance();
    if (Type type = tmetal::storageTypeInArithmetic(op))
      return op->emitOpError() << "is arithmetic on " << type << ", of which a kernel only has the bytes";
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult KernelOp::verify() {
  int64_t groups = getSimdgroups();
  if (groups < 1 || groups > 32 || !llvm::isPowerOf2_64(groups))
    return emitOpError() << "has " << groups << " SIMD groups; 1, 2, 4, 8, 16 and 32 are possible";
  Block &body = getBody().front();
  if (getParameterNames().size() != body.getNumArguments())
    return emitOpError() << "has " << body.getNumArguments() << " parameters and "
                         << getParameterNames().size() << " names";
  for (Type type : body.getArgumentTypes())
    if (!isScalar(type))
      return emitOpError() << "takes numbers and pointers, not " << type;
  if (std::optional<uint64_t> bytes = getThreadgroupBytes(); bytes && int64_t(*bytes) < 0)
    return emitOpError() << "has " << int64_t(*bytes) << " bytes of threadgroup memory";
  if (auto groups = (*this)->getAttrOfType<DenseI64ArrayAttr>("aliasGroups"))
    if (groups.size() != int64_t(body.getNumArguments()))
      return emitOpError() << "has " << body.getNumArguments() << " parameters and " << groups.size()
                           << " alias groups";
  return storageIsNotComputedWith(*this);
}

LogicalResult RegionOp::verify() {
  if (failed(standsIn(*this, Uniform)) || failed(fitsKernel(*this, getLayout())))
    return failure();
  Block &body = getBody().front();
  if (body.getNumArguments() != 1 || !body.getArgument(0).getType().isInteger(32))
    return emitOpError("has one argument, the number of the register (i32)");
  return success();
}

LogicalResult SingleOp::verify() {
  if (getBody().front().getNumArguments() != 0)
    return emitOpError("has no arguments");
  return standsIn(*this, Uniform);
}

// ---- positions ----

LogicalResult CoordOp::verify() {
  int64_t dim = getDim(), rank = getLayout().getShape().size();
  if (dim < 0 || dim >= rank)
    return emitOpError() << "asks for dimension " << dim << " of " << rank;
  return isPosition(*this, getReg(), getLayout());
}
LogicalResult ElementOp::verify() { return isPosition(*this, getReg(), getLayout()); }
LogicalResult LaneOp::verify() { return standsIn(*this, InRegion); }
LogicalResult SimdgroupOp::verify() { return standsIn(*this, InRegion); }

// ---- tiles ----

LogicalResult TileOp::verify() {
  if (failed(standsIn(*this, Uniform)))
    return failure();
  return fitsKernel(*this, getType().getLayout());
}

LogicalResult GetOp::verify() {
  TileType tile = getTile().getType();
  if (failed(standsIn(*this, Uniform | InRegion)) ||
      failed(isOfType(*this, getResult().getType(), tile.getElementType(), "a result")))
    return failure();
  if (!regionOf(*this) && !tile.getLayout().isUniform())
    return emitOpError("in uniform code reads a tile that is not the same in all threads");
  return isRegisterOf(*this, getReg(), tile.getLayout());
}

LogicalResult PutOp::verify() {
  TileType tile = getTile().getType();
  if (failed(standsIn(*this, InRegion)) ||
      failed(isOfType(*this, getValue().getType(), tile.getElementType(), "a value")))
    return failure();
  // On a CPU the body runs only once for all lanes, or for all threads, if they share the value.
  if (sharingOf(regionOf(*this).getLayout()) > sharingOf(tile.getLayout()))
    return emitOpError("sets a tile that differs between threads, in a region that does not");
  return isRegisterOf(*this, getReg(), tile.getLayout());
}

// ---- device memory ----

/// `pointer` must point to `element`, and the offset must be an integer that counts elements.
static LogicalResult isAccess(Operation *op, Value pointer, Value offset, Type element, const char *what) {
  auto type = dyn_cast<tt::PointerType>(pointer.getType());
  if (!type)
    return op->emitOpError() << "needs a pointer, not " << pointer.getType();
  if (offset && !offset.getType().isInteger(32) && !offset.getType().isInteger(64))
    return op->emitOpError() << "has an offset of type " << offset.getType() << "; i32 and i64 are possible";
  return isOfType(op, element, type.getPointeeType(), what);
}

LogicalResult LoadOp::verify() {
  if (failed(standsIn(*this, Uniform | InRegion | InSingle)) ||
      failed(isAccess(*this, getPtr(), getOffset(), getResult().getType(), "a result")))
    return failure();
  if (getOther() && !getMask())
    return emitOpError("has a value for a false mask, but no mask");
  return getOther() ? isOfType(*this, getOther().getType(), getResult().getType(), "another value")
                    : success();
}

LogicalResult StoreOp::verify() {
  if (failed(standsIn(*this, InRegion | InSingle)))
    return failure();
  return isAccess(*this, getPtr(), getOffset(), getValue().getType(), "a value");
}

LogicalResult AtomicRMWOp::verify() {
  Type type = getValue().getType();
  if (failed(standsIn(*this, InRegion | InSingle)) ||
      failed(isAccess(*this, getPtr(), getOffset(), type, "a value")) ||
      failed(isOfType(*this, getResult().getType(), type, "a result")))
    return failure();
  bool isFloat = getKind() == tt::RMWOp::FADD;
  bool isNumber = isFloat ? isa<FloatType>(type) && !tmetal::isStorageType(type) : type.isInteger();
  if (getKind() != tt::RMWOp::XCHG && !isNumber)
    return emitOpError() << "'" << tt::stringifyRMWOp(getKind()) << "' is for "
                         << (isFloat ? "floats" : "integers") << ", not " << type;
  return success();
}

LogicalResult AtomicCASOp::verify() {
  Type type = getValue().getType();
  if (failed(standsIn(*this, InRegion | InSingle)) ||
      failed(isAccess(*this, getPtr(), getOffset(), type, "a value")) ||
      failed(isOfType(*this, getCompare().getType(), type, "a comparison")))
    return failure();
  return isOfType(*this, getResult().getType(), type, "a result");
}

LogicalResult AtomicLoadOp::verify() {
  if (failed(standsIn(*this, InRegion | InSingle)))
    return failure();
  return isAccess(*this, getPtr(), getOffset(), getResult().getType(), "a result");
}

LogicalResult AtomicStoreOp::verify() {
  if (failed(standsIn(*this, InRegion | InSingle)))
    return failure();
  return isAccess(*this, getPtr(), getOffset(), getValue().getType(), "a value");
}

LogicalResult DeadlineOp::verify() { return standsIn(*this, Uniform | InSingle); }

LogicalResult AtomicPollOp::verify() {
  if (failed(standsIn(*this, InRegion | InSingle)))
    return failure();
  if (getSem() != tt::MemSemantic::RELAXED && getSem() != tt::MemSemantic::ACQUIRE)
    return emitOpError() << "is relaxed or acquire, not " << tt::stringifyMemSemantic(getSem());
  return isAccess(*this, getPtr(), getOffset(), getExpected().getType(), "a value");
}

// ---- threadgroup memory ----

LogicalResult SharedOp::verify() {
  if (failed(standsIn(*this, Uniform)))
    return failure();
  std::optional<uint64_t> offset = getOffset();
  if (!offset)
    return success();
  SharedType type = getType();
  int64_t width = tmetal::byteWidth(type.getElementType()), begin = *offset,
          end = begin + type.getNumElements() * width;
  if (begin < 0 || begin % width)
    return emitOpError() << "lies at byte " << begin << ", where no " << type.getElementType()
                         << " can begin";
  if (auto bytes = kernelOf(*this).getThreadgroupBytes(); bytes && end > int64_t(*bytes))
    return emitOpError() << "ends at byte " << end << " of " << int64_t(*bytes)
                         << " bytes of threadgroup memory";
  return success();
}

LogicalResult SharedLoadOp::verify() {
  SharedType array = getArray().getType();
  if (failed(standsIn(*this, Uniform | InRegion | InSingle)) ||
      failed(isOfType(*this, getResult().getType(), array.getElementType(), "a result")))
    return failure();
  return isIndexOf(*this, getIndex(), array);
}

LogicalResult SharedStoreOp::verify() {
  SharedType array = getArray().getType();
  if (failed(standsIn(*this, InRegion | InSingle)) ||
      failed(isOfType(*this, getValue().getType(), array.getElementType(), "a value")))
    return failure();
  return isIndexOf(*this, getIndex(), array);
}

LogicalResult SharedAtomicAddOp::verify() {
  SharedType array = getArray().getType();
  if (failed(standsIn(*this, InRegion | InSingle)))
    return failure();
  if (!array.getElementType().isInteger(32))
    return emitOpError() << "adds to an array of i32, not of " << array.getElementType();
  return isIndexOf(*this, getIndex(), array);
}

// ---- across threads ----

LogicalResult BarrierOp::verify() { return standsIn(*this, Uniform); }

static LogicalResult isShuffle(Operation *op, Value source, Value result, int64_t distance,
                               const char *name) {
  if (failed(standsIn(op, Uniform)))
    return failure();
  if (distance < 1 || distance > 31)
    return op->emitOpError() << "has " << name << " " << distance << "; lanes differ by 1 to 31";
  if (source == result)
    return op->emitOpError("overwrites what it reads");
  auto type = cast<TileType>(source.getType());
  if (type != result.getType())
    return op->emitOpError() << "goes from " << type << " to another type";
  if (type.getLayout().isLaneUniform())
    return op->emitOpError("moves a tile that is the same in all lanes");
  return success();
}

LogicalResult ShuffleXorOp::verify() {
  return isShuffle(*this, getSource(), getResult(), getMask(), "a mask of");
}
LogicalResult ShuffleUpOp::verify() {
  return isShuffle(*this, getSource(), getResult(), getDelta(), "a delta of");
}

// ---- matrix fragments ----

LogicalResult FragmentsOp::verify() {
  if (failed(standsIn(*this, Uniform)))
    return failure();
  int64_t groups = getType().getSimdgroupRows() * getType().getSimdgroupColumns();
  if (groups > int64_t(kernelOf(*this).getSimdgroups()))
    return emitOpError() << "is spread over " << groups << " SIMD groups in a kernel of "
                         << kernelOf(*this).getSimdgroups();
  return success();
}

LogicalResult FragmentsFillOp::verify() {
  if (failed(standsIn(*this, Uniform)))
    return failure();
  return isOfType(*this, getValue().getType(), getMatrix().getType().getElementType(), "a value");
}

LogicalResult FragmentsCopyOp::verify() {
  if (failed(standsIn(*this, Uniform)))
    return failure();
  return isOfType(*this, getSource().getType(), getResult().getType(), "a source");
}

/// The array must have room for `rows` rows of `columns` elements, with `stride` elements from row to row.
static LogicalResult holdsRows(Operation *op, SharedType array, int64_t rows, int64_t columns,
                               int64_t stride) {
  if (stride < columns)
    return op->emitOpError() << "has rows of " << columns << " elements every " << stride;
  if (int64_t end = (rows - 1) * stride + columns; end > array.getNumElements())
    return op->emitOpError() << "ends at element " << end << " of an array of " << array.getNumElements();
  return success();
}

LogicalResult FragmentsStoreOp::verify() {
  FragmentsType matrix = getMatrix().getType();
  int64_t first = getFirstRow(), count = getNumRows();
  if (failed(standsIn(*this, Uniform)))
    return failure();
  if (first < 0 || count <= 0 || first % 8 || count % 8 || first + count > matrix.getRows())
    return emitOpError() << "names rows " << first << " to " << first + count << " of " << matrix.getRows()
                         << "; both are multiples of 8";
  if (failed(isOfType(*this, getArray().getType().getElementType(), matrix.getElementType(), "an array")))
    return failure();
  return holdsRows(*this, getArray().getType(), count, matrix.getColumns(), getStride());
}

LogicalResult MultiplyAccumulateOp::verify() {
  if (failed(standsIn(*this, Uniform)))
    return failure();
  FragmentsType matrix = getMatrix().getType();
  SharedType a = getA().getType(), b = getB().getType();
  int64_t depth = getDepth();
  if (depth <= 0 || depth % 8)
    return emitOpError() << "has a depth of " << depth << ", which is not made of 8x8 fragments";
  if (!isOperandOfProducts(a.getElementType()) || a.getElementType() != b.getElementType())
    return emitOpError() << "multiplies f16, bf16 or f32 of one type, not " << a.getElementType() << " and "
                         << b.getElementType();
  if (!matrix.getElementType().isF32() && matrix.getElementType() != a.getElementType())
    return emitOpError() << "adds products of " << a.getElementType() << " to " << matrix.getElementType();
  int64_t batches = getBatches(), rowsOfGroup = matrix.getRows() / matrix.getSimdgroupRows();
  if (batches <= 0 || matrix.getRows() % (8 * batches))
    return emitOpError() << "has " << batches << " batches in " << matrix.getRows() << " rows";
  int64_t rows = matrix.getRows() / batches;
  if (rows % rowsOfGroup && rowsOfGroup % rows)
    return emitOpError() << "has matrices of " << rows << " rows in rectangles of " << rowsOfGroup;
  auto operand = [&](SharedType array, int64_t rows, int64_t columns, int64_t stride, bool transposed) {
    return transposed ? holdsRows(*this, array, batches * columns, rows, stride)
                      : holdsRows(*this, array, batches * rows, columns, stride);
  };
  if (failed(operand(a, rows, depth, getStrideA(), getTransposeA())))
    return failure();
  return operand(b, depth, matrix.getColumns(), getStrideB(), getTransposeB());
}

// ---- messages ----

LogicalResult PrintOp::verify() {
  if (failed(standsIn(*this, InRegion | InSingle)))
    return failure();
  if (getIsSigned().size() != getValues().size())
    return emitOpError() << "has " << getValues().size() << " values and " << getIsSigned().size()
                         << " signs";
  if (!getCoordinates().empty() && !regionOf(*this))
    return emitOpError("has coordinates, but stands for no element of a block");
  return success();
}

LogicalResult AssertOp::verify() { return standsIn(*this, InRegion | InSingle); }
