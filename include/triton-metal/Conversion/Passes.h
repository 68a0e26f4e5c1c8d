// SPDX-License-Identifier: MIT
// Passes from one dialect to another.
#pragma once

#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace tmetal {

#define GEN_PASS_DECL
#include "triton-metal/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "triton-metal/Conversion/Passes.h.inc"

} // namespace tmetal
