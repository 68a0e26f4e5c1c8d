// SPDX-License-Identifier: MIT
#include "FakeDevice.h"

#include "cpu/CpuProgram.h"

#include <algorithm>
#include <cstring>
#include <thread>

namespace tmetal_test {

using namespace tmetal;

namespace {

constexpr size_t kMargin = 64;
constexpr unsigned char kUnknown = 0xcd, kGone = 0xdd, kStray = 0xa5;
const char *const kNames[] = {"fetch", "launch", "publish", "copy"};

struct FakeProgram : Program {
  FakeProgram(std::shared_ptr<CpuProgram> program, std::shared_ptr<std::atomic<int64_t>> live)
      : program(std::move(program)), live(std::move(live)) {
    ++*this->live;
  }
  ~FakeProgram() override { --*live; }
  bool mayFail() const override { return program->mayFail(); }

  std::shared_ptr<CpuProgram> program;
  std::shared_ptr<std::atomic<int64_t>> live;
};

/// Memory of the device. Adopted memory has no content until it is fetched.
struct FakeBuffer : Buffer {
  FakeBuffer(void *adopted, size_t bytes, std::shared_ptr<const void> owner,
             std::shared_ptr<std::atomic<int64_t>> live, std::shared_ptr<std::atomic<int64_t>> strays)
      : bytes(bytes), adopted(adopted), owner(std::move(owner)), live(std::move(live)),
        strays(std::move(strays)), memory(bytes + 2 * kMargin, kStray) {
    std::fill_n(data(), bytes, kUnknown);
    ++*this->live;
  }
  ~FakeBuffer() override {
    auto isWhole = [](unsigned char c) { return c == kStray; };
    if (!std::all_of(memory.begin(), memory.begin() + kMargin, isWhole) ||
        !std::all_of(memory.end() - kMargin, memory.end(), isWhole))
      ++*strays;
    std::fill(memory.begin(), memory.end(), kGone);
    --*live;
  }
  size_t size() const override { return bytes; }
  void *host() const override { return nullptr; }
  unsigned char *data() { return memory.data() + kMargin; }

  size_t bytes;
  void *adopted; // null: memory of its own
  bool fetched = false;
  std::shared_ptr<const void> owner;
  std::shared_ptr<std::atomic<int64_t>> live, strays;
  std::vector<unsigned char> memory;
};

std::shared_ptr<FakeBuffer> own(const std::shared_ptr<Buffer> &buffer) {
  auto result = std::dynamic_pointer_cast<FakeBuffer>(buffer);
  if (!result)
    throw std::logic_error("A buffer of another device.");
  return result;
}

/// Runs steps as tasks. A task releases what it has used before its ticket is settled.
class FakeTasks : public Queue {
public:
  explicit FakeTasks(FakeDevice &device) : device(device) {}

  Ticket fetch(const std::shared_ptr<Buffer> &given) override {
    return put(FakeStep::Fetch, [buffer = own(given)] {
      if (buffer->bytes)
        std::memcpy(buffer->data(), buffer->adopted, buffer->bytes);
      buffer->fetched = true;
    });
  }
  Ticket publish(const std::shared_ptr<Buffer> &given) override {
    return put(FakeStep::Publish, [buffer = own(given)] {
      if (!buffer->fetched)
        throw std::logic_error("Memory that was never fetched is published.");
      if (buffer->bytes)
        std::memcpy(buffer->adopted, buffer->data(), buffer->bytes);
    });
  }
  Ticket copy(const Binding &to, const Binding &from, size_t bytes) override {
    return put(FakeStep::Copy, [target = own(to.buffer), source = own(from.buffer), to = to.offset,
                                from = from.offset, bytes] {
      if (target->adopted && !target->fetched)
        throw std::logic_error("Memory that was never fetched is copied to.");
      std::memmove(target->data() + to, source->data() + from, bytes);
    });
  }
  Ticket launch(const Launch &given) override {
    auto scalars = std::make_shared<std::vector<std::max_align_t>>(given.scalars.size() / 16 + 1);
    std::memcpy(scalars->data(), given.scalars.data(), given.scalars.size());
    auto program = std::dynamic_pointer_cast<const FakeProgram>(given.program);
    if (!program)
      throw std::logic_error("A program of another device.");
    std::vector<std::pair<std::shared_ptr<FakeBuffer>, int64_t>> buffers;
    for (const Binding &binding : given.buffers)
      buffers.emplace_back(binding.buffer ? own(binding.buffer) : nullptr, binding.offset);
    return put(FakeStep::Launch, [program, buffers, scalars, grid = given.grid, index = given.scalarsIndex] {
      std::vector<void *> addresses;
      for (const auto &[buffer, offset] : buffers) {
        if (buffer && buffer->adopted && !buffer->fetched)
          throw std::logic_error("A launch uses memory that was never fetched.");
        addresses.push_back(buffer ? buffer->data() + offset : nullptr);
      }
      if (index >= 0) {
        addresses.resize(std::max(addresses.size(), static_cast<size_t>(index) + 1));
        addresses[index] = scalars->data();
      }
      program->program->launch(grid, addresses.data());
    });
  }
  void after(const Ticket &ticket) override {
    if (ticket)
      enqueue([ticket] { ticket->join(); });
  }

protected:
  virtual void enqueue(std::function<void()> task) = 0;
  FakeDevice &device;

private:
  Ticket put(FakeStep step, std::function<void()> work) {
    auto ticket = std::make_shared<Completion>();
    enqueue([this, device = &device, step, ticket, work = std::move(work)]() mutable {
      std::exception_ptr error;
      try {
        device->begin(step, this);
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

class FakeQueue : public FakeTasks {
public:
  explicit FakeQueue(FakeDevice &device) : FakeTasks(device), thread([this] { serve(); }) {}
  ~FakeQueue() override {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    changed.notify_all();
    thread.join();
  }

protected:
  void enqueue(std::function<void()> task) override {
    {
      std::lock_guard<std::mutex> lock(mutex);
      tasks.push_back(std::move(task));
    }
    changed.notify_all();
  }

private:
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

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool stop = false;
  std::thread thread; // last: it uses the others
};

class FakeForeign : public FakeTasks {
public:
  FakeForeign(FakeDevice &device, std::function<void(std::function<void()>)> dispatch)
      : FakeTasks(device), dispatch(std::move(dispatch)) {}

protected:
  void enqueue(std::function<void()> task) override { dispatch(std::move(task)); }

private:
  std::function<void(std::function<void()>)> dispatch;
};

} // namespace

FakeDevice::FakeDevice() { limits.name = "fake"; }

FakeDevice::~FakeDevice() {
  release();
  dropIdleQueues();
}

std::shared_ptr<const Program> FakeDevice::compile(const ProgramSource &source) {
  CpuProgramOptions options;
  if (source.checks.races)
    options.technique = CpuProgramOptions::Fibers;
  return std::make_shared<FakeProgram>(
      compileCpuProgram(source.text, source.simdgroups, source.threadgroupBytes, source.stackBytes, options),
      programs);
}

std::shared_ptr<Buffer> FakeDevice::allocate(size_t bytes) {
  fault(FakeStep::Allocate);
  return std::make_shared<FakeBuffer>(nullptr, bytes, nullptr, buffers, strays);
}

std::shared_ptr<Buffer> FakeDevice::adopt(void *address, size_t bytes, std::shared_ptr<const void> owner) {
  fault(FakeStep::Allocate);
  return std::make_shared<FakeBuffer>(address, bytes, std::move(owner), buffers, strays);
}

std::shared_ptr<Queue> FakeDevice::newQueue() { return std::make_shared<FakeQueue>(*this); }

std::shared_ptr<Queue> FakeDevice::queueOn(const ForeignQueue &foreign) {
  return std::make_shared<FakeForeign>(*this, foreign.dispatch);
}

void FakeDevice::fail(FakeStep step, std::set<int64_t> ordinals) {
  std::lock_guard<std::mutex> lock(mutex);
  faults[step].clear();
  for (int64_t ordinal : ordinals)
    faults[step].insert(count(step) + ordinal);
}

void FakeDevice::delay(std::function<int(int64_t)> microseconds) {
  std::lock_guard<std::mutex> lock(mutex);
  pause = std::move(microseconds);
}

void FakeDevice::hold() {
  std::lock_guard<std::mutex> lock(mutex);
  held = true;
}

void FakeDevice::release() {
  std::lock_guard<std::mutex> lock(mutex);
  held = false;
  permits.clear();
  changed.notify_all();
}

void FakeDevice::letThrough(Queue &queue, int count) {
  std::lock_guard<std::mutex> lock(mutex);
  permits[&queue] += count;
  changed.notify_all();
}

void FakeDevice::fault(FakeStep step) {
  std::lock_guard<std::mutex> lock(mutex);
  int64_t ordinal = steps[static_cast<int>(step)]++;
  if (!faults[step].count(ordinal))
    return;
  if (step == FakeStep::Allocate)
    throw FakeShortage();
  throw FakeFault(std::string("fake fault: ") + kNames[static_cast<int>(step)] + " " +
                  std::to_string(ordinal));
}

void FakeDevice::begin(FakeStep step, const Queue *queue) {
  std::function<int(int64_t)> wait;
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] {
      auto permit = permits.find(queue);
      return !held || (permit != permits.end() && permit->second > 0);
    });
    if (held)
      --permits[queue];
    wait = pause;
  }
  if (int microseconds = wait ? wait(allSteps++) : 0)
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  fault(step);
}

} // namespace tmetal_test
