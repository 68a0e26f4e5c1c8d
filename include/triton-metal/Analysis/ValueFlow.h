// SPDX-License-Identifier: MIT
// Where values come from, backwards through control flow.
#pragma once

#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"

namespace tmetal {

/// Appends the values that control flow passes on as `value`: what a loop begins with and yields, what either
/// branch yields. False when no control flow does: `value` is a parameter, a loop's counter, or computed.
bool appendPassedOn(mlir::Value value, llvm::SmallVectorImpl<mlir::Value> &values);

/// The roots and everything that flows into them: operands, what control flow passes on, and the conditions
/// and bounds that choose it. `enter` says whether to look behind a value.
llvm::SetVector<mlir::Value> backwardSlice(llvm::ArrayRef<mlir::Value> roots,
                                           llvm::function_ref<bool(mlir::Value)> enter);

} // namespace tmetal
