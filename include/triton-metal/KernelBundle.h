// SPDX-License-Identifier: MIT
// The last stage of a compilation: all that launches need, as a text that Triton keeps. Plain types.
#pragma once

#include "triton-metal/Analysis/AccessBounds.h"
#include "triton-metal/Analysis/KernelFacts.h"
#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Engine.h"

#include <optional>
#include <string>

namespace tmetal {

struct KernelBundle {
  EngineRequest request;
  EngineChoice choice;
  KernelFacts facts;
  /// Of the msl engine: the text for arguments that do not overlap, as `request.msl` asks for it.
  std::optional<MslKernel> msl;
  /// Of the msl engine: which memory the kernel accesses.
  std::optional<AccessProgram> accesses;
  /// The kernel after the shared passes, for what is made of it at launches: graphs, and other Metal texts.
  std::string tt;
};

/// JSON, in the order of the fields.
std::string writeBundle(const KernelBundle &bundle);
/// Throws Error (Compile) for a text that is damaged, or was written by another version.
KernelBundle readBundle(const std::string &text);
/// Whether the text means to be a bundle; Triton IR never begins like one.
bool isBundle(const std::string &text);

} // namespace tmetal
