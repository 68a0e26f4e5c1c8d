// SPDX-License-Identifier: MIT
// Launches of Metal text, mostly handwritten, on the CPU device and on a fake device that has memory of its
// own, delays its work, and fails on demand.
#include "MslLauncher.h"
#include "FakeDevice.h"

#include "triton-metal/Kernel.h"

#include "mlx/ops.h"
#include "mlx/transforms.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <thread>

using namespace tmetal;
using namespace tmetal_test;

namespace {

// out[i] = x[i] * factor + base for i < n.
const char *kScale = R"(#include <triton_metal.h>

struct tm_arguments {
  int n;
  float factor;
  half base;
};

[[max_total_threads_per_threadgroup(128)]] kernel void scale(device float *x [[buffer(0)]],
    device float *out [[buffer(1)]], constant tm_arguments &tm_args [[buffer(2)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  const int n = tm_args.n;
  const int start = int(tm_pid.x) * 256;
  TM_TILE(float, t0, 2)
  for (uint r = 0; r < 2; ++r) TM_REGION {
    const int i = start + int(r * 128 + tm_sg * 32 + tm_lane);
    TM_AT(t0, r) = i < n ? x[i] : 0.0f;
  }
  for (uint r = 0; r < 2; ++r) TM_REGION {
    const int i = start + int(r * 128 + tm_sg * 32 + tm_lane);
    if (i < n)
      out[i] = TM_AT(t0, r) * tm_args.factor + float(tm_args.base);
  }
  TM_END
}
TM_ENTRY(scale)
)";

KernelFacts scaleFacts() {
  return {{"x", "out", "n", "factor", "base"},
          {"!tt.ptr<f32>", "!tt.ptr<f32>", "i32", "f32", "f16"},
          {false, true, false, false, false},
          {false, false, false, false, false},
          "scale"};
}

MslKernel scaleKernel() {
  MslKernel kernel;
  kernel.text = kScale;
  kernel.name = "scale";
  kernel.stackBytes = 2 * 128 * 4;
  kernel.parameters = {{"x", "!tt.ptr<f32>", true, 0, 0, 0, false},
                       {"out", "!tt.ptr<f32>", true, 1, 0, 0, true},
                       {"n", "i32", false, -1, 0, 4, false},
                       {"factor", "f32", false, -1, 4, 4, false},
                       {"base", "f16", false, -1, 8, 2, false}};
  kernel.argumentsBuffer = 2;
  kernel.argumentsSize = 12;
  return kernel;
}

class MslLauncherTest : public ::testing::TestWithParam<bool> {
protected:
  MslLauncherTest()
      : fake(GetParam() ? std::make_shared<FakeDevice>() : nullptr), launcher(scaleLauncher(&asked)) {
    delayBy(1, 200);
  }
  ~MslLauncherTest() override {
    if (fake)
      EXPECT_EQ(fake->strayStores(), 0);
  }

  std::unique_ptr<MslLauncher> scaleLauncher(std::vector<std::vector<int>> *asked = nullptr) {
    return std::make_unique<MslLauncher>(
        scaleFacts(), MslOptions(),
        [asked](const MslOptions &options) {
          if (asked)
            asked->push_back(options.aliasGroups);
          return scaleKernel();
        },
        MslLauncher::Output(), AccessProgram(), fake);
  }
  std::vector<NewValue> launch(Argument x, Argument out, int64_t n) {
    return launcher->launch({(n + 255) / 256, 1, 1}, {x, out, n, 2.0, 0.5});
  }
  /// Somewhat random pauses in front of the steps of the fake device.
  void delayBy(uint64_t seed, int microseconds) {
    if (fake)
      fake->delay([=](int64_t step) { return int(Dice(seed * 1000003 + step).below(microseconds)); });
  }

  std::shared_ptr<FakeDevice> fake;    // null: the CPU
  std::vector<std::vector<int>> asked; // the alias groups for which a text was requested
  std::unique_ptr<MslLauncher> launcher;
};

HostBuffer bufferOf(std::vector<float> &memory, size_t offset = 0, bool readOnly = false) {
  auto begin = reinterpret_cast<uintptr_t>(memory.data());
  return {begin + offset * sizeof(float), begin, static_cast<int64_t>(memory.size() * sizeof(float)),
          readOnly};
}

std::vector<float> counting(size_t n) {
  std::vector<float> result(n);
  std::iota(result.begin(), result.end(), 0.0f);
  return result;
}

std::string nameOf(const ::testing::TestParamInfo<bool> &info) { return info.param ? "Fake" : "Cpu"; }

} // namespace

INSTANTIATE_TEST_SUITE_P(Devices, MslLauncherTest, ::testing::Bool(), nameOf);

TEST_P(MslLauncherTest, WritesHostMemoryInPlace) {
  std::vector<float> x = counting(1000), out(1002, -1.0f);
  EXPECT_TRUE(launch(bufferOf(x), bufferOf(out, 1), 1000).empty());
  EXPECT_EQ(out[0], -1.0f);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(out[i + 1], 2.0f * i + 0.5f) << i;
  EXPECT_EQ(out[1001], -1.0f);
  EXPECT_EQ(asked, std::vector<std::vector<int>>{{}});
}

TEST_P(MslLauncherTest, OverlappingArgumentsAreAnotherVariant) {
  std::vector<float> x = counting(1000), out(1000);
  for (int repeat = 0; repeat < 3; ++repeat) {
    launch(bufferOf(x), bufferOf(out), 500);
    launch(bufferOf(x), bufferOf(x, 500), 400);
  }
  EXPECT_EQ(asked, (std::vector<std::vector<int>>{{}, {0, 0}}));
  EXPECT_EQ(launcher->statistics().variants, 2);
  EXPECT_EQ(launcher->statistics().launches, 6);
}

TEST_P(MslLauncherTest, BadLaunchesRunNothing) {
  std::vector<float> x = counting(10), out(10, 7.0f);
  EXPECT_THROW(launcher->launch({0, 1, 1}, {bufferOf(x), bufferOf(out), int64_t(10), 2.0, 0.5}), Error);
  EXPECT_THROW(launcher->launch({1, 1, 1}, {bufferOf(x), bufferOf(out), int64_t(1) << 33, 2.0, 0.5}), Error);
  EXPECT_THROW(launcher->launch({1, 1, 1}, {bufferOf(x), bufferOf(out), int64_t(10), 2.0}), Error);
  EXPECT_THROW(launcher->launch({1, 1, 1}, {bufferOf(x), 1.0, int64_t(10), 2.0, 0.5}), Error);
  EXPECT_THROW(launch(bufferOf(x), bufferOf(out, 0, true), 10), Error);
  EXPECT_EQ(out, std::vector<float>(10, 7.0f));
  EXPECT_NO_THROW(launch(bufferOf(x, 0, true), bufferOf(out), 10));
}

TEST_P(MslLauncherTest, ArraysAreValuesOfALazyGraph) {
  mx::array x = mx::arange(0.0, 300.0, 1.0, mx::float32), out = mx::zeros({300});
  mx::array before = mx::add(out, mx::array(1.0f));
  std::vector<NewValue> values = launch(LazyArray{x, &x}, LazyArray{out, &out}, 300);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].first, &out);
  EXPECT_EQ(values[0].second.status(), mx::array::Status::unscheduled);
  mx::array result = values[0].second;
  mx::eval(result, before);
  EXPECT_EQ(result.data<float>()[299], 2.0f * 299 + 0.5f);
  EXPECT_EQ(before.data<float>()[299], 1.0f);
}

TEST_P(MslLauncherTest, TransposedArraysAreMadeContiguous) {
  mx::array x = mx::transpose(mx::reshape(mx::arange(0.0, 256.0, 1.0, mx::float32), {16, 16}));
  mx::array out = mx::transpose(mx::zeros({16, 16}));
  mx::array result = launch(LazyArray{x, &x}, LazyArray{out, &out}, 256)[0].second;
  mx::eval(result);
  EXPECT_EQ(result.shape(), (mx::Shape{16, 16}));
  EXPECT_EQ(result.data<float>()[1], 2.0f * 16 + 0.5f);
}

TEST_P(MslLauncherTest, HostMemoryBesideArraysIsFinishedOnReturn) {
  std::vector<float> out(300);
  mx::array x = mx::ones({300});
  EXPECT_TRUE(launch(LazyArray{x, &x}, bufferOf(out), 300).empty());
  EXPECT_EQ(out[299], 2.5f);
  mx::array target = mx::zeros({300});
  std::vector<NewValue> values = launch(bufferOf(out), LazyArray{target, &target}, 300);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].second.data<float>()[299], 5.5f);
  mx::eval(target);
  EXPECT_EQ(target.data<float>()[299], 0.0f);
}

TEST_P(MslLauncherTest, ThreadsLaunchAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::vector<float> x = counting(1000), out(1000);
      for (int repeat = 0; repeat < 100; ++repeat) {
        std::fill(out.begin(), out.end(), 0.0f);
        launch(bufferOf(x), bufferOf(out), 1000);
        wrong += out[999] != 2.0f * 999 + 0.5f;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(asked.size(), 1u);
}

TEST_P(MslLauncherTest, OverlappingMemoryIsOne) {
  // A single program reads everything before it stores, so the result is known for every overlap.
  for (size_t from = 0; from < 300; from += 17)
    for (size_t to = 0; to < 300; to += 41) {
      std::vector<float> memory = counting(600), expected = memory;
      auto begin = reinterpret_cast<uintptr_t>(memory.data());
      // Two arrays that know of their own memory only.
      HostBuffer x{begin + from * 4, begin + from * 4, 200 * 4}, out{begin + to * 4, begin + to * 4, 200 * 4};
      for (size_t i = 0; i < 200; ++i)
        expected[to + i] = 2.0f * memory[from + i] + 0.5f;
      launch(x, out, 200);
      ASSERT_EQ(memory, expected) << from << " to " << to;
    }
}

namespace {

// y[i] += 1, and then x[i] *= 2, for i < 128.
const char *kTwoSteps = R"(#include <triton_metal.h>
kernel void two_steps(device float *x [[buffer(0)]], device float *y [[buffer(1)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_REGION { y[int(tm_sg * 32 + tm_lane)] += 1.0f; }
  TM_BARRIER(mem_device)
  TM_REGION { x[int(tm_sg * 32 + tm_lane)] *= 2.0f; }
  TM_END
}
TM_ENTRY(two_steps)
)";

} // namespace

TEST_P(MslLauncherTest, WhatIsStoredThroughOnePointerIsReadThroughAnother) {
  MslKernel kernel;
  kernel.text = kTwoSteps;
  kernel.name = "two_steps";
  kernel.parameters = {{"x", "!tt.ptr<f32>", true, 0, 0, 0, true},
                       {"y", "!tt.ptr<f32>", true, 1, 0, 0, true}};
  MslLauncher steps(
      {{"x", "y"}, {"!tt.ptr<f32>", "!tt.ptr<f32>"}, {true, true}, {false, false}, "two_steps"}, MslOptions(),
      [&](const MslOptions &) { return kernel; }, {}, {}, fake);
  std::vector<float> memory = counting(256), expected = memory;
  auto begin = reinterpret_cast<uintptr_t>(memory.data());
  HostBuffer x{begin, begin, 128 * 4}, y{begin + 64 * 4, begin + 64 * 4, 128 * 4};
  for (int i = 0; i < 128; ++i)
    expected[64 + i] += 1;
  for (int i = 0; i < 128; ++i)
    expected[i] *= 2;
  steps.launch({1, 1, 1}, {x, y});
  EXPECT_EQ(memory, expected);
}

TEST_P(MslLauncherTest, ContiguousCopiesLiveUntilTheLaunchIsDone) {
  delayBy(3, 2000);
  // So large that the memory is unmapped as soon as it is freed.
  constexpr int kRows = 3000;
  mx::array x = mx::transpose(mx::ones({kRows, kRows})), out = mx::zeros({kRows, kRows});
  mx::array result = launch(LazyArray{x, &x}, LazyArray{out, &out}, kRows * kRows)[0].second;
  mx::eval(result);
  EXPECT_EQ(result.data<float>()[kRows * kRows - 1], 2.5f);
}

TEST_P(MslLauncherTest, ALazyLaunchOutlivesItsLauncher) {
  delayBy(2, 3000);
  mx::array x = mx::arange(0.0, 300.0, 1.0, mx::float32), out = mx::zeros({300});
  mx::array first = launch(LazyArray{x, &x}, LazyArray{out, &out}, 300)[0].second;
  mx::array second = launch(LazyArray{first, &first}, LazyArray{x, &x}, 300)[0].second;
  mx::array kept = mx::add(first, second);
  launcher = nullptr;
  first = second = x = out = mx::array(0);
  mx::eval(kept);
  EXPECT_EQ(kept.data<float>()[299], (2.0f * 299 + 0.5f) * 3 + 0.5f);
  kept = mx::array(0);
  mx::synchronize(mx::default_stream(mx::Device::cpu));
  if (fake)
    EXPECT_EQ(fake->liveBuffers(), 0);
}

TEST_P(MslLauncherTest, ChainsOfLaunchesInAGraphKeepTheirOrder) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    delayBy(seed, 300);
    mx::array x = mx::ones({300}), y = mx::zeros({300});
    float expected = 1;
    for (int i = 0; i < 8; ++i) {
      y = launch(LazyArray{x, &x}, LazyArray{y, &y}, 300)[0].second;
      x = launch(LazyArray{y, &y}, LazyArray{x, &x}, 300)[0].second;
      expected = 4 * expected + 1.5f;
    }
    mx::eval(x);
    EXPECT_EQ(x.data<float>()[7], expected);
  }
}

namespace {

constexpr const char *kCopy = R"(
module {
  tt.func public @copy(%x: !tt.ptr<f32> loc("x"), %z: !tt.ptr<f32> loc("z"), %n: i32 loc("n")) {
    %range = tt.make_range {end = 16 : i32, start = 0 : i32} : tensor<16xi32>
    %limit = tt.splat %n : i32 -> tensor<16xi32>
    %mask = arith.cmpi slt, %range, %limit : tensor<16xi32>
    %xs = tt.splat %x : !tt.ptr<f32> -> tensor<16x!tt.ptr<f32>>
    %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<f32>>, tensor<16xi32>
    %v = tt.load %xp, %mask : tensor<16x!tt.ptr<f32>>
    %zs = tt.splat %z : !tt.ptr<f32> -> tensor<16x!tt.ptr<f32>>
    %zp = tt.addptr %zs, %range : tensor<16x!tt.ptr<f32>>, tensor<16xi32>
    tt.store %zp, %v, %mask : tensor<16x!tt.ptr<f32>>
    tt.print "n is: " {hex = false, isSigned = array<i32: 1>} : %n : i32
    tt.return
  }
}
)";

/// A kernel as the compiler makes it.
std::unique_ptr<MslLauncher> compiled(const char *text, const std::shared_ptr<Device> &device,
                                      MslLauncher::Output output) {
  auto kernel = std::make_shared<CompiledKernel>(text);
  return std::make_unique<MslLauncher>(
      kernel->facts(), MslOptions(), [kernel](const MslOptions &options) { return kernel->toMsl(options); },
      std::move(output), kernel->accesses(), device);
}

} // namespace

TEST_P(MslLauncherTest, WhatAKernelTellsIsHeard) {
  std::string printed;
  auto copy = compiled(kCopy, fake, [&](const std::string &text) { printed += text; });
  std::vector<float> x = counting(16), z(16, -1.0f);
  copy->launch({1, 1, 1}, {bufferOf(x), bufferOf(z), int64_t(16)});
  EXPECT_EQ(z, x);
  EXPECT_NE(printed.find("n is: 16"), std::string::npos) << printed;
  printed.clear();
  mx::array a = mx::ones({16}), b = mx::zeros({16});
  mx::array result = copy->launch({1, 1, 1}, {LazyArray{a, &a}, LazyArray{b, &b}, int64_t(11)})[0].second;
  EXPECT_EQ(printed, "");
  mx::eval(result);
  EXPECT_NE(printed.find("n is: 11"), std::string::npos) << printed;
  EXPECT_EQ(result.data<float>()[10], 1.0f);
  EXPECT_EQ(result.data<float>()[11], 0.0f);
}

TEST_P(MslLauncherTest, ALaunchThatGoesOutsideIsTakenBack) {
  auto copy = compiled(kCopy, fake, {});
  std::vector<float> x = counting(16), z(12, -1.0f);
  try {
    copy->launch({1, 1, 1}, {bufferOf(x), bufferOf(z), int64_t(16)});
    FAIL();
  } catch (const Error &error) {
    EXPECT_EQ(error.kind, ErrorKind::Argument);
    EXPECT_NE(std::string(error.what()).find("of argument 'z' is outside"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(z, std::vector<float>(12, -1.0f));
  EXPECT_EQ(copy->statistics().checkedLaunches, 1);
  copy->launch({1, 1, 1}, {bufferOf(x), bufferOf(z), int64_t(12)});
  EXPECT_EQ(z[11], 11.0f);
  EXPECT_EQ(copy->statistics().checkedLaunches, 1);
}

namespace {

class FaultsOfLaunchesTest : public MslLauncherTest {
protected:
  struct Place {
    FakeStep step;
    int64_t ordinal;
  };
  /// Every step of one launch of the kernel, which has two buffers.
  const std::vector<Place> places{{FakeStep::Allocate, 0}, {FakeStep::Allocate, 1}, {FakeStep::Fetch, 0},
                                  {FakeStep::Fetch, 1},    {FakeStep::Launch, 0},   {FakeStep::Publish, 0}};
};

} // namespace

INSTANTIATE_TEST_SUITE_P(Devices, FaultsOfLaunchesTest, ::testing::Values(true), nameOf);

TEST_P(FaultsOfLaunchesTest, OnHostMemoryTheCallerIsToldAndNothingIsStored) {
  for (int before = 0; before < 3; ++before)
    for (const Place &place : places) {
      std::vector<float> x = counting(300), out(300, -1.0f);
      for (int i = 0; i < before; ++i)
        launch(bufferOf(x), bufferOf(out), 300);
      std::fill(out.begin(), out.end(), -1.0f);
      fake->fail(place.step, {place.ordinal});
      EXPECT_THROW(launch(bufferOf(x), bufferOf(out), 300), std::exception);
      EXPECT_EQ(out, std::vector<float>(300, -1.0f));
      EXPECT_EQ(fake->liveBuffers(), 0);
      launch(bufferOf(x), bufferOf(out), 300);
      EXPECT_EQ(out[299], 598.5f);
    }
}

TEST_P(FaultsOfLaunchesTest, InAGraphWhoeverEvaluatesIsTold) {
  for (const Place &place : places) {
    mx::array x = mx::ones({300}), out = mx::zeros({300});
    mx::eval(x, out);
    mx::array result = launch(LazyArray{x, &x}, LazyArray{out, &out}, 300)[0].second;
    fake->fail(place.step, {place.ordinal});
    EXPECT_THROW(
        {
          mx::eval(result);
          mx::synchronize(mx::default_stream(mx::Device::cpu));
        },
        std::exception)
        << static_cast<int>(place.step) << " " << place.ordinal;
    EXPECT_EQ(out.data<float>()[0], 0.0f);
    mx::array other = mx::zeros({300});
    mx::array again = launch(LazyArray{x, &x}, LazyArray{other, &other}, 300)[0].second;
    mx::eval(again);
    EXPECT_EQ(again.data<float>()[299], 2.5f);
  }
}

TEST_P(FaultsOfLaunchesTest, ThreadsAreToldOfTheirOwn) {
  constexpr int kThreads = 4, kLaunches = 60;
  delayBy(9, 60);
  launcher->prepare();
  std::set<int64_t> ordinals;
  for (int64_t i = 3; i < kThreads * kLaunches; i += 7)
    ordinals.insert(i);
  fake->fail(FakeStep::Launch, ordinals);
  std::atomic<int> wrong{0}, told{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Dice dice(t + 1);
      for (int i = 0; i < kLaunches; ++i) {
        auto x = std::make_unique<std::vector<float>>(counting(300));
        std::vector<float> expected = *x;
        bool inPlace = dice.below(2) == 0;
        std::vector<float> out(300, -1.0f);
        bool failed = false;
        try {
          launch(bufferOf(*x), inPlace ? bufferOf(*x) : bufferOf(out), 300);
        } catch (const Error &) {
          failed = true;
          ++told;
        }
        const std::vector<float> &result = inPlace ? *x : out;
        for (int k = 0; k < 300; ++k)
          wrong += result[k] != (failed ? (inPlace ? float(k) : -1.0f) : 2.0f * k + 0.5f);
        x = nullptr; // the launch is over: the memory goes
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(told, static_cast<int>(ordinals.size()));
  EXPECT_EQ(fake->liveBuffers(), 0);
}
