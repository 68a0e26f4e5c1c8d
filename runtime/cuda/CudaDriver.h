// SPDX-License-Identifier: MIT
// The functions of the CUDA driver that the CUDA device uses, loaded at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tmetal::cuda {

using Address = uint64_t; // in device memory
using Handle = void *;    // a context, module, function, stream or event

// CUDA_ERROR_...
constexpr int kOutOfMemory = 2, kNotReady = 600;
// CU_DEVICE_ATTRIBUTE_...
constexpr int kMaxThreadsPerBlock = 1, kMaxSharedBytesPerBlock = 8, kWarpSize = 10;
// CU_FUNC_ATTRIBUTE_...
constexpr int kMaxThreads = 0, kSharedBytes = 1, kLocalBytes = 3, kRegisters = 4, kMaxDynamicSharedBytes = 8;
constexpr unsigned kBlockingSync = 1; // CU_EVENT_BLOCKING_SYNC
constexpr unsigned kNonBlocking = 1;  // CU_STREAM_NON_BLOCKING: does not wait for the default stream
constexpr unsigned kPortable = 1;     // CU_MEMHOSTALLOC_PORTABLE

/// Declared as in the documentation of the driver.
struct Driver {
  int (*init)(unsigned);
  int (*deviceGet)(int *, int);
  int (*deviceGetName)(char *, int, int);
  int (*deviceGetAttribute)(int *, int, int);
  int (*driverVersion)(int *);
  int (*retainContext)(Handle *, int);
  int (*releaseContext)(int);
  int (*pushContext)(Handle);
  int (*popContext)(Handle *);
  int (*synchronizeContext)();
  int (*getErrorName)(int, const char **);
  int (*getErrorString)(int, const char **);
  int (*allocate)(Address *, size_t);
  int (*release)(Address);
  int (*allocateHost)(void **, size_t, unsigned);
  int (*releaseHost)(void *);
  int (*copyToDevice)(Address, const void *, size_t, Handle);
  int (*copyToHost)(void *, Address, size_t, Handle);
  int (*copyOnDevice)(Address, Address, size_t, Handle);
  int (*fillWords)(Address, unsigned, size_t, Handle);
  int (*loadModule)(Handle *, const void *, unsigned, int *, void **);
  int (*unloadModule)(Handle);
  int (*getFunction)(Handle *, Handle, const char *);
  int (*loadFunction)(Handle); // null before CUDA 12.4
  int (*getAttribute)(int *, int, Handle);
  int (*setAttribute)(Handle, int, int);
  int (*occupancy)(int *, Handle, int, size_t);
  int (*launchKernel)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle,
                      void **, void **);
  int (*launchHostFunction)(Handle, void (*)(void *), void *);
  int (*createStream)(Handle *, unsigned);
  int (*destroyStream)(Handle);
  int (*synchronizeStream)(Handle);
  int (*streamWaitEvent)(Handle, Handle, unsigned);
  int (*createEvent)(Handle *, unsigned);
  int (*destroyEvent)(Handle);
  int (*recordEvent)(Handle, Handle);
  int (*queryEvent)(Handle);
  int (*synchronizeEvent)(Handle);
  int (*elapsedTime)(float *, Handle, Handle);

  /// "WHAT: CUDA_ERROR_..., the driver's description of it."
  std::string describe(int status, const std::string &what) const;
  /// Throws this description unless `status` is 0.
  void check(int status, const char *what) const;
};

/// Throws if there is no such library, or if it lacks one of the functions.
std::shared_ptr<const Driver> loadDriver(const std::string &library);

} // namespace tmetal::cuda
