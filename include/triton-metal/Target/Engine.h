// SPDX-License-Identifier: MIT
// The request that a kernel is compiled for and the engine that was chosen to run it. Plain C++.
#pragma once

#include "triton-metal/Target/MSL.h"

#include <string>

namespace tmetal {

/// The engine that is to run a kernel, and the device.
struct EngineRequest {
  std::string engine = "auto"; // "msl", "mlx", or "auto" to choose one
  bool onGpu = false;          // the device is a GPU
  bool hasCompiler = true;     // a compiler for Metal text on the CPU device
  MslOptions msl;

  /// Whether MLX has f64 on the device.
  bool hasDouble() const;
};

struct EngineChoice {
  std::string engine; // "msl" or "mlx"
  std::string reason; // a clause for messages
};

/// The options of a compilation as the user wrote them.
struct WrittenOptions {
  std::string arch = "host", device = "cpu", engine = "auto";
  int simdgroups = 4;
  bool fpFusion = true, hasCompiler = true;
  std::string sanitize; // check modes, separated by commas
};

/// All options are read here. Throws Error (Argument, Unsupported).
EngineRequest requestFrom(const WrittenOptions &options);

/// Sets the check modes that `sanitize` names: "address", "thread", "undefined", separated by commas.
/// Throws Error (Argument).
void setCheckModes(MslOptions &options, const std::string &sanitize);
/// The check modes in a canonical spelling.
std::string checkModes(const MslOptions &options);

} // namespace tmetal
