// SPDX-License-Identifier: MIT
#include "SavedKernel.h"

#include <cstring>
#include <map>
#include <stdexcept>

namespace tmetal {

namespace {
// The layout of kernels/triton_metal/report.h.
constexpr size_t kHeaderWords = 2, kRecordWords = 16;
} // namespace

SavedKernel::SavedKernel(std::shared_ptr<Device> given, const SavedLaunch &launch, std::string binary,
                         uint32_t reportRecords)
    : device(std::move(given)), launch(launch), report(kHeaderWords + size_t(reportRecords) * kRecordWords) {
  if (!launch.metal)
    throw std::runtime_error("The launch holds no Metal text.");
  const SavedMetalKernel &metal = *launch.metal;
  ProgramSource source;
  source.text = metal.text;
  source.binary = std::move(binary);
  source.simdgroups = metal.simdgroups;
  source.threadgroupBytes = metal.threadgroupBytes;
  source.stackBytes = metal.stackBytes;
  program = device->compile(source);
  report[1] = reportRecords;
  for (const SavedArgument &argument : launch.arguments)
    if (argument.spec.kind == ArgumentSpec::Kind::Pointer) {
      auto size = static_cast<int64_t>(launch.storages.at(argument.spec.storage).before.size());
      bounds.push_back(argument.spec.byteOffset);
      bounds.push_back(size - argument.spec.byteOffset);
    }
  scalars.resize(metal.scalars.size() / sizeof(std::max_align_t) + 1);
  std::memcpy(scalars.data(), metal.scalars.data(), metal.scalars.size());
}

HostBinding SavedKernel::binding(const SavedMetalKernel::Buffer &buffer) {
  using Buffer = SavedMetalKernel::Buffer;
  if (buffer.storage == Buffer::kScalars)
    return {};
  if (buffer.storage == Buffer::kReport)
    return {report.data(), report.size() * sizeof report[0]};
  if (buffer.storage == Buffer::kBounds)
    return {bounds.data(), bounds.size() * sizeof bounds[0], 0, /*stored=*/false};
  std::vector<uint8_t> &memory = storages.at(buffer.storage);
  // Published even if the kernel should only read it, so that wrong stores are found.
  return {memory.data(), memory.size(), buffer.byteOffset};
}

HostLaunch SavedKernel::prepare() {
  storages.clear();
  for (const SavedStorage &storage : launch.storages)
    storages.push_back(storage.before);
  report[0] = 0;
  bindings.clear();
  int scalarsIndex = -1;
  for (const SavedMetalKernel::Buffer &place : launch.metal->buffers) {
    if (place.storage == SavedMetalKernel::Buffer::kScalars)
      scalarsIndex = static_cast<int>(bindings.size());
    bindings.push_back(binding(place));
  }
  return {program,
          launch.grid,
          bindings,
          {reinterpret_cast<const std::byte *>(scalars.data()), launch.metal->scalars.size()},
          scalarsIndex};
}

void SavedKernel::run() { device->run(prepare()); }

std::pair<Ticket, Ticket> SavedKernel::launchIn(Queue &queue) {
  HostLaunch host = prepare();
  std::map<void *, std::shared_ptr<Buffer>> adopted;
  std::vector<Binding> onDevice;
  Ticket before;
  for (const HostBinding &binding : host.buffers) {
    if (!binding.address) {
      onDevice.emplace_back();
      continue;
    }
    std::shared_ptr<Buffer> &buffer = adopted[binding.address];
    if (!buffer) {
      buffer = device->adopt(binding.address, binding.bytes);
      if (Ticket fetched = queue.fetch(buffer))
        before = fetched;
    }
    onDevice.push_back({buffer, binding.offset, binding.stored});
  }
  if (!before)
    before = queue.copy({}, {}, 0); // no memory, or nothing to fetch: work that does nothing
  return {before, queue.launch({host.program, host.grid, onDevice, host.scalars, host.scalarsIndex})};
}

} // namespace tmetal
