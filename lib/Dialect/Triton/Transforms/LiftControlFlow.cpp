// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Conversion/ControlFlowToSCF/ControlFlowToSCF.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CFGToSCF.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace tmetal::tt {
#define GEN_PASS_DEF_LIFTCONTROLFLOW
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

struct Lifting : ControlFlowToSCFTransformation {
  // Even a loop without an exit needs a terminator behind it; the values that it returns are never used.
  FailureOr<Operation *> createUnreachableTerminator(Location loc, OpBuilder &builder,
                                                     Region &region) override {
    TypeRange types;
    SmallVector<Type> elements;
    auto function = dyn_cast<FuncOp>(region.getParentOp());
    if (function) {
      types = function.getResultTypes();
    } else if (auto map = dyn_cast<MapElementwiseOp>(region.getParentOp())) {
      for (Type type : map.getResultTypes())
        elements.append(map.getPack(), getElementTypeOrSelf(type));
      types = elements;
    } else {
      return failure();
    }
    SmallVector<Value> values;
    for (Type type : types)
      values.push_back(getUndefValue(loc, builder, type));
    if (function)
      return ReturnOp::create(builder, loc, values).getOperation();
    return MapElementwiseReturnOp::create(builder, loc, values).getOperation();
  }
};

// if (arg == case0) {...} else if (arg == case1) {...} else {default}
void expandSwitch(scf::IndexSwitchOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto moveInto = [&](Region &from, Block *to) {
    if (!to->empty())
      to->getTerminator()->erase();
    to->getOperations().splice(to->end(), from.front().getOperations());
  };
  // Compares the integer from which the index was cast, so that the engines need not handle the index type.
  Value choice = op.getArg();
  if (auto cast = choice.getDefiningOp<arith::IndexCastUIOp>())
    choice = cast.getIn();
  SmallVector<Value> results;
  scf::IfOp outer;
  ArrayRef<int64_t> cases = op.getCases();
  if (cases.empty()) {
    Block *block = &op.getDefaultRegion().front();
    Operation *yield = block->getTerminator();
    results.assign(yield->operand_begin(), yield->operand_end());
    yield->erase();
    op->getBlock()->getOperations().splice(op->getIterator(), block->getOperations());
  }
  for (auto [index, value] : llvm::enumerate(cases)) {
    Value constant = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(choice.getType(), value));
    Value equal = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, choice, constant);
    auto branch = scf::IfOp::create(builder, loc, op.getResultTypes(), equal, /*withElseRegion=*/true);
    moveInto(op.getCaseRegions()[index], branch.thenBlock());
    if (index == 0)
      outer = branch;
    else
      scf::YieldOp::create(builder, loc, branch.getResults());
    Block *rest = branch.elseBlock();
    if (index + 1 == cases.size()) {
      moveInto(op.getDefaultRegion(), rest);
    } else {
      if (!rest->empty())
        rest->getTerminator()->erase();
      builder.setInsertionPointToEnd(rest);
    }
  }
  if (outer)
    results.assign(outer.result_begin(), outer.result_end());
  op->replaceAllUsesWith(results);
  op->erase();
}

struct LiftControlFlowPass : impl::LiftControlFlowBase<LiftControlFlowPass> {
  void runOnOperation() override {
    // The front end leaves an unreachable block behind each return.
    IRRewriter rewriter(&getContext());
    (void)eraseUnreachableBlocks(rewriter, getOperation()->getRegions());

    Lifting lifting;
    auto lift = [&](Operation *op) -> WalkResult {
      for (Region &region : op->getRegions()) {
        if (region.empty() || region.hasOneBlock())
          continue;
        Operation *first = region.front().getTerminator();
        DominanceInfo dominance(op);
        if (failed(transformCFGToSCF(region, lifting, dominance)))
          return emitError(first->getLoc())
                 << "[" << first->getName() << "] These branches cannot be made structured.";
      }
      return WalkResult::advance();
    };
    // Inner regions come first, because the transformation moves whole operations.
    if (getOperation()->walk<WalkOrder::PostOrder>(lift).wasInterrupted())
      return signalPassFailure();

    SmallVector<scf::IndexSwitchOp> switches;
    getOperation()->walk([&](scf::IndexSwitchOp op) { switches.push_back(op); });
    for (scf::IndexSwitchOp op : switches)
      expandSwitch(op);
  }
};

} // namespace
} // namespace tmetal::tt
