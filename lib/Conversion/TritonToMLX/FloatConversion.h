// SPDX-License-Identifier: MIT
// Conversions between floating-point types, including the 8-bit ones that MLX lacks.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

/// The element type of the array for an element type of the kernel (fp8 is kept as ui8), and the type that it
/// has in memory (a byte for i1).
mlir::Type arrayElement(mlir::Type type);
mlir::Type memoryElement(mlir::Type type);

/// Converts between element types of the kernel, to nearest even or toward zero; fp8
/// saturates. A refusal names `op`.
mlir::Value convertFloat(Emitter &e, mlir::Value a, mlir::Type from, mlir::Type to, bool towardZero,
                         mlir::Operation *op);

} // namespace tmetal::raising
