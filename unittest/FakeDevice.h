// SPDX-License-Identifier: MIT
// A device with everything that the CPU device lacks: it has memory of its own, runs all work later on other
// threads, and fails on demand. Programs run on the CPU.
#pragma once

#include "Device.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <new>
#include <set>
#include <stdexcept>
#include <string>

namespace tmetal_test {

enum class FakeStep { Fetch, Launch, Publish, Copy, Allocate };

/// Thrown by a step that was told to fail; an allocation throws FakeShortage.
struct FakeFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct FakeShortage : std::bad_alloc {
  const char *what() const noexcept override { return "fake fault: no memory"; }
};

class FakeDevice : public tmetal::Device {
public:
  FakeDevice();
  ~FakeDevice() override;

  const tmetal::DeviceProfile &profile() const override { return limits; }
  std::shared_ptr<const tmetal::Program> compile(const tmetal::ProgramSource &source) override;
  std::shared_ptr<tmetal::Buffer> allocate(size_t bytes) override;
  std::shared_ptr<tmetal::Buffer> adopt(void *address, size_t bytes,
                                        std::shared_ptr<const void> owner) override;
  std::shared_ptr<tmetal::Queue> newQueue() override;
  std::shared_ptr<tmetal::Queue> queueOn(const tmetal::ForeignQueue &foreign) override;

  /// The steps of this kind with these numbers fail, counted from now on.
  void fail(FakeStep step, std::set<int64_t> ordinals);
  /// Delays each step of a queue; `microseconds` receives the number of the step and may run on any thread.
  void delay(std::function<int(int64_t)> microseconds);
  /// While held, no queue takes a step, except those that letThrough() permits.
  void hold();
  void release();
  void letThrough(tmetal::Queue &queue, int steps);

  int64_t count(FakeStep step) const { return steps[static_cast<int>(step)]; }
  int64_t liveBuffers() const { return *buffers; }
  int64_t livePrograms() const { return *programs; }
  /// How many buffers were stored to outside of their memory.
  int64_t strayStores() const { return *strays; }

  /// For its queues: waits until the step may be taken, and fails if it is to.
  void begin(FakeStep step, const tmetal::Queue *queue);

private:
  void fault(FakeStep step);

  tmetal::DeviceProfile limits;
  std::atomic<int64_t> steps[5] = {};
  std::atomic<int64_t> allSteps{0};
  // These outlive the device where buffers do.
  std::shared_ptr<std::atomic<int64_t>> buffers = std::make_shared<std::atomic<int64_t>>(0);
  std::shared_ptr<std::atomic<int64_t>> programs = std::make_shared<std::atomic<int64_t>>(0);
  std::shared_ptr<std::atomic<int64_t>> strays = std::make_shared<std::atomic<int64_t>>(0);
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  std::map<const tmetal::Queue *, int> permits;
  std::map<FakeStep, std::set<int64_t>> faults; // absolute numbers
  std::function<int(int64_t)> pause;
};

/// Numbers that a seed decides.
class Dice {
public:
  explicit Dice(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t below(uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
  }

private:
  uint64_t state;
};

} // namespace tmetal_test
