// SPDX-License-Identifier: MIT
// Barriers of the program and messages to the host.
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"
#include "ScalarBody.h"

#include "triton-metal/Support/Types.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

void lowerBarrier(Distribution &d, Operation *op) {
  Builder b = d.code.uniform(op->getLoc());
  tm::BarrierOp::create(b, tm::MemoryFence::Both);
}

void lowerPrint(Distribution &d, Operation *op) {
  auto print = cast<tt::PrintOp>(op);
  Location loc = op->getLoc();
  SmallVector<Value> values, coordinates, blocks;
  llvm::copy_if(print.getArgs(), std::back_inserter(blocks),
                [](Value argument) { return isBlock(argument); });
  if (blocks.empty()) {
    d.code.single(loc, [&](Builder &b) {
      for (Value argument : print.getArgs())
        values.push_back(d.scalar(argument));
      tm::PrintOp::create(b, print.getPrefix(), print.getHex(), values, ValueRange(), print.getIsSigned());
    });
    return;
  }
  if (!llvm::all_of(blocks, [&](Value block) { return shapeOf(block) == shapeOf(blocks.front()); }))
    refuse(op, "Blocks of different shapes cannot be printed together.");
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), print.getArgs(), loc);
  region.getOp().setVectorizable(false);
  Request own = region.ownRequest();
  for (Value argument : print.getArgs())
    values.push_back(pull(d, region, argument, own));
  for (int dim = 0; dim < int(own.layout.shape.size()); ++dim)
    coordinates.push_back(coordinate(region, own, dim, loc));
  Value owner = ownerMask(region, region.getLayout(), loc);
  Builder b = region.at(loc);
  onlyWhere(b, owner);
  tm::PrintOp::create(b, print.getPrefix(), print.getHex(), values, coordinates, print.getIsSigned());
}

void lowerAssert(Distribution &d, Operation *op) {
  auto assertion = cast<tt::AssertOp>(op);
  Location loc = op->getLoc();
  Value condition = assertion.getCondition();
  if (!isBlock(condition)) {
    d.code.single(loc,
                  [&](Builder &b) { tm::AssertOp::create(b, d.scalar(condition), assertion.getMessage()); });
    return;
  }
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), condition, loc);
  region.getOp().setVectorizable(false);
  Value holds = pull(d, region, condition, region.ownRequest());
  Value owner = ownerMask(region, region.getLayout(), loc);
  Builder b = region.at(loc);
  onlyWhere(b, owner); // only the owning thread reports
  tm::AssertOp::create(b, holds, assertion.getMessage());
}

void lowerThreadMessage(Builder &b, Operation *op) {
  if (auto print = dyn_cast<tt::PrintOp>(op))
    tm::PrintOp::create(b, print.getPrefix(), print.getHex(), print.getArgs(), ValueRange(),
                        print.getIsSigned());
  else
    tm::AssertOp::create(b, op->getOperand(0), cast<tt::AssertOp>(op).getMessage());
}

} // namespace tmetal
