// SPDX-License-Identifier: MIT
// Histograms, by atomic additions in threadgroup memory.
#include "Materialize.h"
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

static void countElements(Distribution &d, tt::HistogramOp histogram, Value bins, int64_t count) {
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
  if (width == 1 || (int64_t(1) << std::min(62u, width)) > count)
    inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, bin,
                                   arith::ConstantIntOp::create(b, type, count));
  if (width > 32)
    bin = arith::TruncIOp::create(b, b.getI32Type(), bin);
  else if (width < 32)
    bin = arith::ExtUIOp::create(b, b.getI32Type(), bin);
  Value one = constant(b, 1);
  tm::SharedAtomicAddOp::create(b, one, bins, bin, andMask(b, andMask(b, owner, chosen), inside));
}

static void readBins(Distribution &d, Value result, Value bins, const LinearLayout &layout, Location loc) {
  ThreadRegion &region = d.code.openRegion(layout, loc);
  Value place = elementIndex(region, region.ownRequest(), loc);
  Builder b = region.at(loc);
  Value value = tm::SharedLoadOp::create(b, b.getI32Type(), bins, place);
  Type wanted = elementOf(result);
  if (wanted.getIntOrFloatBitWidth() > 32)
    value = arith::ExtUIOp::create(b, wanted, value);
  else if (wanted.getIntOrFloatBitWidth() < 32)
    value = arith::TruncIOp::create(b, wanted, value);
  d.blocks.keepScalar(result, region, value, region.ownRequest());
}

void lowerHistogram(Distribution &d, Operation *op) {
  Location loc = op->getLoc();
  Value result = op->getResult(0);
  int64_t count = shapeOf(result)[0];
  Builder outer = d.code.uniform(loc);
  Value bins = newArray(outer, loc, count, outer.getI32Type());
  const LinearLayout &layout = d.plan.layoutOf(result);
  clearBins(d, bins, layout, loc);
  countElements(d, cast<tt::HistogramOp>(op), bins, count);
  readBins(d, result, bins, layout, loc);
}

} // namespace tmetal
