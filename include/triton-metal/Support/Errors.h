// SPDX-License-Identifier: MIT
// Errors for the user. They are thrown only through frames of this project, never through those of MLIR.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace tmetal {

enum class ErrorKind {
  Compile,        // the text is not a kernel: it does not parse or verify
  Unsupported,    // correct Triton that this engine or device does not support
  Argument,       // the grid or the arguments of the launch do not fit the kernel
  OutOfResources, // correct, but needs more than the device has: an OutOfResources
  Assertion,      // a device_assert of the kernel failed
  Sanitizer,      // a check mode found a fault of the kernel
  Deadlock,       // all programs that run wait for one another
};

class Error : public std::runtime_error {
public:
  Error(ErrorKind kind, const std::string &message) : std::runtime_error(message), kind(kind) {}
  ErrorKind kind;
};

/// A kernel needs more of a resource than the device has; another configuration of it may fit.
class OutOfResources : public Error {
public:
  OutOfResources(int64_t required, int64_t limit, const std::string &resource)
      : Error(ErrorKind::OutOfResources, "[" + resource + "] The kernel needs " + std::to_string(required) +
                                             ", the device has " + std::to_string(limit) + "."),
        required(required), limit(limit), resource(resource) {}
  int64_t required, limit;
  std::string resource; // "shared memory", "threads", ...
};

} // namespace tmetal
