// SPDX-License-Identifier: MIT
// Gets elements of blocks in a region: passes requests on to where they end.
#pragma once

#include "Distribution.h"

namespace tmetal {

/// The scalar of a thread of the region for the requested element, or the value itself if it is a scalar.
mlir::Value pull(Distribution &d, ThreadRegion &region, mlir::Value value, const Request &request);

/// The region for work in `layout` that uses `values`: the open one if possible, else a new one.
ThreadRegion &regionFor(Distribution &d, const LinearLayout &layout, mlir::ValueRange values,
                        mlir::Location loc);
/// The same for an access to device memory: accesses that it must wait for are in other regions.
ThreadRegion &regionFor(Distribution &d, const LinearLayout &layout, mlir::ValueRange values,
                        const DeviceAccess &access, mlir::Location loc);

} // namespace tmetal
