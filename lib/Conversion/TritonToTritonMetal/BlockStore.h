// SPDX-License-Identifier: MIT
// Where the values of blocks are kept while a kernel is distributed.
#pragma once

#include "RegionBuilder.h"

namespace tmetal {

/// Where one block is kept. It has up to three homes; a missing one is made when it is needed.
struct KeptBlock {
  /// The scalar that each thread of `region` holds for `request`.
  ThreadRegion *region = nullptr;
  mlir::Value scalar;
  /// Registers that outlive the region, with element `request` of the block.
  mlir::Value tile;
  mlir::Value fragments;
  Request request;
  /// Of the threads that hold an element, only one has a valid value.
  bool ownersOnly = false;

  /// Whether a thread of `reader` can get its request without a new region. It can read all blocks of other
  /// regions, but of its own region only what it holds already.
  bool isReadableIn(const ThreadRegion &reader, const Request &wanted) const {
    return region != &reader || (request == wanted && !ownersOnly);
  }
  /// The register in which a thread itself holds its request; nullopt if another thread holds it.
  std::optional<OwnRegister> findOwnRegister(const Request &wanted) const {
    return ownersOnly ? std::nullopt : tmetal::findOwnRegister(request, wanted);
  }
};

/// A copy of a block in threadgroup memory, row-major.
struct ThreadgroupCopy {
  mlir::Value array;
  mlir::Block *block; // in uniform code: the copy can be read there and inside of it
};

class BlockStore {
public:
  /// Null if the block is not kept.
  const KeptBlock *find(mlir::Value block) const;
  bool contains(mlir::Value block) const { return blocks.contains(block); }

  /// `scalar` is the value that each thread of the region holds for `request`.
  void keepScalar(mlir::Value block, ThreadRegion &region, mlir::Value scalar, const Request &request,
                  bool ownersOnly = false);
  void keepTile(mlir::Value block, mlir::Value tile, const Request &request);
  /// `layout` is used when the block leaves the fragments.
  void keepFragments(mlir::Value block, mlir::Value fragments, const LinearLayout &layout);
  /// Adds a tile to a block that is kept.
  void addTile(mlir::Value block, mlir::Value tile) { blocks.find(block)->second.tile = tile; }

  /// The copy that code in `reader` can read, or null.
  mlir::Value findThreadgroupCopy(mlir::Value block, mlir::Block *reader) const;
  void addThreadgroupCopy(mlir::Value block, mlir::Value array);

private:
  llvm::DenseMap<mlir::Value, KeptBlock> blocks;
  llvm::DenseMap<mlir::Value, ThreadgroupCopy> copies;
};

} // namespace tmetal
