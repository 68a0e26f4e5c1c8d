// SPDX-License-Identifier: MIT
// Replaces blocks that a loop moves by the same step in each trip by functions of a trip counter.
//
//   ptrs += BLOCK * stride   ->   ptrs = start + trip * (BLOCK * stride)
//
// Sums of integers wrap, and so does the product, so the two agree in every trip. Offsets of pointers are
// sign-extended to 64 bits before the multiplication, because the additions do so too.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tmetal::tt {

#define GEN_PASS_DEF_SIMPLIFYINDUCTION
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

struct SimplifyInductionPass : impl::SimplifyInductionBase<SimplifyInductionPass> {
  void runOnOperation() final {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      simplify(loop);
  }

  /// The step by which the carried value moves in each trip, or null.
  static Value stepOf(scf::ForOp loop, unsigned index) {
    BlockArgument argument = loop.getRegionIterArgs()[index];
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return {};
    Operation *next = loop.getBody()->getTerminator()->getOperand(index).getDefiningOp();
    if (!next)
      return {};
    Value step;
    if (auto add = dyn_cast<AddPtrOp>(next); add && add.getPtr() == argument)
      step = add.getOffset();
    else if (auto add = dyn_cast<arith::AddIOp>(next))
      step = add.getLhs() == argument ? add.getRhs() : add.getRhs() == argument ? add.getLhs() : Value();
    if (!step)
      return {};
    // The step must be the same in each trip, and cheap to recompute wherever it is used.
    if (!loop.isDefinedOutsideOfLoop(step)) {
      Operation *constant = step.getDefiningOp();
      if (!constant)
        return {};
      if (!isa<arith::ConstantOp>(constant)) {
        auto splat = dyn_cast<SplatOp>(constant);
        if (!splat || !loop.isDefinedOutsideOfLoop(splat.getSrc()))
          return {};
      }
      constant->moveBefore(loop);
    }
    return step;
  }

  static void simplify(scf::ForOp loop) {
    SmallVector<std::pair<unsigned, Value>> moving;
    for (unsigned index = 0; index < loop.getNumRegionIterArgs(); ++index)
      if (Value step = stepOf(loop, index))
        moving.push_back({index, step});
    if (moving.empty())
      return;
    Location loc = loop.getLoc();
    OpBuilder builder(loop);
    Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64),
          one = arith::ConstantIntOp::create(builder, loc, 1, 64);
    SmallVector<Value> inits(loop.getInitArgs());
    inits.push_back(zero);
    auto copy =
        scf::ForOp::create(builder, loc, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
    copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
    if (loop.getUnsignedCmp())
      copy.setUnsignedCmp(true);
    mlir::Block *body = copy.getBody();
    if (!body->empty())
      body->back().erase();
    Value trip = copy.getRegionIterArgs().back();
    SmallVector<Value> arguments{copy.getInductionVar()};
    for (Value argument : copy.getRegionIterArgs().drop_back())
      arguments.push_back(argument);
    builder.setInsertionPointToEnd(body);
    // The value after `trips` trips.
    auto moved = [&](Value init, Value step, Value trips) -> Value {
      auto type = cast<RankedTensorType>(init.getType());
      bool pointers = isa<PointerType>(type.getElementType());
      Type number = pointers ? builder.getI64Type() : type.getElementType();
      Type numbers = type.clone(number);
      if (step.getType() != numbers)
        step = arith::ExtSIOp::create(builder, loc, numbers, step);
      if (number.getIntOrFloatBitWidth() < 64)
        trips = arith::TruncIOp::create(builder, loc, number, trips);
      Value distance =
          arith::MulIOp::create(builder, loc, step, SplatOp::create(builder, loc, numbers, trips));
      if (pointers)
        return AddPtrOp::create(builder, loc, type, init, distance);
      return arith::AddIOp::create(builder, loc, init, distance);
    };
    for (auto [index, step] : moving)
      arguments[index + 1] = moved(loop.getInitArgs()[index], step, trip);
    IRMapping map;
    for (auto [from, to] : llvm::zip_equal(loop.getBody()->getArguments(), arguments))
      map.map(from, to);
    for (Operation &op : loop.getBody()->without_terminator())
      builder.clone(op, map);
    SmallVector<Value> next;
    for (Value value : loop.getBody()->getTerminator()->getOperands())
      next.push_back(map.lookupOrDefault(value));
    for (auto [index, step] : moving)
      next[index] = copy.getRegionIterArgs()[index]; // no longer used
    next.push_back(arith::AddIOp::create(builder, loc, trip, one));
    scf::YieldOp::create(builder, loc, next);
    builder.setInsertionPointAfter(copy);
    SmallVector<Value> results(copy.getResults().drop_back());
    for (auto [index, step] : moving)
      if (!loop.getResult(index).use_empty())
        results[index] = moved(loop.getInitArgs()[index], step, copy.getResults().back());
    loop.replaceAllUsesWith(results);
    loop.erase();
  }
};

} // namespace
} // namespace tmetal::tt
