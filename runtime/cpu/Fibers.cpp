// SPDX-License-Identifier: MIT
#include "Fibers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace tmetal {

namespace {

/// Memory that is touched only where fibers use it. A page in front of each stack faults on overflow.
struct Stacks {
  char *memory = nullptr;
  size_t count = 0, bytes = 0;

  void release() {
    if (memory)
      munmap(memory, count * bytes);
    memory = nullptr;
  }
  void reserve(size_t wantedCount, size_t wantedBytes) {
    if (memory && wantedCount <= count && wantedBytes <= bytes)
      return;
    size_t page = size_t(sysconf(_SC_PAGESIZE));
    wantedCount = std::max(wantedCount, count);
    wantedBytes = std::max((wantedBytes + 2 * page - 1) / page * page, bytes);
    release();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    void *mapped = mmap(nullptr, wantedCount * wantedBytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mapped == MAP_FAILED) {
      count = bytes = 0;
      throw std::runtime_error("There is no memory for " + std::to_string(wantedCount) + " stacks of " +
                               std::to_string(wantedBytes) + " bytes.");
    }
    memory = static_cast<char *>(mapped);
    count = wantedCount;
    bytes = wantedBytes;
    // The system may limit the number of mappings; then the stacks have no guard pages.
    for (size_t i = 0; i < count; ++i)
      if (mprotect(memory + i * bytes, page, PROT_NONE) != 0)
        break;
  }
  ~Stacks() { release(); }
};

} // namespace

FiberStacks fiberStacks(size_t count, size_t bytes) {
  static thread_local Stacks stacks;
  stacks.reserve(count, bytes);
  return {stacks.memory, stacks.bytes};
}

} // namespace tmetal
