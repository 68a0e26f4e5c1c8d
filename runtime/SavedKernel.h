// SPDX-License-Identifier: MIT
// Repeats a saved launch of the msl engine on any device.
#pragma once

#include "Device.h"
#include "SavedLaunch.h"

#include <utility>

namespace tmetal {

class SavedKernel {
public:
  /// Compiles the text, or uses `binary` instead. `launch` must outlive this. Throws std::exception.
  SavedKernel(std::shared_ptr<Device> device, const SavedLaunch &launch, std::string binary = {},
              uint32_t reportRecords = 1024);

  /// Runs it on the memory from before the launch, and waits.
  void run();
  /// The same in a queue, for measurements: returns the piece of work in front of the launch, and the launch.
  /// The caller must wait for the queue before using this object again. Nothing is published.
  std::pair<Ticket, Ticket> launchIn(Queue &queue);
  /// A storage after run().
  const std::vector<uint8_t> &bytes(size_t storage) const { return storages[storage]; }
  /// How many messages the kernel has reported.
  uint32_t messages() const { return report[0]; }

private:
  HostBinding binding(const SavedMetalKernel::Buffer &buffer);
  /// The memory as it was before the launch.
  HostLaunch prepare();

  std::shared_ptr<Device> device;
  const SavedLaunch &launch;
  std::shared_ptr<const Program> program;
  std::vector<std::vector<uint8_t>> storages;
  std::vector<uint32_t> report;
  std::vector<int64_t> bounds;
  std::vector<std::max_align_t> scalars;
  std::vector<HostBinding> bindings;
};

} // namespace tmetal
