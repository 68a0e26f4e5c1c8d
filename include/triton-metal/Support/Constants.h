// SPDX-License-Identifier: MIT
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tmetal {

/// An integer constant at the insertion point of `b`.
inline mlir::Value constant(mlir::ImplicitLocOpBuilder &b, int64_t value, unsigned width = 32) {
  return mlir::arith::ConstantIntOp::create(b, value, width);
}

} // namespace tmetal
