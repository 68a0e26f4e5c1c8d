// SPDX-License-Identifier: MIT
#pragma once

#include "triton-metal/Analysis/KernelFacts.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// The public function of the module, or null.
tt::FuncOp findKernel(mlir::ModuleOp module);
/// The same, or an Error (Compile).
tt::FuncOp kernelIn(mlir::ModuleOp module);

/// The facts of the kernel in a module that has been through the shared passes. Throws Error.
KernelFacts analyzeKernel(mlir::ModuleOp module);

} // namespace tmetal
