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

/// How a matrix product is computed. Fragments hold the matrices of a batch one below the other.
struct ProductPlan {
  std::optional<FragmentGrid> grid; // none: goes through the inner dimension one step at a time
  bool zeroAddend = false;
  bool accumulates = false; // adds to the fragments that keep its addend
  int64_t slices = 1;       // of the inner dimension, which pass through threadgroup memory one by one
};

/// Whether the block is all zeros, and none of them negative, which would change the sign of a sum.
bool isZeroBlock(mlir::Value value);

/// The type in which products are added up. A result in a narrower type is rounded once, at the end.
mlir::Type sumTypeOf(tt::DotOp dot);

/// The fragments for the product's result; none if it is too small, if the matrix unit lacks its types, or if
/// slices as thin as a fragment do not pass through `operandBytes` of threadgroup memory.
std::optional<FragmentGrid> fragmentGridOf(tt::DotOp dot, int simdgroups, int64_t operandBytes);

/// The operation that swaps rows and columns of an operand, or null.
tt::TransOp transpositionOf(mlir::Value operand);

/// The smallest power of two of slices that lets both operands pass through `operandBytes` of threadgroup
/// memory, or the largest possible number. A slice in fragments is at least as deep as one.
int64_t slicesOf(tt::DotOp dot, bool inFragments, int64_t operandBytes);

} // namespace tmetal
