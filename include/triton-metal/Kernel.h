// SPDX-License-Identifier: MIT
// A compiled kernel as the runtime sees it: text in, graphs or Metal text out. Does not include MLIR.
#pragma once

#include "triton-metal/Analysis/AccessBounds.h"
#include "triton-metal/Analysis/KernelFacts.h"
#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Engine.h"
#include "triton-metal/Target/MLXGraph.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tmetal {

/// Runs the shared passes on Triton IR, for the mlx engine. Throws Error.
std::string compileTritonIR(const std::string &text, bool hasDouble, const std::string &fileName);

/// The module of Triton's front end with arithmetic on storage types widened, or nothing if it has none.
/// Triton's own passes fold constants, in the storage type, before the shared passes run. Throws Error.
std::optional<std::string> widenStorageArithmetic(const std::string &text, const std::string &fileName);

struct LaunchGraph {
  GraphProgram program;
  std::vector<RaisedOutput> outputs;
};

/// A compiled kernel. Thread-safe.
class CompiledKernel {
public:
  /// `text` is a bundle (KernelBundle.h), or a kernel in the `tt` dialect. Throws Error.
  explicit CompiledKernel(const std::string &text);
  ~CompiledKernel();

  const KernelFacts &facts() const { return kernelFacts; }
  /// The request that the text was compiled for, or null if the text does not record it.
  const EngineRequest *recordedRequest() const { return request.get(); }
  /// The engine that runs the kernel. Throws Error if none of the permitted engines can.
  EngineChoice choose(const EngineRequest &request) const;

  /// Throws Error (Unsupported) when the mlx engine cannot run the kernel.
  void checkRaisable(bool hasDouble) const;
  std::vector<LaunchGraph> raise(const LaunchSignature &signature, const RaisingOptions &options);
  /// The launch in the `mlx` dialect, as one module after the other.
  std::string raiseText(const LaunchSignature &signature, const RaisingOptions &options);

  /// The kernel in Metal Shading Language. Throws Error: Unsupported, or OutOfResources.
  MslKernel toMsl(const MslOptions &options) const;
  /// The memory accesses of the kernel, as far as they depend on the launch alone.
  AccessProgram accesses() const;
  /// The kernel in the `tm` dialect, as it is printed.
  std::string tmText(const MslOptions &options) const;

private:
  struct State;
  std::unique_ptr<State> state;
  KernelFacts kernelFacts;
  std::unique_ptr<EngineRequest> request;
  std::unique_ptr<EngineChoice> recordedChoice;
};

std::string mlirVersion();

/// Counts what the compiler has done in this process.
struct CompilerStatistics {
  int64_t parsed = 0;  // texts
  int64_t lowered = 0; // kernels, to the `tm` dialect
  int64_t printed = 0; // Metal texts
};
CompilerStatistics compilerStatistics();

} // namespace tmetal
