// SPDX-License-Identifier: MIT
// Histograms, by atomic additions in threadgroup memory.
#include "Materialize.h"
#include "Parts.h"
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

static void clearBins(Distribution &d, Value bins, const LinearLayout &layout, Location loc) {
  ThreadRegion &region = d.code.openRegion(layout, loc);
  Value place = elementIndex(region, region.ownRequest(), loc);
  Value owner = ownerMask(region, layout, loc);
  Builder b = region.at(loc);
  tm::SharedStoreOp::create(b, constant(b, 0), bins, place, owner);
}

/// Counts the elements of all `count` bins, or of those in `part`.
static void countElements(Distribution &d, tt::HistogramOp histogram, Value bins, int64_t count,
                          const Part *part) {
  Location loc = histogram.getLoc();
  Value mask = histogram.getMask();
  ThreadRegion &region = d.code.openRegion(d.plan.layoutOf(histogram.getOperation()), loc);
  region.getOp().setVectorizable(false);
  Value bin = pull(d, region, histogram.getSrc(), region.ownRequest());
  Value chosen = mask ? pull(d, region, mask, region.ownRequest()) : Value();
  Value owner = ownerMask(region, region.getLayout(), loc);
  Builder b = region.at(loc);
  Type type = bin.getType();
  unsigned width = type.getIntOrFloatBitWidth();
  Value inside;
  if ((int64_t(1) << std::min(62u, width)) > count)
    inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, bin,
                                   arith::ConstantIntOp::create(b, type, count));
  if (width > 32)
    bin = arith::TruncIOp::create(b, b.getI32Type(), bin);
  else if (width < 32)
    bin = arith::ExtUIOp::create(b, b.getI32Type(), bin);
  if (part) {
    auto [place, isHere] = part->locate(b, bin);
    bin = place;
    inside = andMask(b, inside, isHere);
  }
  Value one = constant(b, 1);
  tm::SharedAtomicAddOp::create(b, one, bins, bin, andMask(b, andMask(b, owner, chosen), inside));
}

static Value readBin(Builder &b, Value bins, Value place, Type wanted) {
  Value value = tm::SharedLoadOp::create(b, b.getI32Type(), bins, place);
  if (wanted.getIntOrFloatBitWidth() > 32)
    return arith::ExtUIOp::create(b, wanted, value);
  if (wanted.getIntOrFloatBitWidth() < 32)
    return arith::TruncIOp::create(b, wanted, value);
  return value;
}

static void countAtOnce(Distribution &d, tt::HistogramOp histogram, int64_t count) {
  Location loc = histogram.getLoc();
  Value result = histogram.getResult();
  Builder outer = d.code.uniform(loc);
  Value bins = newArray(outer, loc, count, outer.getI32Type());
  const LinearLayout &layout = d.plan.layoutOf(result);
  clearBins(d, bins, layout, loc);
  countElements(d, histogram, bins, count, nullptr);
  ThreadRegion &region = d.code.openRegion(layout, loc);
  Value place = elementIndex(region, region.ownRequest(), loc);
  Builder b = region.at(loc);
  d.blocks.keepScalar(result, region, readBin(b, bins, place, elementOf(result)), region.ownRequest());
}

/// Goes over the elements once for each part of the bins.
static void countInParts(Distribution &d, tt::HistogramOp histogram, int64_t count) {
  Location loc = histogram.getLoc();
  Value result = histogram.getResult();
  const LinearLayout &layout = d.plan.layoutOf(result);
  d.code.closeRegion();
  Value tile = newTile(d, elementOf(result), layout, loc);
  forEachPart(d, count, /*bytes=*/4, loc, [&](const Part &part) {
    Builder outer = d.code.uniform(loc);
    Value bins = newArray(outer, loc, part.size, outer.getI32Type());
    clearBins(d, bins, d.plan.blocked({part.size}), loc);
    countElements(d, histogram, bins, count, &part);
    ThreadRegion &region = d.code.openRegion(layout, loc);
    Value index = elementIndex(region, region.ownRequest(), loc);
    Builder b = region.at(loc);
    auto [place, isHere] = part.locate(b, index);
    onlyWhere(b, isHere);
    tm::PutOp::create(b, readBin(b, bins, place, elementOf(result)), tile, region.registerIndex());
  });
  d.blocks.keepTile(result, tile, {layout, 0});
}

void lowerHistogram(Distribution &d, Operation *op) {
  auto histogram = cast<tt::HistogramOp>(op);
  int64_t count = shapeOf(histogram.getResult())[0];
  if (passesWhole(d, count, /*bytes=*/4))
    countAtOnce(d, histogram, count);
  else
    countInParts(d, histogram, count);
}

} // namespace tmetal
