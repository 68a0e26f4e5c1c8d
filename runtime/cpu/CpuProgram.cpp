// SPDX-License-Identifier: MIT
#include "CpuProgram.h"
#include "Compiler.h"
#include "Fibers.h"
#include "Races.h"
#include "ThreadPool.h"
#include "Waiting.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace tmetal {

namespace {

/// The function that TM_ENTRY defines for a kernel. It runs one threadgroup.
using LoopsEntry = void (*)(void *const *buffers, const unsigned *position, const unsigned *grid,
                            char *threadgroupMemory);
using FibersEntry = bool (*)(void *const *buffers, const unsigned *position, const unsigned *grid,
                             tm_fibers::Workspace *workspace);

/// A shared object.
class Library {
public:
  explicit Library(const std::string &path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!handle)
      throw std::runtime_error(dlerror());
  }
  ~Library() { dlclose(handle); }
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  template <typename T> T symbol(const char *name) const {
    void *found = dlsym(handle, name);
    if (!found)
      throw std::runtime_error(std::string("The compiled text has no '") + name + "'; TM_ENTRY makes it.");
    return reinterpret_cast<T>(found);
  }
  /// Whether the text polls memory. If so, lends it what it needs for that.
  bool lendToPolls() const {
    void *host = dlsym(handle, "tm_host");
    if (host)
      *static_cast<const tm_waiting::Host **>(host) = waitingHost();
    return host != nullptr;
  }

private:
  void *handle;
};

/// Calls `one(position)` for threadgroups [begin, end) of a grid.
template <typename F>
void forEachPosition(const std::array<int64_t, 3> &grid, int64_t begin, int64_t end, const F &one) {
  unsigned position[3] = {unsigned(begin % grid[0]), unsigned(begin / grid[0] % grid[1]),
                          unsigned(begin / grid[0] / grid[1])};
  for (int64_t i = begin; i < end; ++i) {
    if (!one(position))
      return;
    if (++position[0] == unsigned(grid[0])) {
      position[0] = 0;
      if (++position[1] == unsigned(grid[1])) {
        position[1] = 0;
        ++position[2];
      }
    }
  }
}

/// Enough chunks to balance the load, but few enough to hand out cheaply. Programs that wait for one another
/// should not wait for those in front of them in a chunk as well.
int64_t chunkOf(int64_t count, bool polls) {
  return polls ? 1 : std::max<int64_t>(1, count / (int64_t(threadCount()) * 16));
}

class LoopsProgram : public CpuProgram {
public:
  LoopsProgram(const std::string &path, int64_t threadgroupBytes, int64_t stackBytes)
      : library(path), entry(library.symbol<LoopsEntry>("tm_entry")), threadgroupBytes(threadgroupBytes),
        stackBytes(stackBytes + threadgroupBytes + 64), polls(library.lendToPolls()) {}

  bool mayFail() const override { return polls; } // if programs wait for one another

  void launch(const std::array<int64_t, 3> &grid, void *const *buffers) const override {
    int64_t count = grid[0] * grid[1] * grid[2];
    unsigned extents[3] = {unsigned(grid[0]), unsigned(grid[1]), unsigned(grid[2])};
    LaunchWaits waits;
    auto work = [&](int64_t begin, int64_t end) {
      // Threadgroup memory is on the stack of the worker, like the variables of the kernel.
      char *memory = static_cast<char *>(__builtin_alloca_with_align(size_t(threadgroupBytes) + 64, 64 * 8));
      std::optional<LaunchWaits::Worker> worker;
      if (polls)
        worker.emplace(waits);
      forEachPosition(grid, begin, end, [&](const unsigned *position) {
        if (worker)
          worker->run([&] { entry(buffers, position, extents, memory); });
        else
          entry(buffers, position, extents, memory);
        return true;
      });
    };
    parallelFor(count, chunkOf(count, polls), stackBytes, work);
  }

private:
  Library library;
  LoopsEntry entry;
  int64_t threadgroupBytes, stackBytes;
  bool polls;
};

class FibersProgram : public CpuProgram {
public:
  FibersProgram(const std::string &path, int simdgroups, int64_t threadgroupBytes, int64_t stackBytes,
                bool checkRaces)
      : library(path), entry(library.symbol<FibersEntry>("tm_entry_fibers")),
        name(library.symbol<const char *>("tm_name")), threads(32 * simdgroups),
        threadgroupBytes(threadgroupBytes), fiberBytes(stackBytes + kFiberMargin), checkRaces(checkRaces),
        polls(library.lendToPolls()) {}

  bool mayFail() const override { return true; } // if not all threads reach the same barrier

  void launch(const std::array<int64_t, 3> &grid, void *const *buffers) const override {
    int64_t count = grid[0] * grid[1] * grid[2];
    unsigned extents[3] = {unsigned(grid[0]), unsigned(grid[1]), unsigned(grid[2])};
    KnownRaces known;
    LaunchWaits waits;
    std::mutex mutex;
    std::string fault; // the first one
    std::atomic<bool> failed{false};
    auto fail = [&](const std::string &text) {
      std::lock_guard<std::mutex> lock(mutex);
      if (!failed.exchange(true))
        fault = text;
    };
    auto work = [&](int64_t begin, int64_t end) {
      try {
        FiberStacks stacks = fiberStacks(size_t(threads), size_t(fiberBytes));
        std::vector<char> memory(size_t(threadgroupBytes) + 64);
        auto address = (reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64;
        tm_fibers::Workspace workspace{stacks.first,
                                       stacks.bytes,
                                       unsigned(threads),
                                       reinterpret_cast<char *>(address),
                                       size_t(threadgroupBytes),
                                       nullptr,
                                       nullptr};
        std::optional<LaunchWaits::Worker> worker;
        if (polls)
          worker.emplace(waits);
        RaceTracker tracker(known);
        if (checkRaces) {
          workspace.tracker = &tracker;
          workspace.conflict = [](void *self, const tm_fibers::Access *now, tm_fibers::Access *before) {
            return static_cast<RaceTracker *>(self)->conflict(*now, before);
          };
        }
        forEachPosition(grid, begin, end, [&](const unsigned *position) {
          if (checkRaces)
            tracker.beginProgram();
          bool finished = false;
          auto program = [&] { finished = entry(buffers, position, extents, &workspace); };
          if (worker)
            worker->run(program);
          else
            program();
          if (!finished)
            fail("[" + std::string(name) + "] In program (" + std::to_string(position[0]) + ", " +
                 std::to_string(position[1]) + ", " + std::to_string(position[2]) +
                 ") not all threads of the program come to the same barrier.");
          return !failed.load(std::memory_order_relaxed);
        });
      } catch (const StuckPrograms &) {
        throw;
      } catch (const std::exception &error) {
        fail(error.what());
      }
    };
    parallelFor(count, chunkOf(count, polls), kSchedulerStack, work);
    if (failed)
      throw std::runtime_error(fault);
  }

private:
  static constexpr int64_t kFiberMargin = 64 << 10;     // for calls and for spilled values
  static constexpr int64_t kSchedulerStack = 192 << 10; // for the state of the fibers, on the worker's stack

  Library library;
  FibersEntry entry;
  const char *name;
  int64_t threads, threadgroupBytes, fiberBytes;
  bool checkRaces, polls;
};

std::mutex programsMutex;
std::map<std::string, std::weak_ptr<CpuProgram>> programs; // by cache key and sizes
std::atomic<int64_t> memoryHits{0};

} // namespace

std::shared_ptr<CpuProgram> compileCpuProgram(const std::string &text, int simdgroups,
                                              int64_t threadgroupBytes, int64_t stackBytes,
                                              const CpuProgramOptions &options) {
  bool fibers = options.technique == CpuProgramOptions::Fibers;
  std::vector<std::string> flags{fibers ? "-DTM_CPU_FIBERS" : "-DTM_CPU_LOOPS"};
  if (options.permuteFragments)
    flags.push_back("-DTM_PERMUTE_FRAGMENTS");
  if (fibers && options.checkRaces)
    flags.push_back("-DTM_CHECK_RACES");
  flags.insert(flags.end(), options.extraFlags.begin(), options.extraFlags.end());
  Compiler &compiler = Compiler::instance();
  std::string key = compiler.keyOf(text, flags);
  // The same object serves launches of different sizes.
  std::string programKey = key;
  for (int64_t size : {int64_t(simdgroups), threadgroupBytes, stackBytes})
    programKey += "/" + std::to_string(size);
  {
    std::lock_guard<std::mutex> lock(programsMutex);
    if (auto known = programs[programKey].lock()) {
      ++memoryHits;
      return known;
    }
  }
  std::string path = compiler.compile(key, text, flags);
  auto load = [&]() -> std::shared_ptr<CpuProgram> {
    if (fibers)
      return std::make_shared<FibersProgram>(path, simdgroups, threadgroupBytes, stackBytes,
                                             options.checkRaces);
    return std::make_shared<LoopsProgram>(path, threadgroupBytes, stackBytes);
  };
  std::shared_ptr<CpuProgram> program;
  try {
    program = load();
  } catch (const std::runtime_error &) {
    // The object is damaged, so compile it again.
    path = compiler.compile(key, text, flags, /*again=*/true);
    program = load();
  }
  std::lock_guard<std::mutex> lock(programsMutex);
  programs[programKey] = program;
  return program;
}

CpuStatistics cpuStatistics() {
  CpuStatistics statistics = Compiler::instance().statistics();
  statistics.memoryHits = memoryHits;
  return statistics;
}

bool hasCpuCompiler() { return Compiler::instance().isFound(); }

std::string cpuCompiler() {
  try {
    return Compiler::instance().description();
  } catch (const std::runtime_error &) {
    return {};
  }
}

} // namespace tmetal
