// SPDX-License-Identifier: MIT
// Passes on the `tm` dialect.
#pragma once

#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/Pass/Pass.h"

namespace tmetal::tm {

#define GEN_PASS_DECL
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h.inc"

} // namespace tmetal::tm
