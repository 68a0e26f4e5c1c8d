// SPDX-License-Identifier: MIT
// A launch of a compiled text with its arguments in the places where the text wants them.
#pragma once

#include "InlineArray.h"
#include "KernelReport.h"
#include "MslVariants.h"

#include "triton-metal/Analysis/AccessBounds.h"

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace tmetal {

/// To be filled, and then run once. It stays where it is, for a device works on its parts.
class BoundLaunch {
public:
  /// `variant` lives as long as this, which keeps it if it is shared.
  BoundLaunch(const MslVariant &variant, Device &device, const std::array<int64_t, 3> &grid);
  BoundLaunch(std::shared_ptr<const MslVariant> variant, Device &device, const std::array<int64_t, 3> &grid)
      : BoundLaunch(*variant, device, grid) {
    owned = std::move(variant);
  }
  BoundLaunch(const BoundLaunch &) = delete;
  BoundLaunch &operator=(const BoundLaunch &) = delete;

  /// `reach` counts only in a text that checks addresses, and then the order of the calls is that of the parameters.
  void setPointer(size_t parameter, const HostBinding &memory, const Reach &reach);
  void setScalar(const ScalarField &field, const Number &value);
  /// All scalars at once, as they lie in the struct.
  void setScalars(const std::byte *bytes);

  /// Runs it and waits; hands what the kernel prints to `output`. Throws Error with what the kernel reports, or why it
  /// failed.
  void run(const KernelReport::Output &output);
  /// Puts it in a queue, which keeps `owner`: that must keep this and the memory of the pointers. Nobody hears what the
  /// kernel reports before finish().
  std::vector<Ticket> submit(Queue &queue, const std::shared_ptr<const void> &owner);
  /// Waits for what submit() returned, and does what run() does then.
  void finish(const std::vector<Ticket> &tickets, const KernelReport::Output &output);

private:
  HostLaunch launch();
  template <typename F> void deliver(const F &work, const KernelReport::Output &output);

  static constexpr size_t kInlineScalars = 256;
  std::shared_ptr<const MslVariant> owned;
  const MslVariant &variant;
  Device &device;
  std::array<int64_t, 3> grid;
  InlineArray<HostBinding> buffers;
  alignas(16) std::byte inlineScalars[kInlineScalars];
  std::vector<std::max_align_t> moreScalars;
  std::byte *scalars = inlineScalars;
  std::vector<Reach> reaches;
  std::unique_ptr<KernelReport> report; // null: the kernel never tells anything
};

} // namespace tmetal
