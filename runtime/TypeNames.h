// SPDX-License-Identifier: MIT
// What the name of a scalar type says.
#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

namespace tmetal {

/// Bits of a scalar type by its name, as in Triton IR or in a saved launch: 1 of "i1", 32 of "f32" and
/// "ui32", 8 of "f8E4M3FN"; 0 when the name holds no number.
inline int bitWidthOf(std::string_view type) {
  int width = 0;
  size_t digits = std::min(type.find_first_of("0123456789"), type.size());
  std::from_chars(type.data() + digits, type.data() + type.size(), width);
  return width;
}

} // namespace tmetal
