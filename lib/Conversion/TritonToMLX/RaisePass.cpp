// SPDX-License-Identifier: MIT
#include "triton-metal/Conversion/Passes.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

namespace {
struct RaiseToMLX : PassWrapper<RaiseToMLX, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RaiseToMLX)
  RaiseToMLX() = default;
  RaiseToMLX(const RaiseToMLX &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "raise-to-mlx"; }
  StringRef getDescription() const override { return "Raise one launch of the kernel to operations of MLX"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<mlxir::MLXDialect, func::FuncDialect>();
  }

  ListOption<int64_t> grid{*this, "grid", cl::desc("programs along x, y, z")};
  ListOption<std::string> args{*this, "args", cl::desc("ptr:BYTES, same:I:OFFSET, int:VALUE or dynamic")};
  Option<int64_t> budget{*this, "budget", cl::desc("bytes alive at once before the grid is cut"),
                         cl::init(1 << 29)};
  Option<bool> gpu{*this, "gpu", cl::desc("refuse what MLX cannot do on a GPU"), cl::init(false)};

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

  void runOnOperation() override {
    ModuleOp module = getOperation();
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

void registerRaiseToMLXPass() { PassRegistration<RaiseToMLX>(); }

} // namespace tmetal
