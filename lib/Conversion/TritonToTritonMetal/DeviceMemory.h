// SPDX-License-Identifier: MIT
// Which accesses to device memory may meet.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace tmetal {

/// An access by the threads of a region.
struct DeviceAccess {
  mlir::Value root; // the kernel's pointer parameter; null when it is not known
  mlir::Value pointers;
  bool writes = false;
};

class DeviceMemory {
public:
  /// `aliasGroups`: one for each pointer parameter; those with equal numbers may overlap.
  DeviceMemory(tt::FuncOp function, llvm::ArrayRef<int> aliasGroups);

  /// The pointer parameter that the pointer, or each of a block, stems from; null when it is not known.
  mlir::Value rootOf(mlir::Value pointer) const;
  bool mayAlias(mlir::Value rootA, mlir::Value rootB) const;
  /// Whether the kernel may store to what `root` points to.
  bool isStored(mlir::Value root) const;
  /// Whether `access`, by the threads of a region with this layout, must wait for `earlier` ones of it.
  bool conflicts(llvm::ArrayRef<DeviceAccess> earlier, const LinearLayout &layout,
                 const DeviceAccess &access) const;
  /// For each parameter, -1 for those that are no pointers or overlap with none.
  llvm::ArrayRef<int64_t> getGroups() const { return groups; }

private:
  bool isInjective(mlir::Value pointers) const;

  llvm::SmallVector<int64_t> groups;
  llvm::DenseMap<mlir::Value, int> aliasGroupOf; // of pointer parameters
  llvm::DenseSet<mlir::Value> storedRoots;
  bool storesUnknown = false;
};

} // namespace tmetal
