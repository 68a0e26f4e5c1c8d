// SPDX-License-Identifier: MIT
// The functions of libdevice, and others that Metal's standard library lacks or does not
// compute precisely enough.
//
// Every symbol `__tm_NAME` of python/triton_metal/backend/libdevice.py is the function tm::NAME, overloaded
// by its argument types. Symbols for unsigned integers (`__tm_uNAME`) are functions of their own that take
// the bits as signed integers. Conditions are bool, counts and signs are int. bits64.h has mulhi and umulhi,
// rounding.h the functions with a rounding mode (add_rd, fma_rz, float2int_ru, ...), special.h the error,
// gamma and Bessel functions.
//
// float functions use float arithmetic only, so that every device computes the same; half and bfloat are
// computed in float. double exists under TM_HAS_DOUBLE (the CPU device).
#pragma once

#include <metal_stdlib>

#if defined(TM_HAS_DOUBLE)
#define TM_DOUBLE(...) __VA_ARGS__
#else
#define TM_DOUBLE(...)
#endif

// half and bfloat computed in float, for functions of one, two and three arguments.
#define TM_NARROW1(NAME)                                                                                     \
  static inline half NAME(half x) { return half(NAME(float(x))); }                                           \
  static inline bfloat NAME(bfloat x) { return to_bfloat(NAME(float(x))); }
#define TM_NARROW2(NAME)                                                                                     \
  static inline half NAME(half x, half y) { return half(NAME(float(x), float(y))); }                         \
  static inline bfloat NAME(bfloat x, bfloat y) { return to_bfloat(NAME(float(x), float(y))); }

// Functions that have the same name in Metal and in the C library. FORM is metal::precise, whose errors the
// specification bounds, for all functions that have such a form.
#define TM_STANDARD1(FORM, NAME)                                                                             \
  static inline float NAME(float x) { return FORM::NAME(x); }                                                \
  TM_NARROW1(NAME)                                                                                           \
  TM_DOUBLE(static inline double NAME(double x) { return __builtin_##NAME(x); })
#define TM_STANDARD2(FORM, NAME)                                                                             \
  static inline float NAME(float x, float y) { return FORM::NAME(x, y); }                                    \
  TM_NARROW2(NAME)                                                                                           \
  TM_DOUBLE(static inline double NAME(double x, double y) { return __builtin_##NAME(x, y); })
// Functions written here for float that the C library has for double.
#define TM_DOUBLE1(NAME)                                                                                     \
  TM_NARROW1(NAME)                                                                                           \
  TM_DOUBLE(static inline double NAME(double x) { return __builtin_##NAME(x); })
#define TM_DOUBLE2(NAME)                                                                                     \
  TM_NARROW2(NAME)                                                                                           \
  TM_DOUBLE(static inline double NAME(double x, double y) { return __builtin_##NAME(x, y); })

namespace tm {

// ---- pieces ----

namespace detail {

/// Horner's rule; the coefficient of the lowest power comes first.
static inline float polynomial(float, float c0) { return c0; }
template <typename... Rest> inline float polynomial(float x, float c0, Rest... rest) {
  return metal::fma(polynomial(x, rest...), x, c0);
}

/// The unevaluated sum high + low, where |low| is at most half an ulp of high.
struct Pair {
  float high, low;
};
static inline Pair two_sum(float a, float b) { // D. E. Knuth
  float sum = a + b, part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}
static inline Pair two_product(float a, float b) {
  float product = a * b;
  return {product, metal::fma(a, b, -product)};
}

static inline float infinity() { return as_type<float>(0x7f800000); }
static inline float quiet_nan() { return as_type<float>(0x7fc00000); }
static inline float largest() { return as_type<float>(0x7f7fffff); }
static inline float with_sign(float magnitude, float sign) {
  return as_type<float>((as_type<int>(magnitude) & 0x7fffffff) | (as_type<int>(sign) & int(0x80000000)));
}
static inline float magnitude(float x) { return as_type<float>(as_type<int>(x) & 0x7fffffff); }

/// 2^n for n in [-126, 127].
static inline float power_of_two(int n) { return as_type<float>((n + 127) << 23); }
/// x * 2^n for any n, rounded once: a step down leaves at least 24 places to go, so that only the
/// last step rounds.
static inline float scale(float x, int n) {
  for (int step = 0; step < 2; ++step) {
    bool down = n < -126, up = n > 127;
    x *= down ? power_of_two(-102) : (up ? power_of_two(127) : 1.0f);
    n += down ? 102 : (up ? -127 : 0);
  }
  return x * power_of_two(n < -126 ? -126 : (n > 127 ? 127 : n));
}

/// Mantissa in [1, 2), with the sign, and exponent of a finite number other than zero; also of
/// a subnormal one.
struct Parts {
  float mantissa;
  int exponent;
};
static inline Parts parts(float x) {
  bool subnormal = magnitude(x) < power_of_two(-126);
  int bits = as_type<int>(subnormal ? x * power_of_two(24) : x);
  int exponent = ((bits >> 23) & 255) - 127;
  return {as_type<float>((bits & int(0x807fffff)) | 0x3f800000), exponent - (subnormal ? 24 : 0)};
}

constant constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;

/// exp(x + low) * 2^n for small `low`. The scaling is exact unless the result is subnormal.
static inline float exp_sum(float x, float low, int n) {
  float y = x > 120.0f ? 120.0f : (x < -120.0f ? -120.0f : x); // keeps NaN
  float shifted = metal::fma(y, 0x1.715476p0f, 0x1.8p23f);
  float whole = shifted - 0x1.8p23f;
  float r = metal::fma(whole, -ln2_low, metal::fma(whole, -ln2_high, y));
  float rest = metal::fma(r * r,
                          polynomial(r, 0.5f, 0.166666641831398f, 0.041666459292173386f,
                                     0.008333895355463028f, 0.0013935415772721171f, 0.00019570217409636825f),
                          r);
  float value = 1.0f + (rest + metal::fma(rest, low, low));
  n += as_type<int>(shifted) - as_type<int>(0x1.8p23f);
  int half_way = n >> 1;
  return value * power_of_two(half_way) * power_of_two(n - half_way);
}

/// log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1].
static inline float log1p_rest(float f) {
  return f * f *
         metal::fma(f,
                    polynomial(f, 0.3333331048488617f, -0.25000014901161194f, 0.20002228021621704f,
                               -0.1666772961616516f, 0.14217515289783478f, -0.12409622967243195f,
                               0.11905728280544281f, -0.11656278371810913f, 0.06684872508049011f),
                    -0.5f);
}

} // namespace detail

/// Converts to bfloat, ties to even. The conversion instruction of some processors flushes subnormal numbers
/// to zero.
static inline bfloat to_bfloat(float x) {
#if defined(TM_CPU)
  uint bits = as_type<uint>(x);
  uint rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  uint nan = (bits >> 16) | 0x40;
  return as_type<bfloat>(ushort(x != x ? nan : rounded));
#else
  return bfloat(x);
#endif
}

// ---- rounding to whole numbers ----

TM_STANDARD1(metal, floor)
TM_STANDARD1(metal, ceil)
TM_STANDARD1(metal, trunc)
TM_STANDARD1(metal, rint)
TM_STANDARD1(metal, round)

static inline float nearbyint(float x) { return rint(x); }
TM_DOUBLE1(nearbyint)
static inline long llrint(float x) { return long(rint(x)); }
static inline long llround(float x) { return long(round(x)); }
TM_DOUBLE(static inline long llrint(double x) { return long(rint(x)); })
TM_DOUBLE(static inline long llround(double x) { return long(round(x)); })

// ---- bits of floats ----

TM_STANDARD2(metal, copysign)
static inline float abs(float x) { return metal::fabs(x); }
TM_NARROW1(abs)
TM_DOUBLE(static inline double abs(double x) { return __builtin_fabs(x); })

template <typename T> inline bool isnan(T x) { return x != x; }
template <typename T> inline bool isinf(T x) { return x == x && x - x != x - x; }
template <typename T> inline bool finitef(T x) { return x - x == x - x; }
TM_DOUBLE(static inline bool isfinited(double x) { return x - x == x - x; })
static inline int signbit(float x) { return as_type<uint>(x) >> 31; }
static inline int signbit(half x) { return as_type<ushort>(x) >> 15; }
static inline int signbit(bfloat x) { return as_type<ushort>(x) >> 15; }
TM_DOUBLE(static inline int signbit(double x) { return as_type<ulong>(x) >> 63; })

static inline int ilogb(float x) { // INT_MIN for 0 and NaN, INT_MAX for infinity, as in CUDA
  int exponent = detail::parts(x).exponent;
  exponent = isinf(x) ? 0x7fffffff : exponent;
  return x == 0.0f || isnan(x) ? int(0x80000000) : exponent;
}
static inline float logb(float x) {
  float value = isinf(x) ? detail::infinity() : float(detail::parts(x).exponent);
  value = x == 0.0f ? -detail::infinity() : value;
  return isnan(x) ? x : value;
}
TM_NARROW1(logb)
TM_DOUBLE(static inline double logb(double x) { return __builtin_logb(x); })
TM_DOUBLE(static inline int ilogb(double x) {
  return x == 0 || x != x ? int(0x80000000) : (isinf(x) ? 0x7fffffff : __builtin_ilogb(x));
})

static inline float ldexp(float x, int n) { return detail::scale(x, n); }
static inline half ldexp(half x, int n) { return half(ldexp(float(x), n)); }
static inline bfloat ldexp(bfloat x, int n) { return to_bfloat(ldexp(float(x), n)); }
TM_DOUBLE(static inline double ldexp(double x, int n) { return __builtin_ldexp(x, n); })
template <typename T> inline T scalbn(T x, int n) { return ldexp(x, n); }

static inline float nextafter(float x, float y) {
  int bits = as_type<int>(x);
  int next = bits + ((x < y) == (bits >= 0) ? 1 : -1);
  float value = x == 0.0f ? as_type<float>((as_type<int>(y) & int(0x80000000)) | 1) : as_type<float>(next);
  value = x == y ? y : value;
  return isnan(x) || isnan(y) ? x + y : value;
}
TM_DOUBLE(static inline double nextafter(double x, double y) { return __builtin_nextafter(x, y); })

// ---- arithmetic ----

static inline float fma(float a, float b, float c) { return metal::fma(a, b, c); }
static inline half fma(half a, half b, half c) { return metal::fma(a, b, c); }
// The product is exact in float unless it overflows or underflows. The sum is rounded to odd, because
// rounding it to nearest and then to bfloat would round twice.
static inline bfloat fma(bfloat a, bfloat b, bfloat c) {
  detail::Pair sum = detail::two_sum(float(a) * float(b), float(c));
  sum.high = metal::fma(float(a), float(b), float(c)); // the same, or right where the product overflows
  int bits = as_type<int>(sum.high);
  bool exact = sum.low == 0.0f || sum.low != sum.low;
  bool inward = (sum.low < 0.0f) == (bits >= 0);
  bits = exact ? bits : ((inward ? bits - 1 : bits) | 1);
  return to_bfloat(as_type<float>(bits));
}
TM_DOUBLE(static inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); })

static inline float sqrt(float x) { return metal::precise::sqrt(x); }
TM_DOUBLE1(sqrt)
static inline float rsqrt(float x) { return metal::precise::rsqrt(x); }
TM_NARROW1(rsqrt)
TM_DOUBLE(static inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); })
static inline float rsqrt_rn(float x) { return rsqrt(x); }
static inline float saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
static inline float fast_dividef(float x, float y) { return x / y; }

static inline float fdim(float x, float y) { return x <= y ? 0.0f : x - y; }
TM_DOUBLE2(fdim)

static inline float fmod(float x, float y) {
#if defined(TM_CPU)
  return metal::fmod(x, y);
#else
  // Long division, 21 bits of the quotient at a time, with r and the divisor in [0, 2): what is left to
  // divide is r * 2^shift, in units of the divisor's exponent. The quotient is rounded down so that
  // remainders stay positive.
  float a = detail::magnitude(x), b = detail::magnitude(y);
  if (!(a < detail::infinity()) || !(b > 0.0f))
    return detail::quiet_nan();
  if (b == detail::infinity() || a < b)
    return x;
  detail::Parts pa = detail::parts(a), pb = detail::parts(b);
  float r = pa.mantissa;
  int shift = pa.exponent - pb.exponent;
  while (true) {
    int step = shift < 21 ? shift : 21;
    r = detail::scale(r, step);
    float quotient = metal::trunc(r / pb.mantissa * (1.0f - 0x1p-23f));
    // The quotient is right or one too small; the remainder that lies in [0, divisor) is exact.
    float next = metal::fma(-quotient - 1.0f, pb.mantissa, r);
    r = next >= 0.0f ? next : metal::fma(-quotient, pb.mantissa, r);
    shift -= step;
    if (shift == 0)
      break;
  }
  return detail::with_sign(detail::scale(r, pb.exponent), x);
#endif
}
TM_DOUBLE2(fmod)

static inline float remainder(float x, float y) {
  float a = detail::magnitude(x), b = detail::magnitude(y);
  float r = b <= detail::largest() * 0.5f ? fmod(a, b + b) : a;
  // r is in [0, 2b): subtract b while r is more than b / 2, or equals it and the quotient is odd.
  bool tiny = b < 4.0f * detail::power_of_two(-126); // b / 2 could round
  float half_b = b * 0.5f;
  if (tiny ? r + r > b : r > half_b) {
    r -= b;
    r = (tiny ? r + r >= b : r >= half_b) ? r - b : r;
  }
  float value = as_type<float>(as_type<int>(r) ^ (as_type<int>(x) & int(0x80000000)));
  bool invalid = !(a < detail::infinity()) || !(b > 0.0f);
  return invalid ? detail::quiet_nan() : (b == detail::infinity() ? x : value);
}
TM_DOUBLE2(remainder)

// ---- lengths ----

namespace detail {

/// sqrt(a^2 + b^2 + c^2 + d^2) or its reciprocal, scaled so that no square overflows or underflows.
static inline float norm(float a, float b, float c, float d, bool reciprocal) {
  a = magnitude(a), b = magnitude(b), c = magnitude(c), d = magnitude(d);
  float large = metal::fmax(metal::fmax(a, b), metal::fmax(c, d));
  bool infinite = large == infinity(), zero = large == 0.0f;
  int exponent = infinite || zero ? 0 : parts(large).exponent;
  a = scale(a, -exponent), b = scale(b, -exponent), c = scale(c, -exponent), d = scale(d, -exponent);
  Pair aa = two_product(a, a), bb = two_product(b, b), cc = two_product(c, c), dd = two_product(d, d);
  Pair ab = two_sum(aa.high, bb.high), cd = two_sum(cc.high, dd.high), sum = two_sum(ab.high, cd.high);
  float low = sum.low + ab.low + cd.low + aa.low + bb.low + cc.low + dd.low;
  float root = metal::precise::sqrt(sum.high);
  float rest = (metal::fma(-root, root, sum.high) + low) / (root + root);
  float length = scale(root + rest, exponent);
  length = zero ? 0.0f : length;
  float inverse = 1.0f / root;
  // One Newton step towards the reciprocal of the exact length root + rest.
  inverse = metal::fma(inverse, metal::fma(-inverse, root, 1.0f) - inverse * rest, inverse);
  inverse = zero ? infinity() : scale(inverse, -exponent);
  float value = reciprocal ? (infinite ? 0.0f : inverse) : (infinite ? infinity() : length);
  float nan = a + b + c + d; // fmax drops NaN
  return nan == nan || infinite ? value : nan;
}

} // namespace detail

static inline float hypot(float x, float y) { return detail::norm(x, y, 0.0f, 0.0f, false); }
static inline float rhypot(float x, float y) { return detail::norm(x, y, 0.0f, 0.0f, true); }
static inline float norm3d(float x, float y, float z) { return detail::norm(x, y, z, 0.0f, false); }
static inline float rnorm3d(float x, float y, float z) { return detail::norm(x, y, z, 0.0f, true); }
static inline float norm4d(float x, float y, float z, float w) { return detail::norm(x, y, z, w, false); }
static inline float rnorm4d(float x, float y, float z, float w) { return detail::norm(x, y, z, w, true); }
TM_DOUBLE2(hypot)
TM_NARROW2(rhypot)
TM_DOUBLE(static inline double rhypot(double x, double y) { return 1.0 / __builtin_hypot(x, y); })
TM_DOUBLE(static inline double norm3d(double x, double y, double z) {
  return __builtin_hypot(__builtin_hypot(x, y), z);
})
TM_DOUBLE(static inline double rnorm3d(double x, double y, double z) { return 1.0 / norm3d(x, y, z); })
TM_DOUBLE(static inline double norm4d(double x, double y, double z, double w) {
  return __builtin_hypot(__builtin_hypot(x, y), __builtin_hypot(z, w));
})
TM_DOUBLE(static inline double rnorm4d(double x, double y, double z, double w) {
  return 1.0 / norm4d(x, y, z, w);
})

// ---- exponential functions and logarithms ----

TM_STANDARD1(metal::precise, exp)
TM_STANDARD1(metal::precise, exp2)
TM_STANDARD1(metal::precise, exp10)
TM_STANDARD1(metal::precise, log)
TM_STANDARD1(metal::precise, log2)
TM_STANDARD1(metal::precise, log10)
static inline float fast_expf(float x) { return exp(x); }
static inline float fast_exp10f(float x) { return exp10(x); }
static inline float fast_logf(float x) { return log(x); }
static inline float fast_log2f(float x) { return log2(x); }
static inline float fast_log10f(float x) { return log10(x); }

static inline float expm1(float x) {
  float y = x > 89.0f ? 89.0f : (x < -87.0f ? -87.0f : x); // keeps NaN
  float shifted = metal::fma(y, 0x1.715476p0f, 0x1.8p23f);
  float whole = shifted - 0x1.8p23f;
  float r = metal::fma(whole, -detail::ln2_low, metal::fma(whole, -detail::ln2_high, y));
  float rest =
      metal::fma(r * r,
                 detail::polynomial(r, 0.5f, 0.1666666567325592f, 0.04166647791862488f, 0.008333567529916763f,
                                    0.001393368816934526f, 0.00019742421864066273f),
                 r);
  // 2^n can overflow where the result does not, so one factor of two is kept for the end.
  int n = as_type<int>(shifted) - as_type<int>(0x1.8p23f);
  bool large = n > 64;
  float power = detail::power_of_two(large ? n - 1 : n);
  float value = metal::fma(rest, power, power - (large ? 0.5f : 1.0f));
  return x == 0.0f ? x : (large ? value + value : value);
}
TM_DOUBLE1(expm1)

static inline float log1p(float x) {
  // 1 + x = m * 2^k; m - 1 is computed from x itself, because 1 + x is rounded.
  int shift = (as_type<int>(1.0f + x) - 0x3f3504f3) & int(0xff800000);
  float power = as_type<float>(as_type<int>(4.0f) - shift); // 2^(2 - k)
  float f = as_type<float>(as_type<int>(x) - shift) + metal::fma(power, 0.25f, -1.0f);
  float k = float(shift >> 23);
  float value = metal::fma(k, detail::ln2_high, f + metal::fma(k, detail::ln2_low, detail::log1p_rest(f)));
  bool inside = x > -1.0f && x < detail::infinity() && x != 0.0f;
  float special = x == -1.0f ? -detail::infinity() : (x < -1.0f ? detail::quiet_nan() : x);
  return inside ? value : special;
}
TM_DOUBLE1(log1p)

static inline float cbrt(float x) {
  bool ordinary = x != 0.0f && detail::magnitude(x) < detail::infinity();
  float a = ordinary ? detail::magnitude(x) : 1.0f;
  bool small = a < 0x1p-60f, large = a > 0x1p100f;
  a = a * (small ? 0x1p48f : (large ? 0x1p-24f : 1.0f));
  float y = as_type<float>(as_type<int>(a) / 3 + 0x2a5119f2);
  for (int step = 0; step < 2; ++step) {
    float cube = y * y * y;
    y = y - y * ((cube - a) / metal::fma(2.0f, cube, a)); // Halley
  }
  float square = y * y, low = metal::fma(y, y, -square);
  y = y - metal::fma(low, y, metal::fma(square, y, -a)) / (3.0f * square);
  y = y * (small ? 0x1p-16f : (large ? 0x1p8f : 1.0f));
  return ordinary ? detail::with_sign(y, x) : x;
}
TM_NARROW1(cbrt)
// The C library may be off by several ulps; one more step of Newton's method, with the exact square.
TM_DOUBLE(static inline double cbrt(double x) {
  double y = __builtin_cbrt(x), square = y * y, low = __builtin_fma(y, y, -square);
  double step = __builtin_fma(low, y, __builtin_fma(square, y, -x)) / (3.0 * square);
  return x != 0.0 && isfinited(x) ? y - step : y;
})
static inline float rcbrt(float x) { return 1.0f / cbrt(x); }
TM_NARROW1(rcbrt)
TM_DOUBLE(static inline double rcbrt(double x) { return 1.0 / cbrt(x); })

TM_STANDARD2(metal::precise, pow)
static inline float fast_powf(float x, float y) { return pow(x, y); }
static inline float pow(float x, int n) {
  // Splits the exponent, which may not fit a float; its last bit decides the sign.
  int high = n & int(0xffffff00);
  float a = detail::magnitude(x), value = metal::precise::pow(a, float(n));
  float split = metal::precise::pow(a, float(high)) * metal::precise::pow(a, float(n - high));
  bool exact = n > -(1 << 24) && n < (1 << 24);
  value = exact ? value : split;
  return (n & 1) != 0 ? detail::with_sign(value, x) : value;
}
TM_DOUBLE(static inline double pow(double x, int n) { return __builtin_pow(x, double(n)); })

// ---- trigonometric and hyperbolic functions ----

TM_STANDARD1(metal::precise, sin)
TM_STANDARD1(metal::precise, cos)
TM_STANDARD1(metal::precise, tan)
TM_STANDARD1(metal::precise, asin)
TM_STANDARD1(metal::precise, acos)
TM_STANDARD1(metal::precise, atan)
TM_STANDARD2(metal::precise, atan2)
TM_STANDARD1(metal::precise, sinh)
TM_STANDARD1(metal::precise, cosh)
TM_STANDARD1(metal::precise, tanh)
TM_STANDARD1(metal::precise, asinh)
TM_STANDARD1(metal::precise, acosh)
TM_STANDARD1(metal::precise, atanh)
static inline float fast_sinf(float x) { return sin(x); }
static inline float fast_cosf(float x) { return cos(x); }
static inline float fast_tanf(float x) { return tan(x); }
static inline float fast_tanhf(float x) { return tanh(x); }

static inline float sinpi(float x) { return metal::precise::sinpi(x); }
static inline float cospi(float x) { return metal::precise::cospi(x); }
TM_NARROW1(sinpi)
TM_NARROW1(cospi)
#if defined(TM_HAS_DOUBLE)
static inline double sinpi(double x) {
  double r = __builtin_remainder(x, 2.0); // exact
  double folded = r > 0.5 ? 1.0 - r : (r < -0.5 ? -1.0 - r : r);
  double value = __builtin_sin(folded * 0x1.921fb54442d18p1);
  return value == 0.0 ? __builtin_copysign(0.0, x) : value;
}
static inline double cospi(double x) {
  double r = __builtin_fabs(__builtin_remainder(x, 2.0));
  double folded =
      r > 0.25 ? __builtin_sin((0.5 - r) * 0x1.921fb54442d18p1) : __builtin_cos(r * 0x1.921fb54442d18p1);
  return r > 0.75 ? -__builtin_cos((1.0 - r) * 0x1.921fb54442d18p1) : folded;
}
#endif

// ---- integers ----

static inline int abs(int x) { return as_type<int>(x < 0 ? 0u - as_type<uint>(x) : as_type<uint>(x)); }
static inline long abs(long x) {
  return as_type<long>(x < 0 ? ulong(0) - as_type<ulong>(x) : as_type<ulong>(x));
}
static inline int mul24(int x, int y) {
  int a = as_type<int>(as_type<uint>(x) << 8) >> 8, b = as_type<int>(as_type<uint>(y) << 8) >> 8;
  return as_type<int>(as_type<uint>(a) * as_type<uint>(b));
}
static inline uint umul24(uint x, uint y) { return (x & 0xffffff) * (y & 0xffffff); }
static inline int hadd(int x, int y) { return (x & y) + ((x ^ y) >> 1); }
static inline uint uhadd(uint x, uint y) { return (x & y) + ((x ^ y) >> 1); }
static inline int rhadd(int x, int y) { return (x | y) - ((x ^ y) >> 1); }
static inline uint urhadd(uint x, uint y) { return (x | y) - ((x ^ y) >> 1); }
static inline int sad(int x, int y, uint z) {
  uint difference = x > y ? as_type<uint>(x) - as_type<uint>(y) : as_type<uint>(y) - as_type<uint>(x);
  return as_type<int>(difference + z);
}
static inline uint usad(uint x, uint y, uint z) { return (x > y ? x - y : y - x) + z; }
/// Selects four of the eight bytes of (y, x); bit 3 of a selector replicates the sign bit of
/// the byte instead.
static inline int byte_perm(int x, int y, int selectors) {
  uint value = 0;
  for (int i = 0; i < 4; ++i) {
    uint selector = (as_type<uint>(selectors) >> (4 * i)) & 15;
    uint byte = (as_type<uint>((selector & 4) != 0 ? y : x) >> (8 * (selector & 3))) & 255;
    byte = (selector & 8) != 0 ? (byte & 128 ? 255u : 0u) : byte;
    value |= byte << (8 * i);
  }
  return as_type<int>(value);
}

// ---- reinterpretation of bits ----

static inline int float_as_int(float x) { return as_type<int>(x); }
static inline int float_as_uint(float x) { return as_type<int>(x); }
static inline float int_as_float(int x) { return as_type<float>(x); }
static inline float uint_as_float(uint x) { return as_type<float>(x); }
#if defined(TM_HAS_DOUBLE)
static inline long double_as_longlong(double x) { return as_type<long>(x); }
static inline double longlong_as_double(long x) { return as_type<double>(x); }
static inline int double2loint(double x) { return int(as_type<long>(x)); }
static inline int double2hiint(double x) { return int(as_type<long>(x) >> 32); }
static inline double hiloint2double(int high, int low) {
  return as_type<double>(long(ulong(as_type<uint>(high)) << 32 | as_type<uint>(low)));
}
static inline double rcp64h(double x) { // 1 / x, only its upper word
  return as_type<double>(as_type<long>(1.0 / x) & long(0xffffffff00000000));
}
#endif

} // namespace tm
