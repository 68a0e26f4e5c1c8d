// SPDX-License-Identifier: MIT
// A kernel as the runtime sees it: text in, graphs out. No MLIR in this header.
#pragma once

#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MLXGraph.h"

#include <memory>
#include <string>
#include <vector>

namespace tmetal {

/// Parses Triton IR, runs the shared pipeline, and refuses what no launch can do right. Returns the module's
/// text. Throws Error (Compile or Unsupported).
std::string compileTritonIR(const std::string &text, bool hasDouble, const std::string &fileName);

struct LaunchGraph {
  GraphProgram program;
  std::vector<RaisedOutput> outputs;
};

/// A compiled kernel. Thread-safe.
class CompiledKernel {
public:
  /// `text` comes from compileTritonIR, perhaps by way of a file. Throws Error.
  CompiledKernel(const std::string &text, bool hasDouble);
  ~CompiledKernel();

  const KernelFacts &facts() const { return kernelFacts; }
  std::vector<LaunchGraph> raise(const LaunchSignature &signature, const RaisingOptions &options);
  /// The launch in the `mlx` dialect, one module after another.
  std::string raiseText(const LaunchSignature &signature, const RaisingOptions &options);

private:
  struct State;
  std::unique_ptr<State> state;
  KernelFacts kernelFacts;
};

std::vector<OperationInfo> operationTable();
std::string mlirVersion();

} // namespace tmetal
