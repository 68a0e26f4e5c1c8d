// SPDX-License-Identifier: MIT
// Element types that an engine does not do right are refused before it sees them.
#pragma once

#include "mlir/IR/Operation.h"

#include <optional>
#include <string>

namespace tmetal {

enum class EngineKind { Metal, MLX };

/// Why the engine refuses the element types of the operation, as a sentence; nothing when it does them right.
/// What depends on the device is left to those who know the device.
std::optional<std::string> refusedType(mlir::Operation *op, EngineKind engine);

} // namespace tmetal
