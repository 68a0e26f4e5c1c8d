// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Support/Errors.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace tmetal::tt {
#define GEN_PASS_DEF_CHECKKERNEL
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

InFlightDiagnostic errorAt(Operation *op) { return emitError(op->getLoc()) << "[" << op->getName() << "] "; }

/// Whether Triton has values with such elements. Both engines decide by element types what they support, and
/// know only these.
bool isKnownElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.isSignless() && llvm::is_contained({1, 8, 16, 32, 64}, integer.getWidth());
  if (auto pointer = dyn_cast<PointerType>(type))
    return isKnownElement(pointer.getPointeeType());
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type, Float8E5M2Type, Float8E4M3FNType,
             Float8E5M2FNUZType, Float8E4M3FNUZType, Float8E4M3B11FNUZType>(type);
}

bool isKnownType(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.hasStaticShape() && isKnownElement(tensor.getElementType());
  return isKnownElement(type);
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
    if (op != kernel && isa<FuncOp, ModuleOp>(op))
      return errorAt(op) << "A kernel holds no functions.";
    auto isDescriptor = [](Type type) { return isa<TensorDescType>(type); };
    if (llvm::any_of(op->getOperandTypes(), isDescriptor) || llvm::any_of(op->getResultTypes(), isDescriptor))
      return errorAt(op) << "This use of a tensor descriptor is not supported.";
    for (Type type : op->getResultTypes())
      if (!isKnownType(type))
        return errorAt(op) << "Triton has no values of type " << type << ".";
    if (op != kernel)
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            if (!isKnownType(argument.getType()))
              return errorAt(op) << "Triton has no values of type " << argument.getType() << ".";
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  for (BlockArgument argument : kernel.getArguments()) {
    if (isa<TensorDescType>(argument.getType()))
      return emitError(argument.getLoc()) << "[tt.func] A tensor descriptor was not taken apart.";
    if (!isKnownElement(argument.getType()))
      return emitError(argument.getLoc())
             << "[tt.func] A kernel has no parameters of type " << argument.getType() << ".";
  }
  return success();
}

struct CheckKernelPass : impl::CheckKernelBase<CheckKernelPass> {
  void runOnOperation() override {
    if (failed(checkKernel(getOperation())))
      signalPassFailure();
  }
};

} // namespace

LogicalResult checkKernel(ModuleOp module) {
  FuncOp kernel;
  for (Operation &op : *module.getBody()) {
    auto function = dyn_cast<FuncOp>(op);
    if (!function)
      return errorAt(&op) << "A module holds functions only.";
    if (kernel)
      return errorAt(&op) << "Two functions, '" << kernel.getName() << "' and '" << function.getName()
                          << "', where one kernel is expected.";
    kernel = function;
  }
  if (!kernel)
    return emitError(module.getLoc()) << "[builtin.module] There is no kernel in this module.";
  return checkFunction(kernel);
}

void requireKernel(ModuleOp module) {
  if (failed(checkKernel(module)))
    throw Error(ErrorKind::Compile, "The module is not one structured kernel.");
}

} // namespace tmetal::tt
