// SPDX-License-Identifier: MIT
// A CUDA driver without a GPU, as a shared object with the driver's functions. Streams are threads; memory of
// the device has addresses that mean nothing to the host. It is stricter than CUDA: what CUDA leaves
// undefined (memory that is gone, a destroyed handle, a call from a callback) is an error, and is remembered.
//
// The kernels that it knows by their names are those of Kernels.h. A PTX text behind which a line
// "//--- Metal text, N simdgroups, M bytes" stands is run by the CPU device, from the text behind that line.
#pragma once

#include <cstdint>

namespace tmetal_test {

/// What there is, and what was done that must not be.
struct FakeState {
  int allocations = 0, pinned = 0, streams = 0, events = 0, modules = 0, contexts = 0;
  char misuse[512] = {}; // the first since this was last asked; empty: none
  int64_t copies = 0;    // put in streams so far, of either direction
};

// What the shared object has beside the driver's functions.
using FakeStateFunction = int (*)(FakeState *); // fakeCudaState
using FakeFailFunction = int (*)(const char *, int,
                                 int);  // fakeCudaFail: the nth call from now returns a status
using FakeDelayFunction = int (*)(int); // fakeCudaDelay: microseconds, at most, before each step

} // namespace tmetal_test
