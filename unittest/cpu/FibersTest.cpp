// SPDX-License-Identifier: MIT
// Fibers as compiled texts use them: the order in which they run, exchanges, and barriers that some fibers
// never reach.
#define TM_CPU_FIBERS
#define TM_CHECK_RACES
#include "shim/fibers.h"

#include "cpu/Fibers.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

using namespace tmetal;

namespace {

/// Runs `body(thread)` in a fiber for each thread. Returns false when some wait for ever.
bool run(unsigned threads, const std::function<void(unsigned)> &body) {
  FiberStacks stacks = fiberStacks(threads, 64 << 10);
  tm_fibers::Workspace workspace{stacks.first, stacks.bytes, threads, nullptr, 0, nullptr, nullptr};
  auto call = [](void *argument, unsigned thread) {
    (*static_cast<const std::function<void(unsigned)> *>(argument))(thread);
  };
  return tm_fibers::run(&workspace, threads, call, const_cast<std::function<void(unsigned)> *>(&body));
}

} // namespace

TEST(Fibers, NobodyPassesABarrierAlone) {
  for (unsigned threads : {32u, 128u, 1024u}) {
    std::vector<unsigned> order;
    ASSERT_TRUE(run(threads, [&](unsigned thread) {
      for (unsigned phase = 0; phase < 5; ++phase) {
        order.push_back(phase * 10000 + thread);
        tm_hooks::wait_threadgroup();
      }
    }));
    // Each phase has all threads, in the order in which they reached the barrier, but the last to
    // arrive runs first.
    ASSERT_EQ(order.size(), 5 * threads);
    for (unsigned phase = 0; phase < 5; ++phase) {
      std::vector<bool> seen(threads);
      for (unsigned i = 0; i < threads; ++i) {
        unsigned entry = order[phase * threads + i];
        ASSERT_EQ(entry / 10000, phase);
        ASSERT_FALSE(seen[entry % 10000]);
        seen[entry % 10000] = true;
      }
    }
    for (unsigned i = 0; i < threads; ++i)
      ASSERT_EQ(order[i], i);
  }
}

TEST(Fibers, SimdgroupsWaitForThemselvesOnly) {
  std::vector<int> passed(4);
  ASSERT_TRUE(run(128, [&](unsigned thread) {
    unsigned group = thread / 32;
    for (unsigned i = 0; i < group; ++i)
      tm_hooks::wait_simdgroup();
    ++passed[group];
    tm_hooks::wait_threadgroup();
    EXPECT_EQ(passed, std::vector<int>(4, 32));
  }));
}

TEST(Fibers, LanesExchangeValues) {
  std::vector<unsigned> sums(96);
  ASSERT_TRUE(run(96, [&](unsigned thread) {
    unsigned value = thread * thread;
    for (unsigned bit = 1; bit < 32; bit *= 2) {
      tm_hooks::Exchange all = tm_hooks::exchange(&value, sizeof value);
      EXPECT_EQ(all.active, ~0u);
      unsigned other;
      __builtin_memcpy(&other, all.slots + (tm_hooks::lane() ^ bit) * tm_hooks::slot_bytes, sizeof other);
      value += other;
    }
    sums[thread] = value;
  }));
  for (unsigned thread = 0; thread < 96; ++thread) {
    unsigned expected = 0, first = thread / 32 * 32;
    for (unsigned i = first; i < first + 32; ++i)
      expected += i * i;
    ASSERT_EQ(sums[thread], expected) << thread;
  }
}

TEST(Fibers, ThreadsThatHaveLeftAreNotWaitedFor) {
  unsigned active = 0;
  run(32, [&](unsigned thread) {
    if (thread % 4 == 1)
      return;
    unsigned value = thread;
    active = tm_hooks::exchange(&value, sizeof value).active;
  });
  EXPECT_EQ(active, 0xddddddddu);
}

TEST(Fibers, ThreadsThatWaitForEverAreFound) {
  EXPECT_FALSE(run(64, [](unsigned thread) {
    if (thread == 5)
      tm_hooks::wait_simdgroup(); // the rest of its SIMD group waits elsewhere
    else
      tm_hooks::wait_threadgroup();
  }));
  EXPECT_TRUE(run(64, [](unsigned) { tm_hooks::wait_threadgroup(); }));
}

// In the race check it is a fault when a thread returns while others wait at a barrier, since GPUs do not
// allow it.
TEST(Fibers, ThreadsThatSkipABarrierAreFound) {
  EXPECT_FALSE(run(64, [](unsigned thread) {
    if (thread != 63)
      tm_hooks::wait_threadgroup();
  }));
}

TEST(Fibers, LocalVariablesSurvive) {
  std::vector<double> results(256);
  ASSERT_TRUE(run(256, [&](unsigned thread) {
    volatile double local[512];
    for (unsigned i = 0; i < 512; ++i)
      local[i] = thread + i * 0.5;
    tm_hooks::wait_threadgroup();
    double sum = 0;
    for (unsigned i = 0; i < 512; ++i)
      sum += local[i];
    tm_hooks::wait_threadgroup();
    results[thread] = sum;
  }));
  for (unsigned thread = 0; thread < 256; ++thread)
    ASSERT_EQ(results[thread], 512.0 * thread + 0.5 * 511 * 512 / 2);
}

TEST(Fibers, StacksGrowWhenAskedTo) {
  FiberStacks small = fiberStacks(4, 1000);
  EXPECT_GE(small.bytes, 1000u);
  FiberStacks large = fiberStacks(64, 1 << 20);
  EXPECT_GE(large.bytes, size_t(1) << 20);
  for (unsigned i = 0; i < 64; ++i) { // each stack is mapped from end to end
    large.first[(i + 1) * large.bytes - 1] = 1;
    large.first[(i + 1) * large.bytes - (1 << 20)] = 1;
  }
  FiberStacks again = fiberStacks(8, 1000);
  EXPECT_EQ(again.first, large.first);
  EXPECT_THROW(fiberStacks(1024, size_t(1) << 50), std::runtime_error);
  EXPECT_NO_THROW(fiberStacks(4, 1000));
}

TEST(FibersDeathTest, OverflowOfAStackFaults) {
  EXPECT_DEATH(
      {
        FiberStacks stacks = fiberStacks(4, 64 << 10);
        *static_cast<volatile char *>(stacks.first + 2 * stacks.bytes) = 1; // guard page of the third
      },
      "");
}
