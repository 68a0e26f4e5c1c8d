// SPDX-License-Identifier: MIT
// Triton's 8-bit floats, stored as uchar and named after their MLIR types:
//   from_FORMAT<T>(code), to_FORMAT(x) to nearest even, to_FORMAT_rtz(x) toward zero;
//   T and x: float, half, bfloat (and double under TM_HAS_DOUBLE).
//
// Conversion saturates: infinity and numbers beyond the range become the largest finite number, as with the
// instructions that Triton uses on other targets (satfinite) and with the mlx engine. NaN stays NaN: 0x7f
// with its sign, or the only NaN of the FNUZ formats, which have no -0 either.
#pragma once

#include "rounding.h"

namespace tm {
namespace detail {

/// Mantissa: number of bits. Largest: the code of the largest finite magnitude. Fnuz: NaN is 0x80 and there
/// is no -0. Ieee: infinities and NaNs lie above the largest magnitude; otherwise NaN is 0x7f and 0xff.
template <int Mantissa, int Bias, int Largest, bool Fnuz, bool Ieee> struct Float8 {
  static float decode(uchar code) {
    int magnitude = code & 0x7f;
    float normal = as_type<float>((magnitude << (23 - Mantissa)) + ((127 - Bias) << 23));
    float subnormal = float(magnitude) * power_of_two(1 - Bias - Mantissa);
    float value = magnitude < (1 << Mantissa) ? subnormal : normal;
    bool special = Fnuz ? code == 0x80 : magnitude > Largest;
    float special_value = Ieee && magnitude == Largest + 1 ? infinity() : quiet_nan();
    value = special ? special_value : value;
    return code >= 0x80 && !(Fnuz && special) ? -value : value;
  }

  static uchar encode(float x, bool to_zero) {
    int bits = as_type<int>(x), size = bits & 0x7fffffff;
    constexpr int drop = 23 - Mantissa;
    int odd = (size >> drop) & 1;
    int rounded = to_zero ? size : size + odd + (1 << (drop - 1)) - 1;
    int normal = (rounded >> drop) - ((127 - Bias) << Mantissa);
    // In units of the smallest number. Replaces a large x, whose result is not used, by 0 to avoid overflow.
    float units =
        (size < ((128 - Bias) << 23) ? as_type<float>(size) : 0.0f) * power_of_two(Bias - 1 + Mantissa);
    int subnormal = int(to_zero ? metal::trunc(units) : metal::rint(units));
    int code =
        size < ((128 - Bias) << 23) ? subnormal : (normal > Largest || size >= 0x7f800000 ? Largest : normal);
    bool is_nan = size > 0x7f800000;
    int sign = (bits >> 24) & 0x80;
    if (Fnuz)
      return uchar(is_nan ? 0x80 : (code == 0 ? 0 : code | sign));
    return uchar((is_nan ? 0x7f : code) | sign);
  }
};

static inline float widen(float x) { return x; }
static inline float widen(half x) { return float(x); }
static inline float widen(bfloat x) { return float(x); }
#if defined(TM_HAS_DOUBLE)
// Rounded to odd, so that only the second rounding counts.
static inline float widen(double x) { return to_float_odd(x); }
#endif

} // namespace detail

#define TM_FLOAT8(NAME, MANTISSA, BIAS, LARGEST, FNUZ, IEEE)                                                 \
  template <typename T> inline T from_##NAME(uchar code) {                                                   \
    return T(detail::Float8<MANTISSA, BIAS, LARGEST, FNUZ, IEEE>::decode(code));                             \
  }                                                                                                          \
  template <typename T> inline uchar to_##NAME(T x) {                                                        \
    return detail::Float8<MANTISSA, BIAS, LARGEST, FNUZ, IEEE>::encode(detail::widen(x), false);             \
  }                                                                                                          \
  template <typename T> inline uchar to_##NAME##_rtz(T x) {                                                  \
    return detail::Float8<MANTISSA, BIAS, LARGEST, FNUZ, IEEE>::encode(detail::widen(x), true);              \
  }

TM_FLOAT8(f8E4M3FN, 3, 7, 0x7e, false, false)
TM_FLOAT8(f8E5M2, 2, 15, 0x7b, false, true)
TM_FLOAT8(f8E4M3FNUZ, 3, 8, 0x7f, true, false)
TM_FLOAT8(f8E5M2FNUZ, 2, 16, 0x7f, true, false)
TM_FLOAT8(f8E4M3B11FNUZ, 3, 11, 0x7f, true, false)

} // namespace tm
