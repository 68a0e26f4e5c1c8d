// SPDX-License-Identifier: MIT
// The parts of programs, buffers and queues of a CUDA device, and what they share. Any thread that is not in
// a callback of the driver may use and destroy them.
#pragma once

#include "CudaDevice.h"
#include "CudaDriver.h"

#include <atomic>
#include <mutex>
#include <new>

namespace tmetal::cuda {

class Context {
public:
  explicit Context(std::shared_ptr<const Driver> driver);
  ~Context();
  Context(const Context &) = delete;

  /// Makes the context current in this thread during the lifetime of the object. If the device is lost, that
  /// may fail, and so will all functions that are called then.
  class Current {
  public:
    explicit Current(const Context &context);
    ~Current();
    Current(const Current &) = delete;
    /// Throws if making it current has failed.
    void check() const { driver.check(status, "cuCtxPushCurrent"); }

  private:
    const Driver &driver;

  public:
    const int status;
  };

  const Driver &driver() const { return *functions; }
  int attribute(int which) const;
  std::string deviceName() const;

  /// Events and small blocks of pinned memory are reused. These functions need a Current.
  Handle takeEvent();
  void giveEvent(Handle event);
  static constexpr size_t kSlotBytes = 4096;
  void *takeSlot();
  void giveSlot(void *slot);

private:
  std::shared_ptr<const Driver> functions;
  int device = 0;
  Handle context = nullptr;
  std::mutex mutex;
  std::vector<Handle> events;
  std::vector<void *> slots, slotBlocks; // slots are parts of these blocks
};

/// The device is out of memory.
class OutOfMemory : public std::bad_alloc {
public:
  explicit OutOfMemory(std::string message) : message(std::move(message)) {}
  const char *what() const noexcept override { return message.c_str(); }

private:
  std::string message;
};

/// Host memory that the device can copy from and to by itself.
class Pinned {
public:
  Pinned(std::shared_ptr<Context> context, size_t bytes);
  ~Pinned();
  Pinned(const Pinned &) = delete;
  std::byte *data() const { return static_cast<std::byte *>(memory); }
  size_t size() const { return bytes; }

private:
  std::shared_ptr<Context> context;
  size_t bytes;
  void *memory = nullptr;
};

class DeviceBuffer : public Buffer {
public:
  /// `host` is the memory that the buffer was adopted from, or null.
  DeviceBuffer(std::shared_ptr<Context> context, size_t bytes, void *host, std::shared_ptr<const void> owner);
  ~DeviceBuffer() override;
  size_t size() const override { return bytes; }
  void *host() const override { return nullptr; }

  const std::shared_ptr<Context> context;
  const size_t bytes;
  void *const adopted;
  const std::shared_ptr<const void> owner;
  std::atomic<bool> wasFetched{false}; // or will be, by work in a queue
  Address address = 0;
};

class DeviceProgram : public Program {
public:
  DeviceProgram(std::shared_ptr<Context> context, const CudaImage &image);
  ~DeviceProgram() override;

  const std::shared_ptr<Context> context;
  std::string name;
  std::array<unsigned, 3> threads;
  unsigned sharedBytes;
  /// Empty for a Metal text: its buffers and an unused number (triton_metal.h, TM_POSITION).
  std::vector<CudaImage::Parameter> parameters;
  int declared = -1; // the number of parameters of the kernel, if its image tells
  Handle function = nullptr;

private:
  Handle module = nullptr;
};

} // namespace tmetal::cuda
