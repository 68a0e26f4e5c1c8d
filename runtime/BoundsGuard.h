// SPDX-License-Identifier: MIT
// Keeps launches inside their arguments: proves that a launch stays inside, or undoes what it has stored.
#pragma once

#include "HostMemory.h"

#include "triton-metal/Analysis/AccessBounds.h"

#include <array>
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
  /// Whether it is proved that a launch accesses nothing outside its arguments. `values`: of integers();
  /// `reaches`: of each pointer.
  bool staysInside(const std::array<int64_t, 3> &grid, std::span<const int64_t> values,
                   std::span<const Reach> reaches);

private:
  AccessProgram accesses;
  std::vector<int> pointers, bounding;
  std::mutex mutex;
  /// Earlier results by grid, integers and reaches; most recent first.
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
