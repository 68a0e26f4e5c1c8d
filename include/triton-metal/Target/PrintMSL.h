// SPDX-License-Identifier: MIT
// The text of a kernel in the `tm` dialect.
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MSL.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// Prints the one tm.kernel of `module`, threadgroup memory allocated and barriers placed. Throws Error
/// (Unsupported).
MslKernel printMsl(mlir::ModuleOp module, const MslOptions &options);

} // namespace tmetal
