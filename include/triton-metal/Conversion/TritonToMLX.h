// SPDX-License-Identifier: MIT
// Raises a kernel launch (a tt.func, its grid and its arguments) to graphs of `mlx` operations.
#pragma once

#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace tmetal {

struct RaisedGraph {
  /// One func.func. Operands: one flat array for each storage, then one 0-d array for each dynamic argument.
  /// Results: one flat array for each entry of `outputs`.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<RaisedOutput> outputs;
};

/// Raises the launch. The graphs run in order, each on the storages as the previous one left them. Throws
/// Error: Unsupported if the kernel cannot be raised, Argument for accesses beyond the bytes of an argument.
std::vector<RaisedGraph> raiseLaunch(mlir::ModuleOp module, const LaunchSignature &signature,
                                     const RaisingOptions &options = {});

/// Refuses kernels that no launch with this engine could run correctly. `hasDouble`: the device has f64.
void checkRaisable(mlir::ModuleOp module, bool hasDouble);

} // namespace tmetal
