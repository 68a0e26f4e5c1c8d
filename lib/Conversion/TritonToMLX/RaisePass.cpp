// SPDX-License-Identifier: MIT
#include "triton-metal/Conversion/Passes.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

#define GEN_PASS_DEF_RAISETOMLX
#include "triton-metal/Conversion/Passes.h.inc"

namespace {
struct RaiseToMLXPass : impl::RaiseToMLXBase<RaiseToMLXPass> {
  using RaiseToMLXBase::RaiseToMLXBase;

  LogicalResult parseArguments(LaunchSignature &signature) {
    for (auto [i, extent] : enumerate(grid))
      if (i < 3)
        signature.grid[i] = extent;
    for (const std::string &text : args) {
      SmallVector<StringRef> parts;
      StringRef(text).split(parts, ':');
      ArgumentSpec spec;
      int64_t number = 0, offset = 0;
      if (parts.size() > 1 && parts[1].getAsInteger(10, number))
        return failure();
      if (parts.size() > 2 && parts[2].getAsInteger(10, offset))
        return failure();
      if (parts[0] == "ptr" && parts.size() == 2) {
        spec.kind = ArgumentSpec::Kind::Pointer;
        spec.storage = signature.storages.size();
        signature.storages.push_back({number});
      } else if (parts[0] == "same" && parts.size() == 3 && number >= 0 &&
                 number < static_cast<int64_t>(signature.arguments.size())) {
        spec = signature.arguments[number];
        spec.byteOffset = offset;
      } else if (parts[0] == "int" && parts.size() == 2) {
        spec.kind = ArgumentSpec::Kind::Integer;
        spec.value = number;
      } else if (parts[0] != "dynamic") {
        return failure();
      }
      signature.arguments.push_back(spec);
    }
    return success();
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    if (failed(tt::checkKernel(module)))
      return signalPassFailure();
    LaunchSignature signature;
    if (failed(parseArguments(signature))) {
      module.emitError("raise-to-mlx: the launch arguments are malformed");
      return signalPassFailure();
    }
    try {
      checkRaisable(module, /*hasDouble=*/!gpu);
      RaisingOptions options;
      options.memoryBudget = budget;
      options.onGpu = gpu;
      std::vector<RaisedGraph> graphs = raiseLaunch(module, signature, options);
      module.getBody()->clear();
      for (auto [i, graph] : enumerate(graphs))
        for (func::FuncOp function : make_early_inc_range(graph.module->getOps<func::FuncOp>())) {
          if (i > 0)
            function.setName((function.getName() + "_slab" + Twine(i)).str());
          function->remove();
          module.push_back(function);
        }
    } catch (const Error &error) {
      module.emitError(error.what());
      signalPassFailure();
    }
  }
};
} // namespace

} // namespace tmetal
