// SPDX-License-Identifier: MIT
// Prints a kernel in the `tm` dialect as Metal text.
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MSL.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// Prints the only tm.kernel of `module`, after threadgroup memory is allocated and barriers are
/// placed. Throws Error (Unsupported).
MslKernel printMsl(mlir::ModuleOp module, const MslOptions &options);

} // namespace tmetal
