// SPDX-License-Identifier: MIT
#include "triton-metal/Kernel.h"
#include "Lowering.h"
#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Analysis/DescribeAccesses.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/KernelBundle.h"
#include "triton-metal/Target/TranslateToGraph.h"

#include "llvm/Config/llvm-config.h"

#include <mutex>

using namespace mlir;

namespace tmetal {

struct CompiledKernel::State {
  std::mutex mutex; // the context has no threads, so it serves one raising or lowering at a time
  std::string tt;
  std::optional<MslKernel> msl; // for the options that the kernel was compiled with
  std::optional<AccessProgram> accesses;

  /// The kernel in the `tt` dialect, parsed on first use. The caller holds the mutex.
  ModuleOp module() {
    if (!parsed) {
      context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
      loadDialects(*context);
      OwningOpRef<ModuleOp> module = parseModule(*context, tt, "<kernel>");
      withDiagnostics(*context, [&] { tmetal::tt::requireKernel(*module); });
      parsed = std::move(module);
    }
    return *parsed;
  }

private:
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> parsed;
};

CompiledKernel::CompiledKernel(const std::string &text) : state(std::make_unique<State>()) {
  auto remember = [this](const EngineRequest &asked, const EngineChoice &chosen) {
    request = std::make_unique<EngineRequest>(asked);
    recordedChoice = std::make_unique<EngineChoice>(chosen);
  };
  if (isBundle(text)) {
    KernelBundle bundle = readBundle(text);
    remember(bundle.request, bundle.choice);
    kernelFacts = std::move(bundle.facts);
    state->tt = std::move(bundle.tt);
    state->msl = std::move(bundle.msl);
    state->accesses = std::move(bundle.accesses);
    return;
  }
  state->tt = text;
  kernelFacts = analyzeKernel(state->module());
  if (std::optional<Target> target = targetOf(state->module()))
    remember(target->request, target->choice);
}

CompiledKernel::~CompiledKernel() = default;

EngineChoice CompiledKernel::choose(const EngineRequest &asked) const {
  if (request && request->engine == asked.engine && request->onGpu == asked.onGpu)
    return *recordedChoice;
  std::lock_guard<std::mutex> lock(state->mutex);
  std::optional<MetalCode> code;
  return chooseEngine(state->module(), asked, code);
}

void CompiledKernel::checkRaisable(bool hasDouble) const {
  std::lock_guard<std::mutex> lock(state->mutex);
  tmetal::checkRaisable(state->module(), hasDouble);
}

MslKernel CompiledKernel::toMsl(const MslOptions &options) const {
  if (state->msl && options == request->msl)
    return *state->msl;
  std::lock_guard<std::mutex> lock(state->mutex);
  return metalCode(state->module(), options).msl;
}

AccessProgram CompiledKernel::accesses() const {
  if (state->accesses)
    return *state->accesses;
  std::lock_guard<std::mutex> lock(state->mutex);
  return describeAccesses(state->module());
}

std::string CompiledKernel::tmText(const MslOptions &options) const {
  std::lock_guard<std::mutex> lock(state->mutex);
  ModuleOp module = state->module();
  return withDiagnostics(*module.getContext(), [&] {
    std::string out;
    llvm::raw_string_ostream stream(out);
    lowered(module, options)->print(stream);
    return out;
  });
}

std::vector<LaunchGraph> CompiledKernel::raise(const LaunchSignature &signature,
                                               const RaisingOptions &options) {
  std::lock_guard<std::mutex> lock(state->mutex);
  ModuleOp module = state->module();
  return withDiagnostics(*module.getContext(), [&] {
    std::vector<LaunchGraph> graphs;
    for (RaisedGraph &graph : raiseLaunch(module, signature, options))
      graphs.push_back({translateToGraph(*graph.module), graph.outputs});
    return graphs;
  });
}

std::string CompiledKernel::raiseText(const LaunchSignature &signature, const RaisingOptions &options) {
  std::lock_guard<std::mutex> lock(state->mutex);
  std::string out;
  llvm::raw_string_ostream stream(out);
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(64);
  for (RaisedGraph &graph : raiseLaunch(state->module(), signature, options)) {
    graph.module->print(stream, flags);
    stream << "\n";
  }
  return out;
}

CompilerStatistics compilerStatistics() { return {counters.parsed, counters.lowered, counters.printed}; }

std::string mlirVersion() { return LLVM_VERSION_STRING; }

} // namespace tmetal
