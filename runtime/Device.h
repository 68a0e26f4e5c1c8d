// SPDX-License-Identifier: MIT
// The seam between a launch and what runs it. A device compiles texts to programs, has memory, and has queues
// that work is put in. Nothing here knows MLX or MLIR.
//
// Everything is asynchronous: what is put in a queue happens later, in the order in which it was put there, and
// the queue keeps alive what the work uses. A ticket tells when something is done and how it ended.
#pragma once

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
#include <string>
#include <vector>

namespace tmetal {

/// What kernels may use on a device, and what the driver reports of it.
struct DeviceProfile {
  std::string name;
  int simdWidth = 32;
  int maxThreadsPerThreadgroup = 1024;
  int64_t threadgroupMemory = 32768; // bytes
  int maxBuffers = 31;
  bool hasDouble = false;
  bool hasAtomic64 = false; // min and max of 64-bit integers
  /// The device works on the host's memory itself: adopting copies nothing, and there is nothing to publish.
  bool sharesHostMemory = false;
};

/// The text of a kernel, and what a device needs to know to compile and launch it.
struct ProgramSource {
  std::string text; // in Metal Shading Language
  /// What a tool has made of the text before, in the device's own form (PTX, a metallib); mostly empty, and then
  /// the device compiles the text.
  std::string binary;
  std::string function; // of the kernel in the text; empty: the only one
  int simdgroups = 1;   // of a threadgroup
  int64_t threadgroupBytes = 0;
  int64_t stackBytes = 0; // what a threadgroup keeps in local variables
  struct Checks {
    bool addresses = false, races = false, undefined = false;
  } checks; // that the text makes; some devices run such a text in another way
};

/// A compiled kernel. Thread-safe.
class Program {
public:
  virtual ~Program() = default;
  /// Whether a launch can fail because of the kernel: threads may wait for others that never come. What was
  /// stored until then stays.
  virtual bool mayFail() const { return false; }
};

/// Memory that programs of one device read and write. It lives as long as somebody, or a queue, holds it.
class Buffer {
public:
  virtual ~Buffer() = default;
  virtual size_t size() const = 0;
  /// Where the host sees this very memory; null when it does not.
  virtual void *host() const = 0;
};

/// How something ends that was put in a queue. Thread-safe. An error is told once: to whoever waits first, or to
/// the first that asked with then(), or by the queue's own wait().
class Completion {
public:
  virtual ~Completion() = default;
  /// Called with null, or the error when nobody else has been told of it. It must not wait, for a thread of the device
  /// may be calling; what it throws is for that thread.
  using Callback = std::function<void(std::exception_ptr)>;

  bool isDone() const;
  /// Returns when the work is done; throws its error.
  void wait();
  /// Returns when the work is done, and leaves the error to others.
  void join();
  /// Calls back once the work is done: at once if it is, else from the thread that finds it done.
  void then(Callback callback);
  /// Whether there is an error that nobody has been told of.
  bool hasUntoldError() const;

  /// For the device: the work is done.
  void settle(std::exception_ptr error = nullptr);

protected:
  /// The device's own way of waiting for the work, when it has a better one than to wait until another thread
  /// calls settle(): it returns after settle() has been called.
  virtual void block();

private:
  mutable std::mutex mutex;
  std::condition_variable settled;
  bool done = false, told = false;
  std::exception_ptr error;
  std::vector<Callback> callbacks;
};

/// Null: there was nothing to do, and it is done.
using Ticket = std::shared_ptr<Completion>;

/// A buffer of a launch, and the byte of it that the kernel's pointer points to.
struct Binding {
  std::shared_ptr<Buffer> buffer; // null: the kernel does not use this index
  int64_t offset = 0;
  bool stored = true; // the kernel may store to it
};

/// One launch of a program. The caller keeps what the views point to until the call that takes the launch has
/// returned; queues copy what they need for longer.
struct Launch {
  std::shared_ptr<const Program> program;
  std::array<int64_t, 3> grid = {1, 1, 1}; // threadgroups
  std::span<const Binding> buffers;        // for each [[buffer(n)]], in order
  std::span<const std::byte> scalars;      // the struct of scalar arguments, at a multiple of 16 bytes
  int scalarsIndex = -1;                   // its [[buffer(n)]]; -1: there is none
};

/// A buffer of a launch that is memory of the host: the kernel's pointer points to `offset`. What overlaps must be given
/// as the same memory, for a device may make a copy of each.
struct HostBinding {
  void *address = nullptr;
  size_t bytes = 0;
  int64_t offset = 0;
  bool stored = true; // the kernel may store to it
};

/// A launch on memory of the host. The rest is as in Launch.
struct HostLaunch {
  const std::shared_ptr<const Program> &program;
  std::array<int64_t, 3> grid = {1, 1, 1};
  std::span<const HostBinding> buffers;
  std::span<const std::byte> scalars;
  int scalarsIndex = -1;
};

/// Work in order: each piece begins when the ones before it are done. Thread-safe. A piece that fails does not stop
/// those behind it. Destroying a queue waits for its work; errors that nobody has asked for are lost then. A forked process makes queues
/// of its own.
class Queue {
public:
  virtual ~Queue() = default;

  /// The device sees what the host has in memory that `buffer` was adopted from.
  virtual Ticket fetch(const std::shared_ptr<Buffer> &buffer) = 0;
  /// The host sees, in the memory that `buffer` was adopted from, what the device has. Fails, and writes nothing, when
  /// the buffer was never fetched with success.
  virtual Ticket publish(const std::shared_ptr<Buffer> &buffer) = 0;
  virtual Ticket copy(const Binding &target, const Binding &source, size_t bytes) = 0;
  virtual Ticket launch(const Launch &launch) = 0;
  /// What is put in this queue from now on begins when `ticket`, of any queue of the device, is done, well or not.
  virtual void after(const Ticket &ticket) = 0;

  /// Waits for all that is in the queue. Throws the earliest error that nobody has been told of; the next call
  /// throws the next.
  void wait();
  /// Waits for all of these. Throws the first error among them; the others are lost.
  static void wait(const std::vector<Ticket> &tickets);

protected:
  /// Remembers a piece of work for wait().
  Ticket track(Ticket ticket);

private:
  std::mutex mutex;
  std::deque<Ticket> tracked;
};

/// Somebody else's queue (a stream of MLX or PyTorch) that launches are to be part of. Which members count is the
/// device's affair.
struct ForeignQueue {
  /// The handle of the device's own interface: a CUstream, an MTLCommandBuffer or its encoder.
  void *handle = nullptr;
  /// For work that is done by a thread of the host: puts a task in that queue.
  std::function<void(std::function<void()>)> dispatch;
};

/// Thread-safe. Buffers, programs and queues keep their device alive where they need it.
class Device : public std::enable_shared_from_this<Device> {
public:
  virtual ~Device() = default;
  virtual const DeviceProfile &profile() const = 0;
  /// Throws std::exception with what the compiler says, or an Error about settings.
  virtual std::shared_ptr<const Program> compile(const ProgramSource &source) = 0;
  /// Throws std::bad_alloc, as adopt() may.
  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;
  /// A buffer that stands for memory of the host, which `owner`, if given, keeps there. The device may work on the
  /// memory itself or on a copy: only between fetch() and publish() in a queue does the device's content count.
  virtual std::shared_ptr<Buffer> adopt(void *address, size_t bytes,
                                        std::shared_ptr<const void> owner = nullptr) = 0;
  virtual std::shared_ptr<Queue> newQueue() = 0;
  /// A queue whose work becomes part of somebody else's. Destroying it waits for nothing.
  virtual std::shared_ptr<Queue> queueOn(const ForeignQueue &foreign) = 0;

  /// A launch on memory of the host, from its beginning to its end: adopts the memory, fetches it, launches, and
  /// publishes what is stored to. `owner` keeps the memory. Each piece has a ticket; when this throws, nothing of it is
  /// left in the queue.
  std::vector<Ticket> submit(Queue &queue, const HostLaunch &launch, const std::shared_ptr<const void> &owner);
  /// The same in a queue of its own, and waits. Throws the first error. A device that needs no queue for that does
  /// without.
  virtual void run(const HostLaunch &launch);

  /// A queue that nobody else uses as long as the lease is held, for launches that the caller waits for.
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
  /// To be called by the destructor of a device whose queues refer to it.
  void dropIdleQueues();

private:
  std::mutex idleMutex;
  std::vector<std::shared_ptr<Queue>> idle;
};

} // namespace tmetal
