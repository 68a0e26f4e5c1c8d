// SPDX-License-Identifier: MIT
// Properties of scalar types, from their names.
#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

namespace tmetal {

/// The bits of a scalar type, from its name in Triton IR or in a saved launch: 1 for "i1", 32 for "f32" and
/// "ui32", 8 for "f8E4M3FN"; 0 if there is no number in the name.
inline int bitWidthOf(std::string_view type) {
  int width = 0;
  size_t digits = std::min(type.find_first_of("0123456789"), type.size());
  std::from_chars(type.data() + digits, type.data() + type.size(), width);
  return width;
}

} // namespace tmetal
