// SPDX-License-Identifier: MIT
// Refuses element types that an engine does not support, before the engine sees them.
#pragma once

#include "mlir/IR/Operation.h"

#include <optional>
#include <string>

namespace tmetal {

enum class EngineKind { Metal, MLX };

/// A sentence that says why the engine refuses the element types of the operation, or nothing if it supports
/// them. Limits of devices are checked by code that knows the device.
std::optional<std::string> refusedType(mlir::Operation *op, EngineKind engine);

} // namespace tmetal
