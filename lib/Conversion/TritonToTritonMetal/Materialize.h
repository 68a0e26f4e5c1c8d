// SPDX-License-Identifier: MIT
// Homes for blocks that outlive their region: tiles, arrays in threadgroup memory, and fragments.
#pragma once

#include "Distribution.h"

namespace tmetal {

/// Declares registers of threads in front of the open region.
mlir::Value newTile(Distribution &d, mlir::Type element, const LinearLayout &layout, mlir::Location loc);
/// The same, at the insertion point of `b`.
mlir::Value newTile(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element, const LinearLayout &layout);
/// Declares an array in threadgroup memory at the insertion point of `b`.
mlir::Value newArray(mlir::OpBuilder &b, mlir::Location loc, int64_t count, mlir::Type element);
/// Declares fragments in f32 for a matrix of the shape of `like`, or a batch of them, at the insertion point
/// of `b`.
mlir::Value newFragments(mlir::ImplicitLocOpBuilder &b, mlir::Value like, FragmentGrid grid);
void fillWithZeros(mlir::ImplicitLocOpBuilder &b, mlir::Value fragments);

/// The tile of a block that is kept, filled in the region that computed it.
mlir::Value tileOf(Distribution &d, mlir::Value block);
/// A row-major array with the elements of any block, which the current code can read.
mlir::Value threadgroupCopyOf(Distribution &d, mlir::Value block, mlir::Location loc);
/// Moves fragments to a tile in `layout`, which is row-major.
mlir::Value tileOfFragments(Distribution &d, mlir::Value fragments, const LinearLayout &layout,
                            mlir::Location loc);
/// Gives a tile to a block that is kept in fragments.
void moveOutOfFragments(Distribution &d, mlir::Value block, mlir::Location loc);
/// Stores any block into a tile.
void putInto(Distribution &d, mlir::Value block, mlir::Value tile, const LinearLayout &layout,
             mlir::Location loc);
/// The only element of a block, in uniform code.
mlir::Value scalarOf(Distribution &d, mlir::Value block, mlir::Location loc);

// The same place in several tiles or arrays.
llvm::SmallVector<mlir::Value> getAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange tiles,
                                      mlir::Value place);
void putAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values, mlir::ValueRange tiles,
            mlir::Value place);
llvm::SmallVector<mlir::Value> loadAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange arrays,
                                       mlir::Value place);
void storeAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values, mlir::ValueRange arrays,
              mlir::Value place, mlir::Value mask);

} // namespace tmetal
