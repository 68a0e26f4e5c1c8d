// SPDX-License-Identifier: MIT
// Errors that name the source line, the operation and the reason.
#pragma once

#include "triton-metal/Support/Errors.h"

#include "mlir/IR/Operation.h"
#include "llvm/ADT/Twine.h"

namespace tmetal {

/// Throws `file.py:LINE:COL: [op] sentence`.
[[noreturn]] void refuse(mlir::Operation *op, const llvm::Twine &sentence);
std::string typeName(mlir::Type type);

} // namespace tmetal
