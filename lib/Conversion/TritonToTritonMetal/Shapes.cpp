// SPDX-License-Identifier: MIT
// Views, and blocks that are read at other positions than their own.
#include "Materialize.h"
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

void lowerGather(Distribution &d, Operation *op) {
  auto gather = cast<tt::GatherOp>(op);
  Location loc = op->getLoc();
  d.code.closeRegion();
  Value array = threadgroupCopyOf(d, gather.getSrc(), loc);
  ThreadRegion &region = d.code.openRegion(d.plan.layoutOf(op), loc);
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
  Value element = tm::SharedLoadOp::create(b, elementOf(gather.getSrc()), array, position);
  d.blocks.keepScalar(op->getResult(0), region, element, own);
}

} // namespace tmetal
