// SPDX-License-Identifier: MIT
// An NVIDIA GPU, with TM_CUDA.
#pragma once

#include "device_threads.h"

namespace tm {
namespace detail {
inline ulong nanoseconds() {
  ulong now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}
inline ulong deadline(ulong timeout) {
  ulong now = nanoseconds();
  return now + timeout < now ? no_deadline : now + timeout;
}
/// Whether the element has reached its value before the deadline.
template <typename T> inline bool poll(device T *p, T expected, Order order, ulong until) {
  while (atomic_load(p, relaxed) != expected) {
    if (until != no_deadline && nanoseconds() >= until)
      return false;
    asm volatile("nanosleep.u32 64;");
  }
  fence_after(order);
  return true;
}
} // namespace detail
} // namespace tm

#define TM_POLLS
#define TM_DEADLINE(TIMEOUT) long(tm::detail::deadline(ulong(TIMEOUT)))
#define TM_POLL(POINTER, EXPECTED, ORDER, UNTIL, SITE)                                                       \
  tm::detail::poll(POINTER, EXPECTED, ORDER, ulong(UNTIL))

#define TM_UNROLL_GPU TM_UNROLL
#define TM_READ_ONLY __restrict
// A CUDA kernel reads its position from registers, and threadgroup memory is static memory of a block.
#define TM_POSITION int tm_unused
#define TM_BEGIN(SIMDGROUPS, BYTES)                                                                          \
  const uint3 tm_pid(__nvvm_read_ptx_sreg_ctaid_x(), __nvvm_read_ptx_sreg_ctaid_y(),                         \
                     __nvvm_read_ptx_sreg_ctaid_z());                                                        \
  const uint3 tm_grid(__nvvm_read_ptx_sreg_nctaid_x(), __nvvm_read_ptx_sreg_nctaid_y(),                      \
                      __nvvm_read_ptx_sreg_nctaid_z());                                                      \
  const uint tm_tid = __nvvm_read_ptx_sreg_tid_x(), tm_lane = tm_tid & 31, tm_sg = tm_tid >> 5;              \
  static __attribute__((address_space(3), loader_uninitialized,                                              \
                        aligned(16))) uchar tm_block[(BYTES) > 0 ? (BYTES) : 16];                            \
  uchar *const tm_memory = (uchar *)tm_block;
#define TM_ENTRY(NAME)
