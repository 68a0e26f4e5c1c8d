// SPDX-License-Identifier: MIT
// The fibers of the CPU device, for tests that call kernels without the device.
#pragma once

#include <functional>
#include <memory>

#include "fibers.h"

namespace tm_threads {

constexpr unsigned long stack_bytes = 128 << 10;

/// Runs a threadgroup. Returns false when threads are left waiting for others that never come.
inline bool run(unsigned threads, const std::function<void(unsigned)> &body) {
  // Not initialised, so that the stacks of unused fibers take no physical memory.
  static thread_local std::unique_ptr<char[]> stacks(new char[stack_bytes * tm_fibers::max_threads]);
  tm_fibers::Workspace workspace{stacks.get(), stack_bytes, threads, nullptr, 0, nullptr, nullptr};
  auto call = [](void *argument, unsigned index) {
    (*static_cast<const std::function<void(unsigned)> *>(argument))(index);
  };
  return tm_fibers::run(&workspace, threads, call, const_cast<std::function<void(unsigned)> *>(&body));
}

} // namespace tm_threads
