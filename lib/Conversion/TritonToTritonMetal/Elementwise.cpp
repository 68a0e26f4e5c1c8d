// SPDX-License-Identifier: MIT
// Operations that treat each element by itself.
#include "Materialize.h"
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"
#include "ScalarBody.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

void lowerScalar(Distribution &d, Operation *op) {
  if (!isMemoryEffectFree(op))
    d.code.closeRegion();
  Builder b = d.code.ahead(op->getLoc());
  b.clone(*op, d.scalars);
}

void lowerElementwise(Distribution &d, Operation *op) {
  auto isBlockValue = [](Value value) { return isBlock(value); };
  if (llvm::none_of(op->getOperands(), isBlockValue) && llvm::none_of(op->getResults(), isBlockValue))
    return lowerScalar(d, op);
  if (llvm::all_of(op->getResults(), [&](Value result) { return d.plan.isRecomputed(result); }))
    return;
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), op->getOperands(), op->getLoc());
  Request own = region.ownRequest();
  for (Value result : op->getResults())
    d.blocks.keepScalar(result, region, pull(d, region, result, own), own);
}

/// The element number `index` of `source` in the group of `pack` consecutive elements around its own.
static Request memberOf(const Request &own, Value source, int64_t pack, int64_t index) {
  SmallVector<int64_t> images;
  for (int64_t bit = 1; bit < own.layout.numElements(); bit <<= 1)
    images.push_back(bit < pack ? 0 : bit);
  return own.through(shapeOf(source), images, index);
}

void lowerMapElementwise(Distribution &d, Operation *op) {
  auto map = cast<tt::MapElementwiseOp>(op);
  Location loc = op->getLoc();
  ThreadRegion &region = d.code.openRegion(d.plan.layoutOf(op), loc);
  Request own = region.ownRequest();
  int64_t pack = map.getPack();
  // The scalars of the group of `pack` consecutive elements that this thread's element belongs to.
  Block &body = map.getScalarOp().front();
  IRMapping inner;
  unsigned argument = 0;
  for (Value source : map.getSrcs())
    for (int64_t i = 0; i < pack; ++i)
      inner.map(body.getArgument(argument++), pull(d, region, source, memberOf(own, source, pack, i)));
  // The body of a group of elements runs for each of its elements, but has its effects once.
  Value when;
  if (hasEffects(map.getScalarOp())) {
    when = ownerMask(region, own.layout, loc);
    if (pack > 1) {
      Builder b = region.at(loc);
      Value element = elementIndex(region, own, loc);
      Value place = arith::AndIOp::create(b, element, constant(b, pack - 1));
      when = andMask(b, when, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, constant(b, 0)));
    }
  }
  Builder b = region.at(loc);
  inlineBody(d, region, b, body, inner, when);
  Value position;
  if (pack > 1) {
    Value mask = constant(b, pack - 1);
    position = arith::AndIOp::create(b, elementIndex(region, own, loc), mask);
  }
  Operation *end = body.getTerminator();
  for (auto [number, result] : llvm::enumerate(op->getResults())) {
    Value value = inner.lookupOrDefault(end->getOperand(number * pack));
    b = region.at(loc);
    for (int64_t i = 1; i < pack; ++i) {
      Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, position, constant(b, i));
      value =
          arith::SelectOp::create(b, here, inner.lookupOrDefault(end->getOperand(number * pack + i)), value);
    }
    d.blocks.keepScalar(result, region, value, own);
  }
}

} // namespace tmetal
