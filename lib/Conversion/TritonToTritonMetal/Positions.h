// SPDX-License-Identifier: MIT
// Code that says which element a thread of a region works on.
#pragma once

#include "RegionBuilder.h"

namespace tmetal {

/// Row-major index of the requested element.
mlir::Value elementIndex(ThreadRegion &region, const Request &request, mlir::Location loc);
/// Its coordinate along `dim`.
mlir::Value coordinate(ThreadRegion &region, const Request &request, int dim, mlir::Location loc);
/// True in one of the threads that hold an element; null when there is only one.
mlir::Value ownerMask(ThreadRegion &region, const LinearLayout &layout, mlir::Location loc);
/// What each thread has in `tile` at the register that `place` says.
mlir::Value readRegister(ThreadRegion &region, mlir::Value tile, const OwnRegister &place,
                         mlir::Location loc);

/// The exclusive or of what the bits of `source` contribute; null when they contribute nothing.
mlir::Value mapBits(mlir::ImplicitLocOpBuilder &b, mlir::Value source, llvm::ArrayRef<int64_t> contributions);
/// Either mask may be null, which is true.
mlir::Value andMask(mlir::ImplicitLocOpBuilder &b, mlir::Value mask, mlir::Value other);
/// What `b` writes from now on is done only where `mask`, if any, is true.
void onlyWhere(mlir::ImplicitLocOpBuilder &b, mlir::Value mask);

} // namespace tmetal
