// SPDX-License-Identifier: MIT
#include "BoundsGuard.h"

#include <algorithm>

namespace tmetal {

namespace {
constexpr size_t kMaxKnown = 16;
} // namespace

Reach reachOf(const HostBuffer &buffer) {
  uintptr_t end = buffer.storageAddress + static_cast<uintptr_t>(buffer.storageBytes);
  return {static_cast<int64_t>(buffer.address - buffer.storageAddress),
          static_cast<int64_t>(end - buffer.address)};
}

BoundsGuard::BoundsGuard(AccessProgram given, std::vector<int> pointers)
    : accesses(std::move(given)), pointers(std::move(pointers)) {
  for (const AccessProgram::Node &node : accesses.nodes)
    if (node.op == AccessProgram::Op::Argument)
      bounding.push_back(static_cast<int>(node.value));
}

bool BoundsGuard::staysInside(const std::array<int64_t, 3> &grid, std::span<const int64_t> values,
                              std::span<const Reach> reaches) {
  thread_local std::vector<int64_t> key; // keeps its memory from launch to launch
  key.assign(grid.begin(), grid.end());
  key.insert(key.end(), values.begin(), values.end());
  for (const Reach &reach : reaches) {
    key.push_back(reach.before);
    key.push_back(reach.after);
  }
  std::lock_guard<std::mutex> lock(mutex);
  auto found =
      std::find_if(known.begin(), known.end(), [&](const auto &entry) { return entry.first == key; });
  if (found != known.end()) {
    if (found != known.begin())
      known.splice(known.begin(), known, found);
    return found->second;
  }
  int parameters = 0;
  for (const std::vector<int> *indices : {&pointers, &bounding})
    for (int i : *indices)
      parameters = std::max(parameters, i + 1);
  std::vector<int64_t> integerOf(parameters);
  for (size_t k = 0; k < bounding.size(); ++k)
    integerOf[bounding[k]] = values[k];
  std::vector<Reach> reachOfParameter(parameters);
  for (size_t k = 0; k < pointers.size(); ++k)
    reachOfParameter[pointers[k]] = reaches[k];
  bool inside = unprovenAccesses(accesses, grid, integerOf, reachOfParameter).empty();
  known.emplace_front(key, inside);
  if (known.size() > kMaxKnown)
    known.pop_back();
  return inside;
}

void HostSnapshot::take(const HostBuffer &buffer) {
  auto *bytes = reinterpret_cast<std::byte *>(buffer.storageAddress);
  memory.push_back({bytes, {bytes, bytes + buffer.storageBytes}});
}

void HostSnapshot::restore() const {
  for (const Memory &place : memory)
    std::copy(place.bytes.begin(), place.bytes.end(), place.address);
}

} // namespace tmetal
