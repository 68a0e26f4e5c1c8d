// SPDX-License-Identifier: MIT
// The memory that the pointers of a launch point into. Overlap is decided only here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tmetal {

/// Memory of torch or NumPy: read and written in place, complete when the launch returns.
struct HostBuffer {
  uintptr_t address = 0;        // where the kernel's pointer points
  uintptr_t storageAddress = 0; // the allocation that contains it
  int64_t storageBytes = 0;
  bool readOnly = false;

  /// The memory that the kernel may reach through the pointer: the allocation, and the address itself.
  uintptr_t begin() const { return std::min(storageAddress, address); }
  uintptr_t end() const { return std::max<uintptr_t>(storageAddress + storageBytes, address); }
};

/// The memory that one pointer of a launch may reach.
struct Reached {
  uintptr_t begin = 0, end = 0; // memory of the host
  const void *array = nullptr;  // or the identity of an array whose memory is not known yet
  bool stored = false;          // the kernel may store to it
};

inline Reached reachedThrough(const HostBuffer &buffer, bool stored = false) {
  return {buffer.begin(), buffer.end(), nullptr, stored};
}

/// Whether the two share a byte or begin at the same address, so that an array without elements belongs to
/// the memory that begins there. Memory that only touches does not overlap, nor do two null addresses.
bool overlap(const Reached &a, const Reached &b);

/// A number for each pointer. Pointers with equal numbers overlap, directly or through others, and the kernel
/// stores to at least one of them. Empty if there are no such pointers.
std::vector<int> aliasGroups(std::span<const Reached> pointers);

/// The memory of a launch, where everything that overlaps is one storage. Storages are ordered by the first
/// pointer into each.
class Storages {
public:
  explicit Storages(std::span<const Reached> pointers);

  size_t size() const { return storages.size(); }
  /// Host memory from begin to end, or an array.
  const Reached &operator[](size_t k) const { return storages[k]; }
  /// The storage that pointer i points into.
  int of(size_t i) const { return storageOf[i]; }

private:
  std::vector<Reached> storages;
  std::vector<int> storageOf;
};

} // namespace tmetal
