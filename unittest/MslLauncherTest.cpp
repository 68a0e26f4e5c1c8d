// SPDX-License-Identifier: MIT
// Launches of handwritten Metal text, without the compiler of kernels.
#include "MslLauncher.h"

#include "mlx/ops.h"
#include "mlx/transforms.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <thread>

using namespace tmetal;

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

class MslLauncherTest : public ::testing::Test {
protected:
  MslLauncherTest()
      : launcher(scaleFacts(), MslOptions(), [this](const MslOptions &options) {
          asked.push_back(options.aliasGroups);
          return scaleKernel();
        }) {}

  std::vector<NewValue> launch(Argument x, Argument out, int64_t n) {
    return launcher.launch({(n + 255) / 256, 1, 1}, {x, out, n, 2.0, 0.5});
  }

  std::vector<std::vector<int>> asked; // the alias groups for which a text was requested
  MslLauncher launcher;
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

} // namespace

TEST_F(MslLauncherTest, WritesHostMemoryInPlace) {
  std::vector<float> x = counting(1000), out(1002, -1.0f);
  EXPECT_TRUE(launch(bufferOf(x), bufferOf(out, 1), 1000).empty());
  EXPECT_EQ(out[0], -1.0f);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(out[i + 1], 2.0f * i + 0.5f) << i;
  EXPECT_EQ(out[1001], -1.0f);
  EXPECT_EQ(asked, std::vector<std::vector<int>>{{}});
}

TEST_F(MslLauncherTest, OverlappingArgumentsAreAnotherVariant) {
  std::vector<float> x = counting(1000), out(1000);
  for (int repeat = 0; repeat < 3; ++repeat) {
    launch(bufferOf(x), bufferOf(out), 500);
    launch(bufferOf(x), bufferOf(x, 500), 400);
  }
  EXPECT_EQ(asked, (std::vector<std::vector<int>>{{}, {0, 0}}));
  EXPECT_EQ(launcher.statistics().variants, 2);
  EXPECT_EQ(launcher.statistics().launches, 6);
}

TEST_F(MslLauncherTest, BadLaunchesRunNothing) {
  std::vector<float> x = counting(10), out(10, 7.0f);
  EXPECT_THROW(launcher.launch({0, 1, 1}, {bufferOf(x), bufferOf(out), int64_t(10), 2.0, 0.5}), Error);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {bufferOf(x), bufferOf(out), int64_t(1) << 33, 2.0, 0.5}), Error);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {bufferOf(x), bufferOf(out), int64_t(10), 2.0}), Error);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {bufferOf(x), 1.0, int64_t(10), 2.0, 0.5}), Error);
  EXPECT_THROW(launch(bufferOf(x), bufferOf(out, 0, true), 10), Error);
  EXPECT_EQ(out, std::vector<float>(10, 7.0f));
  EXPECT_NO_THROW(launch(bufferOf(x, 0, true), bufferOf(out), 10));
}

TEST_F(MslLauncherTest, ArraysAreValuesOfALazyGraph) {
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

TEST_F(MslLauncherTest, TransposedArraysAreMadeContiguous) {
  mx::array x = mx::transpose(mx::reshape(mx::arange(0.0, 256.0, 1.0, mx::float32), {16, 16}));
  mx::array out = mx::transpose(mx::zeros({16, 16}));
  mx::array result = launch(LazyArray{x, &x}, LazyArray{out, &out}, 256)[0].second;
  mx::eval(result);
  EXPECT_EQ(result.shape(), (mx::Shape{16, 16}));
  EXPECT_EQ(result.data<float>()[1], 2.0f * 16 + 0.5f);
}

TEST_F(MslLauncherTest, HostMemoryBesideArraysIsFinishedOnReturn) {
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

TEST_F(MslLauncherTest, ThreadsLaunchAtOnce) {
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
