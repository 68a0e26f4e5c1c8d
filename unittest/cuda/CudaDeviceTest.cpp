// SPDX-License-Identifier: MIT
// The CUDA device, on the fake driver and on a GPU alike.
#include "Support.h"

#include "cuda/CudaDriver.h"
#include "triton-metal/Support/Errors.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

using namespace tmetal;
using namespace tmetal_test;
using Words = std::vector<uint32_t>;

namespace {

Words counted(size_t n) {
  Words words(n);
  std::iota(words.begin(), words.end(), 0u);
  return words;
}

Words stepped(Words words, std::initializer_list<uint32_t> values) {
  for (uint32_t value : values)
    for (uint32_t &word : words)
      word = word * 3 + value;
  return words;
}

TEST_F(CudaTest, SaysWhatItIs) {
  const DeviceProfile &profile = device->profile();
  EXPECT_FALSE(profile.name.empty());
  EXPECT_EQ(profile.target.simdWidth, 32);
  EXPECT_GE(profile.target.maxThreadsPerThreadgroup, 1024);
  EXPECT_GE(profile.target.threadgroupMemory, 32768);
  EXPECT_EQ(profile.target.float64, Float64::Native);
  EXPECT_FALSE(profile.sharesHostMemory);
  EXPECT_NE(device->driverVersion().find('.'), std::string::npos);
}

// ---- memory ----

TEST_F(CudaTest, RunsALaunchOnMemoryOfTheHost) {
  Words words = counted(1000), wanted = stepped(words, {7});
  Scalars scalars{1000, 7};
  HostBinding bindings[] = {{words.data(), 4000}, {}};
  HostLaunch work{stepProgram, {8, 1, 1}, bindings, std::as_bytes(std::span(&scalars, 1)), 1};
  device->run(work);
  EXPECT_EQ(words, wanted);
  device->run(work); // sees what the host has now
  EXPECT_EQ(words, stepped(wanted, {7}));
}

TEST_F(CudaTest, TheHostSeesNothingBeforeItIsPublished) {
  Words words = counted(100), before = words;
  auto buffer = adopt(words);
  EXPECT_EQ(buffer->host(), nullptr);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  step(*queue, buffer, 1)->wait();
  EXPECT_EQ(words, before);
  queue->publish(buffer)->wait();
  EXPECT_EQ(words, stepped(before, {1}));
}

TEST_F(CudaTest, LargeMemoryIsCopiedInPieces) {
  Words words = counted((9 << 20) / 4 + 3), wanted = stepped(words, {5});
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  step(*queue, buffer, 5);
  queue->publish(buffer)->wait();
  EXPECT_EQ(words, wanted);
}

TEST_F(CudaTest, MemoryIsReadWhenItIsTheTurnOfTheWork) {
  Words words = counted(64), wanted = stepped(words, {0, 2});
  wanted[0] = (words[0] * 3 + 9) * 3 + 2;
  for (size_t i = 1; i < words.size(); ++i)
    wanted[i] = words[i] * 3 + 2;
  auto one = adopt(words), two = adopt(words); // two copies of the same memory
  auto first = device->newQueue(), second = device->newQueue();
  first->fetch(one);
  slow(*first, one, 100, 9);
  Ticket published = first->publish(one);
  second->after(published);
  second->fetch(two); // put there while the slow kernel runs
  step(*second, two, 2);
  second->publish(two)->wait();
  EXPECT_EQ(words, wanted);
}

TEST_F(CudaTest, WhatWasNeverFetchedIsNotPublished) {
  Words words = counted(100), before = words;
  auto queue = device->newQueue();
  EXPECT_EQ(errorOf([&] { queue->publish(adopt(words))->wait(); }),
            "A copy from the device: The memory was never copied to the device.");
  EXPECT_EQ(words, before);
}

TEST_F(CudaTest, CopiesOnTheDevice) {
  Words words = counted(1000), other(1000, 1);
  auto from = adopt(words), to = adopt(other);
  auto queue = device->newQueue();
  queue->fetch(from);
  queue->fetch(to);
  queue->copy({to, 400}, {from, 800}, 2000);
  queue->publish(to)->wait();
  for (size_t i = 0; i < 1000; ++i)
    EXPECT_EQ(other[i], i >= 100 && i < 600 ? i + 100 : 1) << i;
  queue->copy({from, 0}, {from, 40}, 3000); // which overlap
  queue->publish(from)->wait();
  for (size_t i = 0; i < 1000; ++i)
    EXPECT_EQ(words[i], i < 750 ? i + 10 : i) << i;
}

TEST_F(CudaTest, EmptyMemoryIsNoError) {
  Words nothing;
  auto buffer = adopt(nothing);
  auto queue = device->newQueue();
  EXPECT_EQ(queue->fetch(buffer), nullptr);
  EXPECT_EQ(queue->publish(buffer), nullptr);
  queue->copy({buffer}, {buffer}, 0);
  queue->wait();
  EXPECT_EQ(device->allocate(0)->size(), 0u);
}

TEST_F(CudaTest, TooMuchMemoryIsAnError) {
  EXPECT_THROW(device->allocate(size_t(1) << 50), std::bad_alloc);
  EXPECT_NE(errorOf([&] { device->allocate(size_t(1) << 50); }).find("CUDA_ERROR_OUT_OF_MEMORY"),
            std::string::npos);
  Words words = counted(10), wanted = stepped(words, {1});
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  step(*queue, buffer, 1);
  queue->publish(buffer)->wait();
  EXPECT_EQ(words, wanted);
}

TEST_F(CudaTest, FillsMemory) {
  Words words = counted(100);
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  device->fill(*queue, {buffer, 40}, 0xabcdef01u, 80);
  queue->publish(buffer)->wait();
  for (uint32_t i = 0; i < 100; ++i)
    EXPECT_EQ(words[i], i >= 10 && i < 30 ? 0xabcdef01u : i) << i;
}

// ---- order ----

TEST_F(CudaTest, LaunchesOfAQueueAreInOrder) {
  constexpr uint32_t kLaunches = 200;
  Words words = counted(256), wanted = words;
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  for (uint32_t i = 0; i < kLaunches; ++i) {
    step(*queue, buffer, i / 2); // each second one has other scalars
    wanted = stepped(wanted, {i / 2});
  }
  queue->publish(buffer)->wait();
  EXPECT_EQ(words, wanted);
}

TEST_F(CudaTest, PuttingWorkWaitsForNothing) {
  Words words = counted(4), others = counted(4);
  auto buffer = adopt(words), other = adopt(others);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  Ticket first = slow(*queue, buffer, 300, 1);
  Ticket second = step(*queue, buffer, 2);
  Ticket fetched = queue->fetch(other), published = queue->publish(buffer);
  EXPECT_FALSE(first->isDone());
  EXPECT_FALSE(second->isDone());
  EXPECT_FALSE(published->isDone());
  published->wait();
  EXPECT_TRUE(first->isDone() && second->isDone() && fetched->isDone());
  EXPECT_EQ(words[0], 5u);
}

TEST_F(CudaTest, AQueueWaitsForAnother) {
  Words words = counted(4);
  auto buffer = adopt(words);
  auto first = device->newQueue(), second = device->newQueue();
  first->fetch(buffer);
  Ticket slowly = slow(*first, buffer, 100, 1);
  second->after(slowly);
  second->after(nullptr);
  step(*second, buffer, 5);
  second->publish(buffer)->wait();
  EXPECT_EQ(words[0], (0 * 3 + 1) * 3 + 5u);
  slowly->wait();        // its own queue's thread may be a little late to say so
  second->after(slowly); // long done
  step(*second, buffer, 5)->wait();
}

TEST_F(CudaTest, QueuesOfTheirOwnDoNotWaitForOneAnother) {
  Words words = counted(4), others = counted(4);
  auto one = adopt(words), two = adopt(others);
  auto first = device->newQueue(), second = device->newQueue();
  first->fetch(one)->wait();
  second->fetch(two)->wait();
  step(*second, two, 5)->wait(); // everything that is made once is there
  Ticket slowly = slow(*first, one, 500, 1);
  step(*second, two, 5)->wait();
  EXPECT_FALSE(slowly->isDone());
}

TEST_F(CudaTest, CallbacksComeInOrder) {
  Words words = counted(4);
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  std::mutex mutex;
  std::vector<int> order;
  std::condition_variable changed;
  for (int i = 0; i < 20; ++i)
    slow(*queue, buffer, i == 0 ? 50 : 0, 1)->then([&, i](std::exception_ptr error) {
      std::lock_guard<std::mutex> lock(mutex);
      EXPECT_EQ(error, nullptr);
      order.push_back(i);
      changed.notify_all();
    });
  std::unique_lock<std::mutex> lock(mutex); // nobody waits for a ticket
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return order.size() == 20; }));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(CudaTest, TimeBetweenPiecesOfWork) {
  Words words = counted(4);
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  Ticket before = queue->fetch(buffer);
  double time = device->milliseconds(before, slow(*queue, buffer, 40, 1));
  EXPECT_GE(time, 39.0);
  EXPECT_LT(time, 2000.0);
}

TEST_F(CudaTest, ManyThreadsShareADevice) {
  constexpr int kThreads = 6, kLaunches = 30;
  Words shared(8, 1);
  auto sharedBuffer = adopt(shared);
  auto sharedQueue = device->newQueue();
  sharedQueue->fetch(sharedBuffer);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto value = static_cast<uint32_t>(t);
      for (int i = 0; i < kLaunches; ++i) {
        step(*sharedQueue, sharedBuffer, 0);
        Words words = counted(50), wanted = stepped(words, {value, value + 1});
        auto buffer = adopt(words);
        Device::Lease queue(*device);
        queue->fetch(buffer);
        step(*queue, buffer, value);
        step(*queue, buffer, value + 1);
        queue->publish(buffer)->wait();
        wrong += words != wanted;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  sharedQueue->publish(sharedBuffer)->wait();
  uint32_t wanted = 1;
  for (int i = 0; i < kThreads * kLaunches; ++i)
    wanted *= 3;
  EXPECT_EQ(shared, Words(8, wanted));
}

// ---- lifetimes ----

TEST_F(CudaTest, AQueueKeepsAliveWhatTheWorkUses) {
  auto words = std::make_shared<Words>(counted(100));
  std::weak_ptr<Words> seen = words;
  auto kept = std::make_shared<Words>(100); // which outlives the work
  auto queue = device->newQueue();
  Ticket last;
  {
    auto buffer = device->adopt(words->data(), 400, words), result = adopt(*kept);
    queue->fetch(result);
    Words expected = stepped(*words, {3});
    words = nullptr;
    queue->fetch(buffer);
    slow(*queue, buffer, 100, 0); // 0 stays 0
    step(*queue, buffer, 3);
    queue->copy({result}, {buffer}, 400);
    last = queue->publish(result);
    stepProgram = slowProgram = nullptr;
    buffer = result = nullptr;
    EXPECT_FALSE(seen.expired());
    last->wait();
    EXPECT_EQ(*kept, expected);
  }
  queue->wait();
  EXPECT_TRUE(seen.expired());
}

TEST_F(CudaTest, WhatIsKeptIsReleasedBeforeAnybodyLearnsThatTheWorkIsDone) {
  auto words = std::make_shared<Words>(counted(100));
  std::weak_ptr<Words> seen = words;
  auto queue = device->newQueue();
  Ticket ticket;
  {
    auto buffer = device->adopt(words->data(), 400, words);
    words = nullptr;
    ticket = slow(*queue, buffer, 20, 1);
  }
  ticket->wait();
  EXPECT_TRUE(seen.expired());
}

TEST_F(CudaTest, DestroyingAQueueWaitsForItsWork) {
  Words words = counted(10);
  {
    auto buffer = adopt(words);
    auto queue = device->newQueue();
    queue->fetch(buffer);
    slow(*queue, buffer, 100, 4);
    queue->publish(buffer);
  }
  EXPECT_EQ(words[0], 4u);
}

TEST_F(CudaTest, ACallbackMayDropTheQueue) {
  Words words = counted(10);
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  std::atomic<bool> called{false};
  queue->fetch(buffer);
  Ticket ticket = slow(*queue, buffer, 50, 4);
  Ticket last = queue->publish(buffer);
  ticket->then([queue = std::move(queue), &called](std::exception_ptr) mutable {
    queue = nullptr;
    called = true;
  });
  last->wait();
  for (int i = 0; i < 1000 && !called; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(called);
  EXPECT_EQ(words[0], 4u);
  ticket = last = nullptr;
  std::this_thread::sleep_for(std::chrono::milliseconds(50)); // the thread of the queue ends by itself
}

TEST_F(CudaTest, QueuesOutliveTheirDevice) {
  Words words = counted(10), wanted = stepped(words, {1});
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  device = nullptr;
  queue->fetch(buffer);
  step(*queue, buffer, 1);
  queue->publish(buffer)->wait();
  EXPECT_EQ(words, wanted);
}

TEST_F(CudaTest, PartOfSomebodyElsesStream) {
  std::shared_ptr<const cuda::Driver> driver = cuda::loadDriver(driverPath());
  cuda::Handle context, stream = nullptr;
  ASSERT_EQ(driver->retainContext(&context, 0), 0);
  ASSERT_EQ(driver->pushContext(context), 0);
  ASSERT_EQ(driver->createStream(&stream, 0), 0);
  Words words = counted(10);
  Ticket last;
  {
    ForeignQueue foreign;
    foreign.handle = stream;
    auto buffer = adopt(words);
    auto queue = device->queueOn(foreign);
    queue->fetch(buffer);
    slow(*queue, buffer, 200, 4);
    last = queue->publish(buffer);
  } // waits for nothing
  EXPECT_FALSE(last->isDone());
  EXPECT_EQ(driver->synchronizeStream(stream), 0);
  EXPECT_EQ(words[0], 4u);
  last->wait();
  EXPECT_EQ(driver->destroyStream(stream), 0);
  EXPECT_EQ(driver->popContext(&context), 0);
  EXPECT_EQ(driver->releaseContext(0), 0);
  last = nullptr;
  std::this_thread::sleep_for(std::chrono::milliseconds(50)); // the thread of the queue ends by itself
}

// ---- programs ----

TEST_F(CudaTest, OtherParametersThanATextHas) {
  auto bytes = [](uint32_t value) {
    const auto *data = reinterpret_cast<const std::byte *>(&value);
    return std::vector<std::byte>(data, data + 4);
  };
  CudaImage image;
  image.image = otherPtx();
  image.entry = "other";
  image.threads = {4, 2, 1};
  image.sharedBytes = 64 << 10;
  image.parameters = {{-1, bytes(7)}, {0, {}}, {-1, bytes(5)}};
  auto program = device->load(image);
  Words words(10, 1);
  HostBinding bindings[] = {{words.data(), 40, 4}};
  device->run({program, {1, 1, 1}, bindings, {}});
  EXPECT_EQ(words, (Words{1, 7500, 7501, 7502, 7503, 7504, 7505, 7506, 7507, 1}));
  CudaResources resources = device->resourcesOf(*program);
  EXPECT_GT(resources.registers, 0);
  EXPECT_GT(resources.residentThreads, 0);
}

TEST_F(CudaTest, WhatIsNoKernelIsAnError) {
  EXPECT_EQ(errorOf([&] { compile("no kernel"); }), "The PTX has no kernel.");
  EXPECT_EQ(errorOf([&] { compile(stepPtx() + wildPtx()); }), "The PTX has more than one kernel.");
  std::string foreign = errorOf([&] { compile(".entry broken()\n"); });
  EXPECT_NE(foreign.find("CUDA_ERROR_INVALID_IMAGE"), std::string::npos) << foreign;
  std::string broken = errorOf([&] { compile(".version 6.4\n.visible .entry broken()\n{\n  ret;\n}\n"); });
  EXPECT_NE(broken.find("CUDA_ERROR_INVALID_PTX"), std::string::npos) << broken;
  EXPECT_NE(errorOf([&] { compile(""); }).find("make_ptx.py"), std::string::npos);
  EXPECT_NE(errorOf([&] {
              ProgramSource source;
              source.binary = stepPtx();
              source.function = "stop";
              device->compile(source);
            }).find("CUDA_ERROR_NOT_FOUND"),
            std::string::npos);
}

TEST_F(CudaTest, MoreThreadsThanTheKernelPermitsAreRefused) {
  EXPECT_THROW(compile(stepPtx(), 5), OutOfResources);
  EXPECT_NO_THROW(compile(stepPtx(), 4));
}

// ---- errors ----

TEST_F(CudaTest, LaunchesThatCannotBeReachWhoeverWaits) {
  Words words = counted(10), wanted = stepped(words, {1, 2});
  auto buffer = adopt(words);
  auto queue = device->newQueue();
  queue->fetch(buffer);
  step(*queue, buffer, 1);
  Launch few;
  Binding bindings[] = {{buffer}};
  few.program = stepProgram;
  few.buffers = bindings;
  Ticket tooFew = queue->launch(few);
  Ticket tooLarge = launch(*queue, stepProgram, {1, 65536, 1}, buffer, {10, 1});
  launch(*queue, stepProgram, {0, 1, 1}, buffer, {10, 1}); // nothing to do
  step(*queue, buffer, 2);                                 // goes on
  Ticket published = queue->publish(buffer);
  published->wait();
  EXPECT_EQ(words, wanted);
  EXPECT_EQ(errorOf([&] { queue->wait(); }),
            "The launch of 'step': The kernel has 3 parameters, and the launch 2.");
  EXPECT_EQ(errorOf([&] { tooFew->wait(); }), "") << "an error is told once";
  EXPECT_EQ(
      errorOf([&] { tooLarge->wait(); }),
      "The launch of 'step': The grid has 65536 programs in dimension 1, and the device permits 65535.");
  queue->wait();
}

TEST_F(CudaTest, WhatIsOfAnotherDeviceIsRefused) {
  Words words = counted(10);
  auto another = openCudaDevice(driverPath());
  auto buffer = another->adopt(words.data(), 40);
  auto queue = device->newQueue();
  EXPECT_EQ(errorOf([&] { queue->fetch(buffer); }), "The buffer is of another device.");
  EXPECT_EQ(errorOf([&] { step(*queue, buffer, 1)->wait(); }),
            "The launch of 'step': The buffer is of another device.");
  auto other = another->newQueue();
  EXPECT_EQ(errorOf([&] { step(*other, buffer, 1); }), "The program is of another device.");
}

TEST_F(CudaTest, AFaultReachesWhoeverWaitsAndNothingIsPublished) {
  inAProcess([&] {
    Words words = counted(10), before = words, others = counted(10);
    auto wild = compile(wildPtx());
    auto buffer = adopt(words), other = adopt(others);
    auto queue = device->newQueue(), second = device->newQueue();
    queue->fetch(buffer)->wait();
    Binding bindings[] = {{buffer}};
    Launch work;
    work.program = wild;
    work.buffers = bindings;
    Ticket launched = queue->launch(work), published = queue->publish(buffer);
    std::atomic<bool> told{false};
    Ticket behind = step(*queue, buffer, 1);
    behind->then([&](std::exception_ptr error) { told = error != nullptr; });
    std::string error = errorOf([&] { launched->wait(); });
    EXPECT_EQ(error.find("The launch of 'wild'"), 0u) << error;
    EXPECT_NE(error.find("CUDA_ERROR_ILLEGAL_ADDRESS"), std::string::npos) << error;
    EXPECT_NE(errorOf([&] { published->wait(); }), "");
    behind->join();
    EXPECT_EQ(words, before);
    for (int i = 0; i < 400 && !told; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(told);
    // Nothing works any more in this process, and says so.
    EXPECT_NE(errorOf([&] { second->fetch(other)->wait(); }).find("CUDA_ERROR_ILLEGAL_ADDRESS"),
              std::string::npos);
    EXPECT_NE(errorOf([&] { device->synchronize(); }).find("CUDA_ERROR_ILLEGAL_ADDRESS"), std::string::npos);
    EXPECT_NE(errorOf([&] { device->allocate(16); }), "");
  });
}

TEST_F(CudaTest, AFaultOfALaunchThatIsRunIsThrown) {
  inAProcess([&] {
    Words words = counted(10), before = words;
    HostBinding bindings[] = {{words.data(), 40}};
    auto wild = compile(wildPtx());
    EXPECT_NE(
        errorOf([&] { device->run({wild, {1, 1, 1}, bindings, {}}); }).find("CUDA_ERROR_ILLEGAL_ADDRESS"),
        std::string::npos);
    EXPECT_EQ(words, before);
  });
}

} // namespace
