# SPDX-License-Identifier: MIT
"""Fits the polynomials of runtime/shim/vector_math.h and kernels/triton_metal/math.h.

`python scripts/fit_polynomials.py [NAME...]` prints the coefficients, lowest power first, and the largest error
of the fit, weighted. Least squares over Chebyshev nodes, which comes close to the best polynomial; each
coefficient is rounded to the type before the next ones are fitted.
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
    weight: Callable[[mp.mpf], mp.mpf]  # error of the polynomial times this is the error that counts
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
        rest = [w * (f.function(x) - mp.polyval(coefficients[::-1] or [0], x)) for x, w in zip(nodes, weights)]
        matrix = mp.matrix(count, f.degree + 1 - k)
        for i, (x, w) in enumerate(zip(nodes, weights)):
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
