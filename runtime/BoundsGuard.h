// SPDX-License-Identifier: MIT
// Keeps launches inside their arguments: proves that a launch stays inside, or undoes what it has stored.
#pragma once

#include "HostMemory.h"

#include "triton-metal/Analysis/AccessBounds.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace tmetal {

/// How far the memory extends on either side of the address that the kernel receives.
Reach reachOf(const HostBuffer &buffer);

/// Proves for launches of one kernel that they stay inside their arguments. Thread-safe.
class BoundsGuard {
public:
  /// `pointers`: the parameters that are pointers.
  BoundsGuard(AccessProgram accesses, std::vector<int> pointers);

  /// Whether there is nothing to prove.
  bool empty() const { return accesses.accesses.empty(); }
  /// The integer parameters that the accesses depend on.
  const std::vector<int> &integers() const { return bounding; }
  /// How many numbers decide it for a launch: the three extents of the grid, the values of integers(), and
  /// before and after of each pointer's reach.
  size_t numberCount() const { return 3 + bounding.size() + 2 * pointers.size(); }
  /// Whether it is proved that a launch with these numbers accesses nothing outside its arguments.
  bool staysInside(std::span<const int64_t> numbers);

private:
  AccessProgram accesses;
  std::vector<int> pointers, bounding;
  std::mutex mutex;
  /// Earlier results by these numbers; most recent first.
  std::list<std::pair<std::vector<int64_t>, bool>> known;
};

/// A copy of host memory, to restore it.
class HostSnapshot {
public:
  void take(const HostBuffer &buffer);
  void restore() const;

private:
  struct Memory {
    std::byte *address;
    std::vector<std::byte> bytes;
  };
  std::vector<Memory> memory;
};

} // namespace tmetal
