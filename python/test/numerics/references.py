# SPDX-License-Identifier: MIT
"""What the functions compute, independently of the project: in float64 for narrower types, exactly or with
mpmath for float64.

`wide` takes float64 arrays that hold the arguments exactly. It returns an array, or two whose sum is the
result. `exact` takes mpf numbers (`rational`: fractions) for one result, and is only asked about
ordinary cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import scipy.special as special
from mpmath import mp

mp.prec = 180


@dataclass(frozen=True)
class Reference:
    wide: Callable
    exact: Callable | None = None  # None: `wide` has no error, whatever the type
    rational: bool = False
    quick: bool = False  # `wide` takes a few nanoseconds for an element
    smallest: float = 0.0  # errors of smaller results are in its ulps, see the document
    limit: float = math.inf  # arguments are at most as large
    slow: bool = False  # `exact` or `wide` takes long


def two_sum(a, b):
    total = a + b
    part = total - a
    error = (a - (total - part)) + (b - part)
    return total, np.where(np.isfinite(error), error, 0.0)


def _fma(a, b, c):  # for operands of at most 24 bits, whose product is exact
    high, low = two_sum(a * b, c)
    return np.where(np.isfinite(a) & np.isfinite(b) & ~np.isfinite(c), c, high), low


def _fdim(x, y):
    high, low = two_sum(x, -y)
    less = x <= y
    return np.where(less, 0.0, high), np.where(less, 0.0, low)


def _rint_half_away(x):
    whole = np.trunc(x)
    return np.copysign(np.abs(whole) + (np.abs(x - whole) >= 0.5), x)


def each(function):
    def call(*args):
        result = np.empty(args[0].shape)
        for i, values in enumerate(zip(*(a.tolist() for a in args), strict=True)):
            try:
                result[i] = function(*values)
            except ValueError:
                result[i] = math.nan
            except OverflowError:
                result[i] = math.inf
        return result

    return call


def _sinpi(x):
    """Folded into [-1/4, 1/4] and [1/4, 3/4], so that zeros are exact and nothing cancels near them."""
    r = np.fmod(np.where(np.isfinite(x), x, np.nan), 2.0)
    a = np.abs(r)
    sign = np.where(a > 1, -1.0, 1.0)
    a = np.where(a > 1, a - 1, a)
    a = np.where(a > 0.5, 1 - a, a)
    value = np.where(a > 0.25, np.cos(np.pi * (0.5 - a)), np.sin(np.pi * a)) * sign
    return np.where(a == 0, np.copysign(0.0, x), np.copysign(1.0, r) * value)


def _cospi(x):
    a = np.abs(np.fmod(np.where(np.isfinite(x), x, np.nan), 2.0))
    a = np.where(a > 1, 2 - a, a)
    value = np.where(a < 0.25, np.cos(np.pi * a), np.sin(np.pi * (0.5 - a)))
    value = np.where(a > 0.75, -np.cos(np.pi * (1 - a)), value)
    return np.where(a == 0.5, 0.0, value)


def _logb(x):
    value = np.where(np.isinf(x), np.inf, np.frexp(x)[1] - 1.0)
    return np.where(np.isnan(x), x, np.where(x == 0, -np.inf, value))


def _norm(*sides):
    with np.errstate(all="ignore"):
        infinite = np.any([np.isinf(s) for s in sides], axis=0)
        large = np.max([np.abs(s) for s in sides], axis=0)
        scale = np.where((large > 0) & np.isfinite(large), large, 1.0)
        length = np.sqrt(sum((s / scale) ** 2 for s in sides)) * scale
        return np.where(infinite, np.inf, length)


def _exact_norm(*sides):
    return mp.sqrt(sum(s * s for s in sides))


def _inverse(function):
    return lambda *args: 1 / function(*args)


def _lgamma(x):
    value = special.gammaln(x)
    return np.where(np.isinf(x), np.inf, value)


def _tgamma(x):
    value = special.gamma(x)
    value = np.where((x < 0) & (x == np.floor(x)), np.nan, value)
    value = np.where(x == 0, np.copysign(np.inf, x), value)
    # SciPy loses the sign of what underflows.
    odd = (x < -170) & (np.floor(x) % 2 != 0)
    return np.where((x < -170) & np.isfinite(x) & (x != np.floor(x)), np.where(odd, -0.0, 0.0), value)


def _bessel_y(function):
    return lambda x: np.where(x == 0, -np.inf, np.where(x < 0, np.nan, function(np.abs(x))))


def _yn(n, x):
    value = np.where(x == 0, -np.inf, np.where(x < 0, np.nan, special.yn(n.astype(np.int32), np.abs(x))))
    return np.where((x == 0) & (n < 0) & (n % 2 != 0), np.inf, value)


def _jn(n, x):
    value = special.jv(n, x)
    odd = (n % 2 != 0) & ((n < 0) != np.signbit(x))
    return np.where(value == 0, np.where(odd, -0.0, 0.0), value)


def _erfc_slope(y):
    return -2 / mp.sqrt(mp.pi) * mp.exp(-y * y)


def _erfcinv(x):
    """Newton's method from a float64; for small x on the logarithm, which is nearly a parabola."""
    if x < 1e-3:
        y = mp.sqrt(-mp.log(x))
        for _ in range(12):
            value = mp.erfc(y)
            y -= (mp.log(value) - mp.log(x)) * value / _erfc_slope(y)
        return y
    y = mp.mpf(float(special.erfcinv(float(x))))
    for _ in range(3):
        y -= (mp.erfc(y) - x) / _erfc_slope(y)
    return y


def _erfinv(x):
    y = mp.mpf(float(special.erfinv(float(x))))
    if not mp.isfinite(y):
        y = mp.sign(x) * _erfcinv(1 - abs(x))
    for _ in range(3):
        y -= (mp.erf(y) - x) / -_erfc_slope(y)
    return y


def _normcdfinv(x):
    return -mp.sqrt(2) * _erfcinv(2 * x)


def _powf(x, y):
    with np.errstate(all="ignore"):
        return np.power(x, y)


def _exact_pow(x, y):
    y = mp.mpf(y)
    magnitude = mp.exp(y * mp.log(abs(x)))
    return -magnitude if x < 0 and int(y) % 2 else magnitude


def _clamp(x, low, high):
    return np.minimum(np.maximum(x, low), high)


def _fraction_fmod(x, y):
    rest = abs(x) % abs(y)
    return -rest if x < 0 else rest


def _fraction_remainder(x, y):
    return x - y * round(x / y)  # round of a fraction: ties to even


_TINY = mp.mpf(2) ** -5000


def _erf(x):
    return mp.erf(x) if abs(x) < 100 else mp.sign(x) * (1 - _TINY)


def _erfc(x):
    return mp.erfc(x) if abs(x) < 100 else (_TINY if x > 0 else 2 - _TINY)


def _ncdf(x):
    return _erfc(-x / mp.sqrt(2)) / 2


def _erfcx(x):
    if x < -100:
        return mp.inf
    if x < 100:
        return mp.exp(x * x) * mp.erfc(x)
    term = total = mp.mpf(1)
    for k in range(1, 30):
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
    return total / (x * mp.sqrt(mp.pi))


def _exact_bessel(function, order):
    return lambda x: function(order, x)


def _rcp64h(x):
    with np.errstate(all="ignore"):
        return (1 / x).view(np.int64).__and__(np.int64(-(2**32))).view(np.float64)


def _atan2(y, x):
    return mp.atan2(y, x)


# Of float64 arguments these are exact as they are.
_SAME = {
    "abs": np.abs,
    "neg": np.negative,
    "ceil": np.ceil,
    "floor": np.floor,
    "trunc": np.trunc,
    "rint": np.rint,
    "nearbyint": np.rint,
    "roundeven": np.rint,
    "round": _rint_half_away,
    "logb": _logb,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
    "maxnumf": np.fmax,
    "minnumf": np.fmin,
    "clampf": _clamp,
    "copysign": np.copysign,
    "saturatef": lambda x: np.where(x > 0, np.minimum(x, 1.0), 0.0),
}

_ELEMENTARY = {
    "cbrt": (np.cbrt, lambda x: mp.cbrt(x) if x >= 0 else -mp.cbrt(-x)),
    "exp": (np.exp, mp.exp),
    "exp2": (np.exp2, lambda x: mp.power(2, x)),
    "exp10": (lambda x: np.power(10.0, x), lambda x: mp.power(10, x)),
    "expm1": (np.expm1, mp.expm1),
    "log": (np.log, mp.log),
    "log2": (np.log2, lambda x: mp.log(x) / mp.log(2)),
    "log10": (np.log10, lambda x: mp.log(x) / mp.log(10)),
    "log1p": (np.log1p, mp.log1p),
    "sin": (np.sin, mp.sin),
    "cos": (np.cos, mp.cos),
    "tan": (np.tan, mp.tan),
    "sinpi": (_sinpi, mp.sinpi),
    "cospi": (_cospi, mp.cospi),
    "asin": (np.arcsin, mp.asin),
    "acos": (np.arccos, mp.acos),
    "atan": (np.arctan, mp.atan),
    "sinh": (np.sinh, mp.sinh),
    "cosh": (np.cosh, mp.cosh),
    "tanh": (np.tanh, mp.tanh),
    "asinh": (np.arcsinh, mp.asinh),
    "acosh": (np.arccosh, mp.acosh),
    "atanh": (np.arctanh, mp.atanh),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x: 1 / mp.sqrt(x)),
    "rcbrt": (lambda x: 1 / np.cbrt(x), lambda x: 1 / (mp.cbrt(x) if x >= 0 else -mp.cbrt(-x))),
}

REFERENCES: dict[str, Reference] = {name: Reference(function, quick=True) for name, function in _SAME.items()}
REFERENCES |= {name: Reference(wide, exact, quick=True) for name, (wide, exact) in _ELEMENTARY.items()}
REFERENCES |= {
    "sqrt": Reference(np.sqrt, mp.sqrt, quick=True),
    "add": Reference(two_sum, lambda x, y: x + y, rational=True),
    "sub": Reference(lambda x, y: two_sum(x, -y), lambda x, y: x - y, rational=True),
    "mul": Reference(np.multiply, lambda x, y: x * y, rational=True),
    "div": Reference(np.divide, lambda x, y: x / y, rational=True),
    "rcp": Reference(lambda x: 1 / x, lambda x: 1 / x, rational=True, quick=True),
    "fma": Reference(_fma, lambda x, y, z: x * y + z, rational=True),
    "fdim": Reference(_fdim, lambda x, y: max(x - y, Fraction(0)), rational=True),
    "rem": Reference(np.fmod, _fraction_fmod, rational=True),
    "fmod": Reference(np.fmod, _fraction_fmod, rational=True),
    "remainder": Reference(each(math.remainder), _fraction_remainder, rational=True, slow=True),
    "pow": Reference(_powf, _exact_pow),
    "atan2": Reference(np.arctan2, _atan2),
    "hypot": Reference(np.hypot, _exact_norm),
    "rhypot": Reference(_inverse(np.hypot), _inverse(_exact_norm)),
    "norm3d": Reference(_norm, _exact_norm),
    "norm4d": Reference(_norm, _exact_norm),
    "rnorm3d": Reference(_inverse(_norm), _inverse(_exact_norm)),
    "rnorm4d": Reference(_inverse(_norm), _inverse(_exact_norm)),
    "ldexp": Reference(
        lambda x, n: np.ldexp(x, n.astype(np.int32)),
        lambda x, n: x * Fraction(2) ** max(-5000, min(5000, int(n))),
        rational=True,
    ),
    "rcp64h": Reference(_rcp64h),
    "erf": Reference(special.erf, _erf),
    "erfc": Reference(special.erfc, _erfc),
    "erfcx": Reference(special.erfcx, _erfcx),
    "erfinv": Reference(lambda x: np.where(x == 0, x, special.erfinv(x)), _erfinv, slow=True),
    "erfcinv": Reference(lambda x: special.erfcinv(x) + 0.0, _erfcinv, slow=True),
    "normcdf": Reference(special.ndtr, _ncdf),
    "normcdfinv": Reference(special.ndtri, _normcdfinv, slow=True),
    "tgamma": Reference(_tgamma, mp.gamma, limit=1e4),
    "lgamma": Reference(_lgamma, lambda x: mp.log(abs(mp.gamma(x))) if x < 1e4 else mp.loggamma(x)),
    "j0": Reference(special.j0, _exact_bessel(mp.besselj, 0), smallest=1.0, limit=1e4, slow=True),
    "j1": Reference(special.j1, _exact_bessel(mp.besselj, 1), smallest=1.0, limit=1e4, slow=True),
    "y0": Reference(_bessel_y(special.y0), _exact_bessel(mp.bessely, 0), smallest=1.0, limit=1e4, slow=True),
    "y1": Reference(_bessel_y(special.y1), _exact_bessel(mp.bessely, 1), smallest=1.0, limit=1e4, slow=True),
    "jn": Reference(_jn, lambda n, x: mp.besselj(int(n), x), smallest=1.0, limit=1e3, slow=True),
    "yn": Reference(_yn, lambda n, x: mp.bessely(int(n), x), smallest=1.0, limit=1e3, slow=True),
    "cyl_bessel_i0": Reference(special.i0, _exact_bessel(mp.besseli, 0), limit=1e3, slow=True),
    "cyl_bessel_i1": Reference(
        lambda x: np.where(x == 0, x, special.i1(x)), _exact_bessel(mp.besseli, 1), limit=1e3, slow=True
    ),
}
REFERENCES["scalbn"] = REFERENCES["ldexp"]


def _nextafter(kind):
    number = {"f32": np.float32, "f64": np.float64}[kind]
    return Reference(lambda x, y: np.nextafter(x.astype(number), y.astype(number)).astype(np.float64))


def reference_of(function) -> Reference:
    """For functions with a rounding mode, that of the function without it."""
    base = function.base.removesuffix("_rn")
    if function.mode:
        base = base.removesuffix("_" + function.mode)
    if base == "nextafter":
        return _nextafter(function.result)
    if "2float" in base or "2double" in base:  # from an integer or a double, which are exact as they are
        return Reference(lambda x: x, lambda x: x, rational=True)
    return REFERENCES[base]


def _pair(value: mpmath.mpf | Fraction) -> tuple[float, float]:
    """The nearest float64 and the rest."""
    if isinstance(value, mpmath.mpf):
        if not mp.isfinite(value):
            return float(value), 0.0
        sign, mantissa, exponent, bits = value._mpf_
        if exponent + bits > 1100:
            return (-math.inf if sign else math.inf), 0.0
        if exponent + bits < -1200:
            return (-0.0 if sign else 0.0), 0.0
        value = Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent
    try:
        high = value.numerator / value.denominator
    except OverflowError:
        return (math.inf if value > 0 else -math.inf), (-1.0 if value > 0 else 1.0)
    if value != 0 and high == 0:
        return (0.0 if value > 0 else -0.0), (5e-324 if value > 0 else -5e-324)
    rest = value - Fraction(high)
    low = rest.numerator / rest.denominator
    if low == 0 and rest != 0:
        low = math.copysign(5e-324, rest)
    return high, low


def expected(function, args: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """The results as two float64 arrays whose sum is exact enough; the second one may be missing."""
    reference = reference_of(function)
    with np.errstate(all="ignore"):
        wide = [a.astype(np.float64) for a in args]
        rough = reference.wide(*wide)
    high, low = rough if isinstance(rough, tuple) else (np.asarray(rough, np.float64), None)
    if function.mode == "rd":
        high = _downward_zeros(function, wide, high)
    if "f64" not in (*function.arguments, function.result) and args[0].dtype.itemsize < 8:
        return high, low
    if reference.exact is None:
        return high, low
    high, low = np.array(high), np.zeros(len(high))
    convert = Fraction if reference.rational else mp.mpf
    # Infinities, NaN, zeros and poles are as NumPy has them.
    ordinary = np.ones(len(high), bool)
    for a in wide:
        ordinary &= np.isfinite(a)
        if not reference.rational:
            ordinary &= a != 0
    if not reference.rational:
        ordinary &= ~np.isnan(high) & ~((high == 0) & (function.base in _EXACT_ZEROS))
    pole = np.isinf(high) & _is_pole(function, wide)
    if reference.rational:
        pole |= np.isnan(high)
    if function.base == "fma":
        pole &= False
    integers = [a.dtype.kind in "iu" for a in args]
    for i in np.flatnonzero(ordinary & ~pole):
        numbers = [
            (int(a[i]) if integer and not reference.rational else convert(a[i].item()))
            for a, integer in zip(args, integers, strict=True)
        ]
        rough_value = high[i]
        high[i], low[i] = _pair(reference.exact(*numbers))
        if high[i] == 0 and low[i] == 0 and rough_value == 0:
            high[i] = rough_value  # with its sign
    return high, low


def _downward_zeros(function, args, high):
    """Sums that are exactly zero are -0 when rounded downward, unless both terms are 0."""
    terms = {"add": args, "sub": [args[0], -args[-1]], "fma": [args[0] * args[1 % len(args)], args[-1]]}
    pair = terms.get(function.base.removesuffix("_rd"))
    if pair is None:
        return high
    positive = np.all([(t == 0) & ~np.signbit(t) for t in pair], axis=0)
    return np.where((high == 0) & ~positive, -0.0, high)


# Of the functions that are 0 for other arguments than 0.
_EXACT_ZEROS = {"log", "log2", "log10", "acos", "acosh", "cospi", "sinpi", "lgamma"}


def _is_pole(function, args):
    """Where an infinite result is one, rather than the overflow of the reference."""
    base = function.base
    if base in (
        "rsqrt",
        "rcbrt",
        "rhypot",
        "rnorm3d",
        "rnorm4d",
        "y0",
        "y1",
        "yn",
        "pow",
        "log",
        "log2",
        "log10",
    ):
        return np.all([a == 0 for a in args], axis=0) | (args[-1] == 0) | (args[0] == 0)
    if base in ("tgamma", "lgamma"):
        return (args[0] <= 0) & (args[0] == np.floor(args[0]))
    if base.startswith(("div", "rcp")):
        return args[-1] == 0
    if base in ("atanh", "erfinv", "log1p", "erfcinv", "normcdfinv"):
        return np.isin(np.abs(args[0]), (0.0, 1.0, 2.0))
    return np.zeros(len(args[0]), bool)
