// SPDX-License-Identifier: MIT
// Matrix products as the matrix unit sees them: 8x8 fragments that the SIMD groups share.
#pragma once

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include <optional>

namespace tmetal {

/// How the SIMD groups share a matrix in 8x8 fragments: so many rectangles along each dimension.
struct FragmentGrid {
  int64_t rows = 1, columns = 1;
  bool operator==(const FragmentGrid &other) const { return rows == other.rows && columns == other.columns; }
  bool operator!=(const FragmentGrid &other) const { return !(*this == other); }
};

/// How a matrix product is computed.
struct ProductPlan {
  std::optional<FragmentGrid> grid; // none: one step of the inner dimension at a time
  bool zeroAddend = false;
  bool accumulates = false; // adds to the fragments that its addend is kept in
  int64_t slices = 1;       // of the inner dimension, which pass through threadgroup memory one by one
};

/// A block of zeros (not of negative zeros, which would change the sign of a sum).
bool isZeroBlock(mlir::Value value);

/// The fragments of the product's result; none if the matrix unit does not have its types or it is too small.
std::optional<FragmentGrid> fragmentGridOf(tt::DotOp dot, int simdgroups);

/// The least power of two of slices that let both operands pass through `operandBytes` of threadgroup memory,
/// or as many as there can be. A slice is at least as deep as a fragment.
int64_t slicesOf(tt::DotOp dot, bool inFragments, int64_t operandBytes);

} // namespace tmetal
