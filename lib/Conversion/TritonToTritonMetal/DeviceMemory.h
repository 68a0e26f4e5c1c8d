// SPDX-License-Identifier: MIT
// Decides which accesses to device memory may touch the same address.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include <vector>

namespace tmetal {

/// An access by the threads of one region.
struct DeviceAccess {
  Roots roots; // of the pointers
  mlir::Value pointers;
  bool writes = false;
};

class DeviceMemory {
public:
  /// `aliasGroups` has a number for each pointer parameter. Those with equal numbers may overlap.
  DeviceMemory(tt::FuncOp function, llvm::ArrayRef<int> aliasGroups);

  /// What the pointer, or each pointer of a block, may have been computed from.
  Roots rootsOf(mlir::Value pointer) const { return roots.of(pointer); }
  /// Whether the kernel may store to what `pointer` points to.
  bool isStored(mlir::Value pointer) const;
  /// Whether `access`, by the threads of a region with this layout, must wait for
  /// `earlier` ones of the region.
  bool conflicts(llvm::ArrayRef<DeviceAccess> earlier, const LinearLayout &layout,
                 const DeviceAccess &access) const;
  /// A number for each parameter: -1 if it is not a pointer or overlaps with no other.
  llvm::ArrayRef<int64_t> getGroups() const { return groups.numbers(); }
  const AliasGroups &getAliasGroups() const { return groups; }

private:
  bool isInjective(mlir::Value pointers) const;

  mutable PointerRoots roots; // caches its results
  AliasGroups groups;
  std::vector<Roots> stored; // one for each operation that writes
};

} // namespace tmetal
