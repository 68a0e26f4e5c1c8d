// SPDX-License-Identifier: MIT
// A CUDA stream as a queue of work.
#pragma once

#include "CudaContext.h"

#include <atomic>
#include <deque>
#include <thread>

namespace tmetal::cuda {

struct Transfer;

/// A piece of work in a stream, with an event behind it that tells when it is done.
class Pending : public Completion {
public:
  Pending(std::shared_ptr<Context> context, std::string what);
  ~Pending() override;

  /// Waits for the event, releases what the work used, and settles. If another thread is doing this
  /// already, only waits for that thread.
  void complete();

  const std::shared_ptr<Context> context;
  Handle event = nullptr; // null if it could not be put behind the work
  std::vector<std::shared_ptr<const void>> kept;
  std::shared_ptr<Transfer> transfer;
  std::exception_ptr failure; // why the work could not be put in the stream
  /// The unfinished work of the queue, in order, including this piece until it is done.
  struct Line {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::shared_ptr<Pending>> pieces;
    bool stop = false;

    void dropDone(); // the caller holds the mutex
    void serve();
  };
  std::shared_ptr<Line> line;

protected:
  /// Completes earlier pieces first, so that their outcomes are reported in order.
  void block() override;

private:
  int waitForEvent() const;

  std::string what;
  std::atomic<bool> claimed{false};
};

class CudaQueue : public Queue {
public:
  /// Uses `foreign`, or a stream of its own.
  explicit CudaQueue(std::shared_ptr<Context> context);
  CudaQueue(std::shared_ptr<Context> context, Handle foreign);
  ~CudaQueue() override;

  Ticket fetch(const std::shared_ptr<Buffer> &buffer) override;
  Ticket publish(const std::shared_ptr<Buffer> &buffer) override;
  Ticket copy(const Binding &target, const Binding &source, size_t bytes) override;
  Ticket launch(const Launch &launch) override;
  void after(const Ticket &ticket) override;
  Ticket fill(const Binding &target, uint32_t word, size_t bytes);

private:
  template <typename F> Ticket put(std::string what, F work);
  void putLaunch(Pending &piece, const DeviceProgram &program, const Launch &launch);
  std::shared_ptr<Pinned> stagingFor(size_t bytes);
  std::shared_ptr<Pinned> startTransfer(Pending &piece, const std::shared_ptr<DeviceBuffer> &buffer);
  Address addressOf(const Binding &binding) const;
  std::shared_ptr<DeviceBuffer> ownBuffer(const std::shared_ptr<Buffer> &buffer) const;
  Address uploaded(Pending &piece, std::span<const std::byte> scalars);

  const std::shared_ptr<Context> context;
  const bool isForeign;
  Handle stream = nullptr;
  std::mutex mutex; // for putting work into the stream: all of one piece, then all of the next
  std::shared_ptr<Pinned> staging;
  std::shared_ptr<DeviceBuffer> scalarsOnDevice;
  std::vector<std::byte> lastScalars; // the contents of scalarsOnDevice, now or when the work so far is done
  std::shared_ptr<Pending::Line> line = std::make_shared<Pending::Line>();
  std::thread watcher;
};

} // namespace tmetal::cuda
