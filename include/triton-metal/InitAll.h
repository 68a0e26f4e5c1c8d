// SPDX-License-Identifier: MIT
// Registration of all dialects and passes, for tools.
#pragma once

#include "triton-metal/Conversion/Passes.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/Passes.h"

namespace tmetal {

inline void registerAllDialects(mlir::DialectRegistry &registry) {
  tt::registerAllDialects(registry);
  registry.insert<mlxir::MLXDialect, tm::TMDialect,
                  mlir::func::FuncDialect>(); // a raised graph is a func.func of mlx operations
}

inline void registerAllPasses() {
  mlir::registerTransformsPasses();
  tt::registerTritonTransformsPasses();
  tt::registerSharedPipeline();
  registerConversionPasses();
  tm::registerTritonMetalTransformsPasses();
}

} // namespace tmetal
