// SPDX-License-Identifier: MIT
#include "CudaDevice.h"
#include "CudaQueue.h"

#include <stdexcept>

namespace tmetal {

namespace {

using namespace cuda;

class OpenDevice : public CudaDevice {
public:
  explicit OpenDevice(const std::string &library) : context(std::make_shared<Context>(loadDriver(library))) {
    limits.name = context->deviceName();
    limits.target.family = "NVIDIA";
    limits.target.simdWidth = context->attribute(kWarpSize);
    limits.target.maxThreadsPerThreadgroup = context->attribute(kMaxThreadsPerBlock);
    limits.target.threadgroupMemory = context->attribute(kMaxSharedBytesPerBlock);
    limits.target.maxBuffers = 4096 / sizeof(Address) - 1; // the space for parameters of a kernel
    limits.target.float64 = Float64::Native;
    limits.target.atomics64 = Atomics64::All;
    limits.sharesHostMemory = false;
  }
  ~OpenDevice() override { dropIdleQueues(); }

  const DeviceProfile &profile() const override { return limits; }

  std::shared_ptr<const Program> compile(const ProgramSource &source) override {
    if (source.binary.empty())
      throw std::runtime_error("The CUDA device does not compile texts: it takes the PTX that "
                               "tools/triton-metal-cuda/make_ptx.py makes of them.");
    CudaImage image;
    image.image = source.binary;
    image.entry = source.function;
    image.threads[0] = static_cast<unsigned>(source.simdgroups * limits.target.simdWidth);
    return load(image);
  }

  std::shared_ptr<Buffer> allocate(size_t bytes) override {
    return std::make_shared<DeviceBuffer>(context, bytes, nullptr, nullptr);
  }
  std::shared_ptr<Buffer> adopt(void *address, size_t bytes, std::shared_ptr<const void> owner) override {
    return std::make_shared<DeviceBuffer>(context, bytes, address, std::move(owner));
  }
  std::shared_ptr<Queue> newQueue() override { return std::make_shared<CudaQueue>(context); }
  std::shared_ptr<Queue> queueOn(const ForeignQueue &foreign) override {
    return std::make_shared<CudaQueue>(context, foreign.handle);
  }

  std::string driverVersion() const override {
    int number = 0;
    context->driver().check(context->driver().driverVersion(&number), "cuDriverGetVersion");
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
  }

  std::shared_ptr<const Program> load(const CudaImage &image) override {
    return std::make_shared<DeviceProgram>(context, image);
  }

  CudaResources resourcesOf(const Program &given) const override {
    const auto &program = dynamic_cast<const DeviceProgram &>(given);
    Context::Current current(*context);
    current.check();
    const Driver &f = context->driver();
    auto read = [&](int attribute) {
      int value = 0;
      f.check(f.getAttribute(&value, attribute, program.function), "cuFuncGetAttribute");
      return value;
    };
    const auto &threads = program.threads;
    int blocks = 0, ofBlock = static_cast<int>(threads[0] * threads[1] * threads[2]);
    f.check(f.occupancy(&blocks, program.function, ofBlock, program.sharedBytes),
            "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    return {read(kRegisters), read(kLocalBytes), read(kSharedBytes), blocks * ofBlock};
  }

  Ticket fill(Queue &queue, const Binding &target, uint32_t word, size_t bytes) override {
    return dynamic_cast<CudaQueue &>(queue).fill(target, word, bytes);
  }

  double milliseconds(const Ticket &from, const Ticket &to) const override {
    auto first = std::dynamic_pointer_cast<Pending>(from), second = std::dynamic_pointer_cast<Pending>(to);
    if (!first || !second)
      throw std::runtime_error("There is no time between pieces of work that are not of this device.");
    first->wait();
    second->wait();
    Context::Current current(*context);
    current.check();
    float result = 0;
    context->driver().check(context->driver().elapsedTime(&result, first->event, second->event),
                            "cuEventElapsedTime");
    return result;
  }

  void synchronize() override {
    Context::Current current(*context);
    current.check();
    context->driver().check(context->driver().synchronizeContext(), "cuCtxSynchronize");
  }

private:
  std::shared_ptr<Context> context;
  DeviceProfile limits;
};

} // namespace

std::shared_ptr<CudaDevice> openCudaDevice(const std::string &library) {
  return std::make_shared<OpenDevice>(library);
}

} // namespace tmetal
