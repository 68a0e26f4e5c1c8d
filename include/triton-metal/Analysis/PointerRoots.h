// SPDX-License-Identifier: MIT
// Finds which arguments of the kernel a pointer may point into, and which accesses may touch the same memory.
#pragma once

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace tmetal {

/// The parameters of the kernel that a pointer may have been computed from.
struct Roots {
  llvm::SmallVector<unsigned, 2> parameters; // their numbers, in ascending order
  /// Whether it may also point to unknown memory, because it was kept in a tile or made from an integer.
  bool isUnknown = false;

  /// The one parameter that it was certainly computed from, if there is just one.
  std::optional<unsigned> single() const {
    return isUnknown || parameters.size() != 1 ? std::nullopt : std::optional<unsigned>(parameters[0]);
  }
  /// Whether it may point into the argument for `parameter`, provided that no two arguments overlap.
  bool mayBe(unsigned parameter) const { return isUnknown || llvm::is_contained(parameters, parameter); }
};

/// Follows pointers, blocks of pointers and tensor descriptors back to the parameters of the kernel, through
/// arithmetic, shape operations, selections and control flow. Results are cached, so nothing but barriers may
/// be added to the kernel in the meantime.
class PointerRoots {
public:
  /// `kernel`: a tt.func or a tm.kernel.
  explicit PointerRoots(mlir::Operation *kernel) : entry(&kernel->getRegion(0).front()) {}

  Roots of(mlir::Value pointer);

private:
  mlir::Block *entry;
  llvm::DenseMap<mlir::Value, Roots> known;
};

/// Which arguments of a launch may overlap: those with parameters in one group,
/// numbered from 0. No others do.
class AliasGroups {
public:
  AliasGroups() = default;
  /// Takes a number for each parameter; parameters without one are in no group.
  explicit AliasGroups(llvm::ArrayRef<int64_t> groups) : groups(groups) {}
  /// Takes a number for each parameter that is a pointer.
  static AliasGroups ofPointers(mlir::TypeRange parameters, llvm::ArrayRef<int> groups);

  llvm::ArrayRef<int64_t> numbers() const { return groups; }
  /// Whether the arguments for two parameters may share memory.
  bool mayOverlap(unsigned a, unsigned b) const { return a == b || (group(a) >= 0 && group(a) == group(b)); }
  /// Whether two pointers may point to the same memory. An unknown pointer may point anywhere.
  bool mayOverlap(const Roots &a, const Roots &b) const;

private:
  int64_t group(unsigned parameter) const { return parameter < groups.size() ? groups[parameter] : -1; }

  llvm::SmallVector<int64_t> groups;
};

} // namespace tmetal
