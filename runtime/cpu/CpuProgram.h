// SPDX-License-Identifier: MIT
// Programs of the CPU device: Metal kernels compiled by clang, with headers that replace those of Metal.
#pragma once

#include "Device.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tmetal {

struct CpuProgramOptions {
  enum Technique {
    RegionLoops, // a kernel function runs a whole threadgroup; for texts of the printer
    Fibers,      // a fiber for each thread; for any Metal text
  } technique = RegionLoops;
  bool permuteFragments = false; // assigns matrix elements to other lanes than usual
  bool checkRaces = false;       // with fibers; the text marks accesses (TM_TRACK_READ and others)
  std::vector<std::string> extraFlags;
};

/// A compiled kernel. Thread-safe.
class CpuProgram : public Program {
public:
  /// Runs all threadgroups and waits for them. `buffers` has the address of each [[buffer(n)]].
  virtual void launch(const std::array<int64_t, 3> &grid, void *const *buffers) const = 0;
};

/// Compiles `text`, or takes it from the caches of this process and on disk (TRITON_METAL_CACHE_DIR, else
/// ~/.cache/triton-metal). `stackBytes`: the size of a threadgroup's local variables. Throws
/// std::runtime_error with the message of clang, or if there is no clang (TRITON_METAL_CLANG names one).
std::shared_ptr<CpuProgram> compileCpuProgram(const std::string &text, int simdgroups,
                                              int64_t threadgroupBytes, int64_t stackBytes,
                                              const CpuProgramOptions &options = {});

struct CpuStatistics {
  int64_t compilerCalls = 0, diskHits = 0, memoryHits = 0;
};
/// Counts since the start of this process.
CpuStatistics cpuStatistics();

/// Command and version of the compiler for texts; empty if there is none.
std::string cpuCompiler();
bool hasCpuCompiler();

} // namespace tmetal
