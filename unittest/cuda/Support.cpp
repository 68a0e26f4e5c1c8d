// SPDX-License-Identifier: MIT
#include "Support.h"

#include <dlfcn.h>

#include <cstdlib>

using namespace tmetal;

namespace tmetal_test {

std::string driverPath() {
  const char *chosen = std::getenv("UNIT_CUDA_DRIVER");
  return chosen && *chosen ? chosen : "libcuda.so.1";
}

template <typename F> static F ofFake(const char *name) {
  void *library = dlopen(driverPath().c_str(), RTLD_NOW | RTLD_GLOBAL);
  return reinterpret_cast<F>(library ? dlsym(library, name) : nullptr);
}

bool isFake() { return ofFake<FakeStateFunction>("fakeCudaState") != nullptr; }
FakeState fakeState() {
  FakeState state;
  if (auto read = ofFake<FakeStateFunction>("fakeCudaState"))
    read(&state);
  return state;
}
void failCall(const char *function, int nth, int status) {
  if (auto fail = ofFake<FakeFailFunction>("fakeCudaFail"))
    fail(function, nth, status);
}
void delayStreams(int microseconds) {
  if (auto delay = ofFake<FakeDelayFunction>("fakeCudaDelay"))
    delay(microseconds);
}

void CudaTest::SetUp() {
  delayStreams(200);
  device = openCudaDevice(driverPath());
  stepProgram = compile(stepPtx(), 4);
  slowProgram = compile(slowPtx());
}

void CudaTest::TearDown() {
  stepProgram = slowProgram = nullptr;
  device = nullptr;
  FakeState state = fakeState();
  EXPECT_STREQ(state.misuse, "");
  EXPECT_EQ(state.allocations, 0);
  EXPECT_EQ(state.pinned, 0);
  EXPECT_EQ(state.streams, 0);
  EXPECT_EQ(state.events, 0);
  EXPECT_EQ(state.modules, 0);
  EXPECT_EQ(state.contexts, 0);
}

std::shared_ptr<const Program> CudaTest::compile(const std::string &ptx, int simdgroups) {
  ProgramSource source;
  source.binary = ptx;
  source.simdgroups = simdgroups;
  return device->compile(source);
}

std::shared_ptr<Buffer> CudaTest::adopt(std::vector<uint32_t> &words) {
  return device->adopt(words.data(), words.size() * 4);
}

Ticket CudaTest::launch(Queue &queue, std::shared_ptr<const Program> program, std::array<int64_t, 3> grid,
                        const std::shared_ptr<Buffer> &buffer, Scalars scalars) {
  Binding bindings[] = {{buffer}, {}};
  Launch work;
  work.program = std::move(program);
  work.grid = grid;
  work.buffers = bindings;
  work.scalars = std::as_bytes(std::span(&scalars, 1));
  work.scalarsIndex = 1;
  Ticket ticket = queue.launch(work);
  scalars = {~0u, ~0u}; // the caller's affair again
  return ticket;
}

Ticket CudaTest::step(Queue &queue, const std::shared_ptr<Buffer> &buffer, uint32_t value) {
  auto count = static_cast<uint32_t>(buffer->size() / 4);
  return launch(queue, stepProgram, {(count + 127) / 128, 1, 1}, buffer, {count, value});
}

Ticket CudaTest::slow(Queue &queue, const std::shared_ptr<Buffer> &buffer, uint32_t milliseconds,
                      uint32_t value) {
  return launch(queue, slowProgram, {1, 1, 1}, buffer, {milliseconds * 1000000, value});
}

void inAProcess(const std::function<void()> &rest) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  auto run = [&] {
    rest();
    const testing::TestResult &result = *testing::UnitTest::GetInstance()->current_test_info()->result();
    for (int i = 0; i < result.total_part_count(); ++i)
      std::fprintf(stderr, "%d: %s\n", result.GetTestPartResult(i).line_number(),
                   result.GetTestPartResult(i).message());
    std::_Exit(testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}

} // namespace tmetal_test

/// Without a GPU there is nothing to test, which is said; it is an error when a GPU is required.
int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  bool required = std::getenv("UNIT_CUDA_REQUIRE_GPU") != nullptr;
  for (int i = 1; i < argc; ++i)
    required |= std::string(argv[i]) == "--require-gpu";
  if (!testing::GTEST_FLAG(list_tests)) {
    try {
      std::printf("%s: %s\n", tmetal_test::driverPath().c_str(),
                  openCudaDevice(tmetal_test::driverPath())->profile().name.c_str());
      std::fflush(stdout);
    } catch (const std::exception &error) {
      std::printf("Nothing was tested: there is no GPU here. %s\n", error.what());
      return required ? 1 : 0;
    }
  }
  return RUN_ALL_TESTS();
}
