// SPDX-License-Identifier: MIT
// Matrix products on the matrix unit: 8x8 fragments, distributed over the SIMD groups.
#pragma once

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include <optional>

namespace tmetal {

/// How the SIMD groups share a matrix of 8x8 fragments: the number of rectangles along each dimension.
struct FragmentGrid {
  int64_t rows = 1, columns = 1;
  bool operator==(const FragmentGrid &other) const { return rows == other.rows && columns == other.columns; }
  bool operator!=(const FragmentGrid &other) const { return !(*this == other); }
};

/// How a matrix product is computed.
struct ProductPlan {
  std::optional<FragmentGrid> grid; // none: goes through the inner dimension one step at a time
  bool zeroAddend = false;
  bool accumulates = false; // adds to the fragments that keep its addend
  int64_t slices = 1;       // of the inner dimension, which pass through threadgroup memory one by one
};

/// Whether the block is all zeros, and none of them negative, which would change the sign of a sum.
bool isZeroBlock(mlir::Value value);

/// The fragments for the product's result; none if it is too small or the matrix unit lacks its types.
std::optional<FragmentGrid> fragmentGridOf(tt::DotOp dot, int simdgroups);

/// The smallest power of two of slices that lets both operands pass through `operandBytes` of threadgroup
/// memory, or the largest possible number. A slice is at least as deep as a fragment.
int64_t slicesOf(tt::DotOp dot, bool inFragments, int64_t operandBytes);

} // namespace tmetal
