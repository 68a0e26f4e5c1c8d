// SPDX-License-Identifier: MIT
#pragma once

#include "triton-metal/Target/MLXGraph.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// Turns the only func.func of a module in the `mlx` dialect into a program for the runtime. Throws Error if
/// it is none.
GraphProgram translateToGraph(mlir::ModuleOp module);

} // namespace tmetal
