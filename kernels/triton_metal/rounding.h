// SPDX-License-Identifier: MIT
// Arithmetic and conversions with a rounding mode: rn to nearest even, rz toward zero, rd down, ru up.
//
// The hardware rounds to nearest. The error of that rounding is computed exactly (error-free transformations:
// Knuth, Dekker), and where it has the wrong sign, the result moves to its neighbour.
#pragma once

#include "math.h"

namespace tm {
namespace detail {

// ---- what differs between float and double ----

static inline int bits_of(float x) { return as_type<int>(x); }
static inline float float_of(int bits) { return as_type<float>(bits); }
static inline float exact_fma(float a, float b, float c) { return metal::fma(a, b, c); }
static inline float root_of(float x) { return metal::precise::sqrt(x); }
static inline float scale_of(float x, int n) { return scale(x, n); }
static inline Parts parts_of(float x) { return parts(x); }
#if defined(TM_HAS_DOUBLE)
struct DoubleParts {
  double mantissa;
  int exponent;
};
static inline long bits_of(double x) { return as_type<long>(x); }
static inline double float_of(long bits) { return as_type<double>(bits); }
static inline double exact_fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline double root_of(double x) { return __builtin_sqrt(x); }
static inline double scale_of(double x, int n) { return __builtin_ldexp(x, n); }
static inline DoubleParts parts_of(double x) {
  int exponent = __builtin_ilogb(x);
  return {__builtin_ldexp(x, -exponent), exponent};
}
#endif

template <typename T> inline bool is_finite(T x) { return x - x == x - x; }
template <typename T> inline T positive_zero(T) { return T(0); }

/// The next larger number after a finite one.
template <typename T> inline T next_up(T x) {
  auto bits = bits_of(x);
  return x == T(0) ? float_of(bits_of(T(0)) + 1) : float_of(bits + (bits >= 0 ? 1 : -1));
}
template <typename T> inline T next_down(T x) { return -next_up(-x); }

/// The exact sum high + low.
template <typename T> struct Sum {
  T high, low;
};
template <typename T> inline Sum<T> exact_sum(T a, T b) {
  // The larger operand comes first, so that no intermediate result overflows unless the sum does.
  bool swap = (a < T(0) ? -a : a) < (b < T(0) ? -b : b);
  T large = swap ? b : a, small = swap ? a : b, sum = large + small;
  return {sum, small - (sum - large)};
}

enum Rounding { toward_zero, downward, upward };

/// (nearest + rest) * 2^exponent, rounded by mode. `nearest` is that sum rounded to nearest, finite and far
/// from overflow and underflow; only the sign of `rest` matters.
template <typename T> inline T round_by(T nearest, T rest, int exponent, Rounding mode) {
  T value = scale_of(nearest, exponent);
  bool overflow = !is_finite(value);
  // Scaling down to a subnormal number may have rounded a second time.
  T lost = overflow ? (nearest > T(0) ? T(-1) : T(1)) : nearest - scale_of(value, -exponent);
  rest = lost != T(0) ? lost : rest;
  bool down = mode == downward || (mode == toward_zero && nearest > T(0));
  bool up = mode == upward || (mode == toward_zero && nearest < T(0));
  if (overflow) { // either infinity or its neighbour
    T largest = float_of(bits_of(T(1) / T(0)) - 1);
    return down && nearest > T(0) ? largest : (up && nearest < T(0) ? -largest : value);
  }
  if (down && rest < T(0))
    return value == T(0) && nearest > T(0) ? value : next_down(value);
  if (up && rest > T(0))
    return value == T(0) && nearest < T(0) ? value : next_up(value);
  return value;
}

template <typename T> inline T add(T a, T b, Rounding mode) {
  Sum<T> sum = exact_sum(a, b);
  if (!is_finite(a) || !is_finite(b))
    return a + b;
  if (!is_finite(sum.high)) {
    bool positive = sum.high > T(0);
    T largest = float_of(bits_of(T(1) / T(0)) - 1);
    bool stay = mode == (positive ? upward : downward);
    return stay ? sum.high : (positive ? largest : -largest);
  }
  if (sum.high == T(0)) // exact; x - x is -0 when rounding down
    return mode == downward && !(bits_of(a) >= 0 && bits_of(b) >= 0) ? -T(0) : sum.high;
  return round_by(sum.high, sum.low, 0, mode);
}

template <typename T> inline T multiply(T a, T b, Rounding mode) {
  if (!is_finite(a) || !is_finite(b) || a == T(0) || b == T(0))
    return a * b;
  auto pa = parts_of(a), pb = parts_of(b);
  T product = pa.mantissa * pb.mantissa;
  return round_by(product, exact_fma(pa.mantissa, pb.mantissa, -product), pa.exponent + pb.exponent, mode);
}

template <typename T> inline T divide(T a, T b, Rounding mode) {
  if (!is_finite(a) || !is_finite(b) || a == T(0) || b == T(0))
    return a / b;
  auto pa = parts_of(a), pb = parts_of(b);
  T quotient = pa.mantissa / pb.mantissa;
  T rest = exact_fma(-quotient, pb.mantissa, pa.mantissa);
  return round_by(quotient, b < T(0) ? -rest : rest, pa.exponent - pb.exponent, mode);
}

template <typename T> inline T square_root(T x, Rounding mode) {
  if (!is_finite(x) || !(x > T(0)))
    return root_of(x);
  auto p = parts_of(x);
  int odd = p.exponent & 1;
  T m = odd ? p.mantissa + p.mantissa : p.mantissa, root = root_of(m);
  return round_by(root, exact_fma(-root, root, m), (p.exponent - odd) / 2, mode);
}

template <typename T> inline T multiply_add(T a, T b, T c, Rounding mode) {
  if (!is_finite(a) || !is_finite(b) || !is_finite(c))
    return exact_fma(a, b, c);
  if (a == T(0) || b == T(0))
    return add(a * b, c, mode);
  if (c == T(0))
    return multiply(a, b, mode);
  auto pa = parts_of(a), pb = parts_of(b), pc = parts_of(c);
  // Works on the mantissas. Where the terms are more than 100 (double: 220) binary places apart, only the
  // sign of the smaller one matters.
  int limit = sizeof(T) == 4 ? 100 : 220;
  int exponent = pa.exponent + pb.exponent, distance = pc.exponent - exponent;
  distance = distance > limit ? limit : (distance < -limit ? -limit : distance);
  exponent = distance == limit ? pc.exponent - limit : exponent;
  T addend = scale_of(pc.mantissa, distance);
  T product = pa.mantissa * pb.mantissa, low = exact_fma(pa.mantissa, pb.mantissa, -product);
  // The rest is product + low + addend - nearest, of which only the sign has to be right.
  T nearest = exact_fma(pa.mantissa, pb.mantissa, addend);
  if (nearest == T(0)) // exact: the terms cancel
    return mode == downward ? -T(0) : T(0);
  Sum<T> sum = exact_sum(product, addend), tail = exact_sum(sum.low, low);
  Sum<T> head = exact_sum(sum.high - nearest, tail.high); // the difference is exact
  T rest = head.high + (head.low + tail.low);
  return round_by(nearest, rest, exponent, mode);
}

/// Converts an integer to T, given the nearest T and `order`, the sign of the integer minus nearest.
template <typename T> inline T convert_by(T nearest, int order, Rounding mode) {
  return round_by(nearest, T(order), 0, mode);
}

/// The sign of the number, given by its magnitude, minus nearest.
static inline int order(ulong number, bool negative, float nearest) {
  // Compares magnitudes; 2^64 itself does not fit ulong.
  float size = magnitude(nearest);
  bool over = size >= 0x1p64f;
  ulong back = over ? 0 : ulong(size);
  int larger = over || back > number ? -1 : (back < number ? 1 : 0);
  return negative ? -larger : larger;
}
static inline float convert(long x, Rounding mode) {
  float nearest = float(x);
  return convert_by(nearest, order(x < 0 ? ulong(0) - ulong(x) : ulong(x), x < 0, nearest), mode);
}
static inline float convert_unsigned(ulong x, Rounding mode) {
  float nearest = float(x);
  return convert_by(nearest, order(x, false, nearest), mode);
}

/// Converts a float that holds a whole number to an integer, saturating; NaN gives `nan`.
template <typename I, typename T> inline I saturate(T whole, T low, T above, I smallest, I largest, I nan) {
  bool inside = whole >= low && whole < above;
  I value = I(inside ? whole : T(0));
  value = whole < low ? smallest : value;
  value = whole >= above ? largest : value;
  return whole != whole ? nan : value;
}
template <typename T> inline int to_int(T x) {
  return saturate<int>(x, T(-0x1p31f), T(0x1p31f), int(0x80000000), 0x7fffffff, 0);
}
template <typename T> inline int to_uint(T x) {
  return as_type<int>(saturate<uint>(x, T(0), T(0x1p32f), 0u, 0xffffffffu, 0u));
}
template <typename T> inline long to_long(T x) {
  constexpr long smallest = long(ulong(1) << 63);
  return saturate<long>(x, T(-0x1p63f), T(0x1p63f), smallest, long(~(ulong(1) << 63)), smallest);
}
template <typename T> inline long to_ulong(T x) {
  return as_type<long>(saturate<ulong>(x, T(0), T(0x1p64f), ulong(0), ~ulong(0), ulong(1) << 63));
}

} // namespace detail

// ---- arithmetic ----

#define TM_ROUNDED_ARITHMETIC(T, MODE, ROUNDING)                                                             \
  static inline T add_##MODE(T a, T b) { return detail::add(a, b, detail::ROUNDING); }                       \
  static inline T sub_##MODE(T a, T b) { return detail::add(a, -b, detail::ROUNDING); }                      \
  static inline T mul_##MODE(T a, T b) { return detail::multiply(a, b, detail::ROUNDING); }                  \
  static inline T div_##MODE(T a, T b) { return detail::divide(a, b, detail::ROUNDING); }                    \
  static inline T rcp_##MODE(T a) { return detail::divide(T(1), a, detail::ROUNDING); }                      \
  static inline T sqrt_##MODE(T a) { return detail::square_root(a, detail::ROUNDING); }                      \
  static inline T fma_##MODE(T a, T b, T c) { return detail::multiply_add(a, b, c, detail::ROUNDING); }

#define TM_NEAREST_ARITHMETIC(T)                                                                             \
  static inline T add_rn(T a, T b) { return a + b; }                                                         \
  static inline T sub_rn(T a, T b) { return a - b; }                                                         \
  static inline T mul_rn(T a, T b) { return a * b; }                                                         \
  static inline T div_rn(T a, T b) { return a / b; }                                                         \
  static inline T rcp_rn(T a) { return T(1) / a; }                                                           \
  static inline T sqrt_rn(T a) { return detail::root_of(a); }                                                \
  static inline T fma_rn(T a, T b, T c) { return detail::exact_fma(a, b, c); }

TM_NEAREST_ARITHMETIC(float)
TM_ROUNDED_ARITHMETIC(float, rz, toward_zero)
TM_ROUNDED_ARITHMETIC(float, rd, downward)
TM_ROUNDED_ARITHMETIC(float, ru, upward)
#if defined(TM_HAS_DOUBLE)
TM_NEAREST_ARITHMETIC(double)
TM_ROUNDED_ARITHMETIC(double, rz, toward_zero)
TM_ROUNDED_ARITHMETIC(double, rd, downward)
TM_ROUNDED_ARITHMETIC(double, ru, upward)
#endif

// ---- floats to integers: out of range saturates, NaN is 0 (32 bits) or the sign bit (64 bits) ----

#define TM_FLOAT_TO_INTEGER(FROM, T, MODE, ROUND)                                                            \
  static inline int FROM##2int_##MODE(T x) { return detail::to_int(ROUND(x)); }                              \
  static inline int FROM##2uint_##MODE(T x) { return detail::to_uint(ROUND(x)); }                            \
  static inline long FROM##2ll_##MODE(T x) { return detail::to_long(ROUND(x)); }                             \
  static inline long FROM##2ull_##MODE(T x) { return detail::to_ulong(ROUND(x)); }

TM_FLOAT_TO_INTEGER(float, float, rn, rint)
TM_FLOAT_TO_INTEGER(float, float, rz, trunc)
TM_FLOAT_TO_INTEGER(float, float, rd, floor)
TM_FLOAT_TO_INTEGER(float, float, ru, ceil)
#if defined(TM_HAS_DOUBLE)
TM_FLOAT_TO_INTEGER(double, double, rn, rint)
TM_FLOAT_TO_INTEGER(double, double, rz, trunc)
TM_FLOAT_TO_INTEGER(double, double, rd, floor)
TM_FLOAT_TO_INTEGER(double, double, ru, ceil)
#endif

// ---- integers to floats ----

#define TM_INTEGER_TO_FLOAT(MODE, ROUNDING)                                                                  \
  static inline float int2float_##MODE(int x) { return detail::convert(long(x), detail::ROUNDING); }         \
  static inline float uint2float_##MODE(uint x) { return detail::convert(long(x), detail::ROUNDING); }       \
  static inline float ll2float_##MODE(long x) { return detail::convert(x, detail::ROUNDING); }               \
  static inline float ull2float_##MODE(ulong x) { return detail::convert_unsigned(x, detail::ROUNDING); }

static inline float int2float_rn(int x) { return float(x); }
static inline float uint2float_rn(uint x) { return float(x); }
static inline float ll2float_rn(long x) { return float(x); }
static inline float ull2float_rn(ulong x) { return float(x); }
TM_INTEGER_TO_FLOAT(rz, toward_zero)
TM_INTEGER_TO_FLOAT(rd, downward)
TM_INTEGER_TO_FLOAT(ru, upward)

// ---- narrower floats, toward zero ----

namespace detail {
/// Moves `narrow` one step toward zero where rounding x to nearest went away from it, also to infinity.
template <typename Narrow, typename Wide> inline Narrow toward_zero_of(Narrow narrow, Wide x) {
  Wide back = Wide(narrow);
  bool away = (back < Wide(0) ? -back : back) > (x < Wide(0) ? -x : x);
  return as_type<Narrow>(ushort(as_type<ushort>(narrow) - (away ? 1 : 0)));
}
} // namespace detail
static inline half to_half_rtz(float x) { return detail::toward_zero_of(half(x), x); }
static inline bfloat to_bfloat_rtz(float x) { return detail::toward_zero_of(to_bfloat(x), x); }

#if defined(TM_HAS_DOUBLE)
static inline double int2double_rn(int x) { return double(x); }
static inline double uint2double_rn(uint x) { return double(x); }
static inline double ll2double_rn(long x) { return double(x); }
static inline double ull2double_rn(ulong x) { return double(x); }

namespace detail {
static inline int order(ulong number, bool negative, double nearest) {
  double size = nearest < 0 ? -nearest : nearest;
  bool over = size >= 0x1p64;
  ulong back = over ? 0 : ulong(size);
  int larger = over || back > number ? -1 : (back < number ? 1 : 0);
  return negative ? -larger : larger;
}
static inline float narrow(double x, Rounding mode) {
  float nearest = float(x);
  if (!is_finite(x) || x == 0)
    return nearest;
  bool positive = x > 0;
  bool down = mode == downward || (mode == toward_zero && positive);
  bool up = mode == upward || (mode == toward_zero && !positive);
  float largest = float_of(0x7f7fffff);
  if (!is_finite(nearest))
    return down && positive ? largest : (up && !positive ? -largest : nearest);
  if (down && double(nearest) > x)
    return next_down(nearest);
  if (up && double(nearest) < x)
    return nearest == 0 ? next_up(0.0f) : next_up(nearest);
  return nearest;
}
} // namespace detail

#define TM_TO_AND_FROM_DOUBLE(MODE, ROUNDING)                                                                \
  static inline double ll2double_##MODE(long x) {                                                            \
    ulong size = x < 0 ? ulong(0) - ulong(x) : ulong(x);                                                     \
    return detail::convert_by(double(x), detail::order(size, x < 0, double(x)), detail::ROUNDING);           \
  }                                                                                                          \
  static inline double ull2double_##MODE(ulong x) {                                                          \
    return detail::convert_by(double(x), detail::order(x, false, double(x)), detail::ROUNDING);              \
  }                                                                                                          \
  static inline float double2float_##MODE(double x) { return detail::narrow(x, detail::ROUNDING); }

static inline float double2float_rn(double x) { return float(x); }
TM_TO_AND_FROM_DOUBLE(rz, toward_zero)
TM_TO_AND_FROM_DOUBLE(rd, downward)
TM_TO_AND_FROM_DOUBLE(ru, upward)

/// Rounds to odd: of the two floats around x, takes the one whose last bit is set. Rounding the result to a
/// narrower type then gives what rounding x itself would.
static inline float to_float_odd(double x) {
  float down = detail::narrow(x, detail::toward_zero);
  bool inexact = double(down) != x && x == x;
  return inexact ? as_type<float>(as_type<int>(down) | 1) : down;
}
static inline float to_float_rtz(double x) { return detail::narrow(x, detail::toward_zero); }
static inline half to_half(double x) { return half(to_float_odd(x)); }
static inline bfloat to_bfloat(double x) { return to_bfloat(to_float_odd(x)); }
static inline half to_half_rtz(double x) { return detail::toward_zero_of(half(to_float_odd(x)), x); }
static inline bfloat to_bfloat_rtz(double x) { return detail::toward_zero_of(to_bfloat(to_float_odd(x)), x); }
#endif

} // namespace tm
