// SPDX-License-Identifier: MIT
#include "CudaDriver.h"

#include <dlfcn.h>

#include <algorithm>
#include <stdexcept>

namespace tmetal::cuda {

namespace {

// As the driver's documentation declares them; CUdeviceptr is 64 bits, the handles are pointers.
struct Functions {
  int (*init)(unsigned);
  int (*deviceGet)(int *, int);
  int (*deviceGetName)(char *, int, int);
  int (*driverVersion)(int *);
  int (*retainContext)(void **, int);
  int (*setContext)(void *);
  int (*getErrorName)(int, const char **);
  int (*getErrorString)(int, const char **);
  int (*allocate)(uint64_t *, size_t);
  int (*release)(uint64_t);
  int (*copyToDevice)(uint64_t, const void *, size_t);
  int (*copyToHost)(void *, uint64_t, size_t);
  int (*copyOnDevice)(uint64_t, uint64_t, size_t);
  int (*fillWords)(uint64_t, unsigned, size_t);
  int (*loadModule)(void **, const void *, unsigned, int *, void **);
  int (*unloadModule)(void *);
  int (*getFunction)(void **, void *, const char *);
  int (*getAttribute)(int *, int, void *);
  int (*setAttribute)(void *, int, int);
  int (*occupancy)(int *, void *, int, size_t);
  int (*launchKernel)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *,
                      void **, void **);
  int (*synchronizeContext)();
  int (*createEvent)(void **, unsigned);
  int (*destroyEvent)(void *);
  int (*recordEvent)(void *, void *);
  int (*synchronizeEvent)(void *);
  int (*elapsedTime)(float *, void *, void *);
};

constexpr int kErrorLog = 5, kErrorLogSize = 6; // CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
// CU_FUNC_ATTRIBUTE_...
constexpr int kSharedBytes = 1, kLocalBytes = 3, kRegisters = 4, kMaxDynamicSharedBytes = 8;

Functions loadFunctions() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (!library)
    throw std::runtime_error("There is no CUDA driver here (libcuda.so.1).");
  Functions f;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (!function)
      throw std::runtime_error(std::string("The CUDA driver has no ") + name + ".");
  };
  find(f.init, "cuInit");
  find(f.deviceGet, "cuDeviceGet");
  find(f.deviceGetName, "cuDeviceGetName");
  find(f.driverVersion, "cuDriverGetVersion");
  find(f.retainContext, "cuDevicePrimaryCtxRetain");
  find(f.setContext, "cuCtxSetCurrent");
  find(f.getErrorName, "cuGetErrorName");
  find(f.getErrorString, "cuGetErrorString");
  find(f.allocate, "cuMemAlloc_v2");
  find(f.release, "cuMemFree_v2");
  find(f.copyToDevice, "cuMemcpyHtoD_v2");
  find(f.copyToHost, "cuMemcpyDtoH_v2");
  find(f.copyOnDevice, "cuMemcpyDtoD_v2");
  find(f.fillWords, "cuMemsetD32_v2");
  find(f.loadModule, "cuModuleLoadDataEx");
  find(f.unloadModule, "cuModuleUnload");
  find(f.getFunction, "cuModuleGetFunction");
  find(f.getAttribute, "cuFuncGetAttribute");
  find(f.setAttribute, "cuFuncSetAttribute");
  find(f.occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  find(f.launchKernel, "cuLaunchKernel");
  find(f.synchronizeContext, "cuCtxSynchronize");
  find(f.createEvent, "cuEventCreate");
  find(f.destroyEvent, "cuEventDestroy_v2");
  find(f.recordEvent, "cuEventRecord");
  find(f.synchronizeEvent, "cuEventSynchronize");
  find(f.elapsedTime, "cuEventElapsedTime");
  return f;
}

const Functions &functions() {
  static const Functions found = loadFunctions();
  return found;
}

void check(int status, const char *what) {
  if (status == 0)
    return;
  const char *name = nullptr, *text = nullptr;
  functions().getErrorName(status, &name);
  functions().getErrorString(status, &text);
  throw std::runtime_error(std::string(what) + ": " + (name ? name : "error " + std::to_string(status)) +
                           (text ? std::string(", ") + text : "") + ".");
}

/// The name behind the only `.entry`.
std::string entryOf(const std::string &ptx) {
  size_t begin = ptx.find(".entry ");
  if (begin == std::string::npos)
    throw std::runtime_error("The PTX has no kernel.");
  begin += 7;
  if (ptx.find(".entry ", begin) != std::string::npos)
    throw std::runtime_error("The PTX has more than one kernel.");
  return ptx.substr(begin, ptx.find_first_of("( \n", begin) - begin);
}

} // namespace

Driver::Driver() {
  const Functions &f = functions();
  check(f.init(0), "cuInit");
  int device = 0;
  check(f.deviceGet(&device, 0), "cuDeviceGet");
  char text[256] = {};
  check(f.deviceGetName(text, sizeof text - 1, device), "cuDeviceGetName");
  name = text;
  void *context = nullptr;
  check(f.retainContext(&context, device), "cuDevicePrimaryCtxRetain");
  check(f.setContext(context), "cuCtxSetCurrent");
}

std::string Driver::version() {
  int number = 0;
  check(functions().driverVersion(&number), "cuDriverGetVersion");
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

Memory::Memory(size_t nbytes) : nbytes(nbytes) {
  check(functions().allocate(&address, std::max<size_t>(nbytes, 1)), "cuMemAlloc");
}
Memory::~Memory() {
  if (address)
    functions().release(address);
}
void Memory::write(const void *data, size_t count) {
  if (count)
    check(functions().copyToDevice(address, data, count), "cuMemcpyHtoD");
}
void Memory::read(void *data, size_t count) const {
  if (count)
    check(functions().copyToHost(data, address, count), "cuMemcpyDtoH");
}

void Memory::fill(uint32_t word) {
  if (nbytes)
    check(functions().fillWords(address, word, nbytes / 4), "cuMemsetD32");
}
void Memory::copyFrom(const Memory &source) {
  if (nbytes)
    check(functions().copyOnDevice(address, source.address, std::min(nbytes, source.nbytes)), "cuMemcpyDtoD");
}

Program::Program(const std::string &image, std::string entry) {
  if (entry.empty())
    entry = entryOf(image);
  std::vector<char> log(8192);
  int options[] = {kErrorLog, kErrorLogSize};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  int status = functions().loadModule(&module, image.c_str(), 2, options, values);
  check(status, log[0] ? log.data() : "cuModuleLoadDataEx");
  check(functions().getFunction(&function, module, entry.c_str()), "cuModuleGetFunction");
}
Program::~Program() {
  if (module)
    functions().unloadModule(module);
}
void Program::launch(const std::array<int64_t, 3> &grid, unsigned threads,
                     const std::vector<uint64_t> &buffers) const {
  std::vector<std::vector<uint8_t>> parameters;
  for (uint64_t buffer : buffers) {
    const auto *bytes = reinterpret_cast<const uint8_t *>(&buffer);
    parameters.emplace_back(bytes, bytes + sizeof buffer);
  }
  parameters.emplace_back(4); // triton_metal.h, TM_POSITION
  launch({grid, {threads, 1, 1}}, parameters);
}

void Program::launch(const LaunchShape &shape, const std::vector<std::vector<uint8_t>> &parameters) const {
  std::vector<void *> addresses;
  for (const std::vector<uint8_t> &parameter : parameters)
    addresses.push_back(const_cast<uint8_t *>(parameter.data()));
  constexpr unsigned kAlwaysThere = 48 << 10;
  if (shape.sharedBytes > kAlwaysThere)
    check(functions().setAttribute(function, kMaxDynamicSharedBytes, static_cast<int>(shape.sharedBytes)),
          "cuFuncSetAttribute");
  const auto &[grid, threads, sharedBytes] = shape;
  check(functions().launchKernel(function, static_cast<unsigned>(grid[0]), static_cast<unsigned>(grid[1]),
                                 static_cast<unsigned>(grid[2]), threads[0], threads[1], threads[2],
                                 sharedBytes, nullptr, addresses.data(), nullptr),
        "cuLaunchKernel");
}

Program::Resources Program::resources() const {
  auto read = [&](int attribute) {
    int value = 0;
    check(functions().getAttribute(&value, attribute, function), "cuFuncGetAttribute");
    return value;
  };
  return {read(kRegisters), read(kLocalBytes), read(kSharedBytes)};
}

int Program::residentThreads(const LaunchShape &shape) const {
  int blocks = 0, threads = static_cast<int>(shape.threads[0] * shape.threads[1] * shape.threads[2]);
  check(functions().occupancy(&blocks, function, threads, shape.sharedBytes),
        "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  return blocks * threads;
}

void synchronize() { check(functions().synchronizeContext(), "cuCtxSynchronize"); }

Event::Event() { check(functions().createEvent(&event, 0), "cuEventCreate"); }
Event::~Event() {
  if (event)
    functions().destroyEvent(event);
}
void Event::record() { check(functions().recordEvent(event, nullptr), "cuEventRecord"); }
float Event::millisecondsSince(const Event &start) const {
  check(functions().synchronizeEvent(event), "cuEventSynchronize");
  float milliseconds = 0;
  check(functions().elapsedTime(&milliseconds, start.event, event), "cuEventElapsedTime");
  return milliseconds;
}

} // namespace tmetal::cuda
