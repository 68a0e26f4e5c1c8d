// SPDX-License-Identifier: MIT
// Which of the kernel's arguments a pointer points into, and which accesses may meet in memory.
#pragma once

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace tmetal {

/// The kernel's parameters that a pointer may have been made from.
struct Roots {
  llvm::SmallVector<unsigned, 2> parameters; // by number, ascending
  /// It may also point to memory that is not followed: it was kept in a tile, or made from a number.
  bool isUnknown = false;

  /// The one parameter that it was certainly made from.
  std::optional<unsigned> single() const {
    return isUnknown || parameters.size() != 1 ? std::nullopt : std::optional<unsigned>(parameters[0]);
  }
  /// Whether it may point into the argument for `parameter`, if no two arguments overlap.
  bool mayBe(unsigned parameter) const { return isUnknown || llvm::is_contained(parameters, parameter); }
};

/// Follows pointers, blocks of pointers and tensor descriptors back to the kernel's parameters: through
/// arithmetic, shape operations, selections and control flow. Nothing but barriers may be added to the kernel
/// meanwhile.
class PointerRoots {
public:
  /// `kernel`: a tt.func or a tm.kernel.
  explicit PointerRoots(mlir::Operation *kernel) : entry(&kernel->getRegion(0).front()) {}

  Roots of(mlir::Value pointer);

private:
  mlir::Block *entry;
  llvm::DenseMap<mlir::Value, Roots> known;
};

/// Which arguments of a launch may overlap. Parameters of one group, 0 or more, may; all others lie apart.
class AliasGroups {
public:
  AliasGroups() = default;
  /// One number for each parameter; too few mean no group.
  explicit AliasGroups(llvm::ArrayRef<int64_t> groups) : groups(groups) {}
  /// One number for each parameter that is a pointer.
  static AliasGroups ofPointers(mlir::TypeRange parameters, llvm::ArrayRef<int> groups);

  llvm::ArrayRef<int64_t> numbers() const { return groups; }
  /// Whether the arguments for two parameters may share memory.
  bool mayOverlap(unsigned a, unsigned b) const { return a == b || (group(a) >= 0 && group(a) == group(b)); }
  /// Whether two pointers may point to the same memory: what is not known may point anywhere.
  bool mayOverlap(const Roots &a, const Roots &b) const;

private:
  int64_t group(unsigned parameter) const { return parameter < groups.size() ? groups[parameter] : -1; }

  llvm::SmallVector<int64_t> groups;
};

} // namespace tmetal
