// SPDX-License-Identifier: MIT
// The rules that distribute operations, by family. The table in Rules.cpp assigns them to operations.
#pragma once

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

namespace tmetal {

struct Distribution;

// Elementwise.cpp
void lowerScalar(Distribution &d, mlir::Operation *op); // copies any operation on scalars to uniform code
void lowerElementwise(Distribution &d, mlir::Operation *op); // copies it to the scalars of a thread
void lowerMapElementwise(Distribution &d, mlir::Operation *op);
// Shapes.cpp
void lowerNothing(Distribution &d, mlir::Operation *op); // pulled by its users, or without effect
void lowerShape(Distribution &d, mlir::Operation *op);   // pulled, as a map of bits
void lowerUnsplat(Distribution &d, mlir::Operation *op);
void lowerGather(Distribution &d, mlir::Operation *op);
// Memory.cpp
void lowerLoad(Distribution &d, mlir::Operation *op);
void lowerStore(Distribution &d, mlir::Operation *op);
void lowerAtomic(Distribution &d, mlir::Operation *op);
void lowerPoll(Distribution &d, mlir::Operation *op);
// Reduce.cpp, Scan.cpp, Histogram.cpp, Dot.cpp
void lowerReduce(Distribution &d, mlir::Operation *op);
void lowerScan(Distribution &d, mlir::Operation *op);
void lowerHistogram(Distribution &d, mlir::Operation *op);
void lowerDot(Distribution &d, mlir::Operation *op);
// Control.cpp
void lowerFor(Distribution &d, mlir::Operation *op);
void lowerIf(Distribution &d, mlir::Operation *op);
void lowerWhile(Distribution &d, mlir::Operation *op);
// Messages.cpp
void lowerBarrier(Distribution &d, mlir::Operation *op);
void lowerPrint(Distribution &d, mlir::Operation *op);
void lowerAssert(Distribution &d, mlir::Operation *op);

/// How an operation is lowered, or why it is refused.
struct DistributionRule {
  const char *name;
  void (*lower)(Distribution &, mlir::Operation *); // null: refused
  const char *note;
};
const DistributionRule *findDistributionRule(llvm::StringRef name);
/// Refuses operations on element types that the registry does not list as right.
void checkElementTypes(tt::FuncOp kernel);

} // namespace tmetal
