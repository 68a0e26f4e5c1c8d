// SPDX-License-Identifier: MIT
// Homes for blocks that outlive their region: tiles, arrays in threadgroup memory, and out of fragments.
#pragma once

#include "Distribution.h"

namespace tmetal {

/// Registers of threads, declared in front of the open region.
mlir::Value newTile(Distribution &d, mlir::Type element, const LinearLayout &layout, mlir::Location loc);
/// The same, declared where `b` stands.
mlir::Value newTile(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element, const LinearLayout &layout);
/// An array in threadgroup memory, declared where `b` stands.
mlir::Value newArray(mlir::OpBuilder &b, mlir::Location loc, int64_t count, mlir::Type element);
/// A matrix of the shape and type of `like` in fragments, declared where `b` stands.
mlir::Value newFragments(mlir::ImplicitLocOpBuilder &b, mlir::Value like, FragmentGrid grid);
void fillWithZeros(mlir::ImplicitLocOpBuilder &b, mlir::Value fragments);

/// The tile of a block that is kept; filled in the region that computed it.
mlir::Value tileOf(Distribution &d, mlir::Value block);
/// An array with the elements of any block, row-major, that the code at hand can read.
mlir::Value threadgroupCopyOf(Distribution &d, mlir::Value block, mlir::Location loc);
/// A block that is kept in fragments gets a tile too.
void moveOutOfFragments(Distribution &d, mlir::Value block, mlir::Location loc);
/// Stores any block into a tile.
void putInto(Distribution &d, mlir::Value block, mlir::Value tile, const LinearLayout &layout,
             mlir::Location loc);
/// The value of a block of one element, in uniform code.
mlir::Value scalarOf(Distribution &d, mlir::Value block, mlir::Location loc);

// Several tiles or arrays at once, at one place.
llvm::SmallVector<mlir::Value> getAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange tiles,
                                      mlir::Value place);
void putAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values, mlir::ValueRange tiles,
            mlir::Value place);
llvm::SmallVector<mlir::Value> loadAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange arrays,
                                       mlir::Value place);
void storeAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange values, mlir::ValueRange arrays,
              mlir::Value place, mlir::Value mask);

} // namespace tmetal
