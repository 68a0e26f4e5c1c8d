// SPDX-License-Identifier: MIT
// A launch of a compiled text, as an operation in MLX's graph.
#pragma once

#include "KernelReport.h"
#include "MslVariants.h"

#include "mlx/primitives.h"

#include <array>
#include <atomic>
#include <memory>
#include <vector>

namespace tmetal {

namespace mx = mlx::core;

/// Counters that launches share with their launcher, which lazy launches may outlive.
struct ArrayCounters {
  std::atomic<int64_t> bufferCopies{0}, donatedBuffers{0};
};

/// Inputs: the arrays of the launch, each once. Outputs: those that the kernel stores to.
class LaunchPrimitive : public mx::Primitive {
public:
  struct Description {
    std::shared_ptr<const MslVariant> variant;
    std::shared_ptr<Device> device;
    std::array<int64_t, 3> grid;
    std::vector<int> inputOfParameter; // -1: a scalar
    std::vector<int> storedInputs;
    std::vector<std::byte> scalars;
    KernelReport::Output output;
    std::shared_ptr<ArrayCounters> counters;
  };

  LaunchPrimitive(mx::Stream stream, Description description)
      : Primitive(stream), launch(std::move(description)) {}

  const char *name() const override { return "TritonLaunch"; }
  void eval_cpu(const std::vector<mx::array> &inputs, std::vector<mx::array> &outputs) override;
  void eval_gpu(const std::vector<mx::array> &inputs, std::vector<mx::array> &outputs) override;

private:
  Description launch;
};

} // namespace tmetal
