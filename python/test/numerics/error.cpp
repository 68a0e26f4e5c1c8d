// SPDX-License-Identifier: MIT
// Errors in ulps of results against the exact values high + low.
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

struct Format {
  int precision, min_exponent, max_exponent; // of normal numbers: 1.xxx * 2^exponent
};

int exponent_of(double x) { // of a normal double; -1023 for zero and subnormal ones
  uint64_t bits;
  memcpy(&bits, &x, 8);
  return int(bits >> 52 & 2047) - 1023;
}
double power_of_two(int n) { // n >= -1074
  uint64_t bits = n >= -1022 ? uint64_t(n + 1023) << 52 : uint64_t(1) << (n + 1074);
  double x;
  memcpy(&x, &bits, 8);
  return x;
}
int unit_exponent(double x, const Format &f) {
  int exponent = exponent_of(x);
  exponent = exponent < f.min_exponent ? f.min_exponent : exponent;
  exponent = exponent > f.max_exponent ? f.max_exponent : exponent;
  return exponent - f.precision + 1;
}

enum Mode { nearest, toward_zero, downward, upward };

/// high + low rounded once.
double rounded(double high, double low, const Format &f, int mode) {
  bool up = mode == upward || (mode == toward_zero && high < 0.0);
  bool down = mode == downward || (mode == toward_zero && high > 0.0);
  if (std::isinf(high) && low != 0.0) // a finite number beyond the range of double
    return (high > 0.0 ? down : up) ? std::copysign(0x1.fffffffffffffp1023, high) : high;
  if (!(std::fabs(high) < INFINITY) || (high == 0.0 && low == 0.0))
    return high;
  if (f.precision == 53) {
    return up && low > 0.0 ? std::nextafter(high, INFINITY)
                           : (down && low < 0.0 ? std::nextafter(high, -INFINITY) : high);
  }
  // To odd first, so that the second rounding sees that there is something behind the last bit.
  uint64_t bits;
  memcpy(&bits, &high, 8);
  if (low != 0.0 && (bits & 1) == 0)
    high = std::nextafter(high, low > 0.0 ? INFINITY : -INFINITY);
  int unit = unit_exponent(high, f);
  double scaled = high * power_of_two(-unit);
  scaled = mode == nearest       ? std::rint(scaled)
           : mode == toward_zero ? std::trunc(scaled)
           : mode == downward    ? std::floor(scaled)
                                 : std::ceil(scaled);
  double value = scaled * power_of_two(unit), limit = power_of_two(f.max_exponent + 1);
  if (std::fabs(value) < limit)
    return scaled == 0.0 ? std::copysign(0.0, high) : value;
  double largest = limit - power_of_two(f.max_exponent - f.precision + 1);
  return std::copysign((high > 0.0 ? down : up) ? largest : INFINITY, high);
}

} // namespace

/// What was found: errors of different kinds than a distance are counted apart, with the first place.
enum Kind { wrong_nan, wrong_infinity, wrong_zero_sign, flushed, kinds };
struct Found {
  double worst;
  int64_t worst_at, count, rounded;
  int64_t differences[kinds], first[kinds];
};

extern "C" void round_to(int64_t n, const double *high, const double *low, const Format *format, int mode,
                         double *out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = rounded(high[i], low ? low[i] : 0.0, *format, mode);
}

/// `smallest`: errors of results below it are in its ulps.
extern "C" void compare(int64_t n, const double *got, const double *high, const double *low,
                        const Format *format, double smallest, Found *found) {
  const Format f = *format;
  const double top = f.max_exponent < 1023 ? power_of_two(f.max_exponent + 1) : INFINITY;
  for (int64_t i = 0; i < n; ++i) {
    double g = got[i], h = high[i], l = low ? low[i] : 0.0;
    double best = rounded(h, l, f, nearest);
    auto differs = [&](Kind kind) {
      if (found->differences[kind]++ == 0)
        found->first[kind] = i;
    };
    ++found->count;
    if (g != g || h != h) {
      if ((g != g) != (h != h))
        differs(wrong_nan);
      else
        ++found->rounded;
      continue;
    }
    if (g == best) {
      ++found->rounded;
      if (g == 0.0 && std::signbit(g) != std::signbit(h)) {
        differs(wrong_zero_sign);
        continue;
      }
    }
    double error = 0.0;
    if (std::isinf(g) || std::isinf(best)) {
      if (g != best) {
        // Infinity is one ulp above the largest number.
        double unit = power_of_two(f.max_exponent - f.precision + 1);
        double largest = (top < INFINITY ? top : 0x1.fffffffffffffp1023) - (top < INFINITY ? unit : 0.0);
        double a = std::isinf(g) ? std::copysign(largest, g) : g;
        double b = std::isinf(h) || std::fabs(h) > largest ? std::copysign(largest, h) : h;
        error = std::fabs(a * 0.5 - b * 0.5) / (unit * 0.5) + 1.0;
        if (error > 64.0) {
          differs(wrong_infinity);
          continue;
        }
      }
    } else {
      double scale = std::fabs(h) < smallest ? smallest : h;
      error = std::fabs((g - h) - l) / power_of_two(unit_exponent(scale, f));
      if (g == best && error > 0.5) // `low` of a result near the smallest double is only a sign
        error = 0.5;
      if (error > 64.0 && g == 0.0 && std::fabs(h) < power_of_two(f.min_exponent) && smallest == 0.0) {
        differs(flushed);
        continue;
      }
    }
    if (error > found->worst) {
      found->worst = error;
      found->worst_at = i;
    }
  }
}
