// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/ValueFlow.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal {

bool appendPassedOn(Value value, SmallVectorImpl<Value> &values) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    unsigned i = argument.getArgNumber();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      if (i == 0)
        return false;
      values.push_back(loop.getInitArgs()[i - 1]);
      values.push_back(loop.getYieldedValues()[i - 1]);
      return true;
    }
    auto loop = dyn_cast<scf::WhileOp>(parent);
    if (!loop)
      return false;
    if (argument.getOwner() == loop.getBeforeBody()) {
      values.push_back(loop.getInits()[i]);
      values.push_back(loop.getYieldOp().getOperand(i));
    } else {
      values.push_back(loop.getConditionOp().getArgs()[i]);
    }
    return true;
  }
  auto result = cast<OpResult>(value);
  unsigned i = result.getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(result.getOwner())) {
    values.push_back(loop.getInitArgs()[i]);
    values.push_back(loop.getYieldedValues()[i]);
  } else if (auto branch = dyn_cast<scf::IfOp>(result.getOwner())) {
    values.push_back(branch.thenYield().getOperand(i));
    values.push_back(branch.elseYield().getOperand(i));
  } else if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner())) {
    values.push_back(loop.getConditionOp().getArgs()[i]);
  } else {
    return false;
  }
  return true;
}

/// Values that flow into `value` directly.
static SmallVector<Value> sourcesOf(Value value) {
  SmallVector<Value> sources;
  auto add = [&](ValueRange range) { sources.append(range.begin(), range.end()); };
  bool isPassedOn = appendPassedOn(value, sources);
  Operation *op = value.getDefiningOp();
  if (!op) {
    Operation *parent = value.getParentBlock()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent); loop && !isPassedOn)
      add({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
    else if (!isPassedOn && !isa<tt::FuncOp>(parent))
      add(parent->getOperands());
    return sources;
  }
  // The conditions and bounds that select which value is passed on.
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    add({loop.getLowerBound(), loop.getUpperBound()});
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    add(branch.getCondition());
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    add(loop.getConditionOp().getCondition());
  } else {
    add(op->getOperands());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          add(inner.getOperands());
  }
  return sources;
}

llvm::SetVector<Value> backwardSlice(ArrayRef<Value> roots, llvm::function_ref<bool(Value)> enter) {
  llvm::SetVector<Value> slice(roots.begin(), roots.end());
  for (unsigned i = 0; i < slice.size(); ++i)
    if (enter(slice[i]))
      for (Value source : sourcesOf(slice[i]))
        slice.insert(source);
  return slice;
}

} // namespace tmetal
