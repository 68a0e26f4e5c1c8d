// SPDX-License-Identifier: MIT
// Base classes and constraints shared by the operations of the `tt` dialect.
#ifndef TRITON_METAL_TRITON_OP_BASE
#define TRITON_METAL_TRITON_OP_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "triton-metal/Dialect/Triton/IR/TritonDialect.td"
include "triton-metal/Dialect/Triton/IR/TritonAttrs.td"
include "triton-metal/Dialect/Triton/IR/TritonTypes.td"

// Every ranked tensor among operands and results is static and has a power of two of elements, at
// most as many as Triton allows.
def TT_BlockShapes : NativeOpTrait<"BlockShapes"> { let cppNamespace = "::tmetal::tt"; }

// Each element of a result is an element of an operand.
def TT_View : NativeOpTrait<"View"> { let cppNamespace = "::tmetal::tt"; }

class TT_Op<string mnemonic, list<Trait> traits = []>
    : Op<Triton_Dialect, mnemonic, !listconcat(traits, [TT_BlockShapes])>;

// An optional mask with the shape of the pointers that it guards.
class TT_MaskOf<string values, int operandsBefore>
    : TypesMatchWith<"mask has the shape of '" # values # "'", values, "mask", "maskTypeFor($_self)",
                     "($_op.getNumOperands() <= " # operandsBefore # ") || std::equal_to<>()">;

class TT_ValueOf<string pointer, string value>
    : TypesMatchWith<"'" # value # "' has the pointee type and shape of '" # pointer # "'", pointer, value,
                     "pointeeTypeFor($_self)">;

#endif
