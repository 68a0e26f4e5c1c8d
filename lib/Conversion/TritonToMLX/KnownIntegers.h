// SPDX-License-Identifier: MIT
// Integers and comparisons whose operands are known at raising time.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tmetal::raising {

/// The value of an integer operation whose operands are all known, wrapped to its type; nullopt when the
/// table would be too large, or the operation has no such rule.
std::optional<IndexExpr> evaluateInteger(mlir::Operation *op, llvm::ArrayRef<IndexExpr> operands,
                                         llvm::ArrayRef<int64_t> extents);
/// A comparison of known integers.
std::optional<Condition> evaluateComparison(mlir::arith::CmpIPredicate predicate, unsigned width,
                                            const IndexExpr &a, const IndexExpr &b,
                                            llvm::ArrayRef<int64_t> extents);

} // namespace tmetal::raising
