// SPDX-License-Identifier: MIT
// Passes on the `tt` dialect that every engine shares, and the pipeline made of them.
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

/// From what Triton's front end writes to one structured kernel without calls, branches and descriptors.
void buildSharedPipeline(mlir::OpPassManager &passes);

/// The pipeline under the name `tt-shared-pipeline`.
void registerSharedPipeline();

/// Every dialect that TTIR can hold. Anything else in a text is an error with its position.
void registerAllDialects(mlir::DialectRegistry &registry);

} // namespace tmetal::tt
