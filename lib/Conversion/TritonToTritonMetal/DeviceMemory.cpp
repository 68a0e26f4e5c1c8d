// SPDX-License-Identifier: MIT
#include "DeviceMemory.h"

#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tmetal {

DeviceMemory::DeviceMemory(tt::FuncOp function, ArrayRef<int> aliasGroups)
    : roots(function), groups(AliasGroups::ofPointers(function.getArgumentTypes(), aliasGroups)) {
  function.walk([&](DeviceAccessOpInterface access) {
    if (access.writesMemory())
      stored.push_back(rootsOf(access.getAddress()));
  });
}

bool DeviceMemory::isStored(Value pointer) const {
  Roots read = rootsOf(pointer);
  return llvm::any_of(stored, [&](const Roots &written) { return groups.mayOverlap(read, written); });
}

/// Whether all elements of the block have different addresses: one dimension, moved by a constant step.
bool DeviceMemory::isInjective(Value pointers) const {
  if (!isBlock(pointers))
    return false;
  std::vector<int64_t> shape = shapeOf(pointers);
  if (llvm::count_if(shape, [](int64_t extent) { return extent > 1; }) > 1)
    return false;
  // The address must be the range itself plus a part that is the same for the whole block.
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
  // A thread that holds a copy of an element may run after the one that stores it.
  auto hasFree = [](ArrayRef<int64_t> bases) { return llvm::is_contained(bases, int64_t(0)); };
  bool copied = hasFree(layout.registers) || hasFree(layout.lanes) || hasFree(layout.simdgroups);
  for (const DeviceAccess &other : earlier) {
    if (!other.writes && !access.writes)
      continue;
    if (!groups.mayOverlap(other.roots, access.roots))
      continue;
    if (!copied && other.pointers == access.pointers && isInjective(access.pointers))
      continue; // each thread accesses its own element again
    return true;
  }
  return false;
}

} // namespace tmetal
