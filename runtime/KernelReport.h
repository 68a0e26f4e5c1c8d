// SPDX-License-Identifier: MIT
// The bounded buffer through which a kernel speaks to the host: prints, failed assertions, findings of check
// modes.
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
  /// Empty, with room for TRITON_METAL_REPORT_RECORDS records.
  explicit KernelReport(const MslKernel &kernel);

  void *data() { return words.get(); }
  /// The launch itself did not end well; said beside what the kernel found.
  void fail(const std::string &text) { failure = text; }
  /// Hands what was printed to `output`, then throws Error when the kernel reported a fault.
  void deliver(const std::function<void(const std::string &)> &output) const;

private:
  std::string raceText(const MslKernel::Message &message, const uint32_t *record) const;

  const MslKernel &kernel;
  std::unique_ptr<uint32_t[]> words;
  uint32_t capacity;
  std::string failure;
};

} // namespace tmetal
