// SPDX-License-Identifier: MIT
// Communication between threads on an NVIDIA GPU, where a warp is a SIMD group and a block a threadgroup. The
// rest of the Metal standard library is that of the CPU device; clang compiles both for nvptx64 as plain C++.
#pragma once

namespace tm_hooks {

constexpr bool has_shuffles = true;

inline __attribute__((always_inline)) unsigned lane() { return __nvvm_read_ptx_sreg_laneid(); }
inline __attribute__((always_inline)) unsigned active() {
  unsigned mask;
  asm volatile("activemask.b32 %0;" : "=r"(mask));
  return mask;
}

/// Bit i tells whether lane i is still running the kernel. All threads of the SIMD group must call this.
inline __attribute__((always_inline)) unsigned alive() { return __nvvm_vote_ballot_sync(~0u, true); }

/// The 32 bits of another lane. Threads that have left the kernel do not take part,
/// and their bits are not used.
inline __attribute__((always_inline)) int shuffle(int bits, unsigned lane) {
  return __nvvm_shfl_sync_idx_i32(~0u, bits, int(lane), 31);
}
inline __attribute__((always_inline)) int shuffle_xor(int bits, unsigned mask) {
  return __nvvm_shfl_sync_bfly_i32(~0u, bits, int(mask), 31);
}

inline __attribute__((always_inline)) void wait_simdgroup() { __nvvm_bar_warp_sync(~0u); }
inline __attribute__((always_inline)) void wait_threadgroup() { __syncthreads(); }

/// Memory with a slot for each thread, through which the SIMD group exchanges values.
inline __attribute__((always_inline)) unsigned char *slots() {
  static __attribute__((address_space(3), loader_uninitialized,
                        aligned(16))) unsigned char memory[TM_SIMDGROUPS * lanes * slot_bytes];
  const unsigned index =
      __nvvm_read_ptx_sreg_tid_x() +
      __nvvm_read_ptx_sreg_ntid_x() *
          (__nvvm_read_ptx_sreg_tid_y() + __nvvm_read_ptx_sreg_ntid_y() * __nvvm_read_ptx_sreg_tid_z());
  return (unsigned char *)memory + index / lanes * (lanes * slot_bytes);
}

inline __attribute__((always_inline)) Exchange exchange(const void *value, unsigned bytes) {
  unsigned char *mine = slots();
  wait_simdgroup(); // all lanes have read the previous values
  unsigned taking_part = active();
  __builtin_memcpy(mine + lane() * slot_bytes, value, bytes);
  wait_simdgroup();
  return {mine, taking_part};
}

} // namespace tm_hooks
