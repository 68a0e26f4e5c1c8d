// SPDX-License-Identifier: MIT
// Planted races are found, and ordered accesses are not reported.
#include "cpu/Races.h"
#include "Support.h"

#include <gtest/gtest.h>

#include <set>

using namespace tmetal;
using tm_fibers::Access;
using tm_fibers::Kind;

namespace {

class RacesTest : public ::testing::Test {
protected:
  RacesTest() { tracker.beginProgram(); }
  /// Whether the access of `thread` races. The epochs count barriers of the threadgroup and of
  /// the SIMD group.
  bool access(unsigned thread, Kind kind, unsigned offset = 0, unsigned bytes = 4, unsigned epoch = 0,
              unsigned simdgroupEpoch = 0) {
    Access now{memory + offset, bytes, ++site, kind, thread, {epoch, simdgroupEpoch}};
    return tracker.conflict(now, &before);
  }
  alignas(64) char memory[64];
  unsigned site = 0; // differs for each access, because each pair of sites is reported once
  Access before{};
  KnownRaces known;
  RaceTracker tracker{known};
};

} // namespace

TEST_F(RacesTest, WritesAndReads) {
  EXPECT_FALSE(access(0, Kind::write));
  EXPECT_TRUE(access(1, Kind::read));
  EXPECT_EQ(before.thread, 0u);
  EXPECT_EQ(before.site, 1u);
  EXPECT_EQ(before.kind, Kind::write);
  EXPECT_TRUE(access(2, Kind::write));
  EXPECT_FALSE(access(5, Kind::read, 8));
  EXPECT_FALSE(access(6, Kind::read, 8));
  EXPECT_TRUE(access(7, Kind::write, 8));
  EXPECT_EQ(before.kind, Kind::read);
}

TEST_F(RacesTest, AThreadMeetsItself) {
  EXPECT_FALSE(access(3, Kind::write));
  EXPECT_FALSE(access(3, Kind::read));
  EXPECT_FALSE(access(3, Kind::atomic));
  EXPECT_FALSE(access(3, Kind::write));
}

TEST_F(RacesTest, BarriersOrder) {
  EXPECT_FALSE(access(0, Kind::write, 0, 4, 0));
  EXPECT_FALSE(access(70, Kind::read, 0, 4, 1));
  EXPECT_FALSE(access(71, Kind::read, 0, 4, 1));
  EXPECT_FALSE(access(1, Kind::write, 0, 4, 2));
  EXPECT_TRUE(access(2, Kind::write, 0, 4, 2));
}

TEST_F(RacesTest, BarriersOfASimdgroupOrderItsThreads) {
  EXPECT_FALSE(access(0, Kind::write, 0, 4, 0, 0));
  EXPECT_FALSE(access(1, Kind::read, 0, 4, 0, 1));
  EXPECT_TRUE(access(32, Kind::read, 0, 4, 0, 1)); // in another SIMD group
}

TEST_F(RacesTest, AtomicsDoNotRaceWithEachOther) {
  EXPECT_FALSE(access(0, Kind::atomic));
  EXPECT_FALSE(access(1, Kind::atomic));
  EXPECT_TRUE(access(2, Kind::read));
  EXPECT_FALSE(access(4, Kind::atomic, 16));
  EXPECT_TRUE(access(5, Kind::write, 16));
}

TEST_F(RacesTest, BytesThatOverlap) {
  EXPECT_FALSE(access(0, Kind::write, 0, 16));
  EXPECT_TRUE(access(1, Kind::write, 12, 8));
  EXPECT_FALSE(access(2, Kind::write, 32, 1));
  EXPECT_FALSE(access(3, Kind::write, 33, 1)); // a neighbouring byte
  EXPECT_TRUE(access(4, Kind::write, 33, 2));
  EXPECT_FALSE(access(5, Kind::write, 40, 8));
  EXPECT_TRUE(access(6, Kind::read, 46, 1)); // one byte of a larger store
}

TEST_F(RacesTest, ProgramsAreApart) {
  EXPECT_FALSE(access(0, Kind::write));
  tracker.beginProgram();
  EXPECT_FALSE(access(1, Kind::write));
}

TEST_F(RacesTest, APairOfPlacesIsReportedOnce) {
  for (int repeat = 0; repeat < 3; ++repeat) {
    tracker.beginProgram();
    site = 0;
    EXPECT_FALSE(access(0, Kind::write));
    EXPECT_EQ(access(1, Kind::write), repeat == 0);
  }
}

namespace {

/// The sites of the races that are reported for a text that reverses 64 elements through threadgroup memory.
std::set<std::pair<unsigned, unsigned>> racesOf(const std::string &between) {
  std::string text = R"(#include <triton_metal.h>
kernel void reversed(device int *out [[buffer(0)]], device uint *tm_report [[buffer(1)]], TM_POSITION) {
  TM_BEGIN(2, 256)
  threadgroup int *s0 = TM_SHARED(int, 0);
  const int i = int(tm_sg * 32 + tm_lane);
  TM_TRACK_WRITE(s0 + i, 4, 11);
  s0[i] = i;
  BETWEEN
  TM_TRACK_READ(s0 + (63 - i), 4, 12);
  out[i] = s0[63 - i];
  TM_END
}
TM_ENTRY(reversed)
)";
  text.replace(text.find("BETWEEN"), 7, between);
  CpuProgramOptions options;
  options.technique = CpuProgramOptions::Fibers;
  options.checkRaces = true;
  std::vector<int> out(64);
  std::vector<unsigned> report(2 + 16 * 16);
  report[1] = 16;
  void *buffers[] = {out.data(), report.data()};
  compileCpuProgram(text, 2, 256, 0, options)->launch({1, 1, 1}, buffers);
  std::set<std::pair<unsigned, unsigned>> result;
  for (unsigned i = 0; i < report[0]; ++i)
    result.insert(std::minmax(report[2 + i * 16], report[2 + i * 16 + 4]));
  return result;
}

} // namespace

TEST(Races, OfATextWithoutItsBarrier) {
  EXPECT_TRUE(racesOf("TM_BARRIER(mem_threadgroup)").empty());
  std::set<std::pair<unsigned, unsigned>> planted{{11, 12}};
  EXPECT_EQ(racesOf(""), planted);
  EXPECT_EQ(racesOf("simdgroup_barrier(mem_flags::mem_threadgroup);"), planted); // too small a scope
  EXPECT_EQ(racesOf("TM_BARRIER(mem_device)"), planted);                         // for the wrong memory
}
