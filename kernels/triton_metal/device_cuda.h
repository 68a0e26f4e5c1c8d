// SPDX-License-Identifier: MIT
// An NVIDIA GPU, with TM_CUDA.
#pragma once

#include "device_threads.h"

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
