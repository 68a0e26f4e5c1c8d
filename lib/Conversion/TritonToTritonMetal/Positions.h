// SPDX-License-Identifier: MIT
// Code that computes which element a thread of a region works on.
#pragma once

#include "RegionBuilder.h"

namespace tmetal {

/// The row-major index of the requested element.
mlir::Value elementIndex(ThreadRegion &region, const Request &request, mlir::Location loc);
/// Its coordinate along `dim`.
mlir::Value coordinate(ThreadRegion &region, const Request &request, int dim, mlir::Location loc);
/// True in exactly one of the threads that hold an element; null when only one does.
mlir::Value ownerMask(ThreadRegion &region, const LinearLayout &layout, mlir::Location loc);
/// The value of each thread in `tile`, at the register that `place` gives.
mlir::Value readRegister(ThreadRegion &region, mlir::Value tile, const OwnRegister &place,
                         mlir::Location loc);

/// The exclusive or of the contributions of the bits of `source`; null when there are none.
mlir::Value mapBits(mlir::ImplicitLocOpBuilder &b, mlir::Value source, llvm::ArrayRef<int64_t> contributions);
/// Either mask may be null, which means true.
mlir::Value andMask(mlir::ImplicitLocOpBuilder &b, mlir::Value mask, mlir::Value other);
/// Makes the code that `b` writes from now on run only where `mask`, if any, is true.
void onlyWhere(mlir::ImplicitLocOpBuilder &b, mlir::Value mask);

} // namespace tmetal
