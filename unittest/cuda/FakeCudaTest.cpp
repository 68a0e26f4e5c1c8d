// SPDX-License-Identifier: MIT
// What only the fake driver can show: calls that fail, and that it notices misuse.
#include "Support.h"

#include "cuda/CudaDriver.h"

#include <cstring>

using namespace tmetal;
using namespace tmetal_test;
using Words = std::vector<uint32_t>;

namespace {

class FakeCudaTest : public CudaTest {
protected:
  void SetUp() override {
    if (!isFake())
      GTEST_SKIP() << "a real driver";
    CudaTest::SetUp();
  }
  void TearDown() override {
    if (isFake())
      CudaTest::TearDown();
  }

  /// Fetch, launch, publish with the nth call of a function failing: what is told.
  std::string runWithFailing(const char *function, int nth = 1) {
    Words words(64, 1);
    static uint32_t calls = 0;
    Scalars scalars{64, 5 + 3 * calls++}; // others than the queue has
    HostBinding bindings[] = {{words.data(), 256}, {}};
    HostLaunch work{stepProgram, {1, 1, 1}, bindings, std::as_bytes(std::span(&scalars, 1)), 1};
    failCall(function, nth, 1);
    std::string error = errorOf([&] { device->run(work); });
    device->run(work); // works again
    EXPECT_EQ(words[0] % 3, 5u % 3);
    return error;
  }
};

TEST_F(FakeCudaTest, CallsThatFail) {
  EXPECT_EQ(runWithFailing("cuMemcpyHtoDAsync_v2"), "A copy to the device: cuMemcpyHtoDAsync: "
                                                    "CUDA_ERROR_INVALID_VALUE, what the driver says of it.");
  EXPECT_NE(runWithFailing("cuMemcpyHtoDAsync_v2", 2).find("The launch of 'step': cuMemcpyHtoDAsync"),
            std::string::npos); // of the scalars
  EXPECT_NE(runWithFailing("cuMemcpyDtoHAsync_v2").find("A copy from the device: cuMemcpyDtoHAsync"),
            std::string::npos);
  EXPECT_NE(runWithFailing("cuLaunchHostFunc").find("cuLaunchHostFunc"), std::string::npos);
  EXPECT_NE(runWithFailing("cuLaunchHostFunc", 2).find("A copy from the device"), std::string::npos);
  EXPECT_NE(runWithFailing("cuLaunchKernel").find("The launch of 'step': cuLaunchKernel"), std::string::npos);
  for (int nth = 1; nth <= 3; ++nth)
    EXPECT_NE(runWithFailing("cuEventRecord", nth).find("cuEventRecord"), std::string::npos);
  EXPECT_NE(runWithFailing("cuEventSynchronize").find("or work before it"), std::string::npos);
}

TEST_F(FakeCudaTest, WhatCannotBeMadeIsAnError) {
  failCall("cuStreamCreate", 1, 2);
  EXPECT_NE(errorOf([&] { device->newQueue(); }).find("cuStreamCreate"), std::string::npos);
  failCall("cuMemAlloc_v2", 1, 2);
  EXPECT_EQ(errorOf([&] { device->allocate(16); }), "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY, out of memory.");
  failCall("cuModuleGetFunction", 1, 500);
  EXPECT_NE(errorOf([&] { compile(stepPtx()); }).find("CUDA_ERROR_NOT_FOUND"), std::string::npos);
  EXPECT_NE(errorOf([&] { openCudaDevice("no-such-library.so"); }).find("There is no CUDA driver here"),
            std::string::npos);
}

TEST_F(FakeCudaTest, EqualScalarsAreCopiedOnce) {
  Words words(64, 1);
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  int64_t before = fakeState().copies;
  for (uint32_t value : {4, 4, 4, 5, 5, 4})
    step(*queue, buffer, value);
  queue->wait();
  EXPECT_EQ(fakeState().copies - before, 3);
}

TEST_F(FakeCudaTest, ATextRunsOnTheCpuDevice) {
  const char *text = R"(
//--- Metal text, 4 simdgroups, 0 bytes
#include <triton_metal.h>
kernel void add_one(device float *x [[buffer(0)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_REGION { x[int(tm_pid.x) * 128 + int(tm_sg * 32 + tm_lane)] += 1.0f; }
  TM_END
}
TM_ENTRY(add_one)
)";
  std::string head = ".version 6.4\n.target sm_70\n.visible .entry add_one(.param .u64 a, .param .u32 b)\n"
                     ".maxntid 128\n";
  std::vector<float> values(256, 2.0f);
  HostBinding bindings[] = {{values.data(), 1024}};
  auto program = compile(head + text, 4);
  device->run({program, {2, 1, 1}, bindings, {}});
  EXPECT_EQ(values, std::vector<float>(256, 3.0f));
}

// ---- the fake ----

TEST_F(FakeCudaTest, NoticesMisuse) {
  std::shared_ptr<const cuda::Driver> driver = cuda::loadDriver(driverPath());
  const cuda::Driver &f = *driver;
  cuda::Handle context, stream, event;
  auto misuse = [] { return std::string(fakeState().misuse); };
  cuda::Address address;
  EXPECT_NE(f.allocate(&address, 16), 0);
  EXPECT_EQ(misuse(), "cuMemAlloc_v2 without a context");
  ASSERT_EQ(f.retainContext(&context, 0), 0);
  ASSERT_EQ(f.pushContext(context), 0);
  ASSERT_EQ(f.allocate(&address, 16), 0);
  ASSERT_EQ(f.createStream(&stream, 0), 0);
  ASSERT_EQ(f.createEvent(&event, 0), 0);
  uint32_t words[8] = {};
  EXPECT_NE(f.copyToDevice(address, words, 32, stream), 0);
  EXPECT_EQ(misuse(), "A copy to what is no memory of the device");
  EXPECT_NE(f.copyOnDevice(address, address + 4, 8, stream), 0);
  EXPECT_EQ(misuse(), "A copy between places that overlap");
  static const cuda::Driver *inside = &f;
  EXPECT_EQ(f.launchHostFunction(stream, [](void *) { inside->synchronizeContext(); }, nullptr), 0);
  EXPECT_EQ(f.synchronizeStream(stream), 0);
  EXPECT_EQ(misuse(), "cuCtxSynchronize in a callback");
  EXPECT_EQ(f.release(address), 0);
  EXPECT_NE(f.release(address), 0);
  EXPECT_EQ(misuse(), "cuMemFree of what is not allocated");
  EXPECT_EQ(f.destroyStream(stream), 0);
  EXPECT_NE(f.recordEvent(event, stream), 0);
  EXPECT_EQ(misuse(), "cuEventRecord on a stream that is none, or no longer");
  EXPECT_EQ(f.destroyEvent(event), 0);
  EXPECT_NE(f.queryEvent(event), 0);
  EXPECT_EQ(misuse(), "cuEventQuery with an event that is none, or no longer");
  EXPECT_EQ(f.popContext(&context), 0);
  EXPECT_EQ(f.releaseContext(0), 0);
  EXPECT_EQ(misuse(), "");
}

TEST_F(FakeCudaTest, NoticesMemoryThatIsGoneWhenItIsUsed) {
  inAProcess([] {
    std::shared_ptr<const cuda::Driver> driver = cuda::loadDriver(driverPath());
    const cuda::Driver &f = *driver;
    cuda::Handle context, stream;
    cuda::Address one, two;
    f.retainContext(&context, 0);
    f.pushContext(context);
    f.allocate(&one, 1024);
    f.allocate(&two, 1024);
    f.createStream(&stream, 0);
    delayStreams(50000);
    for (int i = 0; i < 20; ++i)
      f.copyOnDevice(one, two, 1024, stream);
    f.release(two);
    EXPECT_EQ(f.synchronizeStream(stream), 700);
    EXPECT_EQ(f.allocate(&one, 16), 700);
    EXPECT_NE(std::strstr(fakeState().misuse, "used memory that was gone"), nullptr);
  });
}

} // namespace
