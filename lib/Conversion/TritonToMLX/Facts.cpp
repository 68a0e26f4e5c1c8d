// SPDX-License-Identifier: MIT
// Facts that hold for every launch of a kernel, and what is refused before any launch.
#include "Raiser.h"

#include "triton-metal/Operations/CheckTypes.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

static tt::FuncOp kernelOf(ModuleOp module) {
  tt::FuncOp kernel;
  module.walk([&](tt::FuncOp op) {
    if (op.isPublic())
      kernel = op;
  });
  if (!kernel)
    throw Error(ErrorKind::Compile, "The module has no public kernel.");
  return kernel;
}

/// Values that flow into `value` within the kernel: operands, and what the regions of control flow pass on.
static SmallVector<Value> sourcesOf(Value value) {
  SmallVector<Value> sources;
  auto add = [&](ValueRange range) { sources.append(range.begin(), range.end()); };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      if (argument == loop.getInductionVar()) {
        add({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
      } else {
        unsigned i = argument.getArgNumber() - 1;
        add({loop.getInitArgs()[i], loop.getBody()->getTerminator()->getOperand(i)});
      }
    } else if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      unsigned i = argument.getArgNumber();
      if (argument.getOwner() == loop.getBeforeBody())
        add({loop.getInits()[i], loop.getAfterBody()->getTerminator()->getOperand(i)});
      else
        add({loop.getConditionOp().getArgs()[i]});
    } else if (!isa<tt::FuncOp>(parent)) {
      add(parent->getOperands());
    }
    return sources;
  }
  Operation *op = value.getDefiningOp();
  unsigned i = cast<OpResult>(value).getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    add({loop.getInitArgs()[i], loop.getBody()->getTerminator()->getOperand(i), loop.getLowerBound(),
         loop.getUpperBound()});
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    add({branch.getCondition(), branch.thenYield().getOperand(i), branch.elseYield().getOperand(i)});
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    add({loop.getConditionOp().getArgs()[i], loop.getConditionOp().getCondition()});
  } else {
    add(op->getOperands());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          add(inner.getOperands());
  }
  return sources;
}

/// Everything that flows into the roots; `enter` says whether to look behind a value.
static llvm::SetVector<Value> backwardSlice(ArrayRef<Value> roots, llvm::function_ref<bool(Value)> enter) {
  llvm::SetVector<Value> slice(roots.begin(), roots.end());
  for (unsigned i = 0; i < slice.size(); ++i)
    if (enter(slice[i]))
      for (Value source : sourcesOf(slice[i]))
        slice.insert(source);
  return slice;
}

static bool isPointer(Value value) { return isa<tt::PointerType>(getElementTypeOrSelf(value.getType())); }

/// The kernel's pointer parameters that an address may come from.
static SmallVector<unsigned> basesOf(tt::FuncOp kernel, Value pointer) {
  // Only pointers lead to pointers; the condition of a selection does not.
  llvm::SetVector<Value> slice = backwardSlice({pointer}, isPointer);
  SmallVector<unsigned> bases;
  for (Value value : slice)
    if (auto argument = dyn_cast<BlockArgument>(value))
      if (argument.getOwner() == &kernel.getBody().front() && isPointer(argument))
        bases.push_back(argument.getArgNumber());
  return bases;
}

static SmallVector<Value> storedPointers(tt::FuncOp kernel) {
  SmallVector<Value> pointers;
  kernel.walk([&](Operation *op) {
    if (auto store = dyn_cast<tt::StoreOp>(op))
      pointers.push_back(store.getPtr());
    else if (isa<tt::AtomicRMWOp, tt::AtomicCASOp>(op))
      pointers.push_back(op->getOperand(0));
  });
  return pointers;
}

KernelFacts analyzeKernel(ModuleOp module) {
  tt::FuncOp kernel = kernelOf(module);
  KernelFacts facts;
  facts.name = kernel.getName().str();
  unsigned count = kernel.getNumArguments();
  facts.stored.assign(count, false);
  facts.specialized.assign(count, false);
  for (auto [i, argument] : enumerate(kernel.getArguments())) {
    std::string name = "arg" + std::to_string(i);
    if (auto named = dyn_cast<NameLoc>(argument.getLoc()))
      name = named.getName().str();
    facts.parameterNames.push_back(name);
    facts.parameterTypes.push_back(typeName(argument.getType()));
  }
  for (Value pointer : storedPointers(kernel))
    for (unsigned base : basesOf(kernel, pointer))
      facts.stored[base] = true;
  SmallVector<Value> roots;
  kernel.walk([&](Operation *op) {
    if (auto add = dyn_cast<tt::AddPtrOp>(op))
      roots.push_back(add.getOffset());
    else if (auto load = dyn_cast<tt::LoadOp>(op)) {
      if (load.getMask())
        roots.push_back(load.getMask());
    } else if (auto store = dyn_cast<tt::StoreOp>(op)) {
      if (store.getMask())
        roots.push_back(store.getMask());
    } else if (auto atomic = dyn_cast<tt::AtomicRMWOp>(op)) {
      if (atomic.getMask())
        roots.push_back(atomic.getMask());
    } else if (auto loop = dyn_cast<scf::ForOp>(op))
      roots.append({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      roots.push_back(branch.getCondition());
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      roots.push_back(loop.getConditionOp().getCondition());
  });
  llvm::SetVector<Value> slice = backwardSlice(roots, [](Value value) {
    Operation *op = value.getDefiningOp();
    return !op || !isa<tt::LoadOp>(op); // what is loaded is not known, whatever its address was made of
  });
  for (auto [i, argument] : enumerate(kernel.getArguments()))
    facts.specialized[i] = argument.getType().isInteger() && slice.contains(argument);
  return facts;
}

// ---- refusals before any launch ----

/// All programs run in step, so a program that waits for what another one stores would wait for ever.
void checkNoWaiting(tt::FuncOp kernel, llvm::function_ref<int(unsigned)> storageOf) {
  llvm::SmallDenseSet<int> stored;
  for (Value pointer : storedPointers(kernel))
    for (unsigned base : basesOf(kernel, pointer))
      stored.insert(storageOf(base));
  kernel.walk([&](scf::WhileOp loop) {
    llvm::SetVector<Value> slice =
        backwardSlice({loop.getConditionOp().getCondition()}, [](Value) { return true; });
    for (Value value : slice) {
      Operation *op = value.getDefiningOp();
      if (!op || !loop->isAncestor(op))
        continue;
      if (isa<tt::AtomicRMWOp, tt::AtomicCASOp>(op))
        refuse(
            op,
            "A loop that waits for an atomic operation needs programs that run independently: not in the mlx "
            "engine.");
      if (auto load = dyn_cast<tt::LoadOp>(op))
        for (unsigned base : basesOf(kernel, load.getPtr()))
          if (stored.contains(storageOf(base)))
            refuse(op, "The loop's condition depends on memory that the kernel stores to: programs that wait "
                       "for each "
                       "other cannot run in step.");
    }
  });
}

void checkRaisable(ModuleOp module, bool hasDouble) {
  tt::FuncOp kernel = kernelOf(module);
  checkNoWaiting(kernel, [](unsigned parameter) { return static_cast<int>(parameter); });
  kernel.walk([&](Operation *op) {
    const OperationRule *rule = findRule(op->getName().getStringRef());
    if (!rule)
      refuse(op, "This operation is unknown to the mlx engine.");
    if (!rule->rule)
      refuse(op, rule->note);
    if (std::optional<std::string> refusal = refusedType(op, EngineKind::MLX))
      refuse(op, *refusal);
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
      if (isPointer(value) && !op->getRegions().empty() && basesOf(kernel, value).size() > 1)
        refuse(op, "Selecting between pointers into different arguments needs a kernel engine.");
    }
    if (isa<arith::SelectOp>(op) && isPointer(op->getResult(0)) &&
        basesOf(kernel, op->getResult(0)).size() > 1)
      refuse(op, "Selecting between pointers into different arguments needs a kernel engine.");
  });
  if (!hasDouble)
    for (BlockArgument argument : kernel.getArguments()) {
      Type type = argument.getType();
      if (auto pointer = dyn_cast<tt::PointerType>(type))
        type = pointer.getPointeeType();
      if (type.isF64())
        throw Error(ErrorKind::Unsupported, describeLocation(argument.getLoc()) +
                                                "[tt.func] The device has no " +
                                                typeName(argument.getType()) + ".");
    }
}

} // namespace tmetal
