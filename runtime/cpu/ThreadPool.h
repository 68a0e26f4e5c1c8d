// SPDX-License-Identifier: MIT
// Worker threads that share the threadgroups of a launch.
#pragma once

#include <cstdint>
#include <functional>

namespace tmetal {

/// Calls `work(begin, end)` until every index below `count` has been covered, on the calling thread and on
/// workers (TRITON_METAL_NUM_THREADS threads in all, else one for each processor). Indices are handed out in
/// order, `chunk` at a time. Every thread has at least `stackBytes` of stack. May be called by several
/// threads at once. After all work has stopped, the first exception of `work` is thrown to the caller.
void parallelFor(int64_t count, int64_t chunk, int64_t stackBytes,
                 const std::function<void(int64_t, int64_t)> &work);

int threadCount();

} // namespace tmetal
