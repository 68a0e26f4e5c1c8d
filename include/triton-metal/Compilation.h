// SPDX-License-Identifier: MIT
// The compilation of one kernel, stage by stage. No MLIR in this header.
#pragma once

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Engine.h"

#include <memory>
#include <string>

namespace tmetal {

/// Each stage takes the text that the one before it returned, or another text that the user put in its place.
/// Only the latter is parsed: what the former was printed from is still there. Not thread-safe.
class Compilation {
public:
  explicit Compilation(EngineRequest request);
  ~Compilation();

  /// Triton IR through the shared passes, with the engine chosen and recorded in `tt.target`. Throws Error
  /// for what does not parse and for what cannot be done right.
  std::string tt(const std::string &ttir, const std::string &fileName);
  /// The kernel in the `tm` dialect. For the mlx engine a comment that says why there is none.
  std::string tm(const std::string &tt);
  /// The kernel in Metal Shading Language, or such a comment.
  std::string msl(const std::string &tm);
  /// What launches need (KernelBundle.h). A replaced `msl` is kept with the facts of the text it replaces.
  std::string bundle(const std::string &msl);

  // Of the stages so far.
  const EngineChoice &choice() const;
  int64_t threadgroupBytes() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace tmetal
