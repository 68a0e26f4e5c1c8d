// SPDX-License-Identifier: MIT
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/MathExtras.h"

namespace tmetal {

/// A dimension of a block, as a range of bits of the row-major index.
struct AxisBits {
  int shift = 0, count = 0;
  AxisBits(llvm::ArrayRef<int64_t> shape, int axis) {
    for (int64_t extent : shape.drop_front(axis + 1))
      shift += llvm::Log2_64(extent);
    count = llvm::Log2_64(shape[axis]);
  }
  int64_t mask() const { return ((int64_t(1) << count) - 1) << shift; }
  bool holds(int64_t basis) const { return basis & mask(); }
  /// Removes the dimension from the index of an element.
  int64_t without(int64_t element) const {
    return (element & ((int64_t(1) << shift) - 1)) | (element >> (shift + count) << shift);
  }
};

} // namespace tmetal
