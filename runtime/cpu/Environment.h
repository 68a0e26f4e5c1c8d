// SPDX-License-Identifier: MIT
// Numbers that users set in environment variables.
#pragma once

#include <cstdint>

namespace tmetal {

/// The whole number that the variable `name` holds, `otherwise` when it is not set or empty. Throws an Error
/// of kind Argument, naming variable and range, for anything that is not a number from `low` to `high`.
int64_t integerVariable(const char *name, int64_t low, int64_t high, int64_t otherwise);

} // namespace tmetal
