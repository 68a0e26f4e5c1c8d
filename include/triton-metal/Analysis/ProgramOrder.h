// SPDX-License-Identifier: MIT
// What a kernel expects of its programs beyond each of them running by itself: an order of their accesses,
// which atomics with acquire and release give, and that one goes on while another waits for it.
#pragma once

#include "triton-metal/Analysis/PointerRoots.h"

#include "llvm/ADT/DenseSet.h"

namespace tmetal {

/// Decides which atomics of a kernel in the tt dialect order accesses of different programs. Triton's atomics
/// acquire and release unless told otherwise, so most of those that do order nothing that matters.
///
/// An order matters if one program accesses memory and then releases, and another one acquires, has the
/// result to know it by, and then accesses the same memory, not both of them only to read.
class ProgramOrder {
public:
  ProgramOrder(mlir::Operation *kernel, const AliasGroups &groups);

  /// Accesses that are ordered by atomics: `first` and then `release` in one program, `acquire` and then
  /// `second` in another.
  struct Ordered {
    mlir::Operation *first, *release, *acquire, *second;
  };
  /// One example, if there are any.
  const std::optional<Ordered> &example() const { return found; }
  /// Whether other programs see by this atomic what all threads of a program have done before.
  bool isRelease(mlir::Operation *op) const { return releases.contains(op); }
  /// Whether all threads see after this atomic what other programs have done.
  bool isAcquire(mlir::Operation *op) const { return acquires.contains(op); }

private:
  std::optional<Ordered> found;
  llvm::DenseSet<mlir::Operation *> releases, acquires;
};

/// A place where a program waits for another one.
struct Wait {
  mlir::Operation *op = nullptr; // what is read again and again
  bool isForever = false;        // nothing but a change that no loop has to notice can end it
};

/// The first place where a program may wait for others: a poll, or a loop that reads until others have
/// written. A loop that only tries again because another program was faster (a counter, a compare-and-swap
/// with the value that was there) waits for nobody.
std::optional<Wait> findWait(mlir::Operation *kernel, const AliasGroups &groups);

} // namespace tmetal
