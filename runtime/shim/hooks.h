// SPDX-License-Identifier: MIT
// What an execution technique of the CPU device supplies to the Metal standard library: everything that
// involves more than one thread. One of two macros says which technique runs the text:
//   TM_CPU_FIBERS  a fiber for each thread; fibers.h defines the functions declared here
//   TM_CPU_LOOPS   a kernel function runs once for a threadgroup; threads meet only in macros of
//                  triton_metal.h, so the functions below do not exist
#pragma once

#if defined(TM_CPU_FIBERS) && defined(TM_CPU_LOOPS)
#error "define only one of TM_CPU_FIBERS and TM_CPU_LOOPS"
#endif

namespace tm_hooks {

constexpr unsigned lanes = 32;
constexpr unsigned slot_bytes = 16;

#ifdef TM_CPU_FIBERS

/// The values that the threads of a SIMD group handed over in one exchange.
struct Exchange {
  const unsigned char *slots; // the value of lane i is at slots + i * slot_bytes
  unsigned active;            // bit i: lane i took part, i.e. has not returned from the kernel
};

/// Hands `bytes` <= slot_bytes to the other threads of the SIMD group and waits for theirs. The slots stay
/// valid until the next call of this thread.
inline Exchange exchange(const void *value, unsigned bytes);

/// Waits for the threads of the SIMD group, or of the threadgroup, that have not returned.
inline void wait_simdgroup();
inline void wait_threadgroup();

/// The index of the calling thread in its SIMD group.
inline unsigned lane();

#endif

} // namespace tm_hooks
