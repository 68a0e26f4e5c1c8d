// SPDX-License-Identifier: MIT
// Raises a launch under a memory budget: cuts the grid into slabs while a graph would keep too much alive.
#include "Raising.h"
#include "Rules.h"

#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

using namespace raising;

static int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * std::max<int64_t>(tensor.getElementTypeBitWidth() / 8, 1);
}

/// The most bytes alive at once when the operations of the block run in order. Views need no memory,
/// but keep their source alive.
static int64_t peakBytes(Block &block) {
  llvm::DenseMap<Value, Value> root;
  auto rootOf = [&](Value v) {
    auto found = root.find(v);
    return found == root.end() ? v : found->second;
  };
  llvm::DenseMap<Value, Operation *> lastUse;
  for (Operation &op : block) {
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        lastUse[rootOf(operand)] = &op;
    });
    if (mlxir::isView(&op))
      root[op.getResult(0)] = rootOf(op.getOperand(0));
  }
  llvm::DenseMap<Operation *, SmallVector<Value>> dying;
  for (auto [value, op] : lastUse)
    dying[op].push_back(value);
  int64_t live = 0, peak = 0;
  for (Operation &op : block) {
    int64_t inside = 0;
    for (Region &region : op.getRegions())
      inside = std::max(inside, peakBytes(region.front()));
    if (!mlxir::isView(&op))
      for (Value result : op.getResults())
        live += bytesOf(result.getType());
    peak = std::max(peak, live + inside);
    for (Value value : dying.lookup(&op))
      if (value.getDefiningOp() && value.getParentBlock() == &block)
        live -= bytesOf(value.getType());
  }
  return peak;
}

static ProgramBox slabOf(const ProgramBox &box, unsigned axis, int64_t start, int64_t stop) {
  ProgramBox slab = box;
  slab.extents[axis] = stop - start;
  for (IndexExpr &id : slab.ids)
    id = id.sliced(axis, start, stop);
  return slab;
}

static RaisedGraph raiseBox(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box,
                            bool onGpu) {
  RaisedGraph graph = raisePrograms(func, signature, box, onGpu);
  PassManager passes(func.getContext());
  passes.addPass(createCSEPass());
  passes.addPass(createCanonicalizerPass());
  if (failed(verify(*graph.module)) || failed(passes.run(*graph.module)))
    throw Error(ErrorKind::Unsupported, "[" + func.getName().str() + "] The raised graph is malformed.");
  return graph;
}

/// Callers form the signature of a launch from its arguments; a text may be another kernel than they expect.
static void checkSignature(tt::FuncOp func, const LaunchSignature &signature) {
  auto require = [&](bool holds, const Twine &what) {
    if (!holds)
      throw Error(ErrorKind::Argument, ("[" + func.getName() + "] " + what).str());
  };
  require(signature.arguments.size() == func.getNumArguments(),
          "The kernel has " + Twine(func.getNumArguments()) + " parameters, the launch " +
              Twine(signature.arguments.size()) + " arguments.");
  SmallVector<bool> used(signature.storages.size(), false);
  for (auto [i, spec] : enumerate(signature.arguments)) {
    Type type = func.getArgument(i).getType();
    bool isPointer = spec.kind == ArgumentSpec::Kind::Pointer;
    require(isPointer == isa<tt::PointerType>(type) &&
                (spec.kind != ArgumentSpec::Kind::Integer || isa<IntegerType>(type)),
            "Argument " + Twine(i) + " is not of the type of its parameter.");
    if (!isPointer)
      continue;
    require(spec.storage >= 0 && spec.storage < static_cast<int>(used.size()) && spec.byteOffset >= 0,
            "Argument " + Twine(i) + " points to no storage.");
    used[spec.storage] = true;
  }
  for (auto [i, storage] : enumerate(signature.storages))
    require(used[i] && storage.nbytes >= 0, "Storage " + Twine(i) + " is the memory of no argument.");
}

std::vector<RaisedGraph> raiseLaunch(ModuleOp module, const LaunchSignature &signature,
                                     const RaisingOptions &options) {
  tt::requireKernel(module);
  tt::FuncOp func = kernelIn(module);
  checkSignature(func, signature);
  checkNoWaiting(func, [&](unsigned parameter) { return signature.arguments[parameter].storage; });
  ProgramBox box = planProgramBox(func, signature);
  auto graphFunction = [](RaisedGraph &graph) { return *graph.module->getOps<func::FuncOp>().begin(); };
  std::vector<RaisedGraph> graphs;
  graphs.push_back(raiseBox(func, signature, box, options.onGpu));
  int64_t peak = peakBytes(graphFunction(graphs[0]).getBody().front());
  if (peak <= options.memoryBudget || box.extents.empty())
    return graphs;
  unsigned axis = std::max_element(box.extents.begin(), box.extents.end()) - box.extents.begin();
  int64_t extent = box.extents[axis];
  for (int64_t slabs = std::min((peak + options.memoryBudget - 1) / options.memoryBudget, extent);
       extent > 1;) {
    int64_t size = (extent + slabs - 1) / slabs;
    std::vector<RaisedGraph> parts;
    parts.push_back(raiseBox(func, signature, slabOf(box, axis, 0, size), options.onGpu));
    int64_t smaller = peakBytes(graphFunction(parts[0]).getBody().front());
    bool helps = smaller < peak - peak / 8;
    if (!helps && graphs.size() == 1 && slabs >= extent)
      return graphs; // it is not the programs that need the memory
    if (smaller > options.memoryBudget && helps && slabs < extent) {
      peak = smaller;
      slabs = std::min(slabs * 2, extent);
      continue;
    }
    if (!helps && slabs < extent) {
      slabs = std::min(slabs * 4, extent);
      continue;
    }
    for (int64_t start = size; start < extent; start += size)
      parts.push_back(
          raiseBox(func, signature, slabOf(box, axis, start, std::min(start + size, extent)), options.onGpu));
    return parts;
  }
  return graphs;
}

} // namespace tmetal
