// SPDX-License-Identifier: MIT
// Finds accesses of two threads to the same memory that no barrier orders.
#pragma once

#include "shim/fibers_workspace.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

namespace tmetal {

/// The pairs of source positions that a launch has reported.
class KnownRaces {
public:
  bool insert(unsigned now, unsigned before);

private:
  std::mutex mutex;
  std::set<std::pair<unsigned, unsigned>> pairs;
};

/// Checks one program at a time.
class RaceTracker {
public:
  explicit RaceTracker(KnownRaces &known) : known(known) {}

  void beginProgram();
  /// Whether `now` is unordered with an earlier access `before` of this program, and the pair is new.
  bool conflict(const tm_fibers::Access &now, tm_fibers::Access *before);

private:
  struct Seen {
    uint16_t site = 0, thread = kNobody;
    uint32_t simdgroupEpoch = 0;
  };
  /// The accesses to a few bytes since the last barrier of the threadgroup. Of readers and of
  /// atomic accesses it keeps the last two that differ in their thread, so that any later thread
  /// differs from at least one of them.
  struct Cell {
    uint32_t epoch = 0; // 0: no accesses
    Seen writer, readers[2], atomics[2];
  };
  struct Page {
    unsigned shift; // log2 of the bytes of a cell: coarse until there is a smaller access
    std::vector<Cell> cells;
  };
  static constexpr uint16_t kNobody = 0xffff;
  static constexpr unsigned kPageBits = 12, kCoarse = 2;
  static constexpr size_t kKeptPages = 512;

  Page &pageOf(uintptr_t address);
  bool look(Cell &cell, const tm_fibers::Access &now, tm_fibers::Access *before);

  KnownRaces &known;
  uint32_t base = 0, highest = 0; // epochs of this program begin at base
  std::unordered_map<uintptr_t, Page> pages;
  uintptr_t lastKey = 0;
  Page *lastPage = nullptr;
};

} // namespace tmetal
