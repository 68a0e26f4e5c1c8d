// SPDX-License-Identifier: MIT
// Integer functions that Metal lacks for 64 bits, and shuffles within a SIMD group for types that its
// shuffles do not take.
#pragma once

#include <metal_stdlib>

namespace tm {

// ---- upper halves of products ----

namespace detail {

static inline ulong multiply_high(ulong a, ulong b) {
#if defined(TM_CPU)
  return ulong((unsigned __int128)a * b >> 64);
#else
  ulong a_low = a & 0xffffffff, a_high = a >> 32, b_low = b & 0xffffffff, b_high = b >> 32;
  ulong middle = a_high * b_low + (a_low * b_low >> 32);
  return a_high * b_high + (middle >> 32) + ((a_low * b_high + (middle & 0xffffffff)) >> 32);
#endif
}

template <int Bytes> struct Word; // unsigned integers by size
template <> struct Word<1> {
  using Type = uchar;
};
template <> struct Word<2> {
  using Type = ushort;
};
template <> struct Word<4> {
  using Type = uint;
};
template <> struct Word<8> {
  using Type = ulong;
};

} // namespace detail

/// The upper half of the product; umulhi takes its arguments as unsigned.
static inline int mulhi(int a, int b) { return int(long(a) * long(b) >> 32); }
static inline long mulhi(long a, long b) {
  long high = long(detail::multiply_high(ulong(a), ulong(b)));
  return high - (a < 0 ? b : 0) - (b < 0 ? a : 0);
}
static inline uint umulhi(uint a, uint b) { return uint(ulong(a) * ulong(b) >> 32); }
static inline int umulhi(int a, int b) { return int(umulhi(uint(a), uint(b))); }
static inline ulong umulhi(ulong a, ulong b) { return detail::multiply_high(a, b); }
static inline long umulhi(long a, long b) { return long(detail::multiply_high(ulong(a), ulong(b))); }

// ---- counting and reversing bits ----

static inline int popc(uint x) { return int(metal::popcount(x)); }
static inline int popc(int x) { return popc(uint(x)); }
static inline int popc(ulong x) { return popc(uint(x)) + popc(uint(x >> 32)); }
static inline int popc(long x) { return popc(ulong(x)); }

static inline int clz(uint x) { return int(metal::clz(x)); } // 32 for 0
static inline int clz(int x) { return clz(uint(x)); }
static inline int clz(ulong x) {
  uint high = uint(x >> 32);
  return high != 0 ? clz(high) : 32 + clz(uint(x));
}
static inline int clz(long x) { return clz(ulong(x)); }

static inline int ctz(uint x) { return int(metal::ctz(x)); } // 32 for 0
static inline int ctz(int x) { return ctz(uint(x)); }
static inline int ctz(ulong x) { return uint(x) != 0 ? ctz(uint(x)) : 32 + ctz(uint(x >> 32)); }
static inline int ctz(long x) { return ctz(ulong(x)); }

/// 1 + the index of the lowest set bit; 0 for 0.
static inline int ffs(int x) { return x == 0 ? 0 : 1 + ctz(x); }
static inline int ffs(long x) { return x == 0 ? 0 : 1 + ctz(x); }

static inline int brev(int x) { return int(metal::reverse_bits(uint(x))); }
static inline long brev(long x) {
  return long(ulong(metal::reverse_bits(uint(x))) << 32 | metal::reverse_bits(uint(ulong(x) >> 32)));
}

// ---- shuffles ----

namespace detail {

template <typename T> inline T from_word(typename Word<sizeof(T)>::Type bits) { return as_type<T>(bits); }
template <> inline bool from_word<bool>(uchar bits) { return bits != 0; }
template <typename T> inline typename Word<sizeof(T)>::Type to_word(T x) {
  return as_type<typename Word<sizeof(T)>::Type>(x);
}
template <> inline uchar to_word<bool>(bool x) { return x ? 1 : 0; }

} // namespace detail

// Not with the region loops of the CPU device, where threads meet in macros only.
#if !defined(TM_CPU_LOOPS)
// Any type of up to 8 bytes, as one or two 32-bit words.
#define TM_WORD_SHUFFLE(NAME)                                                                                \
  template <typename T> inline T NAME(T x, ushort by) {                                                      \
    using Word = typename detail::Word<sizeof(T)>::Type;                                                     \
    Word bits = detail::to_word(x);                                                                          \
    ulong result = metal::NAME(uint(bits), by);                                                              \
    if (sizeof(T) == 8)                                                                                      \
      result |= ulong(metal::NAME(uint(ulong(bits) >> 32), by)) << 32;                                       \
    return detail::from_word<T>(Word(result));                                                               \
  }                                                                                                          \
  static inline float NAME(float x, ushort by) { return metal::NAME(x, by); }                                \
  static inline int NAME(int x, ushort by) { return metal::NAME(x, by); }                                    \
  static inline uint NAME(uint x, ushort by) { return metal::NAME(x, by); }

TM_WORD_SHUFFLE(simd_shuffle_xor)
TM_WORD_SHUFFLE(simd_shuffle_up)
TM_WORD_SHUFFLE(simd_shuffle_down)
TM_WORD_SHUFFLE(simd_shuffle)
TM_WORD_SHUFFLE(simd_broadcast)
#undef TM_WORD_SHUFFLE
#endif

} // namespace tm
