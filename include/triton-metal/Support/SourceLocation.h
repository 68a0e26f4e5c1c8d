// SPDX-License-Identifier: MIT
// Finds the line of the user's code for an operation. Every message that names a line uses this.
#pragma once

#include "mlir/IR/Location.h"

#include <string>

namespace tmetal {

struct SourceLocation {
  std::string file; // empty if the line is unknown
  int line = 0, column = 0;

  /// `file.py:12:3: `, to put in front of a message; empty if the line is unknown.
  std::string prefix() const;
};

/// The innermost line outside of Triton's own library, whose functions are inlined into the user's. If all
/// lines are in the library, the outermost one.
SourceLocation sourceLocationOf(mlir::Location location);

/// The same, as the beginning of a message.
std::string placeOf(mlir::Location location);

} // namespace tmetal
