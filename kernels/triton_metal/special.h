// SPDX-License-Identifier: MIT
// Error, gamma and Bessel functions in float arithmetic, and in double under TM_HAS_DOUBLE.
#pragma once

#include "math.h"

namespace tm {

// ---- error functions ----

static inline float erf(float x) {
  float a = detail::magnitude(x), z = x * x;
  float small =
      metal::fma(x,
                 detail::polynomial(z, 0.12837916612625122f, -0.37612634897232056f, 0.11283743381500244f,
                                    -0.026863550767302513f, 0.005216406192630529f, -0.0008423232357017696f,
                                    0.00010858781752176583f, -8.577988410252146e-06f),
                 x);
  float t = (a > 4.1f ? 4.1f : a) - 2.5f;
  float rest = detail::exp_sum(detail::polynomial(t, -7.806815147399902f, -5.352680206298828f,
                                                  -0.9438939690589905f, -0.010862821713089943f,
                                                  0.0021565831266343594f, -0.0004247344913892448f,
                                                  8.418331708526239e-05f, -1.8060869706459926e-06f,
                                                  7.905982783995569e-06f, 1.2141362049078452e-06f),
                               0.0f, 0);
  return a < 1.0f ? small : (isnan(x) ? x : detail::with_sign(1.0f - rest, x));
}

namespace detail {

/// exp(a^2) erfc(a) for a >= 0.
static inline float erfcx_positive(float a) {
  float t = a > 0x1p60f ? 1.0f : (a - 4.0f) / (a + 4.0f);
  // Corrects the rounding error of (a - 4) / (a + 4); t + 1 is exact where the correction matters.
  float rest = metal::fma(-t, a, metal::fma(t + 1.0f, -4.0f, a));
  t = a > 0x1p60f ? 1.0f : metal::fma(rest, 1.0f / (a + 4.0f), t);
  return 0.5f *
         polynomial(t, 1.2329951524734497f, -0.13962110877037048f, 0.01537839975208044f, 0.06809686124324799f,
                    -0.10102566331624985f, 0.0937344878911972f, -0.06639361381530762f, 0.03716051205992699f,
                    -0.016044558957219124f, 0.005048355553299189f, -0.00095620151842013f,
                    -0.0002210268285125494f, 0.00028102591750212014f, -8.49787647894118e-06f,
                    -4.495896428124979e-05f) /
         (0.5f + a);
}

/// erfc(x + low).
static inline float erfc_sum(float x, float low) {
  float a = magnitude(x);
  bool far = a > 15.0f;
  a = far ? 15.0f : a;
  low = far ? 0.0f : (x < 0.0f ? -low : low);
  Pair square = two_product(a, a);
  float tail = exp_sum(-square.high, -metal::fma(2.0f * a, low, square.low), 0) * erfcx_positive(a);
  return isnan(x) ? x : (x < 0.0f ? 2.0f - tail : tail);
}

} // namespace detail

static inline float erfc(float x) {
  return detail::magnitude(x) < 0.5f ? 1.0f - erf(x) : detail::erfc_sum(x, 0.0f);
}

static inline float erfcx(float x) {
  float a = detail::magnitude(x), b = a > 15.0f ? 15.0f : a;
  float positive = detail::erfcx_positive(a);
  detail::Pair square = detail::two_product(b, b);
  float negative = detail::exp_sum(square.high, square.low, 1) - positive;
  return isnan(x) ? x : (x < 0.0f ? negative : positive);
}

static inline float normcdf(float x) {
  constexpr float high = 0x1.6a09e6p-1f, low = 0x1.9fcef4p-27f; // sqrt(1/2)
  float y = x > 30.0f ? 30.0f : (x < -30.0f ? -30.0f : x);
  float product = -y * high;
  return 0.5f * detail::erfc_sum(product, metal::fma(-y, high, -product) - y * low);
}

namespace detail {

/// erfinv(z) for z >= 0, given w = -log(1 - z^2), which keeps its precision where z is nearly 1.
static inline float erfinv_of(float z, float w) {
  float t = w - 2.5f;
  float central = z * polynomial(t, 1.5014092922210693f, 0.24664027988910675f, -0.004177134484052658f,
                                 -0.0012527150101959705f, 0.00021809327881783247f, -4.99082443639054e-06f,
                                 -3.363765699759824e-06f, 4.77028265777335e-07f, 6.501162719274589e-09f,
                                 -1.0619414680945738e-08f, 1.0161356200910632e-09f, 1.1030925478605624e-10f);
  float s = metal::precise::sqrt(w), r = 1.0f / s;
  float tail = s * polynomial(r - 0.27f, 0.956018328666687f, -0.1943499892950058f, 0.11143773794174194f,
                              0.4867902100086212f, -0.8119931221008301f, 0.4493117332458496f,
                              -3.1355249881744385f, -1.0220614671707153f, -8.521288871765137f,
                              132.85816955566406f, 611.0882568359375f, -658.6871337890625f, -9044.7734375f);
  return w < 5.0f ? central : tail;
}

} // namespace detail

static inline float erfinv(float x) {
  float value = detail::erfinv_of(detail::magnitude(x), -log(metal::fma(-x, x, 1.0f)));
  return detail::with_sign(value, x);
}

static inline float erfcinv(float x) {
  float w = -log(x * (2.0f - x)), z = 1.0f - x;
  float value = detail::erfinv_of(detail::magnitude(z), w);
  return x > 1.0f ? -value : value;
}

static inline float normcdfinv(float x) {
  constexpr float high = 0x1.6a09e6p0f, low = 0x1.9fcef4p-26f; // sqrt(2)
  float y = erfcinv(x + x), product = -y * high;
  // The rounding error of an infinite product would be NaN.
  return detail::magnitude(product) < detail::infinity()
             ? product + (metal::fma(-y, high, -product) - y * low)
             : product;
}

// ---- gamma functions ----

static inline float tgamma(float x) {
  // gamma(1 + y) = gamma(1 + f) y (y - 1) ... (1 + f), f in [0, 1), where y = x - 1, or -x for the
  // reflection. The product is kept as two factors with their rounding errors, because a single
  // one would overflow.
  bool negative = x < 0.0f;
  float y = negative ? -x : x - 1.0f;
  bool below = y < 0.0f; // x in [0, 1)
  float f = below ? x : y, even = 1.0f, odd = 1.0f, even_low = 0.0f, odd_low = 0.0f;
  f = f > 44.0f ? 44.0f : f;
  _Pragma("clang loop unroll(full)") for (int step = 0; step < 22; ++step) {
    float factor = f >= 1.0f ? f : 1.0f;
    detail::Pair product = detail::two_product(even, factor);
    even_low = metal::fma(even_low, factor, product.low);
    even = product.high;
    f = f >= 1.0f ? f - 1.0f : f;
    factor = f >= 1.0f ? f : 1.0f;
    product = detail::two_product(odd, factor);
    odd_low = metal::fma(odd_low, factor, product.low);
    odd = product.high;
    f = f >= 1.0f ? f - 1.0f : f;
  }
  float g = detail::polynomial(f, 1.0f, -0.5772154331207275f, 0.9890421032905579f, -0.9071853756904602f,
                               0.9785800576210022f, -0.9619559645652771f, 0.9103481769561768f,
                               -0.760622501373291f, 0.5163199305534363f, -0.25519052147865295f,
                               0.07932005077600479f, -0.011440523900091648f);
  float relative = even_low / even + odd_low / odd;
  float direct = metal::fma(g, relative, g) * even * odd;
  direct = below ? direct / x : direct;
  direct = x > 36.0f ? detail::infinity() : direct;
  float sine = sinpi(y);
  float reflected = -0x1.921fb6p1f / (sine * metal::fma(g, relative, g)) / even / odd;
  reflected = x < -44.0f ? detail::with_sign(0.0f, reflected) : reflected;
  bool pole = negative && rint(x) == x; // also true for minus infinity
  float value = negative ? (pole ? detail::quiet_nan() : reflected) : direct;
  value = x == 0.0f ? detail::with_sign(detail::infinity(), x) : value;
  return isnan(x) ? x : value;
}

static inline float lgamma(float x) {
  float a = detail::magnitude(x);
  // Below 3: polynomials times the factors that have the zeros at 1 and 2.
  float b = a < 1.0f ? a + 1.0f : a;
  // Restores what the rounding of a + 1 lost, which matters near the zero at 1.
  float lost = a < 1.0f ? a - (b - 1.0f) : 0.0f;
  float t = b - 1.5f;
  float first = (b - 1.0f + lost) * (b - 2.0f + lost) *
                detail::polynomial(t, 0.48312896490097046f, -0.14595989882946014f, 0.06290978938341141f,
                                   -0.031308334320783615f, 0.01684872806072235f, -0.00942815002053976f,
                                   0.004737802781164646f, -0.0031954022124409676f, 0.006651642732322216f,
                                   -0.001200358965434134f, -0.014441883191466331f, -0.0004821759357582778f,
                                   0.018987465649843216f);
  t = b - 2.5f;
  float second = (b - 2.0f) * detail::polynomial(
                                  t, 0.5693657398223877f, 0.2675817906856537f, -0.04480578005313873f,
                                  0.010877268388867378f, -0.003096126951277256f, 0.0009584878571331501f,
                                  -0.0003096317232120782f, 0.00011726633238140494f, -4.893954246654175e-05f);
  float logarithm = log(a);
  float small = (b < 2.0f || a < 1.0f ? first : second) - (a < 1.0f ? logarithm : 0.0f);
  // Stirling's series.
  float r = 1.0f / a, z = r * r;
  float correction = r * detail::polynomial(z, 0.0833333358168602f, -0.0027778150979429483f,
                                            0.0007888638647273183f, -0.0004758341528940946f);
  float large = metal::fma(a - 0.5f, logarithm - 1.0f, 0x1.acfe39p-2f + correction);
  float value = a < 3.0f ? small : large;
  value = a == detail::infinity() || x == 0.0f ? detail::infinity() : value;
  // Negative numbers by reflection, gamma(x) gamma(-x) = -pi / (x sin(pi x)); tiny ones by -log(a).
  float sine = detail::magnitude(sinpi(a));
  float product = a * sine;
  float reflected = log(0x1.921fb6p1f / product) - value;
  reflected = a < 0x1p-20f ? -logarithm : reflected;
  bool pole = x <= 0.0f && floor(x) == x;
  value = (x < 0.0f ? reflected : value) + 0.0f; // not -0 at its zeros
  return isnan(x) ? x : (pole ? detail::infinity() : value);
}

// ---- Bessel functions ----

namespace detail {

struct Waves {
  float j, y;
};
/// J and Y for a >= 8: sqrt(2 / (pi a)) * amplitude * cos(a + turn), for Y with sin.
static inline Waves waves(float a, float amplitude, float turn) {
  float s = sin(a), c = cos(a), ts = sin(turn), tc = cos(turn);
  float scale = 0x1.988454p-1f / sqrt(a) * amplitude;
  bool infinite = a == infinity();
  return {infinite ? 0.0f : scale * metal::fma(c, tc, -s * ts),
          infinite ? 0.0f : scale * metal::fma(s, tc, c * ts)};
}
static inline Waves waves_0(float a) {
  float r = 8.0f / a, z = r * r;
  float turn = detail::polynomial(z, -0.12499997764825821f, 0.001016918453387916f, -4.9837235565064475e-05f,
                                  4.1768798837438226e-06f) /
                   a -
               0x1.921fb6p-1f;
  return waves(a,
               polynomial(z, 1.0f, -0.000976521463599056f, 2.5013288905029185e-05f, -1.5775081010360736e-06f),
               turn);
}
static inline Waves waves_1(float a) {
  float r = 8.0f / a, z = r * r;
  float turn = detail::polynomial(z, 0.3749999701976776f, -0.0025630283635109663f, 8.877251821104437e-05f,
                                  -6.280289653659565e-06f) /
                   a -
               0x1.2d97c8p1f;
  return waves(
      a, polynomial(z, 1.0f, 0.002929631620645523f, -4.685546809923835e-05f, 2.4074579414445907e-06f), turn);
}

/// (a - root) * (a + root) for the root high + low.
static inline float from_zero(float a, float high, float low) { return ((a - high) - low) * (a + high); }
static inline float j0_near(float a) {
  float u = metal::fma(a * a, 0x1p-5f, -1.0f);
  float p = polynomial(u, 0.0011434938060119748f, -0.0021197942551225424f, 0.0015636427560821176f,
                       -0.0006415394018404186f, 0.00016977351333480328f, -3.157240280415863e-05f,
                       4.364760570751969e-06f, -4.689266859259078e-07f, 4.119663898904946e-08f,
                       -2.3075967803265485e-09f);
  return from_zero(a, 0x1.33d152p1f, 1.08705905e-07f) * from_zero(a, 0x1.6148f6p2f, -7.1934146e-08f) * p;
}
static inline float j1_near(float a) {
  float u = metal::fma(a * a, 0x1p-5f, -1.0f);
  float p = polynomial(u, 0.00019498936308082193f, -0.0002697522868402302f, 0.00015860026178415865f,
                       -5.4079915571492165e-05f, 1.224183233716758e-05f, -1.9894441720680334e-06f,
                       2.44705006480217e-07f, -2.3105874547013627e-08f, 1.6338149722017192e-09f,
                       -2.8766922177680954e-10f);
  return from_zero(a, 0x1.ea7558p1f, -7.685059e-08f) * from_zero(a, 0x1.c0ff6p2f, -1.8321172e-07f) * (p * a);
}

} // namespace detail

static inline float j0(float x) {
  float a = detail::magnitude(x);
  return a < 8.0f ? detail::j0_near(a) : detail::waves_0(a).j;
}
static inline float j1(float x) {
  float a = detail::magnitude(x);
  float value = a < 8.0f ? detail::j1_near(a) : detail::waves_1(a).j;
  return x < 0.0f ? -value : (a < 0x1p-60f ? x * 0.5f : value);
}
static inline float y0(float x) {
  float u = metal::fma(x * x, 0x1p-5f, -1.0f);
  float regular = detail::polynomial(u, -0.38225066661834717f, -0.8284358978271484f, 1.6470967531204224f,
                                     0.14412643015384674f, -1.0775493383407593f, 0.6721765995025635f,
                                     -0.21895386278629303f, 0.04636799171566963f, -0.007028963882476091f,
                                     0.0008052955963648856f, -7.21589385648258e-05f, 5.636644345941022e-06f);
  float near = metal::fma(0x1.45f306p-1f * log(x), detail::j0_near(x), regular);
  float value = x < 8.0f ? near : detail::waves_0(x).y;
  return x == 0.0f ? -detail::infinity() : (x < 0.0f ? detail::quiet_nan() : value);
}
static inline float y1(float x) {
  float u = metal::fma(x * x, 0x1p-5f, -1.0f);
  float regular =
      x * detail::polynomial(u, 0.0707598552107811f, -0.2433774322271347f, 0.023367656394839287f,
                             0.2350720763206482f, -0.19639894366264343f, 0.07854810357093811f,
                             -0.01962735317647457f, 0.0034216970670968294f, -0.00044536765199154615f,
                             4.569158409140073e-05f, -2.9996458579262253e-06f, -2.0584801063705527e-07f);
  float near = metal::fma(0x1.45f306p-1f, metal::fma(log(x), detail::j1_near(x), -1.0f / x), regular);
  near = x < 0x1p-30f ? -0x1.45f306p-1f / x : near;
  float value = x < 8.0f ? near : detail::waves_1(x).y;
  return x == 0.0f ? -detail::infinity() : (x < 0.0f ? detail::quiet_nan() : value);
}

static inline float jn(int n, float x) {
  uint order = n < 0 ? 0u - uint(n) : uint(n);
  float a = detail::magnitude(x);
  bool flip = (order & 1) != 0 && ((n < 0) != (x < 0.0f));
  float value;
  if (isnan(x))
    return x;
  if (order == 0)
    return j0(a);
  if (order == 1)
    value = j1(a);
  else if (a == detail::infinity())
    value = 0.0f;
  else if (a < 0x1p-12f) { // (a / 2)^order / order!; the recurrence would overflow
    value = 1.0f;
    for (uint k = 1; k <= order && value > 0.0f; ++k)
      value *= 0.5f * a / float(k);
  } else if (a >= float(order)) { // the upward recurrence is stable here
    float before = j0(a);
    value = j1(a);
    for (uint k = 1; k < order; ++k) {
      float next = float(2 * k) / a * value - before;
      before = value;
      value = next;
    }
  } else { // Miller's algorithm: downward from where J vanishes, normalised by J0 + 2 J2 + 2 J4 + ... = 1
    uint start = 2 * ((order + uint(metal::sqrt(40.0f * float(order))) + 8) / 2);
    float above = 0.0f, current = 1.0f, sum = 0.0f;
    value = 0.0f;
    for (uint k = start; k > 0; --k) {
      float next = float(2 * k) / a * current - above;
      above = current;
      current = next;
      if (detail::magnitude(current) > 0x1p40f) {
        current *= 0x1p-40f;
        above *= 0x1p-40f;
        value *= 0x1p-40f;
        sum *= 0x1p-40f;
      }
      if (k - 1 == order)
        value = current;
      if (((k - 1) & 1) == 0)
        sum += k == 1 ? current : 2.0f * current;
    }
    value /= sum;
  }
  return flip ? -value : value;
}

static inline float yn(int n, float x) {
  uint order = n < 0 ? 0u - uint(n) : uint(n);
  float before = y0(x), value = order == 0 ? before : y1(x);
  for (uint k = 1; k < order && value > -detail::infinity(); ++k) {
    float next = float(2 * k) / x * value - before;
    before = value;
    value = next;
  }
  return n < 0 && (order & 1) != 0 ? -value : value;
}

static inline float cyl_bessel_i0(float x) {
  float a = detail::magnitude(x), z = a * a;
  float near = detail::polynomial(z, 1.0f, 0.25f, 0.015625f, 0.0004340277810115367f, 6.7816827140632086e-06f,
                                  6.781705508274172e-08f, 4.709315715167861e-10f, 2.403772059872411e-12f,
                                  9.355273920450512e-15f, 2.957139587886042e-17f, 6.551002910190607e-20f,
                                  1.8844980782322054e-22f, 2.2890179671571794e-25f);
  float r = 8.0f / a, root = detail::exp_sum(0.5f * a, 0.0f, 0);
  float far = root *
              (detail::polynomial(r, 0.3989422917366028f, 0.006232778076082468f, 0.00045065447920933366f,
                                  -4.254878149367869e-05f, 0.0004451044660527259f, -0.001108165131881833f,
                                  0.0017183725722134113f, -0.0015772293554618955f, 0.0007920910138636827f,
                                  -0.00016700733976904303f) /
               sqrt(a)) *
              root;
  far = a > 200.0f ? detail::infinity() : far;
  return a < 8.0f ? near : (isnan(x) ? x : far);
}
static inline float cyl_bessel_i1(float x) {
  float a = detail::magnitude(x), z = a * a;
  float near =
      x * detail::polynomial(z, 0.5f, 0.0625f, 0.0026041667442768812f, 5.425343624665402e-05f,
                             6.781748425055412e-07f, 5.650802936685295e-09f, 3.3672044319477124e-11f,
                             1.4907956054528715e-13f, 5.440935194929311e-16f, 1.1711248961919908e-18f,
                             5.047084916654563e-21f, 3.038856684410076e-24f);
  float r = 8.0f / a, root = detail::exp_sum(0.5f * a, 0.0f, 0);
  float far = root *
              (detail::polynomial(r, 0.3989422917366028f, -0.018701111897826195f, -0.0007182226399891078f,
                                  -0.0001781885657692328f, 0.00041184431756846607f, -0.0010859983740374446f,
                                  0.0016609313897788525f, -0.001515944255515933f, 0.0007558079669252038f,
                                  -0.00015914371761027724f) /
               sqrt(a)) *
              root;
  far = a > 200.0f ? detail::infinity() : far;
  return a < 8.0f ? near : (isnan(x) ? x : detail::with_sign(far, x));
}

// ---- double ----

#if defined(TM_HAS_DOUBLE)
namespace libm {
extern "C" double j0(double);
extern "C" double j1(double);
extern "C" double y0(double);
extern "C" double y1(double);
extern "C" double jn(int, double);
extern "C" double yn(int, double);
} // namespace libm
static inline double j0(double x) { return libm::j0(x); }
static inline double j1(double x) { return libm::j1(x); }
static inline double y0(double x) { return libm::y0(x); }
static inline double y1(double x) { return libm::y1(x); }
static inline double jn(int n, double x) { return libm::jn(n, x); }
static inline double yn(int n, double x) { return libm::yn(n, x); }
static inline double erf(double x) { return __builtin_erf(x); }
static inline double erfc(double x) { return __builtin_erfc(x); }
static inline double lgamma(double x) { return __builtin_lgamma(x); }
static inline double tgamma(double x) { return __builtin_tgamma(x); }
static inline double normcdf(double x) {
  // The rounding error of the product counts where erfc is steep: erfc'(y) = -2 / sqrt(pi) exp(-y^2).
  constexpr double high = 0x1.6a09e667f3bcdp-1, low = -0x1.bdd3413b26456p-55; // sqrt(1/2)
  double y = x * -high, rest = __builtin_fma(x, -high, -y) - x * low;
  double value = __builtin_erfc(y);
  return 0.5 *
         (__builtin_fabs(x) < 40.0 ? value - rest * 0x1.20dd750429b6dp0 * __builtin_exp(-y * y) : value);
}

static inline double erfcx(double x) {
  if (x < 20.0) { // exp(x^2), corrected for the rounding error of the square
    double square = x * x, low = __builtin_fma(x, x, -square);
    double power = __builtin_exp(square);
    power = power < __builtin_inf() ? power + power * low : power;
    return power * __builtin_erfc(x);
  }
  double fraction = x; // Laplace's continued fraction
  for (int k = 40; k > 0; --k)
    fraction = x + 0.5 * k / fraction;
  return 0x1.20dd750429b6dp-1 / fraction;
}

static inline double erfcinv(double x) {
  if (!(x > 0.0 && x < 2.0))
    return x == 0.0 ? __builtin_inf() : (x == 2.0 ? -__builtin_inf() : __builtin_nan(""));
  if (x == 1.0)
    return 0.0;
  // A first guess, in float where the argument fits, then Halley's method on the smaller tail.
  double tail = x > 1.0 ? 2.0 - x : x;
  double w = -__builtin_log(tail * (2.0 - tail)), s = __builtin_sqrt(w);
  double y =
      tail > 1e-37 ? double(erfcinv(float(tail))) : s - __builtin_log(s * 1.7724538509055159) / (2.0 * s);
  if (tail > 0.5) { // erf is the one with relative precision here
    double target = 1.0 - tail;
    for (int step = 0; step < 3; ++step) {
      double error = __builtin_erf(y) - target, slope = 0x1.20dd750429b6dp0 * __builtin_exp(-y * y);
      double newton = error / slope;
      y -= newton / (1.0 + y * newton);
    }
  } else
    for (int step = 0; step < 5; ++step) {
      // d/dy log(erfc(y)) = -2 / (sqrt(pi) erfcx(y))
      // Among the smallest numbers erfc loses places, but its logarithm does not.
      double scaled = erfcx(y);
      double error = tail < 1e-290 ? __builtin_log(scaled) - y * y - __builtin_log(tail)
                                   : __builtin_log(__builtin_erfc(y) / tail);
      y += error * scaled * 0x1.c5bf891b4ef6bp-1;
    }
  return x > 1.0 ? -y : y;
}
static inline double erfinv(double x) {
  double a = __builtin_fabs(x);
  if (a >= 0.5)
    return __builtin_copysign(erfcinv(1.0 - a), x);
  double y = double(erfinv(float(x)));
  if (a < 1e-9)
    return x * 0x1.c5bf891b4ef6bp-1;
  for (int step = 0; step < 2; ++step) {
    double newton = (__builtin_erf(y) - x) / (0x1.20dd750429b6dp0 * __builtin_exp(-y * y));
    y -= newton / (1.0 + y * newton);
  }
  return y;
}
static inline double normcdfinv(double x) { return 0.0 - 0x1.6a09e667f3bcdp0 * erfcinv(2.0 * x); }

namespace detail {
/// I_n(x) / (x / 2)^n by its power series, whose terms are all positive.
static inline double bessel_i_series(double x, int n) {
  double z = 0.25 * x * x, term = 1.0, sum = 1.0;
  for (int k = 1; k < 200 && term > sum * 1e-18; ++k) {
    term *= z / (double(k) * double(k + n));
    sum += term;
  }
  return sum;
}
/// exp(-a) sqrt(2 pi a) I_n(a) for large a, by its asymptotic series.
static inline double bessel_i_tail(double a, int n) {
  double term = 1.0, sum = 1.0;
  for (int k = 1; k < 30; ++k) {
    double odd = 2.0 * k - 1.0;
    term *= (odd * odd - 4.0 * n * n) / (8.0 * k * a);
    sum += term;
  }
  return sum;
}
static inline double bessel_i(double x, int n) {
  double a = __builtin_fabs(x);
  if (a < 40.0)
    return bessel_i_series(a, n) * (n == 1 ? 0.5 * x : 1.0);
  if (a > 1000.0)
    return x != x ? x : (n == 1 ? __builtin_copysign(__builtin_inf(), x) : __builtin_inf());
  double root = __builtin_exp(0.5 * a);
  double value = root * (bessel_i_tail(a, n) / __builtin_sqrt(6.2831853071795862 * a)) * root;
  return n == 1 ? __builtin_copysign(value, x) : value;
}
} // namespace detail
static inline double cyl_bessel_i0(double x) { return detail::bessel_i(x, 0); }
static inline double cyl_bessel_i1(double x) { return detail::bessel_i(x, 1); }
#endif

// ---- half and bfloat ----

TM_NARROW1(erf)
TM_NARROW1(erfc)
TM_NARROW1(erfcx)
TM_NARROW1(erfinv)
TM_NARROW1(erfcinv)
TM_NARROW1(normcdf)
TM_NARROW1(normcdfinv)
TM_NARROW1(tgamma)
TM_NARROW1(lgamma)
TM_NARROW1(j0)
TM_NARROW1(j1)
TM_NARROW1(y0)
TM_NARROW1(y1)
TM_NARROW1(cyl_bessel_i0)
TM_NARROW1(cyl_bessel_i1)

} // namespace tm
