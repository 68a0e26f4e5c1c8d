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

std::optional<FragmentGrid> fragmentGridOf(tt::DotOp dot, int simdgroups) {
  std::vector<int64_t> a = shapeOf(dot.getA()), b = shapeOf(dot.getB());
  Type in = elementOf(dot.getA()), out = elementOf(dot.getD());
  if (a.size() != 2 || in != elementOf(dot.getB()) || !out.isF32() ||
      !(in.isF32() || in.isF16() || in.isBF16()))
    return std::nullopt;
  int64_t rows = a[0], columns = b[1], depth = a[1];
  if (rows < kFragment || columns < kFragment || depth < kFragment)
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

int64_t slicesOf(tt::DotOp dot, bool inFragments, int64_t operandBytes) {
  int64_t bytes = 0;
  for (Value operand : {dot.getA(), dot.getB()})
    bytes += numElements(shapeOf(operand)) * byteWidth(elementOf(operand));
  int64_t depth = shapeOf(dot.getA()).back(), slices = 1;
  while (bytes / slices > operandBytes && depth / slices > (inFragments ? kFragment : 1))
    slices *= 2;
  return slices;
}

} // namespace tmetal
