// SPDX-License-Identifier: MIT
// Conversions between kinds of floating-point numbers, also those of 8 bits, which MLX has not.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

/// The array's element type for a kernel's element type (fp8 travels as ui8), and the one that memory has (i1
/// is a byte).
mlir::Type arrayElement(mlir::Type type);
mlir::Type memoryElement(mlir::Type type);

/// From and to element types of the kernel; to nearest even or toward zero, and fp8 saturates. `op` is what a
/// refusal names.
mlir::Value convertFloat(Emitter &e, mlir::Value a, mlir::Type from, mlir::Type to, bool towardZero,
                         mlir::Operation *op);

} // namespace tmetal::raising
