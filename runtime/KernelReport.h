// SPDX-License-Identifier: MIT
// The bounded buffer of messages from a kernel to the host: prints, failed assertions, faults found
// by check modes.
#pragma once

#include "triton-metal/Target/MSL.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tmetal {

class KernelReport {
public:
  /// Takes what a kernel prints.
  using Output = std::function<void(const std::string &)>;

  /// An empty report with room for TRITON_METAL_REPORT_RECORDS records.
  explicit KernelReport(const MslKernel &kernel);

  void *data() { return words.get(); }
  size_t bytes() const;
  /// Adds a failure of the launch itself to what the kernel reports.
  void fail(const std::string &text) { failure = text; }
  /// Passes what was printed to `output`, then throws Error if the kernel reported a fault.
  void deliver(const Output &output) const;

private:
  std::string raceText(const MslKernel::Message &message, const uint32_t *record) const;

  const MslKernel &kernel;
  std::unique_ptr<uint32_t[]> words;
  uint32_t capacity;
  std::string failure;
};

/// What to tell the user when programs wait for one another: the place where `program` waits.
std::string stuckText(const MslKernel &kernel, unsigned site, const std::array<unsigned, 3> &program);

} // namespace tmetal
