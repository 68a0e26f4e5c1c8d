// SPDX-License-Identifier: MIT
#include "cpu/ThreadPool.h"
#include "Support.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace tmetal;
using namespace tmetal_test;

namespace {

// Stack sizes that run on the stack of the caller, on those of workers, and on threads started
// for one launch.
const int64_t kStacks[] = {0, 300 << 10, 20 << 20};

/// How often each index was covered.
std::vector<int> cover(int64_t count, int64_t chunk, int64_t stackBytes) {
  std::unique_ptr<std::atomic<int>[]> counts(new std::atomic<int>[count + 1]());
  parallelFor(count, chunk, stackBytes, [&](int64_t begin, int64_t end) {
    EXPECT_LT(begin, end);
    EXPECT_LE(end, count);
    for (int64_t i = begin; i < end; ++i)
      ++counts[i];
  });
  std::vector<int> result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(counts[i]);
  return result;
}

} // namespace

TEST(ThreadPool, EveryIndexOnce) {
  for (int64_t stack : kStacks)
    for (int64_t count : {0, 1, 2, 31, 1000})
      for (int64_t chunk : {1, 3, 1000, 5000})
        ASSERT_EQ(cover(count, chunk, stack), std::vector<int>(count, 1)) << count << " by " << chunk;
}

TEST(ThreadPool, StacksAreAsLargeAsWanted) {
  for (int64_t stack : kStacks) {
    std::atomic<int64_t> sum{0};
    parallelFor(8, 1, stack, [&](int64_t begin, int64_t) {
      auto *memory = static_cast<volatile char *>(__builtin_alloca(size_t(stack) + 1));
      for (int64_t i = 0; i <= stack; i += 1024)
        memory[i] = char(begin);
      sum += memory[stack / 1024 * 1024];
    });
    EXPECT_EQ(sum, 28);
  }
}

TEST(ThreadPool, SeveralThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat)
        wrong += cover(100, 3, kStacks[repeat % 2]) != std::vector<int>(100, 1);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, Nested) {
  std::atomic<int> count{0};
  parallelFor(8, 1, 0, [&](int64_t, int64_t) {
    parallelFor(8, 1, 0, [&](int64_t begin, int64_t end) { count += int(end - begin); });
  });
  EXPECT_EQ(count, 64);
}

TEST(ThreadPool, ExceptionsReachTheCaller) {
  for (int64_t stack : kStacks)
    for (int64_t bad : {0, 57, 99}) {
      std::atomic<int> running{0};
      try {
        parallelFor(100, 1, stack, [&](int64_t begin, int64_t) {
          ++running;
          if (begin == bad) {
            --running;
            throw std::runtime_error("index " + std::to_string(begin));
          }
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          --running;
        });
        ADD_FAILURE() << "no exception with " << stack << " bytes of stack";
      } catch (const std::runtime_error &error) {
        EXPECT_EQ(error.what(), "index " + std::to_string(bad));
      }
      EXPECT_EQ(running, 0); // no worker still uses the stack of the caller
      EXPECT_EQ(cover(100, 3, stack), std::vector<int>(100, 1));
    }
}

// A forked process does not have the workers of its parent.
TEST(ThreadPool, ForkedProcesses) {
  for (int64_t stack : kStacks)
    cover(100, 1, stack); // starts the workers
  for (int64_t stack : kStacks) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      _exit(cover(100, 1, stack) == std::vector<int>(100, 1) ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << stack << " bytes: status " << status;
  }
}

TEST(Child, DISABLED_Threads) {
  std::cout << "threads " << threadCount() << "\n";
  for (int64_t stack : kStacks)
    if (cover(100, 7, stack) != std::vector<int>(100, 1))
      std::cout << "wrong\n";
  std::thread::id here = std::this_thread::get_id();
  bool elsewhere = false;
  parallelFor(100, 1, 0, [&](int64_t, int64_t) { elsewhere |= std::this_thread::get_id() != here; });
  std::cout << (elsewhere ? "elsewhere\n" : "here\n");
}

TEST(ThreadPool, OneThread) {
  std::string output = runChild("Child.DISABLED_Threads", {{"TRITON_METAL_NUM_THREADS", "1"}});
  EXPECT_NE(output.find("threads 1\nhere\n"), std::string::npos) << output;
  output = runChild("Child.DISABLED_Threads", {{"TRITON_METAL_NUM_THREADS", "5"}});
  EXPECT_NE(output.find("threads 5\n"), std::string::npos) << output;
  EXPECT_EQ(output.find("wrong"), std::string::npos) << output;
}
