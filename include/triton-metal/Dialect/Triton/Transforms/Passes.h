// SPDX-License-Identifier: MIT
// Passes on the `tt` dialect that all engines share, and the pipeline built from them.
#pragma once

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

/// Registers the pipeline as `tt-shared-pipeline`.
void registerSharedPipeline();

/// Registers every dialect that may occur in TTIR. Any other operation is an error
/// with its position in the text.
void registerAllDialects(mlir::DialectRegistry &registry);

} // namespace tmetal::tt
