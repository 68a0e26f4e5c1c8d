// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace tmetal::tt {
#define GEN_PASS_DEF_CHECKKERNEL
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

InFlightDiagnostic errorAt(Operation *op) { return emitError(op->getLoc()) << "[" << op->getName() << "] "; }

struct CheckKernelPass : impl::CheckKernelBase<CheckKernelPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FuncOp kernel;
    for (Operation &op : *module.getBody()) {
      auto function = dyn_cast<FuncOp>(op);
      if (!function) {
        errorAt(&op) << "A module holds functions only.";
        return signalPassFailure();
      }
      if (kernel) {
        errorAt(&op) << "Two functions, '" << kernel.getName() << "' and '" << function.getName()
                     << "', where one kernel is expected.";
        return signalPassFailure();
      }
      kernel = function;
    }
    if (!kernel) {
      emitError(module.getLoc()) << "[builtin.module] There is no kernel in this module.";
      return signalPassFailure();
    }
    if (failed(checkFunction(kernel)))
      signalPassFailure();
  }

  LogicalResult checkFunction(FuncOp kernel) {
    if (!kernel.isPublic() || kernel.isExternal())
      return errorAt(kernel) << "'" << kernel.getName() << "' is no public function with a body.";
    if (!kernel.getResultTypes().empty())
      return errorAt(kernel) << "The kernel '" << kernel.getName() << "' returns a value.";
    if (!kernel.getBody().hasOneBlock())
      return errorAt(kernel.getBody().front().getTerminator())
             << "Branches between blocks were not made structured.";
    WalkResult walk = kernel.walk([&](Operation *op) -> WalkResult {
      if (isa<CallOp>(op))
        return errorAt(op) << "A call was not inlined.";
      if (isa<cf::BranchOp, cf::CondBranchOp, cf::SwitchOp>(op))
        return errorAt(op) << "A branch was not made structured.";
      auto isDescriptor = [](Type type) { return isa<TensorDescType>(type); };
      if (llvm::any_of(op->getOperandTypes(), isDescriptor) ||
          llvm::any_of(op->getResultTypes(), isDescriptor))
        return errorAt(op) << "This use of a tensor descriptor is not supported.";
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    for (BlockArgument argument : kernel.getArguments())
      if (isa<TensorDescType>(argument.getType()))
        return emitError(argument.getLoc()) << "[tt.func] A tensor descriptor was not taken apart.";
    return success();
  }
};

} // namespace
} // namespace tmetal::tt
