// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Analysis/ValueFlow.h"
#include "triton-metal/Support/Errors.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal {

tt::FuncOp findKernel(ModuleOp module) {
  tt::FuncOp kernel;
  module.walk([&](tt::FuncOp op) {
    if (op.isPublic())
      kernel = op;
  });
  return kernel;
}

tt::FuncOp kernelIn(ModuleOp module) {
  if (tt::FuncOp kernel = findKernel(module))
    return kernel;
  throw Error(ErrorKind::Compile, "The module has no public kernel.");
}

/// The pointers that the kernel may write through. A write to an unknown address counts for all of them.
static std::vector<bool> storedParameters(tt::FuncOp kernel) {
  std::vector<bool> stored(kernel.getNumArguments(), false);
  PointerRoots roots(kernel);
  kernel.walk([&](DeviceAccessOpInterface access) {
    if (!access.writesMemory())
      return;
    Roots written = roots.of(access.getAddress());
    for (BlockArgument argument : kernel.getArguments())
      if (isa<tt::PointerType>(argument.getType()) && written.mayBe(argument.getArgNumber()))
        stored[argument.getArgNumber()] = true;
  });
  return stored;
}

/// The values that decide which memory is accessed and which code runs.
static SmallVector<Value> decidingValues(tt::FuncOp kernel) {
  SmallVector<Value> values;
  kernel.walk([&](Operation *op) {
    if (auto add = dyn_cast<tt::AddPtrOp>(op)) {
      values.push_back(add.getOffset());
    } else if (auto access = dyn_cast<DeviceAccessOpInterface>(op)) {
      if (Value mask = access.getMask())
        values.push_back(mask);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      values.append({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      values.push_back(branch.getCondition());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      values.push_back(loop.getConditionOp().getCondition());
    }
  });
  return values;
}

KernelFacts analyzeKernel(ModuleOp module) {
  tt::FuncOp kernel = kernelIn(module);
  KernelFacts facts;
  facts.name = kernel.getName().str();
  for (auto [i, argument] : llvm::enumerate(kernel.getArguments())) {
    auto named = dyn_cast<NameLoc>(argument.getLoc());
    facts.parameterNames.push_back(named ? named.getName().str() : "arg" + std::to_string(i));
    llvm::raw_string_ostream(facts.parameterTypes.emplace_back()) << argument.getType();
  }
  facts.stored = storedParameters(kernel);
  llvm::SetVector<Value> slice = backwardSlice(decidingValues(kernel), [](Value value) {
    // A value that was read from memory is unknown, whatever its address depends on.
    return !isa_and_present<DeviceAccessOpInterface>(value.getDefiningOp());
  });
  for (BlockArgument argument : kernel.getArguments())
    facts.specialized.push_back(argument.getType().isInteger() && slice.contains(argument));
  return facts;
}

} // namespace tmetal
