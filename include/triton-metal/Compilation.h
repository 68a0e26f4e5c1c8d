// SPDX-License-Identifier: MIT
// Compiles one kernel, stage by stage. Does not include MLIR.
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Engine.h"

#include <memory>
#include <string>

namespace tmetal {

/// Each stage takes the text that the previous one returned, or another text that the user has put
/// in its place. Only a replaced text is parsed; otherwise the module that the text was printed
/// from is reused. Not thread-safe.
class Compilation {
public:
  explicit Compilation(EngineRequest request);
  ~Compilation();

  /// Runs the shared passes on Triton IR, chooses an engine and records it in `tt.target`. Throws Error for
  /// text that does not parse and for kernels that cannot be run correctly.
  std::string tt(const std::string &ttir, const std::string &fileName);
  /// The kernel in the `tm` dialect; for the mlx engine, a comment that says why there is none.
  std::string tm(const std::string &tt);
  /// The kernel in Metal Shading Language, or a comment as above.
  std::string msl(const std::string &tm);
  /// All that launches need (KernelBundle.h). A replaced `msl` keeps the facts of the text that it replaces.
  std::string bundle(const std::string &msl);

  // These describe the stages that have run so far.
  const EngineChoice &choice() const;
  int64_t threadgroupBytes() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace tmetal
