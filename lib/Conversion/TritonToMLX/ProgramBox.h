// SPDX-License-Identifier: MIT
// The program axes of all programs in a launch, or in a slab of it.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"
#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include <array>

namespace tmetal::raising {

struct ProgramBox {
  Extents extents;
  std::array<IndexExpr, 3> ids; // program_id as a function of these axes
};

/// Chooses axes that make as many scalars as possible affine (grouped program ids become a box).
ProgramBox planProgramBox(tt::FuncOp func, const LaunchSignature &signature);

} // namespace tmetal::raising
