// SPDX-License-Identifier: MIT
#include "DeviceMemory.h"

#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal {

DeviceMemory::DeviceMemory(tt::FuncOp function, ArrayRef<int> aliasGroups) {
  unsigned pointerCount = 0;
  for (BlockArgument argument : function.getArguments()) {
    int group = -1;
    if (isa<tt::PointerType>(argument.getType())) {
      if (pointerCount < aliasGroups.size())
        group = aliasGroups[pointerCount];
      aliasGroupOf[argument] = group;
      ++pointerCount;
    }
    groups.push_back(group);
  }
  function.walk([&](Operation *op) {
    Value pointer;
    if (auto store = dyn_cast<tt::StoreOp>(op))
      pointer = store.getPtr();
    else if (isa<tt::AtomicRMWOp, tt::AtomicCASOp, tt::AtomicStoreOp>(op))
      pointer = op->getOperand(0);
    if (!pointer)
      return;
    if (Value root = rootOf(pointer))
      storedRoots.insert(root);
    else
      storesUnknown = true;
  });
}

Value DeviceMemory::rootOf(Value pointer) const {
  while (true) {
    if (auto argument = dyn_cast<BlockArgument>(pointer)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (isa<tt::FuncOp>(parent))
        return pointer;
      auto loop = dyn_cast<scf::ForOp>(parent);
      if (!loop || argument.getArgNumber() == 0)
        return {};
      // Carried through the loop: of one root when it only ever moves.
      Value init = loop.getInitArgs()[argument.getArgNumber() - 1];
      Value next = loop.getBody()->getTerminator()->getOperand(argument.getArgNumber() - 1);
      while (auto add = next.getDefiningOp<tt::AddPtrOp>())
        next = add.getPtr();
      if (next != pointer)
        return {};
      pointer = init;
      continue;
    }
    Operation *op = pointer.getDefiningOp();
    if (isa<tt::AddPtrOp, tt::SplatOp, tt::BroadcastOp, tt::ExpandDimsOp, tt::ReshapeOp, tt::TransOp,
            tt::BitcastOp, tt::UnsplatOp>(op))
      pointer = op->getOperand(0);
    else
      return {};
  }
}

bool DeviceMemory::mayAlias(Value rootA, Value rootB) const {
  if (!rootA || !rootB || rootA == rootB)
    return true;
  int groupA = aliasGroupOf.lookup(rootA), groupB = aliasGroupOf.lookup(rootB);
  return groupA >= 0 && groupA == groupB;
}

bool DeviceMemory::isStored(Value root) const {
  if (storesUnknown || !root)
    return storesUnknown || !storedRoots.empty();
  return llvm::any_of(storedRoots, [&](Value stored) { return mayAlias(root, stored); });
}

/// No two elements of the block are the same address: one dimension, moved by a constant step.
bool DeviceMemory::isInjective(Value pointers) const {
  if (!isBlock(pointers))
    return false;
  std::vector<int64_t> shape = shapeOf(pointers);
  if (llvm::count_if(shape, [](int64_t extent) { return extent > 1; }) > 1)
    return false;
  // The address is the range itself plus what is the same for the whole block.
  bool ranged = false;
  SmallVector<Value> work{pointers};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (isa<tt::SplatOp, arith::ConstantOp>(op))
      continue;
    if (isa<tt::MakeRangeOp>(op)) {
      if (ranged)
        return false;
      ranged = true;
    } else if (isa<tt::AddPtrOp, arith::AddIOp>(op)) {
      work.push_back(op->getOperand(0));
      work.push_back(op->getOperand(1));
    } else if (isa<tt::ExpandDimsOp, tt::ReshapeOp, tt::BroadcastOp, arith::ExtSIOp, arith::ExtUIOp>(op)) {
      work.push_back(op->getOperand(0));
    } else {
      return false;
    }
  }
  return ranged;
}

bool DeviceMemory::conflicts(ArrayRef<DeviceAccess> earlier, const LinearLayout &layout,
                             const DeviceAccess &access) const {
  // A thread that holds a copy of an element may come after the one that stores it.
  auto hasFree = [](ArrayRef<int64_t> bases) { return llvm::is_contained(bases, int64_t(0)); };
  bool copied = hasFree(layout.registers) || hasFree(layout.lanes) || hasFree(layout.simdgroups);
  for (const DeviceAccess &other : earlier) {
    if (!other.writes && !access.writes)
      continue;
    if (!mayAlias(other.root, access.root))
      continue;
    if (!copied && other.pointers == access.pointers && isInjective(access.pointers))
      continue; // each thread meets its own element again
    return true;
  }
  return false;
}

} // namespace tmetal
