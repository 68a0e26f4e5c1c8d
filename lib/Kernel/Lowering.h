// SPDX-License-Identifier: MIT
// Steps between texts and modules that the stages of a compilation and a compiled kernel share.
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Engine.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"

#include <atomic>
#include <optional>
#include <string>

namespace tmetal {

/// What this process has done so far, for CompilerStatistics.
struct Counters {
  std::atomic<int64_t> parsed{0}, lowered{0}, printed{0};
};
extern Counters counters;

/// Collects what MLIR reports, with places, instead of printing it.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext &context);
  std::string text;

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// Runs `work`; what MLIR reports meanwhile becomes part of the error.
template <typename Work> auto withDiagnostics(mlir::MLIRContext &context, Work work) {
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

void loadDialects(mlir::MLIRContext &context);
/// Throws Error (Compile) with what the parser says.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(mlir::MLIRContext &context, const std::string &text,
                                              const std::string &fileName);
/// With the places in the source, so that parsing it gives the same module.
std::string printedModule(mlir::ModuleOp module);

/// The module in the `tm` dialect. Throws Error.
mlir::OwningOpRef<mlir::ModuleOp> lowered(mlir::ModuleOp module, const MslOptions &options);

/// A kernel of the msl engine: in the `tm` dialect, and as Metal text.
struct MetalCode {
  mlir::OwningOpRef<mlir::ModuleOp> tm;
  MslKernel msl;
};
MetalCode metalCode(mlir::ModuleOp module, const MslOptions &options);
/// The Metal text of a module in the `tm` dialect.
MslKernel metalText(mlir::ModuleOp tm, const MslOptions &options);

/// The engine that runs the kernel. `code` gets what was made on the way for the msl engine. Throws Error if
/// no engine that the request permits can run it.
EngineChoice chooseEngine(mlir::ModuleOp module, const EngineRequest &request,
                          std::optional<MetalCode> &code);

/// What was asked for and chosen travels with a module as its attribute `tt.target`.
struct Target {
  EngineRequest request;
  EngineChoice choice;
};
void setTarget(mlir::ModuleOp module, const Target &target);
/// None: the module has no such attribute. Throws Error when it is something else than a #tt.target.
std::optional<Target> targetOf(mlir::ModuleOp module);

} // namespace tmetal
