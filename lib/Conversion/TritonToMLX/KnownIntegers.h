// SPDX-License-Identifier: MIT
// Evaluates integers and comparisons whose operands are known at raising time.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tmetal::raising {

/// The value of an integer operation whose operands are all known, wrapped to its type; nullopt if the table
/// would be too large, or if there is no rule for the operation.
std::optional<IndexExpr> evaluateInteger(mlir::Operation *op, llvm::ArrayRef<IndexExpr> operands,
                                         llvm::ArrayRef<int64_t> extents);
/// The result of comparing known integers.
std::optional<Condition> evaluateComparison(mlir::arith::CmpIPredicate predicate, unsigned width,
                                            const IndexExpr &a, const IndexExpr &b,
                                            llvm::ArrayRef<int64_t> extents);

} // namespace tmetal::raising
