// SPDX-License-Identifier: MIT
// The program axes that all programs of a launch, or of a slab of it, span.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"
#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include <array>

namespace tmetal::raising {

struct ProgramBox {
  Extents extents;
  std::array<IndexExpr, 3> ids; // program_id over these axes
};

/// Chooses axes so that as many scalar values as possible are affine (grouped program ids become a box).
ProgramBox planProgramBox(tt::FuncOp func, const LaunchSignature &signature);

} // namespace tmetal::raising
