// SPDX-License-Identifier: MIT
// A loop over 32 lanes for each function of vector_math.h. Clang's remarks show which ones were vectorised.
#include "vector_math.h"

#define ONE(NAME)                                                                                            \
  extern "C" void loop_##NAME(const float *x, float *out) {                                                  \
    _Pragma("clang loop vectorize(assume_safety) unroll(disable)") for (int lane = 0; lane < 32; ++lane)     \
        out[lane] = vector_math::NAME(x[lane]);                                                              \
  }
#define TWO(NAME)                                                                                            \
  extern "C" void loop_##NAME(const float *x, const float *y, float *out) {                                  \
    _Pragma("clang loop vectorize(assume_safety) unroll(disable)") for (int lane = 0; lane < 32; ++lane)     \
        out[lane] = vector_math::NAME(x[lane], y[lane]);                                                     \
  }

ONE(exp)
ONE(exp2)
ONE(exp10)
ONE(log)
ONE(log2)
ONE(log10)
ONE(sin)
ONE(cos)
ONE(tan)
ONE(sinpi)
ONE(cospi)
ONE(tanpi)
ONE(sinh)
ONE(cosh)
ONE(tanh)
ONE(asin)
ONE(acos)
ONE(atan)
ONE(asinh)
ONE(acosh)
ONE(atanh)
ONE(rsqrt)
TWO(atan2)
TWO(pow)
TWO(powr)
TWO(fmod)
