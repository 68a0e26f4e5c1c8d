// SPDX-License-Identifier: MIT
#include "Lowering.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"
#include "triton-metal/Support/SourceLocation.h"
#include "triton-metal/Target/PrintMSL.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace tmetal {

Counters counters;

DiagnosticCollector::DiagnosticCollector(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return success();
        llvm::raw_string_ostream stream(text);
        if (!text.empty())
          stream << "\n";
        stream << placeOf(diagnostic.getLocation()) << diagnostic.str();
        for (Diagnostic &note : diagnostic.getNotes())
          stream << "\n  note: " << placeOf(note.getLocation()) << note.str();
        return success();
      }) {}

void loadDialects(MLIRContext &context) {
  DialectRegistry registry;
  tt::registerAllDialects(registry);
  registry.insert<mlxir::MLXDialect, func::FuncDialect, tm::TMDialect>();
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

OwningOpRef<ModuleOp> parseModule(MLIRContext &context, const std::string &text,
                                  const std::string &fileName) {
  ++counters.parsed;
  DiagnosticCollector diagnostics(context);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, fileName), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    throw Error(ErrorKind::Compile,
                diagnostics.text.empty() ? fileName + ": The text is not Triton IR." : diagnostics.text);
  return module;
}

std::string printedModule(ModuleOp module) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  OpPrintingFlags flags;
  flags.enableDebugInfo(true, false);
  module.print(stream, flags);
  return out;
}

OwningOpRef<ModuleOp> lowered(ModuleOp module, const MslOptions &options) {
  ++counters.lowered;
  OwningOpRef<ModuleOp> clone(module.clone());
  (*clone)->removeDiscardableAttr(tt::TargetAttr::name);
  lowerToTritonMetal(*clone, options);
  return clone;
}

MslKernel metalText(ModuleOp tm, const MslOptions &options) {
  ++counters.printed;
  return withDiagnostics(*tm.getContext(), [&] { return printMsl(tm, options); });
}

MetalCode metalCode(ModuleOp module, const MslOptions &options) {
  MetalCode code;
  code.tm = withDiagnostics(*module.getContext(), [&] { return lowered(module, options); });
  code.msl = metalText(*code.tm, options);
  return code;
}

} // namespace tmetal
