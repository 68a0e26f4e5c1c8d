// SPDX-License-Identifier: MIT
// Follows values backwards through control flow.
#pragma once

#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"

namespace tmetal {

/// Appends the values that control flow passes on as `value`: the initial and the yielded value of a loop, or
/// those that the two branches yield. Returns false if `value` is a parameter, a loop counter, or computed.
bool appendPassedOn(mlir::Value value, llvm::SmallVectorImpl<mlir::Value> &values);

/// The roots and everything that flows into them: operands, values passed on by control flow, and the
/// conditions and bounds that select them. `enter` decides whether to follow a value.
llvm::SetVector<mlir::Value> backwardSlice(llvm::ArrayRef<mlir::Value> roots,
                                           llvm::function_ref<bool(mlir::Value)> enter);

} // namespace tmetal
