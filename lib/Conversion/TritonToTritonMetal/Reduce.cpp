// SPDX-License-Identifier: MIT
// Reductions: first within a thread's registers, then across the lanes of a SIMD
// group, then across SIMD groups.
#include "AxisBits.h"
#include "Materialize.h"
#include "Parts.h"
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"
#include "ScalarBody.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

namespace {
/// Partial results after each thread has combined its registers: one for each thread along the axis. The
/// position along the axis is a dimension in front of those of the result.
struct Partials {
  LinearLayout layout;
  int64_t fromSimdgroups = 1; // number of partial results when lanes are combined
  /// Contributions of a register number of the operand to that of its partial result.
  SmallVector<int64_t> registerImages;
  int64_t axisRegisters = 0; // bits of the operand's register number that lie along the axis

  Partials(const LinearLayout &operand, const AxisBits &axis, std::vector<int64_t> resultShape);
};

/// The state of a reduction that is being written.
struct Reduction {
  tt::ReduceOp op;
  Location loc;
  LinearLayout layout, resultLayout; // of the operands, of the results
  AxisBits axis;
  Partials partials;
  SmallVector<Value> accumulators; // tiles of partial results

  Reduction(tt::ReduceOp op, const LinearLayout &layout)
      : op(op), loc(op.getLoc()), layout(layout), resultLayout(layout.sliced(op.getAxis())),
        axis(layout.shape, op.getAxis()), partials(layout, axis, resultLayout.shape),
        isEffectful(hasEffects(op.getCombineOp())) {}

  bool isEffectful; // its combinations print, assert or write memory

  SmallVector<Value> combine(Distribution &d, ThreadRegion &region, Builder &b, ValueRange left,
                             ValueRange right, Value when) {
    return tmetal::combine(d, region, b, op.getCombineOp(), left, right, when);
  }
  /// Where a combination has effects: in one of the threads that hold copies of an element.
  Value whenOwned(ThreadRegion &region) const {
    return isEffectful ? ownerMask(region, region.getLayout(), loc) : Value();
  }
};
} // namespace

Partials::Partials(const LinearLayout &operand, const AxisBits &axis, std::vector<int64_t> resultShape) {
  int64_t resultCount = numElements(resultShape), count = 1;
  for (auto [bit, basis] : llvm::enumerate(operand.registers)) {
    if (axis.holds(basis)) {
      axisRegisters |= int64_t(1) << bit;
      registerImages.push_back(0);
    } else {
      registerImages.push_back(int64_t(1) << layout.registers.size());
      layout.registers.push_back(axis.without(basis));
    }
  }
  auto spread = [&](ArrayRef<int64_t> bases) {
    std::vector<int64_t> result;
    for (int64_t basis : bases) {
      if (axis.holds(basis)) {
        result.push_back(resultCount * count);
        count *= 2;
      } else {
        result.push_back(axis.without(basis));
      }
    }
    return result;
  };
  layout.simdgroups = spread(operand.simdgroups); // lowest, to keep the partial results of SIMD groups dense
  fromSimdgroups = count;
  layout.lanes = spread(operand.lanes);
  layout.shape = std::move(resultShape);
  layout.shape.insert(layout.shape.begin(), count);
}

/// Each thread combines its registers in order.
static void reduceWithinThreads(Distribution &d, Reduction &reduction) {
  Location loc = reduction.loc;
  SmallVector<Value> sources(reduction.op.getSrcs()), elements;
  ThreadRegion &region = regionFor(d, reduction.layout, sources, loc);
  for (Value source : sources)
    elements.push_back(pull(d, region, source, region.ownRequest()));
  for (Value source : sources)
    reduction.accumulators.push_back(newTile(d, elementOf(source), reduction.partials.layout, loc));
  ArrayRef<Value> accumulators = reduction.accumulators;
  Builder b = region.at(loc);
  Value index = region.registerIndex();
  int64_t axisRegisters = reduction.partials.axisRegisters;
  if (axisRegisters == 0) {
    putAll(b, elements, accumulators, index);
    return;
  }
  // The register loop runs in order, so the first register along the axis starts the accumulator.
  Value place = mapBits(b, index, reduction.partials.registerImages);
  if (!place)
    place = constant(b, 0);
  // Comparing the index itself lets compilers peel the first trip.
  bool isWholeIndex = axisRegisters == reduction.layout.numRegisters() - 1;
  Value along = isWholeIndex ? index : Value(arith::AndIOp::create(b, index, constant(b, axisRegisters)));
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, along, constant(b, 0));
  // The mask of copies looks at all registers; those along the axis hold different elements.
  Value when = reduction.whenOwned(region);
  b = region.at(loc);
  auto branch = scf::IfOp::create(b, first, /*withElseRegion=*/true);
  b.setInsertionPoint(branch.thenYield());
  putAll(b, elements, accumulators, place);
  b.setInsertionPoint(branch.elseYield());
  putAll(b, reduction.combine(d, region, b, getAll(b, accumulators, place), elements, when), accumulators,
         place);
}

/// Neighbours along the axis exchange their partial results until all lanes have the same.
static void reduceAcrossLanes(Distribution &d, Reduction &reduction) {
  Location loc = reduction.loc;
  int64_t combined = 0; // bits of the lane number
  for (auto [bit, basis] : llvm::enumerate(reduction.layout.lanes)) {
    if (!reduction.axis.holds(basis))
      continue;
    combined |= int64_t(1) << bit;
    SmallVector<Value> received;
    for (Value source : reduction.op.getSrcs())
      received.push_back(newTile(d, elementOf(source), reduction.partials.layout, loc));
    Builder outer = d.code.uniform(loc);
    for (auto [from, to] : llvm::zip_equal(reduction.accumulators, received))
      tm::ShuffleXorOp::create(outer, from, to, int64_t(1) << bit);
    ThreadRegion &region = d.code.openRegion(reduction.partials.layout, loc);
    Builder b = region.at(loc);
    Value place = region.registerIndex();
    Value when = reduction.whenOwned(region);
    b = region.at(loc);
    if (reduction.isEffectful) { // all lanes of a group make the same combination
      Value lane = tm::LaneOp::create(b, b.getI32Type());
      Value inGroup = arith::AndIOp::create(b, lane, constant(b, combined));
      when = andMask(b, when, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, inGroup, constant(b, 0)));
    }
    SmallVector<Value> own = getAll(b, reduction.accumulators, place);
    putAll(b, reduction.combine(d, region, b, own, getAll(b, received, place), when), reduction.accumulators,
           place);
    d.code.closeRegion();
  }
}

/// One lane of each SIMD group stores its partial results, or those of `part` of the results, to threadgroup
/// memory.
static SmallVector<Value> sendPartials(Distribution &d, Reduction &reduction, const Part *part) {
  Location loc = reduction.loc;
  int64_t resultCount = reduction.resultLayout.numElements(), senders = reduction.partials.fromSimdgroups;
  int64_t stride = part ? part->size : resultCount;
  LinearLayout layout = reduction.partials.layout;
  layout.shape[0] = senders;
  for (int64_t &basis : layout.lanes)
    if (basis >= resultCount)
      basis = 0;
  SmallVector<Value> arrays;
  Builder outer = d.code.uniform(loc);
  for (Value source : reduction.op.getSrcs())
    arrays.push_back(newArray(outer, loc, stride * senders, elementOf(source)));
  ThreadRegion &region = d.code.openRegion(layout, loc);
  Value position = elementIndex(region, region.ownRequest(), loc);
  Value owner = ownerMask(region, layout, loc);
  Builder b = region.at(loc);
  if (part) {
    Value sender = arith::ShRUIOp::create(b, position, constant(b, llvm::Log2_64(resultCount)));
    Value result = arith::AndIOp::create(b, position, constant(b, resultCount - 1));
    auto [place, isHere] = part->locate(b, result);
    position = arith::AddIOp::create(b, arith::MulIOp::create(b, sender, constant(b, stride)), place);
    owner = andMask(b, owner, isHere);
  }
  storeAll(b, getAll(b, reduction.accumulators, region.registerIndex()), arrays, position, owner);
  return arrays;
}

/// Every thread combines the partial results of the SIMD groups in order. `place` is that of its result among
/// the `stride` results of a SIMD group.
static SmallVector<Value> combinePartials(Distribution &d, Reduction &reduction, ThreadRegion &region,
                                          Builder &b, ValueRange arrays, Value place, int64_t stride,
                                          Value when) {
  constexpr int64_t kUnrolled = 4;
  int64_t senders = reduction.partials.fromSimdgroups;
  auto receive = [&](Builder &b, Value from) {
    Value offset = arith::MulIOp::create(b, from, constant(b, stride));
    return loadAll(b, arrays, arith::AddIOp::create(b, offset, place));
  };
  SmallVector<Value> results = receive(b, constant(b, 0));
  if (senders <= kUnrolled) {
    for (int64_t from = 1; from < senders; ++from)
      results = reduction.combine(d, region, b, results, receive(b, constant(b, from)), when);
    return results;
  }
  Value first = constant(b, 1), end = constant(b, senders), step = constant(b, 1);
  auto loop = scf::ForOp::create(b, first, end, step, results);
  Builder body = Builder::atBlockEnd(reduction.loc, loop.getBody());
  SmallVector<Value> received = receive(body, loop.getInductionVar());
  scf::YieldOp::create(body, reduction.combine(d, region, body, loop.getRegionIterArgs(), received, when));
  return SmallVector<Value>(loop.getResults());
}

/// The results, in tiles, of SIMD groups whose partial results pass in parts.
static void reduceInParts(Distribution &d, Reduction &reduction, int64_t bytes) {
  Location loc = reduction.loc;
  SmallVector<Value> tiles;
  for (Value source : reduction.op.getSrcs())
    tiles.push_back(newTile(d, elementOf(source), reduction.resultLayout, loc));
  forEachPart(d, reduction.resultLayout.numElements(), bytes, loc, [&](const Part &part) {
    SmallVector<Value> arrays = sendPartials(d, reduction, &part);
    ThreadRegion &region = d.code.openRegion(reduction.resultLayout, loc);
    Value element = elementIndex(region, region.ownRequest(), loc);
    Value when = reduction.whenOwned(region);
    Builder b = region.at(loc);
    auto [place, isHere] = part.locate(b, element);
    onlyWhere(b, isHere);
    SmallVector<Value> results = combinePartials(d, reduction, region, b, arrays, place, part.size, when);
    putAll(b, results, tiles, region.registerIndex());
  });
  for (auto [result, tile] : llvm::zip_equal(reduction.op->getResults(), tiles))
    d.blocks.keepTile(result, tile, {reduction.resultLayout, 0});
}

/// `values` are the results in `region`. A scalar leaves it through a tile.
static void keepResults(Distribution &d, Reduction &reduction, ThreadRegion &region, ValueRange values) {
  Location loc = reduction.loc;
  for (auto [result, value] : llvm::zip_equal(reduction.op->getResults(), values)) {
    if (isBlock(result)) {
      d.blocks.keepScalar(result, region, value, region.ownRequest());
      continue;
    }
    OpBuilder ahead(region.getOp());
    Value tile = newTile(ahead, loc, result.getType(), reduction.resultLayout);
    Builder b = region.at(loc);
    tm::PutOp::create(b, value, tile, region.registerIndex());
    Builder outer = d.code.uniform(loc);
    Value zero = constant(outer, 0);
    d.scalars.map(result, tm::GetOp::create(outer, result.getType(), tile, zero));
  }
}

void lowerReduce(Distribution &d, Operation *op) {
  Reduction reduction(cast<tt::ReduceOp>(op), d.plan.layoutOf(op));
  reduceWithinThreads(d, reduction);
  d.code.closeRegion();
  reduceAcrossLanes(d, reduction);
  bool isSpread = reduction.partials.fromSimdgroups > 1;
  int64_t resultCount = reduction.resultLayout.numElements(), bytes = 0; // of the partial results of a result
  for (Value source : reduction.op.getSrcs())
    bytes += byteWidth(elementOf(source)) * reduction.partials.fromSimdgroups;
  if (isSpread && !passesWhole(d, resultCount, bytes))
    return reduceInParts(d, reduction, bytes);
  SmallVector<Value> arrays = isSpread ? sendPartials(d, reduction, nullptr) : SmallVector<Value>();
  ThreadRegion &region = d.code.openRegion(reduction.resultLayout, reduction.loc);
  SmallVector<Value> results;
  if (isSpread) {
    Value element = elementIndex(region, region.ownRequest(), reduction.loc);
    Value when = reduction.whenOwned(region);
    Builder b = region.at(reduction.loc);
    results = combinePartials(d, reduction, region, b, arrays, element, resultCount, when);
  } else {
    Builder b = region.at(reduction.loc);
    results = getAll(b, reduction.accumulators, region.registerIndex());
  }
  keepResults(d, reduction, region, results);
}

} // namespace tmetal
