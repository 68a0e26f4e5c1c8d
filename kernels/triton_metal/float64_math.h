// SPDX-License-Identifier: MIT
// Elementary functions of float64, in integer arithmetic. Errors stay below 0.6 ulp.
//
// Arguments are reduced and results are put together as numbers with a mantissa of 64 bits (Wide), which are
// rounded once at the end; series are sums of 64-bit fixed-point numbers. Where a factor of up to 1024 would
// reach the result (pow, exp, large angles), reduction uses 128 or 192 bits.
#pragma once

#include "float64.h"
#include "float64_tables.h"

namespace tm {
namespace f64 {

// ---- numbers with 64 bits ----

/// m * 2^(exponent - 127)
static inline Wide normalized(Long2 m, int exponent) {
  int zeros = leading_zeros(m);
  return Wide{shifted_left(m, zeros).high, exponent - zeros};
}
/// p * 2^-bits
static inline Wide of_fixed(ulong p, int bits) {
  int zeros = p == 0UL ? 0 : clz(p);
  return Wide{p << zeros, 63 - bits - zeros};
}
static inline Wide one() { return Wide{sign_bit, 0}; }
static inline Wide scaled(Wide a, int n) { return Wide{a.mantissa, a.exponent + n}; }
static inline Wide times(Wide a, Wide b) {
  Long2 p = product(a.mantissa, b.mantissa);
  int up = int(p.high >> 63);
  return Wide{up != 0 ? p.high : p.high << 1 | p.low >> 63, a.exponent + b.exponent + up};
}
static inline Wide over(Wide a, Wide b) {
  bool fits = a.mantissa < b.mantissa;
  Quotient q = divide(Long2{fits ? a.mantissa : a.mantissa >> 1, fits ? 0UL : a.mantissa << 63}, b.mantissa);
  return Wide{q.quotient, a.exponent - b.exponent - (fits ? 1 : 0)};
}
static inline bool less(Wide a, Wide b) {
  if (a.mantissa == 0UL || b.mantissa == 0UL)
    return a.mantissa < b.mantissa;
  return a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa);
}
static inline Wide plus(Wide a, Wide b) {
  if (less(a, b)) {
    Wide c = a;
    a = b;
    b = c;
  }
  if (b.mantissa == 0UL)
    return a;
  Long2 small = shifted_right(Long2{b.mantissa, 0UL}, a.exponent - b.exponent + 1);
  return normalized(sum(Long2{a.mantissa >> 1, a.mantissa << 63}, small), a.exponent + 1);
}
/// a - b for a >= b
static inline Wide minus(Wide a, Wide b) {
  if (b.mantissa == 0UL)
    return a;
  Long2 small = shifted_right(Long2{b.mantissa, 0UL}, a.exponent - b.exponent);
  Long2 rest = difference(Long2{a.mantissa, 0UL}, small);
  if ((rest.high | rest.low) == 0UL)
    return Wide{0UL, 0};
  return normalized(rest, a.exponent);
}
static inline Wide root(Wide a) {
  if (a.mantissa == 0UL)
    return a;
  bool odd = (a.exponent & 1) != 0;
  Root r = root_of(Long2{odd ? a.mantissa : a.mantissa >> 1, odd ? 0UL : a.mantissa << 63});
  return Wide{r.root, a.exponent >> 1};
}
/// In units of 2^-bits, rounded down; the result must fit.
static inline ulong fixed(Wide a, int bits) {
  int shift = 63 - bits - a.exponent;
  return shift > 63 ? 0UL : a.mantissa >> (shift & 63);
}
/// The magnitude of a finite number.
static inline Wide wide(float64 x) {
  if (magnitude(x) == 0UL)
    return Wide{0UL, 0};
  return parts(x);
}
static inline Wide of_int(int n) { return of_fixed(ulong(n), 0); }

/// c[0] + c[1] z + c[2] z^2 ... with z in units of 2^-64.
static inline ulong series(const constant ulong *c, int terms, ulong z) {
  ulong sum = c[terms - 1];
  for (int k = terms - 2; k >= 0; --k)
    sum = c[k] + high_product(sum, z);
  return sum;
}
/// The same for -z.
static inline ulong alternating(const constant ulong *c, int terms, ulong z) {
  ulong sum = c[terms - 1];
  for (int k = terms - 2; k >= 0; --k)
    sum = c[k] - high_product(sum, z);
  return sum;
}

// ---- powers of two ----

static inline Wide exp2_of(int whole, ulong fraction) {
  ulong rest = series(exp2_series_63, 11, fraction << 4);
  return scaled(times(Wide{exp2_63[int(fraction >> 60)], 0}, Wide{rest, 0}), whole);
}
/// 2^(x * 2^-places), or its reciprocal; the exponent is less than 2^31.
static inline Wide exp2_split(Long2 x, int places, bool negative) {
  int whole = int(shifted_right(x, places).low);
  ulong fraction = shifted_right(x, places - 64).low;
  return exp2_of(negative ? -whole - (fraction != 0UL ? 1 : 0) : whole, negative ? 0UL - fraction : fraction);
}
/// The upper half of a product of three words.
static inline Long2 high_product(ulong a, Long2 b) {
  return sum(product(a, b.high), Long2{0UL, high_product(a, b.low)});
}
static inline Long2 high_product(Long2 a, Long2 b) {
  return sum(high_product(a.high, b), Long2{0UL, high_product(a.low, b.high)});
}
/// e^x or e^-x for x below 2^30
static inline Wide exp_of(Wide x, bool negative) {
  return exp2_split(high_product(x.mantissa, Long2{log2_e_high, log2_e_low}),
                    126 - x.exponent - log2_e_exponent, negative);
}
/// e^(x^2 * 2^shift), or its reciprocal; the square is exact.
static inline Wide exp_of_square(Wide x, int shift, bool negative) {
  return exp2_split(high_product(product(x.mantissa, x.mantissa), Long2{log2_e_high, log2_e_low}),
                    125 - 2 * x.exponent - shift - log2_e_exponent, negative);
}

static inline float64 infinity() { return float64{infinity_bits}; }
/// What is left of a function that grows from 0 to infinity once |x| is too large to compute with.
static inline float64 exponential_limit(float64 x) {
  return float64{is_nan(x) ? nan_bits : (is_negative(x) ? 0UL : infinity_bits)};
}

// ---- logarithms ----

/// log(x) = exponent * log(2) + log((1 + s) / (1 - s)), where `negative` is the sign of s.
struct Atanh {
  Wide numerator, denominator; // of s
  int exponent;
  bool negative;
};
static inline Atanh atanh_form(Wide x) {
  ulong m = x.mantissa;
  if (m > 0xb504f333f9de6484UL) // sqrt(2)
    return Atanh{of_fixed(0UL - m, 64), Wide{sign_bit + (m >> 1), 0}, x.exponent + 1, true};
  return Atanh{of_fixed(m - sign_bit, 63), Wide{(m >> 1) + (1UL << 62), 1}, x.exponent, false};
}
/// log((1 + s) / (1 - s)) for |s| < 0.172
static inline Wide twice_atanh(Wide s) {
  ulong z = s.mantissa == 0UL ? 0UL : fixed(times(s, s), 64);
  return scaled(times(s, Wide{series(odd_reciprocals_63, 14, z), 0}), 1);
}

struct Signed {
  Wide size;
  bool negative;
};
static inline Signed with_sign(Wide size, bool negative) {
  return Signed{Wide{size.mantissa, size.exponent}, negative};
}
/// The logarithm in units in which that of 2 is `of_two` and that of e is `of_e`.
TM_FLOAT64 Signed log_of(Wide x, Wide of_two, Wide of_e) {
  Atanh form = atanh_form(x);
  Wide rest = times(twice_atanh(over(form.numerator, form.denominator)), of_e);
  if (form.exponent == 0)
    return with_sign(rest, form.negative);
  bool negative = form.exponent < 0;
  Wide whole = times(of_int(negative ? -form.exponent : form.exponent), of_two);
  if (negative == form.negative)
    return with_sign(plus(whole, rest), negative);
  return with_sign(minus(whole, rest), negative);
}
static inline Signed natural_log(Wide x) { return log_of(x, Wide{ln_2, ln_2_exponent}, one()); }
/// log(1 + x) or log(1 - x)
static inline Signed log1p_of(Wide x, bool negative) {
  if (x.mantissa == 0UL)
    return with_sign(x, negative);
  if (x.exponent < -2) {
    Wide two = Wide{sign_bit, 1};
    if (negative)
      return with_sign(twice_atanh(over(x, minus(two, x))), true);
    return with_sign(twice_atanh(over(x, plus(two, x))), false);
  }
  if (negative)
    return natural_log(minus(one(), x));
  return natural_log(plus(one(), x));
}
static inline float64 rounded(Signed x) { return rounded(x.negative, x.size); }
/// The results for arguments that are not positive and finite.
static inline bool has_log(float64 x) { return x.bits - 1UL < infinity_bits - 1UL; }
static inline float64 log_limit(float64 x) {
  if (magnitude(x) == 0UL)
    return float64{sign_bit | infinity_bits};
  return choose(x.bits == infinity_bits, x, nan());
}

/// log2(x) = mantissa * 2^(exponent - 127), with a relative error of 2^-69; x has at most 53 bits.
struct Log2 {
  Long2 mantissa;
  int exponent;
  bool negative;
};
TM_FLOAT64 Log2 log2_of(Wide x) {
  Atanh form = atanh_form(x);
  Wide n = form.numerator, d = form.denominator;
  bool negative = form.exponent < 0;
  Wide whole = of_int(negative ? -form.exponent : form.exponent);
  if (n.mantissa == 0UL)
    return Log2{Long2{whole.mantissa, 0UL}, whole.exponent, negative};
  bool fits = n.mantissa < d.mantissa;
  Quotient q = divide(Long2{fits ? n.mantissa : n.mantissa >> 1, fits ? 0UL : n.mantissa << 63}, d.mantissa);
  Long2 s = Long2{q.quotient, divide(Long2{q.remainder, 0UL}, d.mantissa).quotient};
  int exponent = n.exponent - d.exponent - (fits ? 1 : 0);
  Wide near = Wide{q.quotient, exponent};
  // s + s (z / 3 + z^2 / 5 + ...) for z = s^2, with five more places for z.
  ulong z = fixed(times(near, near), 69), rest = odd_reciprocals_from_3_64[12];
  for (int k = 11; k >= 0; --k)
    rest = odd_reciprocals_from_3_64[k] + (high_product(rest, z) >> 5);
  Long2 more = shifted_right(product(s.high, high_product(rest, z)), 6);
  s = sum(shifted_right(s, 1), more);
  s = high_product(s, Long2{log2_e_high, log2_e_low});
  exponent += 3 + log2_e_exponent;
  int zeros = leading_zeros(s);
  s = shifted_left(s, zeros);
  exponent -= zeros;
  if (form.exponent == 0)
    return Log2{Long2{s.high, s.low}, exponent, form.negative};
  Long2 k = Long2{whole.mantissa >> 1, whole.mantissa << 63};
  s = shifted_right(s, whole.exponent - exponent + 1);
  Long2 total = negative == form.negative ? sum(k, s) : difference(k, s);
  zeros = leading_zeros(total);
  return Log2{shifted_left(total, zeros), whole.exponent + 1 - zeros, negative};
}

} // namespace f64

// ---- exponential functions ----

TM_FLOAT64 float64 exp(float64 x) {
  if (f64::magnitude(x) >= 0x4090000000000000UL) // 1024
    return f64::exponential_limit(x);
  return f64::rounded(false, f64::exp_of(f64::wide(x), f64::is_negative(x)));
}
TM_FLOAT64 float64 exp2(float64 x) {
  if (f64::magnitude(x) >= 0x40a0000000000000UL) // 2048
    return f64::exponential_limit(x);
  f64::Wide a = f64::wide(x);
  return f64::rounded(false,
                      f64::exp2_split(f64::Long2{a.mantissa, 0UL}, 127 - a.exponent, f64::is_negative(x)));
}
TM_FLOAT64 float64 exp10(float64 x) {
  if (f64::magnitude(x) >= 0x4080000000000000UL) // 512
    return f64::exponential_limit(x);
  f64::Wide a = f64::wide(x);
  f64::Long2 power = f64::high_product(a.mantissa, f64::Long2{f64::log2_10_high, f64::log2_10_low});
  return f64::rounded(false,
                      f64::exp2_split(power, 126 - a.exponent - f64::log2_10_exponent, f64::is_negative(x)));
}
TM_FLOAT64 float64 expm1(float64 x) {
  bool negative = f64::is_negative(x);
  if (f64::magnitude(x) >= 0x4090000000000000UL) // 1024
    return f64::choose(negative && !f64::is_nan(x), float64{f64::sign_bit | f64::one_bits},
                       f64::exponential_limit(x));
  if (f64::magnitude(x) < 0x3c90000000000000UL) // 2^-54
    return x;
  f64::Wide a = f64::wide(x);
  if (a.exponent < -1) {
    ulong z = f64::fixed(a, 64);
    ulong rest =
        negative ? f64::alternating(f64::expm1_series_63, 18, z) : f64::series(f64::expm1_series_63, 18, z);
    return f64::rounded(negative, f64::times(a, f64::of_fixed(rest, 63)));
  }
  f64::Wide power = f64::exp_of(a, negative);
  if (negative)
    return f64::rounded(true, f64::minus(f64::one(), power));
  return f64::rounded(false, f64::minus(power, f64::one()));
}

// ---- logarithms and powers ----

TM_FLOAT64 float64 log(float64 x) {
  return f64::has_log(x) ? f64::rounded(f64::natural_log(f64::parts(x))) : f64::log_limit(x);
}
TM_FLOAT64 float64 log2(float64 x) {
  if (!f64::has_log(x))
    return f64::log_limit(x);
  return f64::rounded(
      f64::log_of(f64::parts(x), f64::one(), f64::Wide{f64::log2_e_high, f64::log2_e_exponent}));
}
TM_FLOAT64 float64 log10(float64 x) {
  if (!f64::has_log(x))
    return f64::log_limit(x);
  return f64::rounded(f64::log_of(f64::parts(x), f64::Wide{f64::log10_2, f64::log10_2_exponent},
                                  f64::Wide{f64::log10_e, f64::log10_e_exponent}));
}
TM_FLOAT64 float64 log1p(float64 x) {
  ulong size = f64::magnitude(x);
  if (size < 0x3c90000000000000UL) // 2^-54
    return x;
  if (size >= f64::infinity_bits || (f64::is_negative(x) && size >= f64::one_bits))
    return f64::log_limit(float64{f64::is_negative(x) && size == f64::one_bits ? 0UL : x.bits});
  return f64::rounded(f64::log1p_of(f64::parts(x), f64::is_negative(x)));
}
static inline float64 logb(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= f64::infinity_bits)
    return float64{size == 0UL ? f64::sign_bit | f64::infinity_bits : f64::is_nan(x) ? f64::nan_bits : size};
  return to_float64(f64::parts(x).exponent);
}

TM_FLOAT64 float64 pow(float64 x, float64 y) {
  ulong size = f64::magnitude(x), power = f64::magnitude(y);
  if (power == 0UL || x.bits == f64::one_bits)
    return float64{f64::one_bits};
  if (f64::is_nan(x) || f64::is_nan(y))
    return f64::nan();
  bool whole = power >= 0x4330000000000000UL || // 2^52
               (power >= f64::one_bits && (power & f64::fraction_mask(power)) == 0UL);
  bool odd = whole && power < 0x4340000000000000UL && (f64::truncated(power) & 1UL) != 0UL; // 2^53
  ulong sign = odd ? f64::sign_of(x) : 0UL;
  bool shrinks = f64::is_negative(y);
  if (power == f64::infinity_bits) {
    if (size == f64::one_bits)
      return float64{f64::one_bits};
    return float64{(size > f64::one_bits) == shrinks ? 0UL : f64::infinity_bits};
  }
  if (size == 0UL || size == f64::infinity_bits)
    return float64{sign | ((size == 0UL) == shrinks ? f64::infinity_bits : 0UL)};
  if (f64::is_negative(x) && !whole)
    return f64::nan();
  if (size == f64::one_bits)
    return float64{sign | f64::one_bits};
  f64::Log2 log = f64::log2_of(f64::parts(x));
  f64::Wide b = f64::parts(y);
  bool negative = log.negative != shrinks;
  int exponent = log.exponent + b.exponent;
  if (exponent >= 12)
    return float64{sign | (negative ? 0UL : f64::infinity_bits)};
  f64::Wide result = f64::exp2_split(f64::high_product(b.mantissa, log.mantissa), 126 - exponent, negative);
  return f64::rounded(sign != 0UL, result);
}
static inline float64 pow(float64 x, int n) { return pow(x, to_float64(n)); }

namespace f64 {
TM_FLOAT64 float64 cube_root(float64 x, bool reciprocal) {
  ulong size = magnitude(x);
  if (size == 0UL || size >= infinity_bits) {
    ulong other = size == 0UL ? infinity_bits : 0UL;
    return float64{is_nan(x) ? nan_bits : sign_of(x) | (reciprocal ? other : size)};
  }
  Wide a = parts(x);
  int third = (a.exponent + 3000) / 3 - 1000; // rounded down
  Log2 log = log2_of(Wide{a.mantissa, a.exponent - 3 * third});
  Wide power = over(Wide{log.mantissa.high, log.exponent}, of_int(3));
  ulong fraction = log.mantissa.high == 0UL ? 0UL : fixed(power, 64);
  if (reciprocal)
    return rounded(is_negative(x), exp2_of(-third - (fraction != 0UL ? 1 : 0), 0UL - fraction));
  return rounded(is_negative(x), exp2_of(third, fraction));
}
} // namespace f64
static inline float64 cbrt(float64 x) { return f64::cube_root(x, false); }
static inline float64 rcbrt(float64 x) { return f64::cube_root(x, true); }

TM_FLOAT64 float64 rsqrt(float64 x) {
  if (!f64::has_log(x))
    return float64{f64::magnitude(x) == 0UL       ? f64::sign_of(x) | f64::infinity_bits
                   : x.bits == f64::infinity_bits ? 0UL
                                                  : f64::nan_bits};
  return f64::rounded(false, f64::over(f64::one(), f64::root(f64::parts(x))));
}

// ---- lengths ----

namespace f64 {
TM_FLOAT64 float64 length(float64 a, float64 b, float64 c, float64 d, bool reciprocal) {
  if (isinf(a) || isinf(b) || isinf(c) || isinf(d))
    return float64{reciprocal ? 0UL : infinity_bits};
  if (is_nan(a) || is_nan(b) || is_nan(c) || is_nan(d))
    return nan();
  Wide w = wide(a), x = wide(b), y = wide(c), z = wide(d);
  Wide size = root(plus(plus(times(w, w), times(x, x)), plus(times(y, y), times(z, z))));
  if (!reciprocal)
    return rounded(false, size);
  return size.mantissa == 0UL ? infinity() : rounded(false, over(one(), size));
}
} // namespace f64
static inline float64 hypot(float64 x, float64 y) {
  return f64::length(x, y, float64{0UL}, float64{0UL}, false);
}
static inline float64 rhypot(float64 x, float64 y) {
  return f64::length(x, y, float64{0UL}, float64{0UL}, true);
}
static inline float64 norm3d(float64 x, float64 y, float64 z) {
  return f64::length(x, y, z, float64{0UL}, false);
}
static inline float64 rnorm3d(float64 x, float64 y, float64 z) {
  return f64::length(x, y, z, float64{0UL}, true);
}
static inline float64 norm4d(float64 x, float64 y, float64 z, float64 w) {
  return f64::length(x, y, z, w, false);
}
static inline float64 rnorm4d(float64 x, float64 y, float64 z, float64 w) {
  return f64::length(x, y, z, w, true);
}

// ---- angles ----

namespace f64 {

/// |x| = quarter * pi / 2 + size, or - size if it is flipped; size is at most pi / 4.
struct Angle {
  Wide size;
  int quarter;
  bool flipped;
};
/// From a quarter and a fraction of it.
static inline Angle folded(int quarter, Long2 fraction) {
  bool flipped = fraction.high >= sign_bit;
  if (flipped)
    fraction = difference(Long2{0UL, 0UL}, fraction);
  Wide size = Wide{0UL, 0};
  if ((fraction.high | fraction.low) != 0UL)
    size = times(normalized(fraction, -1), Wide{half_pi, half_pi_exponent});
  return Angle{Wide{size.mantissa, size.exponent}, (quarter + (flipped ? 1 : 0)) & 3, flipped};
}
static inline ulong bits_from(int word, int shift) {
  ulong high = two_over_pi_0[word];
  return shift == 0 ? high : high << shift | two_over_pi_0[word + 1] >> (64 - shift);
}
/// Multiplies by 192 bits of 2 / pi, those that matter for the exponent (M. Payne and R. Hanek).
TM_FLOAT64 Angle reduced(Wide x) {
  if (x.exponent < -1)
    return Angle{Wide{x.mantissa, x.exponent}, 0, false};
  int word = (x.exponent + 63) >> 6, shift = (x.exponent + 63) & 63;
  ulong high = bits_from(word, shift), middle = bits_from(word + 1, shift), low = bits_from(word + 2, shift);
  Long2 p = sum(product(x.mantissa, middle), Long2{0UL, high_product(x.mantissa, low)});
  p.high += x.mantissa * high;
  ulong last = x.mantissa * low;
  return folded(int(p.high >> 62), Long2{p.high << 2 | p.low >> 62, p.low << 2 | last >> 62});
}
/// The same for pi x.
static inline Angle reduced_pi(Wide x) {
  int exponent = x.exponent + 1;
  if (exponent < -1)
    return Angle{times(Wide{x.mantissa, exponent}, Wide{half_pi, half_pi_exponent}), 0, false};
  if (exponent > 126)
    return Angle{Wide{0UL, 0}, 0, false};
  Long2 a = Long2{x.mantissa, 0UL};
  return folded(int(shifted_right(a, 127 - exponent).low & 3UL), shifted_left(a, exponent + 1));
}
static inline Wide sine(Wide x) {
  ulong z = x.mantissa == 0UL ? 0UL : fixed(times(x, x), 64);
  return times(x, of_fixed(alternating(sin_series_63, 12, z), 63));
}
static inline Wide cosine(Wide x) {
  ulong z = x.mantissa == 0UL ? 0UL : fixed(times(x, x), 64);
  return of_fixed(alternating(cos_series_63, 12, z), 63);
}
static inline float64 sine_of(Angle a, bool negative) {
  bool below = negative != (a.quarter >= 2);
  if ((a.quarter & 1) != 0)
    return rounded(below, cosine(a.size));
  return rounded(below != a.flipped, sine(a.size));
}
static inline float64 cosine_of(Angle a) {
  bool below = a.quarter == 1 || a.quarter == 2;
  if ((a.quarter & 1) == 0)
    return rounded(below, cosine(a.size));
  return rounded(below != a.flipped && a.size.mantissa != 0UL, sine(a.size));
}

} // namespace f64

TM_FLOAT64 float64 sin(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= f64::infinity_bits)
    return f64::choose(size == 0UL, x, f64::nan());
  return f64::sine_of(f64::reduced(f64::parts(x)), f64::is_negative(x));
}
TM_FLOAT64 float64 cos(float64 x) {
  if (f64::magnitude(x) >= f64::infinity_bits)
    return f64::nan();
  return f64::cosine_of(f64::reduced(f64::wide(x)));
}
TM_FLOAT64 float64 tan(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= f64::infinity_bits)
    return f64::choose(size == 0UL, x, f64::nan());
  f64::Angle a = f64::reduced(f64::parts(x));
  f64::Wide sine = f64::sine(a.size), cosine = f64::cosine(a.size);
  bool inverse = (a.quarter & 1) != 0, negative = f64::is_negative(x) != (a.flipped != inverse);
  if (inverse)
    return f64::rounded(negative, f64::over(cosine, sine));
  return f64::rounded(negative, f64::over(sine, cosine));
}
TM_FLOAT64 float64 sinpi(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= f64::infinity_bits)
    return f64::choose(size == 0UL, x, f64::nan());
  float64 value = f64::sine_of(f64::reduced_pi(f64::parts(x)), f64::is_negative(x));
  return f64::choose(f64::magnitude(value) == 0UL, float64{f64::sign_of(x)}, value);
}
TM_FLOAT64 float64 cospi(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= f64::infinity_bits)
    return float64{size == 0UL ? f64::one_bits : f64::nan_bits};
  return f64::cosine_of(f64::reduced_pi(f64::parts(x)));
}

namespace f64 {

/// atan(a / b) for a <= b: that of the nearest eighth, plus a series.
TM_FLOAT64 Wide atan_below_one(Wide a, Wide b) {
  if (a.mantissa == 0UL)
    return a;
  Wide t = over(a, b);
  int eighths = int((fixed(t, 4) + 1UL) >> 1);
  if (eighths == 0)
    return times(t, of_fixed(alternating(odd_reciprocals_63, 10, fixed(times(t, t), 64)), 63));
  Wide c = of_fixed(ulong(eighths), 3), near = times(c, b), base = of_fixed(atan_eighths_64[eighths], 64);
  bool below = less(a, near);
  Wide rest = below ? minus(near, a) : minus(a, near);
  if (rest.mantissa == 0UL)
    return base;
  t = over(rest, plus(b, times(c, a)));
  rest = times(t, of_fixed(alternating(odd_reciprocals_63, 10, fixed(times(t, t), 64)), 63));
  return below ? minus(base, rest) : plus(base, rest);
}
/// atan(a / b) in [0, pi / 2]; not both are zero.
static inline Wide atan_of(Wide a, Wide b) {
  if (less(b, a))
    return minus(Wide{half_pi, half_pi_exponent}, atan_below_one(b, a));
  return atan_below_one(a, b);
}
static inline Wide pi() { return Wide{half_pi, half_pi_exponent + 1}; }
/// sqrt(1 - x^2) for 0 < x < 1
static inline Wide other_leg(Wide x) {
  Long2 square = shifted_right(product(x.mantissa, x.mantissa), -2 * x.exponent - 1);
  return root(normalized(difference(Long2{sign_bit, 0UL}, square), 0));
}

} // namespace f64

TM_FLOAT64 float64 atan2(float64 y, float64 x) {
  ulong a = f64::magnitude(y), b = f64::magnitude(x);
  if (a > f64::infinity_bits || b > f64::infinity_bits)
    return f64::nan();
  bool both = a == f64::infinity_bits && b == f64::infinity_bits;
  f64::Wide angle = f64::Wide{0UL, 0};
  if (both || (a != 0UL && b < f64::infinity_bits && a < f64::infinity_bits))
    angle = f64::atan_of(f64::wide(float64{both ? f64::one_bits : a}),
                         f64::wide(float64{both ? f64::one_bits : b}));
  else if (a == f64::infinity_bits)
    angle = f64::Wide{f64::half_pi, f64::half_pi_exponent};
  if (f64::is_negative(x))
    angle = f64::minus(f64::pi(), angle);
  return f64::rounded(f64::is_negative(y), angle);
}
static inline float64 atan(float64 x) { return atan2(x, float64{f64::one_bits}); }
TM_FLOAT64 float64 asin(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size > f64::one_bits)
    return f64::choose(size == 0UL, x, f64::nan());
  if (size == f64::one_bits)
    return f64::rounded(f64::is_negative(x), f64::Wide{f64::half_pi, f64::half_pi_exponent});
  f64::Wide a = f64::parts(x);
  return f64::rounded(f64::is_negative(x), f64::atan_of(a, f64::other_leg(a)));
}
TM_FLOAT64 float64 acos(float64 x) {
  ulong size = f64::magnitude(x);
  if (size > f64::one_bits)
    return f64::nan();
  f64::Wide angle = f64::Wide{f64::half_pi, f64::half_pi_exponent}, a = f64::wide(x);
  if (size == f64::one_bits)
    angle = f64::Wide{0UL, 0};
  else if (size != 0UL)
    angle = f64::atan_of(f64::other_leg(a), a);
  if (f64::is_negative(x))
    angle = f64::minus(f64::pi(), angle);
  return f64::rounded(false, angle);
}

// ---- hyperbolic functions ----

namespace f64 {
static inline Wide small_sinh(Wide x) {
  return times(x, Wide{series(sin_series_63, 12, fixed(times(x, x), 64)), 0});
}
} // namespace f64

TM_FLOAT64 float64 sinh(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= 0x4090000000000000UL) // 1024
    return float64{f64::is_nan(x) ? f64::nan_bits
                                  : f64::sign_of(x) | (size == 0UL ? 0UL : f64::infinity_bits)};
  f64::Wide a = f64::parts(x);
  if (a.exponent < -1)
    return f64::rounded(f64::is_negative(x), f64::small_sinh(a));
  f64::Wide twice = f64::minus(f64::exp_of(a, false), f64::exp_of(a, true));
  return f64::rounded(f64::is_negative(x), f64::scaled(twice, -1));
}
TM_FLOAT64 float64 cosh(float64 x) {
  if (f64::magnitude(x) >= 0x4090000000000000UL) // 1024
    return f64::exponential_limit(abs(x));
  f64::Wide a = f64::wide(x), twice = f64::plus(f64::exp_of(a, false), f64::exp_of(a, true));
  return f64::rounded(false, f64::scaled(twice, -1));
}
TM_FLOAT64 float64 tanh(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= 0x4040000000000000UL) // 32
    return float64{f64::is_nan(x) ? f64::nan_bits : f64::sign_of(x) | (size == 0UL ? 0UL : f64::one_bits)};
  f64::Wide a = f64::parts(x);
  if (a.exponent < -1) {
    f64::Wide cosh = f64::Wide{f64::series(f64::cos_series_63, 12, f64::fixed(f64::times(a, a), 64)), 0};
    return f64::rounded(f64::is_negative(x), f64::over(f64::small_sinh(a), cosh));
  }
  f64::Wide power = f64::exp_of(f64::scaled(a, 1), true);
  return f64::rounded(f64::is_negative(x),
                      f64::over(f64::minus(f64::one(), power), f64::plus(f64::one(), power)));
}
TM_FLOAT64 float64 asinh(float64 x) {
  ulong size = f64::magnitude(x);
  if (size < 0x3e30000000000000UL || size >= f64::infinity_bits) // 2^-28
    return f64::choose(f64::is_nan(x), f64::nan(), x);
  f64::Wide a = f64::parts(x);
  if (a.exponent > 60)
    return f64::rounded(f64::is_negative(x), f64::natural_log(f64::scaled(a, 1)).size);
  f64::Wide square = f64::times(a, a), root = f64::root(f64::plus(f64::one(), square));
  f64::Wide above = f64::plus(a, f64::over(square, f64::plus(f64::one(), root))); // x + sqrt(1 + x^2) - 1
  return f64::rounded(f64::is_negative(x), f64::log1p_of(above, false).size);
}
TM_FLOAT64 float64 acosh(float64 x) {
  if (!(x.bits >= f64::one_bits && x.bits < f64::infinity_bits))
    return f64::choose(x.bits == f64::infinity_bits, x, f64::nan());
  f64::Wide a = f64::parts(x);
  if (a.exponent > 60)
    return f64::rounded(f64::natural_log(f64::scaled(a, 1)));
  f64::Wide above = f64::minus(a, f64::one());
  if (above.mantissa == 0UL)
    return float64{0UL};
  f64::Wide root = f64::root(f64::times(above, f64::plus(a, f64::one())));
  return f64::rounded(f64::log1p_of(f64::plus(above, root), false));
}
TM_FLOAT64 float64 atanh(float64 x) {
  ulong size = f64::magnitude(x);
  if (size == 0UL || size >= f64::one_bits)
    return float64{size > f64::one_bits ? f64::nan_bits
                                        : f64::sign_of(x) | (size == 0UL ? 0UL : f64::infinity_bits)};
  f64::Wide a = f64::parts(x);
  if (a.exponent < -3)
    return f64::rounded(f64::is_negative(x), f64::scaled(f64::twice_atanh(a), -1));
  f64::Wide ratio = f64::over(f64::scaled(a, 1), f64::minus(f64::one(), a));
  return f64::rounded(f64::is_negative(x), f64::scaled(f64::log1p_of(ratio, false).size, -1));
}

// ---- error functions ----

namespace f64 {

/// erf(x) for x < 1, with x^2 in units of 2^-64.
static inline Wide small_erf(Wide x, ulong square) {
  return times(x, of_fixed(alternating(erf_series_63, 22, square), 63));
}
static inline ulong square_of(Wide x) { return x.mantissa == 0UL ? 0UL : fixed(times(x, x), 64); }
/// e^(x^2) erfc(x) for x >= 1: a polynomial of 1 / x in each eighth.
TM_FLOAT64 Wide large_erfcx(Wide x) {
  Wide inverse = over(one(), x);
  ulong place = inverse.exponent == 0 ? ~0UL : fixed(inverse, 64), rest = place << 3;
  int first = int(place >> 61) * erfcx_terms;
  long sum = erfcx_pieces_62[first + erfcx_terms - 1];
  for (int k = erfcx_terms - 2; k >= 0; --k)
    sum = erfcx_pieces_62[first + k] + long(high_product(ulong(sum), rest) - (sum < 0 ? rest : 0UL));
  return times(times(of_fixed(ulong(sum), 62), inverse), Wide{inverse_root_pi, inverse_root_pi_exponent});
}
/// erfc(x) for 1 <= x < 32
static inline Wide large_erfc(Wide x) { return times(large_erfcx(x), exp_of_square(x, 0, true)); }
static inline float64 one_with(ulong sign) { return float64{sign | one_bits}; }

} // namespace f64

TM_FLOAT64 float64 erf(float64 x) {
  ulong size = f64::magnitude(x);
  if (size >= 0x4018000000000000UL) // 6
    return f64::choose(f64::is_nan(x), f64::nan(), f64::one_with(f64::sign_of(x)));
  f64::Wide a = f64::wide(x);
  if (size < f64::one_bits)
    return f64::rounded(f64::is_negative(x), f64::small_erf(a, f64::square_of(a)));
  return f64::rounded(f64::is_negative(x), f64::minus(f64::one(), f64::large_erfc(a)));
}
TM_FLOAT64 float64 erfc(float64 x) {
  ulong size = f64::magnitude(x);
  bool negative = f64::is_negative(x);
  if (size >= 0x4040000000000000UL) // 32
    return float64{f64::is_nan(x) ? f64::nan_bits : (negative ? f64::one_bits + (1UL << 52) : 0UL)};
  f64::Wide a = f64::wide(x);
  if (size >= f64::one_bits) {
    f64::Wide value = f64::large_erfc(a);
    if (negative)
      value = f64::minus(f64::Wide{f64::sign_bit, 1}, value);
    return f64::rounded(false, value);
  }
  f64::Wide value = f64::small_erf(a, f64::square_of(a));
  if (negative)
    return f64::rounded(false, f64::plus(f64::one(), value));
  return f64::rounded(false, f64::minus(f64::one(), value));
}
TM_FLOAT64 float64 erfcx(float64 x) {
  ulong size = f64::magnitude(x);
  bool negative = f64::is_negative(x);
  if (size >= f64::infinity_bits || (negative && size >= 0x4040000000000000UL)) // 32
    return float64{f64::is_nan(x) ? f64::nan_bits : (negative ? f64::infinity_bits : 0UL)};
  f64::Wide a = f64::wide(x);
  if (size >= f64::one_bits) {
    f64::Wide value = f64::large_erfcx(a);
    if (negative)
      value = f64::minus(f64::scaled(f64::exp_of_square(a, 0, false), 1), value);
    return f64::rounded(false, value);
  }
  f64::Wide value = f64::small_erf(a, f64::square_of(a)), power = f64::exp_of_square(a, 0, false);
  if (negative)
    return f64::rounded(false, f64::times(power, f64::plus(f64::one(), value)));
  return f64::rounded(false, f64::times(power, f64::minus(f64::one(), value)));
}
TM_FLOAT64 float64 normcdf(float64 x) {
  ulong size = f64::magnitude(x);
  bool negative = f64::is_negative(x);
  if (size >= 0x4050000000000000UL) // 64
    return float64{f64::is_nan(x) ? f64::nan_bits : (negative ? 0UL : f64::one_bits)};
  f64::Wide a = f64::wide(x), t = f64::times(a, f64::Wide{f64::root_half, f64::root_half_exponent});
  if (t.exponent < 0) {
    f64::Wide value = f64::small_erf(t, f64::square_of(t));
    if (negative)
      return f64::rounded(false, f64::scaled(f64::minus(f64::one(), value), -1));
    return f64::rounded(false, f64::scaled(f64::plus(f64::one(), value), -1));
  }
  f64::Wide tail = f64::scaled(f64::times(f64::large_erfcx(t), f64::exp_of_square(a, -1, true)), -1);
  if (negative)
    return f64::rounded(false, tail);
  return f64::rounded(false, f64::minus(f64::one(), tail));
}

} // namespace tm
