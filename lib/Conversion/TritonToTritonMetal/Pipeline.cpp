// SPDX-License-Identifier: MIT
#include "Distributor.h"

#include "triton-metal/Conversion/Passes.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"
#include "triton-metal/Target/Profiles.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tmetal {

#define GEN_PASS_DEF_DISTRIBUTE
#include "triton-metal/Conversion/Passes.h.inc"

namespace {
struct DistributePass : impl::DistributeBase<DistributePass> {
  using DistributeBase::DistributeBase;

  void runOnOperation() final {
    MslOptions options;
    options.simdgroups = simdgroups;
    options.aliasGroups.assign(aliasGroups.begin(), aliasGroups.end());
    try {
      Distributor(getOperation(), options, operandBytes).run();
    } catch (const Error &error) {
      getOperation().emitError() << error.what();
      signalPassFailure();
    }
  }
};
} // namespace

void lowerToTritonMetal(ModuleOp module, const MslOptions &options) {
  // The distribution is no pass here, so that its errors can be thrown: nobody else loads what it makes.
  module.getContext()->loadDialect<tm::TMDialect, tt::TritonDialect, arith::ArithDialect, scf::SCFDialect>();
  auto runPasses = [&](ModuleOp on, llvm::function_ref<void(OpPassManager &)> add) {
    PassManager passes(module.getContext());
    add(passes);
    if (failed(passes.run(on)))
      throw Error(ErrorKind::Unsupported, "The kernel cannot be lowered to Metal.");
  };
  runPasses(module, [&](OpPassManager &passes) {
    if (options.fpFusion)
      passes.addPass(tt::createFuseMultiplyAdd());
    passes.addPass(tt::createSimplifyInduction());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  });
  const TargetInfo &target = targetInfo(options.arch);
  int64_t limit = target.threadgroupMemory, maxThreads = target.maxThreadsPerThreadgroup;
  if (32 * int64_t(options.simdgroups) > maxThreads)
    throw OutOfResources(32 * int64_t(options.simdgroups), maxThreads, "threads");
  tm::AllocateThreadgroupMemoryOptions allocation;
  allocation.limit = std::numeric_limits<int64_t>::max(); // decided below
  // With less threadgroup memory for the operands of products they pass through it in more, thinner slices.
  int64_t least = 0;
  for (int64_t operandBytes = limit; operandBytes >= 2048; operandBytes /= 2) {
    OwningOpRef<ModuleOp> attempt(module.clone());
    Distributor(*attempt, options, operandBytes).run();
    runPasses(*attempt, [&](OpPassManager &passes) {
      passes.addPass(createCanonicalizerPass());
      passes.addPass(createCSEPass());
      passes.addPass(createLoopInvariantCodeMotionPass());
      passes.addPass(tm::createSpecializeFullTiles());
      passes.addPass(createCanonicalizerPass());
      passes.addPass(createCSEPass());
      passes.addPass(tm::createAllocateThreadgroupMemory(allocation));
      passes.addPass(tm::createPlaceBarriers());
    });
    int64_t bytes = 0;
    for (tm::KernelOp kernel : attempt->getOps<tm::KernelOp>())
      bytes = kernel.getThreadgroupBytes().value_or(0);
    if (bytes <= limit) {
      module.getBodyRegion().takeBody(attempt->getBodyRegion());
      return;
    }
    if (least != 0 && bytes >= least)
      break; // thinner slices do not help
    least = bytes;
  }
  throw OutOfResources(least, limit, "shared memory");
}

} // namespace tmetal
