// SPDX-License-Identifier: MIT
// Dot products as few and large matrix products.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

/// The product of matrices on the last two axes, exact up to the rounding of its sum; the axes before them
/// broadcast. `aType`, `bType`: the kernel's element types. `op` is what a refusal names.
mlir::Value dotProduct(Emitter &e, mlir::Value a, mlir::Value b, mlir::Type aType, mlir::Type bType,
                       mlir::Type resultType, mlir::Operation *op);

} // namespace tmetal::raising
