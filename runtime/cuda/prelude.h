// SPDX-License-Identifier: MIT
// Included in front of a text for an NVIDIA GPU: functions that the helper headers leave to the device.
#pragma once

#include <triton_metal.h>

namespace tm::detail {

inline ulong load_word(ulong *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
inline bool try_exchange(ulong *p, ulong *expected, ulong desired, Order) {
  return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

} // namespace tm::detail
