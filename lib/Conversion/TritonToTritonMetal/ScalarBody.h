// SPDX-License-Identifier: MIT
// Writes the functions that combine or map single elements, for the scalars of one thread.
#pragma once

#include "Distribution.h"

namespace tmetal {

/// Whether the region prints, asserts, or writes memory. Its code must then run once for each call that the
/// program makes: not for copies of an element, and not where the result is dropped.
bool hasEffects(mlir::Region &body);

/// Writes the operations of a body, without its terminator, in `region`. `map` has its arguments. Effects
/// happen only where `when` is true; null means everywhere.
void inlineBody(Distribution &d, ThreadRegion &region, mlir::ImplicitLocOpBuilder &b, mlir::Block &body,
                mlir::IRMapping &map, mlir::Value when);

/// Combines two elements with the region of a reduction or scan. Its effects happen only where `when` is
/// true; null means everywhere.
llvm::SmallVector<mlir::Value> combine(Distribution &d, ThreadRegion &region, mlir::ImplicitLocOpBuilder &b,
                                       mlir::Region &combiner, mlir::ValueRange left, mlir::ValueRange right,
                                       mlir::Value when);

/// Writes an access to device memory, or a message, for the scalars of one thread. The access happens only
/// where `when` is true; null means everywhere. Returns what is loaded, else null.
mlir::Value lowerThreadAccess(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op, mlir::Value when);
void lowerThreadMessage(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op);

} // namespace tmetal
