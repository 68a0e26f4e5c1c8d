// SPDX-License-Identifier: MIT
// Layouts are compared with a brute-force evaluation of what they promise.
#include "triton-metal/Analysis/LinearLayout.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

using namespace tmetal;

namespace {

using Shape = std::vector<int64_t>;

const std::vector<Shape> kShapes = {{},
                                    {1},
                                    {2},
                                    {32},
                                    {64},
                                    {4096},
                                    {1, 32},
                                    {32, 1},
                                    {4, 8},
                                    {64, 16},
                                    {16, 128},
                                    {2, 4, 8},
                                    {16, 1, 64},
                                    {8, 8, 8},
                                    {1, 1},
                                    {2, 2048},
                                    {512, 2},
                                    {4, 2, 2, 16},
                                    {2, 2, 2, 2, 2, 2, 2, 2}};
const int kSimdgroups[] = {1, 2, 4, 8, 32};

Shape coordinatesOf(const Shape &shape, int64_t element) {
  Shape result(shape.size());
  for (size_t dim = shape.size(); dim-- > 0; element /= shape[dim])
    result[dim] = element % shape[dim];
  return result;
}

int64_t elementAt(const Shape &shape, const Shape &coordinates) {
  int64_t element = 0;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    element = element * shape[dim] + coordinates[dim];
  return element;
}

template <typename F> void forEachThread(const LinearLayout &layout, F visit) {
  for (int64_t simdgroup = 0; simdgroup < int64_t(1) << layout.simdgroups.size(); ++simdgroup)
    for (int64_t lane = 0; lane < 32; ++lane)
      visit(lane, simdgroup);
}

std::set<int64_t> heldBy(const LinearLayout &layout, int64_t lane, int64_t simdgroup) {
  std::set<int64_t> result;
  for (int64_t reg = 0; reg < layout.numRegisters(); ++reg)
    result.insert(layout.element(reg, lane, simdgroup));
  return result;
}

int64_t combined(const std::vector<int64_t> &parts, int64_t index) {
  int64_t result = 0;
  for (size_t bit = 0; bit < parts.size(); ++bit)
    result ^= (index >> bit & 1) ? parts[bit] : 0;
  return result;
}

LinearLayout randomLayout(std::mt19937 &random, const Shape &shape, int registerBits, int simdgroupBits) {
  LinearLayout layout;
  layout.shape = shape;
  int64_t count = layout.numElements();
  auto fill = [&](std::vector<int64_t> &bases, int bits) {
    for (int i = 0; i < bits; ++i)
      bases.push_back(int64_t(random() % uint64_t(count)));
  };
  fill(layout.registers, registerBits);
  fill(layout.lanes, 5);
  fill(layout.simdgroups, simdgroupBits);
  return layout;
}

} // namespace

TEST(LinearLayoutTest, BlockedAlongCountsAlongItsAxisFirst) {
  for (const Shape &shape : kShapes)
    for (int simdgroups : kSimdgroups)
      for (int axis = 0; axis < std::max<int>(1, shape.size()); ++axis) {
        LinearLayout layout = LinearLayout::blockedAlong(shape, axis, simdgroups);
        int64_t count = layout.numElements(), threads = 32 * simdgroups;
        ASSERT_EQ(layout.numRegisters(), std::max<int64_t>(1, count / threads));
        std::map<int64_t, int64_t> copies;
        forEachThread(layout, [&](int64_t lane, int64_t simdgroup) {
          for (int64_t reg = 0; reg < layout.numRegisters(); ++reg) {
            int64_t position = (reg * threads + simdgroup * 32 + lane) % count;
            Shape coordinates(shape.size());
            if (!shape.empty()) {
              coordinates[axis] = position % shape[axis];
              position /= shape[axis];
            }
            for (int dim = int(shape.size()) - 1; dim >= 0; --dim)
              if (dim != axis) {
                coordinates[dim] = position % shape[dim];
                position /= shape[dim];
              }
            int64_t element = layout.element(reg, lane, simdgroup);
            ASSERT_EQ(element, elementAt(shape, coordinates));
            ++copies[element];
          }
        });
        // All elements are held, and equally often: once where the block fills the threadgroup.
        ASSERT_EQ(int64_t(copies.size()), count);
        for (auto [element, number] : copies)
          ASSERT_EQ(number, std::max<int64_t>(1, threads / count)) << element;
      }
}

TEST(LinearLayoutTest, BlockedIsRowMajor) {
  for (const Shape &shape : kShapes)
    for (int simdgroups : kSimdgroups) {
      LinearLayout layout = LinearLayout::blocked(shape, simdgroups);
      forEachThread(layout, [&](int64_t lane, int64_t simdgroup) {
        for (int64_t reg = 0; reg < layout.numRegisters(); ++reg)
          ASSERT_EQ(layout.element(reg, lane, simdgroup),
                    (reg * 32 * simdgroups + simdgroup * 32 + lane) % layout.numElements());
      });
      EXPECT_EQ(layout, shape.empty() ? layout
                                      : LinearLayout::blockedAlong(shape, int(shape.size()) - 1, simdgroups));
    }
}

TEST(LinearLayoutTest, SlicedHoldsTheProjectionOfWhatAThreadHolds) {
  std::mt19937 random(7);
  for (const Shape &shape : kShapes)
    for (int axis = 0; axis < int(shape.size()); ++axis)
      for (int repeat = 0; repeat < 4; ++repeat) {
        LinearLayout layout = repeat == 0   ? LinearLayout::blocked(shape, 4)
                              : repeat == 1 ? LinearLayout::blockedAlong(shape, 0, 8)
                                            : randomLayout(random, shape, 4, 2);
        LinearLayout sliced = layout.sliced(axis);
        Shape rest = shape;
        rest.erase(rest.begin() + axis);
        ASSERT_EQ(sliced.shape, rest);
        if (repeat < 2) // a register for each remaining element
          ASSERT_EQ(sliced.numRegisters(), int64_t(heldBy(sliced, 0, 0).size()));
        forEachThread(layout, [&](int64_t lane, int64_t simdgroup) {
          std::set<int64_t> projected;
          for (int64_t element : heldBy(layout, lane, simdgroup)) {
            Shape coordinates = coordinatesOf(shape, element);
            coordinates.erase(coordinates.begin() + axis);
            projected.insert(elementAt(rest, coordinates));
          }
          ASSERT_EQ(heldBy(sliced, lane, simdgroup), projected);
        });
      }
}

TEST(LinearLayoutTest, ReadWithinThreadAgreesWithASearch) {
  std::mt19937 random(11);
  int possible = 0, impossible = 0, moving = 0;
  for (int repeat = 0; repeat < 1500; ++repeat) {
    Shape shape = kShapes[random() % kShapes.size()];
    if (LinearLayout{shape, {}, {}, {}}.numElements() > 256)
      shape = {4, 8};
    LinearLayout have = randomLayout(random, shape, random() % 7, 2);
    LinearLayout want = randomLayout(random, shape, random() % 3, 2);
    if (repeat % 2) { // a layout that the thread can provide: its own position combined with its registers
      want = have;
      for (std::vector<int64_t> *bases : {&want.registers, &want.lanes, &want.simdgroups})
        for (int64_t &basis : *bases)
          basis = (bases == &want.registers ? 0 : basis) ^
                  combined(have.registers, random() % have.numRegisters());
    }
    bool all = true;
    forEachThread(have, [&](int64_t lane, int64_t simdgroup) {
      std::set<int64_t> held = heldBy(have, lane, simdgroup);
      for (int64_t element : heldBy(want, lane, simdgroup))
        all &= held.count(element) != 0;
    });
    std::optional<RegisterMap> map = readWithinThread(have, want);
    ASSERT_EQ(map.has_value(), all);
    ++(all ? possible : impossible);
    if (!map)
      continue;
    bool same = true;
    forEachThread(have, [&](int64_t lane, int64_t simdgroup) {
      int64_t place = combined(map->fromLanes, lane) ^ combined(map->fromSimdgroups, simdgroup);
      same &= place == 0;
      for (int64_t reg = 0; reg < want.numRegisters(); ++reg)
        ASSERT_EQ(have.element(combined(map->fromRegisters, reg) ^ place, lane, simdgroup),
                  want.element(reg, lane, simdgroup));
    });
    ASSERT_EQ(map->isStatic(), same);
    moving += !same;
  }
  // All kinds of cases occurred.
  EXPECT_GT(possible, 500);
  EXPECT_GT(impossible, 200);
  EXPECT_GT(moving, 100);
}
