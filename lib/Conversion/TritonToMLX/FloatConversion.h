// SPDX-License-Identifier: MIT
// Conversions between floating-point types, including the 8-bit ones that MLX lacks.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

/// The type that an element type of the kernel has in memory: a byte for i1.
mlir::Type memoryElement(mlir::Type type);

/// Converts between element types of the kernel, to nearest even or toward zero; 8-bit floats saturate.
mlir::Value convertFloat(Emitter &e, mlir::Value a, mlir::Type from, mlir::Type to, bool towardZero);

} // namespace tmetal::raising
