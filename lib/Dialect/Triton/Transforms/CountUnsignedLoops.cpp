// SPDX-License-Identifier: MIT
// Turns loops whose bounds are compared as unsigned numbers into loops over a trip counter.
//
//   for unsigned i = a to b step s   ->   for k = 0 to (a < b ? (b - a - 1) / s + 1 : 0): i = a + k * s
//
// The quotient is unsigned and the counter has 64 bits, so the count is exact for every loop of up
// to 32 bits.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal::tt {

#define GEN_PASS_DEF_COUNTUNSIGNEDLOOPS
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

struct CountUnsignedLoopsPass : impl::CountUnsignedLoopsBase<CountUnsignedLoopsPass> {
  void runOnOperation() final {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop.getUnsignedCmp())
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      count(loop);
  }

  static void count(scf::ForOp loop) {
    Location loc = loop.getLoc();
    OpBuilder builder(loop);
    Type narrow = loop.getInductionVar().getType(), wide = builder.getI64Type();
    Value lower = loop.getLowerBound(), step = loop.getStep();
    Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64),
          one = arith::ConstantIntOp::create(builder, loc, 1, 64),
          most = arith::ConstantIntOp::create(builder, loc, INT64_MAX, 64);
    auto widened = [&](Value value) -> Value {
      if (narrow.isIndex())
        return arith::IndexCastUIOp::create(builder, loc, wide, value);
      return narrow == wide ? value : arith::ExtUIOp::create(builder, loc, wide, value);
    };
    auto narrowed = [&](Value value) -> Value {
      if (narrow.isIndex())
        return arith::IndexCastUIOp::create(builder, loc, narrow, value);
      return narrow == wide ? value : arith::TruncIOp::create(builder, loc, narrow, value);
    };
    Value first = widened(lower), last = widened(loop.getUpperBound());
    Value any = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, first, last);
    Value distance =
        arith::SubIOp::create(builder, loc, arith::SubIOp::create(builder, loc, last, first), one);
    Value trips = arith::AddIOp::create(builder, loc,
                                        arith::DivUIOp::create(builder, loc, distance, widened(step)), one);
    trips = arith::MinUIOp::create(builder, loc, trips, most); // no loop gets that far anyway
    trips = arith::SelectOp::create(builder, loc, any, trips, zero);

    auto copy = scf::ForOp::create(builder, loc, zero, trips, one, loop.getInitArgs());
    copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
    Block *body = copy.getBody();
    if (!body->empty())
      body->back().erase();
    body->getOperations().splice(body->end(), loop.getBody()->getOperations());
    builder.setInsertionPointToStart(body);
    Value distanceSoFar = arith::MulIOp::create(builder, loc, narrowed(copy.getInductionVar()), step);
    Value induction = arith::AddIOp::create(builder, loc, lower, distanceSoFar);
    loop.getInductionVar().replaceAllUsesWith(induction);
    for (auto [old, now] : llvm::zip_equal(loop.getRegionIterArgs(), copy.getRegionIterArgs()))
      old.replaceAllUsesWith(now);
    loop.replaceAllUsesWith(copy.getResults());
    loop.erase();
  }
};

} // namespace
} // namespace tmetal::tt
