// SPDX-License-Identifier: MIT
// What the pointers of a launch point into, and what of it overlaps. Nobody else decides that.
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
  uintptr_t storageAddress = 0; // the allocation that it lies in
  int64_t storageBytes = 0;
  bool readOnly = false;

  /// What the kernel may reach through the pointer: the allocation, and the address itself.
  uintptr_t begin() const { return std::min(storageAddress, address); }
  uintptr_t end() const { return std::max<uintptr_t>(storageAddress + storageBytes, address); }
};

/// What one pointer of a launch may reach.
struct Reached {
  uintptr_t begin = 0, end = 0; // memory of the host
  const void *array = nullptr;  // or an array that only tells itself apart from others: its memory is not known yet
  bool stored = false;          // the kernel may store to it
};

inline Reached reachedThrough(const HostBuffer &buffer, bool stored = false) {
  return {buffer.begin(), buffer.end(), nullptr, stored};
}

/// Whether the two share a byte, or begin at the same place: an array without elements belongs to the memory where it
/// lies. Two that merely touch do not overlap, and no address is not a place.
bool overlap(const Reached &a, const Reached &b);

/// One number for each pointer; equal numbers: they overlap, perhaps by way of others, and the kernel stores to some.
/// Empty when there are none such.
std::vector<int> aliasGroups(std::span<const Reached> pointers);

/// The memory of a launch: whatever overlaps is one storage. They are in the order in which the pointers first lead to
/// them.
class Storages {
public:
  explicit Storages(std::span<const Reached> pointers);

  size_t size() const { return storages.size(); }
  /// Of the host from begin to end, or an array.
  const Reached &operator[](size_t k) const { return storages[k]; }
  /// The storage that pointer i leads to.
  int of(size_t i) const { return storageOf[i]; }

private:
  std::vector<Reached> storages;
  std::vector<int> storageOf;
};

} // namespace tmetal
