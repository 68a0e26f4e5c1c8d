// SPDX-License-Identifier: MIT
// Launches a kernel as Metal Shading Language on a device.
#pragma once

#include "BoundsGuard.h"
#include "KernelLauncher.h"
#include "KernelReport.h"
#include "LaunchPrimitive.h"
#include "MslVariants.h"

namespace tmetal {

class BoundLaunch;

class MslLauncher : public KernelLauncher {
public:
  using Printer = MslVariants::Printer;
  using Output = KernelReport::Output;

  /// If `accesses` does not prove that a launch stays inside of its arguments, the launch checks each
  /// access. `device`: null for the CPU.
  MslLauncher(KernelFacts facts, MslOptions options, Printer printer, Output output = {},
              AccessProgram accesses = {}, std::shared_ptr<Device> device = nullptr);

  const KernelFacts &facts() const override { return kernelFacts; }
  const MslOptions &options() const { return variants.options(); }
  /// Compiles the variant for arguments that do not overlap, if that has not been done.
  void prepare() { variants.find({}); }
  /// New values of MLX arrays are unevaluated unless host memory is involved too.
  std::vector<NewValue> launch(const std::array<int64_t, 3> &grid,
                               const std::vector<Argument> &arguments) override;
  LaunchStatistics statistics() const override;
  /// The text that a launch with these overlapping arguments runs.
  std::string text(const std::vector<int> &aliasGroups = {}) { return kernel(aliasGroups).text; }
  MslKernel kernel(const std::vector<int> &aliasGroups = {}) { return variants.print(aliasGroups); }
  /// A number for each pointer argument. Arguments with equal numbers overlap, and the kernel stores to at
  /// least one of them. Empty if there are no such arguments.
  std::vector<int> aliasGroups(const std::vector<Argument> &arguments) const;

protected:
  SavedLaunch describe(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments) override;

private:
  struct ArraysOfLaunch;

  bool staysInside(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments);
  std::vector<NewValue> launchChecked(const std::vector<int> &aliasGroups, const std::array<int64_t, 3> &grid,
                                      const std::vector<Argument> &arguments);
  std::vector<NewValue> launchOnHost(const MslVariant &variant, const std::array<int64_t, 3> &grid,
                                     const std::vector<Argument> &arguments);
  std::vector<NewValue> launchOnArrays(std::shared_ptr<const MslVariant> variant,
                                       const std::array<int64_t, 3> &grid,
                                       const std::vector<Argument> &arguments, bool atOnce);
  std::vector<NewValue> launchInGraph(std::shared_ptr<const MslVariant> variant,
                                      const std::array<int64_t, 3> &grid,
                                      const std::vector<Argument> &arguments, const ArraysOfLaunch &arrays);
  std::vector<NewValue> launchAtOnce(const MslVariant &variant, const std::array<int64_t, 3> &grid,
                                     const std::vector<Argument> &arguments, ArraysOfLaunch arrays);
  void bindPointers(BoundLaunch &bound, const MslVariant &variant, const std::vector<Argument> &arguments,
                    const std::vector<HostBinding> &arrays);

  KernelFacts kernelFacts;
  std::vector<int> pointers; // indices of parameters
  MslVariants variants;
  Output output;
  BoundsGuard bounds;
  std::atomic<int64_t> launches{0}, checkedLaunches{0};
  std::shared_ptr<ArrayCounters> counters = std::make_shared<ArrayCounters>();
};

} // namespace tmetal
