// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Analysis/ValueFlow.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tmetal {

static bool isAddress(Value value) {
  return isa<tt::PointerType, tt::TensorDescType>(getElementTypeOrSelf(value.getType()));
}

/// Appends the addresses that `address` was computed from. Returns false if there are none.
static bool appendSources(Value address, SmallVectorImpl<Value> &sources) {
  if (appendPassedOn(address, sources))
    return true;
  auto addAddresses = [&](ValueRange values) {
    for (Value value : values)
      if (isAddress(value))
        sources.push_back(value);
  };
  Operation *op = address.getDefiningOp();
  if (!op) {
    // The argument of a combiner or similar region: an element of an operand.
    Operation *parent = address.getParentBlock()->getParentOp();
    if (!isa<tt::ReduceOp, tt::ScanOp, tt::MapElementwiseOp>(parent))
      return false;
    addAddresses(parent->getOperands());
    return true;
  }
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<tt::AddPtrOp, tt::SplatOp, tt::UnsplatOp, tt::ExpandDimsOp, tt::ReshapeOp, tt::BroadcastOp,
            tt::TransOp, tt::SplitOp, tt::GatherOp, tt::MakeTensorDescOp>([&](auto) {
        sources.push_back(op->getOperand(0));
        return true;
      })
      .Case<tt::CatOp, tt::JoinOp, arith::SelectOp>([&](auto) {
        addAddresses(op->getOperands());
        return true;
      })
      .Case([&](tt::BitcastOp) {
        addAddresses(op->getOperands());
        return !sources.empty();
      })
      .Case<tt::ReduceOp, tt::ScanOp, tt::MapElementwiseOp>([&](auto) {
        addAddresses(op->getOperands());
        for (Region &region : op->getRegions())
          addAddresses(region.front().getTerminator()->getOperands());
        return true;
      })
      .Case([](ub::PoisonOp) { return true; }) // never accessed
      .Default([](Operation *) { return false; });
}

Roots PointerRoots::of(Value pointer) {
  if (auto found = known.find(pointer); found != known.end())
    return found->second;
  Roots roots;
  llvm::SetVector<Value> reached;
  reached.insert(pointer);
  for (unsigned i = 0; i < reached.size(); ++i) {
    Value value = reached[i];
    if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == entry) {
      roots.parameters.push_back(argument.getArgNumber());
      continue;
    }
    SmallVector<Value> sources;
    roots.isUnknown |= !appendSources(value, sources);
    reached.insert(sources.begin(), sources.end());
  }
  llvm::sort(roots.parameters);
  return known[pointer] = roots;
}

AliasGroups AliasGroups::ofPointers(TypeRange parameters, ArrayRef<int> groups) {
  AliasGroups result;
  for (Type type : parameters) {
    bool isPointer = isa<tt::PointerType>(type);
    result.groups.push_back(isPointer && !groups.empty() ? groups.front() : -1);
    if (isPointer && !groups.empty())
      groups = groups.drop_front();
  }
  return result;
}

bool AliasGroups::mayOverlap(const Roots &a, const Roots &b) const {
  if (a.isUnknown || b.isUnknown)
    return true;
  return llvm::any_of(a.parameters, [&](unsigned ofA) {
    return llvm::any_of(b.parameters, [&](unsigned ofB) { return mayOverlap(ofA, ofB); });
  });
}

} // namespace tmetal
