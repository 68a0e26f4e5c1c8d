// SPDX-License-Identifier: MIT
#include "Device.h"

#include <algorithm>
#include <utility>

namespace tmetal {

bool Completion::isDone() const {
  std::lock_guard<std::mutex> lock(mutex);
  return done;
}

bool Completion::hasUntoldError() const {
  std::lock_guard<std::mutex> lock(mutex);
  return done && error && !told;
}

void Completion::block() {
  std::unique_lock<std::mutex> lock(mutex);
  settled.wait(lock, [this] { return done; });
}

void Completion::join() {
  if (!isDone())
    block();
}

void Completion::wait() {
  join();
  std::exception_ptr mine;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!std::exchange(told, true))
      mine = error;
  }
  if (mine)
    std::rethrow_exception(mine);
}

void Completion::then(Callback callback) {
  std::exception_ptr mine;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!done) {
      callbacks.push_back(std::move(callback));
      return;
    }
    if (!std::exchange(told, true))
      mine = error;
  }
  callback(mine);
}

void Completion::settle(std::exception_ptr outcome) {
  std::vector<Callback> waiting;
  std::exception_ptr mine;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (std::exchange(done, true))
      return;
    error = std::move(outcome);
    waiting.swap(callbacks);
    if (!waiting.empty()) {
      told = true;
      mine = error;
    }
    // Under the lock: whoever waits may destroy this as soon as it sees that the work is done.
    settled.notify_all();
  }
  for (Callback &callback : waiting)
    callback(std::exchange(mine, nullptr));
}

Ticket Queue::track(Ticket ticket) {
  if (!ticket)
    return ticket;
  std::lock_guard<std::mutex> lock(mutex);
  while (!tracked.empty() && tracked.front()->isDone() && !tracked.front()->hasUntoldError())
    tracked.pop_front();
  tracked.push_back(ticket);
  return ticket;
}

void Queue::wait() {
  std::deque<Ticket> now;
  {
    std::lock_guard<std::mutex> lock(mutex);
    now = tracked;
  }
  for (const Ticket &ticket : now)
    ticket->join();
  for (const Ticket &ticket : now)
    ticket->wait();
}

void Queue::run(const Launch &work) {
  std::vector<Ticket> tickets;
  std::exception_ptr error;
  try {
    std::vector<Buffer *> seen;
    for (const Binding &binding : work.buffers)
      if (binding.buffer && std::find(seen.begin(), seen.end(), binding.buffer.get()) == seen.end()) {
        seen.push_back(binding.buffer.get());
        tickets.push_back(fetch(binding.buffer));
      }
    tickets.push_back(launch(work));
    seen.clear();
    for (const Binding &binding : work.buffers)
      if (binding.buffer && binding.stored &&
          std::find(seen.begin(), seen.end(), binding.buffer.get()) == seen.end()) {
        seen.push_back(binding.buffer.get());
        tickets.push_back(publish(binding.buffer));
      }
  } catch (...) {
    error = std::current_exception();
  }
  // All of it is waited for, whatever fails: the caller's memory is in use until then.
  for (const Ticket &ticket : tickets)
    try {
      if (ticket)
        ticket->wait();
    } catch (...) {
      if (!error)
        error = std::current_exception();
    }
  if (error)
    std::rethrow_exception(error);
}

Device::Lease::Lease(Device &device) : device(device) {
  {
    std::lock_guard<std::mutex> lock(device.idleMutex);
    if (!device.idle.empty()) {
      queue = std::move(device.idle.back());
      device.idle.pop_back();
    }
  }
  if (!queue)
    queue = device.newQueue();
}

Device::Lease::~Lease() {
  std::lock_guard<std::mutex> lock(device.idleMutex);
  device.idle.push_back(std::move(queue));
}

void Device::dropIdleQueues() {
  std::vector<std::shared_ptr<Queue>> dropped;
  {
    std::lock_guard<std::mutex> lock(idleMutex);
    dropped.swap(idle);
  }
}

} // namespace tmetal
