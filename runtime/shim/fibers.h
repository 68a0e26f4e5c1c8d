// SPDX-License-Identifier: MIT
// A fiber for each thread of a threadgroup. The fibers of a threadgroup take turns on one operating-system
// thread; a fiber runs until it waits for others. After a barrier they are queued in the order in which they
// reached it.
#pragma once

#include "fibers_workspace.h"
#include "hooks.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace tm_fibers {

// ---- switching stacks ----

// No kernel changes the floating-point modes, so a switch does not save them.
#if defined(__x86_64__)
using Context = void *; // the stack pointer
__attribute__((naked, noinline)) static void switch_context(Context *, Context *) {
  __asm__("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
          "movq %rsp, (%rdi)\n movq (%rsi), %rsp\n"
          "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n retq\n");
}
static inline void make_context(Context &context, char *stack, unsigned long bytes, void (*start)()) {
  void **top = reinterpret_cast<void **>((reinterpret_cast<unsigned long>(stack) + bytes) & ~63ul);
  top[-1] = nullptr; // return address: there is no caller
  top[-2] = reinterpret_cast<void *>(start);
  context = top - 8; // room for six saved registers
}
#elif defined(__aarch64__)
using Context = void *;
__attribute__((naked, noinline)) static void switch_context(Context *, Context *) {
  __asm__("sub sp, sp, #160\n"
          "stp x19, x20, [sp]\n stp x21, x22, [sp, #16]\n stp x23, x24, [sp, #32]\n"
          "stp x25, x26, [sp, #48]\n stp x27, x28, [sp, #64]\n stp x29, x30, [sp, #80]\n"
          "stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n"
          "stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
          "mov x9, sp\n str x9, [x0]\n ldr x9, [x1]\n mov sp, x9\n"
          "ldp x19, x20, [sp]\n ldp x21, x22, [sp, #16]\n ldp x23, x24, [sp, #32]\n"
          "ldp x25, x26, [sp, #48]\n ldp x27, x28, [sp, #64]\n ldp x29, x30, [sp, #80]\n"
          "ldp d8, d9, [sp, #96]\n ldp d10, d11, [sp, #112]\n"
          "ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
          "add sp, sp, #160\n ret\n");
}
static inline void make_context(Context &context, char *stack, unsigned long bytes, void (*start)()) {
  void **top = reinterpret_cast<void **>((reinterpret_cast<unsigned long>(stack) + bytes) & ~63ul);
  top[-20 + 10] = nullptr; // frame pointer
  top[-20 + 11] = reinterpret_cast<void *>(start);
  context = top - 20;
}
#else
using Context = ucontext_t;
static inline void switch_context(Context *from, Context *to) { swapcontext(from, to); }
static inline void make_context(Context &context, char *stack, unsigned long bytes, void (*start)()) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = bytes;
  context.uc_link = nullptr;
  makecontext(&context, start, 0);
}
#endif

// ---- scheduling ----

constexpr unsigned max_threads = 1024, nobody = ~0u;

struct Fiber {
  Context context;
  unsigned next;         // the fiber behind it in its queue
  unsigned parity;       // of the number of exchanges so far
  unsigned epochs[2][2]; // barriers passed so far, by memory (device, threadgroup), then by scope
                         // (threadgroup, SIMD group)
};
struct Line {
  unsigned first = nobody, last = nobody;
};
/// A point where threads wait for one another.
struct Meeting {
  unsigned alive = 0, arrived = 0;
  Line waiting;
};
struct Simdgroup {
  Meeting meeting;
  alignas(16) unsigned char slots[2][tm_hooks::lanes][tm_hooks::slot_bytes];
  unsigned written[2] = {0, 0}, active[2] = {0, 0};
};
struct Threadgroup {
  Workspace *workspace;
  void (*body)(void *, unsigned);
  void *argument;
  unsigned current = 0, alive;
  Line ready;
  Meeting all;
  Context home;
  void *barrier; // at which the threads in `all` are waiting
  // Only in the race check: threads reached different barriers, or returned while others were waiting.
  bool diverged = false;
  Simdgroup simdgroups[max_threads / tm_hooks::lanes];
  Fiber fibers[max_threads];

  Fiber &self() { return fibers[current]; }
  Simdgroup &simdgroup() { return simdgroups[current / tm_hooks::lanes]; }
  void append(Line &line, unsigned fiber) {
    fibers[fiber].next = nobody;
    (line.last == nobody ? line.first : fibers[line.last].next) = fiber;
    line.last = fiber;
  }
  void go_on(Meeting &meeting) {
    meeting.arrived = 0;
    if (meeting.waiting.first == nobody)
      return;
    (ready.last == nobody ? ready.first : fibers[ready.last].next) = meeting.waiting.first;
    ready.last = meeting.waiting.last;
    meeting.waiting = Line();
  }
  /// Runs the next ready fiber. When there is none, the threadgroup has finished or is stuck.
  void yield() {
    Context *from = &self().context, *to = &home;
    if (ready.first != nobody) {
      current = ready.first;
      ready.first = self().next;
      if (ready.first == nobody)
        ready.last = nobody;
      to = &self().context;
    }
    switch_context(from, to);
  }
  void wait(Meeting &meeting) {
    if (++meeting.arrived == meeting.alive)
      return go_on(meeting);
    append(meeting.waiting, current);
    yield();
  }
  void leave(Meeting &meeting) {
    if (--meeting.alive && meeting.arrived == meeting.alive)
      go_on(meeting);
  }
};

static thread_local Threadgroup *threadgroup_here;

[[gnu::noinline]] static void start() {
  Threadgroup &group = *threadgroup_here;
  group.body(group.argument, group.current);
  --group.alive;
  group.diverged |= group.all.arrived != 0;
  group.leave(group.simdgroup().meeting);
  group.leave(group.all);
  group.yield();
}

/// Calls body(argument, i) in a fiber for each thread i < threads. Returns false when threads are left
/// waiting for others that never come.
[[gnu::noinline]] static bool run(Workspace *workspace, unsigned threads, void (*body)(void *, unsigned),
                                  void *argument) {
  Threadgroup group;
  group.workspace = workspace;
  group.body = body;
  group.argument = argument;
  group.alive = group.all.alive = threads;
  for (unsigned i = 0; i < threads; ++i) {
    Fiber &fiber = group.fibers[i];
    fiber.parity = 0;
    __builtin_memset(fiber.epochs, 0, sizeof fiber.epochs);
    ++group.simdgroups[i / tm_hooks::lanes].meeting.alive;
    // Staggers the tops of the stacks within their pages, because otherwise they would share a few sets of
    // the cache.
    make_context(fiber.context, workspace->stacks + i * workspace->stackBytes,
                 workspace->stackBytes - i % 32 * 128, start);
    group.append(group.ready, i);
  }
  group.current = 0;
  group.ready.first = group.fibers[0].next;
  if (group.ready.first == nobody)
    group.ready.last = nobody;
  Threadgroup *outer = threadgroup_here;
  threadgroup_here = &group;
  switch_context(&group.home, &group.fibers[0].context);
  threadgroup_here = outer;
#ifdef TM_CHECK_RACES
  if (group.diverged)
    return false;
#endif
  return group.alive == 0;
}

static inline char *threadgroup_memory() { return threadgroup_here->workspace->memory; }

/// Counts a barrier that orders device memory (flags, bit 0) or threadgroup memory (bit 1). Its return
/// address identifies the barrier, so each barrier needs a call of its own.
[[gnu::noinline, clang::noduplicate]] static void fence(unsigned flags, bool simdgroup_only) {
  Threadgroup &group = *threadgroup_here;
  for (unsigned memory = 0; memory < 2; ++memory)
    group.self().epochs[memory][simdgroup_only] += flags >> memory & 1;
  if (simdgroup_only)
    return;
  void *here = __builtin_return_address(0);
  if (group.all.arrived == 0)
    group.barrier = here;
  group.diverged |= group.barrier != here || group.alive != group.workspace->threads;
}

/// Whether an access of this thread is the first to be found unordered with an earlier one, which is
/// put in `before`.
static inline bool conflicts(const volatile void *address, unsigned bytes, unsigned site, Kind kind,
                             Access *before) {
  Threadgroup &group = *threadgroup_here;
  Workspace &workspace = *group.workspace;
  const char *at = static_cast<const char *>(const_cast<const void *>(address));
  const unsigned *epochs =
      group.self().epochs[at >= workspace.memory && at < workspace.memory + workspace.memoryBytes];
  const Access now{at, bytes, site, kind, group.current, {epochs[0], epochs[1]}};
  return workspace.conflict && workspace.conflict(workspace.tracker, &now, before);
}

} // namespace tm_fibers

namespace tm_hooks {

inline unsigned lane() { return tm_fibers::threadgroup_here->current % lanes; }
inline void wait_simdgroup() {
  tm_fibers::Threadgroup &group = *tm_fibers::threadgroup_here;
  group.wait(group.simdgroup().meeting);
}
inline void wait_threadgroup() {
  tm_fibers::Threadgroup &group = *tm_fibers::threadgroup_here;
  group.wait(group.all);
}
inline Exchange exchange(const void *value, unsigned bytes) {
  tm_fibers::Threadgroup &group = *tm_fibers::threadgroup_here;
  tm_fibers::Simdgroup &simdgroup = group.simdgroup();
  unsigned parity = group.self().parity, me = group.current % lanes;
  group.self().parity ^= 1;
  __builtin_memcpy(simdgroup.slots[parity][me], value, bytes);
  simdgroup.active[parity] = simdgroup.written[parity] |= 1u << me;
  group.wait(simdgroup.meeting);
  // No thread writes here again until all have reached their next exchange.
  simdgroup.written[parity] = 0;
  return {&simdgroup.slots[parity][0][0], simdgroup.active[parity]};
}

} // namespace tm_hooks
