// SPDX-License-Identifier: MIT
// The compiled texts of one kernel, which depend on which arguments overlap and whether accesses are checked.
#pragma once

#include "Device.h"
#include "ScalarStruct.h"

#include "triton-metal/Target/MSL.h"

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace tmetal {

/// A compiled text.
struct MslVariant {
  std::vector<int> aliasGroups;
  bool checked = false; // whether each access is checked
  MslKernel kernel;
  std::shared_ptr<const Program> program;
  std::vector<ScalarField> scalars;
  std::vector<int> bufferOf; // for each parameter; -1 for scalars
  size_t bufferCount = 0;

  /// Whether a launch may have to report something: a message of the kernel, or a failure.
  bool reports() const { return kernel.reportBuffer >= 0 || program->mayFail(); }
};

/// A bounded cache. Thread-safe.
class MslVariants {
public:
  /// Prints the text of the kernel, once for each variant. Throws Error.
  using Printer = std::function<MslKernel(const MslOptions &)>;

  MslVariants(std::shared_ptr<Device> device, MslOptions options, Printer printer, size_t parameterCount);

  const std::shared_ptr<Device> &device() const { return runsOn; }
  const MslOptions &options() const { return baseOptions; }
  /// Compiles the variant if it is not in the cache. Throws Error.
  std::shared_ptr<const MslVariant> find(const std::vector<int> &aliasGroups, bool checked = false);
  /// The variant for arguments that do not overlap, without taking a lock; null if it has not been compiled.
  /// It lives as long as this cache.
  const MslVariant *ready() const { return readyVariant.load(std::memory_order_acquire); }
  /// Prints the text of a variant without compiling it.
  MslKernel print(const std::vector<int> &aliasGroups) const;
  int64_t count() const;
  int64_t printed() const { return texts; }

private:
  std::shared_ptr<const MslVariant> make(const std::vector<int> &aliasGroups, bool checked);

  std::shared_ptr<Device> runsOn;
  MslOptions baseOptions;
  Printer printer;
  size_t parameterCount;
  mutable std::mutex mutex;
  std::shared_ptr<const MslVariant> defaultVariant;      // written once, under the mutex
  std::atomic<const MslVariant *> readyVariant{nullptr}; // the same, readable without it
  std::list<std::shared_ptr<const MslVariant>> others;   // most recent first
  std::atomic<int64_t> texts{0};
};

} // namespace tmetal
