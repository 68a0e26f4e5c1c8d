// SPDX-License-Identifier: MIT
#include "CudaContext.h"

#include "triton-metal/Support/Errors.h"

#include <algorithm>
#include <stdexcept>

namespace tmetal::cuda {

// ---- context ----

Context::Context(std::shared_ptr<const Driver> driver) : functions(std::move(driver)) {
  const Driver &f = *functions;
  f.check(f.init(0), "cuInit");
  f.check(f.deviceGet(&device, 0), "cuDeviceGet");
  f.check(f.retainContext(&context, device), "cuDevicePrimaryCtxRetain");
}

Context::~Context() {
  {
    Current current(*this);
    for (Handle event : events)
      functions->destroyEvent(event);
    for (void *block : slotBlocks)
      functions->releaseHost(block);
  }
  functions->releaseContext(device);
}

Context::Current::Current(const Context &context)
    : driver(context.driver()), status(driver.pushContext(context.context)) {}

Context::Current::~Current() {
  Handle popped;
  if (status == 0)
    driver.popContext(&popped);
}

int Context::attribute(int which) const {
  int value = 0;
  functions->check(functions->deviceGetAttribute(&value, which, device), "cuDeviceGetAttribute");
  return value;
}

std::string Context::deviceName() const {
  char text[256] = {};
  functions->check(functions->deviceGetName(text, sizeof text - 1, device), "cuDeviceGetName");
  return text;
}

Handle Context::takeEvent() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!events.empty()) {
      Handle event = events.back();
      events.pop_back();
      return event;
    }
  }
  Handle event = nullptr;
  functions->check(functions->createEvent(&event, kBlockingSync), "cuEventCreate");
  return event;
}

void Context::giveEvent(Handle event) {
  std::lock_guard<std::mutex> lock(mutex);
  events.push_back(event);
}

void *Context::takeSlot() {
  std::lock_guard<std::mutex> lock(mutex);
  if (slots.empty()) {
    // Allocates many at once, because allocating may wait for running kernels.
    constexpr size_t kSlots = 32;
    void *block = nullptr;
    functions->check(functions->allocateHost(&block, kSlots * kSlotBytes, kPortable), "cuMemHostAlloc");
    slotBlocks.push_back(block);
    for (size_t i = 0; i < kSlots; ++i)
      slots.push_back(static_cast<std::byte *>(block) + i * kSlotBytes);
  }
  void *slot = slots.back();
  slots.pop_back();
  return slot;
}

void Context::giveSlot(void *slot) {
  std::lock_guard<std::mutex> lock(mutex);
  slots.push_back(slot);
}

// ---- memory ----

Pinned::Pinned(std::shared_ptr<Context> of, size_t bytes) : context(std::move(of)), bytes(bytes) {
  Context::Current current(*context);
  current.check();
  const Driver &f = context->driver();
  if (bytes <= Context::kSlotBytes)
    memory = context->takeSlot();
  else
    f.check(f.allocateHost(&memory, bytes, kPortable), "cuMemHostAlloc");
}

Pinned::~Pinned() {
  if (bytes <= Context::kSlotBytes) {
    context->giveSlot(memory);
    return;
  }
  Context::Current current(*context);
  context->driver().releaseHost(memory);
}

DeviceBuffer::DeviceBuffer(std::shared_ptr<Context> of, size_t bytes, void *host,
                           std::shared_ptr<const void> owner)
    : context(std::move(of)), bytes(bytes), adopted(host), owner(std::move(owner)) {
  Context::Current current(*context);
  current.check();
  const Driver &f = context->driver();
  int status = f.allocate(&address, std::max<size_t>(bytes, 1));
  if (status == kOutOfMemory)
    throw OutOfMemory(f.describe(status, "cuMemAlloc"));
  f.check(status, "cuMemAlloc");
}

DeviceBuffer::~DeviceBuffer() {
  Context::Current current(*context);
  context->driver().release(address);
}

// ---- programs ----

namespace {

constexpr int kErrorLog = 5, kErrorLogSize = 6; // CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
constexpr unsigned kAlwaysThere = 48 << 10;     // bytes of shared memory that a kernel need not request

bool isText(const std::string &image) { return image.find(".entry ") != std::string::npos; }

/// The name of the only `.entry`.
std::string entryOf(const std::string &ptx) {
  size_t begin = ptx.find(".entry ");
  if (begin == std::string::npos)
    throw std::runtime_error("The PTX has no kernel.");
  begin += 7;
  if (ptx.find(".entry ", begin) != std::string::npos)
    throw std::runtime_error("The PTX has more than one kernel.");
  return ptx.substr(begin, ptx.find_first_of("( \n", begin) - begin);
}

/// The number of parameters of the kernel `entry` in a text, or -1 if its declaration is not found.
int declaredBy(const std::string &ptx, const std::string &entry) {
  size_t begin = ptx.find(".entry " + entry);
  if (begin == std::string::npos)
    return -1;
  begin += 7 + entry.size();
  size_t open = ptx.find_first_not_of(" \n", begin);
  if (open == std::string::npos || ptx[open] != '(')
    return -1;
  std::string head = ptx.substr(open, ptx.find(')', open) - open);
  int count = 0;
  for (size_t at = head.find(".param"); at != std::string::npos; at = head.find(".param", at + 1))
    ++count;
  return count;
}

} // namespace

DeviceProgram::DeviceProgram(std::shared_ptr<Context> of, const CudaImage &image)
    : context(std::move(of)), name(image.entry.empty() ? entryOf(image.image) : image.entry),
      threads(image.threads), sharedBytes(image.sharedBytes), parameters(image.parameters) {
  if (isText(image.image))
    declared = declaredBy(image.image, name);
  Context::Current current(*context);
  current.check();
  const Driver &f = context->driver();
  std::vector<char> log(8192);
  int options[] = {kErrorLog, kErrorLogSize};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  int status = f.loadModule(&module, image.image.c_str(), 2, options, values);
  f.check(status, log[0] ? log.data() : "cuModuleLoadDataEx");
  try {
    f.check(f.getFunction(&function, module, name.c_str()), "cuModuleGetFunction");
    // Loads it now, because the first launch would otherwise wait for running kernels.
    if (f.loadFunction)
      f.check(f.loadFunction(function), "cuFuncLoad");
    int most = 0;
    f.check(f.getAttribute(&most, kMaxThreads, function), "cuFuncGetAttribute");
    int64_t wanted = int64_t(threads[0]) * threads[1] * threads[2];
    if (wanted > most)
      throw OutOfResources(wanted, most, "threads");
    if (sharedBytes > kAlwaysThere)
      f.check(f.setAttribute(function, kMaxDynamicSharedBytes, static_cast<int>(sharedBytes)),
              "cuFuncSetAttribute");
  } catch (...) {
    f.unloadModule(module);
    throw;
  }
}

DeviceProgram::~DeviceProgram() {
  Context::Current current(*context);
  context->driver().unloadModule(module);
}

} // namespace tmetal::cuda
