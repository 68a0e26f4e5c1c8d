// SPDX-License-Identifier: MIT
// Which line of the user's code an operation stands for. Every message that names a line asks here.
#pragma once

#include "mlir/IR/Location.h"

#include <string>

namespace tmetal {

struct SourceLocation {
  std::string file; // empty when the line is not known
  int line = 0, column = 0;

  /// `file.py:12:3: `, to put in front of a message; empty when the line is not known.
  std::string prefix() const;
};

/// The innermost line that is not in Triton's own library, whose functions are inlined into the user's; the
/// outermost line when all of them are.
SourceLocation sourceLocationOf(mlir::Location location);

/// The same as the beginning of a message.
std::string placeOf(mlir::Location location);

} // namespace tmetal
