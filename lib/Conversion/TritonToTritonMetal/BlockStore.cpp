// SPDX-License-Identifier: MIT
#include "BlockStore.h"

using namespace mlir;

namespace tmetal {

const KeptBlock *BlockStore::find(Value block) const {
  auto kept = blocks.find(block);
  return kept == blocks.end() ? nullptr : &kept->second;
}

void BlockStore::keepScalar(Value block, ThreadRegion &region, Value scalar, const Request &request,
                            bool ownersOnly) {
  KeptBlock kept;
  kept.region = &region;
  kept.scalar = scalar;
  kept.request = request;
  kept.ownersOnly = ownersOnly;
  blocks[block] = kept;
  if (!ownersOnly)
    region.remember(block, request, scalar);
}

void BlockStore::keepTile(Value block, Value tile, const Request &request) {
  KeptBlock kept;
  kept.tile = tile;
  kept.request = request;
  blocks[block] = kept;
}

void BlockStore::keepFragments(Value block, Value fragments, const LinearLayout &layout) {
  KeptBlock kept;
  kept.fragments = fragments;
  kept.request = {layout, 0};
  blocks[block] = kept;
}

Value BlockStore::findThreadgroupCopy(Value block, Block *reader) const {
  auto copy = copies.find(block);
  if (copy == copies.end())
    return {};
  for (Block *around = reader;; around = around->getParentOp()->getBlock()) {
    if (around == copy->second.block)
      return copy->second.array;
    if (isa<tm::KernelOp>(around->getParentOp()))
      return {};
  }
}

void BlockStore::addThreadgroupCopy(Value block, Value array) {
  copies[block] = {array, array.getDefiningOp()->getBlock()};
}

} // namespace tmetal
