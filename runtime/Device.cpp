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
    // Under the lock, because a waiting thread may destroy this as soon as it sees that the work is done.
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

void Queue::wait(const std::vector<Ticket> &tickets) {
  std::exception_ptr error;
  // Wait for all of them even if one fails, because they use the caller's memory.
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

std::vector<Ticket> Device::submit(Queue &queue, const HostLaunch &work,
                                   const std::shared_ptr<const void> &owner) {
  struct Adopted {
    const HostBinding *first;
    std::shared_ptr<Buffer> buffer;
    bool stored;
  };
  std::vector<Adopted> adopted;
  std::vector<Binding> bindings;
  std::vector<Ticket> tickets;
  try {
    for (const HostBinding &binding : work.buffers) {
      if (!binding.address) {
        bindings.emplace_back();
        continue;
      }
      auto known = std::find_if(adopted.begin(), adopted.end(), [&](const Adopted &other) {
        return other.first->address == binding.address && other.first->bytes == binding.bytes;
      });
      if (known == adopted.end())
        known = adopted.insert(known, {&binding, adopt(binding.address, binding.bytes, owner), false});
      known->stored |= binding.stored;
      bindings.push_back({known->buffer, binding.offset, binding.stored});
    }
    for (const Adopted &memory : adopted)
      tickets.push_back(queue.fetch(memory.buffer));
    Launch launch{work.program, work.grid, bindings, work.scalars, work.scalarsIndex};
    tickets.push_back(queue.launch(launch));
    for (const Adopted &memory : adopted)
      if (memory.stored)
        tickets.push_back(queue.publish(memory.buffer));
  } catch (...) {
    for (const Ticket &ticket : tickets)
      if (ticket)
        ticket->join();
    throw;
  }
  return tickets;
}

void Device::run(const HostLaunch &launch) {
  Lease queue(*this);
  Queue::wait(submit(*queue, launch, nullptr));
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
