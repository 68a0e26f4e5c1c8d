// SPDX-License-Identifier: MIT
// What a kernel is to be compiled for, and which engine was chosen to run it, in plain types.
#pragma once

#include "triton-metal/Target/MSL.h"

#include <string>

namespace tmetal {

/// Which engine is to run a kernel, and for what device.
struct EngineRequest {
  std::string engine = "auto"; // "msl", "mlx", or "auto": what suits
  bool onGpu = false;          // the device is a GPU
  bool hasCompiler = true;     // for Metal text, on the CPU device
  MslOptions msl;

  bool hasDouble() const;
};

struct EngineChoice {
  std::string engine; // "msl" or "mlx"
  std::string reason; // a clause for people
};

/// The options of a compilation as somebody wrote them.
struct WrittenOptions {
  std::string arch = "host", device = "cpu", engine = "auto";
  int simdgroups = 4;
  bool fpFusion = true, hasCompiler = true;
  std::string sanitize; // check modes, separated by commas
};

/// The one place that reads them. Throws Error (Argument, Unsupported).
EngineRequest requestFrom(const WrittenOptions &options);

/// Sets the check modes that `sanitize` names: "address", "thread", "undefined", separated by commas. Throws
/// Error (Argument).
void setCheckModes(MslOptions &options, const std::string &sanitize);
/// The same set of modes in one way of writing it.
std::string checkModes(const MslOptions &options);

} // namespace tmetal
