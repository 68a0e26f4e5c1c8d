// SPDX-License-Identifier: MIT
// An NVIDIA GPU behind the seam of Device.h, through the CUDA driver, which is found at run time.
//
// Adopted memory has a copy on the device. A queue is a CUDA stream; what the work uses is released by the
// thread that finds the work done, never from a callback of the driver. A fault of a kernel, such as a wild
// store, ends what the process can do on the device: all work that was not yet found done fails with it.
#pragma once

#include "Device.h"

namespace tmetal {

/// A kernel of any compiler: other parameters than a Metal text has.
struct CudaImage {
  struct Parameter {
    int buffer = -1;              // of the launch's buffers; or
    std::vector<std::byte> bytes; // the value itself
  };
  std::string image; // PTX or machine code
  std::string entry;
  std::array<unsigned, 3> threads = {32, 1, 1}; // of a block
  unsigned sharedBytes = 0;                     // beside what the kernel declares
  std::vector<Parameter> parameters;
};

struct CudaResources {
  int registers, stackBytes; // of a thread; the stack holds what does not fit in registers
  int sharedBytes;           // of a block, without what a launch adds
  int residentThreads;       // that a multiprocessor holds at once
};

class CudaDevice : public Device {
public:
  /// The CUDA version of the driver, as in 13.0.
  virtual std::string driverVersion() const = 0;
  virtual std::shared_ptr<const Program> load(const CudaImage &image) = 0;
  virtual CudaResources resourcesOf(const Program &program) const = 0;
  /// Fills memory with a word, in order with the other work of the queue.
  virtual Ticket fill(Queue &queue, const Binding &target, uint32_t word, size_t bytes) = 0;
  /// From the end of one piece of work to the end of another. Waits for both.
  virtual double milliseconds(const Ticket &from, const Ticket &to) const = 0;
  /// Waits for all work. Throws when a fault has ended what this process can do on the device.
  virtual void synchronize() = 0;
};

/// The first GPU. Throws std::runtime_error when there is no driver or no GPU. Any number may be open at
/// once: they share the device's primary context with other libraries of the process.
std::shared_ptr<CudaDevice> openCudaDevice(const std::string &library = "libcuda.so.1");

} // namespace tmetal
