// SPDX-License-Identifier: MIT
// How the CPU device calls a kernel function, whose parameters are buffers and then its position.
#pragma once

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
} // namespace detail
} // namespace tm

// Loops over registers stay loops, because registers are memory here.
#define TM_UNROLL_GPU
#define TM_READ_ONLY
