// SPDX-License-Identifier: MIT
// clang, and the objects that it has made, on disk.
#pragma once

#include "CpuProgram.h"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace tmetal {

class Compiler {
public:
  static Compiler &instance();

  /// Names what `text` compiles to: text, flags, headers, compiler, processor.
  std::string keyOf(const std::string &text, const std::vector<std::string> &flags);
  /// The shared object for `key`; `again` makes it anew. Throws std::runtime_error.
  std::string compile(const std::string &key, const std::string &text, const std::vector<std::string> &flags,
                      bool again = false);
  /// Command and version of the compiler. Throws std::runtime_error when there is none.
  std::string description();
  /// Whether there is one.
  bool isFound();
  CpuStatistics statistics() const;

private:
  Compiler() = default;
  void find();
  void prepare();
  std::string precompiledHeader(const std::vector<std::string> &flags);

  std::once_flag searched, prepared;
  std::string tried, clang, version, headers, shim, folder, environment, headerTimes;
  std::vector<std::string> baseFlags;
  std::mutex headerMutex;
  std::atomic<int64_t> compilerCalls{0}, diskHits{0};
};

} // namespace tmetal
