// SPDX-License-Identifier: MIT
#include "BoundLaunch.h"

#include "triton-metal/Support/Errors.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace tmetal {

BoundLaunch::BoundLaunch(const MslVariant &variant, Device &device, const std::array<int64_t, 3> &grid)
    : variant(variant), device(device), grid(grid), buffers(variant.bufferCount) {
  for (size_t i = 0; i < variant.bufferCount; ++i)
    buffers[i] = {};
  auto size = static_cast<size_t>(variant.kernel.argumentsSize);
  if (size > kInlineScalars) {
    moreScalars.resize(size / sizeof(std::max_align_t) + 1);
    scalars = reinterpret_cast<std::byte *>(moreScalars.data());
  }
  std::memset(scalars, 0, size); // including the padding between the fields
  if (variant.kernel.reportBuffer >= 0)
    report = std::make_unique<KernelReport>(variant.kernel);
}

void BoundLaunch::setScalar(const ScalarField &field, const Number &value) {
  writeScalar(scalars, field, value);
}

void BoundLaunch::setScalars(const std::byte *bytes) {
  std::memcpy(scalars, bytes, static_cast<size_t>(variant.kernel.argumentsSize));
}

HostLaunch BoundLaunch::launch() {
  const MslKernel &kernel = variant.kernel;
  if (kernel.boundsBuffer >= 0)
    buffers[kernel.boundsBuffer] = {reaches.data(), reaches.size() * sizeof(Reach), 0, /*stored=*/false};
  if (report)
    buffers[kernel.reportBuffer] = {report->data(), report->bytes(), 0, /*stored=*/true};
  return {variant.program,
          grid,
          buffers,
          {scalars, static_cast<size_t>(std::max<int64_t>(kernel.argumentsSize, 0))},
          kernel.argumentsBuffer};
}

template <typename F> void BoundLaunch::deliver(const F &work, const KernelReport::Output &output) {
  try {
    work();
  } catch (const Error &) {
    throw; // errors in settings, before anything has run
  } catch (const std::bad_alloc &) {
    throw;
  } catch (const StuckPrograms &stuck) {
    throw Error(ErrorKind::Deadlock, stuckText(variant.kernel, stuck.site, stuck.program));
  } catch (const std::exception &error) { // errors of the threads: not all of them reach a barrier
    if (!report)
      throw Error(ErrorKind::Sanitizer, error.what());
    report->fail(error.what());
  }
  if (report)
    report->deliver(output);
}

void BoundLaunch::run(const KernelReport::Output &output) {
  deliver([&] { device.run(launch()); }, output);
}

std::vector<Ticket> BoundLaunch::submit(Queue &queue, const std::shared_ptr<const void> &owner) {
  return device.submit(queue, launch(), owner);
}

void BoundLaunch::finish(const std::vector<Ticket> &tickets, const KernelReport::Output &output) {
  deliver([&] { Queue::wait(tickets); }, output);
}

} // namespace tmetal
