// SPDX-License-Identifier: MIT
// The operations of Triton's `llvm` and `ttg` dialects that may occur in TTIR.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "triton-metal/Dialect/Triton/IR/Foreign_llvmDialect.h.inc"
#include "triton-metal/Dialect/Triton/IR/Foreign_ttgDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "triton-metal/Dialect/Triton/IR/ForeignAttrs.h.inc"
#define GET_OP_CLASSES
#include "triton-metal/Dialect/Triton/IR/Foreign_llvmOps.h.inc"
#define GET_OP_CLASSES
#include "triton-metal/Dialect/Triton/IR/Foreign_ttgOps.h.inc"
