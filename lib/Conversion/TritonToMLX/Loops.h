// SPDX-License-Identifier: MIT
// The three ways to raise a loop: lift it to an axis, unroll it (Control.cpp), or let the device step it.
#pragma once

#include "Values.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tmetal::raising {

struct Raising;

/// Turns a loop with known bounds whose body only accumulates into one more axis, which is reduced at the
/// end. Returns false without emitting anything if the loop does more, or if arrays would grow too large.
bool liftLoop(Raising &r, mlir::scf::ForOp loop, const IndexExpr &lower, const IndexExpr &step,
              int64_t trips);

/// The programs that act now, as a truth value for each.
mlir::Value activePrograms(Raising &r);

/// Raises one trip of a stepped loop. Returns the programs that continue after it, and the carried values.
using TripFunction = llvm::function_ref<std::pair<mlir::Value, Vals>(llvm::ArrayRef<Val>)>;

/// A loop whose trip count is known only on the device. `goOn`: the programs that make the first trip.
Vals stepLoop(Raising &r, mlir::Operation *op, mlir::Value goOn, llvm::ArrayRef<Val> inits,
              llvm::ArrayRef<mlir::Type> types, TripFunction trip);

} // namespace tmetal::raising
