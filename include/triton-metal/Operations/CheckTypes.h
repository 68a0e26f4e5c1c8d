// SPDX-License-Identifier: MIT
// Refuses element types that an engine does not support, before the engine sees them.
#pragma once

#include "mlir/IR/Operation.h"
#include "mlir/IR/Types.h"

#include <optional>
#include <string>

namespace tmetal {

enum class EngineKind { Metal, MLX };

/// Whether engines only hold the bytes of values of this element type and cannot compute with them.
bool isStorageType(mlir::Type element);

/// Whether the operation is arithmetic on a storage type, which tt-widen-storage-arithmetic does in float32.
bool isComputedInFloat32(mlir::Operation *op);

/// The storage type of an operand or result, if the operation is arithmetic or unknown to the registry, so
/// that it would compute with the bytes; else null.
mlir::Type storageTypeInArithmetic(mlir::Operation *op);

/// A sentence that says why the engine refuses the element types of the operation, or nothing if it supports
/// them. Limits of devices are checked by code that knows the device.
std::optional<std::string> refusedType(mlir::Operation *op, EngineKind engine);

} // namespace tmetal
