// SPDX-License-Identifier: MIT
// Runs clang and keeps its objects on disk.
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

  /// The name of what `text` compiles to, from the text, flags, headers, compiler and processor.
  std::string keyOf(const std::string &text, const std::vector<std::string> &flags);
  /// The shared object for `key`; `again` compiles it anew. Throws std::runtime_error.
  std::string compile(const std::string &key, const std::string &text, const std::vector<std::string> &flags,
                      bool again = false);
  /// Command and version of the compiler. Throws std::runtime_error if there is none.
  std::string description();
  /// Whether there is a compiler.
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
