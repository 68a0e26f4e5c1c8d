// SPDX-License-Identifier: MIT
// The interface of the launchers of both engines.
#pragma once

#include "Arguments.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tmetal {

struct SavedLaunch;

/// Counters of one kernel. Those of the other engine stay 0.
struct LaunchStatistics {
  int64_t launches = 0;
  // The mlx engine:
  int64_t raised = 0;    // graphs raised, one for each launch signature
  int64_t cacheHits = 0; // launches that found their graph
  int64_t cacheSize = 0; // graphs kept
  int64_t slabs = 0;     // parts into which grids were cut
  // The msl engine:
  int64_t variants = 0;        // cached texts of this kernel, which differ in the arguments that overlap
  int64_t printed = 0;         // texts printed
  int64_t bufferCopies = 0;    // copies of MLX arrays that still have other readers
  int64_t donatedBuffers = 0;  // MLX arrays stored to in place
  int64_t checkedLaunches = 0; // launches with unproved bounds, which checked each access
};

/// Thread-safe.
class KernelLauncher {
public:
  virtual ~KernelLauncher() = default;

  virtual const KernelFacts &facts() const = 0;
  /// Runs the kernel. Host memory is written when this returns. The caller must assign the new values of MLX
  /// arrays, which may be unevaluated.
  virtual std::vector<NewValue> launch(const std::array<int64_t, 3> &grid,
                                       const std::vector<Argument> &arguments) = 0;
  virtual LaunchStatistics statistics() const = 0;
  /// Launches, and saves the launch with the memory before and after it as a folder in `parent`. Returns the
  /// folder's name in `folder`.
  std::vector<NewValue> launchAndSave(const std::array<int64_t, 3> &grid,
                                      const std::vector<Argument> &arguments, const std::string &parent,
                                      std::string *folder);

protected:
  /// Describes what the launch runs: its arguments, and for each storage of storagesOf() the type, with an
  /// empty `after` if the kernel may store to it. The content of the storages is added later.
  virtual SavedLaunch describe(const std::array<int64_t, 3> &grid,
                               const std::vector<Argument> &arguments) = 0;
};

} // namespace tmetal
