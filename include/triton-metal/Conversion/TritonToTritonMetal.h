// SPDX-License-Identifier: MIT
// From block programs (`tt`) to the threads of a threadgroup (`tm`).
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MSL.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace tmetal {

/// Everything from a module after the shared passes to one that can be printed. Throws Error.
void lowerToTritonMetal(mlir::ModuleOp module, const MslOptions &options);

/// A row of the table of operations.
struct MetalForm {
  const char *name; // Triton IR operation
  const char *form; // what it becomes, empty when refused
  const char *note; // why refused, or what to know
};
std::vector<MetalForm> metalForms();

} // namespace tmetal
