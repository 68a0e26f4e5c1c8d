// SPDX-License-Identifier: MIT
#include "Races.h"

#include <algorithm>

namespace tmetal {

using tm_fibers::Access;
using tm_fibers::Kind;

bool KnownRaces::insert(unsigned now, unsigned before) {
  std::lock_guard<std::mutex> lock(mutex);
  return pairs.insert({std::min(now, before), std::max(now, before)}).second;
}

void RaceTracker::beginProgram() {
  // With epochs that no earlier program has used, all earlier accesses are out of date.
  base = highest + 1;
  if (pages.size() > kKeptPages || base > (1u << 31)) {
    pages.clear();
    lastPage = nullptr;
    base = 1;
  }
  highest = base;
}

RaceTracker::Page &RaceTracker::pageOf(uintptr_t address) {
  uintptr_t key = address >> kPageBits;
  if (lastPage && key == lastKey)
    return *lastPage;
  auto [found, isNew] = pages.try_emplace(key);
  if (isNew) {
    found->second.shift = kCoarse;
    found->second.cells.resize(size_t(1) << (kPageBits - kCoarse));
  }
  lastKey = key;
  lastPage = &found->second;
  return *lastPage;
}

bool RaceTracker::conflict(const Access &now, Access *before) {
  uintptr_t address = reinterpret_cast<uintptr_t>(now.address), end = address + now.bytes;
  bool coarse = ((address | now.bytes) & ((1u << kCoarse) - 1)) == 0, found = false;
  while (address < end) {
    Page &page = pageOf(address);
    if (!coarse && page.shift != 0) {
      std::vector<Cell> fine(size_t(1) << kPageBits);
      for (size_t i = 0; i < fine.size(); ++i)
        fine[i] = page.cells[i >> page.shift];
      page.cells.swap(fine);
      page.shift = 0;
    }
    Cell &cell = page.cells[(address & ((uintptr_t(1) << kPageBits) - 1)) >> page.shift];
    found |= look(cell, now, found ? nullptr : before);
    address += uintptr_t(1) << page.shift;
  }
  return found;
}

bool RaceTracker::look(Cell &cell, const Access &now, Access *before) {
  uint32_t epoch = base + now.epochs[0];
  highest = std::max(highest, epoch);
  if (cell.epoch != epoch) {
    cell = Cell();
    cell.epoch = epoch;
  }
  auto unordered = [&](const Seen &seen) {
    constexpr unsigned lanes = 32;
    return seen.thread != kNobody && seen.thread != now.thread &&
           (seen.thread / lanes != now.thread / lanes || seen.simdgroupEpoch == now.epochs[1]);
  };
  bool found = false;
  auto check = [&](const Seen &seen, Kind kind) {
    if (found || !before || !unordered(seen) || !known.insert(now.site, seen.site))
      return;
    found = true;
    *before = {now.address, now.bytes, seen.site, kind, seen.thread, {now.epochs[0], seen.simdgroupEpoch}};
  };
  check(cell.writer, Kind::write);
  if (now.kind != Kind::read)
    for (const Seen &seen : cell.readers)
      check(seen, Kind::read);
  if (now.kind != Kind::atomic)
    for (const Seen &seen : cell.atomics)
      check(seen, Kind::atomic);
  Seen self{uint16_t(now.site), uint16_t(now.thread), now.epochs[1]};
  if (now.kind == Kind::write) {
    cell.writer = self;
    return found;
  }
  Seen *two = now.kind == Kind::read ? cell.readers : cell.atomics;
  if (two[0].thread != now.thread)
    two[1] = two[0];
  two[0] = self;
  return found;
}

} // namespace tmetal
