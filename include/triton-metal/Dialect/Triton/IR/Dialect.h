// SPDX-License-Identifier: MIT
// The `tt` dialect, which Triton's front end writes.
#pragma once

#include "triton-metal/Dialect/Triton/IR/MemoryAccessInterfaces.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "triton-metal/Dialect/Triton/IR/TritonDialect.h.inc"
#include "triton-metal/Dialect/Triton/IR/TritonEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "triton-metal/Dialect/Triton/IR/TritonAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "triton-metal/Dialect/Triton/IR/TritonTypes.h.inc"

namespace tmetal::tt {

/// Triton's own limit on the number of elements of a tensor.
constexpr int64_t kMaxTensorElements = 1 << 20;

/// `type` with another element type; for a scalar type, the element type itself.
mlir::Type withElementType(mlir::Type type, mlir::Type element);
/// The pointee type of a pointer, or of a tensor of pointers; null for any other type.
mlir::Type pointeeTypeFor(mlir::Type pointers);
/// i1 in the shape of `values`.
mlir::Type maskTypeFor(mlir::Type values);

mlir::LogicalResult verifyBlockShapes(mlir::Operation *op);

/// Requires tensors to have static shapes with a power of two of elements.
template <typename ConcreteType>
class BlockShapes : public mlir::OpTrait::TraitBase<ConcreteType, BlockShapes> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) { return verifyBlockShapes(op); }
};

/// Each element of a result is an element of an operand: no value is computed.
template <typename ConcreteType> class View : public mlir::OpTrait::TraitBase<ConcreteType, View> {};
inline bool isView(mlir::Operation *op) { return op->hasTrait<View>(); }

} // namespace tmetal::tt

#define GET_OP_CLASSES
#include "triton-metal/Dialect/Triton/IR/TritonOps.h.inc"
