// SPDX-License-Identifier: MIT
// Scans: first runs of 32 elements across the lanes of a SIMD group, then the runs of a line in order.
#include "AxisBits.h"
#include "Materialize.h"
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"
#include "ScalarBody.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

namespace {
/// The state of a scan that is being written.
struct Scan {
  tt::ScanOp op;
  Location loc;
  LinearLayout layout;
  AxisBits axis;
  int64_t flip;                       // a reverse scan scans the mirrored block
  SmallVector<Value> tiles, received; // the elements, and those of other lanes

  Scan(tt::ScanOp op, const LinearLayout &layout)
      : op(op), loc(op.getLoc()), layout(layout), axis(layout.shape, op.getAxis()),
        flip(op.getReverse() ? axis.mask() : 0) {}

  int64_t extent() const { return int64_t(1) << axis.count; }
  int64_t runs() const { return extent() / 32; } // runs in a line
  int64_t lines() const { return layout.numElements() / extent(); }
  /// Effects happen only where `when` is true; null means everywhere.
  SmallVector<Value> combine(Distribution &d, ThreadRegion &region, Builder &b, ValueRange left,
                             ValueRange right, Value when) {
    return tmetal::combine(d, region, b, op.getCombineOp(), left, right, when);
  }
};
} // namespace

static void putOperandsIntoTiles(Distribution &d, Scan &scan) {
  ThreadRegion &region = d.code.openRegion(scan.layout, scan.loc);
  for (Value source : scan.op.getSrcs()) {
    Value element = pull(d, region, source, {scan.layout, scan.flip});
    Value tile = newTile(d, elementOf(source), scan.layout, scan.loc);
    Builder b = region.at(scan.loc);
    tm::PutOp::create(b, element, tile, region.registerIndex());
    scan.tiles.push_back(tile);
    scan.received.push_back(newTile(d, elementOf(source), scan.layout, scan.loc));
  }
  d.code.closeRegion();
}

/// Where `condition` holds, combines what comes before an element with it.
static void combineWithBefore(Distribution &d, Scan &scan, ThreadRegion &region, Value condition,
                              ValueRange before) {
  // Elsewhere the result is dropped.
  Value when = condition;
  if (hasEffects(scan.op.getCombineOp())) {
    Value owner = ownerMask(region, scan.layout, scan.loc);
    Builder b = region.at(scan.loc);
    when = andMask(b, owner, condition);
  }
  Builder b = region.at(scan.loc);
  SmallVector<Value> own = getAll(b, scan.tiles, region.registerIndex());
  SmallVector<Value> both = scan.combine(d, region, b, before, own, when);
  for (auto [old, updated, tile] : llvm::zip_equal(own, both, scan.tiles)) {
    Value chosen = arith::SelectOp::create(b, condition, updated, old);
    tm::PutOp::create(b, chosen, tile, region.registerIndex());
  }
}

/// Scans runs of 32 elements, one in the lanes of each SIMD group.
static void scanAcrossLanes(Distribution &d, Scan &scan) {
  Location loc = scan.loc;
  int laneBits = std::min(5, scan.axis.count);
  for (int bit = 0; bit < laneBits; ++bit) {
    Builder outer = d.code.uniform(loc);
    for (auto [from, to] : llvm::zip_equal(scan.tiles, scan.received))
      tm::ShuffleUpOp::create(outer, from, to, int64_t(1) << bit);
    ThreadRegion &region = d.code.openRegion(scan.layout, loc);
    Builder b = region.at(loc);
    Value lane = tm::LaneOp::create(b, b.getI32Type());
    lane = arith::AndIOp::create(b, lane, constant(b, (int64_t(1) << laneBits) - 1));
    Value reached = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, lane, constant(b, int64_t(1) << bit));
    combineWithBefore(d, scan, region, reached, getAll(b, scan.received, region.registerIndex()));
    d.code.closeRegion();
  }
}

// ---- the runs of a line ----

namespace {
/// The run of an element, and the place of the run among the totals of all runs.
struct RunPlace {
  Value run, place;
};
} // namespace

static RunPlace placeOfRun(const Scan &scan, ThreadRegion &region) {
  Value element = elementIndex(region, region.ownRequest(), scan.loc);
  Builder b = region.at(scan.loc);
  Value along = arith::ShRUIOp::create(b, element, constant(b, scan.axis.shift));
  along = arith::AndIOp::create(b, along, constant(b, scan.extent() - 1));
  Value run = arith::ShRUIOp::create(b, along, constant(b, 5));
  Value low = arith::AndIOp::create(b, element, constant(b, (int64_t(1) << scan.axis.shift) - 1));
  Value high = arith::ShRUIOp::create(b, element, constant(b, scan.axis.shift + scan.axis.count));
  high = arith::MulIOp::create(b, high, constant(b, int64_t(1) << scan.axis.shift));
  Value line = arith::AddIOp::create(b, high, low);
  Value first = arith::MulIOp::create(b, line, constant(b, scan.runs()));
  return {run, arith::AddIOp::create(b, first, run)};
}

/// The last lane of each run stores the total of the run.
static SmallVector<Value> sendTotals(Distribution &d, Scan &scan) {
  Location loc = scan.loc;
  SmallVector<Value> totals;
  Builder outer = d.code.uniform(loc);
  for (Value source : scan.op.getSrcs())
    totals.push_back(newArray(outer, loc, scan.lines() * scan.runs(), elementOf(source)));
  ThreadRegion &region = d.code.openRegion(scan.layout, loc);
  Value place = placeOfRun(scan, region).place;
  Value owner = ownerMask(region, scan.layout, loc);
  Builder b = region.at(loc);
  Value lane = tm::LaneOp::create(b, b.getI32Type());
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(b, 31));
  SmallVector<Value> values = getAll(b, scan.tiles, region.registerIndex());
  storeAll(b, values, totals, place, andMask(b, owner, isLast));
  return totals;
}

/// One thread for each line scans the totals of its runs.
static void scanTotals(Distribution &d, Scan &scan, ValueRange totals) {
  Location loc = scan.loc;
  LinearLayout layout = d.plan.blocked({scan.lines()});
  ThreadRegion &region = d.code.openRegion(layout, loc);
  region.getOp().setVectorizable(false);
  Value line = elementIndex(region, region.ownRequest(), loc);
  Value owner = ownerMask(region, layout, loc);
  Builder b = region.at(loc);
  onlyWhere(b, owner);
  Value start = arith::MulIOp::create(b, line, constant(b, scan.runs()));
  Value first = constant(b, 1), end = constant(b, scan.runs()), step = constant(b, 1);
  auto loop = scf::ForOp::create(b, first, end, step, loadAll(b, totals, start));
  Builder body = Builder::atBlockEnd(loc, loop.getBody());
  Value place = arith::AddIOp::create(body, start, loop.getInductionVar());
  SmallVector<Value> own = loadAll(body, totals, place);
  SmallVector<Value> next = scan.combine(d, region, body, loop.getRegionIterArgs(), own, Value());
  storeAll(body, next, totals, place, Value());
  scf::YieldOp::create(body, next);
}

/// Combines elements of later runs with the total of all runs before them.
static void receiveTotals(Distribution &d, Scan &scan, ValueRange totals) {
  ThreadRegion &region = d.code.openRegion(scan.layout, scan.loc);
  RunPlace at = placeOfRun(scan, region);
  Builder b = region.at(scan.loc);
  Value isLater = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, at.run, constant(b, 0));
  Value before = arith::SubIOp::create(b, at.place, arith::ExtUIOp::create(b, b.getI32Type(), isLater));
  combineWithBefore(d, scan, region, isLater, loadAll(b, totals, before));
  d.code.closeRegion();
}

void lowerScan(Distribution &d, Operation *op) {
  Scan scan(cast<tt::ScanOp>(op), d.plan.layoutOf(op));
  putOperandsIntoTiles(d, scan);
  scanAcrossLanes(d, scan);
  if (scan.runs() > 1) {
    SmallVector<Value> totals = sendTotals(d, scan);
    scanTotals(d, scan, totals);
    receiveTotals(d, scan, totals);
  }
  for (auto [result, tile] : llvm::zip_equal(op->getResults(), scan.tiles))
    d.blocks.keepTile(result, tile, {scan.layout, scan.flip});
}

} // namespace tmetal
