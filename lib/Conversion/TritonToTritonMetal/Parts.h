// SPDX-License-Identifier: MIT
// Passes what is too large for threadgroup memory through it in parts.
#pragma once

#include "Distribution.h"

namespace tmetal {

/// Consecutive elements, by their row-major index. A loop has a trip for each part.
struct Part {
  int64_t size; // a power of two
  mlir::Value trip;

  /// The place of an element in its part, and whether it is in the part of this trip.
  std::pair<mlir::Value, mlir::Value> locate(mlir::ImplicitLocOpBuilder &b, mlir::Value index) const;
};

/// Whether `count` elements of `bytes` each pass at once.
bool passesWhole(const Distribution &d, int64_t count, int64_t bytes);
/// Whether threads exchange the elements of the block at once.
bool passesWhole(const Distribution &d, mlir::Value block);

/// Writes a loop over the parts of `count` elements of `bytes` each. `write` is called once, in its body.
void forEachPart(Distribution &d, int64_t count, int64_t bytes, mlir::Location loc,
                 llvm::function_ref<void(const Part &)> write);

/// Passes elements of a block to the threads of a region in layout `readers`, which has not been written yet.
/// `wanted` writes the row-major index of the element that a thread needs. Returns a tile.
mlir::Value exchangeInParts(Distribution &d, mlir::Value block, const LinearLayout &readers,
                            llvm::function_ref<mlir::Value(ThreadRegion &)> wanted, mlir::Location loc);

} // namespace tmetal
