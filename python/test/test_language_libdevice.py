# SPDX-License-Identifier: MIT
"""Functions of triton.language.extra.libdevice against float64 references."""

import math
import os

import numpy as np
import pytest
import torch
from generated import evaluate
from reference import assert_close, assert_same, corner_values, random_values

interpreted = os.environ.get("TRITON_INTERPRET") == "1"


def of_torch(name):
    return lambda *arrays: getattr(torch, name)(*(torch.from_numpy(a) for a in arrays)).numpy()


def scalar(function):
    return np.vectorize(function, otypes=[np.float64])


# Function: (reference in float64, lowest and highest argument, allowed error in float32 epsilons).
UNARY = {
    "tanh": (np.tanh, -20, 20, 8),
    "sinh": (np.sinh, -20, 20, 16),
    "cosh": (np.cosh, -20, 20, 16),
    "tan": (np.tan, -1.4, 1.4, 16),
    "asin": (np.arcsin, -1, 1, 8),
    "acos": (np.arccos, -1, 1, 8),
    "atan": (np.arctan, -50, 50, 8),
    "asinh": (np.arcsinh, -50, 50, 16),
    "acosh": (np.arccosh, 1, 50, 16),
    "atanh": (np.arctanh, -0.99, 0.99, 16),
    "exp": (np.exp, -20, 20, 8),
    "exp2": (np.exp2, -20, 20, 8),
    "exp10": (lambda x: 10.0**x, -10, 10, 32),
    "expm1": (np.expm1, -10, 10, 8),
    "log": (np.log, 1e-3, 1e4, 8),
    "log2": (np.log2, 1e-3, 1e4, 8),
    "log10": (np.log10, 1e-3, 1e4, 8),
    "log1p": (np.log1p, -0.9, 100, 8),
    "erf": (scalar(math.erf), -4, 4, 8),
    "erfc": (scalar(math.erfc), -3, 3, 64),
    "sin": (np.sin, -20, 20, 8),
    "cos": (np.cos, -20, 20, 8),
    "sqrt": (np.sqrt, 0, 1e6, 1),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1e-3, 1e6, 4),
    "cbrt": (np.cbrt, -50, 50, 8),
}
EXACT = {
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "nearbyint": np.rint,
    "abs": np.abs,
    "round": lambda x: np.trunc(x + np.copysign(np.where(np.abs(x) < 2.0**22, 0.5, 0.0), x)),
}
BINARY = {
    "pow": (np.power, 0.1, 20, 64),
    "atan2": (np.arctan2, -20, 20, 8),
    "hypot": (np.hypot, -20, 20, 8),
    "fmod": (np.fmod, -20, 20, 0),
    "copysign": (np.copysign, -20, 20, 0),
    "fdim": (lambda x, y: np.maximum(x - y, 0), -20, 20, 1),
}

pytestmark = pytest.mark.skipif(interpreted, reason="the interpreter has no libdevice")


@pytest.mark.parametrize("name", UNARY)
def test_unary(name, rng):
    reference, low, high, units = UNARY[name]
    x = rng.uniform(low, high, 500).astype(np.float32)
    got = evaluate(f"libdevice.{name}(x)", [x], ["float32"], "float32")
    epsilon = units * 2.0**-23
    assert_close(
        got,
        reference(x.astype(np.float64)),
        epsilon,
        atol=epsilon if name in ("sin", "cos", "tan") else 1e-30,
    )


@pytest.mark.parametrize("name", EXACT)
def test_exact_unary(name, rng):
    x = np.concatenate([corner_values("float32"), random_values("float32", 300, rng)])
    x = np.concatenate([x, np.arange(-8, 8, 0.5, dtype=np.float32)])
    with np.errstate(all="ignore"):
        want = EXACT[name](x).astype(np.float32)
    assert_same(evaluate(f"libdevice.{name}(x)", [x], ["float32"], "float32"), want)


@pytest.mark.parametrize("name", BINARY)
def test_binary(name, rng):
    reference, low, high, units = BINARY[name]
    x, y = (rng.uniform(low, high, 500).astype(np.float32) for _ in range(2))
    if name == "pow":
        y = (y / 10).astype(np.float32)
    got = evaluate(f"libdevice.{name}(x, y)", [x, y], ["float32"] * 2, "float32")
    assert_close(got, reference(x.astype(np.float64), y.astype(np.float64)), units * 2.0**-23, atol=1e-30)


@pytest.mark.parametrize("name", ["isnan", "isinf"])
def test_classification(name):
    x = corner_values("float32")
    got = evaluate(f"libdevice.{name}(x).to(tl.int32)", [x], ["float32"], "int32")
    assert_same((got != 0), getattr(np, name)(x))


def test_float64(rng):
    x = rng.uniform(-3, 3, 200)
    assert_close(evaluate("libdevice.tanh(x)", [x], ["float64"], "float64"), np.tanh(x), 1e-14, atol=1e-15)
    assert_close(evaluate("libdevice.pow(tl.abs(x), x)", [x], ["float64"], "float64"), np.abs(x) ** x, 1e-13)
