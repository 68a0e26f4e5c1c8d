// SPDX-License-Identifier: MIT
// Atomic operations on device memory that return the old value, for the types that Triton has:
//   atomic_add, sub, max, min, umax, umin, and, or, xor, exchange (pointer, value, order)
//   atomic_cas (pointer, expected, desired, order), atomic_load (pointer, order)
//   atomic_store (pointer, value, order)
// and threadgroup_add (element, value) for int in threadgroup memory, which returns nothing.
//
// 8- and 16-bit elements are replaced within their 32-bit word, and operations that Metal lacks are loops
// around compare-and-exchange. These compare bits, not numbers, because NaN does not equal itself. Such a
// loop waits for nobody: an exchange fails because another one has succeeded, or, in its weak form, by
// chance, but not for ever.
//
// On 64-bit types, all of these need TM_HAS_ATOMIC64 (the CPU device, NVIDIA GPUs). Apple GPUs have only what
// needs no result:
//   atomic_add_halves, and, or, xor (pointer, value, order): as 32-bit operations on both halves
//   atomic_umax_only, umin_only (pointer, value, order): from Apple8 on; TM_NO_ATOMIC64 says there are none
//
// Metal's operations are relaxed. With TM_MSL_32 (Metal 3.2), fences of device scope give the other orders.
// Without it, order has no effect, so the compiler must refuse programs that wait for one another.
#pragma once

#include "bits64.h"

namespace tm {

enum Order { relaxed, acquire, release, acq_rel };

/// A poll (TM_POLL, which only some devices have) until this time, in nanoseconds, does not end by itself.
constant constexpr ulong no_deadline = ~ulong(0);

namespace detail {

// ---- operations on two values ----

struct Add {
  template <typename T> static T apply(T a, T b) { return T(a + b); }
};
struct Subtract {
  template <typename T> static T apply(T a, T b) { return T(a - b); }
};
struct Maximum {
  template <typename T> static T apply(T a, T b) { return a > b ? a : b; }
};
struct Minimum {
  template <typename T> static T apply(T a, T b) { return a < b ? a : b; }
};
struct And {
  template <typename T> static T apply(T a, T b) { return T(a & b); }
};
struct Or {
  template <typename T> static T apply(T a, T b) { return T(a | b); }
};
struct Xor {
  template <typename T> static T apply(T a, T b) { return T(a ^ b); }
};
struct Exchange {
  template <typename T> static T apply(T, T b) { return b; }
};

/// Maps the bits of a float to an integer with the same order; Triton's front end compares floats in this
/// way. NaN is above infinity when its sign bit is clear, and below minus infinity when it is set.
template <typename I> inline I ordered(I bits) {
  return bits >= 0 ? bits : I(bits ^ I(~(I(1) << (8 * sizeof(I) - 1))));
}

template <typename T, typename Operation> struct Apply {
  static T of(T a, T b) { return Operation::apply(a, b); }
};
#define TM_ORDERED(T, I)                                                                                     \
  template <> struct Apply<T, Maximum> {                                                                     \
    static T of(T a, T b) { return ordered(as_type<I>(a)) > ordered(as_type<I>(b)) ? a : b; }                \
  };                                                                                                         \
  template <> struct Apply<T, Minimum> {                                                                     \
    static T of(T a, T b) { return ordered(as_type<I>(a)) < ordered(as_type<I>(b)) ? a : b; }                \
  };
TM_ORDERED(float, int)
TM_ORDERED(half, short)
TM_ORDERED(bfloat, short)
#if defined(TM_HAS_DOUBLE)
TM_ORDERED(double, long)
#endif
#undef TM_ORDERED

// ---- compare-and-exchange of whole words ----

#if defined(TM_CPU)

static inline int memory_order_of(Order order) {
  return order == relaxed ? __ATOMIC_RELAXED
                          : (order == acquire ? __ATOMIC_ACQUIRE
                                              : (order == release ? __ATOMIC_RELEASE : __ATOMIC_ACQ_REL));
}
template <typename W> inline W load_word(device W *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
/// Returns whether *p was `expected` and is now `desired`; else stores the value of *p in `expected`.
template <typename W> inline bool try_exchange(device W *p, thread W *expected, W desired, Order order) {
  // A failed exchange only loads, so it has no release.
  if (order == relaxed)
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  if (order == release)
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  if (order == acquire)
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE);
  return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
static inline void fence_before(Order) {}
static inline void fence_after(Order) {}

#else

static inline uint load_word(device uint *p) {
  return metal::atomic_load_explicit((device metal::atomic_uint *)p, metal::memory_order_relaxed);
}
static inline bool try_exchange(device uint *p, thread uint *expected, uint desired, Order) {
  // The weak form may fail spuriously, which must not look like another value.
  uint wanted = *expected;
  while (!metal::atomic_compare_exchange_weak_explicit((device metal::atomic_uint *)p, expected, desired,
                                                       metal::memory_order_relaxed,
                                                       metal::memory_order_relaxed))
    if (*expected != wanted)
      return false;
  return true;
}
#if defined(TM_HAS_ATOMIC64)
ulong load_word(device ulong *p); // supplied by the device's own header
bool try_exchange(device ulong *p, thread ulong *expected, ulong desired, Order order);
#endif
#if defined(TM_MSL_32)
static inline void fence_before(Order order) {
  if (order == release || order == acq_rel)
    metal::atomic_thread_fence(metal::mem_flags::mem_device, metal::memory_order_release,
                               metal::thread_scope_device);
}
static inline void fence_after(Order order) {
  if (order == acquire || order == acq_rel)
    metal::atomic_thread_fence(metal::mem_flags::mem_device, metal::memory_order_acquire,
                               metal::thread_scope_device);
}
#else
static inline void fence_before(Order) {}
static inline void fence_after(Order) {}
#endif

#endif

// ---- any operation on any type ----

#if defined(TM_HAS_ATOMIC64)
#define TM_CHECK_WIDTH(T)
#else
#define TM_CHECK_WIDTH(T) static_assert(sizeof(T) <= 4, "this device has no 64-bit atomics with a result");
#endif

/// The word that holds an element, and the element's place in it.
template <typename T> struct Place {
  TM_CHECK_WIDTH(T)
#if defined(TM_CPU)
  using Word = typename detail::Word<sizeof(T)>::Type; // a CPU exchanges narrow words too
#else
  using Word = typename detail::Word<(sizeof(T) < 4 ? 4 : sizeof(T))>::Type;
#endif
  device Word *word;
  uint shift;
  static Place of(device T *p) {
    if (sizeof(Word) == sizeof(T))
      return {(device Word *)p, 0};
    ulong address = reinterpret_cast<ulong>(p);
    return {reinterpret_cast<device Word *>(address & ~ulong(3)), uint(address & 3) * 8};
  }
  T get(Word bits) const { return from_word<T>(typename detail::Word<sizeof(T)>::Type(bits >> shift)); }
  Word put(Word bits, T value) const {
    constexpr Word mask = Word(~ulong(0) >> (64 - 8 * sizeof(T)));
    return Word((bits & Word(~(mask << shift))) | Word(Word(to_word(value)) << shift));
  }
};

template <typename Operation, typename T> inline T update(device T *p, T value, Order order) {
  Place<T> place = Place<T>::of(p);
  fence_before(order);
  typename Place<T>::Word old = load_word(place.word);
  while (!try_exchange(place.word, &old, place.put(old, Apply<T, Operation>::of(place.get(old), value)),
                       order)) {
  }
  fence_after(order);
  return place.get(old);
}

template <typename T> inline T compare_exchange(device T *p, T expected, T desired, Order order) {
  Place<T> place = Place<T>::of(p);
  fence_before(order);
  typename Place<T>::Word old = load_word(place.word);
  // Neighbours in the same word may change meanwhile, so only the bits of the element decide.
  while (true) {
    typename Place<T>::Word wanted = place.put(old, expected);
    bool equal = wanted == old;
    if (try_exchange(place.word, &old, equal ? place.put(old, desired) : old, order))
      break;
  }
  fence_after(order);
  return place.get(old);
}

} // namespace detail

// ---- the operations ----

#define TM_ATOMIC(NAME, OPERATION)                                                                           \
  template <typename T> inline T atomic_##NAME(device T *p, T value, Order order) {                          \
    return detail::update<detail::OPERATION>(p, value, order);                                               \
  }
TM_ATOMIC(add, Add)
TM_ATOMIC(sub, Subtract)
TM_ATOMIC(max, Maximum)
TM_ATOMIC(min, Minimum)
TM_ATOMIC(and, And)
TM_ATOMIC(or, Or)
TM_ATOMIC(xor, Xor)
TM_ATOMIC(exchange, Exchange)
#undef TM_ATOMIC

template <typename T> inline T atomic_cas(device T *p, T expected, T desired, Order order) {
  return detail::compare_exchange(p, expected, desired, order);
}

/// Reads the whole word, so that the element is never torn.
template <typename T> inline T atomic_load(device T *p, Order order) {
  TM_CHECK_WIDTH(T)
#if defined(TM_CPU)
  typename detail::Word<sizeof(T)>::Type bits;
  bits = order == relaxed ? __atomic_load_n((decltype(bits) *)p, __ATOMIC_RELAXED)
                          : __atomic_load_n((decltype(bits) *)p, __ATOMIC_ACQUIRE);
  return detail::from_word<T>(bits);
#else
  detail::Place<T> place = detail::Place<T>::of(p);
  T value = place.get(detail::load_word(place.word));
  detail::fence_after(order);
  return value;
#endif
}
template <typename T> inline void atomic_store(device T *p, T value, Order order) {
  TM_CHECK_WIDTH(T)
#if defined(TM_CPU)
  typename detail::Word<sizeof(T)>::Type bits = detail::to_word(value);
  if (order == relaxed)
    __atomic_store_n((decltype(bits) *)p, bits, __ATOMIC_RELAXED);
  else
    __atomic_store_n((decltype(bits) *)p, bits, __ATOMIC_RELEASE);
#else
  atomic_exchange(p, value, order);
#endif
}

// Maximum and minimum of integers taken as unsigned.
#define TM_ATOMIC_UNSIGNED(SIGNED, UNSIGNED)                                                                 \
  static inline SIGNED atomic_umax(device SIGNED *p, SIGNED value, Order order) {                            \
    return SIGNED(atomic_max((device UNSIGNED *)p, UNSIGNED(value), order));                                 \
  }                                                                                                          \
  static inline SIGNED atomic_umin(device SIGNED *p, SIGNED value, Order order) {                            \
    return SIGNED(atomic_min((device UNSIGNED *)p, UNSIGNED(value), order));                                 \
  }                                                                                                          \
  static inline UNSIGNED atomic_umax(device UNSIGNED *p, UNSIGNED value, Order order) {                      \
    return atomic_max(p, value, order);                                                                      \
  }                                                                                                          \
  static inline UNSIGNED atomic_umin(device UNSIGNED *p, UNSIGNED value, Order order) {                      \
    return atomic_min(p, value, order);                                                                      \
  }
TM_ATOMIC_UNSIGNED(char, uchar)
TM_ATOMIC_UNSIGNED(short, ushort)
TM_ATOMIC_UNSIGNED(int, uint)
#if defined(TM_HAS_ATOMIC64)
TM_ATOMIC_UNSIGNED(long, ulong)
#endif
#undef TM_ATOMIC_UNSIGNED

// ---- operations with an instruction of their own ----

#if defined(TM_CPU)
#define TM_ATOMIC_NATIVE(T, NAME, BUILTIN)                                                                   \
  static inline T atomic_##NAME(device T *p, T value, Order order) {                                         \
    return order == relaxed ? BUILTIN(p, value, __ATOMIC_RELAXED) : BUILTIN(p, value, __ATOMIC_ACQ_REL);     \
  }
#define TM_ATOMIC_NATIVES(T)                                                                                 \
  TM_ATOMIC_NATIVE(T, add, __atomic_fetch_add)                                                               \
  TM_ATOMIC_NATIVE(T, sub, __atomic_fetch_sub)                                                               \
  TM_ATOMIC_NATIVE(T, and, __atomic_fetch_and)                                                               \
  TM_ATOMIC_NATIVE(T, or, __atomic_fetch_or)                                                                 \
  TM_ATOMIC_NATIVE(T, xor, __atomic_fetch_xor)                                                               \
  TM_ATOMIC_NATIVE(T, exchange, __atomic_exchange_n)
#if defined(TM_HAS_ATOMIC64)
TM_ATOMIC_NATIVES(long)
TM_ATOMIC_NATIVES(ulong)
#endif
#else
#define TM_ATOMIC_NATIVE(T, NAME, FUNCTION)                                                                  \
  static inline T atomic_##NAME(device T *p, T value, Order order) {                                         \
    detail::fence_before(order);                                                                             \
    T old = metal::FUNCTION((device metal::atomic<T> *)p, value, metal::memory_order_relaxed);               \
    detail::fence_after(order);                                                                              \
    return old;                                                                                              \
  }
#define TM_ATOMIC_NATIVES(T)                                                                                 \
  TM_ATOMIC_NATIVE(T, add, atomic_fetch_add_explicit)                                                        \
  TM_ATOMIC_NATIVE(T, sub, atomic_fetch_sub_explicit)                                                        \
  TM_ATOMIC_NATIVE(T, max, atomic_fetch_max_explicit)                                                        \
  TM_ATOMIC_NATIVE(T, min, atomic_fetch_min_explicit)                                                        \
  TM_ATOMIC_NATIVE(T, and, atomic_fetch_and_explicit)                                                        \
  TM_ATOMIC_NATIVE(T, or, atomic_fetch_or_explicit)                                                          \
  TM_ATOMIC_NATIVE(T, xor, atomic_fetch_xor_explicit)                                                        \
  TM_ATOMIC_NATIVE(T, exchange, atomic_exchange_explicit)
TM_ATOMIC_NATIVE(float, add, atomic_fetch_add_explicit)
TM_ATOMIC_NATIVE(float, sub, atomic_fetch_sub_explicit)
TM_ATOMIC_NATIVE(float, exchange, atomic_exchange_explicit)
#endif
TM_ATOMIC_NATIVES(int)
TM_ATOMIC_NATIVES(uint)
#undef TM_ATOMIC_NATIVES
#undef TM_ATOMIC_NATIVE
#undef TM_CHECK_WIDTH

// ---- 64-bit integers without 64-bit atomics ----

namespace detail {

// Memory is little endian, so the low half of an element comes first.
static inline device metal::atomic_uint *low_half(device void *p) { return (device metal::atomic_uint *)p; }
static inline device metal::atomic_uint *high_half(device void *p) { return low_half(p) + 1; }

#if defined(TM_CPU)
static inline void fence_halves_before(Order order) { __atomic_thread_fence(memory_order_of(order)); }
static inline void fence_halves_after(Order order) { __atomic_thread_fence(memory_order_of(order)); }
#else
static inline void fence_halves_before(Order order) { fence_before(order); }
static inline void fence_halves_after(Order order) { fence_after(order); }
#endif

} // namespace detail

/// Each addition carries what its own step of the low half overflows by. So when all additions are done, the
/// element is their sum, in whatever order the steps were; in between it is not.
template <typename T> inline void atomic_add_halves(device T *p, T value, Order order) {
  static_assert(sizeof(T) == 8, "halves of 32 bits");
  uint low = uint(ulong(value)), high = uint(ulong(value) >> 32);
  detail::fence_halves_before(order);
  uint before = metal::atomic_fetch_add_explicit(detail::low_half(p), low, metal::memory_order_relaxed);
  uint carry = before + low < low ? 1u : 0u;
  metal::atomic_fetch_add_explicit(detail::high_half(p), high + carry, metal::memory_order_relaxed);
  detail::fence_halves_after(order);
}
#define TM_ATOMIC_HALVES(NAME)                                                                               \
  template <typename T> inline void atomic_##NAME##_halves(device T *p, T value, Order order) {              \
    static_assert(sizeof(T) == 8, "halves of 32 bits");                                                      \
    detail::fence_halves_before(order);                                                                      \
    metal::atomic_fetch_##NAME##_explicit(detail::low_half(p), uint(ulong(value)),                           \
                                          metal::memory_order_relaxed);                                      \
    metal::atomic_fetch_##NAME##_explicit(detail::high_half(p), uint(ulong(value) >> 32),                    \
                                          metal::memory_order_relaxed);                                      \
    detail::fence_halves_after(order);                                                                       \
  }
TM_ATOMIC_HALVES(and)
TM_ATOMIC_HALVES(or)
TM_ATOMIC_HALVES(xor)
#undef TM_ATOMIC_HALVES

#if !defined(TM_NO_ATOMIC64)
#define TM_ATOMIC_ONLY(NAME, FUNCTION)                                                                       \
  template <typename T> inline void atomic_##NAME##_only(device T *p, T value, Order order) {                \
    static_assert(sizeof(T) == 8, "Metal has these for ulong");                                              \
    detail::fence_halves_before(order);                                                                      \
    metal::FUNCTION((device metal::atomic_ulong *)p, ulong(value), metal::memory_order_relaxed);             \
    detail::fence_halves_after(order);                                                                       \
  }
TM_ATOMIC_ONLY(umax, atomic_max_explicit)
TM_ATOMIC_ONLY(umin, atomic_min_explicit)
#undef TM_ATOMIC_ONLY
#endif

// ---- threadgroup memory, for histograms ----

static inline int atomic_add_shared(threadgroup int *p, int value) {
#if defined(TM_CPU)
  return __atomic_fetch_add(p, value, __ATOMIC_RELAXED);
#else
  return metal::atomic_fetch_add_explicit((threadgroup metal::atomic_int *)p, value,
                                          metal::memory_order_relaxed);
#endif
}

/// Adds to an element in threadgroup memory, with relaxed order.
static inline void threadgroup_add(threadgroup int *element, int value) {
  metal::atomic_fetch_add_explicit((threadgroup metal::atomic_int *)element, value,
                                   metal::memory_order_relaxed);
}

} // namespace tm
