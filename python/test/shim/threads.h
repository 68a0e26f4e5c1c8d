// SPDX-License-Identifier: MIT
// A fiber for each thread of a threadgroup, for tests: small and portable, not fast.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <ucontext.h>
#include <vector>

namespace tm_threads {

/// Threads that wait for one another.
struct Meeting {
  unsigned alive = 0, arrived = 0, rounds = 0;
  void close() { arrived = 0, ++rounds; }
};
struct Simdgroup {
  Meeting meeting;
  alignas(16) unsigned char slots[2][32][16];
  unsigned written[2] = {0, 0}, active[2] = {0, 0};
};
struct Fiber {
  ucontext_t context;
  Meeting *waits_for = nullptr;
  unsigned round = 0, parity = 0, index = 0;
  bool done = false;
};
struct Threadgroup {
  std::vector<Fiber> fibers;
  std::vector<Simdgroup> simdgroups;
  Meeting all;
  unsigned current = 0;
  ucontext_t home;
  std::function<void(unsigned)> body;

  bool runnable(const Fiber &f) const { return !f.done && !(f.waits_for && f.waits_for->rounds == f.round); }
  Fiber &self() { return fibers[current]; }
  Simdgroup &simdgroup() { return simdgroups[current / 32]; }
};
inline thread_local Threadgroup *threadgroup_of_thread;
constexpr size_t stack_bytes = 128 << 10;
inline thread_local std::vector<std::unique_ptr<char[]>> stacks; // kept for the next threadgroup

/// Goes on with another thread that can; if there is none, the launch ends.
inline void yield() {
  Threadgroup &group = *threadgroup_of_thread;
  unsigned from = group.current, n = unsigned(group.fibers.size());
  for (unsigned i = 1; i <= n; ++i) {
    unsigned next = (from + i) % n;
    if (group.runnable(group.fibers[next])) {
      group.current = next;
      if (next != from)
        swapcontext(&group.fibers[from].context, &group.fibers[next].context);
      return;
    }
  }
  swapcontext(&group.fibers[from].context, &group.home);
}
inline void wait(Meeting &meeting) {
  if (++meeting.arrived == meeting.alive)
    return meeting.close();
  Fiber &me = threadgroup_of_thread->self();
  me.waits_for = &meeting;
  me.round = meeting.rounds;
  yield();
  me.waits_for = nullptr;
}
inline void leave(Meeting &meeting) {
  --meeting.alive;
  if (meeting.alive && meeting.arrived == meeting.alive)
    meeting.close();
}
inline void start() {
  Threadgroup &group = *threadgroup_of_thread;
  group.body(group.current);
  group.self().done = true;
  leave(group.simdgroup().meeting);
  leave(group.all);
  yield();
}

/// Runs a threadgroup; false when threads wait for others that never come.
inline bool run(unsigned threads, std::function<void(unsigned)> body) {
  Threadgroup group;
  group.fibers.resize(threads);
  group.simdgroups.resize((threads + 31) / 32);
  group.all.alive = threads;
  group.body = std::move(body);
  threadgroup_of_thread = &group;
  for (unsigned i = 0; i < threads; ++i) {
    Fiber &f = group.fibers[i];
    ++group.simdgroups[i / 32].meeting.alive;
    if (stacks.size() <= i)
      stacks.emplace_back(new char[stack_bytes]);
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = stacks[i].get();
    f.context.uc_stack.ss_size = stack_bytes;
    f.context.uc_link = nullptr;
    makecontext(&f.context, start, 0);
  }
  swapcontext(&group.home, &group.fibers[0].context);
  for (const Fiber &f : group.fibers)
    if (!f.done)
      return false;
  return true;
}

} // namespace tm_threads

namespace tm_hooks {

inline unsigned lane() { return tm_threads::threadgroup_of_thread->current % 32; }
inline void wait_simdgroup() { tm_threads::wait(tm_threads::threadgroup_of_thread->simdgroup().meeting); }
inline void wait_threadgroup() { tm_threads::wait(tm_threads::threadgroup_of_thread->all); }
inline Exchange exchange(const void *value, unsigned bytes) {
  tm_threads::Threadgroup &group = *tm_threads::threadgroup_of_thread;
  tm_threads::Simdgroup &simdgroup = group.simdgroup();
  unsigned p = group.self().parity, me = lane();
  group.self().parity ^= 1;
  std::memcpy(simdgroup.slots[p][me], value, bytes);
  simdgroup.active[p] = simdgroup.written[p] |= 1u << me;
  wait_simdgroup();
  simdgroup.written[p] = 0;
  return {&simdgroup.slots[p][0][0], simdgroup.active[p]};
}

} // namespace tm_hooks
