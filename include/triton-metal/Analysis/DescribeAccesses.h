// SPDX-License-Identifier: MIT
#pragma once

#include "triton-metal/Analysis/AccessBounds.h"

#include "mlir/IR/BuiltinOps.h"

namespace tmetal {

/// Describes the memory accesses of the kernel in a module that has been through the shared passes, as
/// functions of the integers of a launch. Parameters have the numbers of the kernel's arguments.
AccessProgram describeAccesses(mlir::ModuleOp module);

/// One line for each access and each node that it needs, for debugging and tests.
std::string accessText(const AccessProgram &program);

} // namespace tmetal
