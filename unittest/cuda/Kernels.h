// SPDX-License-Identifier: MIT
// Kernels of the tests as PTX; the fake driver knows by their names what they do.
#pragma once

#include <string>

namespace tmetal_test {

/// data[i] = data[i] * 3 + value for each thread i < n of the grid. Buffers: data, scalars {n, value}.
std::string stepPtx();
/// Waits so many nanoseconds, then data[0] = data[0] * 3 + value. Buffers: data and
/// scalars {nanoseconds, value}.
std::string slowPtx();
/// Stores far away from data. Buffers: data.
std::string wildPtx();
/// Parameters of its own: a number x, an address, a number y. address[thread] = x * 1000 + y * 100 + the
/// thread's number, in a block of 4 times 2 threads that uses `extern` shared memory.
std::string otherPtx();

} // namespace tmetal_test
