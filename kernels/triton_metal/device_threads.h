// SPDX-License-Identifier: MIT
// What the devices share on which a kernel function is the code of one thread. Most macros are empty there.
#pragma once

// The position, as Metal passes it to a kernel function.
#define TM_POSITION_OF_THREAD                                                                                \
  uint3 tm_pid [[threadgroup_position_in_grid]], uint3 tm_grid [[threadgroups_per_grid]],                    \
      uint tm_tid [[thread_index_in_threadgroup]], uint tm_lane [[thread_index_in_simdgroup]],               \
      uint tm_sg [[simdgroup_index_in_threadgroup]]
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
