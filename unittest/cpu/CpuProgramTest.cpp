// SPDX-License-Identifier: MIT
// Launches of small texts with both techniques.
#include "Support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <thread>

using namespace tmetal;
using namespace tmetal_test;

namespace {

// Each program counts itself in the element of its index and stores its position.
const char *kPlaces = R"(#include <triton_metal.h>
kernel void places(device atomic_int *counts [[buffer(0)]], device int *at [[buffer(1)]], TM_POSITION) {
  TM_BEGIN(2, 0)
  const int i = int(tm_pid.x + tm_grid.x * (tm_pid.y + tm_grid.y * tm_pid.z));
  TM_ONE {
    atomic_fetch_add_explicit(counts + i, 1, memory_order_relaxed);
    at[i] = int(tm_pid.x * 10000 + tm_pid.y * 100 + tm_pid.z);
  }
  TM_END
}
TM_ENTRY(places)
)";

// Tiles, shuffles, threadgroup memory, fragments and values that are uniform in a SIMD group.
const char *kMixed = R"(#include <triton_metal.h>
kernel void mixed(device float *x [[buffer(0)]], device float *out [[buffer(1)]], TM_POSITION) {
  TM_BEGIN(2, 1024)
  TM_TILE(float, t0, 3)
  TM_TILE(float, t1, 3)
  TM_SG_TILE(float, t2, 1)
  threadgroup float *s0 = TM_SHARED(float, 0);
  threadgroup float *s1 = TM_SHARED(float, 768);
  for (int r = 0; r < 3; ++r) TM_REGION {
    TM_AT(t0, r) = x[int(tm_pid.x) * 192 + r * 64 + int(tm_sg * 32 + tm_lane)] * 1.5f;
  }
  TM_SHUFFLE_XOR(t1, t0, 3, 5)
  for (int r = 0; r < 3; ++r) TM_REGION { TM_AT(t0, r) += TM_AT(t1, r); }
  TM_SHUFFLE_UP(t1, t0, 3, 2)
  for (int r = 0; r < 3; ++r) TM_REGION {
    if (tm_lane >= 2)
      TM_AT(t0, r) -= 0.25f * TM_AT(t1, r);
    s0[191 - (r * 64 + int(tm_sg * 32 + tm_lane))] = TM_AT(t0, r);
  }
  TM_BARRIER(mem_threadgroup)
  TM_FRAGMENTS(float, f0, 1)
  TM_SG_REGION {
    simdgroup_matrix<float, 8, 8> a, b;
    TM_FRAGMENT(f0, 0) = make_filled_simdgroup_matrix<float, 8, 8>(0.5f);
    simdgroup_load(a, s0 + int(tm_sg) * 64, 8);
    simdgroup_load(b, s0 + 128, 8);
    simdgroup_multiply_accumulate(TM_FRAGMENT(f0, 0), a, b, TM_FRAGMENT(f0, 0));
    TM_SG_AT(t2, 0) = s0[tm_sg];
  }
  TM_BARRIER(mem_threadgroup)
  TM_SG_REGION { simdgroup_store(TM_FRAGMENT(f0, 0), s0 + int(tm_sg) * 64, 8); }
  TM_BARRIER(mem_threadgroup)
  for (int r = 0; r < 3; ++r) TM_REGION {
    const int i = r * 64 + int(tm_sg * 32 + tm_lane);
    out[int(tm_pid.x) * 192 + i] = s0[i] + TM_SG_AT(t2, 0);
  }
  TM_END
}
TM_ENTRY(mixed)
)";

// All 32 threads ask for a record.
const char *kReport = R"(#include <triton_metal.h>
kernel void report_all(device uint *tm_report [[buffer(0)]], TM_POSITION) {
  TM_BEGIN(1, 0)
  TM_REGION {
    if (device uint *record = tm::report(tm_report, 7, tm_pid))
      tm::put(record, int(tm_lane));
  }
  TM_END
}
TM_ENTRY(report_all)
)";

CpuProgramOptions with(CpuProgramOptions::Technique technique) {
  CpuProgramOptions options;
  options.technique = technique;
  return options;
}

class CpuProgramTest : public ::testing::TestWithParam<CpuProgramOptions::Technique> {
protected:
  std::shared_ptr<CpuProgram> compile(const char *text, int simdgroups, int64_t bytes = 0) {
    return compileCpuProgram(text, simdgroups, bytes, 4096, with(GetParam()));
  }
};

std::string nameOf(const ::testing::TestParamInfo<CpuProgramOptions::Technique> &info) {
  return info.param == CpuProgramOptions::Fibers ? "Fibers" : "RegionLoops";
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Techniques, CpuProgramTest,
                         ::testing::Values(CpuProgramOptions::RegionLoops, CpuProgramOptions::Fibers),
                         nameOf);

TEST_P(CpuProgramTest, EachProgramOfAGridRunsOnce) {
  auto program = compile(kPlaces, 2);
  for (std::array<int64_t, 3> grid :
       {std::array<int64_t, 3>{3, 5, 7}, {1, 1, 1}, {1, 13, 1}, {2, 1, 31}, {97, 1, 1}}) {
    size_t count = size_t(grid[0] * grid[1] * grid[2]);
    std::vector<int> counts(count + 1), at(count + 1, -1);
    void *buffers[] = {counts.data(), at.data()};
    program->launch(grid, buffers);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(counts[i], 1) << i;
      int64_t x = int64_t(i) % grid[0], y = int64_t(i) / grid[0] % grid[1],
              z = int64_t(i) / grid[0] / grid[1];
      ASSERT_EQ(at[i], x * 10000 + y * 100 + z) << i;
    }
    EXPECT_EQ(counts[count], 0);
    EXPECT_EQ(at[count], -1);
  }
}

TEST_P(CpuProgramTest, AnEmptyGridRunsNothing) {
  auto program = compile(kPlaces, 2);
  for (std::array<int64_t, 3> grid : {std::array<int64_t, 3>{0, 5, 7}, {3, 0, 7}, {3, 5, 0}})
    program->launch(grid, nullptr); // no buffer is touched
}

TEST_P(CpuProgramTest, RecordsBeyondTheCapacityAreCounted) {
  auto program = compile(kReport, 1);
  constexpr unsigned capacity = 4, canary = 0xabababab;
  std::vector<unsigned> report(2 + capacity * 16 + 64, canary);
  report[0] = 0;
  report[1] = capacity;
  void *buffers[] = {report.data()};
  program->launch({5, 3, 1}, buffers);
  EXPECT_EQ(report[0], 5u * 3 * 32);
  for (unsigned i = 0; i < capacity; ++i) {
    const unsigned *record = &report[2 + i * 16];
    EXPECT_EQ(record[0], 7u);
    EXPECT_LT(record[1], 5u);
    EXPECT_LT(record[2], 3u);
    EXPECT_EQ(record[3], 0u);
    EXPECT_LT(record[4], 32u);
    EXPECT_EQ(record[5], canary); // only the payload was written
  }
  for (size_t i = 2 + capacity * 16; i < report.size(); ++i)
    ASSERT_EQ(report[i], canary) << i;
}

TEST_P(CpuProgramTest, ThreadsLaunchAtOnce) {
  auto program = compile(kPlaces, 2);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 20; ++repeat) {
        std::vector<int> counts(105), at(105);
        void *buffers[] = {counts.data(), at.data()};
        program->launch({7, 5, 3}, buffers);
        wrong += std::count(counts.begin(), counts.end(), 1) != 105;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(CpuDevice, TechniquesAgreeBitByBit) {
  constexpr size_t programs = 9, count = programs * 192;
  std::vector<float> x(count), results[3];
  for (size_t i = 0; i < count; ++i)
    x[i] = float(int(i * 2654435761u % 2001) - 1000) / 37.0f;
  CpuProgramOptions permuted = with(CpuProgramOptions::Fibers);
  permuted.permuteFragments = true;
  int number = 0;
  for (const CpuProgramOptions &options :
       {with(CpuProgramOptions::RegionLoops), with(CpuProgramOptions::Fibers), permuted}) {
    std::vector<float> &out = results[number++];
    out.assign(count, 0.0f);
    void *buffers[] = {x.data(), out.data()};
    compileCpuProgram(kMixed, 2, 1024, 8192, options)->launch({programs, 1, 1}, buffers);
  }
  EXPECT_EQ(0, std::memcmp(results[0].data(), results[1].data(), count * sizeof(float)));
  EXPECT_EQ(0, std::memcmp(results[0].data(), results[2].data(), count * sizeof(float)));
  // The last program is compared with plain loops.
  const float *in = &x[(programs - 1) * 192];
  std::vector<float> mirrored(192), t(192);
  for (int i = 0; i < 192; ++i)
    t[i] = in[i] * 1.5f + in[(i & ~31) + ((i & 31) ^ 5)] * 1.5f;
  for (int i = 0; i < 192; ++i)
    mirrored[191 - i] = (i & 31) >= 2 ? t[i] - 0.25f * t[i - 2] : t[i];
  for (int i = 0; i < 192; ++i) {
    double expected = mirrored[i % 64 / 32];
    if (i < 128) {
      double sum = 0.5;
      for (int k = 0; k < 8; ++k)
        sum += double(mirrored[i / 64 * 64 + i % 64 / 8 * 8 + k]) * mirrored[128 + k * 8 + i % 8];
      expected += sum;
    } else {
      expected += mirrored[i];
    }
    ASSERT_NEAR(results[0][(programs - 1) * 192 + i], expected, 1e-2) << i;
  }
}

// The in-memory cache tells apart numbers of threads and sizes of memory.
TEST(CpuDevice, OneTextWithDifferentThreads) {
  std::string text = textOf(32); // with fibers the caller sets the number of threads
  auto few = compileCpuProgram(text, 1, 0, 0, with(CpuProgramOptions::Fibers));
  auto many = compileCpuProgram(text, 4, 0, 0, with(CpuProgramOptions::Fibers));
  for (auto &[program, threads] : {std::pair(few, 32), std::pair(many, 128)}) {
    std::vector<int> out(1024);
    void *buffers[] = {out.data()};
    program->launch({1, 1, 1}, buffers);
    EXPECT_EQ(std::count_if(out.begin(), out.end(), [](int value) { return value != 0; }), threads);
    EXPECT_EQ(out[threads - 1], threads);
  }
}

TEST(CpuDevice, ABarrierThatNotAllComeToIsAnError) {
  const char *text = R"(#include <triton_metal.h>
kernel void stuck(device int *out [[buffer(0)]], TM_POSITION) {
  TM_BEGIN(2, 0)
  if (tm_pid.y == 1 && tm_sg == 0)
    simdgroup_barrier(mem_flags::mem_none);
  else if (tm_pid.y == 1 && tm_lane == 3)
    simdgroup_barrier(mem_flags::mem_none);
  else if (tm_pid.y == 1)
    threadgroup_barrier(mem_flags::mem_none);
  TM_END
}
TM_ENTRY(stuck)
)";
  auto program = compileCpuProgram(text, 2, 0, 0, with(CpuProgramOptions::Fibers));
  int out = 0;
  void *buffers[] = {&out};
  EXPECT_NO_THROW(program->launch({3, 1, 1}, buffers));
  try {
    program->launch({1, 2, 1}, buffers);
    FAIL() << "no error";
  } catch (const std::runtime_error &error) {
    EXPECT_STREQ(error.what(),
                 "[stuck] In program (0, 1, 0) not all threads of the program come to the same barrier.");
  }
}

// The variables of a threadgroup may need more stack than a worker or the caller has.
TEST(CpuDevice, LargeTiles) {
  for (int registers : {600, 20000}) { // 300 KB, 10 MB
    std::string text = R"(#include <triton_metal.h>
kernel void large(device int *out [[buffer(0)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_TILE(int, t0, REGISTERS)
  for (int r = 0; r < REGISTERS; ++r) TM_REGION { TM_AT(t0, r) = r * 128 + int(tm_sg * 32 + tm_lane); }
  for (int r = 0; r < REGISTERS; ++r) TM_REGION {
    if (TM_AT(t0, r) == out[0])
      out[tm_pid.x + 1] = r;
  }
  TM_END
}
TM_ENTRY(large)
)";
    for (size_t at; (at = text.find("REGISTERS")) != std::string::npos;)
      text.replace(at, 9, std::to_string(registers));
    std::vector<int> out(8, -1);
    out[0] = (registers - 1) * 128 + 77;
    void *buffers[] = {out.data()};
    compileCpuProgram(text, 4, 0, int64_t(registers) * 512)->launch({7, 1, 1}, buffers);
    EXPECT_EQ(std::count(out.begin(), out.end(), registers - 1), 7);
  }
}
