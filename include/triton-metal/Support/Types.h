// SPDX-License-Identifier: MIT
// Common queries of types: whether it is a block, its shape and its elements.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Value.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tmetal {

/// A block has a shape. Everything else is a scalar, which is the same in all threads of a program.
inline bool isBlock(mlir::Type type) { return mlir::isa<mlir::RankedTensorType>(type); }
inline bool isBlock(mlir::Value value) { return isBlock(value.getType()); }

/// The element type of a block, or the type of a scalar itself.
inline mlir::Type elementOf(mlir::Value value) { return mlir::getElementTypeOrSelf(value.getType()); }

/// The extents of a block; empty for a scalar.
inline std::vector<int64_t> shapeOf(mlir::Value value) {
  auto type = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type ? type.getShape().vec() : std::vector<int64_t>();
}

/// The bytes of an element in memory. A type that is neither an integer nor a float is an address.
inline int64_t byteWidth(mlir::Type element) {
  return element.isIntOrFloat() ? std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8) : 8;
}

/// The bytes of an array in threadgroup memory, including the padding behind it.
inline int64_t threadgroupArrayBytes(int64_t count, mlir::Type element) {
  return llvm::alignTo(count * byteWidth(element), 16);
}

inline int64_t numElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// The strides of a row-major array along each dimension.
inline llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (int dim = int(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

} // namespace tmetal
