// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/IR/Foreign.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tmetal::tt {

void buildWideningPipeline(OpPassManager &passes) {
  // Branches are lifted before inlining, because a body of several blocks cannot be inlined into a loop.
  passes.addPass(createLiftControlFlow());
  // Combiners call functions, and widening must see what they compute.
  passes.addPass(createInlineCalls());
  passes.addPass(createWidenStorageArithmetic());
}

void buildSharedPipeline(OpPassManager &passes) {
  // Before anything folds: folders compute in 8 bits, where overflow differs.
  buildWideningPipeline(passes);
  passes.addPass(createCountUnsignedLoops());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createLowerDescriptors());
  passes.addPass(createLowerScaledDots());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createCSEPass());
  passes.addPass(createCheckKernel());
}

void registerSharedPipeline() {
  PassPipelineRegistration<>("tt-shared-pipeline",
                             "one structured kernel without calls, branches, descriptors and scaled products",
                             buildSharedPipeline);
}

void registerAllDialects(DialectRegistry &registry) {
  registry.insert<TritonDialect, arith::ArithDialect, math::MathDialect, scf::SCFDialect,
                  cf::ControlFlowDialect, ub::UBDialect, llvmir::LLVMDialect, ttg::TTGDialect>();
}

} // namespace tmetal::tt
