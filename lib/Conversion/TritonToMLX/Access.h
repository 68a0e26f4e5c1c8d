// SPDX-License-Identifier: MIT
// One load or store of all programs, and the box of lanes that it covers.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"

#include "mlir/IR/Operation.h"

namespace tmetal::raising {

struct Access {
  mlir::Operation *op = nullptr;
  int storage = -1;
  mlir::Type element;        // kernel element type
  IndexExpr offset;          // known part, in elements of the storage
  mlir::Value dynamicOffset; // or null
  Condition condition;       // lanes that are on
  mlir::Value dynamicMask;   // or null
  Extents extents;
};

/// One or more axes of an access, nested row by row, with the bounds that the mask gives them.
struct BoxAxis {
  llvm::SmallVector<unsigned, 2> sources; // outermost first
  int64_t extent = 1, low = 0, high = 1;  // lanes [low, high) are on
  int64_t stride = 0;
  bool clipped() const { return low > 0 || high < extent; }
  int64_t size() const { return high - low; }
};

struct Box {
  llvm::SmallVector<BoxAxis, 4> axes;
  Condition rest; // what the bounds do not say
  bool empty = false;
  int64_t first = 0; // offset of the first lane that is on
};

/// Axes over which the mask is an interval get bounds, if they are movable; everything else stays in `rest`.
Box planBox(const Access &access, llvm::ArrayRef<bool> movable);
Box planBox(const Access &access); // every axis is movable

/// The bounds of a box axis as conditions again.
void addBounds(Condition &condition, const BoxAxis &axis, llvm::ArrayRef<int64_t> extents);

} // namespace tmetal::raising
