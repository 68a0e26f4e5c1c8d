// SPDX-License-Identifier: MIT
// The driver's functions, as cuda.h declares them.
#include "FakeGpu.h"

#include <algorithm>

using namespace tmetal_test;

#define FAKE(name, ...) extern "C" __attribute__((visibility("default"))) int name(__VA_ARGS__)

namespace {

bool initialized = false;
thread_local std::vector<Handle> contexts; // of this thread, the current one last
const auto kContext = reinterpret_cast<Handle>(uintptr_t(0xc0de0));
std::unique_lock<std::mutex> locked() { return std::unique_lock<std::mutex>(FakeGpu::instance().mutex); }

/// What each call meets before it does anything; the lock is held.
int enter(const char *function, bool needsContext = true) {
  FakeGpu &gpu = FakeGpu::instance();
  if (inCallback)
    return gpu.misused(kNotPermitted, std::string(function) + " in a callback");
  if (!initialized)
    return gpu.misused(kNotInitialized, std::string(function) + " before cuInit");
  if (needsContext && (contexts.empty() || gpu.retained == 0))
    return gpu.misused(kInvalidContext, std::string(function) + " without a context");
  auto failure = gpu.failures.find(function);
  if (failure != gpu.failures.end() && --failure->second.first == 0) {
    int status = failure->second.second;
    gpu.failures.erase(failure);
    return status;
  }
  return gpu.sticky;
}

#define ENTER(...)                                                                                           \
  auto lock = locked();                                                                                      \
  FakeGpu &gpu = FakeGpu::instance();                                                                        \
  (void)gpu;                                                                                                 \
  if (int status = enter(__func__ __VA_OPT__(, ) __VA_ARGS__))                                               \
    return status;

std::shared_ptr<Stream> streamOf(Handle handle, const char *function) {
  FakeGpu &gpu = FakeGpu::instance();
  static std::shared_ptr<Stream> &ofNull = *new std::shared_ptr<Stream>(gpu.startStream());
  if (!handle)
    return ofNull;
  auto found = gpu.streams.find(handle);
  if (found != gpu.streams.end())
    return found->second;
  gpu.misused(kInvalidHandle, std::string(function) + " on a stream that is none, or no longer");
  return nullptr;
}

std::shared_ptr<Event> eventOf(Handle handle, const char *function) {
  FakeGpu &gpu = FakeGpu::instance();
  auto found = gpu.events.find(handle);
  if (found != gpu.events.end())
    return found->second;
  gpu.misused(kInvalidHandle, std::string(function) + " with an event that is none, or no longer");
  return nullptr;
}

/// A step that is left out once the device is lost. `work` throws Fault, and runs with the lock.
std::function<void()> whileAlive(std::string what, std::function<void()> work) {
  return [what = std::move(what), work = std::move(work)] {
    FakeGpu &gpu = FakeGpu::instance();
    std::lock_guard<std::mutex> lock(gpu.mutex);
    if (gpu.sticky)
      return;
    try {
      work();
    } catch (const Fault &) {
      gpu.misused(0, what + " used memory that was gone when it was its turn");
      gpu.sticky = kIllegalAddress;
    }
  };
}

} // namespace

// ---- device and context ----

FAKE(cuInit, unsigned flags) {
  auto lock = locked();
  if (inCallback)
    return FakeGpu::instance().misused(kNotPermitted, "cuInit in a callback");
  initialized = true;
  return flags ? kInvalidValue : kSuccess;
}
FAKE(cuDeviceGet, int *device, int ordinal) {
  ENTER(false)
  *device = 0;
  return ordinal ? kNoDevice : kSuccess;
}
FAKE(cuDeviceGetName, char *name, int bytes, int) {
  ENTER(false)
  std::strncpy(name, "Fake GPU", static_cast<size_t>(bytes));
  return kSuccess;
}
FAKE(cuDeviceGetAttribute, int *value, int attribute, int) {
  ENTER(false)
  static const std::map<int, int> values = {{1, 1024}, {8, 48 << 10}, {10, 32}};
  auto found = values.find(attribute);
  *value = found == values.end() ? 0 : found->second;
  return found == values.end() ? kInvalidValue : kSuccess;
}
FAKE(cuDriverGetVersion, int *version) {
  *version = 13000;
  return kSuccess;
}
FAKE(cuDevicePrimaryCtxRetain, Handle *context, int) {
  ENTER(false)
  ++gpu.retained;
  *context = kContext;
  return kSuccess;
}
FAKE(cuDevicePrimaryCtxRelease_v2, int) {
  ENTER(false)
  if (gpu.retained == 0)
    return gpu.misused(kInvalidContext, "The context was released too often");
  if (--gpu.retained == 0 &&
      gpu.memory.count() + gpu.streams.size() + gpu.events.size() + gpu.modules.size() + gpu.pinned.size() >
          0)
    gpu.misused(0, "The context was released before what is in it");
  return kSuccess;
}
FAKE(cuCtxPushCurrent_v2, Handle context) {
  ENTER(false)
  if (context != kContext || gpu.retained == 0)
    return gpu.misused(kInvalidContext, "cuCtxPushCurrent of a context that is none, or no longer");
  contexts.push_back(context);
  return kSuccess;
}
FAKE(cuCtxPopCurrent_v2, Handle *context) {
  auto lock = locked();
  if (contexts.empty())
    return FakeGpu::instance().misused(kInvalidContext, "cuCtxPopCurrent without a context");
  *context = contexts.back();
  contexts.pop_back();
  return FakeGpu::instance().sticky;
}
FAKE(cuCtxSynchronize, void) {
  ENTER()
  gpu.changed.wait(lock, [&] {
    return std::all_of(gpu.streams.begin(), gpu.streams.end(),
                       [](const auto &item) { return item.second->steps.empty() && !item.second->busy; });
  });
  return gpu.sticky;
}
FAKE(cuGetErrorName, int status, const char **name) {
  static const std::map<int, const char *> names = {{1, "CUDA_ERROR_INVALID_VALUE"},
                                                    {2, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                    {200, "CUDA_ERROR_INVALID_IMAGE"},
                                                    {201, "CUDA_ERROR_INVALID_CONTEXT"},
                                                    {218, "CUDA_ERROR_INVALID_PTX"},
                                                    {400, "CUDA_ERROR_INVALID_HANDLE"},
                                                    {500, "CUDA_ERROR_NOT_FOUND"},
                                                    {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                                                    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}};
  auto found = names.find(status);
  *name = found == names.end() ? nullptr : found->second;
  return found == names.end() ? kInvalidValue : kSuccess;
}
FAKE(cuGetErrorString, int status, const char **text) {
  *text = status == kIllegalAddress ? "an illegal memory access was encountered"
          : status == kOutOfMemory  ? "out of memory"
                                    : "what the driver says of it";
  return kSuccess;
}

// ---- memory ----

FAKE(cuMemAlloc_v2, uint64_t *address, size_t bytes) {
  ENTER()
  if (bytes == 0)
    return gpu.misused(kInvalidValue, "cuMemAlloc of nothing");
  if (bytes > size_t(4) << 30)
    return kOutOfMemory;
  *address = gpu.memory.allocate(bytes);
  return kSuccess;
}
FAKE(cuMemFree_v2, uint64_t address) {
  ENTER()
  return gpu.memory.release(address) ? kSuccess
                                     : gpu.misused(kInvalidValue, "cuMemFree of what is not allocated");
}
FAKE(cuMemHostAlloc, void **address, size_t bytes, unsigned) {
  ENTER()
  if (bytes == 0)
    return gpu.misused(kInvalidValue, "cuMemHostAlloc of nothing");
  *address = new std::byte[bytes];
  gpu.pinned[static_cast<std::byte *>(*address)] = bytes;
  return kSuccess;
}
FAKE(cuMemFreeHost, void *address) {
  ENTER()
  auto found = gpu.pinned.find(static_cast<std::byte *>(address));
  if (found == gpu.pinned.end())
    return gpu.misused(kInvalidValue, "cuMemFreeHost of what is not allocated");
  std::memset(address, 0xdd, found->second);
  gpu.pinned.erase(found);
  delete[] static_cast<std::byte *>(address);
  return kSuccess;
}

FAKE(cuMemcpyHtoDAsync_v2, uint64_t target, const void *source, size_t bytes, Handle handle) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  if (!gpu.memory.holds(target, bytes))
    return gpu.misused(kInvalidValue, "A copy to what is no memory of the device");
  ++gpu.copies;
  bool pinned = gpu.isPinned(source, bytes);
  std::vector<std::byte> now; // ordinary memory is read at once
  if (!pinned)
    now.assign(static_cast<const std::byte *>(source), static_cast<const std::byte *>(source) + bytes);
  gpu.put(*stream, whileAlive("A copy to the device", [=, now = std::move(now)] {
    FakeGpu &gpu = FakeGpu::instance();
    if (pinned && !gpu.isPinned(source, bytes))
      throw Fault{};
    std::memcpy(gpu.memory.at(target, bytes), pinned ? source : now.data(), bytes);
  }));
  return kSuccess;
}
FAKE(cuMemcpyDtoHAsync_v2, void *target, uint64_t source, size_t bytes, Handle handle) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  if (!gpu.memory.holds(source, bytes))
    return gpu.misused(kInvalidValue, "A copy from what is no memory of the device");
  ++gpu.copies;
  bool pinned = gpu.isPinned(target, bytes);
  gpu.put(*stream, whileAlive("A copy from the device", [=] {
    FakeGpu &gpu = FakeGpu::instance();
    if (pinned && !gpu.isPinned(target, bytes))
      throw Fault{};
    std::memcpy(target, gpu.memory.at(source, bytes), bytes);
  }));
  if (!pinned)
    gpu.changed.wait(lock, [&] { return stream->steps.empty() && !stream->busy; });
  return gpu.sticky;
}
FAKE(cuMemcpyDtoDAsync_v2, uint64_t target, uint64_t source, size_t bytes, Handle handle) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  if (!gpu.memory.holds(source, bytes) || !gpu.memory.holds(target, bytes))
    return gpu.misused(kInvalidValue, "A copy of what is no memory of the device");
  if (std::max(source, target) - std::min(source, target) < bytes)
    return gpu.misused(kInvalidValue, "A copy between places that overlap");
  gpu.put(*stream, whileAlive("A copy on the device", [=] {
    FakeMemory &memory = FakeGpu::instance().memory;
    std::memcpy(memory.at(target, bytes), memory.at(source, bytes), bytes);
  }));
  return kSuccess;
}
FAKE(cuMemsetD32Async, uint64_t target, unsigned value, size_t words, Handle handle) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  if (words == 0 || target % 4 || !gpu.memory.holds(target, words * 4))
    return gpu.misused(kInvalidValue, "Filling what is no memory of the device");
  gpu.put(*stream, whileAlive("Filling memory", [=] {
    std::byte *data = FakeGpu::instance().memory.at(target, words * 4);
    for (size_t i = 0; i < words; ++i)
      std::memcpy(data + i * 4, &value, 4);
  }));
  return kSuccess;
}

// ---- modules ----

FAKE(cuModuleLoadDataEx, Handle *module, const void *image, unsigned count, int *options, void **values) {
  ENTER()
  lock.unlock(); // clang may take its time
  try {
    std::shared_ptr<Module> made = assemble(static_cast<const char *>(image));
    lock.lock();
    *module = gpu.newHandle();
    gpu.modules[*module] = std::move(made);
    return kSuccess;
  } catch (const std::exception &error) {
    for (unsigned i = 0; i + 1 < count; ++i)
      if (options[i] == 5 && options[i + 1] == 6) // the buffer for the log of errors, and its size
        std::strncpy(static_cast<char *>(values[i]), error.what(),
                     reinterpret_cast<uintptr_t>(values[i + 1]) - 1);
    return dynamic_cast<const NotAnImage *>(&error) ? kInvalidImage : kInvalidPtx;
  }
}
FAKE(cuModuleUnload, Handle module) {
  ENTER()
  if (!gpu.modules.erase(module))
    return gpu.misused(kInvalidHandle, "cuModuleUnload of what is not loaded");
  std::erase_if(gpu.functions, [&](const auto &item) { return item.second.first == module; });
  return kSuccess;
}
FAKE(cuModuleGetFunction, Handle *function, Handle module, const char *name) {
  ENTER()
  auto found = gpu.modules.find(module);
  if (found == gpu.modules.end())
    return gpu.misused(kInvalidHandle, "cuModuleGetFunction of what is not loaded");
  auto kernel = found->second->kernels.find(name);
  if (kernel == found->second->kernels.end())
    return kNotFound;
  *function = gpu.newHandle();
  gpu.functions[*function] = {module, kernel->second};
  return kSuccess;
}
FAKE(cuFuncGetAttribute, int *value, int attribute, Handle function) {
  ENTER()
  auto found = gpu.functions.find(function);
  if (found == gpu.functions.end())
    return gpu.misused(kInvalidHandle, "cuFuncGetAttribute of what is not loaded");
  *value = attribute == 0 ? found->second.second->maxThreads : attribute == 4 ? 16 : 0;
  return kSuccess;
}
FAKE(cuFuncSetAttribute, Handle function, int attribute, int value) {
  ENTER()
  auto found = gpu.functions.find(function);
  if (found == gpu.functions.end())
    return gpu.misused(kInvalidHandle, "cuFuncSetAttribute of what is not loaded");
  if (attribute != 8 || value > 227 << 10)
    return kInvalidValue;
  found->second.second->dynamicShared = value;
  return kSuccess;
}
FAKE(cuOccupancyMaxActiveBlocksPerMultiprocessor, int *blocks, Handle function, int threads, size_t) {
  ENTER()
  if (!gpu.functions.count(function))
    return gpu.misused(kInvalidHandle, "cuOccupancy... of what is not loaded");
  *blocks = 2048 / threads;
  return kSuccess;
}

FAKE(cuLaunchKernel, Handle function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
     unsigned blockY, unsigned blockZ, unsigned sharedBytes, Handle handle, void **parameters, void **extra) {
  ENTER()
  auto found = gpu.functions.find(function);
  if (found == gpu.functions.end())
    return gpu.misused(kInvalidHandle, "cuLaunchKernel of what is not loaded");
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  std::shared_ptr<Kernel> kernel = found->second.second;
  uint64_t threads = uint64_t(blockX) * blockY * blockZ;
  if (!gridX || !gridY || !gridZ || !threads || gridX > 0x7fffffff || gridY > 65535 || gridZ > 65535 ||
      blockZ > 64 || extra)
    return gpu.misused(kInvalidValue, "cuLaunchKernel with a grid or block that no device has");
  if (threads > static_cast<uint64_t>(kernel->maxThreads) ||
      sharedBytes > static_cast<unsigned>(kernel->dynamicShared))
    return gpu.misused(kOutOfResources, "cuLaunchKernel with too many threads or too much shared memory");
  FakeLaunch launch{{gridX, gridY, gridZ}, {blockX, blockY, blockZ}, {}};
  for (size_t i = 0; i < kernel->parameterBytes.size(); ++i) {
    const auto *bytes = static_cast<const std::byte *>(parameters[i]);
    launch.parameters.emplace_back(bytes, bytes + kernel->parameterBytes[i]);
  }
  Handle module = found->second.first;
  gpu.put(*stream, [launch = std::move(launch), kernel, module] {
    FakeGpu &gpu = FakeGpu::instance();
    {
      std::lock_guard<std::mutex> lock(gpu.mutex);
      if (gpu.sticky)
        return;
      if (!gpu.modules.count(module)) {
        gpu.misused(0, "The kernel was unloaded before it ran");
        gpu.sticky = kIllegalAddress;
        return;
      }
    }
    try {
      kernel->run(launch);
    } catch (const Fault &) {
      std::lock_guard<std::mutex> lock(gpu.mutex);
      gpu.sticky = kIllegalAddress;
    }
  });
  return kSuccess;
}

// ---- streams and events ----

FAKE(cuStreamCreate, Handle *stream, unsigned) {
  ENTER()
  *stream = gpu.newHandle();
  gpu.streams[*stream] = gpu.startStream();
  return kSuccess;
}
FAKE(cuStreamDestroy_v2, Handle handle) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream || !handle)
    return kInvalidHandle;
  stream->destroyed = true;
  gpu.streams.erase(handle);
  gpu.changed.notify_all();
  return kSuccess;
}
FAKE(cuStreamSynchronize, Handle handle) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  gpu.changed.wait(lock, [&] { return stream->steps.empty() && !stream->busy; });
  return gpu.sticky;
}
FAKE(cuStreamWaitEvent, Handle handle, Handle eventHandle, unsigned) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  auto event = eventOf(eventHandle, __func__);
  if (!stream || !event)
    return kInvalidHandle;
  if (event->record)
    gpu.put(*stream, [record = event->record] {
      FakeGpu &gpu = FakeGpu::instance();
      std::unique_lock<std::mutex> lock(gpu.mutex);
      gpu.changed.wait(lock, [&] { return record->done; });
    });
  return kSuccess;
}
FAKE(cuLaunchHostFunc, Handle handle, void (*function)(void *), void *data) {
  ENTER()
  auto stream = streamOf(handle, __func__);
  if (!stream)
    return kInvalidHandle;
  gpu.put(*stream, [function, data] {
    FakeGpu &gpu = FakeGpu::instance();
    {
      std::lock_guard<std::mutex> lock(gpu.mutex);
      if (gpu.sticky) // CUDA does not call it then
        return;
    }
    inCallback = true;
    function(data);
    inCallback = false;
  });
  return kSuccess;
}

FAKE(cuEventCreate, Handle *event, unsigned flags) {
  ENTER()
  *event = gpu.newHandle();
  gpu.events[*event] = std::make_shared<Event>();
  gpu.events[*event]->timed = !(flags & 2);
  return kSuccess;
}
FAKE(cuEventDestroy_v2, Handle handle) {
  ENTER()
  if (!eventOf(handle, __func__))
    return kInvalidHandle;
  gpu.events.erase(handle);
  return kSuccess;
}
FAKE(cuEventRecord, Handle handle, Handle streamHandle) {
  ENTER()
  auto event = eventOf(handle, __func__);
  auto stream = streamOf(streamHandle, __func__);
  if (!event || !stream)
    return kInvalidHandle;
  auto record = event->record = std::make_shared<Record>();
  gpu.put(*stream, [record] {
    FakeGpu &gpu = FakeGpu::instance();
    std::lock_guard<std::mutex> lock(gpu.mutex);
    record->done = true;
    record->time = std::chrono::steady_clock::now();
    gpu.changed.notify_all();
  });
  return kSuccess;
}
FAKE(cuEventQuery, Handle handle) {
  ENTER()
  auto event = eventOf(handle, __func__);
  if (!event)
    return kInvalidHandle;
  return !event->record || event->record->done ? kSuccess : kNotReady;
}
FAKE(cuEventSynchronize, Handle handle) {
  ENTER()
  auto event = eventOf(handle, __func__);
  if (!event)
    return kInvalidHandle;
  auto record = event->record;
  gpu.changed.wait(lock, [&] { return !record || record->done; });
  return gpu.sticky;
}
FAKE(cuEventElapsedTime, float *milliseconds, Handle startHandle, Handle endHandle) {
  ENTER()
  auto start = eventOf(startHandle, __func__), end = eventOf(endHandle, __func__);
  if (!start || !end || !start->record || !end->record || !start->timed || !end->timed)
    return gpu.misused(kInvalidHandle, "cuEventElapsedTime of events that were not recorded");
  if (!start->record->done || !end->record->done)
    return kNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(end->record->time - start->record->time).count();
  return kSuccess;
}

// ---- for tests ----

FAKE(fakeCudaState, FakeState *state) {
  auto lock = locked();
  FakeGpu &gpu = FakeGpu::instance();
  state->allocations = static_cast<int>(gpu.memory.count());
  state->pinned = static_cast<int>(gpu.pinned.size());
  state->streams = static_cast<int>(gpu.streams.size());
  state->events = static_cast<int>(gpu.events.size());
  state->modules = static_cast<int>(gpu.modules.size());
  state->contexts = gpu.retained;
  state->copies = gpu.copies;
  std::strncpy(state->misuse, gpu.misuse.c_str(), sizeof state->misuse - 1);
  gpu.misuse.clear();
  return 0;
}
FAKE(fakeCudaFail, const char *function, int nth, int status) {
  auto lock = locked();
  FakeGpu::instance().failures[function] = {nth, status};
  return 0;
}
FAKE(fakeCudaDelay, int microseconds) {
  auto lock = locked();
  FakeGpu::instance().delay = microseconds;
  return 0;
}
