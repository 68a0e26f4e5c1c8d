// SPDX-License-Identifier: MIT
// Programs of a launch that wait for one another by polling memory. Threads take programs in order, so a
// program that waits for one before it, or for one that is running, always goes on in the end. When all
// threads of a launch wait and none of them can go on, the launch ends with an error.
#pragma once

#include "Device.h"

#include "../shim/waiting.h"

#include <chrono>
#include <csetjmp>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tmetal {

/// The polls of one launch.
class LaunchWaits {
public:
  LaunchWaits() = default;
  LaunchWaits(const LaunchWaits &) = delete;
  LaunchWaits &operator=(const LaunchWaits &) = delete;

  /// Exists while a thread runs programs of the launch.
  class Worker {
  public:
    explicit Worker(LaunchWaits &launch);
    ~Worker();
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    /// Calls `program`, which runs one program. Throws StuckPrograms if it was abandoned. Nothing of ours is
    /// destroyed on the way out, so `program` must own nothing.
    template <typename F> void run(const F &program) {
      if (setjmp(place) != 0)
        launch.fail();
      program();
    }

    /// The one that the calling thread is.
    static Worker *&current();

    LaunchWaits &launch;

  private:
    friend class LaunchWaits;
    Worker *outer; // of this thread, for a launch from within a launch
    std::jmp_buf place;
  };

  void begin(const tm_waiting::Poll *poll);
  void pause(const tm_waiting::Poll *poll, unsigned round);
  void end(const tm_waiting::Poll *poll);

private:
  using Clock = std::chrono::steady_clock;

  bool isStuck(const tm_waiting::Poll *poll);
  void remove(const tm_waiting::Poll *poll);
  [[noreturn]] void fail();

  std::mutex mutex;
  size_t running = 0; // threads
  std::vector<const tm_waiting::Poll *> polls;
  uint64_t changes = 0, seen = 0; // threads that came, went, began or stopped to wait
  Clock::time_point since;        // nothing has changed
  bool stuck = false;
  tm_waiting::Poll reported = {};
};

/// What texts that poll call.
const tm_waiting::Host *waitingHost();

} // namespace tmetal
