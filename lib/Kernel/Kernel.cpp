// SPDX-License-Identifier: MIT
#include "triton-metal/Kernel.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Target/TranslateToGraph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/SourceMgr.h"

#include <mutex>

using namespace mlir;

namespace tmetal {

namespace {
/// Collects what MLIR reports, with places, instead of printing it.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return success();
          llvm::raw_string_ostream stream(text);
          if (!text.empty())
            stream << "\n";
          stream << place(diagnostic.getLocation()) << diagnostic.str();
          for (Diagnostic &note : diagnostic.getNotes())
            stream << "\n  note: " << place(note.getLocation()) << note.str();
          return success();
        }) {}
  std::string text;

private:
  static std::string place(Location loc) {
    std::string found;
    loc->walk([&](Location inner) {
      if (auto file = dyn_cast<FileLineColLoc>(inner)) {
        found = (file.getFilename().getValue() + ":" + llvm::Twine(file.getLine()) + ":" +
                 llvm::Twine(file.getColumn()) + ": ")
                    .str();
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    return found;
  }
  ScopedDiagnosticHandler handler;
};
} // namespace

static void loadDialects(MLIRContext &context) {
  DialectRegistry registry;
  tt::registerAllDialects(registry);
  registry.insert<mlxir::MLXDialect, func::FuncDialect>();
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

static OwningOpRef<ModuleOp> parse(MLIRContext &context, const std::string &text,
                                   const std::string &fileName) {
  DiagnosticCollector diagnostics(context);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, fileName), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    throw Error(ErrorKind::Compile,
                diagnostics.text.empty() ? fileName + ": The text is not Triton IR." : diagnostics.text);
  return module;
}

std::string compileTritonIR(const std::string &text, bool hasDouble, const std::string &fileName) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  OwningOpRef<ModuleOp> module = parse(context, text, fileName);
  DiagnosticCollector diagnostics(context);
  PassManager passes(&context);
  tt::buildSharedPipeline(passes);
  if (failed(passes.run(*module)))
    throw Error(ErrorKind::Compile,
                diagnostics.text.empty() ? fileName + ": The shared passes failed." : diagnostics.text);
  checkRaisable(*module, hasDouble);
  std::string out;
  llvm::raw_string_ostream stream(out);
  OpPrintingFlags flags;
  flags.enableDebugInfo(true, false);
  module->print(stream, flags);
  return out;
}

struct CompiledKernel::State {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  std::mutex mutex; // a context without threads serves one raising at a time
};

CompiledKernel::CompiledKernel(const std::string &text, bool hasDouble) : state(std::make_unique<State>()) {
  loadDialects(state->context);
  state->module = parse(state->context, text, "<kernel>");
  checkRaisable(*state->module, hasDouble);
  kernelFacts = analyzeKernel(*state->module);
}

CompiledKernel::~CompiledKernel() = default;

std::vector<LaunchGraph> CompiledKernel::raise(const LaunchSignature &signature,
                                               const RaisingOptions &options) {
  std::lock_guard<std::mutex> lock(state->mutex);
  DiagnosticCollector diagnostics(state->context);
  std::vector<LaunchGraph> graphs;
  try {
    for (RaisedGraph &graph : raiseLaunch(*state->module, signature, options))
      graphs.push_back({translateToGraph(*graph.module), graph.outputs});
  } catch (const Error &error) {
    if (diagnostics.text.empty())
      throw;
    throw Error(error.kind, std::string(error.what()) + "\n" + diagnostics.text);
  }
  return graphs;
}

std::string CompiledKernel::raiseText(const LaunchSignature &signature, const RaisingOptions &options) {
  std::lock_guard<std::mutex> lock(state->mutex);
  std::string out;
  llvm::raw_string_ostream stream(out);
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(64);
  for (RaisedGraph &graph : raiseLaunch(*state->module, signature, options)) {
    graph.module->print(stream, flags);
    stream << "\n";
  }
  return out;
}

std::string mlirVersion() { return LLVM_VERSION_STRING; }

} // namespace tmetal
