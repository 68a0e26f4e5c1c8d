// SPDX-License-Identifier: MIT
#include "Distributor.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tmetal {

void distributeKernel(ModuleOp module, const MslOptions &options) { Distributor(module, options).run(); }

void lowerToTritonMetal(ModuleOp module, const MslOptions &options) {
  auto runPasses = [&](llvm::function_ref<void(OpPassManager &)> add) {
    PassManager passes(module.getContext());
    add(passes);
    if (failed(passes.run(module)))
      throw Error(ErrorKind::Unsupported, "The kernel cannot be lowered to Metal.");
  };
  runPasses([](OpPassManager &passes) {
    passes.addPass(createSimplifyInductionPass());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  });
  distributeKernel(module, options);
  runPasses([](OpPassManager &passes) {
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    passes.addPass(createLoopInvariantCodeMotionPass());
    passes.addPass(createSpecializeFullTilesPass());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  });
}

} // namespace tmetal
