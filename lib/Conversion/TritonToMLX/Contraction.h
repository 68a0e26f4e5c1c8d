// SPDX-License-Identifier: MIT
// Dot products as few and large matrix products.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

/// Multiplies matrices on the last two axes, exactly except for the rounding of the sums, and broadcasts the
/// axes in front of them. `aType` and `bType` are the element types in the kernel; a refusal names `op`.
mlir::Value dotProduct(Emitter &e, mlir::Value a, mlir::Value b, mlir::Type aType, mlir::Type bType,
                       mlir::Type resultType, mlir::Operation *op);

} // namespace tmetal::raising
