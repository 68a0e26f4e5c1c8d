// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tmetal::tt {
#define GEN_PASS_DEF_INLINECALLS
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

// A depth-first search over the calls. A call of a function that is still being visited is a recursion.
class CallOrder {
public:
  explicit CallOrder(ModuleOp module) : symbols(module) {}

  LogicalResult visit(FuncOp function) {
    auto [entry, isNew] = open.try_emplace(function, true);
    if (!isNew)
      return success();
    WalkResult walk = function.walk([&](CallOp call) -> WalkResult {
      auto callee = symbols.lookup<FuncOp>(call.getCallee());
      if (!callee || callee.isExternal())
        return emitError(call.getLoc()) << "[tt.call] The function '" << call.getCallee() << "' has no body.";
      if (open.lookup(callee))
        return emitError(call.getLoc()) << "[tt.call] The function '" << call.getCallee()
                                        << "' calls itself, and recursion is not supported.";
      return visit(callee);
    });
    open[function] = false;
    return failure(walk.wasInterrupted());
  }

private:
  SymbolTable symbols;
  DenseMap<Operation *, bool> open;
};

struct InlineCallsPass : impl::InlineCallsBase<InlineCallsPass> {
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<TritonDialect>(); }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    CallOrder order(module);
    for (FuncOp function : module.getOps<FuncOp>())
      if (failed(order.visit(function)))
        return signalPassFailure();

    OpPassManager passes(ModuleOp::getOperationName());
    passes.addPass(createInlinerPass({}, /*defaultPipelineBuilder=*/[](OpPassManager &) {}));
    passes.addPass(createSymbolDCEPass());
    if (failed(runPipeline(passes, module)))
      signalPassFailure();
  }
};

} // namespace
} // namespace tmetal::tt
