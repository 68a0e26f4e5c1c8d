// SPDX-License-Identifier: MIT
// What the fake driver keeps: memory, streams and their threads, events, modules.
#pragma once

#include "FakeCuda.h"
#include "FakeMemory.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>

namespace tmetal_test {

using Handle = void *;

// CUDA_ERROR_...
enum Status {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kInvalidPtx = 218,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kOutOfResources = 701,
  kNotPermitted = 800
};

/// What a recorded event waits for.
struct Record {
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

struct Event {
  bool timed = true;
  std::shared_ptr<Record> record; // of the last time that it was recorded
};

struct Stream {
  std::deque<std::function<void()>> steps; // each takes the lock by itself
  bool destroyed = false, busy = false;
};

/// One launch, as a kernel sees it.
struct FakeLaunch {
  std::array<unsigned, 3> grid, block;
  std::vector<std::vector<std::byte>> parameters;
  template <typename T> T parameter(size_t i) const {
    T value;
    std::memcpy(&value, parameters.at(i).data(), sizeof value);
    return value;
  }
};

struct Kernel {
  std::string name;
  std::vector<size_t> parameterBytes;
  int maxThreads = 1024, dynamicShared = 48 << 10;
  std::function<void(const FakeLaunch &)> run; // throws Fault; without the lock
};

struct Module {
  std::map<std::string, std::shared_ptr<Kernel>> kernels;
};

class FakeGpu {
public:
  static FakeGpu &instance();

  std::mutex mutex;
  std::condition_variable changed;
  int retained = 0, sticky = kSuccess;
  FakeMemory memory;
  std::map<std::byte *, size_t> pinned;
  std::map<Handle, std::shared_ptr<Stream>> streams;
  std::map<Handle, std::shared_ptr<Event>> events;
  std::map<Handle, std::shared_ptr<Module>> modules;
  std::map<Handle, std::pair<Handle, std::shared_ptr<Kernel>>> functions; // with their module
  std::string misuse;
  std::map<std::string, std::pair<int, int>> failures; // of a function: calls until then, status
  int delay = 0;
  int64_t copies = 0;

  /// A handle that was never given out before.
  Handle newHandle() { return reinterpret_cast<Handle>(++handles << 4); }
  int misused(int status, const std::string &what);
  std::shared_ptr<Stream> startStream();
  void put(Stream &stream, std::function<void()> step);
  bool isPinned(const void *address, size_t bytes) const;

private:
  void serve(std::shared_ptr<Stream> stream);
  uintptr_t handles = 0x10000;
};

extern thread_local bool inCallback;

/// What is neither PTX nor a binary, to the driver.
struct NotAnImage : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The kernels of a PTX text. Throws NotAnImage, or std::runtime_error with what an assembler would say.
std::shared_ptr<Module> assemble(const std::string &image);

} // namespace tmetal_test
