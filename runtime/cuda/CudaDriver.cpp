// SPDX-License-Identifier: MIT
#include "CudaDriver.h"

#include <dlfcn.h>

#include <stdexcept>
#include <type_traits>

namespace tmetal::cuda {

std::string Driver::describe(int status, const std::string &what) const {
  const char *name = nullptr, *text = nullptr;
  getErrorName(status, &name);
  getErrorString(status, &text);
  return what + ": " + (name ? name : "error " + std::to_string(status)) +
         (text ? std::string(", ") + text : "") + ".";
}

void Driver::check(int status, const char *what) const {
  if (status != 0)
    throw std::runtime_error(describe(status, what));
}

std::shared_ptr<const Driver> loadDriver(const std::string &path) {
  // Never unloaded, because threads of the driver may run until the process ends.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!library)
    throw std::runtime_error("There is no CUDA driver here (" + path + ").");
  auto driver = std::make_shared<Driver>();
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    if (!function)
      throw std::runtime_error(std::string("The CUDA driver has no ") + name + ".");
  };
  Driver &f = *driver;
  find(f.init, "cuInit");
  find(f.deviceGet, "cuDeviceGet");
  find(f.deviceGetName, "cuDeviceGetName");
  find(f.deviceGetAttribute, "cuDeviceGetAttribute");
  find(f.driverVersion, "cuDriverGetVersion");
  find(f.retainContext, "cuDevicePrimaryCtxRetain");
  find(f.releaseContext, "cuDevicePrimaryCtxRelease_v2");
  find(f.pushContext, "cuCtxPushCurrent_v2");
  find(f.popContext, "cuCtxPopCurrent_v2");
  find(f.synchronizeContext, "cuCtxSynchronize");
  find(f.getErrorName, "cuGetErrorName");
  find(f.getErrorString, "cuGetErrorString");
  find(f.allocate, "cuMemAlloc_v2");
  find(f.release, "cuMemFree_v2");
  find(f.allocateHost, "cuMemHostAlloc");
  find(f.releaseHost, "cuMemFreeHost");
  find(f.copyToDevice, "cuMemcpyHtoDAsync_v2");
  find(f.copyToHost, "cuMemcpyDtoHAsync_v2");
  find(f.copyOnDevice, "cuMemcpyDtoDAsync_v2");
  find(f.fillWords, "cuMemsetD32Async");
  find(f.loadModule, "cuModuleLoadDataEx");
  find(f.unloadModule, "cuModuleUnload");
  find(f.getFunction, "cuModuleGetFunction");
  f.loadFunction = reinterpret_cast<int (*)(Handle)>(dlsym(library, "cuFuncLoad"));
  find(f.getAttribute, "cuFuncGetAttribute");
  find(f.setAttribute, "cuFuncSetAttribute");
  find(f.occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  find(f.launchKernel, "cuLaunchKernel");
  find(f.launchHostFunction, "cuLaunchHostFunc");
  find(f.createStream, "cuStreamCreate");
  find(f.destroyStream, "cuStreamDestroy_v2");
  find(f.synchronizeStream, "cuStreamSynchronize");
  find(f.streamWaitEvent, "cuStreamWaitEvent");
  find(f.createEvent, "cuEventCreate");
  find(f.destroyEvent, "cuEventDestroy_v2");
  find(f.recordEvent, "cuEventRecord");
  find(f.queryEvent, "cuEventQuery");
  find(f.synchronizeEvent, "cuEventSynchronize");
  find(f.elapsedTime, "cuEventElapsedTime");
  return driver;
}

} // namespace tmetal::cuda
