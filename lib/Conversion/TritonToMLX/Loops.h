// SPDX-License-Identifier: MIT
// The three ways of raising a loop: lifted to an axis, unrolled (Control.cpp), or stepped by the device.
#pragma once

#include "Values.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tmetal::raising {

struct Raising;

/// A loop over known bounds whose body only accumulates becomes one more axis, reduced at its end. False, and
/// nothing is emitted, where that is not so or arrays would grow too large.
bool liftLoop(Raising &r, mlir::scf::ForOp loop, const IndexExpr &lower, const IndexExpr &step,
              int64_t trips);

/// The programs that act now, as an array over all of them.
mlir::Value activePrograms(Raising &r);

/// Raises one trip of a stepped loop: the programs that go on after it, and the carried values.
using TripFunction = llvm::function_ref<std::pair<mlir::Value, Vals>(llvm::ArrayRef<Val>)>;

/// A loop whose trip count only the device knows. `goOn`: the programs that make the first trip.
Vals stepLoop(Raising &r, mlir::Operation *op, mlir::Value goOn, llvm::ArrayRef<Val> inits,
              llvm::ArrayRef<mlir::Type> types, TripFunction trip);

} // namespace tmetal::raising
