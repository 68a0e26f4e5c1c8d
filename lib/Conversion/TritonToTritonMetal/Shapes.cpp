// SPDX-License-Identifier: MIT
// Views, and blocks that are read at other positions than their own.
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

void lowerNothing(Distribution &, Operation *) {}

void lowerShape(Distribution &, Operation *op) {
  auto isBlockValue = [](Value value) { return isBlock(value); };
  if (llvm::none_of(op->getOperands(), isBlockValue) && llvm::none_of(op->getResults(), isBlockValue))
    refuse(op, "It has no block operand.");
}

void lowerUnsplat(Distribution &d, Operation *op) {
  d.scalars.map(op->getResult(0), scalarOf(d, op->getOperand(0), op->getLoc()));
}

/// The row-major index in the source of the element that a thread gathers.
static Value gatheredIndex(Distribution &d, ThreadRegion &region, tt::GatherOp gather) {
  Location loc = gather.getLoc();
  Request own = region.ownRequest();
  Value index = pull(d, region, gather.getIndices(), own);
  std::vector<int64_t> shape = shapeOf(gather.getSrc());
  int axis = gather.getAxis();
  Builder b = region.at(loc);
  unsigned width = index.getType().getIntOrFloatBitWidth();
  if (width > 32)
    index = arith::TruncIOp::create(b, b.getI32Type(), index);
  else if (width < 32)
    index = arith::ExtUIOp::create(b, b.getI32Type(), index);
  // An index out of range is undefined in Triton; keeping it inside of the block makes it harmless.
  index = arith::AndIOp::create(b, index, constant(b, shape[axis] - 1));
  Value position;
  for (int dim = 0; dim < int(shape.size()); ++dim) {
    Value coord = dim == axis ? index : coordinate(region, own, dim, loc);
    b = region.at(loc);
    position = position ? Value(arith::AddIOp::create(
                              b, arith::MulIOp::create(b, position, constant(b, shape[dim])), coord))
                        : coord;
  }
  return position;
}

void lowerGather(Distribution &d, Operation *op) {
  auto gather = cast<tt::GatherOp>(op);
  Location loc = op->getLoc();
  const LinearLayout &layout = d.plan.layoutOf(op);
  Value source = gather.getSrc();
  d.code.closeRegion();
  if (!passesWhole(d, source)) {
    Type i32 = IntegerType::get(op->getContext(), 32);
    ThreadRegion &region = regionFor(d, layout, gather.getIndices(), loc);
    Value index = gatheredIndex(d, region, gather);
    Value indices = newTile(d, i32, layout, loc);
    Builder b = region.at(loc);
    tm::PutOp::create(b, index, indices, region.registerIndex());
    d.code.closeRegion();
    auto wanted = [&](ThreadRegion &reader) -> Value {
      Builder b = reader.at(loc);
      return tm::GetOp::create(b, i32, indices, reader.registerIndex());
    };
    d.blocks.keepTile(op->getResult(0), exchangeInParts(d, source, layout, wanted, loc), {layout, 0});
    return;
  }
  Value array = threadgroupCopyOf(d, source, loc);
  ThreadRegion &region = d.code.openRegion(layout, loc);
  Value position = gatheredIndex(d, region, gather);
  Builder b = region.at(loc);
  Value element = tm::SharedLoadOp::create(b, elementOf(source), array, position);
  d.blocks.keepScalar(op->getResult(0), region, element, region.ownRequest());
}

} // namespace tmetal
