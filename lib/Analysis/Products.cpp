// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/Products.h"

#include "triton-metal/Support/Types.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tmetal {

constexpr int64_t kFragment = 8; // rows and columns

bool isZeroBlock(Value value) {
  Attribute constant;
  if (auto splat = value.getDefiningOp<tt::SplatOp>())
    value = splat.getSrc();
  if (!matchPattern(value, m_Constant(&constant)))
    return false;
  if (auto elements = dyn_cast<SplatElementsAttr>(constant))
    constant = elements.getSplatValue<Attribute>();
  if (auto number = dyn_cast<FloatAttr>(constant))
    return number.getValue().isPosZero();
  if (auto number = dyn_cast<IntegerAttr>(constant))
    return number.getValue().isZero();
  return false;
}

Type sumTypeOf(tt::DotOp dot) {
  Type in = elementOf(dot.getA()), out = elementOf(dot.getD());
  if (isa<IntegerType>(out))
    return out;
  if (in.isF64() || out.isF64())
    return Float64Type::get(dot.getContext());
  return Float32Type::get(dot.getContext());
}

static int64_t operandBytesOf(tt::DotOp dot) {
  int64_t bytes = 0;
  for (Value operand : {dot.getA(), dot.getB()})
    bytes += numElements(shapeOf(operand)) * byteWidth(elementOf(operand));
  return bytes;
}

std::optional<FragmentGrid> fragmentGridOf(tt::DotOp dot, int simdgroups, int64_t operandBytes) {
  std::vector<int64_t> shape = shapeOf(dot.getD());
  Type in = elementOf(dot.getA());
  if (in != elementOf(dot.getB()) || !sumTypeOf(dot).isF32() || !(in.isF32() || in.isF16() || in.isBF16()))
    return std::nullopt;
  int64_t columns = shape.back(), rows = numElements(shape) / columns, depth = shapeOf(dot.getA()).back();
  if (shape[shape.size() - 2] < kFragment || columns < kFragment || depth < kFragment)
    return std::nullopt;
  if (operandBytesOf(dot) / (depth / kFragment) > operandBytes)
    return std::nullopt;
  // Splits the matrix into rectangles of whole fragments, as square as possible.
  FragmentGrid grid;
  for (int64_t groups = simdgroups; groups > 1; groups /= 2) {
    int64_t tallness = rows / grid.rows, width = columns / grid.columns;
    if (tallness >= width && tallness >= 2 * kFragment)
      grid.rows *= 2;
    else if (width >= 2 * kFragment)
      grid.columns *= 2;
    else if (tallness >= 2 * kFragment)
      grid.rows *= 2;
  }
  return grid;
}

tt::TransOp transpositionOf(Value operand) {
  auto trans = operand.getDefiningOp<tt::TransOp>();
  if (!trans)
    return nullptr;
  int32_t rank = trans.getOrder().size();
  SmallVector<int32_t> swapped = llvm::to_vector(llvm::seq<int32_t>(rank));
  std::swap(swapped[rank - 1], swapped[rank - 2]);
  return trans.getOrder() == ArrayRef<int32_t>(swapped) ? trans : nullptr;
}

int64_t slicesOf(tt::DotOp dot, bool inFragments, int64_t operandBytes) {
  int64_t bytes = operandBytesOf(dot);
  int64_t depth = shapeOf(dot.getA()).back(), slices = 1;
  while (bytes / slices > operandBytes && depth / slices > (inFragments ? kFragment : 1))
    slices *= 2;
  return slices;
}

} // namespace tmetal
