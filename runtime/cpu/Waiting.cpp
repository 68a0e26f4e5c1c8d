// SPDX-License-Identifier: MIT
#undef _FORTIFY_SOURCE // its longjmp refuses to leave the stack of a fiber
#include "Waiting.h"
#include "Environment.h"

#include <sched.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace tmetal {

namespace {

/// How long all threads wait before it is an error. Something outside of the launch may still come: a thread
/// that is busy with another launch, or the host.
std::chrono::seconds patience() {
  static const std::chrono::seconds seconds(integerVariable("TRITON_METAL_WAIT_SECONDS", 1, 1 << 20, 2));
  return seconds;
}

bool isMet(const tm_waiting::Poll &poll) {
  switch (poll.bytes) {
  case 1:
    return __atomic_load_n(static_cast<const uint8_t *>(poll.address), __ATOMIC_ACQUIRE) == poll.expected;
  case 2:
    return __atomic_load_n(static_cast<const uint16_t *>(poll.address), __ATOMIC_ACQUIRE) == poll.expected;
  case 4:
    return __atomic_load_n(static_cast<const uint32_t *>(poll.address), __ATOMIC_ACQUIRE) == poll.expected;
  default:
    return __atomic_load_n(static_cast<const uint64_t *>(poll.address), __ATOMIC_ACQUIRE) == poll.expected;
  }
}

} // namespace

LaunchWaits::Worker *&LaunchWaits::Worker::current() {
  thread_local Worker *worker = nullptr;
  return worker;
}

LaunchWaits::Worker::Worker(LaunchWaits &launch) : launch(launch), outer(current()) {
  current() = this;
  std::lock_guard<std::mutex> lock(launch.mutex);
  ++launch.running;
  ++launch.changes;
}

LaunchWaits::Worker::~Worker() {
  current() = outer;
  std::lock_guard<std::mutex> lock(launch.mutex);
  --launch.running;
  ++launch.changes;
}

void LaunchWaits::begin(const tm_waiting::Poll *poll) {
  std::lock_guard<std::mutex> lock(mutex);
  polls.push_back(poll);
  ++changes;
}

void LaunchWaits::end(const tm_waiting::Poll *poll) {
  std::lock_guard<std::mutex> lock(mutex);
  remove(poll);
}

void LaunchWaits::remove(const tm_waiting::Poll *poll) {
  polls.erase(std::find(polls.begin(), polls.end(), poll));
  ++changes;
}

/// Whether this program has to be abandoned. If so, it waits no more.
bool LaunchWaits::isStuck(const tm_waiting::Poll *poll) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!stuck) {
    if (changes != seen) {
      seen = changes;
      since = Clock::now();
    }
    bool allWait = polls.size() == running &&
                   std::none_of(polls.begin(), polls.end(), [](const auto *other) { return other->ends; });
    if (!allWait || Clock::now() - since < patience())
      return false;
    // A thread may not have noticed yet that it can go on.
    if (std::any_of(polls.begin(), polls.end(), [](const auto *other) { return isMet(*other); }))
      return false;
    stuck = true;
    reported = *poll;
  }
  remove(poll);
  return true;
}

void LaunchWaits::pause(const tm_waiting::Poll *poll, unsigned round) {
  if (round % 64 == 63 && isStuck(poll))
    std::longjmp(Worker::current()->place, 1);
  if (round < 256)
    sched_yield();
  else
    std::this_thread::sleep_for(std::chrono::microseconds(round < 4096 ? 20 : 200));
}

void LaunchWaits::fail() {
  throw StuckPrograms(reported.site, {reported.program[0], reported.program[1], reported.program[2]});
}

const tm_waiting::Host *waitingHost() {
  static const tm_waiting::Host host = {
      [](const tm_waiting::Poll *poll) { LaunchWaits::Worker::current()->launch.begin(poll); },
      [](const tm_waiting::Poll *poll, unsigned round) {
        LaunchWaits::Worker::current()->launch.pause(poll, round);
      },
      [](const tm_waiting::Poll *poll) { LaunchWaits::Worker::current()->launch.end(poll); },
      [] {
        auto now = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<unsigned long>(std::chrono::nanoseconds(now).count());
      },
  };
  return &host;
}

} // namespace tmetal
