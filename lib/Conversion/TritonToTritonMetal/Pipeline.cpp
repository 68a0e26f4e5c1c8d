// SPDX-License-Identifier: MIT
#include "Distribution.h"

#include "triton-metal/Analysis/ProgramOrder.h"
#include "triton-metal/Conversion/Passes.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"
#include "triton-metal/Support/SourceLocation.h"
#include "triton-metal/Target/Profiles.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <limits>

using namespace mlir;

namespace tmetal {

#define GEN_PASS_DEF_DISTRIBUTE
#define GEN_PASS_DEF_PRINTLAYOUTPLAN
#include "triton-metal/Conversion/Passes.h.inc"

static tt::FuncOp kernelOf(ModuleOp module) { return *module.getOps<tt::FuncOp>().begin(); }

namespace {
struct DistributePass : impl::DistributeBase<DistributePass> {
  using DistributeBase::DistributeBase;

  void runOnOperation() final {
    if (failed(tt::checkKernel(getOperation())))
      return signalPassFailure();
    tt::FuncOp function = kernelOf(getOperation());
    try {
      OpBuilder builder(function);
      distribute(function, LayoutPlan(function, {simdgroups, operandBytes}), *aliasGroups, builder);
      function.erase();
    } catch (const Error &error) {
      getOperation().emitError() << error.what();
      signalPassFailure();
    }
  }
};

struct PrintLayoutPlanPass : impl::PrintLayoutPlanBase<PrintLayoutPlanPass> {
  using PrintLayoutPlanBase::PrintLayoutPlanBase;

  void runOnOperation() final {
    if (failed(tt::checkKernel(getOperation())))
      return signalPassFailure();
    LayoutPlan(kernelOf(getOperation()), {simdgroups, operandBytes}).print(llvm::outs());
    markAllAnalysesPreserved();
  }
};
} // namespace

static void runPasses(ModuleOp module, llvm::function_ref<void(OpPassManager &)> add) {
  PassManager passes(module.getContext());
  add(passes);
  if (failed(passes.run(module)))
    throw Error(ErrorKind::Unsupported, "The kernel cannot be lowered to Metal.");
}

/// Lowers the kernel by the plan and allocates its arrays.
static OwningOpRef<ModuleOp> lowerByPlan(ModuleOp module, const LayoutPlan &plan, const MslOptions &options) {
  OwningOpRef<ModuleOp> lowered(ModuleOp::create(module.getLoc()));
  (*lowered)->setAttrs(module->getAttrDictionary());
  OpBuilder builder = OpBuilder::atBlockBegin(lowered->getBody());
  distribute(kernelOf(module), plan, options.aliasGroups, builder);
  tm::AllocateThreadgroupMemoryOptions allocation;
  allocation.limit = std::numeric_limits<int64_t>::max(); // the caller compares it with the limit
  runPasses(*lowered, [&](OpPassManager &passes) {
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    passes.addPass(createLoopInvariantCodeMotionPass());
    passes.addPass(tm::createSpecializeFullTiles());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    passes.addPass(tm::createAllocateThreadgroupMemory(allocation));
    passes.addPass(tm::createPlaceBarriers());
  });
  return lowered;
}

static int64_t threadgroupBytesOf(ModuleOp module) {
  int64_t bytes = 0;
  for (tm::KernelOp kernel : module.getOps<tm::KernelOp>())
    bytes = kernel.getThreadgroupBytes().value_or(0);
  return bytes;
}

static int64_t largestArrayBytes(ModuleOp module) {
  int64_t bytes = 0;
  module.walk([&](tm::SharedOp array) {
    tm::SharedType type = array.getType();
    bytes = std::max(bytes, type.getNumElements() * byteWidth(type.getElementType()));
  });
  return bytes;
}

/// The line of an operation, or its name.
static std::string lineOf(Operation *op) {
  int line = sourceLocationOf(op->getLoc()).line;
  return line ? "line " + std::to_string(line) : op->getName().getStringRef().str();
}

/// Refuses programs that wait for one another, or need an order of their accesses, where the device has
/// neither. docs/waiting.md says why.
static void checkPrograms(tt::FuncOp kernel, const MslOptions &options, const TargetInfo &target) {
  AliasGroups groups = AliasGroups::ofPointers(kernel.getArgumentTypes(), options.aliasGroups);
  std::optional<Wait> wait = findWait(kernel, groups);
  if (wait && wait->isForever)
    refuse(wait->op,
           "Nothing in the loop changes what this reads again and again. To wait for another program, "
           "use tl.atomic_poll, an atomic load, or a volatile load.");
  if (wait && !target.programsMayWait)
    refuse(wait->op,
           "A program waits here for another one, and Metal does not promise that one goes on: refused "
           "on " +
               options.arch + ". Use a launch for each step, or run it on the CPU device.");
  ProgramOrder order(kernel, groups);
  if (const std::optional<ProgramOrder::Ordered> &found = order.example(); found && !target.ordersPrograms)
    refuse(found->acquire, "What " + lineOf(found->first) + " does before this must be seen by " +
                               lineOf(found->second) + " in another program, and Metal " +
                               std::string(target.mslVersion) +
                               " has no order between threadgroups: refused on " + options.arch +
                               ". Use a launch for each step, or run it on the CPU device.");
}

void lowerToTritonMetal(ModuleOp module, const MslOptions &options) {
  tt::requireKernel(module);
  // Distribution is not run as a pass, so that it may throw. Nothing else loads the dialects of its result.
  module.getContext()->loadDialect<tm::TMDialect, tt::TritonDialect, arith::ArithDialect, scf::SCFDialect>();
  runPasses(module, [&](OpPassManager &passes) {
    if (options.fpFusion)
      passes.addPass(tt::createFuseMultiplyAdd());
    passes.addPass(tt::createSimplifyInduction());
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  });
  const TargetInfo &target = targetInfo(options.arch);
  checkPrograms(kernelOf(module), options, target);
  int64_t limit = target.threadgroupMemory, maxThreads = target.maxThreadsPerThreadgroup;
  if (32 * int64_t(options.simdgroups) > maxThreads)
    throw OutOfResources(32 * int64_t(options.simdgroups), maxThreads, "threads");
  // With less threadgroup memory for them, products use more and thinner slices of their operands, and more
  // of the blocks that threads exchange pass in parts.
  constexpr int64_t kLeastOperandBytes = 2048;
  constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();
  std::optional<LayoutPlan> thinnest;
  int64_t least = kUnknown, largest = kUnknown;
  for (int64_t operandBytes = std::max(limit, kLeastOperandBytes); operandBytes >= kLeastOperandBytes;
       operandBytes /= 2) {
    LayoutPlan plan(kernelOf(module), {options.simdgroups, operandBytes});
    if (thinnest && plan.hasSameSlices(*thinnest) && largest <= operandBytes)
      continue; // would give the same kernel
    thinnest = std::move(plan);
    if (thinnest->leastThreadgroupBytes() > limit)
      continue; // cannot fit, so it need not be written
    OwningOpRef<ModuleOp> lowered = lowerByPlan(module, *thinnest, options);
    int64_t bytes = threadgroupBytesOf(*lowered);
    largest = largestArrayBytes(*lowered);
    if (bytes <= limit) {
      module.getBodyRegion().takeBody(lowered->getBodyRegion());
      return;
    }
    if (bytes >= least)
      break; // thinner slices do not help
    least = bytes;
  }
  if (least == kUnknown) // the message needs the size
    least = threadgroupBytesOf(*lowerByPlan(module, *thinnest, options));
  throw OutOfResources(least, limit, "shared memory");
}

} // namespace tmetal
