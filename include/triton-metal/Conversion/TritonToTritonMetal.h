// SPDX-License-Identifier: MIT
// From block programs (`tt`) to the threads of a threadgroup (`tm`).
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MSL.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// Everything from a module after the shared passes to one that can be printed. Throws Error.
void lowerToTritonMetal(mlir::ModuleOp module, const MslOptions &options);

} // namespace tmetal
