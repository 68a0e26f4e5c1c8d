// SPDX-License-Identifier: MIT
// What the text of a kernel is written in: these macros, which each device defines in a header of its own,
// and the functions that Metal lacks.
//
//   TM_POSITION          parameters of a kernel function: where it is in the grid
//   TM_BEGIN, TM_END     around its body; tm_pid, tm_grid and threadgroup memory are in scope
//   TM_ENTRY(f)          what a device needs besides the kernel function f
//   TM_POLL, TM_DEADLINE, TM_POLLS   waiting for other programs, on devices that can
//   TM_READ_ONLY         in front of a parameter: what it points to does not change while the kernel runs
//   TM_REGION { }        each thread; tm_sg and tm_lane are in scope
//   TM_REGION_SAFE { }   the same, and no two threads touch the same memory, other than to read it
//   TM_REGION_ACCUMULATE { }   the same, a short body that adds to tiles over its registers
//   TM_SG_REGION { }     each SIMD group: what is the same in all lanes, and simdgroup_* functions
//   TM_U_REGION { }      the threadgroup: what is the same in all threads
//   TM_ONE { }           one thread
//   TM_TILE, TM_AT       registers of each thread, and one of them; with SG_ or U_, lanes or threads share
//   them TM_SHARED            an array at an offset in threadgroup memory TM_UNROLL            in front of a
//   loop that becomes straight code; TM_UNROLL_GPU: only on a GPU x & TM_MASK(m)       the low bits of x that
//   m has set
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
#if defined(TM_CPU_LOOPS)
#include "triton_metal/device_cpu_loops.h"
#elif defined(TM_CUDA)
#include "triton_metal/device_cuda.h"
#elif defined(TM_CPU_FIBERS)
#include "triton_metal/device_cpu_fibers.h"
#else
#include "triton_metal/device_metal.h"
#endif
