// SPDX-License-Identifier: MIT
// An NVIDIA GPU behind the interface of Device.h. Uses the CUDA driver, which is found at run time.
//
// Adopted memory has a copy on the device. A queue is a CUDA stream. What the work uses is released
// by the thread that finds the work done, never by a callback of the driver. After a fault of a
// kernel, such as a wild store, the process cannot use the device any more: all work that has not
// been found done by then fails too.
#pragma once

#include "Device.h"

namespace tmetal {

/// A kernel of any compiler, whose parameters may differ from those of a Metal text.
struct CudaImage {
  struct Parameter {
    int buffer = -1;              // index of a buffer of the launch, or
    std::vector<std::byte> bytes; // the value
  };
  std::string image; // PTX or machine code
  std::string entry;
  std::array<unsigned, 3> threads = {32, 1, 1}; // in a block
  unsigned sharedBytes = 0;                     // in addition to what the kernel declares
  std::vector<Parameter> parameters;
};

struct CudaResources {
  int registers, stackBytes; // for each thread; the stack has what does not fit in registers
  int sharedBytes;           // for each block, without what a launch adds
  int residentThreads;       // the most that a multiprocessor runs at once
};

class CudaDevice : public Device {
public:
  /// The CUDA version of the driver, such as 13.0.
  virtual std::string driverVersion() const = 0;
  virtual std::shared_ptr<const Program> load(const CudaImage &image) = 0;
  virtual CudaResources resourcesOf(const Program &program) const = 0;
  /// Fills memory with a word, in order with other work in the queue.
  virtual Ticket fill(Queue &queue, const Binding &target, uint32_t word, size_t bytes) = 0;
  /// The time from the end of one piece of work to the end of another. Waits for both.
  virtual double milliseconds(const Ticket &from, const Ticket &to) const = 0;
  /// Waits for all work. Throws if the process cannot use the device any more because of a fault.
  virtual void synchronize() = 0;
};

/// Opens the first GPU. Throws std::runtime_error if there is no driver or no GPU. Several devices may be
/// open at once: they share the device's primary context with other libraries of the process.
std::shared_ptr<CudaDevice> openCudaDevice(const std::string &library = "libcuda.so.1");

} // namespace tmetal
