// SPDX-License-Identifier: MIT
#pragma once

#include "triton-metal/Analysis/AccessBounds.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// The accesses to memory of the kernel in a module that went through the shared passes, as integers of a
/// launch. Parameters are numbered as the kernel's arguments.
AccessProgram describeAccesses(mlir::ModuleOp module);

/// One line for each access and each node that it needs, for people and tests.
std::string accessText(const AccessProgram &program);

} // namespace tmetal
