// SPDX-License-Identifier: MIT
// Errors that reach the user. They are thrown through this project's own frames only, never through MLIR's.
#pragma once

#include <stdexcept>
#include <string>

namespace tmetal {

enum class ErrorKind {
  Compile,     // the text is not a kernel: does not parse or verify
  Unsupported, // right Triton that this engine or device cannot do right
  Argument,    // the launch's grid or arguments do not fit the kernel
};

class Error : public std::runtime_error {
public:
  Error(ErrorKind kind, const std::string &message) : std::runtime_error(message), kind(kind) {}
  ErrorKind kind;
};

} // namespace tmetal
