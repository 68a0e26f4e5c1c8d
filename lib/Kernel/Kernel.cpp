// SPDX-License-Identifier: MIT
#include "triton-metal/Kernel.h"
#include "triton-metal/Analysis/DescribeAccesses.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"
#include "triton-metal/Target/PrintMSL.h"
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
#include <optional>

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
  registry.insert<mlxir::MLXDialect, func::FuncDialect, tm::TMDialect>();
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

static std::string printed(ModuleOp module) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  OpPrintingFlags flags;
  flags.enableDebugInfo(true, false);
  module.print(stream, flags);
  return out;
}

// --- engines ---------------------------------------------------------------------------------------

/// Runs `work`; what MLIR reports meanwhile becomes part of the error.
template <typename Work> static auto withDiagnostics(MLIRContext &context, Work work) {
  DiagnosticCollector diagnostics(context);
  try {
    return work();
  } catch (const OutOfResources &) {
    throw;
  } catch (const Error &error) {
    if (diagnostics.text.empty())
      throw;
    throw Error(error.kind, std::string(error.what()) + "\n" + diagnostics.text);
  }
}

static OwningOpRef<ModuleOp> lowered(ModuleOp module, const MslOptions &options) {
  OwningOpRef<ModuleOp> clone(module.clone());
  (*clone)->removeDiscardableAttr("tt.target");
  lowerToTritonMetal(*clone, options);
  return clone;
}

static MslKernel printedAsMsl(ModuleOp module, const MslOptions &options) {
  return withDiagnostics(*module.getContext(), [&] { return printMsl(*lowered(module, options), options); });
}

static std::string firstLine(const std::string &text) { return text.substr(0, text.find('\n')); }

static bool isRaisable(ModuleOp module, bool hasDouble) {
  try {
    checkRaisable(module, hasDouble);
    return true;
  } catch (const Error &) {
    return false;
  }
}

/// The engine that runs the kernel. `kernel` gets its Metal text when that was made on the way.
static EngineChoice chooseEngine(ModuleOp module, const EngineRequest &request,
                                 std::optional<MslKernel> &kernel) {
  if (request.engine == "mlx") {
    checkRaisable(module, request.hasDouble());
    return {"mlx", "it was asked for"};
  }
  if (request.engine == "msl") {
    kernel = printedAsMsl(module, request.msl);
    return {"msl", "it was asked for"};
  }
  if (request.engine != "auto")
    throw Error(ErrorKind::Argument,
                "[engine] '" + request.engine + "' is not an engine: use auto, msl or mlx.");
  if (request.onGpu) {
    checkRaisable(module, request.hasDouble());
    return {"mlx", "kernels in Metal Shading Language run on the CPU device only in this version"};
  }
  const MslOptions &msl = request.msl;
  bool checking = msl.checkAddresses || msl.checkRaces || msl.checkUndefined; // modes of the msl engine
  if (!request.hasCompiler && !checking) {
    checkRaisable(module, request.hasDouble());
    return {"mlx", "there is no clang to compile Metal text with"};
  }
  std::string refusal;
  try {
    kernel = printedAsMsl(module, request.msl);
    return {"msl", "one fused kernel"};
  } catch (const OutOfResources &error) {
    if (checking || error.resource != "shared memory" || !isRaisable(module, request.hasDouble()))
      throw;
    return {"mlx", firstLine(error.what()) + " The mlx engine needs none."};
  } catch (const Error &error) {
    if (error.kind != ErrorKind::Unsupported || checking)
      throw;
    refusal = error.what();
  }
  try {
    checkRaisable(module, request.hasDouble());
  } catch (const Error &error) {
    if (error.kind != ErrorKind::Unsupported || refusal == error.what())
      throw;
    throw Error(ErrorKind::Unsupported, refusal + "\nNor can the mlx engine run it: " + error.what());
  }
  return {"mlx", "the msl engine refuses it: " + firstLine(refusal)};
}

// What was asked for and chosen travels with the text as an attribute of the module.

static void record(ModuleOp module, const EngineRequest &request, const EngineChoice &choice) {
  Builder builder(module.getContext());
  const MslOptions &msl = request.msl;
  module->setDiscardableAttr(
      "tt.target", builder.getDictionaryAttr({
                       builder.getNamedAttr("arch", builder.getStringAttr(msl.arch)),
                       builder.getNamedAttr("check_addresses", builder.getBoolAttr(msl.checkAddresses)),
                       builder.getNamedAttr("check_races", builder.getBoolAttr(msl.checkRaces)),
                       builder.getNamedAttr("check_undefined", builder.getBoolAttr(msl.checkUndefined)),
                       builder.getNamedAttr("engine", builder.getStringAttr(choice.engine)),
                       builder.getNamedAttr("fp_fusion", builder.getBoolAttr(msl.fpFusion)),
                       builder.getNamedAttr("on_gpu", builder.getBoolAttr(request.onGpu)),
                       builder.getNamedAttr("reason", builder.getStringAttr(choice.reason)),
                       builder.getNamedAttr("requested", builder.getStringAttr(request.engine)),
                       builder.getNamedAttr("simdgroups", builder.getI32IntegerAttr(msl.simdgroups)),
                   }));
}

static std::unique_ptr<EngineRequest> recordedIn(ModuleOp module, std::unique_ptr<EngineChoice> &choice) {
  auto attributes = dyn_cast_or_null<DictionaryAttr>(module->getDiscardableAttr("tt.target"));
  if (!attributes)
    return nullptr;
  auto text = [&](StringRef name) {
    auto value = dyn_cast_or_null<StringAttr>(attributes.get(name));
    return value ? value.str() : std::string();
  };
  auto flag = [&](StringRef name) {
    auto value = dyn_cast_or_null<BoolAttr>(attributes.get(name));
    return value && value.getValue();
  };
  auto request = std::make_unique<EngineRequest>();
  request->engine = text("requested");
  request->onGpu = flag("on_gpu");
  request->msl.arch = text("arch");
  request->msl.fpFusion = flag("fp_fusion");
  request->msl.checkAddresses = flag("check_addresses");
  request->msl.checkRaces = flag("check_races");
  request->msl.checkUndefined = flag("check_undefined");
  if (auto simdgroups = dyn_cast_or_null<IntegerAttr>(attributes.get("simdgroups")))
    request->msl.simdgroups = static_cast<int>(simdgroups.getInt());
  choice = std::make_unique<EngineChoice>(EngineChoice{text("engine"), text("reason")});
  return request;
}

static OwningOpRef<ModuleOp> throughSharedPasses(MLIRContext &context, const std::string &text,
                                                 const std::string &fileName) {
  OwningOpRef<ModuleOp> module = parse(context, text, fileName);
  DiagnosticCollector diagnostics(context);
  PassManager passes(&context);
  tt::buildSharedPipeline(passes);
  if (failed(passes.run(*module)))
    throw Error(ErrorKind::Compile,
                diagnostics.text.empty() ? fileName + ": The shared passes failed." : diagnostics.text);
  return module;
}

CompiledText compileKernel(const std::string &text, const std::string &fileName,
                           const EngineRequest &request) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  OwningOpRef<ModuleOp> module = throughSharedPasses(context, text, fileName);
  CompiledText compiled;
  std::optional<MslKernel> kernel;
  compiled.choice = chooseEngine(*module, request, kernel);
  if (kernel)
    compiled.threadgroupBytes = kernel->threadgroupBytes;
  record(*module, request, compiled.choice);
  compiled.text = printed(*module);
  return compiled;
}

std::string compileTritonIR(const std::string &text, bool hasDouble, const std::string &fileName) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  OwningOpRef<ModuleOp> module = throughSharedPasses(context, text, fileName);
  checkRaisable(*module, hasDouble);
  return printed(*module);
}

struct CompiledKernel::State {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  std::mutex mutex; // a context without threads serves one raising or lowering at a time
};

CompiledKernel::CompiledKernel(const std::string &text) : state(std::make_unique<State>()) {
  loadDialects(state->context);
  state->module = parse(state->context, text, "<kernel>");
  kernelFacts = analyzeKernel(*state->module);
  request = recordedIn(*state->module, recordedChoice);
}

CompiledKernel::~CompiledKernel() = default;

EngineChoice CompiledKernel::choose(const EngineRequest &asked) const {
  if (request && request->engine == asked.engine && request->onGpu == asked.onGpu)
    return *recordedChoice;
  std::lock_guard<std::mutex> lock(state->mutex);
  std::optional<MslKernel> kernel;
  return chooseEngine(*state->module, asked, kernel);
}

void CompiledKernel::checkRaisable(bool hasDouble) const {
  std::lock_guard<std::mutex> lock(state->mutex);
  tmetal::checkRaisable(*state->module, hasDouble);
}

MslKernel CompiledKernel::toMsl(const MslOptions &options) const {
  std::lock_guard<std::mutex> lock(state->mutex);
  return printedAsMsl(*state->module, options);
}

AccessProgram CompiledKernel::accesses() const {
  std::lock_guard<std::mutex> lock(state->mutex);
  return describeAccesses(*state->module);
}

std::string CompiledKernel::tmText(const MslOptions &options) const {
  std::lock_guard<std::mutex> lock(state->mutex);
  return withDiagnostics(state->context, [&] {
    std::string out;
    llvm::raw_string_ostream stream(out);
    lowered(*state->module, options)->print(stream);
    return out;
  });
}

std::vector<LaunchGraph> CompiledKernel::raise(const LaunchSignature &signature,
                                               const RaisingOptions &options) {
  std::lock_guard<std::mutex> lock(state->mutex);
  return withDiagnostics(state->context, [&] {
    std::vector<LaunchGraph> graphs;
    for (RaisedGraph &graph : raiseLaunch(*state->module, signature, options))
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
  for (RaisedGraph &graph : raiseLaunch(*state->module, signature, options)) {
    graph.module->print(stream, flags);
    stream << "\n";
  }
  return out;
}

std::string mlirVersion() { return LLVM_VERSION_STRING; }

} // namespace tmetal
