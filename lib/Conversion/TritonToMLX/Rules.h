// SPDX-License-Identifier: MIT
// The rules, one for each operation or family of operations, and the table that assigns them to operations.
#pragma once

#include "FloatArithmetic.h"

#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tmetal {
namespace raising {

struct Raising;
using Rule = void (*)(Raising &, mlir::Operation *);

// Elementwise.cpp, Conversions.cpp
void raiseConstant(Raising &, mlir::Operation *);
void raisePoison(Raising &, mlir::Operation *);
void raiseInteger(Raising &, mlir::Operation *);
void raiseExtendedMultiply(Raising &, mlir::Operation *);
void raiseCompareInteger(Raising &, mlir::Operation *);
void raiseSelect(Raising &, mlir::Operation *);
void raiseConversion(Raising &, mlir::Operation *);
void raiseBitcast(Raising &, mlir::Operation *);
// FloatingPoint.cpp, Libdevice.cpp
void raiseCompareFloat(Raising &, mlir::Operation *);
void raiseFloatMath(Raising &, mlir::Operation *);
void raiseUnary(Raising &, mlir::Operation *, UnaryForm form);
void raiseBinary(Raising &, mlir::Operation *, BinaryForm form);
/// A function of floats that is one operation of MLX, or our own form if that is not accurate enough.
template <typename Op> void raiseUnaryFloat(Raising &r, mlir::Operation *op) {
  raiseUnary(r, op, &accurate<Op>);
}
template <typename Op> void raiseBinaryFloat(Raising &r, mlir::Operation *op) {
  raiseBinary(r, op, &binary<Op>);
}
void raiseExternElementwise(Raising &, mlir::Operation *);
// Shape.cpp
void raiseProgramId(Raising &, mlir::Operation *);
void raiseNumPrograms(Raising &, mlir::Operation *);
void raiseMakeRange(Raising &, mlir::Operation *);
void raiseSplat(Raising &, mlir::Operation *);
void raiseUnsplat(Raising &, mlir::Operation *);
void raiseExpandDims(Raising &, mlir::Operation *);
void raiseBroadcast(Raising &, mlir::Operation *);
void raiseReshape(Raising &, mlir::Operation *);
void raiseTranspose(Raising &, mlir::Operation *);
void raiseConcatenate(Raising &, mlir::Operation *);
void raiseJoin(Raising &, mlir::Operation *);
void raiseSplit(Raising &, mlir::Operation *);
void raiseGather(Raising &, mlir::Operation *);
void raiseHistogram(Raising &, mlir::Operation *);
// Reduction.cpp
void raiseReduce(Raising &, mlir::Operation *);
void raiseScan(Raising &, mlir::Operation *);
void raiseMapElementwise(Raising &, mlir::Operation *);
void raiseDot(Raising &, mlir::Operation *);
// MemoryRules.cpp
void raiseAddPointer(Raising &, mlir::Operation *);
void raiseLoad(Raising &, mlir::Operation *);
void raiseStore(Raising &, mlir::Operation *);
void raiseAtomic(Raising &, mlir::Operation *);
// Control.cpp
void raiseFor(Raising &, mlir::Operation *);
void raiseIf(Raising &, mlir::Operation *);
void raiseWhile(Raising &, mlir::Operation *);
void raiseNothing(Raising &, mlir::Operation *);

} // namespace raising

/// How an operation is raised, or why it is refused.
struct OperationRule {
  const char *name;
  raising::Rule rule; // null: refused
  const char *note;
};
const OperationRule *findRule(llvm::StringRef name);

/// Refuses loops whose condition depends on a storage that the kernel stores to. `storageOf`
/// maps parameters to storages.
void checkNoWaiting(tt::FuncOp kernel, llvm::function_ref<int(unsigned)> storageOf);

} // namespace tmetal
