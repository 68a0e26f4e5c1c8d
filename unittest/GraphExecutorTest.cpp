// SPDX-License-Identifier: MIT
#include "MlxLauncher.h"

#include "mlx/ops.h"
#include "mlx/transforms.h"

#include <gtest/gtest.h>

#include <numeric>

using namespace tmetal;

namespace {

GraphNode node(const char *op, std::vector<int32_t> operands, int32_t result, ArrayType type) {
  GraphNode n;
  n.op = op;
  n.operands = std::move(operands);
  n.results = {result};
  n.resultTypes = {std::move(type)};
  return n;
}

TEST(GraphExecutor, RunsOperationsAndLetsOperandsGo) {
  GraphProgram program;
  program.inputTypes = {{"f32", {3}}};
  program.valueCount = 3;
  program.body.arguments = {0};
  program.body.nodes = {node("add", {0, 0}, 1, {"f32", {3}}), node("negative", {1}, 2, {"f32", {3}})};
  program.body.nodes[1].dying = {0, 1};
  program.body.results = {2};
  GraphExecutor executor(program);
  auto results = executor.run({mx::array({1.0f, 2.0f, 3.0f})}, mx::default_stream(mx::Device::cpu));
  EXPECT_TRUE(mx::array_equal(results[0], mx::array({-2.0f, -4.0f, -6.0f})).item<bool>());
}

TEST(GraphExecutor, DeclaredTypesAreChecked) {
  GraphProgram program;
  program.inputTypes = {{"f32", {3}}};
  program.valueCount = 2;
  program.body.arguments = {0};
  program.body.nodes = {node("add", {0, 0}, 1, {"f32", {4}})};
  program.body.results = {1};
  GraphExecutor executor(program);
  EXPECT_THROW(executor.run({mx::array({1.0f, 2.0f, 3.0f})}, mx::default_stream(mx::Device::cpu)),
               std::logic_error);
}

TEST(GraphExecutor, UnknownOperationsAreFoundBeforeTheyRun) {
  GraphProgram program;
  program.valueCount = 1;
  program.body.nodes = {node("no_such_operation", {}, 0, {"f32", {1}})};
  EXPECT_THROW(GraphExecutor{program}, std::logic_error);
}

constexpr const char *kCopy = R"(
module {
  tt.func public @copy(%x: !tt.ptr<i32> loc("x"), %z: !tt.ptr<i32> loc("z"), %n: i32 loc("n")) {
    %range = tt.make_range {end = 16 : i32, start = 0 : i32} : tensor<16xi32>
    %limit = tt.splat %n : i32 -> tensor<16xi32>
    %mask = arith.cmpi slt, %range, %limit : tensor<16xi32>
    %xs = tt.splat %x : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
    %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
    %v = tt.load %xp, %mask : tensor<16x!tt.ptr<i32>>
    %zs = tt.splat %z : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
    %zp = tt.addptr %zs, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
    tt.store %zp, %v, %mask : tensor<16x!tt.ptr<i32>>
    tt.return
  }
}
)";

HostBuffer bufferOf(std::vector<int32_t> &data, bool readOnly = false) {
  auto address = reinterpret_cast<uintptr_t>(data.data());
  return {address, address, static_cast<int64_t>(data.size() * sizeof(int32_t)), readOnly};
}

TEST(MlxLauncher, WritesHostMemoryInPlaceAndOnlyWhereStored) {
  MlxLauncher launcher(compileTritonIR(kCopy, true, "copy"), true, false);
  std::vector<int32_t> x(16), z(16, -1);
  std::iota(x.begin(), x.end(), 0);
  launcher.launch({1, 1, 1}, {bufferOf(x, true), bufferOf(z), int64_t(10)});
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(z[i], i < 10 ? i : -1);
}

TEST(MlxLauncher, OverlappingBuffersAreOneStorage) {
  MlxLauncher launcher(compileTritonIR(kCopy, true, "copy"), true, false);
  std::vector<int32_t> data(20);
  std::iota(data.begin(), data.end(), 0);
  HostBuffer whole = bufferOf(data), shifted = whole;
  shifted.address += 4 * sizeof(int32_t);
  launcher.launch({1, 1, 1}, {whole, shifted, int64_t(16)});
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(data[4 + i], i);
}

TEST(MlxLauncher, BadLaunchesLeaveArgumentsUntouched) {
  MlxLauncher launcher(compileTritonIR(kCopy, true, "copy"), true, false);
  std::vector<int32_t> x(8, 7), z(16, -1);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {bufferOf(x), bufferOf(z), int64_t(16)}),
               Error); // x has too few bytes
  EXPECT_THROW(launcher.launch({0, 1, 1}, {bufferOf(x), bufferOf(z), int64_t(4)}), Error);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {bufferOf(x), bufferOf(z, true), int64_t(4)}), Error);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {bufferOf(x), bufferOf(z)}), Error);
  EXPECT_THROW(launcher.launch({1, 1, 1}, {int64_t(1), bufferOf(z), int64_t(4)}), Error);
  EXPECT_EQ(z, std::vector<int32_t>(16, -1));
}

TEST(MlxLauncher, TheCacheIsBounded) {
  MlxLauncher launcher(compileTritonIR(kCopy, true, "copy"), true, false);
  std::vector<int32_t> x(400), z(400);
  for (int64_t n = 0; n < 300; ++n) {
    x.resize(16 + n);
    launcher.launch({1, 1, 1}, {bufferOf(x), bufferOf(z), int64_t(4)});
  }
  EXPECT_EQ(launcher.statistics().raised, 300);
  EXPECT_LE(launcher.statistics().cacheSize, 128);
}

} // namespace
