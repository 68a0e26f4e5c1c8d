// SPDX-License-Identifier: MIT
// Which memory of a launch overlaps.
#include "HostMemory.h"

#include <gtest/gtest.h>

using namespace tmetal;

namespace {

Reached at(uintptr_t begin, uintptr_t end, bool stored = false) { return {begin, end, nullptr, stored}; }

std::vector<int> storageNumbers(const std::vector<Reached> &pointers) {
  Storages storages(pointers);
  std::vector<int> result;
  for (size_t i = 0; i < pointers.size(); ++i)
    result.push_back(storages.of(i));
  return result;
}

using Numbers = std::vector<int>;

} // namespace

TEST(HostMemory, OverlapIsASharedByteOrTheSameBeginning) {
  EXPECT_TRUE(overlap(at(10, 20), at(19, 30)));
  EXPECT_TRUE(overlap(at(10, 20), at(12, 14))); // nested
  EXPECT_TRUE(overlap(at(12, 14), at(10, 20)));
  EXPECT_TRUE(overlap(at(10, 20), at(10, 12)));
  EXPECT_FALSE(overlap(at(10, 20), at(20, 30))); // they touch
  EXPECT_FALSE(overlap(at(20, 30), at(10, 20)));
  EXPECT_TRUE(overlap(at(10, 10), at(10, 20))); // empty, at the beginning
  EXPECT_TRUE(overlap(at(15, 15), at(10, 20))); // empty, inside
  EXPECT_FALSE(overlap(at(20, 20), at(10, 20)));
  EXPECT_TRUE(overlap(at(10, 10), at(10, 10)));
  EXPECT_FALSE(overlap(at(0, 0), at(0, 0))); // nowhere
}

TEST(HostMemory, ArraysOverlapWithThemselvesOnly) {
  int a, b;
  EXPECT_TRUE(overlap({0, 0, &a}, {0, 0, &a}));
  EXPECT_FALSE(overlap({0, 0, &a}, {0, 0, &b}));
  EXPECT_FALSE(overlap({0, 0, &a}, at(0, 1000)));
}

TEST(HostMemory, ABufferReachesItsAllocationAndItsAddress) {
  HostBuffer buffer{120, 100, 50, false};
  EXPECT_EQ(reachedThrough(buffer).begin, 100u);
  EXPECT_EQ(reachedThrough(buffer).end, 150u);
  buffer.address = 160;
  EXPECT_EQ(reachedThrough(buffer).end, 160u);
  buffer.address = 90;
  EXPECT_EQ(reachedThrough(buffer).begin, 90u);
}

TEST(HostMemory, AliasesMatterWhereSomethingIsStored) {
  EXPECT_EQ(aliasGroups(std::vector{at(0x10, 0x20), at(0x18, 0x30)}), Numbers());
  EXPECT_EQ(aliasGroups(std::vector{at(0x10, 0x20), at(0x18, 0x30, true)}), (Numbers{0, 0}));
  EXPECT_EQ(aliasGroups(std::vector{at(0x10, 0x20, true), at(0x20, 0x30, true)}), Numbers());
  // Two that are read and overlap with one that is stored to, not with each other.
  EXPECT_EQ(
      aliasGroups(std::vector{at(0x10, 0x20), at(0x18, 0x48, true), at(0x40, 0x50), at(0x60, 0x70, true)}),
      (Numbers{0, 0, 0, 3}));
  // Two that are read overlap; the one that is stored to overlaps with one of them.
  EXPECT_EQ(aliasGroups(std::vector{at(0x10, 0x20), at(0x10, 0x40), at(0x30, 0x50, true)}),
            (Numbers{0, 1, 1}));
  EXPECT_EQ(aliasGroups(std::vector<Reached>()), Numbers());
}

TEST(HostMemory, GroupsJoinLate) {
  // The last connects two groups that were apart until then.
  EXPECT_EQ(aliasGroups(std::vector{at(0x10, 0x20, true), at(0x40, 0x50, true), at(0x18, 0x28),
                                    at(0x48, 0x58), at(0x1c, 0x4c)}),
            (Numbers{0, 0, 0, 0, 0}));
}

TEST(HostMemory, ManyPointersAreLikeFew) {
  std::vector<Reached> pointers;
  for (uintptr_t i = 0; i < 100; ++i)
    pointers.push_back(at(1000 + 10 * i, 1000 + 10 * i + (i % 2 ? 10 : 11), true));
  std::vector<int> groups = aliasGroups(pointers);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(groups[i], i / 2 * 2);
}

TEST(HostMemory, StoragesAreWhatOverlaps) {
  EXPECT_EQ(storageNumbers({at(0x10, 0x20), at(0x20, 0x30), at(0x18, 0x19)}), (Numbers{0, 1, 0}));
  // A chain, of which the ends do not overlap; the order is that of the first pointers.
  std::vector<Reached> chain{at(0x80, 0x90), at(0x30, 0x50, true), at(0x10, 0x20), at(0x1f, 0x31)};
  EXPECT_EQ(storageNumbers(chain), (Numbers{0, 1, 1, 1}));
  Storages storages(chain);
  EXPECT_EQ(storages.size(), 2u);
  EXPECT_EQ(storages[1].begin, 0x10u);
  EXPECT_EQ(storages[1].end, 0x50u);
  EXPECT_TRUE(storages[1].stored);
  EXPECT_FALSE(storages[0].stored);
}

TEST(HostMemory, AnArrayIsOneStorageHoweverOftenItIsGiven) {
  int a, b;
  EXPECT_EQ(storageNumbers({{0, 0, &a}, at(0x10, 0x20), {0, 0, &b}, {0, 0, &a, true}}),
            (Numbers{0, 1, 2, 0}));
}

TEST(HostMemory, EmptyMemoryHasItsPlace) {
  EXPECT_EQ(storageNumbers({at(0x10, 0x10), at(0x10, 0x20)}), (Numbers{0, 0}));
  EXPECT_EQ(storageNumbers({at(0x20, 0x20), at(0x10, 0x20)}), (Numbers{0, 1}));
  EXPECT_EQ(storageNumbers({at(0, 0), at(0, 0)}), (Numbers{0, 1}));
}
