// SPDX-License-Identifier: MIT
// Steps between texts and modules, shared by the stages of a compilation and by compiled kernels.
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

/// Counts what this process has done so far, for CompilerStatistics.
struct Counters {
  std::atomic<int64_t> parsed{0}, lowered{0}, printed{0};
};
extern Counters counters;

/// Collects the diagnostics of MLIR with their locations instead of printing them.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext &context);
  std::string text;

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// Runs `work`. Diagnostics that MLIR reports meanwhile become part of the error.
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
/// Throws Error (Compile) with the message of the parser.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(mlir::MLIRContext &context, const std::string &text,
                                              const std::string &fileName);
/// Includes source locations, so that parsing the text gives the same module.
std::string printedModule(mlir::ModuleOp module);

/// The module in the `tm` dialect. Throws Error.
mlir::OwningOpRef<mlir::ModuleOp> lowered(mlir::ModuleOp module, const MslOptions &options);

/// A kernel of the msl engine, in the `tm` dialect and as Metal text.
struct MetalCode {
  mlir::OwningOpRef<mlir::ModuleOp> tm;
  MslKernel msl;
};
MetalCode metalCode(mlir::ModuleOp module, const MslOptions &options);
/// The Metal text of a module in the `tm` dialect.
MslKernel metalText(mlir::ModuleOp tm, const MslOptions &options);

/// The engine that runs the kernel. `code` receives what was made for the msl engine on the way. Throws Error
/// if none of the permitted engines can run the kernel.
EngineChoice chooseEngine(mlir::ModuleOp module, const EngineRequest &request,
                          std::optional<MetalCode> &code);

/// What was requested and chosen; travels with a module as its attribute `tt.target`.
struct Target {
  EngineRequest request;
  EngineChoice choice;
};
void setTarget(mlir::ModuleOp module, const Target &target);
/// nullopt if the module has no such attribute. Throws Error if it is not a #tt.target.
std::optional<Target> targetOf(mlir::ModuleOp module);

} // namespace tmetal
