// SPDX-License-Identifier: MIT
#include "triton-metal/Compilation.h"
#include "Lowering.h"
#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Analysis/DescribeAccesses.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Kernel.h"
#include "triton-metal/KernelBundle.h"
#include "triton-metal/Operations/CheckTypes.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace tmetal {

static void runPasses(ModuleOp module, const std::string &fileName,
                      llvm::function_ref<void(OpPassManager &)> build) {
  DiagnosticCollector diagnostics(*module.getContext());
  PassManager passes(module.getContext());
  build(passes);
  if (failed(passes.run(module)))
    throw Error(ErrorKind::Compile,
                diagnostics.text.empty() ? fileName + ": The shared passes failed." : diagnostics.text);
}

static OwningOpRef<ModuleOp> throughSharedPasses(MLIRContext &context, const std::string &text,
                                                 const std::string &fileName) {
  OwningOpRef<ModuleOp> module = parseModule(context, text, fileName);
  runPasses(*module, fileName, tt::buildSharedPipeline);
  return module;
}

struct Compilation::State {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  const EngineRequest asked;
  Target target;
  OwningOpRef<ModuleOp> module; // in the `tt` dialect
  KernelFacts facts;            // facts of that module
  std::optional<MetalCode> code;
  std::string ttText, tmText, mslText; // as the stages returned them

  explicit State(EngineRequest request) : asked(std::move(request)) {}

  bool isMsl() const { return target.choice.engine == "msl"; }

  void choose() {
    code.reset();
    target.request = asked;
    target.choice = chooseEngine(*module, asked, code);
    setTarget(*module, target);
  }

  /// Takes over a text that replaces the result of stage `tt`.
  void adoptTT(const std::string &text) {
    module = parseModule(context, text, "<tt>");
    withDiagnostics(context, [&] { tt::requireKernel(*module); });
    facts = analyzeKernel(*module);
    ttText = text;
    std::optional<Target> recorded = targetOf(*module);
    if (!recorded)
      return choose();
    target = *recorded;
    code.reset();
    if (isMsl())
      code = metalCode(*module, target.request.msl);
  }

  void adoptTM(const std::string &text) {
    refuseForMlx("tm");
    OwningOpRef<ModuleOp> tm = parseModule(context, text, "<tm>");
    MslKernel msl = metalText(*tm, target.request.msl);
    bool isSame = msl.parameters.size() == facts.parameterTypes.size();
    for (size_t i = 0; isSame && i < msl.parameters.size(); ++i)
      isSame = msl.parameters[i].type == facts.parameterTypes[i];
    if (!isSame)
      throw Error(ErrorKind::Compile,
                  "[override] The kernel in the `tm` dialect takes other parameters than the one "
                  "in the `tt` dialect before it.");
    code = MetalCode{std::move(tm), std::move(msl)};
  }

  void refuseForMlx(const std::string &stage) const {
    if (!isMsl())
      throw Error(ErrorKind::Unsupported, "[override] The mlx engine runs this kernel (" +
                                              target.choice.reason + "): it has no " + stage +
                                              " text that another could stand for.");
  }

  std::string absent(const std::string &what) const {
    return "// There is no " + what + ": the mlx engine runs this kernel (" + target.choice.reason + ").\n";
  }
};

Compilation::Compilation(EngineRequest request) : state(std::make_unique<State>(std::move(request))) {
  loadDialects(state->context);
}

Compilation::~Compilation() = default;

std::string Compilation::tt(const std::string &ttir, const std::string &fileName) {
  state->module = throughSharedPasses(state->context, ttir, fileName);
  state->facts = analyzeKernel(*state->module);
  state->choose();
  return state->ttText = printedModule(*state->module);
}

std::string Compilation::tm(const std::string &tt) {
  if (tt != state->ttText)
    state->adoptTT(tt);
  return state->tmText = state->isMsl() ? printedModule(*state->code->tm) : state->absent("kernel in `tm`");
}

std::string Compilation::msl(const std::string &tm) {
  if (tm != state->tmText)
    state->adoptTM(tm);
  return state->mslText = state->isMsl() ? state->code->msl.text : state->absent("Metal text");
}

std::string Compilation::bundle(const std::string &msl) {
  if (msl != state->mslText)
    state->refuseForMlx("Metal");
  KernelBundle bundle;
  bundle.request = state->target.request;
  bundle.choice = state->target.choice;
  bundle.facts = state->facts;
  if (state->isMsl()) {
    bundle.msl = state->code->msl;
    bundle.msl->text = msl;
    bundle.accesses = describeAccesses(*state->module);
  }
  bundle.tt = state->ttText;
  return writeBundle(bundle);
}

const EngineChoice &Compilation::choice() const { return state->target.choice; }

int64_t Compilation::threadgroupBytes() const { return state->code ? state->code->msl.threadgroupBytes : 0; }

std::optional<std::string> widenStorageArithmetic(const std::string &text, const std::string &fileName) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  OwningOpRef<ModuleOp> module = parseModule(context, text, fileName);
  WalkResult walk = module->walk([](Operation *op) { return WalkResult(failure(isComputedInFloat32(op))); });
  if (!walk.wasInterrupted())
    return std::nullopt;
  runPasses(*module, fileName, tt::buildWideningPipeline);
  return printedModule(*module);
}

std::string compileTritonIR(const std::string &text, bool hasDouble, const std::string &fileName) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  OwningOpRef<ModuleOp> module = throughSharedPasses(context, text, fileName);
  checkRaisable(*module, hasDouble);
  return printedModule(*module);
}

} // namespace tmetal
