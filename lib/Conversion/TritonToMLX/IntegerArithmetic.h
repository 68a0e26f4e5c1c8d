// SPDX-License-Identifier: MIT
// Integer operations that MLX lacks, built from those that it has.
#pragma once

#include "Emitter.h"

namespace tmetal::raising {

/// The quotient or remainder of unsigned arrays. The result for a divisor of 0 is unspecified.
mlir::Value divideUnsigned(Emitter &e, mlir::Value a, mlir::Value b, bool remainder);
/// The quotient or remainder of signed arrays, rounded toward zero.
mlir::Value divideTruncating(Emitter &e, mlir::Value a, mlir::Value b, bool remainder);
mlir::Value divideFloor(Emitter &e, mlir::Value a, mlir::Value b);
mlir::Value divideCeil(Emitter &e, mlir::Value a, mlir::Value b);
/// The upper half of the product.
mlir::Value multiplyHigh(Emitter &e, mlir::Value a, mlir::Value b, bool isSigned);
mlir::Value shiftRightUnsigned(Emitter &e, mlir::Value a, mlir::Value amount);
mlir::Value absolute(Emitter &e, mlir::Value a); // the smallest integer wraps to itself
mlir::Value countOnes(Emitter &e, mlir::Value a);
mlir::Value countLeadingZeros(Emitter &e, mlir::Value a);
mlir::Value countTrailingZeros(Emitter &e, mlir::Value a);

} // namespace tmetal::raising
