// SPDX-License-Identifier: MIT
#include "Distributor.h"

#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"
#include "triton-metal/Target/Profiles.h"

#include "mlir/Pass/PassRegistry.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tmetal {

void distributeKernel(ModuleOp module, const MslOptions &options) { Distributor(module, options, 32768).run(); }

namespace {
struct DistributePass : PassWrapper<DistributePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DistributePass)
  DistributePass() = default;
  DistributePass(const DistributePass &other) : PassWrapper(other) {}
  StringRef getArgument() const final { return "tt-distribute"; }
  StringRef getDescription() const final { return "a kernel's blocks are spread over the threads of a threadgroup"; }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<tm::TMDialect, tt::TritonDialect, arith::ArithDialect, scf::SCFDialect>();
  }
  void runOnOperation() final {
    MslOptions options;
    options.simdgroups = simdgroups;
    options.aliasGroups.assign(aliasGroups.begin(), aliasGroups.end());
    try {
      distributeKernel(getOperation(), options);
    } catch (const Error &error) {
      getOperation().emitError() << error.what();
      signalPassFailure();
    }
  }
  Option<int> simdgroups{*this, "simdgroups", llvm::cl::desc("SIMD groups of a threadgroup"), llvm::cl::init(4)};
  ListOption<int> aliasGroups{*this, "alias-groups", llvm::cl::desc("for each pointer; equal ones may overlap")};
};
} // namespace

void registerTritonToTritonMetalPasses() {
  PassRegistration<DistributePass>();
  registerPass(createSimplifyInductionPass);
  registerPass(createSpecializeFullTilesPass);
}

void lowerToTritonMetal(ModuleOp module, const MslOptions &options) {
  auto runPasses = [&](ModuleOp on, llvm::function_ref<void(OpPassManager &)> add) {
    PassManager passes(module.getContext());
    add(passes);
    if (failed(passes.run(on)))
      throw Error(ErrorKind::Unsupported, "The kernel cannot be lowered to Metal.");
  };
  runPasses(module, [](OpPassManager &passes) {
    passes.addPass(createSimplifyInductionPass());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  });
  const Profile *profile = findProfile(options.arch);
  int64_t limit = profile ? profile->family->threadgroupMemory : 32768;
  int64_t maxThreads = profile ? profile->family->maxThreadsPerThreadgroup : 1024;
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
      passes.addPass(createSpecializeFullTilesPass());
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
