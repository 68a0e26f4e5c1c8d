// SPDX-License-Identifier: MIT
// What the text of a kernel is written in. On a GPU, and on the CPU with a fiber for each thread, a kernel is
// code of one thread and most of this vanishes. With TM_CPU_LOOPS a kernel function runs once for a
// threadgroup: regions become loops over its threads, tiles become arrays with a place for each of them.
//
//   TM_REGION { }        each thread; tm_sg and tm_lane are in scope
//   TM_REGION_SAFE { }   the same, and no two threads touch the same memory, other than to read it
//   TM_REGION_ACCUMULATE { }   the same, a short body that adds to tiles over its registers
//   TM_SG_REGION { }     each SIMD group: what is the same in all lanes, and simdgroup_* functions
//   TM_U_REGION { }      the threadgroup: what is the same in all threads
//   TM_ONE { }           one thread
//   x & TM_MASK(m)       the low bits of x that m has set
#pragma once

// Sums and products are rounded as written: the compensated sums of these headers need it, and whether a
// kernel contracts a * b + c was decided before. Other compilers are told by their options.
#if defined(__METAL_VERSION__)
#if __METAL_VERSION__ >= 320
#pragma METAL fp math_mode(safe)
#pragma METAL fp contract(off)
#else
#pragma clang fp contract(off)
#endif
#endif

#include <metal_stdlib>
using namespace metal;

// An NVIDIA GPU has the threads of a GPU, though its headers are those of the CPU device.
#if (defined(TM_CPU_LOOPS) || defined(TM_CPU_FIBERS)) && !defined(TM_CUDA)
#define TM_CPU 1
#endif

#include "triton_metal/arith.h"
#include "triton_metal/atomics.h"
#include "triton_metal/bits64.h"
#include "triton_metal/check.h"
#include "triton_metal/fp8.h"
#include "triton_metal/math.h"
#include "triton_metal/report.h"
#include "triton_metal/rounding.h"
#include "triton_metal/special.h"

#define TM_UNROLL _Pragma("clang loop unroll(full)")
// Loops over registers. They stay loops on the CPU, where registers are memory.
#ifdef TM_CPU
#define TM_UNROLL_GPU
#else
#define TM_UNROLL_GPU TM_UNROLL
#endif
// In front of a parameter: what it points to does not change while the kernel runs. Metal's compiler is not
// told, because its language does not say that it listens.
#ifdef TM_CUDA
#define TM_READ_ONLY __restrict
#else
#define TM_READ_ONLY
#endif

// ---- how a device of the CPU calls a kernel ----

#ifdef TM_CPU
namespace tm {
namespace detail {
template <typename T> struct Buffer;
template <typename T> struct Buffer<T *> {
  static T *of(void *address) { return static_cast<T *>(address); }
};
template <typename T> struct Buffer<T &> {
  static T &of(void *address) { return *static_cast<T *>(address); }
};
template <unsigned... I> struct Indices {};
template <unsigned N, unsigned... I> struct Count : Count<N - 1, N - 1, I...> {};
template <unsigned... I> struct Count<0, I...> {
  using type = Indices<I...>;
};
/// A kernel function takes buffers, then its position.
template <typename... P, unsigned... I, typename... Position>
inline __attribute__((always_inline)) void call(void (*kernel_function)(P...), void *const *buffers,
                                                Indices<I...>, Position... position) {
  kernel_function(Buffer<__type_pack_element<I, P...>>::of(buffers[I])..., position...);
}
template <typename... P, typename... Position>
inline __attribute__((always_inline)) void run(void (*kernel_function)(P...), void *const *buffers,
                                               Position... position) {
  call(kernel_function, buffers, typename Count<sizeof...(P) - sizeof...(Position)>::type(), position...);
}
struct Threadgroup {
  void *const *buffers;
  uint3 pid, grid;
};
} // namespace detail
} // namespace tm
#endif

#ifdef TM_CPU_LOOPS

namespace tm {
namespace detail {
/// The values of a SIMD group, moved as one vector: of loops, clang makes gathers and scatters.
template <typename T> using Lanes = typename Word<sizeof(T)>::Type __attribute__((ext_vector_type(32)));
template <unsigned MASK, typename T, unsigned... LANE>
inline __attribute__((always_inline)) void shuffle_xor(T *to, const T *from, Indices<LANE...>) {
  Lanes<T> lanes;
  __builtin_memcpy(&lanes, from, sizeof lanes);
  lanes = __builtin_shufflevector(lanes, lanes, (LANE ^ MASK)...);
  __builtin_memcpy(to, &lanes, sizeof lanes);
}
template <unsigned DELTA, typename T, unsigned... LANE>
inline __attribute__((always_inline)) void shuffle_up(T *to, const T *from, Indices<LANE...>) {
  Lanes<T> lanes;
  __builtin_memcpy(&lanes, from, sizeof lanes);
  lanes = __builtin_shufflevector(lanes, lanes, (LANE >= DELTA ? LANE - DELTA : LANE)...);
  __builtin_memcpy(to, &lanes, sizeof lanes);
}
} // namespace detail
} // namespace tm

#define TM_POSITION uint3 tm_pid, uint3 tm_grid, char *tm_memory
#define TM_BEGIN(SIMDGROUPS, BYTES)                                                                          \
  constexpr uint tm_simdgroups = SIMDGROUPS, tm_threads = 32 * SIMDGROUPS;                                   \
  int tm_ones = -1;                                                                                          \
  asm("" : "+r"(tm_ones));                                                                                   \
  (void)tm_pid, (void)tm_grid, (void)tm_memory, (void)tm_threads, (void)tm_simdgroups;
// Low bits of a lane's value. LLVM 22 turns them into a narrow induction variable, which it assumes not to
// wrap: its vectoriser drops that assumption when it also has one about a wider variable with the same start
// and step (SCEVWrapPredicate::implies), and loads consecutive elements. A mask that it cannot see prevents
// that.
#define TM_MASK(BITS) ((BITS) & tm_ones)
#define TM_END
#define TM_SHARED(T, OFFSET) ((threadgroup T *)(tm_memory + (OFFSET)))

#define TM_TILE(T, NAME, REGISTERS) alignas(64) T NAME[(REGISTERS) * tm_threads];
#define TM_AT(NAME, R) NAME[(R) * tm_threads + tm_sg * 32 + tm_lane]
#define TM_SG_TILE(T, NAME, REGISTERS) alignas(64) T NAME[(REGISTERS) * tm_simdgroups];
#define TM_SG_AT(NAME, R) NAME[(R) * tm_simdgroups + tm_sg]
#define TM_U_TILE(T, NAME, REGISTERS) T NAME[REGISTERS];
#define TM_U_AT(NAME, R) NAME[R]

#define TM_SIMDGROUPS for (uint tm_sg = 0; tm_sg < tm_simdgroups; ++tm_sg)
#define TM_REGION TM_SIMDGROUPS for (uint tm_lane = 0; tm_lane < 32; ++tm_lane)
// A short loop would be unrolled before it is seen by the vectoriser.
#define TM_REGION_SAFE                                                                                       \
  TM_SIMDGROUPS _Pragma("clang loop vectorize(assume_safety) unroll(disable)") for (uint tm_lane = 0;        \
                                                                                    tm_lane < 32; ++tm_lane)
// One vector for all lanes: no loop over them is left, so that tiles stay in registers from one trip around
// to the next.
#define TM_REGION_ACCUMULATE                                                                                 \
  TM_SIMDGROUPS _Pragma(                                                                                     \
      "clang loop vectorize(assume_safety) vectorize_width(32) unroll(disable)") for (uint tm_lane = 0;      \
                                                                                      tm_lane < 32;          \
                                                                                      ++tm_lane)
// Where lanes, or threads, agree, the first speaks for all.
#define TM_SG_REGION TM_SIMDGROUPS if (constexpr uint tm_lane = 0; true)
#define TM_U_REGION if (constexpr uint tm_sg = 0, tm_lane = 0; true)
#define TM_ONE

#define TM_BARRIER(FENCE)
#define TM_SHUFFLE_XOR(TO, FROM, REGISTERS, MASK)                                                            \
  for (uint tm_r = 0; tm_r < (REGISTERS) * tm_simdgroups; ++tm_r)                                            \
    tm::detail::shuffle_xor<MASK>(TO + tm_r * 32, FROM + tm_r * 32, tm::detail::Count<32>::type());
#define TM_SHUFFLE_UP(TO, FROM, REGISTERS, DELTA)                                                            \
  for (uint tm_r = 0; tm_r < (REGISTERS) * tm_simdgroups; ++tm_r)                                            \
    tm::detail::shuffle_up<DELTA>(TO + tm_r * 32, FROM + tm_r * 32, tm::detail::Count<32>::type());
#define TM_FRAGMENTS(T, NAME, COUNT) simdgroup_matrix<T, 8, 8> NAME[(COUNT) * tm_simdgroups];
#define TM_FRAGMENT(NAME, I) NAME[tm_sg * uint(sizeof(NAME) / sizeof(NAME[0]) / tm_simdgroups) + (I)]
#define TM_ENTRY(NAME)                                                                                       \
  extern "C" void tm_entry(void *const *buffers, const unsigned *pid, const unsigned *grid, char *memory) {  \
    tm::detail::run(&::NAME, buffers, uint3(pid[0], pid[1], pid[2]), uint3(grid[0], grid[1], grid[2]),       \
                    memory);                                                                                 \
  }

#else

#ifdef TM_CUDA
// A kernel of CUDA asks where it is; static memory of a block is what all its threads share.
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
#else
#define TM_POSITION                                                                                          \
  uint3 tm_pid [[threadgroup_position_in_grid]], uint3 tm_grid [[threadgroups_per_grid]],                    \
      uint tm_tid [[thread_index_in_threadgroup]], uint tm_lane [[thread_index_in_simdgroup]],               \
      uint tm_sg [[simdgroup_index_in_threadgroup]]
#ifdef TM_CPU_FIBERS
#define TM_BEGIN(SIMDGROUPS, BYTES)                                                                          \
  threadgroup uchar *const tm_memory = (threadgroup uchar *)tm_fibers::threadgroup_memory();
#else
#define TM_BEGIN(SIMDGROUPS, BYTES) alignas(16) threadgroup uchar tm_memory[(BYTES) > 0 ? (BYTES) : 16];
#endif
#endif
#define TM_END
#define TM_SHARED(T, OFFSET) ((threadgroup T *)(tm_memory + (OFFSET)))
#define TM_MASK(BITS) (BITS)
#define TM_TILE(T, NAME, REGISTERS) T NAME[REGISTERS];
#define TM_AT(NAME, R) NAME[R]
#define TM_SG_TILE(T, NAME, REGISTERS) T NAME[REGISTERS];
#define TM_SG_AT(NAME, R) NAME[R]
#define TM_U_TILE(T, NAME, REGISTERS) T NAME[REGISTERS];
#define TM_U_AT(NAME, R) NAME[R]
#define TM_REGION
#define TM_REGION_SAFE
#define TM_REGION_ACCUMULATE
#define TM_SG_REGION
#define TM_U_REGION
#define TM_ONE if (tm_tid == 0)
#define TM_FENCE_mem_none mem_flags::mem_none
#define TM_FENCE_mem_device mem_flags::mem_device
#define TM_FENCE_mem_threadgroup mem_flags::mem_threadgroup
#define TM_FENCE_mem_device_and_threadgroup mem_flags::mem_device | mem_flags::mem_threadgroup
#define TM_BARRIER(FENCE) threadgroup_barrier(TM_FENCE_##FENCE);
#define TM_SHUFFLE_XOR(TO, FROM, REGISTERS, MASK)                                                            \
  TM_UNROLL_GPU for (uint tm_r = 0; tm_r < (REGISTERS); ++tm_r) TO[tm_r] =                                   \
      tm::simd_shuffle_xor(FROM[tm_r], ushort(MASK));
#define TM_SHUFFLE_UP(TO, FROM, REGISTERS, DELTA)                                                            \
  TM_UNROLL_GPU for (uint tm_r = 0; tm_r < (REGISTERS); ++tm_r) TO[tm_r] =                                   \
      tm::simd_shuffle_up(FROM[tm_r], ushort(DELTA));
#define TM_FRAGMENTS(T, NAME, COUNT) simdgroup_matrix<T, 8, 8> NAME[COUNT];
#define TM_FRAGMENT(NAME, I) NAME[I]
#ifdef TM_CPU
#define TM_ENTRY(NAME)                                                                                       \
  static void tm_thread(void *argument, unsigned index) {                                                    \
    const auto &group = *static_cast<const tm::detail::Threadgroup *>(argument);                             \
    tm::detail::run(&::NAME, group.buffers, group.pid, group.grid, uint(index), uint(index % 32),            \
                    uint(index / 32));                                                                       \
  }                                                                                                          \
  extern "C" const char tm_name[] = #NAME;                                                                   \
  extern "C" bool tm_entry_fibers(void *const *buffers, const unsigned *pid, const unsigned *grid,           \
                                  tm_fibers::Workspace *workspace) {                                         \
    tm::detail::Threadgroup group{buffers, uint3(pid[0], pid[1], pid[2]), uint3(grid[0], grid[1], grid[2])}; \
    return tm_fibers::run(workspace, workspace->threads, tm_thread, &group);                                 \
  }
#else
#define TM_ENTRY(NAME)
#endif

#endif
