// SPDX-License-Identifier: MIT
// Passes on the `tt` dialect that all engines share, and the pipeline built from them.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace tmetal::tt {

#define GEN_PASS_DECL
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

/// The first passes of the shared pipeline, up to the one that widens arithmetic on storage types.
void buildWideningPipeline(mlir::OpPassManager &passes);

/// Turns what Triton's front end writes into one structured kernel without calls, branches, descriptors and
/// scaled products.
void buildSharedPipeline(mlir::OpPassManager &passes);

/// Whether the module is what both engines take: one public function without calls, branches between blocks
/// and descriptors, with values of Triton's types only. Reports what is not.
llvm::LogicalResult checkKernel(mlir::ModuleOp module);
/// The same, but throws Error (Compile) besides.
void requireKernel(mlir::ModuleOp module);

/// Registers the pipeline as `tt-shared-pipeline`.
void registerSharedPipeline();

/// Registers every dialect that may occur in TTIR. Any other operation is an error
/// with its position in the text.
void registerAllDialects(mlir::DialectRegistry &registry);

} // namespace tmetal::tt
