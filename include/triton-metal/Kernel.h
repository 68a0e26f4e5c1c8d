// SPDX-License-Identifier: MIT
// A kernel as the runtime sees it: text in, graphs or Metal text out. No MLIR in this header.
#pragma once

#include "triton-metal/Analysis/AccessBounds.h"
#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/MLXGraph.h"
#include "triton-metal/Target/MSL.h"

#include <memory>
#include <string>
#include <vector>

namespace tmetal {

/// Which engine is to run a kernel, and for what device.
struct EngineRequest {
  std::string engine = "auto"; // "msl", "mlx", or "auto": what suits
  bool onGpu = false;          // the device is a GPU
  bool hasCompiler = true;     // for Metal text, on the CPU device
  MslOptions msl;

  bool hasDouble() const { return msl.arch == "host" && !onGpu; }
};

struct EngineChoice {
  std::string engine; // "msl" or "mlx"
  std::string reason; // a clause for people
};

struct CompiledText {
  std::string text; // of the module, which records the request and the choice
  EngineChoice choice;
  int64_t threadgroupBytes = 0;
};

/// Parses Triton IR, runs the shared pipeline, chooses the engine and refuses what it cannot do right. Throws
/// Error.
CompiledText compileKernel(const std::string &text, const std::string &fileName,
                           const EngineRequest &request);

/// The same for the mlx engine; returns the text alone.
std::string compileTritonIR(const std::string &text, bool hasDouble, const std::string &fileName);

struct LaunchGraph {
  GraphProgram program;
  std::vector<RaisedOutput> outputs;
};

/// A compiled kernel. Thread-safe.
class CompiledKernel {
public:
  /// `text` comes from compileKernel, perhaps by way of a file. Throws Error.
  explicit CompiledKernel(const std::string &text);
  ~CompiledKernel();

  const KernelFacts &facts() const { return kernelFacts; }
  /// What was asked for when the text was compiled; null when the text does not say.
  const EngineRequest *recordedRequest() const { return request.get(); }
  /// What runs the kernel. Throws Error when no engine can that the request permits.
  EngineChoice choose(const EngineRequest &request) const;

  /// Throws Error (Unsupported) when the mlx engine cannot run the kernel.
  void checkRaisable(bool hasDouble) const;
  std::vector<LaunchGraph> raise(const LaunchSignature &signature, const RaisingOptions &options);
  /// The launch in the `mlx` dialect, one module after another.
  std::string raiseText(const LaunchSignature &signature, const RaisingOptions &options);

  /// The kernel in Metal Shading Language. Throws Error: Unsupported, or OutOfResources.
  MslKernel toMsl(const MslOptions &options) const;
  /// Where the kernel reads and writes memory, as far as a launch tells.
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

} // namespace tmetal
