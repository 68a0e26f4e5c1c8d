// SPDX-License-Identifier: MIT
// Finds kernels that the mlx engine has to refuse, before any launch.
#include "Refusal.h"
#include "Rules.h"

#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Analysis/ValueFlow.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Operations/CheckTypes.h"
#include "triton-metal/Support/SourceLocation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

static bool isPointer(Value value) { return isa<tt::PointerType>(getElementTypeOrSelf(value.getType())); }

/// All programs run in lockstep, so a program that waits for another one's store would wait forever.
void checkNoWaiting(tt::FuncOp kernel, llvm::function_ref<int(unsigned)> storageOf) {
  PointerRoots roots(kernel);
  llvm::SmallDenseSet<int> stored;
  kernel.walk([&](DeviceAccessOpInterface access) {
    if (access.writesMemory())
      for (unsigned parameter : roots.of(access.getAddress()).parameters)
        stored.insert(storageOf(parameter));
  });
  kernel.walk([&](scf::WhileOp loop) {
    llvm::SetVector<Value> slice =
        backwardSlice({loop.getConditionOp().getCondition()}, [](Value) { return true; });
    for (Value value : slice) {
      auto access = dyn_cast_if_present<DeviceAccessOpInterface>(value.getDefiningOp());
      if (!access || !loop->isAncestor(access))
        continue;
      if (access.isAtomic())
        refuse(access, "A loop that waits for an atomic operation needs programs that run independently: not "
                       "in the mlx engine.");
      for (unsigned parameter : roots.of(access.getAddress()).parameters)
        if (stored.contains(storageOf(parameter)))
          refuse(access, "The loop's condition depends on memory that the kernel stores to: programs that "
                         "wait for each other cannot run in step.");
    }
  });
}

void checkRaisable(ModuleOp module, bool hasDouble) {
  tt::requireKernel(module);
  tt::FuncOp kernel = kernelIn(module);
  PointerRoots roots(kernel);
  checkNoWaiting(kernel, [](unsigned parameter) { return static_cast<int>(parameter); });
  kernel.walk([&](Operation *op) {
    const OperationRule *rule = findRule(op->getName().getStringRef());
    if (!rule)
      refuse(op, "This operation is unknown to the mlx engine.");
    if (!rule->rule)
      refuse(op, rule->note);
    if (std::optional<std::string> refusal = refusedType(op, EngineKind::MLX))
      refuse(op, *refusal);
    if (isa<DeviceAccessOpInterface>(op) &&
        (op->getParentOfType<tt::ReduceOp>() || op->getParentOfType<tt::ScanOp>() ||
         op->getParentOfType<tt::MapElementwiseOp>()))
      refuse(op,
             "A function that combines or maps elements cannot access memory in the mlx engine: it runs on "
             "whole arrays.");
    if (isa<tt::AtomicRMWOp>(op) && !op->getResult(0).use_empty())
      refuse(
          op,
          "Using the result of an atomic operation needs an order of the programs: not in the mlx engine.");
    if (isa<tt::LoadOp>(op) && isPointer(op->getResult(0)))
      refuse(op, "Loading pointers from memory (" + typeName(op->getResult(0).getType()) +
                     ") needs a kernel engine.");
    for (Value value : op->getResults()) {
      Type element = getElementTypeOrSelf(value.getType());
      if (!hasDouble && element.isF64())
        refuse(op, "The device has no " + typeName(value.getType()) + ".");
      if (isPointer(value) && !op->getRegions().empty() && roots.of(value).parameters.size() > 1)
        refuse(op, "Selecting between pointers into different arguments needs a kernel engine.");
    }
    if (isa<arith::SelectOp>(op) && isPointer(op->getResult(0)) &&
        roots.of(op->getResult(0)).parameters.size() > 1)
      refuse(op, "Selecting between pointers into different arguments needs a kernel engine.");
  });
  if (!hasDouble)
    for (BlockArgument argument : kernel.getArguments()) {
      Type type = argument.getType();
      if (auto pointer = dyn_cast<tt::PointerType>(type))
        type = pointer.getPointeeType();
      if (type.isF64())
        throw Error(ErrorKind::Unsupported, placeOf(argument.getLoc()) + "[tt.func] The device has no " +
                                                typeName(argument.getType()) + ".");
    }
}

} // namespace tmetal
