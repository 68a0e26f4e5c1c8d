// SPDX-License-Identifier: MIT
// The `tm` dialect: programs in the form in which the threads of one threadgroup execute them.
#pragma once

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalDialect.h.inc"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalTypes.h.inc"
#define GET_OP_CLASSES
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalOps.h.inc"
