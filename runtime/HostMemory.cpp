// SPDX-License-Identifier: MIT
#include "HostMemory.h"

#include <numeric>

namespace tmetal {

namespace {

/// Gives all elements that `related` connects, directly or through others, the number of the first of them.
/// Returns whether any two are connected.
template <typename F> bool connect(int *group, size_t count, const F &related) {
  std::iota(group, group + count, 0);
  bool any = false;
  for (size_t j = 1; j < count; ++j)
    for (size_t i = 0; i < j; ++i) {
      if (group[i] == group[j] || !related(i, j))
        continue;
      any = true;
      int from = std::max(group[i], group[j]), to = std::min(group[i], group[j]);
      std::replace(group, group + count, from, to);
    }
  return any;
}

} // namespace

bool overlap(const Reached &a, const Reached &b) {
  if (a.array || b.array)
    return a.array == b.array;
  return (a.begin < b.end && b.begin < a.end) || (a.begin == b.begin && a.begin != 0);
}

std::vector<int> aliasGroups(std::span<const Reached> pointers) {
  constexpr size_t kInline = 64;
  int inlineGroups[kInline];
  std::vector<int> moreGroups(pointers.size() > kInline ? pointers.size() : 0);
  int *group = moreGroups.empty() ? inlineGroups : moreGroups.data();
  bool any = connect(group, pointers.size(), [&](size_t i, size_t j) {
    return (pointers[i].stored || pointers[j].stored) && overlap(pointers[i], pointers[j]);
  });
  return any ? std::vector<int>(group, group + pointers.size()) : std::vector<int>();
}

Storages::Storages(std::span<const Reached> pointers) : storageOf(pointers.size()) {
  std::vector<int> group(pointers.size());
  connect(group.data(), group.size(), [&](size_t i, size_t j) { return overlap(pointers[i], pointers[j]); });
  for (size_t i = 0; i < pointers.size(); ++i) {
    if (group[i] == static_cast<int>(i)) { // the first of its group
      storageOf[i] = static_cast<int>(storages.size());
      storages.push_back(pointers[i]);
      continue;
    }
    storageOf[i] = storageOf[group[i]];
    Reached &storage = storages[storageOf[i]];
    storage.begin = std::min(storage.begin, pointers[i].begin);
    storage.end = std::max(storage.end, pointers[i].end);
    storage.stored |= pointers[i].stored;
  }
}

} // namespace tmetal
