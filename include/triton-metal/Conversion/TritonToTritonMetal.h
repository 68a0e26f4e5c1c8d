// SPDX-License-Identifier: MIT
// From block programs (`tt`) to the threads of a threadgroup (`tm`).
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MSL.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tmetal {

/// Replaces the tt.func of `module` by a tm.kernel. Throws Error: Unsupported for what a Metal kernel cannot
/// do right.
void distributeKernel(mlir::ModuleOp module, const MslOptions &options);

/// Induction variables of loops over blocks (pointers and offsets that move by the same step in each trip)
/// become functions of a scalar counter, so that no block has to be carried.
std::unique_ptr<mlir::Pass> createSimplifyInductionPass();

/// Gives regions whose masks hold for a whole block, and whose addresses do not wrap, a version without
/// masks, chosen by a condition that is the same for all threads.
std::unique_ptr<mlir::Pass> createSpecializeFullTilesPass();

/// Everything from a module after the shared passes to one that can be printed. Throws Error.
void lowerToTritonMetal(mlir::ModuleOp module, const MslOptions &options);

void registerTritonToTritonMetalPasses();

/// A row of the table of operations.
struct MetalForm {
  const char *name; // Triton IR operation
  const char *form; // what it becomes, empty when refused
  const char *note; // why refused, or what to know
};
std::vector<MetalForm> metalForms();

} // namespace tmetal
