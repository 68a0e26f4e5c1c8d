// SPDX-License-Identifier: MIT
#include "CudaQueue.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace tmetal::cuda {

// ---- resources of a piece of work ----

/// A copy between adopted memory and the device. A direct copy would read ordinary memory at once. Instead,
/// the driver calls functions that copy between that memory and pinned memory, which the device accesses by
/// itself. So host memory is read and written when it is the turn of the work, and the caller does not wait.
struct Transfer {
  std::mutex mutex;
  std::byte *host; // null once the work is over: later calls of the driver must not touch anything
  std::shared_ptr<Pinned> staging;
  std::shared_ptr<const DeviceBuffer> buffer; // keeps the owner of the host's memory

  void end() {
    std::shared_ptr<Pinned> droppedStaging;
    std::shared_ptr<const DeviceBuffer> droppedBuffer;
    std::lock_guard<std::mutex> lock(mutex);
    host = nullptr;
    staging.swap(droppedStaging);
    buffer.swap(droppedBuffer);
  }
};

namespace {

constexpr size_t kStagingBytes = 4 << 20;

/// What the driver has to do with the transfer when the stream reaches it.
struct Step {
  std::shared_ptr<Transfer> transfer;
  size_t offset, bytes;
  bool toDevice;

  static void run(void *given) {
    std::unique_ptr<Step> step(static_cast<Step *>(given));
    std::lock_guard<std::mutex> lock(step->transfer->mutex);
    std::byte *host = step->transfer->host;
    if (!host)
      return;
    if (step->toDevice)
      std::memcpy(step->transfer->staging->data(), host + step->offset, step->bytes);
    else
      std::memcpy(host + step->offset, step->transfer->staging->data(), step->bytes);
  }
};

void putStep(const Driver &driver, Handle stream, const std::shared_ptr<Transfer> &transfer, size_t offset,
             size_t bytes, bool toDevice) {
  auto step = std::make_unique<Step>(Step{transfer, offset, bytes, toDevice});
  driver.check(driver.launchHostFunction(stream, &Step::run, step.get()), "cuLaunchHostFunc");
  step.release(); // the driver's call deletes it; without a call it leaks, but then the device is lost
}

} // namespace

// ---- pieces of work ----

Pending::Pending(std::shared_ptr<Context> context, std::string what)
    : context(std::move(context)), what(std::move(what)) {}

Pending::~Pending() {
  if (event)
    context->giveEvent(event);
}

/// Launches that somebody waits for are often short. Polling the event briefly costs less than sleeping until
/// the device wakes this thread.
int Pending::waitForEvent() const {
  constexpr auto kLook = std::chrono::microseconds(50);
  const Driver &f = context->driver();
  auto until = std::chrono::steady_clock::now() + kLook;
  do {
    int status = f.queryEvent(event);
    if (status != kNotReady)
      return status;
  } while (std::chrono::steady_clock::now() < until);
  return f.synchronizeEvent(event);
}

void Pending::complete() {
  Context::Current current(*context);
  int status = current.status ? current.status : event ? waitForEvent() : 0;
  if (claimed.exchange(true))
    return Completion::block();
  if (transfer)
    transfer->end();
  transfer = nullptr;
  kept.clear();
  std::exception_ptr error = failure;
  if (!error && status != 0)
    error = std::make_exception_ptr(
        std::runtime_error(context->driver().describe(status, what + ", or work before it")));
  settle(error);
}

void Pending::block() {
  std::vector<std::shared_ptr<Pending>> upToHere;
  {
    std::lock_guard<std::mutex> lock(line->mutex);
    line->dropDone();
    auto here = std::find_if(line->pieces.begin(), line->pieces.end(),
                             [this](const std::shared_ptr<Pending> &piece) { return piece.get() == this; });
    if (here == line->pieces.end())
      return; // it is done by now
    upToHere.assign(line->pieces.begin(), here + 1);
  }
  for (const std::shared_ptr<Pending> &piece : upToHere)
    piece->complete();
}

void Pending::Line::dropDone() {
  while (!pieces.empty() && pieces.front()->isDone())
    pieces.pop_front();
}

void Pending::Line::serve() {
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return stop || !pieces.empty(); });
    dropDone();
    if (pieces.empty()) {
      if (stop)
        return;
      continue;
    }
    std::shared_ptr<Pending> first = pieces.front();
    lock.unlock();
    first->complete();
    first = nullptr;
    lock.lock();
    dropDone();
  }
}

// ---- queues ----

CudaQueue::CudaQueue(std::shared_ptr<Context> of) : context(std::move(of)), isForeign(false) {
  Context::Current current(*context);
  current.check();
  const Driver &f = context->driver();
  f.check(f.createStream(&stream, kNonBlocking), "cuStreamCreate");
}

CudaQueue::CudaQueue(std::shared_ptr<Context> of, Handle foreign)
    : context(std::move(of)), isForeign(true), stream(foreign) {}

CudaQueue::~CudaQueue() {
  std::vector<std::shared_ptr<Pending>> left;
  {
    std::lock_guard<std::mutex> lock(line->mutex);
    if (!isForeign)
      left.assign(line->pieces.begin(), line->pieces.end());
    line->stop = true;
    line->changed.notify_all();
  }
  for (const std::shared_ptr<Pending> &piece : left)
    piece->complete();
  if (watcher.joinable()) {
    // Foreign queues are not waited for. And the last piece of work may call this back.
    if (isForeign || watcher.get_id() == std::this_thread::get_id())
      watcher.detach();
    else
      watcher.join();
  }
  if (isForeign)
    return;
  Context::Current current(*context);
  context->driver().destroyStream(stream);
}

/// Lets `work` put a piece into the stream, with an event behind it. Errors in
/// this become errors of the piece.
template <typename F> Ticket CudaQueue::put(std::string what, F work) {
  auto piece = std::make_shared<Pending>(context, what);
  piece->line = line;
  Context::Current current(*context);
  const Driver &f = context->driver();
  {
    std::lock_guard<std::mutex> lock(mutex);
    try {
      current.check();
      work(*piece);
    } catch (const std::bad_alloc &) {
      piece->failure = std::current_exception();
    } catch (const std::exception &error) {
      piece->failure = std::make_exception_ptr(std::runtime_error(what + ": " + error.what()));
    }
    try {
      Handle event = context->takeEvent();
      int status = f.recordEvent(event, stream);
      if (status == 0)
        piece->event = event;
      else
        context->giveEvent(event);
      f.check(status, "cuEventRecord");
    } catch (const std::exception &error) {
      if (!piece->failure)
        piece->failure = std::make_exception_ptr(std::runtime_error(what + ": " + error.what()));
      f.synchronizeStream(stream); // without an event nothing else tells when memory is free again
    }
    std::lock_guard<std::mutex> lineLock(line->mutex);
    line->dropDone();
    line->pieces.push_back(piece);
    line->changed.notify_all();
    if (!watcher.joinable())
      watcher = std::thread([line = line] { line->serve(); });
  }
  return track(piece);
}

std::shared_ptr<DeviceBuffer> CudaQueue::ownBuffer(const std::shared_ptr<Buffer> &buffer) const {
  auto own = std::dynamic_pointer_cast<DeviceBuffer>(buffer);
  if (!own || own->context != context)
    throw std::runtime_error("The buffer is of another device.");
  return own;
}

Address CudaQueue::addressOf(const Binding &binding) const {
  return binding.buffer ? ownBuffer(binding.buffer)->address + static_cast<Address>(binding.offset) : 0;
}

std::shared_ptr<Pinned> CudaQueue::stagingFor(size_t bytes) {
  bytes = std::min(bytes, kStagingBytes);
  if (!staging || staging->size() < bytes) {
    size_t size = Context::kSlotBytes;
    while (size < bytes)
      size *= 2;
    staging = std::make_shared<Pinned>(context, size);
  }
  return staging;
}

/// The staging memory that the contents of an adopted buffer pass through.
std::shared_ptr<Pinned> CudaQueue::startTransfer(Pending &piece,
                                                 const std::shared_ptr<DeviceBuffer> &buffer) {
  piece.transfer = std::make_shared<Transfer>();
  piece.transfer->host = static_cast<std::byte *>(buffer->adopted);
  piece.transfer->buffer = buffer;
  return piece.transfer->staging = stagingFor(buffer->bytes);
}

Ticket CudaQueue::fetch(const std::shared_ptr<Buffer> &buffer) {
  std::shared_ptr<DeviceBuffer> own = ownBuffer(buffer);
  if (!own->adopted || own->bytes == 0)
    return nullptr;
  return put("A copy to the device", [&](Pending &piece) {
    const Driver &f = context->driver();
    std::shared_ptr<Pinned> pinned = startTransfer(piece, own);
    for (size_t at = 0; at < own->bytes; at += pinned->size()) {
      size_t bytes = std::min(pinned->size(), own->bytes - at);
      putStep(f, stream, piece.transfer, at, bytes, true);
      f.check(f.copyToDevice(own->address + at, pinned->data(), bytes, stream), "cuMemcpyHtoDAsync");
    }
    own->wasFetched = true;
  });
}

Ticket CudaQueue::publish(const std::shared_ptr<Buffer> &buffer) {
  std::shared_ptr<DeviceBuffer> own = ownBuffer(buffer);
  if (!own->adopted || own->bytes == 0)
    return nullptr;
  return put("A copy from the device", [&](Pending &piece) {
    if (!own->wasFetched)
      throw std::runtime_error("The memory was never copied to the device.");
    const Driver &f = context->driver();
    std::shared_ptr<Pinned> pinned = startTransfer(piece, own);
    for (size_t at = 0; at < own->bytes; at += pinned->size()) {
      size_t bytes = std::min(pinned->size(), own->bytes - at);
      f.check(f.copyToHost(pinned->data(), own->address + at, bytes, stream), "cuMemcpyDtoHAsync");
      putStep(f, stream, piece.transfer, at, bytes, false);
    }
  });
}

Ticket CudaQueue::copy(const Binding &target, const Binding &source, size_t bytes) {
  return put("A copy on the device", [&](Pending &piece) {
    Address to = addressOf(target), from = addressOf(source);
    piece.kept = {target.buffer, source.buffer};
    if (bytes == 0 || to == from)
      return;
    const Driver &f = context->driver();
    if (std::max(to, from) - std::min(to, from) < bytes) { // they overlap, so copies through other memory
      auto between = std::make_shared<DeviceBuffer>(context, bytes, nullptr, nullptr);
      piece.kept.push_back(between);
      f.check(f.copyOnDevice(between->address, from, bytes, stream), "cuMemcpyDtoDAsync");
      from = between->address;
    }
    f.check(f.copyOnDevice(to, from, bytes, stream), "cuMemcpyDtoDAsync");
  });
}

Ticket CudaQueue::fill(const Binding &target, uint32_t word, size_t bytes) {
  return put("Filling memory", [&](Pending &piece) {
    piece.kept = {target.buffer};
    const Driver &f = context->driver();
    if (bytes / 4)
      f.check(f.fillWords(addressOf(target), word, bytes / 4, stream), "cuMemsetD32Async");
  });
}

/// The address of a launch's scalars on the device: a block owned by the queue, which later launches
/// overwrite when it is their turn. Consecutive launches with equal scalars copy nothing.
Address CudaQueue::uploaded(Pending &piece, std::span<const std::byte> scalars) {
  const Driver &f = context->driver();
  if (!scalarsOnDevice || scalarsOnDevice->bytes < scalars.size()) {
    size_t bytes = std::max(Context::kSlotBytes, 2 * scalars.size());
    scalarsOnDevice = std::make_shared<DeviceBuffer>(context, bytes, nullptr, nullptr);
    lastScalars.clear();
  }
  piece.kept.push_back(scalarsOnDevice);
  if (scalars.empty() || std::equal(scalars.begin(), scalars.end(), lastScalars.begin(), lastScalars.end()))
    return scalarsOnDevice->address;
  lastScalars.clear();
  auto pinned = std::make_shared<Pinned>(context, std::max<size_t>(scalars.size(), 1));
  piece.kept.push_back(pinned);
  std::copy(scalars.begin(), scalars.end(), pinned->data());
  f.check(f.copyToDevice(scalarsOnDevice->address, pinned->data(), scalars.size(), stream),
          "cuMemcpyHtoDAsync");
  lastScalars.assign(scalars.begin(), scalars.end());
  return scalarsOnDevice->address;
}

void CudaQueue::putLaunch(Pending &piece, const DeviceProgram &program, const Launch &launch) {
  constexpr std::array<int64_t, 3> kMaxGrid = {0x7fffffff, 65535, 65535};
  for (size_t i = 0; i < 3; ++i)
    if (launch.grid[i] > kMaxGrid[i])
      throw std::runtime_error("The grid has " + std::to_string(launch.grid[i]) + " programs in dimension " +
                               std::to_string(i) + ", and the device permits " + std::to_string(kMaxGrid[i]) +
                               ".");
  std::vector<Address> addresses;
  for (const Binding &binding : launch.buffers) {
    addresses.push_back(addressOf(binding));
    piece.kept.push_back(binding.buffer);
  }
  if (launch.scalarsIndex >= 0) {
    addresses.resize(std::max(addresses.size(), static_cast<size_t>(launch.scalarsIndex) + 1));
    addresses[launch.scalarsIndex] = uploaded(piece, launch.scalars);
  }
  uint32_t position = 0;
  std::vector<const void *> parameters;
  if (program.parameters.empty()) {
    for (const Address &address : addresses)
      parameters.push_back(&address);
    parameters.push_back(&position);
  } else {
    for (const CudaImage::Parameter &parameter : program.parameters)
      parameters.push_back(parameter.buffer < 0 ? static_cast<const void *>(parameter.bytes.data())
                                                : &addresses.at(parameter.buffer));
  }
  // The driver would read as many as the kernel declares.
  if (program.declared >= 0 && static_cast<size_t>(program.declared) != parameters.size())
    throw std::runtime_error("The kernel has " + std::to_string(program.declared) +
                             " parameters, and the launch " + std::to_string(parameters.size()) + ".");
  if (std::any_of(launch.grid.begin(), launch.grid.end(), [](int64_t n) { return n <= 0; }))
    return;
  const Driver &f = context->driver();
  f.check(f.launchKernel(program.function, static_cast<unsigned>(launch.grid[0]),
                         static_cast<unsigned>(launch.grid[1]), static_cast<unsigned>(launch.grid[2]),
                         program.threads[0], program.threads[1], program.threads[2], program.sharedBytes,
                         stream, const_cast<void **>(parameters.data()), nullptr),
          "cuLaunchKernel");
}

Ticket CudaQueue::launch(const Launch &launch) {
  auto program = std::dynamic_pointer_cast<const DeviceProgram>(launch.program);
  if (!program || program->context != context)
    throw std::runtime_error("The program is of another device.");
  return put("The launch of '" + program->name + "'", [&](Pending &piece) {
    piece.kept.push_back(program);
    putLaunch(piece, *program, launch);
  });
}

void CudaQueue::after(const Ticket &ticket) {
  if (!ticket || ticket->isDone())
    return;
  auto piece = std::dynamic_pointer_cast<Pending>(ticket);
  if (!piece || piece->context != context || !piece->event)
    return ticket->join();
  Context::Current current(*context);
  std::lock_guard<std::mutex> lock(mutex);
  // If this fails, the device is lost, and so the work behind it fails too.
  context->driver().streamWaitEvent(stream, piece->event, 0);
}

} // namespace tmetal::cuda
