// SPDX-License-Identifier: MIT
// Functions of floating-point numbers that MLX lacks or does not compute accurately enough.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

mlir::Value copySign(Emitter &e, mlir::Value magnitude, mlir::Value sign);
/// C's fmod: the result has the sign of the dividend, even if it is zero.
mlir::Value floatRemainder(Emitter &e, mlir::Value a, mlir::Value b);
mlir::Value truncate(Emitter &e, mlir::Value a);
/// Rounds once, for types up to f64.
mlir::Value fusedMultiplyAdd(Emitter &e, mlir::Value a, mlir::Value b, mlir::Value c);
/// The other operand if one is NaN.
mlir::Value maxNumber(Emitter &e, mlir::Value a, mlir::Value b);
mlir::Value minNumber(Emitter &e, mlir::Value a, mlir::Value b);

// MLX's own function where it is accurate to the last places, else ours.
mlir::Value exponential(Emitter &e, mlir::Value a);
mlir::Value sine(Emitter &e, mlir::Value a);
mlir::Value cosine(Emitter &e, mlir::Value a);
mlir::Value errorFunction(Emitter &e, mlir::Value a);
mlir::Value inverseSquareRoot(Emitter &e, mlir::Value a);
/// sin(pi a) and cos(pi a).
mlir::Value sineOfPi(Emitter &e, mlir::Value a);
mlir::Value cosineOfPi(Emitter &e, mlir::Value a);
/// a * 2^exponent, rounded once, for an array of i32.
mlir::Value timesPowerOfTwo(Emitter &e, mlir::Value a, mlir::Value exponent);
/// sqrt(a^2 + b^2 + ...) or its reciprocal; squares do not overflow or underflow.
mlir::Value euclideanNorm(Emitter &e, llvm::ArrayRef<mlir::Value> sides, bool reciprocal);

/// The accurate form of an operation of MLX: the operation itself, unless a specialization replaces it.
template <typename Op> mlir::Value accurate(Emitter &e, mlir::Value a) { return e.emit<Op>(a); }
template <> inline mlir::Value accurate<mlxir::ExpOp>(Emitter &e, mlir::Value a) { return exponential(e, a); }
template <> inline mlir::Value accurate<mlxir::SinOp>(Emitter &e, mlir::Value a) { return sine(e, a); }
template <> inline mlir::Value accurate<mlxir::CosOp>(Emitter &e, mlir::Value a) { return cosine(e, a); }
template <> inline mlir::Value accurate<mlxir::ErfOp>(Emitter &e, mlir::Value a) {
  return errorFunction(e, a);
}
template <> inline mlir::Value accurate<mlxir::RsqrtOp>(Emitter &e, mlir::Value a) {
  return inverseSquareRoot(e, a);
}

} // namespace tmetal::raising
