// SPDX-License-Identifier: MIT
// Keeps launches inside of their arguments: shows that one stays there, or else takes back what it stored.
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

/// How far memory reaches on either side of the address that a kernel is passed.
Reach reachOf(const HostBuffer &buffer);

/// What is known of the accesses of a kernel. Thread-safe.
class BoundsGuard {
public:
  /// `pointers`: the parameters that are pointers.
  BoundsGuard(AccessProgram accesses, std::vector<int> pointers);

  /// Whether there is nothing to show.
  bool empty() const { return accesses.accesses.empty(); }
  /// The integer parameters that the accesses depend on.
  const std::vector<int> &integers() const { return bounding; }
  /// Whether a launch touches nothing outside of its arguments, as far as can be shown. `values`: of integers();
  /// `reaches`: for each pointer.
  bool staysInside(const std::array<int64_t, 3> &grid, std::span<const int64_t> values,
                   std::span<const Reach> reaches);

private:
  AccessProgram accesses;
  std::vector<int> pointers, bounding;
  std::mutex mutex;
  /// What was found, by the grid, the integers and the reaches; most recent first.
  std::list<std::pair<std::vector<int64_t>, bool>> known;
};

/// The content of memory of the host, to be put back.
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
