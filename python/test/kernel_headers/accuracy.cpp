// SPDX-License-Identifier: MIT
// The largest errors of vector_math.h, in ulps, against the C library in double.
// accuracy FUNCTION STRIDE: every STRIDE-th float (one argument) or 2^32 / STRIDE pairs (two arguments).
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <thread>
#include <vector>

#include "vector_math.h"

namespace {

double exactErrorIn(float got, double expected) {
  if (std::isnan(expected) || std::isnan(got))
    return std::isnan(expected) && std::isnan(got) ? 0 : INFINITY;
  float nearest = float(expected);
  if (std::isinf(nearest) || std::isinf(got) || expected == 0) {
    // The largest finite number and infinity are one ulp apart.
    if (got == nearest)
      return expected == 0 && std::signbit(got) != std::signbit(expected) ? INFINITY : 0;
    double limit = 0x1p128;
    double g = std::isinf(got) ? std::copysign(limit, got) : got;
    double e = std::isinf(expected) ? std::copysign(limit, expected) : expected;
    return std::fabs(g - e) / 0x1p104;
  }
  int exponent;
  std::frexp(expected, &exponent);
  double unit = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::fabs(double(got) - expected) / unit;
}

struct Function {
  const char *name;
  float (*one)(float);
  double (*oneReference)(double);
  float (*two)(float, float);
  double (*twoReference)(double, double);
};

#define ONE(NAME)                                                                                            \
  {#NAME, [](float x) { return vector_math::NAME(x); }, [](double x) { return std::NAME(x); }, 0, 0}
#define ONE_BY(NAME, EXPRESSION)                                                                             \
  {#NAME, [](float x) { return vector_math::NAME(x); }, [](double x) -> double { return EXPRESSION; }, 0, 0}
#define TWO(NAME)                                                                                            \
  {#NAME, 0, 0, [](float x, float y) { return vector_math::NAME(x, y); },                                    \
   [](double x, double y) { return std::NAME(x, y); }}

double turn(double x, double phase) { // sine of pi * (x + phase), exact at multiples of 1/4
  double r = std::remainder(x, 2.0);
  r = std::remainder(r + phase, 2.0);
  if (r > 0.5)
    r = 1.0 - r;
  if (r < -0.5)
    r = -1.0 - r;
  double s = std::sin(M_PI * r);
  return s;
}
double sinpi(double x) {
  double s = turn(x, 0);
  return s == 0 ? std::copysign(0.0, x) : s;
}
double cospi(double x) {
  double r = std::fabs(std::remainder(x, 2.0));
  double s = r < 0.25 ? std::cos(M_PI * r) : turn(r, 0.5);
  return s == 0 ? 0.0 : s;
}
double tanpi(double x) {
  double r = std::remainder(x, 1.0);
  if (std::fabs(r) == 0.5)
    return NAN; // one infinity or the other
  return std::fabs(r) <= 0.25 ? std::tan(M_PI * r) : 1.0 / std::tan(M_PI * (std::copysign(0.5, r) - r));
}

const Function functions[] = {
    ONE(exp),
    ONE(exp2),
    ONE_BY(exp10, exp10(x)),
    ONE(log),
    ONE(log2),
    ONE(log10),
    ONE(sin),
    ONE(cos),
    ONE(tan),
    ONE_BY(sinpi, sinpi(x)),
    ONE_BY(cospi, cospi(x)),
    ONE_BY(tanpi, tanpi(x)),
    ONE(sinh),
    ONE(cosh),
    ONE(tanh),
    ONE(asin),
    ONE(acos),
    ONE(atan),
    ONE(asinh),
    ONE(acosh),
    ONE(atanh),
    ONE_BY(rsqrt, 1 / std::sqrt(x)),
    TWO(atan2),
    TWO(pow),
    TWO(fmod),
};

struct Worst {
  double error = 0;
  float x = 0, y = 0;
};

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

float fromBits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

/// Second arguments where functions change their behaviour: any float, numbers as large as the first one,
/// small whole numbers.
float second(uint64_t random, float x) {
  uint32_t bits = uint32_t(random);
  switch (random >> 62) {
  case 0:
    return fromBits(bits);
  case 1:
    return x * (0.5f + float(bits) * 0x1p-32f);
  case 2:
    return float(int(bits) >> 24) * 0.5f;
  default:
    return (float(bits) * 0x1p-31f - 1.0f) * 64.0f;
  }
}

Worst measure(const Function &f, uint64_t stride, unsigned part, unsigned parts) {
  Worst worst;
  // Zeros, the smallest numbers, one, infinity and NaN are always tested.
  const uint32_t corners[] = {0,          0x80000000, 1,          0x80000001, 0x3f800000,
                              0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000};
  const uint64_t all = uint64_t(1) << 32, count = sizeof(corners) / sizeof(corners[0]);
  for (uint64_t i = part * stride; i < all + count * stride; i += parts * stride) {
    uint64_t bits = i < all ? i : corners[(i - all) / stride % count];
    float x = fromBits(uint32_t(bits)), y = 0;
    double error;
    if (f.one) {
      double expected = f.oneReference(x);
      if (!strcmp(f.name, "tanpi") && std::isnan(expected) && std::isfinite(x))
        continue;
      error = exactErrorIn(f.one(x), expected);
    } else {
      uint64_t random = mix(bits * 0x9e3779b97f4a7c15ull + 1);
      y = second(random, x);
      if (random & (1ull << 40)) // bases near one, where powers do not overflow
        x = fromBits((uint32_t(bits) & 0x81ffffff) | 0x3e000000);
      error = exactErrorIn(f.two(x, y), f.twoReference(x, y));
    }
    if (error > worst.error)
      worst = {error, x, y};
  }
  return worst;
}

} // namespace

int main(int argc, char **argv) {
  uint64_t stride = argc > 2 ? strtoull(argv[2], nullptr, 10) : 1;
  for (const Function &f : functions) {
    if (argc > 1 && strcmp(argv[1], "all") && strcmp(argv[1], f.name))
      continue;
    unsigned parts = std::max(1u, std::thread::hardware_concurrency());
    std::vector<Worst> results(parts);
    std::vector<std::thread> threads;
    for (unsigned p = 0; p < parts; ++p)
      threads.emplace_back([&, p] { results[p] = measure(f, stride, p, parts); });
    for (std::thread &t : threads)
      t.join();
    Worst worst;
    for (const Worst &w : results)
      if (w.error > worst.error)
        worst = w;
    printf("%s %.3f %a %a\n", f.name, worst.error, worst.x, worst.y);
    fflush(stdout);
  }
}
