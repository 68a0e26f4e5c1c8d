// SPDX-License-Identifier: MIT
// Reductions, scans and histograms: within a thread, across the lanes of a SIMD group, across SIMD groups.
#include "Distributor.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

namespace {
/// A dimension as a range of bits of the row-major index.
struct AxisBits {
  int shift = 0, count = 0;
  AxisBits(ArrayRef<int64_t> shape, int axis) {
    for (int64_t extent : shape.drop_front(axis + 1))
      shift += llvm::Log2_64(extent);
    count = llvm::Log2_64(shape[axis]);
  }
  int64_t mask() const { return ((int64_t(1) << count) - 1) << shift; }
  bool holds(int64_t basis) const { return basis & mask(); }
  /// The index without the dimension.
  int64_t without(int64_t element) const {
    return (element & ((int64_t(1) << shift) - 1)) | (element >> (shift + count) << shift);
  }
};
} // namespace

void Distributor::lowerReduce(Operation *op) {
  auto reduce = cast<tt::ReduceOp>(op);
  Location loc = op->getLoc();
  int axis = reduce.getAxis();
  LinearLayout layout = layoutFor(reduce.getSrcs()[0]);
  AxisBits bitsOfAxis(layout.shape, axis);
  std::vector<int64_t> resultShape = layout.shape;
  resultShape.erase(resultShape.begin() + axis);
  int64_t resultCount = layout.numElements() >> bitsOfAxis.count;

  // What a thread has once its own registers are combined: a partial result for each thread along the axis.
  // Their places along the axis become a dimension in front.
  LinearLayout partial;
  int64_t partials = 1;
  SmallVector<int64_t> registerImages; // of the register index, in the partial result's
  int64_t axisRegisters = 0;
  for (auto [bit, basis] : llvm::enumerate(layout.registers)) {
    if (bitsOfAxis.holds(basis)) {
      axisRegisters |= int64_t(1) << bit;
      registerImages.push_back(0);
    } else {
      registerImages.push_back(int64_t(1) << partial.registers.size());
      partial.registers.push_back(bitsOfAxis.without(basis));
    }
  }
  auto spread = [&](ArrayRef<int64_t> bases) {
    std::vector<int64_t> result;
    for (int64_t basis : bases) {
      if (bitsOfAxis.holds(basis)) {
        result.push_back(resultCount * partials);
        partials *= 2;
      } else {
        result.push_back(bitsOfAxis.without(basis));
      }
    }
    return result;
  };
  partial.simdgroups = spread(layout.simdgroups); // lowest, so that partial results of SIMD groups are dense
  int64_t simdgroupPartials = partials;
  partial.lanes = spread(layout.lanes);
  partial.shape = resultShape;
  partial.shape.insert(partial.shape.begin(), partials);

  SmallVector<Value> sources(reduce.getSrcs());
  Region *region = &regionFor(layout, sources, loc);
  SmallVector<Value> elements;
  for (Value source : sources)
    elements.push_back(get(*region, source, {layout, 0}));
  SmallVector<Value> accumulators;
  for (Value source : sources)
    accumulators.push_back(newTile(elementOf(source), partial, loc));
  Builder b = at(*region, loc);
  Value index = registerOf(*region);
  auto putAll = [&](Builder &b, ValueRange values, ValueRange tiles, Value at) {
    for (auto [value, tile] : llvm::zip_equal(values, tiles))
      tm::PutOp::create(b, value, tile, at);
  };
  auto getAll = [&](Builder &b, ValueRange tiles, Value at) {
    SmallVector<Value> values;
    for (Value tile : tiles)
      values.push_back(tm::GetOp::create(b, cast<tm::TileType>(tile.getType()).getElementType(), tile, at));
    return values;
  };
  if (axisRegisters == 0) {
    putAll(b, elements, accumulators, index);
  } else {
    // The register loop runs in order, so the first register along the axis starts the accumulator.
    Value place = bits(b, index, registerImages);
    if (!place)
      place = arith::ConstantIntOp::create(b, 0, 32);
    // A comparison of the index itself lets compilers peel the first trip.
    bool isWholeIndex = axisRegisters == (int64_t(1) << layout.registers.size()) - 1;
    Value along = index;
    if (!isWholeIndex)
      along = arith::AndIOp::create(b, index, arith::ConstantIntOp::create(b, axisRegisters, 32));
    Value first =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, along, arith::ConstantIntOp::create(b, 0, 32));
    auto branch = scf::IfOp::create(b, first, /*withElseRegion=*/true);
    Builder then(loc, module.getContext());
    then.setInsertionPoint(branch.thenYield());
    putAll(then, elements, accumulators, place);
    then.setInsertionPoint(branch.elseYield());
    putAll(then, combine(then, reduce.getCombineOp(), getAll(then, accumulators, place), elements),
           accumulators, place);
  }
  closeRegion();

  // Across lanes.
  for (unsigned bit = 0; bit < layout.lanes.size(); ++bit) {
    if (!bitsOfAxis.holds(layout.lanes[bit]))
      continue;
    SmallVector<Value> received;
    for (Value tile : accumulators)
      received.push_back(newTile(cast<tm::TileType>(tile.getType()).getElementType(), partial, loc));
    Builder outer = uniform(loc);
    for (auto [from, to] : llvm::zip_equal(accumulators, received))
      tm::ShuffleXorOp::create(outer, from, to, int64_t(1) << bit);
    Region &step = newRegion(partial, loc);
    Builder inner = at(step, loc);
    Value place = registerOf(step);
    putAll(inner,
           combine(inner, reduce.getCombineOp(), getAll(inner, accumulators, place),
                   getAll(inner, received, place)),
           accumulators, place);
    closeRegion();
  }

  // Across SIMD groups, through threadgroup memory.
  LinearLayout resultLayout = layout.sliced(axis);
  SmallVector<Value> results;
  Region *last;
  if (simdgroupPartials > 1) {
    LinearLayout among = partial;
    among.shape[0] = simdgroupPartials;
    for (int64_t &basis : among.lanes)
      if (basis >= resultCount)
        basis = 0;
    SmallVector<Value> arrays;
    Builder outer = uniform(loc);
    for (Value source : sources)
      arrays.push_back(tm::SharedOp::create(
          outer, tm::SharedType::get(module.getContext(), resultCount * simdgroupPartials, elementOf(source)),
          IntegerAttr()));
    Region &send = newRegion(among, loc);
    Value position = elementIndex(send, {among, 0}, loc);
    Value owner = ownerMask(send, among, loc);
    Builder inner = at(send, loc);
    for (auto [array, value] : llvm::zip_equal(arrays, getAll(inner, accumulators, registerOf(send))))
      tm::SharedStoreOp::create(inner, value, array, position, owner);
    last = &newRegion(resultLayout, loc);
    Value element = elementIndex(*last, {resultLayout, 0}, loc);
    inner = at(*last, loc);
    auto receive = [&](Builder &b, Value from) {
      SmallVector<Value> values;
      Value offset = arith::MulIOp::create(b, from, arith::ConstantIntOp::create(b, resultCount, 32));
      Value place = arith::AddIOp::create(b, offset, element);
      for (Value array : arrays)
        values.push_back(tm::SharedLoadOp::create(b, cast<tm::SharedType>(array.getType()).getElementType(),
                                                  array, place));
      return values;
    };
    auto constant = [&](int64_t value) { return arith::ConstantIntOp::create(inner, value, 32); };
    results = receive(inner, constant(0));
    if (simdgroupPartials <= 4) {
      for (int64_t from = 1; from < simdgroupPartials; ++from)
        results = combine(inner, reduce.getCombineOp(), results, receive(inner, constant(from)));
    } else {
      auto loop = scf::ForOp::create(inner, constant(1), constant(simdgroupPartials), constant(1), results);
      Builder body(loc, module.getContext());
      body.setInsertionPointToEnd(loop.getBody());
      SmallVector<Value> next = combine(body, reduce.getCombineOp(), loop.getRegionIterArgs(),
                                        receive(body, loop.getInductionVar()));
      scf::YieldOp::create(body, next);
      results.assign(loop.getResults().begin(), loop.getResults().end());
    }
  } else {
    last = &newRegion(resultLayout, loc);
    Builder inner = at(*last, loc);
    results = getAll(inner, accumulators, registerOf(*last));
  }
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results)) {
    if (isa<RankedTensorType>(result.getType())) {
      define(result, *last, value, {resultLayout, 0});
      continue;
    }
    OpBuilder outside(last->op);
    Value tile = tm::TileOp::create(
        outside, loc, tm::TileType::get(module.getContext(), result.getType(), attribute(resultLayout)));
    Builder inner = at(*last, loc);
    tm::PutOp::create(inner, value, tile, registerOf(*last));
    Builder outer = uniform(loc);
    Value zero = arith::ConstantIntOp::create(outer, 0, 32);
    scalars.map(result, tm::GetOp::create(outer, result.getType(), tile, zero));
  }
  if (!isa<RankedTensorType>(op->getResult(0).getType()))
    closeRegion();
}

void Distributor::lowerScan(Operation *op) {
  auto scan = cast<tt::ScanOp>(op);
  Location loc = op->getLoc();
  int axis = scan.getAxis();
  std::vector<int64_t> shape = shapeOf(scan.getSrcs()[0]);
  LinearLayout layout = LinearLayout::blockedAlong(shape, axis, simdgroups);
  AxisBits bitsOfAxis(shape, axis);
  int64_t extent = shape[axis];
  int64_t flip = scan.getReverse() ? bitsOfAxis.mask() : 0; // a reverse scan is a scan of the mirrored block
  int laneBits = std::min(5, bitsOfAxis.count);
  auto constant = [&](Builder &b, int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };

  Region *region = &newRegion(layout, loc);
  SmallVector<Value> tiles, received;
  for (Value source : scan.getSrcs()) {
    Value element = get(*region, source, {layout, flip});
    Value tile = newTile(elementOf(source), layout, loc);
    Builder b = at(*region, loc);
    tm::PutOp::create(b, element, tile, registerOf(*region));
    tiles.push_back(tile);
    received.push_back(newTile(elementOf(source), layout, loc));
  }
  closeRegion();
  auto getAll = [&](Builder &b, ValueRange from, Value at) {
    SmallVector<Value> values;
    for (Value tile : from)
      values.push_back(tm::GetOp::create(b, cast<tm::TileType>(tile.getType()).getElementType(), tile, at));
    return values;
  };
  auto update = [&](Region &step, Value condition, ValueRange before) {
    Builder b = at(step, loc);
    SmallVector<Value> own = getAll(b, tiles, registerOf(step));
    SmallVector<Value> both = combine(b, scan.getCombineOp(), before, own);
    for (auto [old, updated, tile] : llvm::zip_equal(own, both, tiles)) {
      Value chosen = arith::SelectOp::create(b, condition, updated, old);
      tm::PutOp::create(b, chosen, tile, registerOf(step));
    }
  };
  // Within the lanes of a SIMD group.
  for (int bit = 0; bit < laneBits; ++bit) {
    Builder outer = uniform(loc);
    for (auto [from, to] : llvm::zip_equal(tiles, received))
      tm::ShuffleUpOp::create(outer, from, to, int64_t(1) << bit);
    Region &step = newRegion(layout, loc);
    Builder b = at(step, loc);
    Value lane = arith::AndIOp::create(b, tm::LaneOp::create(b, b.getI32Type()),
                                       constant(b, (int64_t(1) << laneBits) - 1));
    Value reached = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, lane, constant(b, int64_t(1) << bit));
    SmallVector<Value> before = getAll(b, received, registerOf(step));
    update(step, reached, before);
    closeRegion();
  }
  // Runs of 32 elements, one behind the other: their totals are scanned by one thread for each line of the
  // block.
  int64_t runs = extent / 32;
  if (runs > 1) {
    int64_t lines = layout.numElements() / extent;
    SmallVector<Value> totals;
    Builder outer = uniform(loc);
    for (Value source : scan.getSrcs())
      totals.push_back(tm::SharedOp::create(
          outer, tm::SharedType::get(module.getContext(), lines * runs, elementOf(source)), IntegerAttr()));
    auto position = [&](Region &step, Value &run) { // of this element's line and run in `totals`
      Value element = elementIndex(step, {layout, 0}, loc);
      Builder b = at(step, loc);
      Value along = arith::ShRUIOp::create(b, element, constant(b, bitsOfAxis.shift));
      run =
          arith::ShRUIOp::create(b, arith::AndIOp::create(b, along, constant(b, extent - 1)), constant(b, 5));
      Value low = arith::AndIOp::create(b, element, constant(b, (int64_t(1) << bitsOfAxis.shift) - 1));
      Value high = arith::ShRUIOp::create(b, element, constant(b, bitsOfAxis.shift + bitsOfAxis.count));
      Value line = arith::AddIOp::create(
          b, arith::MulIOp::create(b, high, constant(b, int64_t(1) << bitsOfAxis.shift)), low);
      return Value(arith::AddIOp::create(b, arith::MulIOp::create(b, line, constant(b, runs)), run));
    };
    Region &send = newRegion(layout, loc);
    Value run;
    Value place = position(send, run);
    Value owner = ownerMask(send, layout, loc);
    Builder b = at(send, loc);
    Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tm::LaneOp::create(b, b.getI32Type()),
                                         constant(b, 31));
    for (auto [array, value] : llvm::zip_equal(totals, getAll(b, tiles, registerOf(send))))
      tm::SharedStoreOp::create(b, value, array, place, andMask(b, owner, isLast));

    LinearLayout lineLayout = blocked({lines});
    Region &sum = newRegion(lineLayout, loc);
    sum.op.setVectorizable(false);
    Value line = elementIndex(sum, {lineLayout, 0}, loc);
    Value lineOwner = ownerMask(sum, lineLayout, loc);
    b = at(sum, loc);
    if (lineOwner) {
      auto branch = scf::IfOp::create(b, lineOwner, /*withElseRegion=*/false);
      b.setInsertionPoint(branch.thenYield());
    }
    auto loadAll = [&](Builder &b, Value at) {
      SmallVector<Value> values;
      for (Value array : totals)
        values.push_back(
            tm::SharedLoadOp::create(b, cast<tm::SharedType>(array.getType()).getElementType(), array, at));
      return values;
    };
    Value start = arith::MulIOp::create(b, line, constant(b, runs));
    auto loop = scf::ForOp::create(b, constant(b, 1), constant(b, runs), constant(b, 1), loadAll(b, start));
    if (!loop.getBody()->empty())
      loop.getBody()->back().erase();
    Builder body(loc, module.getContext());
    body.setInsertionPointToEnd(loop.getBody());
    Value spot = arith::AddIOp::create(body, start, loop.getInductionVar());
    SmallVector<Value> next =
        combine(body, scan.getCombineOp(), loop.getRegionIterArgs(), loadAll(body, spot));
    for (auto [array, value] : llvm::zip_equal(totals, next))
      tm::SharedStoreOp::create(body, value, array, spot, Value());
    scf::YieldOp::create(body, next);

    Region &receive = newRegion(layout, loc);
    place = position(receive, run);
    b = this->at(receive, loc);
    Value isLater = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, run, constant(b, 0));
    Value previous = arith::SubIOp::create(b, place, arith::ExtUIOp::create(b, b.getI32Type(), isLater));
    update(receive, isLater, loadAll(b, previous));
    closeRegion();
  }
  for (auto [result, tile] : llvm::zip_equal(op->getResults(), tiles)) {
    Block block;
    block.tile = tile;
    block.layout = layout;
    block.flip = flip;
    blocks[result] = block;
  }
}

void Distributor::lowerHistogram(Operation *op) {
  auto histogram = cast<tt::HistogramOp>(op);
  Location loc = op->getLoc();
  int64_t bins = shapeOf(op->getResult(0))[0];
  Value source = histogram.getSrc(), mask = histogram.getMask();
  closeRegion();
  Builder outer = uniform(loc);
  Value array = tm::SharedOp::create(
      outer, tm::SharedType::get(module.getContext(), bins, outer.getI32Type()), IntegerAttr());
  LinearLayout binLayout = blocked({bins});
  Region &clear = newRegion(binLayout, loc);
  Value place = elementIndex(clear, {binLayout, 0}, loc);
  Value owner = ownerMask(clear, binLayout, loc);
  Builder b = at(clear, loc);
  tm::SharedStoreOp::create(b, arith::ConstantIntOp::create(b, 0, 32), array, place, owner);

  LinearLayout layout = layoutFor(source);
  Region &count = newRegion(layout, loc);
  count.op.setVectorizable(false);
  Value bin = get(count, source, {layout, 0});
  Value chosen = mask ? get(count, mask, {layout, 0}) : Value();
  owner = ownerMask(count, layout, loc);
  b = at(count, loc);
  Type type = bin.getType();
  Value inside;
  if (type.getIntOrFloatBitWidth() == 1 || (int64_t(1) << std::min(62u, type.getIntOrFloatBitWidth())) > bins)
    inside =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, bin, arith::ConstantIntOp::create(b, type, bins));
  if (type.getIntOrFloatBitWidth() > 32)
    bin = arith::TruncIOp::create(b, b.getI32Type(), bin);
  else if (type.getIntOrFloatBitWidth() < 32)
    bin = arith::ExtUIOp::create(b, b.getI32Type(), bin);
  Value one = arith::ConstantIntOp::create(b, 1, 32);
  tm::SharedAtomicAddOp::create(b, one, array, bin, andMask(b, andMask(b, owner, chosen), inside));

  Region &read = newRegion(binLayout, loc);
  place = elementIndex(read, {binLayout, 0}, loc);
  b = at(read, loc);
  Value value = tm::SharedLoadOp::create(b, b.getI32Type(), array, place);
  Type wanted = elementOf(op->getResult(0));
  if (wanted.getIntOrFloatBitWidth() > 32)
    value = arith::ExtUIOp::create(b, wanted, value);
  else if (wanted.getIntOrFloatBitWidth() < 32)
    value = arith::TruncIOp::create(b, wanted, value);
  define(op->getResult(0), read, value, {binLayout, 0});
}

void Distributor::lowerGather(Operation *op) {
  auto gather = cast<tt::GatherOp>(op);
  Location loc = op->getLoc();
  Value source = gather.getSrc(), indices = gather.getIndices();
  LinearLayout layout = layoutFor(indices);
  closeRegion();
  Value array = materializeShared(source, loc);
  Region &region = newRegion(layout, loc);
  Value index = get(region, indices, {layout, 0});
  std::vector<int64_t> shape = shapeOf(source);
  int axis = gather.getAxis();
  Builder b = at(region, loc);
  auto constant = [&](Builder &b, int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };
  if (index.getType().getIntOrFloatBitWidth() > 32)
    index = arith::TruncIOp::create(b, b.getI32Type(), index);
  else if (index.getType().getIntOrFloatBitWidth() < 32)
    index = arith::ExtUIOp::create(b, b.getI32Type(), index);
  // Out of range is undefined in Triton; staying inside of the block keeps it harmless.
  index = arith::AndIOp::create(b, index, constant(b, shape[axis] - 1));
  Value position;
  for (int dim = 0; dim < int(shape.size()); ++dim) {
    Value coord = dim == axis ? index : coordinate(region, {layout, 0}, dim, loc);
    b = at(region, loc);
    position = position ? Value(arith::AddIOp::create(
                              b, arith::MulIOp::create(b, position, constant(b, shape[dim])), coord))
                        : coord;
  }
  define(op->getResult(0), region, tm::SharedLoadOp::create(b, elementOf(source), array, position),
         {layout, 0});
}

} // namespace tmetal
