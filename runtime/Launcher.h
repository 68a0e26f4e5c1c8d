// SPDX-License-Identifier: MIT
// Launches of a compiled kernel on MLX: the memory contract and the cache of raised graphs.
#pragma once

#include "Arguments.h"
#include "GraphExecutor.h"

#include "triton-metal/Kernel.h"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tmetal {

struct LaunchStatistics {
  int64_t launches = 0, raised = 0, cacheHits = 0, slabs = 0, cacheSize = 0;
};

class Launcher {
public:
  Launcher(std::shared_ptr<CompiledKernel> kernel, bool hasDouble, bool onGpu);
  Launcher(const std::string &text, bool hasDouble, bool onGpu)
      : Launcher(std::make_shared<CompiledKernel>(text), hasDouble, onGpu) {}

  const KernelFacts &facts() const { return kernel->facts(); }
  /// Runs the kernel. Host memory is written when this returns; the new values of MLX arrays, unevaluated,
  /// are for the caller to put in place. Nothing changes when this throws.
  std::vector<NewValue> launch(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments);
  /// Launches like launch() and saves the launch, with the memory before and after it, as a folder in
  /// `parent`.
  std::vector<NewValue> launchAndSave(const std::array<int64_t, 3> &grid,
                                      const std::vector<Argument> &arguments, const std::string &parent,
                                      std::string *folder);
  std::string raiseText(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments);
  LaunchStatistics statistics() const;

private:
  struct Storage { // of one launch
    bool isHost = false;
    uintptr_t begin = 0, end = 0;
    std::optional<mx::array> lazy; // an MLX argument's value, of any shape
    mx::array *receiver = nullptr; // the array that gets a stored value
  };
  struct Prepared {
    LaunchSignature signature;
    std::vector<Storage> storages;
    std::vector<mx::array> dynamicScalars;
  };
  struct Part {
    GraphExecutor executor;
    std::vector<RaisedOutput> outputs;
  };
  using Executable = std::vector<Part>;
  struct Written { // what a launch stores to one storage, in bytes
    bool any = false, exact = false;
    int64_t begin = 0, end = 0;
  };
  static std::vector<Written> writtenRanges(const Executable &parts, size_t storageCount);

  Prepared prepare(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments) const;
  std::shared_ptr<const Executable> executable(const LaunchSignature &signature);
  mx::array inputArray(const Storage &storage, const ArrayType &type, bool copy, mx::Stream stream) const;
  std::string parameter(size_t i) const { return "[argument '" + facts().parameterNames[i] + "'] "; }

  std::shared_ptr<CompiledKernel> kernel;
  bool onGpu;
  std::vector<std::string> elementTypes; // of pointer parameters, as `mlx` spells them; else ""
  mutable std::mutex mutex;
  std::list<std::pair<std::string, std::shared_ptr<const Executable>>> recent; // most recent first
  std::map<std::string, decltype(recent)::iterator> cache;
  std::atomic<int64_t> launches{0}, raised{0}, cacheHits{0}, slabs{0};
};

} // namespace tmetal
