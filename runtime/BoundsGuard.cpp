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

bool BoundsGuard::staysInside(std::span<const int64_t> numbers) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = std::find_if(known.begin(), known.end(),
                            [&](const auto &entry) { return std::ranges::equal(entry.first, numbers); });
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
    integerOf[bounding[k]] = numbers[3 + k];
  std::vector<Reach> reachOfParameter(parameters);
  std::span<const int64_t> reaches = numbers.subspan(3 + bounding.size());
  for (size_t k = 0; k < pointers.size(); ++k)
    reachOfParameter[pointers[k]] = {reaches[2 * k], reaches[2 * k + 1]};
  bool inside =
      unprovenAccesses(accesses, {numbers[0], numbers[1], numbers[2]}, integerOf, reachOfParameter).empty();
  known.emplace_front(std::vector<int64_t>(numbers.begin(), numbers.end()), inside);
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
