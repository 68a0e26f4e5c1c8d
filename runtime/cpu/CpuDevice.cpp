// SPDX-License-Identifier: MIT
#include "CpuDevice.h"
#include "Compiler.h"
#include "ThreadPool.h"

#include <dlfcn.h>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>

namespace tmetal {

namespace {

/// What TM_ENTRY makes of a kernel: one threadgroup.
using Entry = void (*)(void *const *buffers, const unsigned *position, const unsigned *grid,
                       char *threadgroupMemory);

class LoadedProgram : public CpuProgram {
public:
  LoadedProgram(const std::string &path, int64_t threadgroupBytes, int64_t stackBytes)
      : threadgroupBytes(threadgroupBytes), stackBytes(stackBytes + threadgroupBytes + 64) {
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      throw std::runtime_error(dlerror());
    entry = reinterpret_cast<Entry>(dlsym(library, "tm_entry"));
    if (!entry) {
      dlclose(library);
      throw std::runtime_error(path + " has no entry.");
    }
  }
  ~LoadedProgram() override { dlclose(library); }

  void launch(const std::array<int64_t, 3> &grid, void *const *buffers, Report *) const override {
    int64_t count = grid[0] * grid[1] * grid[2];
    unsigned extents[3] = {unsigned(grid[0]), unsigned(grid[1]), unsigned(grid[2])};
    auto work = [&](int64_t begin, int64_t end) {
      // Threadgroup memory lies on the worker's stack, like the kernel's variables.
      char *memory = static_cast<char *>(__builtin_alloca_with_align(size_t(threadgroupBytes) + 64, 64 * 8));
      unsigned position[3] = {unsigned(begin % grid[0]), unsigned(begin / grid[0] % grid[1]),
                              unsigned(begin / grid[0] / grid[1])};
      for (int64_t i = begin; i < end; ++i) {
        entry(buffers, position, extents, memory);
        if (++position[0] == extents[0]) {
          position[0] = 0;
          if (++position[1] == extents[1]) {
            position[1] = 0;
            ++position[2];
          }
        }
      }
    };
    // Enough chunks for balance, few enough to hand out cheaply.
    int64_t chunk = std::max<int64_t>(1, count / (int64_t(threadCount()) * 16));
    parallelFor(count, chunk, stackBytes, work);
  }

private:
  void *library;
  Entry entry;
  int64_t threadgroupBytes, stackBytes;
};

std::mutex programsMutex;
std::map<std::string, std::weak_ptr<CpuProgram>> programs; // by cache key
std::atomic<int64_t> memoryHits{0};

} // namespace

std::shared_ptr<CpuProgram> compileCpuProgram(const std::string &text, int simdgroups,
                                              int64_t threadgroupBytes, int64_t stackBytes,
                                              const CpuProgramOptions &options) {
  (void)simdgroups;
  if (options.technique == CpuProgramOptions::Fibers)
    throw std::runtime_error("Fibers are not part of this version of the CPU device.");
  std::vector<std::string> flags{"-DTM_CPU_LOOPS"};
  if (options.permuteFragments)
    flags.push_back("-DTM_PERMUTE_FRAGMENTS");
  flags.insert(flags.end(), options.extraFlags.begin(), options.extraFlags.end());
  Compiler &compiler = Compiler::instance();
  std::string key = compiler.keyOf(text, flags);
  {
    std::lock_guard<std::mutex> lock(programsMutex);
    if (auto known = programs[key].lock()) {
      ++memoryHits;
      return known;
    }
  }
  std::string path = compiler.compile(key, text, flags);
  std::shared_ptr<CpuProgram> program;
  try {
    program = std::make_shared<LoadedProgram>(path, threadgroupBytes, stackBytes);
  } catch (const std::runtime_error &) {
    // A damaged object: made anew.
    path = compiler.compile(key, text, flags, /*again=*/true);
    program = std::make_shared<LoadedProgram>(path, threadgroupBytes, stackBytes);
  }
  std::lock_guard<std::mutex> lock(programsMutex);
  programs[key] = program;
  return program;
}

CpuStatistics cpuStatistics() {
  CpuStatistics statistics = Compiler::instance().statistics();
  statistics.memoryHits = memoryHits;
  return statistics;
}

std::string cpuCompiler() {
  try {
    return Compiler::instance().description();
  } catch (const std::runtime_error &) {
    return {};
  }
}

} // namespace tmetal
