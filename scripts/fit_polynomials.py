# SPDX-License-Identifier: MIT
"""Fits the polynomials of runtime/shim/vector_math.h and kernels/triton_metal/math.h.

`python scripts/fit_polynomials.py [NAME...]` prints the coefficients, lowest power first, and the largest
weighted error. The fit is least squares over Chebyshev nodes, which comes close to the best polynomial. Each
coefficient is rounded to its type before the next ones are fitted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

mp.mp.prec = 220


@dataclass
class Fit:
    function: Callable[[mp.mpf], mp.mpf]
    low: float
    high: float
    degree: int
    weight: Callable[[mp.mpf], mp.mpf]  # factor from the error of the polynomial to the error that counts
    kind: type = np.float32


def fit(f: Fit) -> tuple[list[float], float]:
    low, high = mp.mpf(f.low), mp.mpf(f.high)
    count = 6 * (f.degree + 1)
    nodes = [
        (low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)
    ]
    weights = [f.weight(x) for x in nodes]
    coefficients: list[mp.mpf] = []
    for k in range(f.degree + 1):
        rest = [
            w * (f.function(x) - mp.polyval(coefficients[::-1] or [0], x))
            for x, w in zip(nodes, weights, strict=True)
        ]
        matrix = mp.matrix(count, f.degree + 1 - k)
        for i, (x, w) in enumerate(zip(nodes, weights, strict=True)):
            for j in range(k, f.degree + 1):
                matrix[i, j - k] = w * x**j
        solution = mp.lu_solve(matrix.T * matrix, matrix.T * mp.matrix(rest))
        coefficients.append(mp.mpf(float(f.kind(float(solution[0])))))
    worst = mp.mpf(0)
    for i in range(300):
        x = low + (high - low) * (2 * i + 1) / 600
        worst = max(worst, abs((mp.polyval(coefficients[::-1], x) - f.function(x)) * f.weight(x)))
    return [float(c) for c in coefficients], float(worst)


def of_square(function: Callable[[mp.mpf], mp.mpf]) -> Callable[[mp.mpf], mp.mpf]:
    return lambda z: function(mp.sqrt(z))


def erfcx(x: mp.mpf) -> mp.mpf:
    return mp.exp(x * x) * mp.erfc(x)


def scaled_erfcx(t: mp.mpf) -> mp.mpf:
    """(1 + 2 x) erfcx(x), where t = (x - 4) / (x + 4)."""
    x = 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * erfcx(x)


def inverse_erf(w: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """x and erfinv(x) where w = -log(1 - x^2)."""
    x = mp.sqrt(-mp.expm1(-w))
    return x, mp.erfinv(x)


def on_bessel(function: Callable[[mp.mpf], mp.mpf]) -> Callable[[mp.mpf], mp.mpf]:
    """The function of x < 8 as a function of u = x^2 / 32 - 1."""
    return lambda u: function(mp.sqrt(32 * (u + 1)))


def wave(order: int, z: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """A and B with J(x) = sqrt(2 / (pi x)) A cos(x - (2 order + 1) pi / 4 + B / x) at x = 8 / sqrt(z); for Y,
    sin replaces cos."""
    x = 8 / mp.sqrt(z)
    j, y = mp.besselj(order, x), mp.bessely(order, x)
    turned = mp.mpc(j, y) * mp.expj(-(x - (2 * order + 1) * mp.pi / 4))
    return mp.sqrt(mp.pi * x / 2) * abs(turned), x * mp.arg(turned)


def zeros(order: int) -> mp.mpf:
    """The first two positive zeros of J, squared."""
    return [mp.besseljzero(order, k) ** 2 for k in (1, 2)]


def one(_: mp.mpf) -> mp.mpf:
    return mp.mpf(1)


ZEROS = {order: zeros(order) for order in (0, 1)}
LN2_2 = 0.34658
PI_4 = 0.78541
F64 = np.float64

FITS: dict[str, Fit] = {
    # exp(r) = 1 + r + r^2 p(r)
    "exp": Fit(lambda r: (mp.expm1(r) - r) / r**2, -LN2_2, LN2_2, 5, lambda r: r**2 / mp.exp(r)),
    "expm1": Fit(lambda r: (mp.expm1(r) - r) / r**2, -LN2_2, LN2_2, 5, lambda r: r**2 / mp.expm1(r)),
    # 2^r = 1 + r p(r)
    "exp2": Fit(lambda r: mp.expm1(r * mp.ln(2)) / r, -0.5001, 0.5001, 6, lambda r: r),
    "exp2_double": Fit(lambda r: mp.expm1(r * mp.ln(2)) / r, -0.5001, 0.5001, 8, lambda r: r, F64),
    # log(1 + f) = f - f^2 / 2 + f^3 p(f)
    "log": Fit(
        lambda f: (mp.log1p(f) - f + f * f / 2) / f**3,
        -0.293,
        0.4143,
        8,
        lambda f: f**3 / mp.log1p(f),
    ),
    # log((1 + s) / (1 - s)) = 2 s + s^3 p(s^2)
    "log_double": Fit(
        of_square(lambda s: (2 * mp.atanh(s) - 2 * s) / s**3), 0, 0.02945, 5, lambda z: z / 2, F64
    ),
    # sin(r) = r + r^3 p(r^2), cos(r) = 1 - r^2 / 2 + r^4 p(r^2)
    "sin": Fit(of_square(lambda r: (mp.sin(r) - r) / r**3), 0, PI_4**2, 3, lambda z: z),
    "cos": Fit(of_square(lambda r: (mp.cos(r) - 1 + r * r / 2) / r**4), 0, PI_4**2, 2, lambda z: z * z),
    "sin_double": Fit(of_square(lambda r: (mp.sin(r) - r) / r**3), 0, PI_4**2, 4, lambda z: z, F64),
    "cos_double": Fit(
        of_square(lambda r: (mp.cos(r) - 1 + r * r / 2) / r**4), 0, PI_4**2, 4, lambda z: z * z, F64
    ),
    # x + x^3 p(x^2)
    "tanh": Fit(of_square(lambda x: (mp.tanh(x) - x) / x**3), 0, 0.36, 5, lambda z: z),
    "sinh": Fit(of_square(lambda x: (mp.sinh(x) - x) / x**3), 0, 1.0, 3, lambda z: z),
    "asin": Fit(of_square(lambda x: (mp.asin(x) - x) / x**3), 0, 0.25, 5, lambda z: z),
    "atan": Fit(of_square(lambda x: (mp.atan(x) - x) / x**3), 0, 1.0, 9, lambda z: z),
    # erf(x) = x + x p(x^2); 1 - erf(x) = exp(p(x - 2.5))
    "erf": Fit(of_square(lambda x: mp.erf(x) / x - 1), 0, 1.0, 7, one),
    "erf_tail": Fit(
        lambda t: mp.log(mp.erfc(t + 2.5)), -1.5, 1.6, 9, lambda t: mp.erfc(t + 2.5) / mp.erf(t + 2.5)
    ),
    "erfcx": Fit(scaled_erfcx, -1, 1, 14, lambda t: 1 / scaled_erfcx(t)),
    # erfinv(x) = x p(w - 2.5), w = -log(1 - x^2); beyond w = 5, s p(1 / s - 0.27), s = sqrt(w)
    "erfinv": Fit(lambda t: inverse_erf(t + 2.5)[1] / inverse_erf(t + 2.5)[0], -2.5, 2.5, 11, one),
    "erfinv_tail": Fit(
        lambda t: inverse_erf((t + 0.27) ** -2)[1] * (t + 0.27), 1 / 10.4 - 0.27, 5**-0.5 - 0.27, 12, one
    ),
    # gamma(1 + f); lgamma(x) = (x - 1) (x - 2) p(x - 1.5), (x - 2) p(x - 2.5), Stirling's series
    "gamma": Fit(lambda f: mp.gamma(1 + f), 0, 1, 11, one),
    "lgamma_12": Fit(lambda t: mp.loggamma(t + 1.5) / ((t + 0.5) * (t - 0.5)), -0.5, 0.5, 12, one),
    "lgamma_23": Fit(lambda t: mp.loggamma(t + 2.5) / (t + 0.5), -0.5, 0.5, 8, one),
    "stirling": Fit(
        lambda z: (
            (
                mp.loggamma(1 / mp.sqrt(z))
                - (1 / mp.sqrt(z) - 0.5) * -mp.log(z) / 2
                + 1 / mp.sqrt(z)
                - mp.log(2 * mp.pi) / 2
            )
            / mp.sqrt(z)
        ),
        0,
        1 / 9,
        3,
        one,
    ),
    "j0": Fit(
        on_bessel(lambda x: mp.besselj(0, x) / ((x * x - ZEROS[0][0]) * (x * x - ZEROS[0][1]))),
        -1,
        1,
        9,
        lambda u: mp.mpf(100),
    ),
    "j1": Fit(
        on_bessel(lambda x: mp.besselj(1, x) / (x * (x * x - ZEROS[1][0]) * (x * x - ZEROS[1][1]))),
        -1,
        1,
        9,
        lambda u: mp.mpf(1000),
    ),
    "y0": Fit(
        on_bessel(lambda x: mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)), -1, 1, 11, one
    ),
    "y1": Fit(
        on_bessel(lambda x: (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x),
        -1,
        1,
        11,
        lambda u: mp.sqrt(32 * (u + 1)),
    ),
    "amplitude_0": Fit(lambda z: wave(0, z)[0], 0.0005, 1, 3, one),
    "phase_0": Fit(lambda z: wave(0, z)[1], 0.0005, 1, 3, lambda z: mp.sqrt(z) / 8),
    "amplitude_1": Fit(lambda z: wave(1, z)[0], 0.0005, 1, 3, one),
    "phase_1": Fit(lambda z: wave(1, z)[1], 0.0005, 1, 3, lambda z: mp.sqrt(z) / 8),
    "i0": Fit(of_square(lambda x: mp.besseli(0, x)), 0, 64, 12, lambda z: 1 / mp.besseli(0, mp.sqrt(z))),
    "i1": Fit(
        of_square(lambda x: mp.besseli(1, x) / x), 0, 64, 11, lambda z: mp.sqrt(z) / mp.besseli(1, mp.sqrt(z))
    ),
    # sqrt(x) exp(-x) I(x) as a function of 8 / x
    "i0_tail": Fit(
        lambda t: mp.besseli(0, 8 / t) * mp.exp(-8 / t) * mp.sqrt(8 / t), 0.001, 1, 9, lambda t: 2.5
    ),
    "i1_tail": Fit(
        lambda t: mp.besseli(1, 8 / t) * mp.exp(-8 / t) * mp.sqrt(8 / t), 0.001, 1, 9, lambda t: 2.5
    ),
    "atan_double": Fit(of_square(lambda x: (mp.atan(x) - x) / x**3), 0, 1.0, 9, lambda z: z, F64),
}


def main() -> None:
    for name in sys.argv[1:] or FITS:
        coefficients, error = fit(FITS[name])
        print(f"{name}: largest relative error 2^{np.log2(error):.1f}")
        kind, suffix = FITS[name].kind, "f" if FITS[name].kind is np.float32 else ""
        print("  " + ", ".join(float(kind(c)).hex() + suffix for c in coefficients))
        print("  " + ", ".join(f"{kind(c)}{suffix}" for c in coefficients))


if __name__ == "__main__":
    main()
