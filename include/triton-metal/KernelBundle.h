// SPDX-License-Identifier: MIT
// The last stage of a compilation: all that launches need, as a text that Triton stores. Plain C++.
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
  /// For the msl engine: the text for arguments that do not overlap, with the options of `request.msl`.
  std::optional<MslKernel> msl;
  /// For the msl engine: the memory that the kernel accesses.
  std::optional<AccessProgram> accesses;
  /// The kernel after the shared passes, from which launches make graphs and other Metal texts.
  std::string tt;
};

/// Writes JSON with the fields in this order.
std::string writeBundle(const KernelBundle &bundle);
/// Throws Error (Compile) if the text is damaged or was written by another version.
KernelBundle readBundle(const std::string &text);
/// Whether the text claims to be a bundle; Triton IR never begins like one.
bool isBundle(const std::string &text);

} // namespace tmetal
