// SPDX-License-Identifier: MIT
// Lowers block programs (`tt`) to the threads of a threadgroup (`tm`).
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MSL.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// Lowers a module that has been through the shared passes until it can be printed. Throws Error.
void lowerToTritonMetal(mlir::ModuleOp module, const MslOptions &options);

} // namespace tmetal
