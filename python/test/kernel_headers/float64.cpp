// SPDX-License-Identifier: MIT
// float64 of kernels/triton_metal/float64.h against the processor's double, bit by bit: `float64 COUNT SEED`
// runs every operation on COUNT random operands and on all combinations of special ones. Prints for each
// operation its name, the number of cases and the number of differences.
#if defined(TM_TEST_METAL_TEXT) // what Metal's compiler sees
#include <metal_stdlib>
using namespace metal;
#else
#include <triton_metal.h>
#endif
#include <triton_metal/float64.h>

#include <fenv.h>

extern "C" int printf(const char *, ...);
extern "C" unsigned long strtoul(const char *, char **, int);

using tm::float64;

static unsigned long state[2];
static unsigned long random_bits() { // xorshift128+
  unsigned long a = state[0], b = state[1];
  state[0] = b;
  a ^= a << 23;
  state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
  return state[1] + b;
}

static double of(unsigned long bits) { return __builtin_bit_cast(double, bits); }
static unsigned long bits_of(double x) { return __builtin_bit_cast(unsigned long, x); }

static const unsigned long specials[] = {
    0,
    1,
    2,
    0x000fffffffffffff,
    0x0010000000000000,
    0x0010000000000001,
    0x001fffffffffffff,
    0x0020000000000000,
    0x3680000000000000, // 2^-151
    0x3690000000000000, // 2^-150
    0x36a0000000000000, // 2^-149
    0x380fffffe0000000,
    0x380ffffff0000000,
    0x3e60000000000000, // 2^-25
    0x3ca0000000000000, // 2^-53
    0x3fdfffffffffffff,
    0x3fe0000000000000, // 0.5
    0x3fe0000000000001,
    0x3fefffffffffffff,
    0x3ff0000000000000, // 1
    0x3ff0000000000001,
    0x3ff8000000000000, // 1.5
    0x3fffffffffffffff,
    0x4000000000000000,
    0x4004000000000000, // 2.5
    0x400921fb54442d18,
    0x40effc0000000000, // 65504 and the ties around it
    0x40effdffffffffff,
    0x40effe0000000000,
    0x41dfffffffc00000, // 2^31 - 1
    0x41e0000000000000,
    0x41efffffffe00000,
    0x41f0000000000000,
    0x432fffffffffffff, // below 2^52
    0x4330000000000000,
    0x4330000000000001,
    0x4340000000000000,
    0x43dfffffffffffff, // 2^63
    0x43e0000000000000,
    0x43efffffffffffff, // 2^64
    0x43f0000000000000,
    0x47efffffe0000000, // the largest float and the tie above it
    0x47efffffefffffff,
    0x47effffff0000000,
    0x5fe0000000000000,
    0x7fdfffffffffffff,
    0x7fe0000000000000,
    0x7fefffffffffffff,
    0x7ff0000000000000,
    0x7ff0000000000001,
    0x7ff8000000000000,
};
constexpr int kSpecials = 2 * sizeof(specials) / sizeof(specials[0]);
static double special(int i) { return of(specials[i / 2] | (i % 2 ? 1ul << 63 : 0)); }

/// A random number; `near` has an exponent close to the other operand's.
static double any() {
  unsigned long bits = random_bits();
  switch (random_bits() % 8) {
  case 0:
    return of(bits); // any exponent
  case 1:
    return of(bits & 0x800fffffffffffff); // subnormal
  case 2:                                 // few bits, for ties
    return of((bits & 0x8000000000000000) | ((1023 - 32 + (bits >> 8) % 64) << 52) |
              (random_bits() & random_bits() & random_bits() & 0x000ff00000000fff));
  case 3: // whole numbers and halves
    return double(long(bits) >> (bits & 63)) * 0.5;
  case 4:
    return special(bits % kSpecials);
  default:
    return of((bits & 0x800fffffffffffff) | ((1023 - 60 + (bits >> 40) % 120) << 52));
  }
}
/// A neighbour of x in some bits, for cancellation.
static double near(double x) {
  unsigned long bits = bits_of(x) ^ (random_bits() >> (random_bits() % 64));
  return of(random_bits() % 2 ? bits : bits ^ (1ul << 63));
}

static bool same(double want, float64 got) {
  return want != want ? got.bits << 1 > 0xffe0000000000000 : bits_of(want) == got.bits;
}
template <typename T> static bool same(T want, T got) { return want == got; }
static bool same(float want, float got) {
  return want != want ? got != got : __builtin_bit_cast(unsigned, want) == __builtin_bit_cast(unsigned, got);
}

static unsigned long count;
static long failures;

template <typename F, typename G> static void test(const char *name, int operands, F reference, G function) {
  long cases = 0, wrong = 0;
  auto one = [&](double a, double b, double c) {
    ++cases;
    // The compiler must not compute in advance what depends on the rounding mode.
    asm volatile("" : "+m"(a), "+m"(b), "+m"(c));
    auto want = reference(a, b, c);
    asm volatile("" : "+m"(want));
    if (!same(want, function(float64{bits_of(a)}, float64{bits_of(b)}, float64{bits_of(c)})) && ++wrong < 3)
      printf("%s(%a, %a, %a) should be %a\n", name, a, b, c, double(want));
  };
  for (int i = 0; i < kSpecials; ++i)
    for (int j = 0; j < (operands > 1 ? kSpecials : 1); ++j)
      for (int k = 0; k < (operands > 2 ? kSpecials : 1); ++k)
        one(special(i), special(j), special(k));
  for (unsigned long i = 0; i < count; ++i) {
    double a = any(), b = random_bits() % 4 ? any() : near(a), c = any();
    if (operands > 2 && random_bits() % 4 == 0)
      c = near(a * b);
    one(a, b, c);
  }
  failures += wrong;
  printf("%s %ld %ld\n", name, cases, wrong);
}

#define UNARY(NAME, WANT, GOT)                                                                               \
  test(                                                                                                      \
      NAME, 1, [](double a, double, double) { return WANT; },                                                \
      [](float64 a, float64, float64) { return GOT; })
#define BINARY(NAME, WANT, GOT)                                                                              \
  test(                                                                                                      \
      NAME, 2, [](double a, double b, double) { return WANT; },                                              \
      [](float64 a, float64 b, float64) { return GOT; })

#define ROUNDED(SUFFIX, MODE)                                                                                \
  fesetround(MODE);                                                                                          \
  BINARY("add_" #SUFFIX, a + b, tm::add_##SUFFIX(a, b));                                                     \
  BINARY("sub_" #SUFFIX, a - b, tm::sub_##SUFFIX(a, b));                                                     \
  BINARY("mul_" #SUFFIX, a *b, tm::mul_##SUFFIX(a, b));                                                      \
  BINARY("div_" #SUFFIX, a / b, tm::div_##SUFFIX(a, b));                                                     \
  UNARY("rcp_" #SUFFIX, 1.0 / a, tm::rcp_##SUFFIX(a));                                                       \
  UNARY("sqrt_" #SUFFIX, __builtin_sqrt(a), tm::sqrt_##SUFFIX(a));                                           \
  test(                                                                                                      \
      "fma_" #SUFFIX, 3, [](double a, double b, double c) { return __builtin_fma(a, b, c); },                \
      [](float64 a, float64 b, float64 c) { return tm::fma_##SUFFIX(a, b, c); });                            \
  UNARY("double2float_" #SUFFIX, float(a), tm::double2float_##SUFFIX(a));                                    \
  UNARY("double2int_" #SUFFIX, tm::to_int<int>(__builtin_rint(a)), tm::double2int_##SUFFIX(a));              \
  UNARY("double2uint_" #SUFFIX, int(tm::to_int<uint>(__builtin_rint(a))), tm::double2uint_##SUFFIX(a));      \
  UNARY("double2ll_" #SUFFIX, tm::detail::to_long(__builtin_rint(a)), tm::double2ll_##SUFFIX(a));            \
  UNARY("double2ull_" #SUFFIX, tm::detail::to_ulong(__builtin_rint(a)), tm::double2ull_##SUFFIX(a));         \
  UNARY("ll2double_" #SUFFIX, double(long(bits_of(a))), tm::ll2double_##SUFFIX##_float64(long(a.bits)));     \
  UNARY("ull2double_" #SUFFIX, double(bits_of(a)), tm::ull2double_##SUFFIX##_float64(a.bits));

/// From another type and back: the operand's bits are those of a T.
#define INTEGER(T)                                                                                           \
  UNARY("from_" #T, double(T(bits_of(a))), tm::to_float64(T(a.bits)));                                       \
  UNARY("to_" #T, tm::to_int<T>(a), tm::to_int<T>(a));

int main(int, char **arguments) {
  count = strtoul(arguments[1], nullptr, 10);
  state[0] = strtoul(arguments[2], nullptr, 10) * 0x9e3779b97f4a7c15 + 1;
  state[1] = ~state[0];
  BINARY("add", a + b, a + b);
  BINARY("sub", a - b, a - b);
  BINARY("mul", a * b, a * b);
  BINARY("div", a / b, a / b);
  BINARY("fmod", __builtin_fmod(a, b), tm::fmod(a, b));
  // A zero has the sign of the dividend; the C library has another one for some subnormal divisors.
  BINARY("remainder", __builtin_remainder(a, b) == 0 ? __builtin_copysign(0.0, a) : __builtin_remainder(a, b),
         tm::remainder(a, b));
  BINARY("equal", a == b, a == b);
  BINARY("not_equal", a != b, a != b);
  BINARY("less", a < b, a < b);
  BINARY("less_equal", a <= b, a <= b);
  BINARY("greater", a > b, a > b);
  BINARY("greater_equal", a >= b, a >= b);
  BINARY("maxnum", tm::maxnum(a, b), tm::maxnum(a, b));
  BINARY("minnum", tm::minnum(a, b), tm::minnum(a, b));
  BINARY("maximum", tm::maximum(a, b), tm::maximum(a, b));
  BINARY("minimum", tm::minimum(a, b), tm::minimum(a, b));
  BINARY("copysign", __builtin_copysign(a, b), tm::copysign(a, b));
  BINARY("fdim", __builtin_fdim(a, b), tm::fdim(a, b));
  BINARY("nextafter", __builtin_nextafter(a, b), tm::nextafter(a, b));
  BINARY("ldexp", __builtin_ldexp(a, int(bits_of(b) >> 50) - 8192), tm::ldexp(a, int(b.bits >> 50) - 8192));
  UNARY("neg", -a, -a);
  UNARY("abs", __builtin_fabs(a), tm::abs(a));
  UNARY("floor", __builtin_floor(a), tm::floor(a));
  UNARY("ceil", __builtin_ceil(a), tm::ceil(a));
  UNARY("trunc", __builtin_trunc(a), tm::trunc(a));
  UNARY("rint", __builtin_rint(a), tm::rint(a));
  UNARY("round", __builtin_round(a), tm::round(a));
  UNARY("signbit", tm::signbit(a), tm::signbit(a));
  UNARY("isnan", tm::isnan(a), tm::isnan(a));
  UNARY("isinf", tm::isinf(a), tm::isinf(a));
  UNARY("isfinited", tm::isfinited(a), tm::isfinited(a));
  UNARY("ilogb", tm::ilogb(a), tm::ilogb(a));
  INTEGER(char)
  INTEGER(uchar)
  INTEGER(short)
  INTEGER(ushort)
  INTEGER(int)
  INTEGER(uint)
  INTEGER(long)
  INTEGER(ulong)
  UNARY("from_float", double(__builtin_bit_cast(float, uint(bits_of(a)))),
        tm::to_float64(__builtin_bit_cast(float, uint(a.bits))));
  UNARY("from_half", double(float(__builtin_bit_cast(half, ushort(bits_of(a) >> 48)))),
        tm::to_float64(__builtin_bit_cast(half, ushort(a.bits >> 48))));
  UNARY("from_bfloat", double(float(__builtin_bit_cast(bfloat, ushort(bits_of(a) >> 48)))),
        tm::to_float64(__builtin_bit_cast(bfloat, ushort(a.bits >> 48))));
  UNARY("to_float", float(a), tm::to_float(a));
  UNARY("to_half", float(tm::to_half(a)), float(tm::to_half(a)));
  UNARY("to_half_rtz", float(tm::to_half_rtz(a)), float(tm::to_half_rtz(a)));
  UNARY("to_bfloat", float(tm::to_bfloat(a)), float(tm::to_bfloat(a)));
  UNARY("to_bfloat_rtz", float(tm::to_bfloat_rtz(a)), float(tm::to_bfloat_rtz(a)));
#define FLOAT8(NAME)                                                                                         \
  UNARY("to_" #NAME, tm::to_##NAME(a), tm::to_##NAME(a));                                                    \
  UNARY("to_" #NAME "_rtz", tm::to_##NAME##_rtz(a), tm::to_##NAME##_rtz(a));
  FLOAT8(f8E4M3FN)
  FLOAT8(f8E5M2)
  FLOAT8(f8E4M3FNUZ)
  FLOAT8(f8E5M2FNUZ)
  FLOAT8(f8E4M3B11FNUZ)
  UNARY("rcp64h", tm::rcp64h(a), tm::rcp64h(a));
  ROUNDED(rn, FE_TONEAREST)
  ROUNDED(rz, FE_TOWARDZERO)
  ROUNDED(rd, FE_DOWNWARD)
  ROUNDED(ru, FE_UPWARD)
  return failures != 0;
}
