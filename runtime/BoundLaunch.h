// SPDX-License-Identifier: MIT
// A launch of a compiled text with its arguments bound to the text's buffers.
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

/// Bind the arguments, then run it once. It cannot be moved, because a device works on its members.
class BoundLaunch {
public:
  /// `variant` must outlive this; a shared one is kept alive.
  BoundLaunch(const MslVariant &variant, Device &device, const std::array<int64_t, 3> &grid);
  BoundLaunch(std::shared_ptr<const MslVariant> variant, Device &device, const std::array<int64_t, 3> &grid)
      : BoundLaunch(*variant, device, grid) {
    owned = std::move(variant);
  }
  BoundLaunch(const BoundLaunch &) = delete;
  BoundLaunch &operator=(const BoundLaunch &) = delete;

  void setPointer(size_t parameter, const HostBinding &memory) {
    buffers[variant.bufferOf[parameter]] = memory;
  }
  /// Whether the text checks addresses. Then the reach of each pointer is added, in the order of the
  /// parameters.
  bool wantsReaches() const { return variant.kernel.boundsBuffer >= 0; }
  void addReach(const Reach &reach) { reaches.push_back(reach); }
  void setScalar(const ScalarField &field, const Number &value);
  /// Sets all scalars at once, as they are laid out in the struct.
  void setScalars(const std::byte *bytes);

  /// Runs it, waits, and passes what the kernel prints to `output`. Throws Error if the kernel reports a
  /// fault or the launch fails.
  void run(const KernelReport::Output &output);
  /// Adds it to a queue, which keeps `owner` alive; `owner` must keep this and the memory of the pointers
  /// alive. What the kernel reports is delivered by finish().
  std::vector<Ticket> submit(Queue &queue, const std::shared_ptr<const void> &owner);
  /// Waits for the tickets of submit(), then delivers and throws like run().
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
  std::unique_ptr<KernelReport> report; // null if the kernel has nothing to report
};

} // namespace tmetal
