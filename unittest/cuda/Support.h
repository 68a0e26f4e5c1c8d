// SPDX-License-Identifier: MIT
// The driver that the tests of the CUDA device use: $UNIT_CUDA_DRIVER, or the machine's own.
#pragma once

#include "FakeCuda.h"
#include "Kernels.h"

#include "cuda/CudaDevice.h"

#include <gtest/gtest.h>

namespace tmetal_test {

std::string driverPath();
/// Whether it is the one of FakeCuda.h. These do nothing where it is not.
bool isFake();
FakeState fakeState();
void failCall(const char *function, int nth, int status);
void delayStreams(int microseconds);

/// What the kernels of Kernels.h take.
struct alignas(16) Scalars {
  uint32_t count, value; // slow: nanoseconds, value
};

/// Each test opens a device, and at its end nothing of it is left.
class CudaTest : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  std::shared_ptr<const tmetal::Program> compile(const std::string &ptx, int simdgroups = 1);
  std::shared_ptr<tmetal::Buffer> adopt(std::vector<uint32_t> &words);
  /// A launch of `step` on all of the buffer, or of `slow`.
  tmetal::Ticket step(tmetal::Queue &queue, const std::shared_ptr<tmetal::Buffer> &buffer, uint32_t value);
  tmetal::Ticket slow(tmetal::Queue &queue, const std::shared_ptr<tmetal::Buffer> &buffer,
                      uint32_t milliseconds, uint32_t value);
  tmetal::Ticket launch(tmetal::Queue &queue, std::shared_ptr<const tmetal::Program> program,
                        std::array<int64_t, 3> grid, const std::shared_ptr<tmetal::Buffer> &buffer,
                        Scalars scalars);

  std::shared_ptr<tmetal::CudaDevice> device;
  std::shared_ptr<const tmetal::Program> stepProgram, slowProgram;
};

/// Runs the rest of a test in a process of its own: after a fault a process cannot use the device any more.
void inAProcess(const std::function<void()> &rest);

/// What the work says of its error; empty: there was none.
template <typename F> std::string errorOf(F work) {
  try {
    work();
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

} // namespace tmetal_test
