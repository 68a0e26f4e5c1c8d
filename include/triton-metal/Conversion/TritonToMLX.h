// SPDX-License-Identifier: MIT
// Raising a whole kernel launch (a tt.func, its grid and its arguments) to graphs of `mlx` operations.
#pragma once

#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace tmetal {

struct RaisedGraph {
  /// One func.func. Operands: one flat array per storage, then one 0-d array per dynamic argument.
  /// Results: one flat array per entry of `outputs`.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<RaisedOutput> outputs;
};

/// Raises the launch. Graphs run in order, each on the storages that the one before it left.
/// Throws Error: Unsupported for what cannot be raised, Argument for accesses beyond an argument's bytes.
std::vector<RaisedGraph> raiseLaunch(mlir::ModuleOp module, const LaunchSignature &signature,
                                     const RaisingOptions &options = {});

/// Refuses, before any launch, what no launch of this engine can do right. `hasDouble`: the device has f64.
void checkRaisable(mlir::ModuleOp module, bool hasDouble);

} // namespace tmetal
