// SPDX-License-Identifier: MIT
// Numbers in environment variables.
#pragma once

#include <cstdint>

namespace tmetal {

/// The integer in the variable `name`, or `otherwise` if it is not set or empty. Throws an Error of kind
/// Argument that names the variable and the range for anything but a number from `low` to `high`.
int64_t integerVariable(const char *name, int64_t low, int64_t high, int64_t otherwise);

} // namespace tmetal
