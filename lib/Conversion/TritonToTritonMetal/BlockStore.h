// SPDX-License-Identifier: MIT
// Where the values of blocks are kept while a kernel is distributed.
#pragma once

#include "RegionBuilder.h"

namespace tmetal {

/// Where one block is kept. It has up to three homes; what is not there yet is made when somebody needs it.
struct KeptBlock {
  /// The scalar that each thread of `region` has for `request`.
  ThreadRegion *region = nullptr;
  mlir::Value scalar;
  /// Registers that outlive the region: element `request` of the block.
  mlir::Value tile;
  mlir::Value fragments;
  Request request;
  /// Only one of the threads that hold an element has its value; the copies of the others are not valid.
  bool ownersOnly = false;

  /// Whether a thread of `reader` can have what it requests without a new region: anything of other regions,
  /// but of its own only what it has already.
  bool isReadableIn(const ThreadRegion &reader, const Request &wanted) const {
    return region != &reader || (request == wanted && !ownersOnly);
  }
  /// Where a thread finds what it requests in its own registers; none when other threads hold it.
  std::optional<OwnRegister> findOwnRegister(const Request &wanted) const {
    return ownersOnly ? std::nullopt : tmetal::findOwnRegister(request, wanted);
  }
};

/// A copy of a block in threadgroup memory, row-major.
struct ThreadgroupCopy {
  mlir::Value array;
  mlir::Block *block; // of uniform code: it can be read there and in what is inside
};

class BlockStore {
public:
  /// Null when no thread keeps the block.
  const KeptBlock *find(mlir::Value block) const;
  bool contains(mlir::Value block) const { return blocks.contains(block); }

  /// `scalar` is what each thread of the region has for `request`.
  void keepScalar(mlir::Value block, ThreadRegion &region, mlir::Value scalar, const Request &request,
                  bool ownersOnly = false);
  void keepTile(mlir::Value block, mlir::Value tile, const Request &request);
  /// `layout`: for the time when it leaves the fragments.
  void keepFragments(mlir::Value block, mlir::Value fragments, const LinearLayout &layout);
  /// A block that is kept has a tile too.
  void addTile(mlir::Value block, mlir::Value tile) { blocks.find(block)->second.tile = tile; }

  /// The copy that code in `reader` can read; null when there is none.
  mlir::Value findThreadgroupCopy(mlir::Value block, mlir::Block *reader) const;
  void addThreadgroupCopy(mlir::Value block, mlir::Value array);

private:
  llvm::DenseMap<mlir::Value, KeptBlock> blocks;
  llvm::DenseMap<mlir::Value, ThreadgroupCopy> copies;
};

} // namespace tmetal
