// SPDX-License-Identifier: MIT
// The interface between launches and the devices that run them. A device compiles kernel text to programs,
// owns memory, and executes work from queues. Nothing here depends on MLX or MLIR.
//
// Everything is asynchronous: work in a queue runs later, in the order in which it was added, and the queue
// keeps alive whatever the work uses. A ticket tells when a piece of work is done and whether it failed.
#pragma once

#include "triton-metal/Target/Profiles.h"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tmetal {

/// The limits and features of a device.
struct DeviceProfile {
  std::string name;
  TargetInfo target;
  /// The device works directly on the host's memory, so that nothing is copied or published.
  bool sharesHostMemory = false;
};

/// The text of a kernel, and what a device must know to compile and launch it.
struct ProgramSource {
  std::string text; // in Metal Shading Language
  /// The text in a form that another tool has already compiled it to (PTX, a metallib). Usually empty: the
  /// device then compiles the text itself.
  std::string binary;
  std::string function; // name of the kernel in the text; empty if there is only one
  int simdgroups = 1;   // per threadgroup
  int64_t threadgroupBytes = 0;
  int64_t stackBytes = 0; // size of the local variables of a whole threadgroup
  struct Checks {
    bool addresses = false, races = false, undefined = false;
  } checks; // checks that the text contains; a device may have to run such a text differently
  /// The 64-bit atomics of the chip that the text is for. A device that stands in for it offers no others.
  Atomics64 atomics64 = Atomics64::All;
};

/// The programs of a launch wait for one another. A device that notices it ends the launch with this error.
class StuckPrograms : public std::runtime_error {
public:
  StuckPrograms(unsigned site, const std::array<unsigned, 3> &program)
      : std::runtime_error("All programs of the launch that run wait for one another."), site(site),
        program(program) {}
  unsigned site; // the number of the message that names the place
  std::array<unsigned, 3> program;
};

/// A compiled kernel. Thread-safe.
class Program {
public:
  virtual ~Program() = default;
  /// Whether the device can detect that a kernel hangs, for example because not all threads reach a barrier,
  /// and ends the launch with an error. What the launch has stored by then stays.
  virtual bool mayFail() const { return false; }
};

/// Memory that the programs of one device read and write. It is freed when no caller and no queue holds it.
class Buffer {
public:
  virtual ~Buffer() = default;
  virtual size_t size() const = 0;
  /// The address of this memory on the host; null if the host cannot access it.
  virtual void *host() const = 0;
};

/// The outcome of a piece of work in a queue. Thread-safe. An error is reported only once: to the first
/// caller of wait(), to the first callback of then(), or by the queue's own wait().
class Completion {
public:
  virtual ~Completion() = default;
  /// Receives null, or the error if it has not been reported yet. It must not wait, because a thread of the
  /// device may be calling it. An exception that it throws propagates into that thread.
  using Callback = std::function<void(std::exception_ptr)>;

  /// Work of the same queue is done in order. A queue that waits with after() may go on a little before this
  /// is true.
  bool isDone() const;
  /// Waits until the work is done. Throws its error, unless that has been reported already.
  void wait();
  /// Waits until the work is done, without reporting its error.
  void join();
  /// Calls back when the work is done: immediately if it is, otherwise on the thread that notices it.
  void then(Callback callback);
  /// Whether the work is done and its error has not been reported.
  bool hasUntoldError() const;

  /// Called by the device when the work is done.
  void settle(std::exception_ptr error = nullptr);

protected:
  /// Waits until settle() has been called. A device overrides this if it has its own way to wait for work.
  virtual void block();

private:
  mutable std::mutex mutex;
  std::condition_variable settled;
  bool done = false, told = false;
  std::exception_ptr error;
  std::vector<Callback> callbacks;
};

/// Null if there was nothing to do.
using Ticket = std::shared_ptr<Completion>;

/// A buffer of a launch, and the offset in it that the kernel's pointer points to.
struct Binding {
  std::shared_ptr<Buffer> buffer; // null if the kernel does not use this index
  int64_t offset = 0;
  bool stored = true; // the kernel may store to it
};

/// One launch of a program. The views must stay valid only until the call that takes the launch returns; a
/// queue copies what it needs for longer.
struct Launch {
  std::shared_ptr<const Program> program;
  std::array<int64_t, 3> grid = {1, 1, 1}; // threadgroups
  std::span<const Binding> buffers;        // for each [[buffer(n)]], in order
  std::span<const std::byte> scalars;      // the struct of scalar arguments, at a multiple of 16 bytes
  int scalarsIndex = -1;                   // its [[buffer(n)]]; -1: there is none
};

/// Host memory as a buffer of a launch; the kernel's pointer points to `offset`. Pointers into overlapping
/// memory must name the same memory, because a device may copy each one.
struct HostBinding {
  void *address = nullptr;
  size_t bytes = 0;
  int64_t offset = 0;
  bool stored = true; // the kernel may store to it
};

/// A launch on memory of the host; see Launch.
struct HostLaunch {
  const std::shared_ptr<const Program> &program;
  std::array<int64_t, 3> grid = {1, 1, 1};
  std::span<const HostBinding> buffers;
  std::span<const std::byte> scalars;
  int scalarsIndex = -1;
};

/// Runs work in order: each piece begins when all earlier ones are done. Thread-safe. Work that fails does
/// not stop the work behind it. Destroying a queue waits for its work and drops errors that have not been
/// reported. A forked process must create queues of its own.
class Queue {
public:
  virtual ~Queue() = default;

  /// Makes the device see the current content of the host memory that `buffer` was adopted from.
  virtual Ticket fetch(const std::shared_ptr<Buffer> &buffer) = 0;
  /// Makes the host see the device's content of `buffer` in the memory that it was adopted from. Fails and
  /// writes nothing if the buffer has never been fetched successfully.
  virtual Ticket publish(const std::shared_ptr<Buffer> &buffer) = 0;
  virtual Ticket copy(const Binding &target, const Binding &source, size_t bytes) = 0;
  virtual Ticket launch(const Launch &launch) = 0;
  /// Later work of this queue begins only when `ticket`, of any queue of the device, is done or has failed.
  virtual void after(const Ticket &ticket) = 0;

  /// Waits for everything in the queue. Throws the earliest error that has not been reported; the next call
  /// throws the next one.
  void wait();
  /// Waits for all of these. Throws the first error among them and drops the others.
  static void wait(const std::vector<Ticket> &tickets);

protected:
  /// Remembers a piece of work for wait().
  Ticket track(Ticket ticket);

private:
  std::mutex mutex;
  std::deque<Ticket> tracked;
};

/// A queue of another library, such as a stream of MLX or PyTorch, to which launches are added. Each device
/// says which of the members it uses.
struct ForeignQueue {
  /// The handle of the device's own interface: a CUstream, an MTLCommandBuffer or its encoder.
  void *handle = nullptr;
  /// For devices whose work runs on host threads: adds a task to that queue.
  std::function<void(std::function<void()>)> dispatch;
};

/// Thread-safe.
class Device : public std::enable_shared_from_this<Device> {
public:
  virtual ~Device() = default;
  virtual const DeviceProfile &profile() const = 0;
  /// Throws std::exception with the compiler's message, or an Error about settings.
  virtual std::shared_ptr<const Program> compile(const ProgramSource &source) = 0;
  /// Throws std::bad_alloc, as adopt() may.
  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;
  /// A buffer for memory of the host, which `owner`, if given, keeps alive. The device may work on that
  /// memory or on a copy, so the device's content is valid only between fetch() and publish() in a queue.
  virtual std::shared_ptr<Buffer> adopt(void *address, size_t bytes,
                                        std::shared_ptr<const void> owner = nullptr) = 0;
  virtual std::shared_ptr<Queue> newQueue() = 0;
  /// A queue that adds its work to another library's queue. Destroying it does not wait.
  virtual std::shared_ptr<Queue> queueOn(const ForeignQueue &foreign) = 0;

  /// Adds a launch on host memory to a queue: adopts the memory, fetches it, launches, and publishes what the
  /// kernel may store to. `owner` keeps the memory alive. Returns a ticket for each piece of work; if this
  /// throws, none of them is left in the queue.
  std::vector<Ticket> submit(Queue &queue, const HostLaunch &launch,
                             const std::shared_ptr<const void> &owner);
  /// Does the same and waits. Throws the first error. A device may run it without a queue.
  virtual void run(const HostLaunch &launch);

  /// Exclusive use of a queue, for launches that the caller waits for.
  class Lease {
  public:
    explicit Lease(Device &device);
    ~Lease();
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    Queue *operator->() const { return queue.get(); }
    Queue &operator*() const { return *queue; }

  private:
    Device &device;
    std::shared_ptr<Queue> queue;
  };

protected:
  /// Must be called by the destructor of a device whose queues refer to it.
  void dropIdleQueues();

private:
  std::mutex idleMutex;
  std::vector<std::shared_ptr<Queue>> idle;
};

} // namespace tmetal
