// SPDX-License-Identifier: MIT
// How the CPU device calls a kernel function, whose parameters are buffers and then its position.
#pragma once

#include <waiting.h>

extern "C" const tm_waiting::Host *tm_host; // the device sets it in texts that poll
#define TM_POLLS extern "C" const tm_waiting::Host *tm_host = nullptr;

namespace tm {
namespace detail {
template <typename T> struct Buffer;
template <typename T> struct Buffer<T *> {
  static T *of(void *address) { return static_cast<T *>(address); }
};
template <typename T> struct Buffer<T &> {
  static T &of(void *address) { return *static_cast<T *>(address); }
};
template <unsigned... I> struct Indices {};
template <unsigned N, unsigned... I> struct Count : Count<N - 1, N - 1, I...> {};
template <unsigned... I> struct Count<0, I...> {
  using type = Indices<I...>;
};
/// A kernel function takes buffers, then its position.
template <typename... P, unsigned... I, typename... Position>
inline __attribute__((always_inline)) void call(void (*kernel_function)(P...), void *const *buffers,
                                                Indices<I...>, Position... position) {
  kernel_function(Buffer<__type_pack_element<I, P...>>::of(buffers[I])..., position...);
}
template <typename... P, typename... Position>
inline __attribute__((always_inline)) void run(void (*kernel_function)(P...), void *const *buffers,
                                               Position... position) {
  call(kernel_function, buffers, typename Count<sizeof...(P) - sizeof...(Position)>::type(), position...);
}
struct Threadgroup {
  void *const *buffers;
  uint3 pid, grid;
};
inline __attribute__((noinline)) ulong deadline(ulong timeout) {
  ulong now = tm_host->nanoseconds();
  return now + timeout < now ? no_deadline : now + timeout;
}
/// Whether the element has reached its value before the deadline.
template <typename T>
__attribute__((noinline)) bool poll(device T *p, T expected, Order order, ulong until, uint site,
                                    uint3 program) {
  if (atomic_load(p, order) == expected)
    return true;
  const bool ends = until != no_deadline;
  const tm_waiting::Poll waiting{p,    sizeof(T), typename Word<sizeof(T)>::Type(expected),
                                 ends, site,      {program.x, program.y, program.z}};
  tm_host->begin(&waiting);
  bool found = false;
  for (uint round = 0; !found; ++round) {
    if (ends && tm_host->nanoseconds() >= until)
      break;
    tm_host->pause(&waiting, round);
    found = atomic_load(p, order) == expected;
  }
  tm_host->end(&waiting);
  return found;
}
} // namespace detail
} // namespace tm

#define TM_DEADLINE(TIMEOUT) long(tm::detail::deadline(ulong(TIMEOUT)))
#define TM_POLL(POINTER, EXPECTED, ORDER, UNTIL, SITE)                                                       \
  tm::detail::poll(POINTER, EXPECTED, ORDER, ulong(UNTIL), SITE, tm_pid)

// Loops over registers stay loops, because registers are memory here.
#define TM_UNROLL_GPU
#define TM_READ_ONLY
