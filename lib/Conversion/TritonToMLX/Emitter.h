// SPDX-License-Identifier: MIT
// Builds `mlx` operations one after the other, and knows nothing of Triton. Operations without effect (a cast
// to the same type, a reshape to the same shape, ...) are not emitted.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Support/Types.h"

#include "mlir/IR/Builders.h"

namespace tmetal::raising {

/// A reference into the type of the array, which MLIR keeps.
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value array) { return mlxir::typeOf(array).getShape(); }

class Emitter {
public:
  explicit Emitter(mlir::MLIRContext *context) : builder(context) {}

  /// Emits an operation. Its result type is inferred, or follows from the arguments of its builder.
  template <typename Op, typename... Args> mlir::Value emit(Args &&...args) {
    ++count;
    return Op::create(builder, builder.getUnknownLoc(), std::forward<Args>(args)...).getResult();
  }

  // ---- creation ----
  mlir::Value scalar(mlir::Attribute value, mlir::Type elementType, unsigned rank); // every extent is 1
  mlir::Value integer(int64_t value, mlir::Type elementType, unsigned rank);
  mlir::Value real(double value, mlir::Type elementType, unsigned rank);
  mlir::Value zero(mlir::Type elementType, unsigned rank);
  /// The array of integers or truth values that an index or a condition describes.
  mlir::Value materialize(const IndexExpr &index, mlir::Type elementType, llvm::ArrayRef<int64_t> extents);
  mlir::Value materialize(const Condition &condition, llvm::ArrayRef<int64_t> extents);

  // ---- element types ----
  mlir::Value convert(mlir::Value a, mlir::Type elementType);
  mlir::Value bits(mlir::Value a, mlir::Type elementType); // the same bits as another type of that width
  mlir::Value asUnsigned(mlir::Value a);
  mlir::Value asSigned(mlir::Value a);
  mlir::Value where(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value both(mlir::Value a, mlir::Value b); // logical and; either operand may be null
  mlir::Value either(mlir::Value a, mlir::Value b) { return emit<mlxir::LogicalOrOp>(a, b); }

  // ---- shapes ----
  mlir::Value reshape(mlir::Value a, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value a, llvm::ArrayRef<int64_t> axes);
  mlir::Value broadcast(mlir::Value a, llvm::ArrayRef<int64_t> shape);
  mlir::Value slice(mlir::Value a, llvm::ArrayRef<int64_t> start, llvm::ArrayRef<int64_t> stop,
                    llvm::ArrayRef<int64_t> strides = {});
  mlir::Value sliceAxis(mlir::Value a, unsigned axis, int64_t start, int64_t stop, int64_t stride = 1);
  mlir::Value flip(mlir::Value a, unsigned axis);
  mlir::Value concatenate(llvm::ArrayRef<mlir::Value> arrays, unsigned axis);
  mlir::Value pad(mlir::Value a, mlir::Value value, llvm::ArrayRef<int64_t> low,
                  llvm::ArrayRef<int64_t> high); // `value`: a single element of any rank
  mlir::Value asStrided(mlir::Value flat, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides,
                        int64_t offset);
  /// A flat array with the elements from `start` on replaced by `part`.
  mlir::Value replace(mlir::Value flat, mlir::Value part, int64_t start);

  // ---- types ----
  mlir::Type i1() { return builder.getI1Type(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i64() { return builder.getI64Type(); }
  mlir::Type f16() { return builder.getF16Type(); }
  mlir::Type f32() { return builder.getF32Type(); }
  mlir::Type f64() { return builder.getF64Type(); }
  mlir::Type unsignedType(unsigned width) {
    return mlir::IntegerType::get(builder.getContext(), width, mlir::IntegerType::Unsigned);
  }

  mlir::OpBuilder builder;
  int64_t count = 0; // operations emitted so far
};

/// Functions of arrays, for use in tables.
using UnaryForm = mlir::Value (*)(Emitter &, mlir::Value);
using BinaryForm = mlir::Value (*)(Emitter &, mlir::Value, mlir::Value);
template <typename Op> mlir::Value unary(Emitter &e, mlir::Value a) { return e.emit<Op>(a); }
template <typename Op> mlir::Value binary(Emitter &e, mlir::Value a, mlir::Value b) {
  return e.emit<Op>(a, b);
}

} // namespace tmetal::raising
