// SPDX-License-Identifier: MIT
// Which accesses to device memory may meet.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include <vector>

namespace tmetal {

/// An access by the threads of a region.
struct DeviceAccess {
  Roots roots; // of the pointers
  mlir::Value pointers;
  bool writes = false;
};

class DeviceMemory {
public:
  /// `aliasGroups`: one for each pointer parameter; those with equal numbers may overlap.
  DeviceMemory(tt::FuncOp function, llvm::ArrayRef<int> aliasGroups);

  /// What the pointer, or each of a block, may have been made from.
  Roots rootsOf(mlir::Value pointer) const { return roots.of(pointer); }
  /// Whether the kernel may store to what `pointer` points to.
  bool isStored(mlir::Value pointer) const;
  /// Whether `access`, by the threads of a region with this layout, must wait for `earlier` ones of it.
  bool conflicts(llvm::ArrayRef<DeviceAccess> earlier, const LinearLayout &layout,
                 const DeviceAccess &access) const;
  /// For each parameter, -1 for those that are no pointers or overlap with none.
  llvm::ArrayRef<int64_t> getGroups() const { return groups.numbers(); }

private:
  bool isInjective(mlir::Value pointers) const;

  mutable PointerRoots roots; // remembers what it has followed
  AliasGroups groups;
  std::vector<Roots> stored; // one for each operation that writes
};

} // namespace tmetal
