// SPDX-License-Identifier: MIT
// The CPU, with TM_CPU_LOOPS: a kernel function runs once for a threadgroup. Regions are loops over its
// threads, and a tile is an array with a place for each of them.
#pragma once

#include "device_cpu.h"

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
