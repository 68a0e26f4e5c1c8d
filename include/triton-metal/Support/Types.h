// SPDX-License-Identifier: MIT
// What is asked of types again and again: is it a block, of which shape, of which elements.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Value.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tmetal {

/// A block has a shape; everything else is a scalar, the same in all threads of a program.
inline bool isBlock(mlir::Type type) { return mlir::isa<mlir::RankedTensorType>(type); }
inline bool isBlock(mlir::Value value) { return isBlock(value.getType()); }

/// The element type of a block, or the type of a scalar itself.
inline mlir::Type elementOf(mlir::Value value) { return mlir::getElementTypeOrSelf(value.getType()); }

/// Extents of a block; none for a scalar.
inline std::vector<int64_t> shapeOf(mlir::Value value) {
  auto type = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type ? type.getShape().vec() : std::vector<int64_t>();
}

/// Bytes of one element in memory; what is neither integer nor float is an address.
inline int64_t byteWidth(mlir::Type element) {
  return element.isIntOrFloat() ? std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8) : 8;
}

/// Bytes of an array in threadgroup memory, with the padding behind it.
inline int64_t threadgroupArrayBytes(int64_t count, mlir::Type element) {
  return llvm::alignTo(count * byteWidth(element), 16);
}

inline int64_t numElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// Distances between neighbours along each dimension, row-major.
inline llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (int dim = int(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

} // namespace tmetal
