// SPDX-License-Identifier: MIT
// Launches a compiled kernel on MLX: rules for memory, and the cache of raised graphs.
#pragma once

#include "GraphExecutor.h"
#include "KernelLauncher.h"

#include "triton-metal/Kernel.h"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tmetal {

class MlxLauncher : public KernelLauncher {
public:
  MlxLauncher(std::shared_ptr<CompiledKernel> kernel, bool hasDouble, bool onGpu);
  MlxLauncher(const std::string &text, bool hasDouble, bool onGpu)
      : MlxLauncher(std::make_shared<CompiledKernel>(text), hasDouble, onGpu) {}

  const KernelFacts &facts() const override { return kernel->facts(); }
  /// New values of MLX arrays are unevaluated unless host memory is involved too. Nothing changes
  /// when this throws.
  std::vector<NewValue> launch(const std::array<int64_t, 3> &grid,
                               const std::vector<Argument> &arguments) override;
  std::string raiseText(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments);
  LaunchStatistics statistics() const override;

protected:
  SavedLaunch describe(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments) override;

private:
  struct Storage { // in one launch
    bool isHost = false;
    uintptr_t begin = 0, end = 0;
    std::optional<mx::array> lazy; // the value of an MLX argument, of any shape
    mx::array *receiver = nullptr; // the array that receives a stored value
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
  struct Written { // the bytes that a launch stores to one storage
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
  std::vector<std::string> elementTypes; // for pointer parameters, in the spelling of `mlx`; else ""
  mutable std::mutex mutex;
  std::list<std::pair<std::string, std::shared_ptr<const Executable>>> recent; // most recent first
  std::map<std::string, decltype(recent)::iterator> cache;
  std::atomic<int64_t> launches{0}, raised{0}, cacheHits{0}, slabs{0};
};

} // namespace tmetal
