// SPDX-License-Identifier: MIT
// Arithmetic with Triton's semantics: integers wrap, division never traps, comparisons spell out
// what NaN does.
#pragma once

#include <metal_stdlib>

namespace tm {

// ---- integers ----

namespace detail {
// Wide: the unsigned type in which arithmetic on T wraps. Unsigned: the unsigned type of the same width.
template <typename T> struct Wide {
  using type = uint;
};
template <> struct Wide<long> {
  using type = ulong;
};
template <> struct Wide<ulong> {
  using type = ulong;
};
template <typename T> struct Unsigned;
template <> struct Unsigned<char> {
  using type = uchar;
};
template <> struct Unsigned<short> {
  using type = ushort;
};
template <> struct Unsigned<int> {
  using type = uint;
};
template <> struct Unsigned<long> {
  using type = ulong;
};
template <typename T> using wide = typename Wide<T>::type;
template <typename T> using without_sign = typename Unsigned<T>::type;
template <typename T> inline int bits_of() { return int(sizeof(T)) * 8; }
} // namespace detail

template <typename T> inline T add(T a, T b) { return T(detail::wide<T>(a) + detail::wide<T>(b)); }
template <typename T> inline T sub(T a, T b) { return T(detail::wide<T>(a) - detail::wide<T>(b)); }
template <typename T> inline T mul(T a, T b) { return T(detail::wide<T>(a) * detail::wide<T>(b)); }

// Triton leaves both open; here division by zero gives 0, and the smallest integer divided by -1 wraps.
template <typename T> inline T div(T a, T b) {
  return b == T(-1) ? sub(T(0), a) : T(a / (b == T(0) ? T(1) : b)) * T(b != T(0));
}
template <typename T> inline T rem(T a, T b) {
  bool special = b == T(0) || b == T(-1);
  return special ? T(0) : T(a % b);
}
template <typename T> inline T udiv(T a, T b) {
  using U = detail::without_sign<T>;
  return b == T(0) ? T(0) : T(U(a) / U(b));
}
template <typename T> inline T urem(T a, T b) {
  using U = detail::without_sign<T>;
  return b == T(0) ? T(0) : T(U(a) % U(b));
}
// For a divisor that is a power of two: `low` is the divisor minus 1, `log2` its logarithm.
template <typename T> inline T rem_power_of_2(T a, T low) {
  T bias = T((a >> (detail::bits_of<T>() - 1)) & low);
  return sub(T(add(a, bias) & low), bias);
}
template <typename T> inline T div_power_of_2(T a, T low, T log2) {
  return T(add(a, T((a >> (detail::bits_of<T>() - 1)) & low)) >> log2);
}

template <typename T> inline T floor_div(T a, T b) {
  T quotient = div(a, b);
  return rem(a, b) != T(0) && (a < T(0)) != (b < T(0)) ? sub(quotient, T(1)) : quotient;
}
template <typename T> inline T ceil_div(T a, T b) {
  T quotient = div(a, b);
  return rem(a, b) != T(0) && (a < T(0)) == (b < T(0)) ? add(quotient, T(1)) : quotient;
}
template <typename T> inline T uceil_div(T a, T b) {
  T quotient = udiv(a, b);
  return urem(a, b) != T(0) ? add(quotient, T(1)) : quotient;
}

// A shift by the width or more gives 0, or copies of the sign bit.
template <typename T> inline T shl(T a, T n) {
  using U = detail::without_sign<T>;
  bool inside = U(n) < U(detail::bits_of<T>());
  return inside ? T(detail::wide<T>(a) << (n & T(detail::bits_of<T>() - 1))) : T(0);
}
template <typename T> inline T shr(T a, T n) {
  using U = detail::without_sign<T>;
  bool inside = U(n) < U(detail::bits_of<T>());
  return T(a >> (inside ? n : T(detail::bits_of<T>() - 1)));
}
template <typename T> inline T ushr(T a, T n) {
  using U = detail::without_sign<T>;
  bool inside = U(n) < U(detail::bits_of<T>());
  return inside ? T(U(a) >> (n & T(detail::bits_of<T>() - 1))) : T(0);
}
inline bool shl(bool a, bool n) { return a && !n; }
inline bool shr(bool a, bool) { return a; }
inline bool ushr(bool a, bool n) { return a && !n; }
inline bool div(bool a, bool b) { return a && b; }
inline bool udiv(bool a, bool b) { return a && b; }
inline bool floor_div(bool a, bool b) { return a && b; }
inline bool ceil_div(bool a, bool b) { return a && b; }
inline bool uceil_div(bool a, bool b) { return a && b; }
inline bool rem(bool, bool) { return false; }
inline bool urem(bool, bool) { return false; }

template <typename T> inline T imax(T a, T b) { return a > b ? a : b; }
template <typename T> inline T imin(T a, T b) { return a < b ? a : b; }
template <typename T> inline T umax(T a, T b) {
  using U = detail::without_sign<T>;
  return U(a) > U(b) ? a : b;
}
template <typename T> inline T umin(T a, T b) {
  using U = detail::without_sign<T>;
  return U(a) < U(b) ? a : b;
}
inline bool imax(bool a, bool b) { return a && b; } // as a signed number, true is -1
inline bool imin(bool a, bool b) { return a || b; }
inline bool umax(bool a, bool b) { return a || b; }
inline bool umin(bool a, bool b) { return a && b; }
template <typename T> inline T iabs(T a) { return a < T(0) ? sub(T(0), a) : a; }

template <typename T> inline T ctpop(T a) { return T(metal::popcount(detail::without_sign<T>(a))); }
template <typename T> inline T ctlz(T a) { return T(metal::clz(detail::without_sign<T>(a))); }
template <typename T> inline T cttz(T a) { return T(metal::ctz(detail::without_sign<T>(a))); }

namespace detail {
inline ulong mulhi64(ulong a, ulong b) {
  ulong al = a & 0xffffffffUL, ah = a >> 32, bl = b & 0xffffffffUL, bh = b >> 32;
  ulong low = al * bl, mid = ah * bl + (low >> 32), mid2 = al * bh + (mid & 0xffffffffUL);
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}
} // namespace detail
template <typename T> inline T mulhi_unsigned(T a, T b) {
  using U = detail::without_sign<T>;
  return T(ulong(U(a)) * ulong(U(b)) >> detail::bits_of<T>());
}
inline long mulhi_unsigned(long a, long b) { return long(detail::mulhi64(ulong(a), ulong(b))); }
template <typename T> inline T mulhi_signed(T a, T b) { return T(long(a) * long(b) >> detail::bits_of<T>()); }
inline long mulhi_signed(long a, long b) {
  ulong high = detail::mulhi64(ulong(a), ulong(b));
  high -= a < 0 ? ulong(b) : 0UL;
  high -= b < 0 ? ulong(a) : 0UL;
  return long(high);
}

// One bit: 1 is the product of two ones, also where they stand for -1.
inline bool mulhi_unsigned(bool, bool) { return false; }
inline bool mulhi_signed(bool, bool) { return false; }

/// The integer without last digits that float and bfloat cannot hold; the last digit that is left is odd where
/// something was lost. Rounding it to float is exact, and to bfloat then gives what rounding `a` once gives.
template <typename T> inline T with_few_digits(T a) {
  T size = a < T(0) ? T(~a) : a;
  int lost = size < (T(1) << 22) ? 0 : 12;
  if (sizeof(T) == 8)
    lost = ulong(size) < (1UL << 36) ? lost : ulong(size) < (1UL << 50) ? 26 : 40;
  T rest = a & ((T(1) << lost) - T(1));
  return rest == T(0) ? a : T((a | (T(1) << lost)) - rest);
}

/// The number of trips of a loop from `first` to `last`, exclusive.
template <typename T> inline long trip_count(T first, T last, T step) {
  if (first >= last || step <= T(0))
    return 0;
  ulong distance = ulong(long(last)) - ulong(long(first));
  return long((distance - 1UL) / ulong(long(step)) + 1UL);
}

// ---- floats ----

/// Saturates; NaN becomes 0.
template <typename T, typename F> inline T to_int(F x) {
  constexpr bool is_signed = T(-1) < T(0);
  constexpr int bits = int(sizeof(T)) * 8 - (is_signed ? 1 : 0);
  const F end = F(ulong(1) << (bits - 1)) * F(2); // a power of two: exact
  constexpr T largest = is_signed
                            ? T((detail::wide<T>(1) << (bits - 1)) - 1 + (detail::wide<T>(1) << (bits - 1)))
                            : T(~detail::wide<T>(0));
  constexpr T smallest = is_signed ? T(-largest - 1) : T(0);
  bool above = x >= end, below = is_signed ? x < -end : x <= F(-1), number = x == x;
  T inside = T(above || below || !number ? F(0) : x);
  return above ? largest : below ? smallest : inside;
}
template <typename T> inline T to_int(half x) { return to_int<T, float>(float(x)); }
template <typename T> inline T to_int(bfloat x) { return to_int<T, float>(float(x)); }

// `|` in place of `||`: a GPU compiler would keep the branch of the latter.
template <typename T> inline T maxnum(T a, T b) { return bool((a > b) | (b != b)) ? a : b; }
template <typename T> inline T minnum(T a, T b) { return bool((a < b) | (b != b)) ? a : b; }
template <typename T> inline T maximum(T a, T b) { return bool((a > b) | (a != a)) ? a : b; }
template <typename T> inline T minimum(T a, T b) { return bool((a < b) | (a != a)) ? a : b; }
template <typename T> inline T clamp_number(T x, T low, T high) { return minnum(maxnum(x, low), high); }
template <typename T> inline T clamp_nan(T x, T low, T high) {
  return x != x ? x : minnum(maxnum(x, low), high);
}

} // namespace tm
