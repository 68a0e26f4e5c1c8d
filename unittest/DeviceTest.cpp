// SPDX-License-Identifier: MIT
// Tests what runtime/Device.h promises on the CPU device and on a fake asynchronous device.
#include "FakeDevice.h"

#include "cpu/CpuDevice.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>

using namespace tmetal;
using namespace tmetal_test;

namespace {

/// A cache of the build tree.
const bool folderIsSet = [] {
  setenv("TRITON_METAL_CACHE_DIR", UNIT_CPU_CACHE, /*overwrite=*/0);
  return true;
}();

// x[i] = x[i] * factor + base, for 128 elements.
const char *kStep = R"(#include <triton_metal.h>
struct tm_arguments { int factor; int base; };
kernel void step(device int *x [[buffer(0)]], constant tm_arguments &tm_args [[buffer(1)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_REGION {
    const int i = int(tm_sg * 32 + tm_lane);
    x[i] = x[i] * tm_args.factor + tm_args.base;
  }
  TM_END
}
TM_ENTRY(step)
)";

// Not all threads come to the barrier.
const char *kStuck = R"(#include <triton_metal.h>
kernel void stuck(device int *x [[buffer(0)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_REGION {
    if (tm_lane < 3)
      threadgroup_barrier(mem_flags::mem_threadgroup);
    x[0] = 1;
  }
  TM_END
}
TM_ENTRY(stuck)
)";

constexpr size_t kCount = 128, kBytes = kCount * sizeof(int);

struct Step {
  int factor, base;
};

std::shared_ptr<const Program> compile(Device &device) {
  ProgramSource source;
  source.text = kStep;
  source.simdgroups = 4;
  return device.compile(source);
}

class DeviceTest : public ::testing::TestWithParam<bool> {
protected:
  DeviceTest() {
    if (GetParam())
      fake = std::make_shared<FakeDevice>();
    device = fake ? std::shared_ptr<Device>(fake) : cpuDevice();
    program = compile(*device);
  }

  Ticket launch(Queue &queue, const std::shared_ptr<Buffer> &buffer, Step step) {
    alignas(16) Step scalars = step;
    Binding binding{buffer, 0};
    Ticket ticket =
        queue.launch({program, {1, 1, 1}, {&binding, 1}, std::as_bytes(std::span(&scalars, 1)), 1});
    scalars = {-7, -7}; // the queue has its own
    return ticket;
  }
  /// Somewhat random pauses in front of the steps of the fake device.
  void delayBy(uint64_t seed, int microseconds) {
    if (fake)
      fake->delay([=](int64_t step) { return int(Dice(seed * 1000003 + step).below(microseconds)); });
  }

  std::shared_ptr<FakeDevice> fake; // null: the CPU
  std::shared_ptr<Device> device;
  std::shared_ptr<const Program> program;
};

std::string nameOf(const ::testing::TestParamInfo<bool> &info) { return info.param ? "Fake" : "Cpu"; }

template <typename F> std::string messageOf(const F &work) {
  try {
    work();
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Devices, DeviceTest, ::testing::Bool(), nameOf);

TEST_P(DeviceTest, WorkOfAQueueIsDoneInOrder) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    delayBy(seed, 200);
    std::vector<int> x(kCount, 1);
    unsigned expected = 1;
    std::shared_ptr<Queue> queue = device->newQueue();
    std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes, nullptr);
    queue->fetch(buffer);
    for (int i = 0; i < 50; ++i) {
      launch(*queue, buffer, {3, i});
      expected = expected * 3 + i;
    }
    queue->publish(buffer);
    queue->wait();
    EXPECT_EQ(x, std::vector<int>(kCount, static_cast<int>(expected)));
  }
}

TEST_P(DeviceTest, AQueueKeepsWhatItUsesAndThenDropsIt) {
  std::vector<int> x(kCount, 1);
  // Slow to go, so that a ticket that is settled too early shows.
  std::atomic<bool> released{false};
  std::shared_ptr<const void> owner(&released, [](const void *flag) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    *static_cast<std::atomic<bool> *>(const_cast<void *>(flag)) = true;
  });
  std::shared_ptr<Queue> queue = device->newQueue();
  std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes, std::move(owner));
  std::weak_ptr<Buffer> kept = buffer;
  auto gate = std::make_shared<Completion>();
  queue->after(gate);
  queue->fetch(buffer);
  launch(*queue, buffer, {2, 5});
  if (fake)
    program = nullptr;
  Ticket done = fake ? queue->publish(buffer) : launch(*queue, buffer, {1, 0});
  buffer = nullptr;
  EXPECT_FALSE(released);
  gate->settle();
  done->wait();
  EXPECT_EQ(x[127], 7);
  EXPECT_TRUE(kept.expired());
  EXPECT_TRUE(released);
  if (fake)
    EXPECT_EQ(fake->livePrograms(), 0);
}

TEST_P(DeviceTest, ARunIsOverOnReturn) {
  delayBy(2, 500);
  for (int i = 0; i < 20; ++i) {
    auto x = std::make_unique<std::vector<int>>(kCount, i);
    alignas(16) Step step{2, 1};
    HostBinding binding{x->data(), kBytes};
    device->run({program, {1, 1, 1}, {&binding, 1}, std::as_bytes(std::span(&step, 1)), 1});
    EXPECT_EQ((*x)[64], 2 * i + 1);
  }
  if (fake) {
    EXPECT_EQ(fake->liveBuffers(), 0);
    EXPECT_EQ(fake->strayStores(), 0);
  }
}

TEST_P(DeviceTest, TheSameMemoryTwiceIsOne) {
  std::vector<int> x(kCount, 4);
  ProgramSource source;
  source.simdgroups = 4;
  source.text = R"(#include <triton_metal.h>
kernel void twice(device int *x [[buffer(0)]], device int *y [[buffer(1)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_REGION { y[int(tm_sg * 32 + tm_lane)] += 1; }
  TM_REGION { x[int(tm_sg * 32 + tm_lane)] *= 2; }
  TM_END
}
TM_ENTRY(twice)
)";
  HostBinding bindings[] = {{x.data(), kBytes}, {x.data(), kBytes}};
  std::shared_ptr<const Program> twice = device->compile(source);
  device->run({twice, {1, 1, 1}, bindings, {}, -1});
  EXPECT_EQ(x, std::vector<int>(kCount, 10));
}

TEST_P(DeviceTest, CopiesGoBetweenBuffers) {
  std::vector<int> x(kCount);
  std::iota(x.begin(), x.end(), 0);
  std::vector<int> y(kCount, -1);
  std::shared_ptr<Queue> queue = device->newQueue();
  std::shared_ptr<Buffer> from = device->adopt(x.data(), kBytes), to = device->adopt(y.data(), kBytes),
                          own = device->allocate(kBytes);
  queue->fetch(from);
  queue->fetch(to);
  queue->copy({own, 0}, {from, 0}, kBytes);
  launch(*queue, own, {10, 0});
  queue->copy({to, 4}, {own, 8}, kBytes - 8);
  queue->publish(to);
  queue->wait();
  EXPECT_EQ(y[0], -1);
  EXPECT_EQ(y[1], 20);
  EXPECT_EQ(y[126], 1270);
  EXPECT_EQ(y[127], -1);
}

TEST_P(DeviceTest, WorkWaitsForAnotherQueue) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    delayBy(seed, 500);
    std::vector<int> x(kCount, 1);
    std::shared_ptr<Queue> first = device->newQueue(), second = device->newQueue();
    std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
    first->fetch(buffer);
    second->after(launch(*first, buffer, {5, 0}));
    Ticket added = launch(*second, buffer, {1, 1});
    first->after(added);
    launch(*first, buffer, {2, 0});
    first->publish(buffer);
    first->wait();
    EXPECT_EQ(x[5], 12);
    second->wait();
  }
}

TEST_P(DeviceTest, DestroyingAQueueWaits) {
  delayBy(3, 2000);
  std::vector<int> x(kCount, 1);
  std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
  std::vector<Ticket> tickets;
  std::shared_ptr<Queue> queue = device->newQueue();
  tickets.push_back(queue->fetch(buffer));
  for (int i = 0; i < 10; ++i)
    tickets.push_back(launch(*queue, buffer, {1, 1}));
  tickets.push_back(queue->publish(buffer));
  queue = nullptr;
  for (const Ticket &ticket : tickets)
    EXPECT_TRUE(!ticket || ticket->isDone());
  EXPECT_EQ(x[0], 11);
}

TEST_P(DeviceTest, CompletionCallsBackOnce) {
  delayBy(4, 1000);
  std::vector<int> x(kCount, 1);
  std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
  std::shared_ptr<Queue> queue = device->newQueue();
  queue->fetch(buffer);
  std::atomic<int> calls{0};
  Ticket ticket = launch(*queue, buffer, {1, 1});
  for (int i = 0; i < 3; ++i)
    ticket->then([&](std::exception_ptr error) { calls += error ? 100 : 1; });
  queue->wait();
  EXPECT_TRUE(ticket->isDone());
  ticket->then([&](std::exception_ptr) { calls += 10; }); // at once
  queue = nullptr;
  EXPECT_EQ(calls, 13);
}

TEST_P(DeviceTest, ThreadsShareAQueue) {
  delayBy(5, 50);
  std::vector<int> x(kCount, 0);
  std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
  std::shared_ptr<Queue> queue = device->newQueue();
  queue->fetch(buffer);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Ticket ticket = launch(*queue, buffer, {1, 1});
        if (i % 7 == 0)
          ticket->wait();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  queue->publish(buffer);
  queue->wait();
  EXPECT_EQ(x, std::vector<int>(kCount, 200));
}

TEST_P(DeviceTest, WorkIsPartOfSomebodyElsesQueue) {
  std::deque<std::function<void()>> stream;
  std::vector<int> x(kCount, 1);
  {
    std::shared_ptr<Queue> queue =
        device->queueOn({nullptr, [&](std::function<void()> task) { stream.push_back(std::move(task)); }});
    std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
    queue->fetch(buffer);
    stream.push_back([&] { EXPECT_EQ(x[0], 1); });
    launch(*queue, buffer, {2, 1});
    launch(*queue, buffer, {2, 1});
    queue->publish(buffer);
    stream.push_back([&] { EXPECT_EQ(x[0], 7); });
  }
  EXPECT_EQ(x[0], 1);
  for (; !stream.empty(); stream.pop_front())
    stream.front()();
  EXPECT_EQ(x, std::vector<int>(kCount, 7));
}

TEST(CpuDevice, ErrorsOfAQueueAreToldOnceInOrder) {
  ProgramSource source;
  source.text = kStuck;
  source.simdgroups = 4;
  source.checks.races = true; // with fibers
  std::shared_ptr<const Program> stuck = cpuDevice()->compile(source);
  EXPECT_TRUE(stuck->mayFail());
  std::vector<int> x(kCount);
  std::shared_ptr<Buffer> buffer = cpuDevice()->adopt(x.data(), kBytes);
  Binding binding{buffer};
  std::shared_ptr<Queue> queue = cpuDevice()->newQueue();
  Ticket first = queue->launch({stuck, {1, 1, 1}, {&binding, 1}, {}, -1});
  Ticket second = queue->launch({stuck, {2, 1, 1}, {&binding, 1}, {}, -1});
  EXPECT_NE(messageOf([&] { second->wait(); }).find("same barrier"), std::string::npos);
  EXPECT_NO_THROW(second->wait());
  EXPECT_NE(messageOf([&] { queue->wait(); }).find("(0, 0, 0)"), std::string::npos);
  EXPECT_NO_THROW(queue->wait());
  EXPECT_NO_THROW(first->wait());
}

TEST(CpuDevice, AQueueMayBeDestroyedByItsLastPieceOfWork) {
  std::vector<int> x(kCount);
  std::shared_ptr<const Program> program = compile(*cpuDevice());
  auto queue = cpuDevice()->newQueue();
  alignas(16) Step step{1, 1};
  Binding binding{cpuDevice()->adopt(x.data(), kBytes)};
  Completion destroyed;
  std::shared_ptr<Completion> gate = std::make_shared<Completion>();
  queue->after(gate);
  Ticket ticket = queue->launch({program, {1, 1, 1}, {&binding, 1}, std::as_bytes(std::span(&step, 1)), 1});
  ticket->then([&, queue = std::move(queue)](std::exception_ptr) mutable {
    queue = nullptr;
    destroyed.settle();
  });
  gate->settle();
  destroyed.wait();
  EXPECT_EQ(x[0], 1);
}

TEST(CpuDevice, AForkedProcessHasQueuesOfItsOwn) {
  std::vector<int> x(kCount, 1);
  std::shared_ptr<const Program> program = compile(*cpuDevice());
  auto queue = cpuDevice()->newQueue();
  alignas(16) Step step{1, 1};
  Binding binding{cpuDevice()->adopt(x.data(), kBytes)};
  auto launch = [&] {
    queue->launch({program, {1, 1, 1}, {&binding, 1}, std::as_bytes(std::span(&step, 1)), 1});
    queue->wait();
  };
  launch();
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    queue = nullptr;
    queue = cpuDevice()->newQueue();
    launch();
    queue = nullptr;
    _exit(x[0] == 3 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  launch();
  EXPECT_EQ(x[0], 3);
}

namespace {

class FakeDeviceTest : public DeviceTest {};

} // namespace

INSTANTIATE_TEST_SUITE_P(Devices, FakeDeviceTest, ::testing::Values(true), nameOf);

TEST_P(FakeDeviceTest, QueuesOverTakeOneAnother) {
  fake->hold();
  std::vector<int> x(kCount, 1), y(kCount, 1);
  std::shared_ptr<Queue> slow = device->newQueue(), fast = device->newQueue();
  std::shared_ptr<Buffer> a = device->adopt(x.data(), kBytes), b = device->adopt(y.data(), kBytes);
  slow->fetch(a);
  Ticket first = launch(*slow, a, {2, 0});
  slow->publish(a);
  fast->fetch(b);
  Ticket second = launch(*fast, b, {3, 0});
  Ticket published = fast->publish(b);
  fake->letThrough(*fast, 2);
  second->wait();
  EXPECT_FALSE(first->isDone());
  EXPECT_FALSE(published->isDone());
  EXPECT_EQ(y[0], 1); // nobody has published it
  fake->letThrough(*fast, 1);
  published->wait();
  EXPECT_EQ(y[0], 3);
  EXPECT_FALSE(first->isDone());
  fake->release();
  slow->wait();
  EXPECT_EQ(x[0], 2);
}

TEST_P(FakeDeviceTest, WhatIsForgottenShows) {
  std::vector<int> x(kCount, 1);
  std::shared_ptr<Queue> queue = device->newQueue();
  {
    std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
    launch(*queue, buffer, {1, 1});
    EXPECT_EQ(messageOf([&] { queue->wait(); }), "A launch uses memory that was never fetched.");
    queue->publish(buffer);
    EXPECT_EQ(messageOf([&] { queue->wait(); }), "Memory that was never fetched is published.");
    queue->fetch(buffer);
    launch(*queue, buffer, {1, 1});
    queue->wait();
  }
  EXPECT_EQ(x[0], 1); // never published
}

TEST_P(FakeDeviceTest, ErrorsAreToldOnceInOrder) {
  delayBy(6, 300);
  fake->fail(FakeStep::Launch, {3, 5, 7, 8});
  std::vector<int> x(kCount, 0);
  std::shared_ptr<Buffer> buffer = device->adopt(x.data(), kBytes);
  std::shared_ptr<Queue> queue = device->newQueue();
  queue->fetch(buffer);
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i)
    tickets.push_back(launch(*queue, buffer, {1, 1}));
  queue->publish(buffer);
  std::vector<std::string> heard;
  tickets[7]->then(
      [&](std::exception_ptr error) { heard.push_back(messageOf([&] { std::rethrow_exception(error); })); });
  EXPECT_EQ(messageOf([&] { tickets[5]->wait(); }), "fake fault: launch 5");
  for (const char *expected : {"fake fault: launch 3", "fake fault: launch 8", "", ""})
    EXPECT_EQ(messageOf([&] { queue->wait(); }), expected);
  EXPECT_EQ(heard, std::vector<std::string>{"fake fault: launch 7"});
  for (const Ticket &ticket : tickets)
    EXPECT_NO_THROW(ticket->wait());
  EXPECT_EQ(x[0], 6); // the others ran
}

TEST_P(FakeDeviceTest, FaultsOfARunReachItsCallerAndLeaveNothing) {
  int tried = 0;
  for (FakeStep step : {FakeStep::Allocate, FakeStep::Fetch, FakeStep::Launch, FakeStep::Publish})
    for (int64_t ordinal = 0; ordinal < 2; ++ordinal) {
      std::vector<int> x(kCount, 1), y(kCount, 1);
      alignas(16) Step scalars{2, 1};
      HostBinding bindings[] = {{x.data(), kBytes}, {nullptr}, {y.data(), kBytes}};
      fake->fail(step, {ordinal});
      bool fails = step != FakeStep::Launch || ordinal == 0;
      std::string message = messageOf(
          [&] { device->run({program, {1, 1, 1}, bindings, std::as_bytes(std::span(&scalars, 1)), 1}); });
      EXPECT_EQ(message.rfind("fake fault", 0) == 0, fails) << message;
      EXPECT_EQ(y, std::vector<int>(kCount, 1));
      if (step == FakeStep::Allocate || step == FakeStep::Fetch)
        EXPECT_EQ(x[0], ordinal == 0 ? 1 : x[0]);
      EXPECT_EQ(fake->liveBuffers(), 0);
      fake->fail(step, {});
      std::fill(x.begin(), x.end(), 1);
      device->run({program, {1, 1, 1}, bindings, std::as_bytes(std::span(&scalars, 1)), 1});
      EXPECT_EQ(x[0], 3); // nothing is left of the error
      ++tried;
    }
  EXPECT_EQ(tried, 8);
}

TEST_P(FakeDeviceTest, ASubmitThatThrowsLeavesNothingInTheQueue) {
  fake->delay([](int64_t) { return 20000; });
  std::shared_ptr<Queue> queue = device->newQueue();
  auto x = std::make_unique<std::vector<int>>(kCount, 1);
  HostBinding binding{x->data(), kBytes};
  std::shared_ptr<const Program> other = compile(*cpuDevice());
  EXPECT_THROW(device->submit(*queue, {other, {1, 1, 1}, {&binding, 1}, {}, -1}, nullptr), std::logic_error);
  EXPECT_EQ(fake->count(FakeStep::Fetch), 1);
  EXPECT_EQ(fake->liveBuffers(), 0);
}

TEST_P(FakeDeviceTest, RunsOfManyThreadsAndFaultsDoNotMix) {
  constexpr int kThreads = 4, kRuns = 100;
  delayBy(7, 60);
  std::set<int64_t> ordinals;
  for (int64_t i = 0; i < kThreads * kRuns; i += 9)
    ordinals.insert(i);
  fake->fail(FakeStep::Launch, ordinals);
  std::atomic<int> failed{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRuns; ++i) {
        std::vector<int> x(kCount, i);
        alignas(16) Step scalars{t, 1};
        HostBinding binding{x.data(), kBytes};
        try {
          device->run({program, {1, 1, 1}, {&binding, 1}, std::as_bytes(std::span(&scalars, 1)), 1});
          wrong += x != std::vector<int>(kCount, i * t + 1);
        } catch (const FakeFault &) {
          ++failed;
          wrong += x != std::vector<int>(kCount, i);
        }
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, static_cast<int>(ordinals.size()));
  EXPECT_EQ(fake->liveBuffers(), 0);
}
