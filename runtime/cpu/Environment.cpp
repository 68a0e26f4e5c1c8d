// SPDX-License-Identifier: MIT
#include "Environment.h"

#include "triton-metal/Support/Errors.h"

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace tmetal {

int64_t integerVariable(const char *name, int64_t low, int64_t high, int64_t otherwise) {
  const char *value = std::getenv(name);
  std::string_view text = value ? value : "";
  if (text.empty())
    return otherwise;
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high)
    throw Error(ErrorKind::Argument, "[" + std::string(name) + "] '" + std::string(text) +
                                         "' is not a whole number from " + std::to_string(low) + " to " +
                                         std::to_string(high) + ".");
  return number;
}

} // namespace tmetal
