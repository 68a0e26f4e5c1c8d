// SPDX-License-Identifier: MIT
// IEEE 754 binary64 in integer arithmetic, for devices without double. Only texts with f64 include it.
//
// A float64 is an aggregate of its bits that lives in registers only: memory holds f64 as ulong, so no copy
// of a class crosses address spaces. Arithmetic, comparisons and conversions round once, to nearest even, and
// keep subnormal numbers, infinities and signed zeros; a NaN gives a NaN. float64_math.h has the elementary
// functions. The names are those of math.h, rounding.h and fp8.h.
#pragma once

#include "arith.h"
#include "bits64.h"
#include "fp8.h"
#include "math.h"
#include "report.h"

#include <metal_stdlib>

// Functions of some size. The CPU's compiler is kept from copying them into each loop over lanes.
#if defined(TM_CPU)
#define TM_FLOAT64 static __attribute__((noinline, unused))
#else
#define TM_FLOAT64 static inline
#endif

namespace tm {

struct float64 {
  ulong bits;
};

namespace f64 {

enum class Mode { nearest, toward_zero, downward, upward };

constant constexpr ulong sign_bit = 0x8000000000000000UL, infinity_bits = 0x7ff0000000000000UL,
                         nan_bits = 0x7ff8000000000000UL, fraction_bits = 0x000fffffffffffffUL,
                         one_bits = 0x3ff0000000000000UL, half_bits = 0x3fe0000000000000UL;

static inline ulong magnitude(float64 x) { return x.bits & ~sign_bit; }
static inline ulong sign_of(float64 x) { return x.bits & sign_bit; }
static inline bool is_negative(float64 x) { return x.bits >= sign_bit; }
static inline bool is_nan(float64 x) { return magnitude(x) > infinity_bits; }
static inline float64 nan() { return float64{nan_bits}; }
/// Of classes, `?:` takes no two from different address spaces.
static inline float64 choose(bool condition, float64 a, float64 b) {
  return float64{condition ? a.bits : b.bits};
}

// ---- 128 bits ----

struct Long2 {
  ulong high, low;
};
static inline ulong high_product(ulong a, ulong b) { return detail::multiply_high(a, b); }
static inline Long2 product(ulong a, ulong b) { return Long2{high_product(a, b), a * b}; }
static inline Long2 sum(Long2 a, Long2 b) {
  ulong low = a.low + b.low;
  return Long2{a.high + b.high + (low < a.low ? 1UL : 0UL), low};
}
static inline Long2 difference(Long2 a, Long2 b) {
  return Long2{a.high - b.high - (a.low < b.low ? 1UL : 0UL), a.low - b.low};
}
static inline bool less(Long2 a, Long2 b) { return a.high < b.high || (a.high == b.high && a.low < b.low); }
/// Shifts by 0 or more; bits that are shifted out are lost.
static inline Long2 shifted_right(Long2 a, int n) {
  if (n >= 128)
    return Long2{0UL, 0UL};
  if (n >= 64)
    return Long2{0UL, a.high >> (n & 63)};
  return n == 0 ? a : Long2{a.high >> n, a.low >> n | a.high << (64 - n)};
}
static inline Long2 shifted_left(Long2 a, int n) {
  if (n >= 128)
    return Long2{0UL, 0UL};
  if (n >= 64)
    return Long2{a.low << (n & 63), 0UL};
  return n == 0 ? a : Long2{a.high << n | a.low >> (64 - n), a.low << n};
}
static inline int leading_zeros(Long2 a) { return a.high != 0UL ? clz(a.high) : 64 + clz(a.low); }
/// The lowest bit of the result is also set if a bit that is set was shifted out.
static inline ulong shifted_right_sticky(ulong a, int n) {
  if (n >= 64)
    return a != 0UL ? 1UL : 0UL;
  return n == 0 ? a : a >> n | (a << (64 - n) != 0UL ? 1UL : 0UL);
}
static inline Long2 shifted_right_sticky(Long2 a, int n) {
  Long2 result = shifted_right(a, n), back = shifted_left(result, n);
  bool lost = n >= 128 ? (a.high | a.low) != 0UL : back.high != a.high || back.low != a.low;
  result.low |= lost ? 1UL : 0UL;
  return result;
}

struct Quotient {
  ulong quotient, remainder;
};
/// a / b for a.high < b and a `b` whose highest bit is set, with the reciprocal of N. Moeller and T.
/// Granlund, "Improved division by invariant integers".
static inline Quotient divide(Long2 a, ulong b) {
  ulong b40 = (b >> 24) + 1UL, b63 = (b >> 1) + (b & 1UL);
  ulong v0 = ulong(0x7fd00u / uint(b >> 55));
  ulong v1 = (v0 << 11) - (v0 * v0 * b40 >> 40) - 1UL;
  ulong v2 = (v1 << 13) + (v1 * ((1UL << 60) - v1 * b40) >> 47);
  ulong e = ((b & 1UL) != 0UL ? v2 >> 1 : 0UL) - v2 * b63;
  ulong v3 = (v2 << 31) + (high_product(v2, e) >> 1);
  Long2 step = sum(product(v3, b), Long2{b, b});
  ulong v4 = v3 - step.high;
  Long2 q = sum(product(v4, a.high), a);
  ulong quotient = q.high + 1UL, remainder = a.low - quotient * b;
  if (remainder > q.low) {
    quotient -= 1UL;
    remainder += b;
  }
  if (remainder >= b) {
    quotient += 1UL;
    remainder -= b;
  }
  return Quotient{quotient, remainder};
}

/// The square root of a * 2^64, for an `a` with one of its two highest bits set, rounded down, and whether it
/// is inexact.
struct Root {
  ulong root;
  bool inexact;
};
static inline Root root_of(Long2 a) {
  // 1 / sqrt in 62 fractional bits: an estimate and a Newton step, then one for the root itself.
  ulong y = ulong(metal::rsqrt(float(uint(a.high >> 40)) * 0x1p-24f) * 0x1p62f);
  y = y < 1UL << 62 ? 1UL << 62 : y;
  ulong square = high_product(a.high, high_product(y, y));
  y = high_product(y, (3UL << 60) - square) << 3;
  ulong near = high_product(a.high, y), s = near >= 1UL << 62 ? ~0UL : near << 2;
  Long2 rest = difference(a, product(s, s));
  long signed_rest = long(rest.high << 32 | rest.low >> 32);
  ulong step = high_product(ulong(signed_rest), y) - (signed_rest < 0 ? y : 0UL);
  // Now off by less than two.
  s += ulong(long(step) >> 31) - 2UL;
  rest = difference(a, product(s, s));
  for (int i = 0; i < 5; ++i) {
    Long2 next = Long2{s >> 63, s << 1 | 1UL};
    if (less(rest, next))
      break;
    rest = difference(rest, next);
    s += 1UL;
  }
  return Root{s, (rest.high | rest.low) != 0UL};
}

// ---- parts and rounding ----

/// A positive number mantissa * 2^(exponent - 63), where the highest bit of the mantissa is set, or zero.
struct Wide {
  ulong mantissa;
  int exponent;
};

/// A number other than zero, NaN and infinity, without its sign.
static inline Wide parts(float64 x) {
  ulong size = magnitude(x);
  int biased = int(size >> 52);
  if (biased != 0)
    return Wide{size << 11 | sign_bit, biased - 1023};
  int zeros = clz(size);
  return Wide{size << zeros, -1011 - zeros};
}

/// Rounds a number. Only whether any of the bits below the first ten lost ones is set matters, so the last
/// bit of the mantissa can stand for what is left out.
static inline float64 rounded(bool negative, int exponent, ulong mantissa, Mode mode = Mode::nearest) {
  ulong sign = negative ? sign_bit : 0UL;
  bool away = mode == (negative ? Mode::downward : Mode::upward);
  if (exponent > 1023)
    return float64{sign | (infinity_bits - (mode == Mode::nearest || away ? 0UL : 1UL))};
  if (exponent < -1022) {
    mantissa = shifted_right_sticky(mantissa, -1022 - exponent);
    exponent = -1022;
  }
  ulong kept = mantissa >> 11, lost = mantissa & 0x7ffUL;
  bool up = mode == Mode::nearest ? lost > 0x400UL || (lost == 0x400UL && (kept & 1UL) != 0UL)
                                  : away && lost != 0UL;
  // A carry out of the fraction goes to the exponent, which is right, as is the step to infinity.
  return float64{sign | ((ulong(exponent + 1022) << 52) + kept + (up ? 1UL : 0UL))};
}
static inline float64 rounded(bool negative, Wide x) {
  return choose(x.mantissa == 0UL, float64{negative ? sign_bit : 0UL},
                rounded(negative, x.exponent, x.mantissa));
}

// ---- arithmetic ----

static inline float64 add(float64 a, float64 b, Mode mode) {
  if (magnitude(a) < magnitude(b)) {
    float64 c = a;
    a = b;
    b = c;
  }
  ulong large = magnitude(a), small = magnitude(b);
  bool opposite = ((a.bits ^ b.bits) & sign_bit) != 0UL;
  ulong cancelled = mode == Mode::downward ? sign_bit : 0UL; // the zero that is left of x - x
  if (large >= infinity_bits)
    return choose(large > infinity_bits || (small == infinity_bits && opposite), nan(), a);
  if (small == 0UL)
    return choose(large == 0UL && opposite, float64{cancelled}, a);
  int exponent = int(large >> 52), other = int(small >> 52);
  large = (large & fraction_bits) | (exponent != 0 ? 1UL << 52 : 0UL);
  small = (small & fraction_bits) | (other != 0 ? 1UL << 52 : 0UL);
  exponent = exponent == 0 ? 1 : exponent;
  other = other == 0 ? 1 : other;
  large <<= 10;
  small = shifted_right_sticky(small << 10, exponent - other);
  ulong total = opposite ? large - small : large + small;
  if (total == 0UL)
    return float64{cancelled};
  int zeros = clz(total);
  return rounded(is_negative(a), exponent - 1022 - zeros, total << zeros, mode);
}
static inline float64 negated(float64 x) { return float64{x.bits ^ sign_bit}; }

static inline float64 multiply(float64 a, float64 b, Mode mode) {
  ulong sign = (a.bits ^ b.bits) & sign_bit, size = magnitude(a), other = magnitude(b);
  if (size >= infinity_bits || other >= infinity_bits)
    return choose(size > infinity_bits || other > infinity_bits || size == 0UL || other == 0UL, nan(),
                  float64{sign | infinity_bits});
  if (size == 0UL || other == 0UL)
    return float64{sign};
  Wide x = parts(a), y = parts(b);
  Long2 result = product(x.mantissa, y.mantissa);
  int up = int(result.high >> 63);
  ulong mantissa = up != 0 ? result.high : result.high << 1 | result.low >> 63;
  mantissa |= result.low << (1 - up) != 0UL ? 1UL : 0UL;
  return rounded(sign != 0UL, x.exponent + y.exponent + up, mantissa, mode);
}

TM_FLOAT64 float64 quotient(float64 a, float64 b, Mode mode) {
  ulong sign = (a.bits ^ b.bits) & sign_bit, size = magnitude(a), other = magnitude(b);
  if (size >= infinity_bits || other >= infinity_bits) {
    if (size > infinity_bits || other > infinity_bits || size == other)
      return nan();
    return float64{sign | (size == infinity_bits ? infinity_bits : 0UL)};
  }
  if (size == 0UL || other == 0UL)
    return choose(size == other, nan(), float64{sign | (other == 0UL ? infinity_bits : 0UL)});
  Wide x = parts(a), y = parts(b);
  bool fits = x.mantissa < y.mantissa;
  Quotient q = divide(fits ? Long2{x.mantissa, 0UL} : Long2{x.mantissa >> 1, x.mantissa << 63}, y.mantissa);
  return rounded(sign != 0UL, x.exponent - y.exponent - (fits ? 1 : 0),
                 q.quotient | (q.remainder != 0UL ? 1UL : 0UL), mode);
}

TM_FLOAT64 float64 square_root(float64 a, Mode mode) {
  if (a.bits - 1UL >= infinity_bits - 1UL) // not positive and finite
    return choose(magnitude(a) == 0UL || a.bits == infinity_bits, a, nan());
  Wide x = parts(a);
  bool odd = (x.exponent & 1) != 0;
  Root r = root_of(odd ? Long2{x.mantissa, 0UL} : Long2{x.mantissa >> 1, x.mantissa << 63});
  return rounded(false, x.exponent >> 1, r.root | (r.inexact ? 1UL : 0UL), mode);
}

TM_FLOAT64 float64 multiply_add(float64 a, float64 b, float64 c, Mode mode) {
  ulong size = magnitude(a), other = magnitude(b);
  bool zero_product = size == 0UL || other == 0UL;
  if (size >= infinity_bits || other >= infinity_bits || zero_product || magnitude(c) >= infinity_bits) {
    if (zero_product || size >= infinity_bits || other >= infinity_bits)
      return add(multiply(a, b, Mode::nearest), c, mode);
    return choose(is_nan(c), nan(), c);
  }
  bool negative = ((a.bits ^ b.bits) & sign_bit) != 0UL;
  if (magnitude(c) == 0UL) // nothing is left out, so that the product cannot become a zero of another sign
    return multiply(a, b, mode);
  Wide x = parts(a), y = parts(b), z = parts(c);
  Long2 p = product(x.mantissa, y.mantissa); // highest bit: 126 or 127
  int exponent = x.exponent + y.exponent;
  if (p.high >> 63 != 0UL) {
    p = shifted_right(p, 1); // exact: the last bits of the product are zero
    exponent += 1;
  }
  Long2 q = Long2{z.mantissa >> 1, z.mantissa << 63};
  bool opposite = negative != is_negative(c);
  if (exponent < z.exponent || (exponent == z.exponent && less(p, q))) {
    Long2 r = p;
    p = q;
    q = r;
    int other_exponent = exponent;
    exponent = z.exponent;
    z.exponent = other_exponent;
    negative = is_negative(c);
  }
  q = shifted_right_sticky(q, exponent - z.exponent);
  Long2 total = opposite ? difference(p, q) : sum(p, q);
  if ((total.high | total.low) == 0UL)
    return float64{mode == Mode::downward ? sign_bit : 0UL};
  int zeros = leading_zeros(total);
  total = shifted_left(total, zeros);
  return rounded(negative, exponent + 1 - zeros, total.high | (total.low != 0UL ? 1UL : 0UL), mode);
}

/// The remainder of the magnitudes, and whether the last bit of the quotient is set; the divisor is not zero
/// and both are finite.
struct Remainder {
  ulong bits;
  bool odd;
};
TM_FLOAT64 Remainder remainder_of(ulong a, ulong b) {
  if (a < b)
    return Remainder{a, false};
  int exponent = int(b >> 52), shift = int(a >> 52);
  ulong divisor = (b & fraction_bits) | (exponent != 0 ? 1UL << 52 : 0UL);
  ulong rest = (a & fraction_bits) | (shift != 0 ? 1UL << 52 : 0UL);
  exponent = exponent == 0 ? 1 : exponent;
  shift = (shift == 0 ? 1 : shift) - exponent;
  ulong last = rest / divisor;
  rest = rest % divisor;
  while (shift > 0) {
    int step = shift < 11 ? shift : 11;
    rest <<= step;
    last = rest / divisor;
    rest = rest % divisor;
    shift -= step;
  }
  if (rest == 0UL)
    return Remainder{0UL, (last & 1UL) != 0UL};
  int zeros = clz(rest) - 11;
  int fits = zeros < exponent - 1 ? zeros : exponent - 1;
  rest <<= fits;
  exponent -= fits;
  return Remainder{(ulong(exponent - 1) << 52) + rest, (last & 1UL) != 0UL};
}

/// In the order of the numbers, NaN apart.
static inline long order(float64 x) {
  long size = long(magnitude(x));
  return is_negative(x) ? -size : size;
}

} // namespace f64

static inline float64 operator+(float64 a, float64 b) { return f64::add(a, b, f64::Mode::nearest); }
static inline float64 operator-(float64 a, float64 b) {
  return f64::add(a, f64::negated(b), f64::Mode::nearest);
}
static inline float64 operator*(float64 a, float64 b) { return f64::multiply(a, b, f64::Mode::nearest); }
static inline float64 operator/(float64 a, float64 b) { return f64::quotient(a, b, f64::Mode::nearest); }
static inline float64 operator-(float64 x) { return f64::negated(x); }

static inline bool operator==(float64 a, float64 b) {
  return !f64::is_nan(a) && !f64::is_nan(b) && f64::order(a) == f64::order(b);
}
static inline bool operator!=(float64 a, float64 b) { return !(a == b); }
static inline bool operator<(float64 a, float64 b) {
  return !f64::is_nan(a) && !f64::is_nan(b) && f64::order(a) < f64::order(b);
}
static inline bool operator<=(float64 a, float64 b) {
  return !f64::is_nan(a) && !f64::is_nan(b) && f64::order(a) <= f64::order(b);
}
static inline bool operator>(float64 a, float64 b) { return b < a; }
static inline bool operator>=(float64 a, float64 b) { return b <= a; }

static inline float64 maxnum(float64 a, float64 b) { return f64::choose(a > b || f64::is_nan(b), a, b); }
static inline float64 minnum(float64 a, float64 b) { return f64::choose(a < b || f64::is_nan(b), a, b); }
static inline float64 maximum(float64 a, float64 b) { return f64::choose(a > b || f64::is_nan(a), a, b); }
static inline float64 minimum(float64 a, float64 b) { return f64::choose(a < b || f64::is_nan(a), a, b); }
static inline float64 clamp_number(float64 x, float64 low, float64 high) {
  return minnum(maxnum(x, low), high);
}
static inline float64 clamp_nan(float64 x, float64 low, float64 high) {
  return f64::choose(f64::is_nan(x), x, clamp_number(x, low, high));
}

static inline float64 fma(float64 a, float64 b, float64 c) {
  return f64::multiply_add(a, b, c, f64::Mode::nearest);
}
static inline float64 sqrt(float64 x) { return f64::square_root(x, f64::Mode::nearest); }
static inline float64 fmod(float64 x, float64 y) {
  ulong a = f64::magnitude(x), b = f64::magnitude(y);
  if (a >= f64::infinity_bits || b > f64::infinity_bits || b == 0UL)
    return f64::nan();
  return float64{f64::remainder_of(a, b).bits | f64::sign_of(x)};
}
static inline float64 remainder(float64 x, float64 y) {
  ulong a = f64::magnitude(x), b = f64::magnitude(y);
  if (a >= f64::infinity_bits || b > f64::infinity_bits || b == 0UL)
    return f64::nan();
  if (b == f64::infinity_bits)
    return x;
  f64::Remainder r = f64::remainder_of(a, b);
  // Compares r with b - r, both of which are exact.
  float64 rest = float64{r.bits}, other = float64{b} - rest;
  bool above = rest > other || (rest == other && r.odd);
  return float64{(above ? (-other).bits : rest.bits) ^ f64::sign_of(x)};
}

// ---- bits ----

static inline float64 abs(float64 x) { return float64{f64::magnitude(x)}; }
static inline float64 copysign(float64 x, float64 y) { return float64{f64::magnitude(x) | f64::sign_of(y)}; }
static inline int signbit(float64 x) { return f64::is_negative(x) ? 1 : 0; }
static inline bool isnan(float64 x) { return f64::is_nan(x); }
static inline bool isinf(float64 x) { return f64::magnitude(x) == f64::infinity_bits; }
static inline bool isfinited(float64 x) { return f64::magnitude(x) < f64::infinity_bits; }
static inline float64 fdim(float64 x, float64 y) { return f64::choose(x <= y, float64{0UL}, x - y); }
static inline float64 nextafter(float64 x, float64 y) {
  if (isnan(x) || isnan(y))
    return f64::nan();
  if (x == y)
    return y;
  if (f64::magnitude(x) == 0UL)
    return float64{f64::sign_of(y) | 1UL};
  return float64{(x < y) == f64::is_negative(x) ? x.bits - 1UL : x.bits + 1UL};
}
static inline int ilogb(float64 x) { // INT_MIN for 0 and NaN, INT_MAX for infinity, as in CUDA
  if (f64::magnitude(x) == 0UL || isnan(x))
    return int(0x80000000);
  return isinf(x) ? 0x7fffffff : f64::parts(x).exponent;
}
static inline float64 ldexp(float64 x, int n) {
  if (f64::magnitude(x) == 0UL || f64::magnitude(x) >= f64::infinity_bits)
    return f64::choose(isnan(x), f64::nan(), x);
  f64::Wide p = f64::parts(x);
  n = n > 5000 ? 5000 : (n < -5000 ? -5000 : n);
  return f64::rounded(f64::is_negative(x), p.exponent + n, p.mantissa);
}

// ---- to whole numbers ----

namespace f64 {

/// The bits of the fraction of |x|, in 1 <= |x| < 2^52.
static inline ulong fraction_mask(ulong size) { return fraction_bits >> (int(size >> 52) - 1023); }
static inline float64 whole(float64 x, Mode mode) {
  ulong size = magnitude(x);
  if (size >= 0x4330000000000000UL) // 2^52
    return choose(is_nan(x), nan(), x);
  bool away = mode == (is_negative(x) ? Mode::downward : Mode::upward);
  if (size < one_bits) {
    bool up = mode == Mode::nearest ? size > half_bits : away && size != 0UL;
    return float64{sign_of(x) | (up ? one_bits : 0UL)};
  }
  ulong mask = fraction_mask(size), lowest = mask + 1UL, middle = lowest >> 1;
  ulong odd = (size & lowest) != 0UL ? 1UL : 0UL; // in [1, 2), the last bit of the exponent, which is odd
  ulong add = mode == Mode::nearest ? middle - 1UL + odd : (away ? mask : 0UL);
  return float64{sign_of(x) | ((size + add) & ~mask)};
}

} // namespace f64

static inline float64 floor(float64 x) { return f64::whole(x, f64::Mode::downward); }
static inline float64 ceil(float64 x) { return f64::whole(x, f64::Mode::upward); }
static inline float64 trunc(float64 x) { return f64::whole(x, f64::Mode::toward_zero); }
static inline float64 rint(float64 x) { return f64::whole(x, f64::Mode::nearest); }
static inline float64 nearbyint(float64 x) { return rint(x); }
static inline float64 round(float64 x) { // ties away from zero
  ulong size = f64::magnitude(x);
  if (size >= 0x4330000000000000UL)
    return f64::choose(isnan(x), f64::nan(), x);
  if (size < f64::one_bits)
    return float64{f64::sign_of(x) | (size >= f64::half_bits ? f64::one_bits : 0UL)};
  ulong mask = f64::fraction_mask(size);
  return float64{f64::sign_of(x) | ((size + ((mask + 1UL) >> 1)) & ~mask)};
}

// ---- conversions of integers ----

namespace f64 {
static inline float64 of_unsigned(ulong x, bool negative, Mode mode) {
  if (x == 0UL)
    return float64{0UL};
  int zeros = clz(x);
  return rounded(negative, 63 - zeros, x << zeros, mode);
}
static inline float64 of_signed(long x, Mode mode) {
  return of_unsigned(x < 0 ? 0UL - ulong(x) : ulong(x), x < 0, mode);
}

/// The whole part, if it is below 2^64.
static inline ulong truncated(ulong size) {
  int exponent = int(size >> 52) - 1023;
  if (exponent < 0)
    return 0UL;
  ulong mantissa = (size & fraction_bits) | 1UL << 52;
  return exponent <= 52 ? mantissa >> (52 - exponent) : mantissa << (exponent - 52);
}
/// Saturates to [-least, most].
static inline ulong saturated(float64 x, ulong least, ulong most, ulong of_nan) {
  ulong size = magnitude(x), limit = is_negative(x) ? least : most;
  ulong value = size >= 0x43f0000000000000UL ? ~0UL : truncated(size); // 2^64
  value = value > limit ? limit : value;
  return is_nan(x) ? of_nan : (is_negative(x) ? 0UL - value : value);
}
template <typename T> inline ulong largest() {
  return T(-1) < T(0) ? (1UL << (sizeof(T) * 8 - 1)) - 1UL : ~0UL >> (64 - sizeof(T) * 8);
}
template <typename T> inline ulong least() { return T(-1) < T(0) ? 1UL << (sizeof(T) * 8 - 1) : 0UL; }
} // namespace f64

static inline float64 to_float64(long x) { return f64::of_signed(x, f64::Mode::nearest); }
static inline float64 to_float64(ulong x) { return f64::of_unsigned(x, false, f64::Mode::nearest); }
static inline float64 to_float64(int x) { return to_float64(long(x)); }
static inline float64 to_float64(uint x) { return to_float64(ulong(x)); }
static inline float64 to_float64(short x) { return to_float64(long(x)); }
static inline float64 to_float64(ushort x) { return to_float64(ulong(x)); }
static inline float64 to_float64(char x) { return to_float64(long(x)); }
static inline float64 to_float64(uchar x) { return to_float64(ulong(x)); }
static inline float64 to_float64(bool x) { return float64{x ? f64::one_bits : 0UL}; }
static inline float64 to_float64(float64 x) { return x; }

/// Saturates; NaN becomes 0.
template <typename T> inline T to_int(float64 x) {
  return T(f64::saturated(x, f64::least<T>(), f64::largest<T>(), 0UL));
}
/// Whether the integer type holds the whole part (check.h).
template <typename T> inline bool fits_integer(float64 x) {
  ulong size = f64::magnitude(x);
  bool inside = size < 0x43f0000000000000UL; // 2^64
  return inside && f64::truncated(size) <= (f64::is_negative(x) ? f64::least<T>() : f64::largest<T>());
}
static inline long llrint(float64 x) { return to_int<long>(rint(x)); }
static inline long llround(float64 x) { return to_int<long>(round(x)); }

// ---- conversions of floats ----

static inline float64 to_float64(float x) {
  uint bits = as_type<uint>(x), size = bits & 0x7fffffffu;
  ulong sign = ulong(bits >> 31) << 63;
  if (size >= 0x7f800000u)
    return float64{size > 0x7f800000u ? f64::nan_bits : sign | f64::infinity_bits};
  if (size >= 0x00800000u)
    return float64{sign | ((ulong(size) << 29) + (ulong(1023 - 127) << 52))};
  if (size == 0u)
    return float64{sign};
  int zeros = clz(ulong(size));
  return f64::rounded(sign != 0UL, 63 - 149 - zeros, ulong(size) << zeros);
}
static inline float64 to_float64(half x) { return to_float64(float(x)); }
static inline float64 to_float64(bfloat x) { return to_float64(float(x)); }

namespace f64 {

enum class Narrow { nearest, toward_zero, downward, upward, odd };

/// The bits, without the sign, of the number of a format with `fraction` bits and the bias `bias`.
static inline uint narrow(float64 x, int fraction, int bias, Narrow mode) {
  ulong size = magnitude(x);
  uint infinity = uint(2 * bias + 1) << fraction;
  if (size >= infinity_bits)
    return size > infinity_bits ? infinity | 1u << (fraction - 1) : infinity;
  if (size == 0UL)
    return 0u;
  bool away = mode == (is_negative(x) ? Narrow::downward : Narrow::upward);
  Wide p = parts(x);
  if (p.exponent > bias)
    return infinity - (mode == Narrow::nearest || away ? 0u : 1u);
  int biased = p.exponent + bias, drop = 63 - fraction;
  if (biased < 1) {
    drop += 1 - biased;
    biased = 1;
  }
  ulong kept = drop > 63 ? 0UL : p.mantissa >> drop;
  ulong lost = drop > 64 ? 1UL : p.mantissa << (64 - drop), middle = sign_bit; // drop is at least 11
  bool up = mode == Narrow::nearest ? lost > middle || (lost == middle && (kept & 1UL) != 0UL)
            : mode == Narrow::odd   ? (kept & 1UL) == 0UL && lost != 0UL
                                    : away && lost != 0UL;
  return (uint(biased - 1) << fraction) + uint(kept) + (up ? 1u : 0u);
}
static inline float to_float_by(float64 x, Narrow mode) {
  return as_type<float>(narrow(x, 23, 127, mode) | uint(sign_of(x) >> 32));
}
static inline half to_half_by(float64 x, Narrow mode) {
  return as_type<half>(ushort(narrow(x, 10, 15, mode) | uint(sign_of(x) >> 48)));
}
static inline bfloat to_bfloat_by(float64 x, Narrow mode) {
  return as_type<bfloat>(ushort(narrow(x, 7, 127, mode) | uint(sign_of(x) >> 48)));
}

} // namespace f64

static inline float to_float(float64 x) { return f64::to_float_by(x, f64::Narrow::nearest); }
static inline half to_half(float64 x) { return f64::to_half_by(x, f64::Narrow::nearest); }
static inline bfloat to_bfloat(float64 x) { return f64::to_bfloat_by(x, f64::Narrow::nearest); }
static inline float to_float_rtz(float64 x) { return f64::to_float_by(x, f64::Narrow::toward_zero); }
static inline half to_half_rtz(float64 x) { return f64::to_half_by(x, f64::Narrow::toward_zero); }
static inline bfloat to_bfloat_rtz(float64 x) { return f64::to_bfloat_by(x, f64::Narrow::toward_zero); }

// Rounded to odd on the way, so that only the second rounding counts.
#define TM_FLOAT64_TO_FLOAT8(NAME)                                                                           \
  static inline uchar to_##NAME(float64 x) { return to_##NAME(f64::to_float_by(x, f64::Narrow::odd)); }      \
  static inline uchar to_##NAME##_rtz(float64 x) {                                                           \
    return to_##NAME##_rtz(f64::to_float_by(x, f64::Narrow::odd));                                           \
  }
TM_FLOAT64_TO_FLOAT8(f8E4M3FN)
TM_FLOAT64_TO_FLOAT8(f8E5M2)
TM_FLOAT64_TO_FLOAT8(f8E4M3FNUZ)
TM_FLOAT64_TO_FLOAT8(f8E5M2FNUZ)
TM_FLOAT64_TO_FLOAT8(f8E4M3B11FNUZ)
#undef TM_FLOAT64_TO_FLOAT8

// ---- with a rounding mode ----

#define TM_FLOAT64_ROUNDED(SUFFIX, MODE)                                                                     \
  static inline float64 add_##SUFFIX(float64 a, float64 b) { return f64::add(a, b, f64::Mode::MODE); }       \
  static inline float64 sub_##SUFFIX(float64 a, float64 b) { return f64::add(a, -b, f64::Mode::MODE); }      \
  static inline float64 mul_##SUFFIX(float64 a, float64 b) { return f64::multiply(a, b, f64::Mode::MODE); }  \
  static inline float64 div_##SUFFIX(float64 a, float64 b) { return f64::quotient(a, b, f64::Mode::MODE); }  \
  static inline float64 rcp_##SUFFIX(float64 a) {                                                            \
    return f64::quotient(float64{f64::one_bits}, a, f64::Mode::MODE);                                        \
  }                                                                                                          \
  static inline float64 sqrt_##SUFFIX(float64 a) { return f64::square_root(a, f64::Mode::MODE); }            \
  static inline float64 fma_##SUFFIX(float64 a, float64 b, float64 c) {                                      \
    return f64::multiply_add(a, b, c, f64::Mode::MODE);                                                      \
  }                                                                                                          \
  /* NaN is 0 (32 bits) or the sign bit (64 bits). */                                                        \
  static inline int double2int_##SUFFIX(float64 x) { return to_int<int>(f64::whole(x, f64::Mode::MODE)); }   \
  static inline int double2uint_##SUFFIX(float64 x) {                                                        \
    return int(to_int<uint>(f64::whole(x, f64::Mode::MODE)));                                                \
  }                                                                                                          \
  static inline long double2ll_##SUFFIX(float64 x) {                                                         \
    float64 r = f64::whole(x, f64::Mode::MODE);                                                              \
    return long(f64::saturated(r, f64::least<long>(), f64::largest<long>(), f64::sign_bit));                 \
  }                                                                                                          \
  static inline long double2ull_##SUFFIX(float64 x) {                                                        \
    return long(f64::saturated(f64::whole(x, f64::Mode::MODE), 0UL, ~0UL, f64::sign_bit));                   \
  }                                                                                                          \
  static inline float double2float_##SUFFIX(float64 x) { return f64::to_float_by(x, f64::Narrow::MODE); }
TM_FLOAT64_ROUNDED(rn, nearest)
TM_FLOAT64_ROUNDED(rz, toward_zero)
TM_FLOAT64_ROUNDED(rd, downward)
TM_FLOAT64_ROUNDED(ru, upward)
#undef TM_FLOAT64_ROUNDED

// Functions that take no float64 have the names of those for double, with a suffix.
#define TM_FLOAT64_OF_INTEGER(SUFFIX, MODE)                                                                  \
  static inline float64 ll2double_##SUFFIX##_float64(long x) { return f64::of_signed(x, f64::Mode::MODE); }  \
  static inline float64 ull2double_##SUFFIX##_float64(ulong x) {                                             \
    return f64::of_unsigned(x, false, f64::Mode::MODE);                                                      \
  }
TM_FLOAT64_OF_INTEGER(rn, nearest)
TM_FLOAT64_OF_INTEGER(rz, toward_zero)
TM_FLOAT64_OF_INTEGER(rd, downward)
TM_FLOAT64_OF_INTEGER(ru, upward)
#undef TM_FLOAT64_OF_INTEGER
static inline float64 int2double_rn_float64(int x) { return to_float64(x); }
static inline float64 uint2double_rn_float64(uint x) { return to_float64(x); }
static inline float64 longlong_as_double_float64(long x) { return float64{ulong(x)}; }
static inline float64 hiloint2double_float64(int high, int low) {
  return float64{ulong(uint(high)) << 32 | ulong(uint(low))};
}
static inline long double_as_longlong(float64 x) { return long(x.bits); }
static inline int double2loint(float64 x) { return int(uint(x.bits)); }
static inline int double2hiint(float64 x) { return int(uint(x.bits >> 32)); }
static inline float64 rcp64h(float64 x) { // 1 / x, only its upper word
  return float64{rcp_rn(x).bits & 0xffffffff00000000UL};
}

// ---- shuffles and messages ----

namespace detail {
template <> inline float64 from_word<float64>(ulong bits) { return float64{bits}; }
template <> inline ulong to_word<float64>(float64 x) { return x.bits; }
} // namespace detail
inline void put(device uint * thread & at, float64 value) { put(at, value.bits); }

} // namespace tm
