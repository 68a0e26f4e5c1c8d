// SPDX-License-Identifier: MIT
// The `mlx` dialect: MLX array operations as MLIR operations.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "triton-metal/Dialect/MLX/IR/MLXDialect.h.inc"

#define GET_OP_CLASSES
#include "triton-metal/Dialect/MLX/IR/MLXOps.h.inc"
