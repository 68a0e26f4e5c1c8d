// SPDX-License-Identifier: MIT
// Launches of a kernel as Metal Shading Language on the CPU device.
#pragma once

#include "Arguments.h"

#include "triton-metal/Analysis/AccessBounds.h"
#include "triton-metal/Target/MSL.h"

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tmetal {

struct MslStatistics {
  int64_t launches = 0;
  int64_t variants = 0;        // texts in the cache of this kernel, by which arguments overlap
  int64_t printed = 0;         // texts made so far
  int64_t bufferCopies = 0;    // copies of MLX arrays that somebody else still reads
  int64_t donatedBuffers = 0;  // MLX arrays stored to in place
  int64_t checkedLaunches = 0; // with each access checked, for the bounds could not be shown before
};

/// Thread-safe.
class MslLauncher {
public:
  /// Makes the text of the kernel; throws Error. Called once for each set of overlapping arguments.
  using Printer = std::function<MslKernel(const MslOptions &)>;
  /// Takes what a kernel prints.
  using Output = std::function<void(const std::string &)>;

  /// A launch of which `accesses` does not show that it stays inside of its arguments checks each access.
  MslLauncher(KernelFacts facts, MslOptions options, Printer printer, Output output = {},
              AccessProgram accesses = {});
  ~MslLauncher();

  const KernelFacts &facts() const { return kernelFacts; }
  const MslOptions &options() const { return baseOptions; }
  /// Compiles the variant for arguments that do not overlap, if it has not been.
  void prepare() { variantFor({}); }
  /// Runs the kernel. Host memory is written when this returns; the new values of MLX arrays are for the
  /// caller to put in place. They are unevaluated unless host memory is involved too.
  std::vector<NewValue> launch(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments);
  /// Launches, and saves the launch with the memory before and after it as a folder in `parent`.
  std::vector<NewValue> launchAndSave(const std::array<int64_t, 3> &grid,
                                      const std::vector<Argument> &arguments, const std::string &parent,
                                      std::string *folder);
  /// The text that a launch with these overlapping arguments runs.
  std::string text(const std::vector<int> &aliasGroups = {});
  MslKernel kernel(const std::vector<int> &aliasGroups = {});
  /// One number for each pointer argument; equal numbers: the kernel stores to one of them and they overlap.
  /// Empty when there are none such.
  std::vector<int> aliasGroups(const std::vector<Argument> &arguments) const;
  MslStatistics statistics() const;

  struct Variant;

private:
  class LaunchPrimitive;
  friend class LaunchPrimitive;

  std::shared_ptr<const Variant> variantFor(const std::vector<int> &aliasGroups, bool checked = false);
  std::shared_ptr<const Variant> makeVariant(const std::vector<int> &aliasGroups, bool checked) const;
  bool staysInside(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments);
  std::vector<NewValue> launchChecked(const std::vector<int> &aliasGroups, const std::array<int64_t, 3> &grid,
                                      const std::vector<Argument> &arguments);
  std::vector<NewValue> launchOnHost(const Variant &variant, const std::array<int64_t, 3> &grid,
                                     const std::vector<Argument> &arguments);
  std::vector<NewValue> launchOnArrays(std::shared_ptr<const Variant> variant,
                                       const std::array<int64_t, 3> &grid,
                                       const std::vector<Argument> &arguments, bool atOnce);

  KernelFacts kernelFacts;
  MslOptions baseOptions;
  Printer printer;
  Output output;
  AccessProgram accesses;
  std::vector<int> pointerParameters; // indices of parameters
  std::vector<int> boundingIntegers;  // parameters that the accesses depend on
  /// What staysInside found, by the grid, the integers and the reaches that it depends on; most recent first.
  std::mutex boundsMutex;
  std::list<std::pair<std::vector<int64_t>, bool>> knownBounds;
  mutable std::mutex mutex;
  std::shared_ptr<const Variant> defaultVariant;      // written once, under the mutex
  std::atomic<const Variant *> readyVariant{nullptr}; // the same, readable without it
  std::list<std::shared_ptr<const Variant>> others;   // most recent first
  struct Counters {
    std::atomic<int64_t> launches{0}, printed{0}, bufferCopies{0}, donatedBuffers{0}, checkedLaunches{0};
  };
  std::shared_ptr<Counters> counters; // lazy launches may outlive the launcher
};

} // namespace tmetal
