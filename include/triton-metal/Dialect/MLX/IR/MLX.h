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

#include <utility>
#include <vector>

namespace tmetal::mlxir::trait {
template <typename Concrete> class View : public mlir::OpTrait::TraitBase<Concrete, View> {};
template <typename Concrete> class Elementwise : public mlir::OpTrait::TraitBase<Concrete, Elementwise> {};
template <typename Concrete> class Reduces : public mlir::OpTrait::TraitBase<Concrete, Reduces> {};
template <typename Concrete> class Scans : public mlir::OpTrait::TraitBase<Concrete, Scans> {};
template <typename Concrete> class Gathers : public mlir::OpTrait::TraitBase<Concrete, Gathers> {};
template <typename Concrete> class Creates : public mlir::OpTrait::TraitBase<Concrete, Creates> {};
} // namespace tmetal::mlxir::trait

namespace tmetal::mlxir {
/// Whether the shape is static and the number of bits fits 64 bits.
bool isAddressable(mlir::RankedTensorType type);
} // namespace tmetal::mlxir

#include "triton-metal/Dialect/MLX/IR/MLXDialect.h.inc"
#include "triton-metal/Dialect/MLX/IR/MLXEnums.h.inc"

#define GET_OP_CLASSES
#include "triton-metal/Dialect/MLX/IR/MLXOps.h.inc"

namespace tmetal::mlxir {

inline bool isView(mlir::Operation *op) { return op->hasTrait<trait::View>(); }

/// The cost category of an operation: "views", "gathers", "element-wise", ...; empty for a terminator.
llvm::StringRef categoryOf(mlir::OperationName name);
/// All categories, in the order of reports.
llvm::ArrayRef<llvm::StringRef> categoryNames();

/// The shape and element type of an array.
inline mlir::RankedTensorType typeOf(mlir::Value array) {
  return llvm::cast<mlir::RankedTensorType>(array.getType());
}

} // namespace tmetal::mlxir
