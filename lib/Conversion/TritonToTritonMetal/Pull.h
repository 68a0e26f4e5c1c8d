// SPDX-License-Identifier: MIT
// Elements of blocks in a region: requests, and where they end.
#pragma once

#include "Distribution.h"

namespace tmetal {

/// The scalar that a thread of the region has for the requested element; the value itself if it is a scalar.
mlir::Value pull(Distribution &d, ThreadRegion &region, mlir::Value value, const Request &request);

/// The region for work at `layout` on `values`: the open one where that is possible.
ThreadRegion &regionFor(Distribution &d, const LinearLayout &layout, mlir::ValueRange values,
                        mlir::Location loc);
/// The same for an access to device memory: what it must wait for is in other regions.
ThreadRegion &regionFor(Distribution &d, const LinearLayout &layout, mlir::ValueRange values,
                        const DeviceAccess &access, mlir::Location loc);

/// Writes the operations of a region of scalars, without its terminator, whose arguments `map` knows.
void inlineBody(Distribution &d, mlir::ImplicitLocOpBuilder &b, mlir::Block &body, mlir::IRMapping &map);
/// Combines two elements by the region of a reduction or scan.
llvm::SmallVector<mlir::Value> combine(Distribution &d, mlir::ImplicitLocOpBuilder &b, mlir::Region &combiner,
                                       mlir::ValueRange left, mlir::ValueRange right);

} // namespace tmetal
