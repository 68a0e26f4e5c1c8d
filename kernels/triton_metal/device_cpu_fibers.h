// SPDX-License-Identifier: MIT
// The CPU, with TM_CPU_FIBERS: each thread of a threadgroup is a fiber.
#pragma once

#include "device_cpu.h"
#include "device_threads.h"

#define TM_POSITION TM_POSITION_OF_THREAD
#define TM_BEGIN(SIMDGROUPS, BYTES)                                                                          \
  threadgroup uchar *const tm_memory = (threadgroup uchar *)tm_fibers::threadgroup_memory();
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
