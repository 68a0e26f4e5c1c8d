#pragma once
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
namespace tmetal::tt {
inline void buildSharedPipeline(mlir::OpPassManager &pm){ pm.addPass(mlir::createInlinerPass()); pm.addPass(mlir::createCanonicalizerPass()); pm.addPass(mlir::createLoopInvariantCodeMotionPass()); pm.addPass(mlir::createCSEPass()); pm.addPass(mlir::createSymbolDCEPass());}
inline void registerAllDialects(mlir::DialectRegistry &r){ r.insert<TritonDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect, mlir::cf::ControlFlowDialect, mlir::ub::UBDialect>(); }
}
