// SPDX-License-Identifier: MIT
// The float functions of Metal's standard library for the CPU, written so that clang vectorises a loop over
// lanes: no branches and no calls, only selects (-O3 -ffp-contract=off -fno-math-errno, any vector width).
//
// They cover the whole range, with infinities, NaN, signed zeros and subnormal numbers. Errors in ulps
// of the exact value, over every float (one argument) or 2^26 pairs (two arguments), as measured by
// python/test/kernel_headers/accuracy.cpp: below 1.6 (rsqrt, sin, cos, sinh), 1.4 (tanh, cosh), 1.2
// (exp10, atan, log10), 1 (exp, exp2, log, log2), 0.6 (the others); fmod is exact. The polynomials
// come from scripts/fit_polynomials.py.
#pragma once

namespace vector_math {

#define TM_VECTOR_MATH static inline __attribute__((always_inline))

// ---- pieces ----

namespace detail {

TM_VECTOR_MATH int as_int(float x) { return __builtin_bit_cast(int, x); }
TM_VECTOR_MATH float as_float(int x) { return __builtin_bit_cast(float, x); }
TM_VECTOR_MATH float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
TM_VECTOR_MATH double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

constexpr float infinity = __builtin_inff();
constexpr float nan = __builtin_nanf("");
constexpr float smallest_normal = 0x1p-126f;

/// Horner's rule; the coefficient of the lowest power comes first.
template <typename T> TM_VECTOR_MATH T polynomial(T, T c0) { return c0; }
template <typename T, typename... Rest> TM_VECTOR_MATH T polynomial(T x, T c0, Rest... rest) {
  return fma(polynomial<T>(x, rest...), x, c0);
}

/// 2^n for n in [-126, 127].
TM_VECTOR_MATH float power_of_two(int n) { return as_float((n + 127) << 23); }
/// x * 2^n for n in [-252, 254], rounded once.
TM_VECTOR_MATH float scale(float x, int n) {
  int half = n >> 1;
  return x * power_of_two(half) * power_of_two(n - half);
}

/// x rounded to a whole number, as float and int, for |x| < 2^22. Adding 1.5 * 2^23 leaves it in
/// the low bits.
struct Whole {
  float value;
  int number;
};
TM_VECTOR_MATH Whole round_whole(float x) {
  float shifted = x + 0x1.8p23f;
  return {shifted - 0x1.8p23f, as_int(shifted) - as_int(0x1.8p23f)};
}

TM_VECTOR_MATH float clamp(float x, float low, float high) { // keeps NaN
  float y = x > high ? high : x;
  return y < low ? low : y;
}

constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;

/// e^r for |r| <= ln(2) / 2.
TM_VECTOR_MATH float exp_near_zero(float r) {
  float p = polynomial(r, 0.5f, 0.166666641831398f, 0.041666459292173386f, 0.008333895355463028f,
                       0.0013935415772721171f, 0.00019570217409636825f);
  return 1.0f + fma(r * r, p, r);
}

/// e^x * 2^k for small k.
TM_VECTOR_MATH float exp_scaled(float x, int k) {
  float y = clamp(x, -106.0f, 90.0f);
  Whole n = round_whole(y * 0x1.715476p0f);
  float r = fma(n.value, -ln2_low, fma(n.value, -ln2_high, y));
  return scale(exp_near_zero(r), n.number + k);
}

/// A positive number as m * 2^k with m in [sqrt(1/2), sqrt(2)).
struct Split {
  float mantissa, exponent;
};
TM_VECTOR_MATH Split split(float x) {
  bool subnormal = x < smallest_normal;
  int bits = as_int(subnormal ? x * 0x1p23f : x);
  int k = (bits - 0x3f3504f3) >> 23;
  return {as_float(bits - (k << 23)), float(k - (subnormal ? 23 : 0))};
}

/// log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1].
TM_VECTOR_MATH float log1p_rest(float f) {
  float p = polynomial(f, 0.3333331048488617f, -0.25000014901161194f, 0.20002228021621704f,
                       -0.1666772961616516f, 0.14217515289783478f, -0.12409622967243195f,
                       0.11905728280544281f, -0.11656278371810913f, 0.06684872508049011f);
  return f * f * fma(f, p, -0.5f);
}

TM_VECTOR_MATH float logarithm_or_special(float x, float logarithm) {
  float special = x == 0.0f ? -infinity : (x < 0.0f ? nan : x);
  return x > 0.0f && x < infinity ? logarithm : special;
}

/// log(x) of a positive normal number, with an error of 2^-49.
TM_VECTOR_MATH double log_double(double x) {
  unsigned long long bits = __builtin_bit_cast(unsigned long long, x);
  unsigned long long biased = (bits + (0x3ff0000000000000ull - 0x3fe6a09e667f3bcdull)) >> 52;
  double m = __builtin_bit_cast(double, bits - ((biased - 1023) << 52));
  double k = double(int(biased) - 1023);
  double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = polynomial(z, 0.6666666666658487, 0.40000000053185275, 0.2857141700455232, 0.22223379539063523,
                        0.18123412514080278, 0.16822375413042728);
  return fma(k, 0x1.62e42fefa39efp-1, fma(s * z, p, 2.0 * s));
}

/// 2^x for any x, rounded to float once.
TM_VECTOR_MATH float exp2_double(double x) {
  double y = x > 160.0 ? 160.0 : x;
  y = y < -160.0 ? -160.0 : y;
  double shifted = y + 0x1.8p52, n = shifted - 0x1.8p52, r = y - n;
  unsigned long long bits = __builtin_bit_cast(unsigned long long, shifted);
  double power = __builtin_bit_cast(double, ((bits & 0xfff) + 1023) << 52 & 0x7ff0000000000000ull);
  double p = polynomial(r, 0.69314718055995, 0.2402265069571193, 0.05550410866444876, 0.00961812918367297,
                        0.0013333558230069335, 0.00015403439198828363, 1.5252657291581993e-05,
                        1.3258681218125729e-06, 1.0208687437463106e-07);
  return float(fma(r, p, 1.0) * power);
}

// Reduces an angle to quarter * pi/2 + rest with |rest| <= pi/4 (Payne and Hanek, "Radian reduction for
// trigonometric functions", 1983). With x = m * 2^e, where m is an integer of 24 bits, the bits of 2/pi
// that only contribute whole turns are left out. The next 128 bits give the product to within 2^-60 of
// a quarter turn.
struct Angle {
  double rest;
  int quarter;
};
TM_VECTOR_MATH Angle reduce_angle(float x) {
  using Word = unsigned long long;
  constexpr Word w0 = 0x00000028be60db93ull, w1 = 0x91054a7f09d5f47dull, w2 = 0x4d377036d8a5664full,
                 w3 = 0x10e4107f9458eaf7ull; // 2/pi, starting at the bit of 2^25
  int bits = as_int(x) & 0x7fffffff, exponent = bits >> 23;
  bool small = exponent < 126, largest = exponent > 253; // |x| < 1/2; |x| >= 2^127
  int offset = small ? 0 : (largest ? 127 : exponent - 126);
  Word m = Word((bits & 0x7fffff) | 0x800000) << (largest ? 1 : 0);
  bool later = offset > 63;
  Word first = later ? w1 : w0, second = later ? w2 : w1, third = later ? w3 : w2;
  int shift = offset & 63;
  Word high = first << shift | second >> 1 >> (63 - shift);
  Word low = second << shift | third >> 1 >> (63 - shift);
  Word product = ((m * (high >> 32)) << 32) + m * (high & 0xffffffff) + (m * (low >> 32) >> 32);
  // In units where 2^62 is a quarter turn.
  Word quarter = (product + 0x2000000000000000ull) >> 62;
  Word fraction = product - (quarter << 62);
  double rest = double(int(fraction >> 32)) + double(unsigned(fraction)) * 0x1p-32;
  rest = rest * (0x1.921fb54442d18p0 * 0x1p-30);
  bool negative = as_int(x) < 0;
  int turns = small ? 0 : (negative ? -int(quarter) : int(quarter));
  rest = small ? double(x) : (negative ? -rest : rest);
  return {exponent == 255 ? double(nan) : rest, turns};
}

/// sin(r + quarter * pi/2).
TM_VECTOR_MATH float sin_quarter(float r, int quarter) {
  float z = r * r;
  float sine = fma(r * z,
                   polynomial(z, -0.1666666716337204f, 0.008333372883498669f, -0.00019850303942803293f,
                              2.804530367939151e-06f),
                   r);
  float cosine = fma(
      z, fma(z, polynomial(z, 0.04166664555668831f, -0.0013887312961742282f, 2.443297125864774e-05f), -0.5f),
      1.0f);
  float value = quarter & 1 ? cosine : __builtin_copysignf(sine, r); // keeps -0
  return as_float(as_int(value) ^ ((quarter & 2) << 30));
}

/// tan(r + quarter * pi/2).
TM_VECTOR_MATH float tan_quarter(double r, int quarter) {
  double z = r * r;
  double sine = fma(r * z,
                    polynomial(z, -0.16666666666630578, 0.008333333325139901, -0.00019841263766019233,
                               2.75553477075058e-06, -2.4761027939943155e-08),
                    r);
  double cosine = fma(z,
                      fma(z,
                          polynomial(z, 0.04166666666659922, -0.0013888888877951033, 2.4801580850460275e-05,
                                     -2.7555547882208896e-07, 2.064663473522916e-09),
                          -0.5),
                      1.0);
  return float(quarter & 1 ? -cosine / sine : __builtin_copysign(sine / cosine, r)); // keeps -0
}

/// Reduces an angle of x half turns in the same way.
TM_VECTOR_MATH Angle reduce_turns(float x) {
  float a = __builtin_fabsf(x);
  bool finite = a < infinity;
  float y = a < 0x1p24f ? x : 0.0f; // larger floats are even integers
  float whole = __builtin_rintf(y + y);
  float fraction = fma(whole, -0.5f, y); // exact
  return {finite ? double(fraction) * 0x1.921fb54442d18p1 : double(nan), int(whole)};
}

} // namespace detail

// ---- exponential functions ----

TM_VECTOR_MATH float exp(float x) { return detail::exp_scaled(x, 0); }

TM_VECTOR_MATH float exp2(float x) {
  using namespace detail;
  float y = clamp(x, -160.0f, 160.0f);
  Whole n = round_whole(y);
  float r = y - n.value;
  return scale(fma(r,
                   polynomial(r, 0.6931471824645996f, 0.24022650718688965f, 0.05550406500697136f,
                              0.009618077427148819f, 0.0013336432166397572f, 0.00015456360415555537f,
                              1.4700138308398891e-05f),
                   1.0f),
               n.number);
}

TM_VECTOR_MATH float exp10(float x) {
  using namespace detail;
  float y = clamp(x, -50.0f, 50.0f);
  Whole n = round_whole(y * 0x1.a934fp1f);
  // log10(2) in two parts, of which the first has few bits
  float r = fma(n.value, -0x1.3509f8p-18f, fma(n.value, -0x1.344p-2f, y));
  float t = r * 0x1.26bb1cp1f, low = fma(r, 0x1.26bb1cp1f, -t) + r * -0x1.12aabap-25f;
  float e = exp_near_zero(t);
  return scale(fma(e, low, e), n.number);
}

TM_VECTOR_MATH float sinh(float x) {
  using namespace detail;
  float a = __builtin_fabsf(x), z = x * x;
  float small = fma(x * z,
                    polynomial(z, 0.1666666716337204f, 0.008333316072821617f, 0.00019841419998556376f,
                               2.7915382361243246e-06f),
                    x);
  float half = exp_scaled(a, -1);
  float large = __builtin_copysignf(half - 0.25f / half, x);
  return a < 1.0f ? small : large;
}

TM_VECTOR_MATH float cosh(float x) {
  float half = detail::exp_scaled(__builtin_fabsf(x), -1);
  return half + 0.25f / half;
}

TM_VECTOR_MATH float tanh(float x) {
  using namespace detail;
  float a = __builtin_fabsf(x), z = x * x;
  float small = fma(x * z,
                    polynomial(z, -0.3333333134651184f, 0.13333234190940857f, -0.05395097658038139f,
                               0.02172689698636532f, -0.008249388076364994f, 0.0022153325844556093f),
                    x);
  float large = 1.0f - 2.0f / (exp_scaled(a + a, 0) + 1.0f);
  return __builtin_copysignf(a < 0.6f ? small : large, x);
}

// ---- logarithms ----

TM_VECTOR_MATH float log(float x) {
  using namespace detail;
  Split s = split(x);
  float f = s.mantissa - 1.0f;
  float y = f + fma(s.exponent, ln2_low, log1p_rest(f));
  return logarithm_or_special(x, fma(s.exponent, ln2_high, y));
}

TM_VECTOR_MATH float log2(float x) {
  using namespace detail;
  Split s = split(x);
  float f = s.mantissa - 1.0f;
  constexpr float high = 0x1.715476p0f, low = 0x1.4ae0cp-26f; // 1 / ln(2)
  float product = f * high;
  float rest = fma(f, high, -product) + fma(f, low, log1p_rest(f) * high);
  float sum = s.exponent + product;
  float error = (s.exponent == 0.0f ? 0.0f : s.exponent - sum) + (s.exponent == 0.0f ? 0.0f : product);
  return logarithm_or_special(x, sum + (error + rest));
}

TM_VECTOR_MATH float log10(float x) {
  using namespace detail;
  Split s = split(x);
  float f = s.mantissa - 1.0f;
  constexpr float high = 0x1.bcb7b2p-2f, low = -0x1.5b235ep-27f; // 1 / ln(10)
  float product = f * high;
  float rest = fma(f, high, -product) + fma(f, low, log1p_rest(f) * high);
  rest = fma(s.exponent, 0x1.3509f8p-18f, rest);
  float base = s.exponent * 0x1.344p-2f; // exact
  float sum = base + product;
  float error = s.exponent == 0.0f ? 0.0f : (base - sum) + product;
  return logarithm_or_special(x, sum + (error + rest));
}

// ---- trigonometric functions ----

TM_VECTOR_MATH float sin(float x) {
  detail::Angle a = detail::reduce_angle(x);
  return detail::sin_quarter(float(a.rest), a.quarter);
}
TM_VECTOR_MATH float cos(float x) {
  detail::Angle a = detail::reduce_angle(x);
  return detail::sin_quarter(float(a.rest), a.quarter + 1);
}
TM_VECTOR_MATH float sincos(float x, float &cosine) {
  detail::Angle a = detail::reduce_angle(x);
  cosine = detail::sin_quarter(float(a.rest), a.quarter + 1);
  return detail::sin_quarter(float(a.rest), a.quarter);
}
TM_VECTOR_MATH float tan(float x) {
  detail::Angle a = detail::reduce_angle(x);
  return detail::tan_quarter(a.rest, a.quarter);
}
TM_VECTOR_MATH float sinpi(float x) {
  detail::Angle a = detail::reduce_turns(x);
  float value = detail::sin_quarter(float(a.rest), a.quarter);
  return value == 0.0f ? __builtin_copysignf(0.0f, x) : value;
}
TM_VECTOR_MATH float cospi(float x) {
  detail::Angle a = detail::reduce_turns(x);
  float value = detail::sin_quarter(float(a.rest), a.quarter + 1);
  return value == 0.0f ? 0.0f : value;
}
TM_VECTOR_MATH float tanpi(float x) {
  detail::Angle a = detail::reduce_turns(x);
  float value = detail::tan_quarter(a.rest, a.quarter);
  return value == 0.0f ? __builtin_copysignf(0.0f, x) : value;
}

// ---- inverse trigonometric functions ----

namespace detail {

/// (asin(x) - x) / x as a function of z = x^2 <= 1/4.
TM_VECTOR_MATH float asin_rest(float z) {
  return z * polynomial(z, 0.16666659712791443f, 0.07500515133142471f, 0.04451543092727661f,
                        0.03181745857000351f, 0.01440940611064434f, 0.03754977136850357f);
}

/// asin(sqrt((1 - a) / 2)) as root + rest, for a in [1/2, 1].
struct Pair {
  float root, rest;
};
TM_VECTOR_MATH Pair half_angle(float a) {
  float z = fma(a, -0.5f, 0.5f); // exact
  float root = __builtin_sqrtf(z);
  float error = z > 0.0f ? fma(-root, root, z) / (root + root) : 0.0f;
  return {root, fma(root, asin_rest(z), error)};
}

constexpr float half_pi = 0x1.921fb6p0f, half_pi_low = -0x1.777a5cp-25f;

} // namespace detail

TM_VECTOR_MATH float asin(float x) {
  using namespace detail;
  float a = __builtin_fabsf(x);
  float small = fma(a, asin_rest(a * a), a);
  Pair p = half_angle(a);
  float sum = half_pi - 2.0f * p.root, error = (half_pi - sum) - 2.0f * p.root;
  float large = sum + (error + (half_pi_low - 2.0f * p.rest));
  return a > 1.0f ? nan : __builtin_copysignf(a < 0.5f ? small : large, x);
}

TM_VECTOR_MATH float acos(float x) {
  using namespace detail;
  float a = __builtin_fabsf(x);
  float rest = fma(x, asin_rest(x * x), -half_pi_low);
  float sum = half_pi - x, error = (half_pi - sum) - x;
  float small = sum + (error - rest);
  Pair p = half_angle(a);
  float acute = 2.0f * (p.root + p.rest);
  float obtuse_sum = 2.0f * half_pi - 2.0f * p.root,
        obtuse_error = (2.0f * half_pi - obtuse_sum) - 2.0f * p.root;
  float obtuse = obtuse_sum + (obtuse_error + 2.0f * (half_pi_low - p.rest));
  float value = a < 0.5f ? small : (x < 0.0f ? obtuse : acute);
  return a > 1.0f ? nan : value;
}

TM_VECTOR_MATH float atan(float x) {
  using namespace detail;
  float a = __builtin_fabsf(x);
  bool inverted = a > 1.0f;
  float t = inverted ? 1.0f / a : a, z = t * t;
  float rest =
      t * z *
      polynomial(z, -0.33333325386047363f, 0.1999962329864502f, -0.1427926868200302f, 0.11054810136556625f,
                 -0.08799088001251221f, 0.06715638190507889f, -0.04433967545628548f, 0.02225244604051113f,
                 -0.007186720613390207f, 0.0010882181813940406f);
  float value = inverted ? half_pi - (t + (rest - half_pi_low)) : t + rest;
  return __builtin_copysignf(value, x);
}

TM_VECTOR_MATH float atan2(float y, float x) {
  using namespace detail;
  double ax = __builtin_fabs(double(x)), ay = __builtin_fabs(double(y));
  bool swap = ay > ax;
  double numerator = swap ? ax : ay, denominator = swap ? ay : ax;
  double t = numerator / denominator;
  t = denominator == 0.0 ? 0.0 : t;
  t = numerator == double(infinity) ? 1.0 : t;
  double z = t * t;
  double angle =
      fma(t * z,
          polynomial(z, -0.3333332649243937, 0.1999965691332514, -0.14279653193261638, 0.11057077424496753,
                     -0.08806893572131141, 0.06732218633737275, -0.04455997603984263, 0.022430816959076977,
                     -0.007267214690686563, 0.001103740330224326),
          t);
  angle = swap ? 0x1.921fb54442d18p0 - angle : angle;
  angle = as_int(x) < 0 ? 0x1.921fb54442d18p1 - angle : angle;
  return __builtin_copysignf(x != x || y != y ? nan : float(angle), y);
}

// ---- inverse hyperbolic functions ----

TM_VECTOR_MATH float asinh(float x) {
  using namespace detail;
  double a = __builtin_fabs(double(x)), z = a * a;
  bool finite = a < double(infinity);
  double logarithm = log_double(finite ? a + __builtin_sqrt(fma(a, a, 1.0)) : 1.0);
  double series = fma(a * z, fma(z, 0.075, -1.0 / 6.0), a);
  float value = float(a < 0x1p-6 ? series : logarithm);
  return finite ? __builtin_copysignf(value, x) : x;
}

TM_VECTOR_MATH float acosh(float x) {
  using namespace detail;
  double a = x;
  bool inside = x >= 1.0f && x < infinity;
  double logarithm = log_double(inside ? a + __builtin_sqrt((a - 1.0) * (a + 1.0)) : 1.0);
  return inside ? float(logarithm) : (x < 1.0f ? nan : x);
}

TM_VECTOR_MATH float atanh(float x) {
  using namespace detail;
  double a = __builtin_fabs(double(x)), z = a * a;
  double logarithm = 0.5 * log_double(a < 1.0 ? (1.0 + a) / (1.0 - a) : 1.0);
  double series = fma(a * z, fma(z, 0.2, 1.0 / 3.0), a);
  float value = float(a < 0x1p-6 ? series : logarithm);
  value = a == 1.0 ? infinity : value;
  return a <= 1.0 ? __builtin_copysignf(value, x) : nan;
}

// ---- powers and remainders ----

TM_VECTOR_MATH float pow(float x, float y) {
  using namespace detail;
  double a = __builtin_fabs(double(x));
  bool normal = a > 0.0 && a < double(infinity);
  double logarithm = log_double(normal ? a : 1.0) * 0x1.71547652b82fep0;
  logarithm = a == 0.0 ? -double(infinity) : (normal ? logarithm : a);
  double product = double(y) * logarithm;
  float value = exp2_double(product);
  // Negative bases: the sign, and NaN for exponents that are no integers.
  float half = 0.5f * y;
  bool whole = __builtin_floorf(y) == y, odd = whole && __builtin_floorf(half) != half;
  bool negative = as_int(x) < 0;
  value = negative && odd ? -value : value;
  value = x < 0.0f && x > -infinity && !whole ? nan : value;
  value = product != product ? nan : value;
  bool one = x == 1.0f || y == 0.0f || (x == -1.0f && __builtin_fabsf(y) == infinity);
  return one ? 1.0f : value;
}

TM_VECTOR_MATH float powr(float x, float y) {
  using namespace detail;
  float value = pow(x, y);
  bool undefined = x < 0.0f || (x == 0.0f && y == 0.0f) || (x == infinity && y == 0.0f) ||
                   (x == 1.0f && __builtin_fabsf(y) == infinity) || x != x || y != y;
  return undefined ? nan : __builtin_fabsf(value);
}

TM_VECTOR_MATH float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }

/// C's fmod, exact.
TM_VECTOR_MATH float fmod(float x, float y) {
  using namespace detail;
  double a = __builtin_fabs(double(x)), b = __builtin_fabs(double(y));
  double r = a;
  // Rounding the quotient down keeps the remainder of each step positive and exact. A step removes 51 bits of
  // the quotient, which has at most 277.
#pragma clang loop unroll(full)
  for (int step = 0; step < 6; ++step)
    r = fma(-__builtin_trunc(r / b * (1.0 - 0x1p-52)), b, r);
  r = r >= b ? r - b : r;
  float value = b == double(infinity) ? __builtin_fabsf(x) : float(r);
  value = a == double(infinity) || b == 0.0 || x != x || y != y ? nan : value;
  return __builtin_copysignf(value, x);
}

#undef TM_VECTOR_MATH

} // namespace vector_math
