// SPDX-License-Identifier: MIT
// What an execution technique of the CPU device supplies to the Metal standard library: everything that
// crosses threads. One of two macros says which technique runs the text:
//   TM_CPU_FIBERS  a fiber for each thread; fibers.h defines the functions declared here
//   TM_CPU_LOOPS   a kernel function runs once for a threadgroup; threads meet in macros of triton_metal.h
//   only, so
//                  the functions below do not exist
#pragma once

#if defined(TM_CPU_FIBERS) && defined(TM_CPU_LOOPS)
#error "one technique at a time"
#endif

namespace tm_hooks {

constexpr unsigned lanes = 32;
constexpr unsigned slot_bytes = 16;

#ifdef TM_CPU_FIBERS

/// What the threads of a SIMD group handed over in one exchange.
struct Exchange {
  const unsigned char *slots; // lane i's value at slots + i * slot_bytes
  unsigned active;            // bit i: lane i took part (it has not returned from the kernel)
};

/// Hands `bytes` <= slot_bytes to the other threads of the SIMD group and waits for theirs. The slots stay
/// valid until this thread's next call.
inline Exchange exchange(const void *value, unsigned bytes);

/// Waits for the live threads of the SIMD group, or of the threadgroup.
inline void wait_simdgroup();
inline void wait_threadgroup();

/// Index of the calling thread in its SIMD group.
inline unsigned lane();

#endif

} // namespace tm_hooks
