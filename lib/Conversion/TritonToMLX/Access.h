// SPDX-License-Identifier: MIT
// A load or store of all programs, and the box of lanes that it covers.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"

#include "mlir/IR/Operation.h"

namespace tmetal::raising {

struct Access {
  mlir::Operation *op = nullptr;
  int storage = -1;
  mlir::Type element;        // element type in the kernel
  IndexExpr offset;          // the known part, in elements of the storage
  mlir::Value dynamicOffset; // or null
  Condition condition;       // lanes that act
  mlir::Value dynamicMask;   // or null
  Extents extents;
};

/// One or more axes of an access, nested in row-major order, with the bounds that the mask gives them.
struct BoxAxis {
  llvm::SmallVector<unsigned, 2> sources; // outermost first
  int64_t extent = 1, low = 0, high = 1;  // lanes [low, high) act
  int64_t stride = 0;
  bool clipped() const { return low > 0 || high < extent; }
  int64_t size() const { return high - low; }
};

struct Box {
  llvm::SmallVector<BoxAxis, 4> axes;
  Condition rest; // the part of the mask that the bounds do not express
  bool empty = false;
  int64_t first = 0; // offset of the first lane that acts
};

/// Movable axes over which the mask is an interval get bounds; everything else stays in `rest`.
Box planBox(const Access &access, llvm::ArrayRef<bool> movable);
Box planBox(const Access &access); // with every axis movable

/// Adds the bounds of a box axis to the condition.
void addBounds(Condition &condition, const BoxAxis &axis, llvm::ArrayRef<int64_t> extents);

} // namespace tmetal::raising
