// SPDX-License-Identifier: MIT
#include "CpuDevice.h"
#include "CpuProgram.h"

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Profiles.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

namespace tmetal {

namespace {

class CpuBuffer : public Buffer {
public:
  CpuBuffer(void *address, size_t bytes, std::shared_ptr<const void> owner)
      : address(address), bytes(bytes), owner(std::move(owner)) {}
  size_t size() const override { return bytes; }
  void *host() const override { return address; }

private:
  void *address;
  size_t bytes;
  std::shared_ptr<const void> owner;
};

void *addressOf(const HostBinding &binding) {
  return binding.address ? static_cast<std::byte *>(binding.address) + binding.offset : nullptr;
}
void *addressOf(const Binding &binding) {
  return binding.buffer ? addressOf(HostBinding{binding.buffer->host(), 0, binding.offset}) : nullptr;
}

/// Runs a Launch or a HostLaunch.
template <typename T> void execute(const T &launch) {
  constexpr size_t kInlineBuffers = 40;
  void *inlineBuffers[kInlineBuffers];
  std::vector<void *> moreBuffers;
  void **buffers = inlineBuffers;
  size_t count = std::max(launch.buffers.size(), static_cast<size_t>(launch.scalarsIndex + 1));
  if (count > kInlineBuffers) {
    moreBuffers.resize(count);
    buffers = moreBuffers.data();
  }
  for (size_t i = 0; i < launch.buffers.size(); ++i)
    buffers[i] = addressOf(launch.buffers[i]);
  if (launch.scalarsIndex >= 0)
    buffers[launch.scalarsIndex] = const_cast<std::byte *>(launch.scalars.data());
  static_cast<const CpuProgram &>(*launch.program).launch(launch.grid, buffers);
}

/// A copy of a launch with everything that it needs.
class KeptLaunch {
public:
  explicit KeptLaunch(const Launch &given)
      : buffers(given.buffers.begin(), given.buffers.end()),
        scalars(new (std::align_val_t(16)) std::byte[given.scalars.size() + 1]), launch(given) {
    std::copy(given.scalars.begin(), given.scalars.end(), scalars.get());
    launch.buffers = buffers;
    launch.scalars = {scalars.get(), given.scalars.size()};
  }
  KeptLaunch(const KeptLaunch &) = delete;
  void run() const { execute(launch); }

private:
  struct Free {
    void operator()(std::byte *bytes) const { ::operator delete[](bytes, std::align_val_t(16)); }
  };
  std::vector<Binding> buffers;
  std::unique_ptr<std::byte[], Free> scalars;
  Launch launch;
};

void copyBytes(const Binding &target, const Binding &source, size_t bytes) {
  if (bytes)
    std::memmove(addressOf(target), addressOf(source), bytes);
}

/// A queue whose work runs as tasks on host threads. A task releases what it has used before it settles its
/// ticket, so that nothing is in use once the work is done.
class TaskQueue : public Queue {
public:
  Ticket fetch(const std::shared_ptr<Buffer> &) override { return nullptr; }
  Ticket publish(const std::shared_ptr<Buffer> &) override { return nullptr; }
  Ticket copy(const Binding &target, const Binding &source, size_t bytes) override {
    return put([target, source, bytes] { copyBytes(target, source, bytes); });
  }
  Ticket launch(const Launch &launch) override {
    return put([kept = std::make_shared<KeptLaunch>(launch)] { kept->run(); });
  }
  void after(const Ticket &ticket) override {
    if (ticket && !ticket->isDone())
      enqueue([ticket] { ticket->join(); });
  }

protected:
  virtual void enqueue(std::function<void()> task) = 0;

private:
  Ticket put(std::function<void()> work) {
    auto ticket = std::make_shared<Completion>();
    enqueue([ticket, work = std::move(work)]() mutable {
      std::exception_ptr error;
      try {
        work();
      } catch (...) {
        error = std::current_exception();
      }
      work = nullptr;
      ticket->settle(error);
    });
    return track(ticket);
  }
};

/// A queue with its own thread, which starts with the first piece of work.
class CpuQueue : public TaskQueue {
public:
  ~CpuQueue() override {
    if (!worker)
      return;
    if (startedBy != getpid()) {
      // In a forked process the thread does not exist, and it may have held the mutex.
      worker.release();
      return;
    }
    {
      std::lock_guard<std::mutex> lock(state->mutex);
      state->stop = true;
      state->changed.notify_all();
    }
    if (worker->get_id() == std::this_thread::get_id())
      worker->detach(); // called back from the last piece of work
    else
      worker->join();
  }

protected:
  void enqueue(std::function<void()> task) override {
    std::lock_guard<std::mutex> lock(state->mutex);
    if (!worker) {
      worker = std::make_unique<std::thread>([state = state] { state->serve(); });
      startedBy = getpid();
    }
    state->tasks.push_back(std::move(task));
    state->changed.notify_all();
  }

private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> tasks;
    bool stop = false;

    void serve() {
      std::unique_lock<std::mutex> lock(mutex);
      while (true) {
        changed.wait(lock, [this] { return stop || !tasks.empty(); });
        if (tasks.empty())
          return;
        std::function<void()> task = std::move(tasks.front());
        tasks.pop_front();
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
      }
    }
  };

  std::shared_ptr<State> state = std::make_shared<State>();
  std::unique_ptr<std::thread> worker;
  pid_t startedBy = 0;
};

/// Adds tasks to another library's queue.
class ForeignTasks : public TaskQueue {
public:
  explicit ForeignTasks(std::function<void(std::function<void()>)> dispatch)
      : dispatch(std::move(dispatch)) {}

protected:
  void enqueue(std::function<void()> task) override { dispatch(std::move(task)); }

private:
  std::function<void(std::function<void()>)> dispatch;
};

CpuProgramOptions optionsFor(const ProgramSource &source) {
  const char *wanted = std::getenv("TRITON_METAL_TECHNIQUE");
  std::string technique = wanted ? wanted : "";
  if (!technique.empty() && technique != "loops" && technique != "fibers" && technique != "permuted")
    throw Error(ErrorKind::Argument, "[TRITON_METAL_TECHNIQUE] '" + technique +
                                         "' is not a technique: use 'loops', 'fibers' or 'permuted'.");
  CpuProgramOptions result;
  result.checkRaces = source.checks.races;
  result.permuteFragments = technique == "permuted";
  if (source.checks.races || technique == "fibers" || technique == "permuted")
    result.technique = CpuProgramOptions::Fibers;
  if (source.atomics64 != Atomics64::All)
    result.extraFlags.push_back("-UTM_HAS_ATOMIC64");
  if (source.atomics64 == Atomics64::None)
    result.extraFlags.push_back("-DTM_NO_ATOMIC64");
  if (source.checks.races)
    result.extraFlags.push_back("-O1"); // the checks dominate, so the optimiser would not help
  return result;
}

class CpuDevice : public Device {
public:
  CpuDevice() {
    limits.name = "CPU";
    limits.target = targetInfo("host");
    limits.sharesHostMemory = true;
  }

  const DeviceProfile &profile() const override { return limits; }
  std::shared_ptr<const Program> compile(const ProgramSource &source) override {
    return compileCpuProgram(source.text, source.simdgroups, source.threadgroupBytes, source.stackBytes,
                             optionsFor(source));
  }
  std::shared_ptr<Buffer> allocate(size_t bytes) override {
    constexpr std::align_val_t alignment{64};
    void *memory = ::operator new(std::max<size_t>(bytes, 1), alignment);
    std::shared_ptr<const void> owner(memory, [](void *p) { ::operator delete(p, std::align_val_t{64}); });
    return std::make_shared<CpuBuffer>(memory, bytes, std::move(owner));
  }
  std::shared_ptr<Buffer> adopt(void *address, size_t bytes, std::shared_ptr<const void> owner) override {
    return std::make_shared<CpuBuffer>(address, bytes, std::move(owner));
  }
  /// Runs on the calling thread: switching threads would take longer than many kernels.
  void run(const HostLaunch &launch) override { execute(launch); }
  std::shared_ptr<Queue> newQueue() override { return std::make_shared<CpuQueue>(); }
  std::shared_ptr<Queue> queueOn(const ForeignQueue &foreign) override {
    return std::make_shared<ForeignTasks>(foreign.dispatch);
  }

private:
  DeviceProfile limits;
};

} // namespace

const std::shared_ptr<Device> &cpuDevice() {
  // Never destroyed, because queues and programs may be used while statics are destroyed.
  static const auto &device = *new std::shared_ptr<Device>(std::make_shared<CpuDevice>());
  return device;
}

} // namespace tmetal
