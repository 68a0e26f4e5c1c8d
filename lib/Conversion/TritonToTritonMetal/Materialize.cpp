// SPDX-License-Identifier: MIT
#include "Materialize.h"

#include "Positions.h"
#include "Pull.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

Value newTile(OpBuilder &b, Location loc, Type element, const LinearLayout &layout) {
  MLIRContext *context = b.getContext();
  return tm::TileOp::create(b, loc, tm::TileType::get(context, element, attributeOf(context, layout)));
}

Value newTile(Distribution &d, Type element, const LinearLayout &layout, Location loc) {
  Builder b = d.code.ahead(loc);
  return newTile(b, loc, element, layout);
}

Value newArray(OpBuilder &b, Location loc, int64_t count, Type element) {
  return tm::SharedOp::create(b, loc, tm::SharedType::get(b.getContext(), count, element), IntegerAttr());
}

Value newFragments(Builder &b, Value like, FragmentGrid grid) {
  std::vector<int64_t> shape = shapeOf(like);
  return tm::FragmentsOp::create(b, tm::FragmentsType::get(b.getContext(), numElements(shape) / shape.back(),
                                                           shape.back(), b.getF32Type(), grid.rows,
                                                           grid.columns));
}

void fillWithZeros(Builder &b, Value fragments) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  tm::FragmentsFillOp::create(b, fragments, zero);
}

// ---- blocks that are kept ----

Value tileOf(Distribution &d, Value block) {
  const KeptBlock &kept = *d.blocks.find(block);
  if (kept.tile)
    return kept.tile;
  Location loc = block.getLoc();
  OpBuilder ahead(kept.region->getOp());
  Value tile = newTile(ahead, loc, elementOf(block), kept.request.layout);
  Builder b = kept.region->at(loc);
  tm::PutOp::create(b, kept.scalar, tile, kept.region->registerIndex());
  d.blocks.addTile(block, tile);
  return tile;
}

/// Copies the values that the threads of `region` hold for `request` to an array.
static Value copyFrom(Distribution &d, ThreadRegion &region, Value block, Value scalar,
                      const Request &request, Location loc) {
  OpBuilder ahead(region.getOp());
  Value array = newArray(ahead, loc, numElements(shapeOf(block)), elementOf(block));
  Value index = elementIndex(region, request, loc), owner = ownerMask(region, request.layout, loc);
  Builder b = region.at(loc);
  tm::SharedStoreOp::create(b, scalar, array, index, owner);
  d.blocks.addThreadgroupCopy(block, array);
  return array;
}

Value threadgroupCopyOf(Distribution &d, Value block, Location loc) {
  if (Value array = d.blocks.findThreadgroupCopy(block, d.code.getBlock()))
    return array;
  moveOutOfFragments(d, block, loc);
  const KeptBlock *kept = d.blocks.find(block);
  if (kept && kept->region) {
    ThreadRegion &region = *kept->region;
    Request request = kept->request;
    return copyFrom(d, region, block, kept->scalar, request, loc);
  }
  // Writes in front of the current region, which is about to read the copy.
  RegionBuilder::AheadOfRegion ahead(d.code);
  Request request = kept ? kept->request : Request{d.plan.layoutOf(block), 0};
  ThreadRegion &region = d.code.openRegion(request.layout, loc);
  Value scalar = pull(d, region, block, request);
  return copyFrom(d, region, block, scalar, request, loc);
}

Value tileOfFragments(Distribution &d, Value fragments, const LinearLayout &layout, Location loc) {
  constexpr int64_t kBytes = 16384; // of threadgroup memory at a time
  auto type = cast<tm::FragmentsType>(fragments.getType());
  Type element = type.getElementType();
  Value tile = newTile(d, element, layout, loc);
  int64_t rows = type.getRows(), columns = type.getColumns();
  int64_t threads = int64_t(32) * d.plan.getOptions().simdgroups;
  while (rows > 8 && rows * columns * byteWidth(element) > kBytes && rows / 2 * columns >= threads)
    rows /= 2;
  int64_t registersPerPart = std::max<int64_t>(1, rows * columns / threads);
  LinearLayout part = d.plan.blocked({rows, columns});
  for (int64_t first = 0; first < type.getRows(); first += rows) {
    Builder outer = d.code.uniform(loc);
    Value array = newArray(outer, loc, rows * columns, element);
    tm::FragmentsStoreOp::create(outer, fragments, array, first, rows, columns);
    ThreadRegion &region = d.code.openRegion(part, loc);
    Value index = elementIndex(region, region.ownRequest(), loc);
    Builder b = region.at(loc);
    Value scalar = tm::SharedLoadOp::create(b, element, array, index);
    Value place = region.registerIndex();
    if (first > 0)
      place = arith::AddIOp::create(b, place, constant(b, first / rows * registersPerPart));
    tm::PutOp::create(b, scalar, tile, place);
    d.code.closeRegion();
  }
  return tile;
}

void moveOutOfFragments(Distribution &d, Value block, Location loc) {
  const KeptBlock *kept = d.blocks.find(block);
  if (!kept || !kept->fragments || kept->tile)
    return;
  RegionBuilder::AheadOfRegion ahead(d.code);
  d.blocks.addTile(block, tileOfFragments(d, kept->fragments, kept->request.layout, loc));
}

// ---- other blocks ----

void putInto(Distribution &d, Value block, Value tile, const LinearLayout &layout, Location loc) {
  ThreadRegion &region = regionFor(d, layout, block, loc);
  Value scalar = pull(d, region, block, region.ownRequest());
  Builder b = region.at(loc);
  tm::PutOp::create(b, scalar, tile, region.registerIndex());
}

Value scalarOf(Distribution &d, Value block, Location loc) {
  LinearLayout layout = d.plan.blocked(shapeOf(block)); // a single element: the same in all threads
  Value tile = newTile(d, elementOf(block), layout, loc);
  putInto(d, block, tile, layout, loc);
  Builder b = d.code.uniform(loc);
  Value zero = constant(b, 0);
  return tm::GetOp::create(b, elementOf(block), tile, zero);
}

// ---- several tiles or arrays at once ----

SmallVector<Value> getAll(Builder &b, ValueRange tiles, Value place) {
  SmallVector<Value> values;
  for (Value tile : tiles)
    values.push_back(tm::GetOp::create(b, cast<tm::TileType>(tile.getType()).getElementType(), tile, place));
  return values;
}

void putAll(Builder &b, ValueRange values, ValueRange tiles, Value place) {
  for (auto [value, tile] : llvm::zip_equal(values, tiles))
    tm::PutOp::create(b, value, tile, place);
}

SmallVector<Value> loadAll(Builder &b, ValueRange arrays, Value place) {
  SmallVector<Value> values;
  for (Value array : arrays)
    values.push_back(
        tm::SharedLoadOp::create(b, cast<tm::SharedType>(array.getType()).getElementType(), array, place));
  return values;
}

void storeAll(Builder &b, ValueRange values, ValueRange arrays, Value place, Value mask) {
  for (auto [value, array] : llvm::zip_equal(values, arrays))
    tm::SharedStoreOp::create(b, value, array, place, mask);
}

} // namespace tmetal
