# SPDX-License-Identifier: MIT
"""Element-wise arithmetic, comparisons and mathematics for every scalar type."""

import math

import numpy as np
import pytest
from generated import evaluate
from reference import (
    DTYPES,
    FLOATS,
    INTEGERS,
    assert_close,
    assert_same,
    corner_values,
    fused_multiply_add,
    pairs,
    random_values,
    rounded,
    truncated_divide,
    truncated_remainder,
)

INTEGER_BINARY = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x & y": lambda x, y: x & y,
    "x | y": lambda x, y: x | y,
    "x ^ y": lambda x, y: x ^ y,
    "tl.minimum(x, y)": np.minimum,
    "tl.maximum(x, y)": np.maximum,
    "tl.where(x < y, x, y * 2 + x)": lambda x, y: np.where(x < y, x, y * x.dtype.type(2) + x),
    "-x + ~y": lambda x, y: (np.zeros_like(x) - x) + ~y,
}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("expression", INTEGER_BINARY)
def test_integer_binary(expression, dtype, rng):
    x, y = pairs(dtype, rng)
    with np.errstate(all="ignore"):
        want = INTEGER_BINARY[expression](x, y)
    assert_same(evaluate(expression, [x, y], [dtype, dtype], dtype), want)


def division_pairs(dtype, rng):
    """Pairs without the two undefined cases, division by zero and lowest / -1."""
    x, y = pairs(dtype, rng)
    y = np.where(y == 0, np.array(3, y.dtype), y)
    limits = np.iinfo(x.dtype)
    if limits.min < 0:
        y = np.where((x == limits.min) & (y == -1), np.array(-7, y.dtype), y)
    return x, y


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("expression", ["x // y", "x % y", "x // 7 + x % 7", "tl.cdiv(x, y)"])
def test_integer_division_rounds_towards_zero(expression, dtype, rng):
    x, y = division_pairs(dtype, rng)
    seven = np.array(7, x.dtype)
    with np.errstate(all="ignore"):
        want = {
            "x // y": lambda: truncated_divide(x, y),
            "x % y": lambda: truncated_remainder(x, y),
            "x // 7 + x % 7": lambda: truncated_divide(x, seven) + truncated_remainder(x, seven),
            "tl.cdiv(x, y)": lambda: ceiling_divide(x, y),
        }[expression]()
    keep = np.ones(x.size, bool)
    if expression.startswith("tl.cdiv"):
        # The sum inside of cdiv must not wrap to a case without a quotient.
        with np.errstate(all="ignore"):
            total = x + (y - np.array(1, y.dtype))
        keep = ~((total == np.iinfo(x.dtype).min) & (y == np.array(-1).astype(y.dtype)))
    got = evaluate(expression, [x[keep], y[keep]], [dtype, dtype], dtype)
    assert_same(got, want[keep])


def ceiling_divide(x, y):
    """(x + (y - 1)) / y with wrapping sums, the definition of tl.cdiv."""
    return truncated_divide(x + (y - np.array(1, y.dtype)), y)


def test_division_by_zero_in_a_lane_that_is_off():
    """A zero divisor in a masked-off lane must neither trap nor disturb the other lanes."""
    x = np.arange(-64, 64, dtype=np.int32)
    y = np.where(np.arange(128) % 3 == 0, 0, np.arange(128) - 70).astype(np.int32)
    y[x == np.iinfo(np.int32).min] = 1
    safe = np.where(y == 0, 1, y)
    got = evaluate("tl.where(y == 0, -5, x // y)", [x, y], ["int32", "int32"], "int32")
    assert_same(got, np.where(y == 0, np.int32(-5), truncated_divide(x, safe)).astype(np.int32))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("expression", ["x << y", "x >> y", "(x << 1) >> 1"])
def test_shifts(expression, dtype, rng):
    x, _ = pairs(dtype, rng)
    y = rng.integers(0, DTYPES[dtype].bits, x.size).astype(x.dtype)
    one = np.array(1, x.dtype)
    want = {"x << y": lambda: x << y, "x >> y": lambda: x >> y, "(x << 1) >> 1": lambda: (x << one) >> one}
    assert_same(evaluate(expression, [x, y], [dtype, dtype], dtype), want[expression]())


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_umulhi(dtype, rng):
    x, y = pairs(dtype, rng)
    bits = DTYPES[dtype].bits
    unsigned = np.dtype(f"uint{bits}")
    high = [(int(a) * int(b)) >> bits for a, b in zip(x.view(unsigned), y.view(unsigned), strict=True)]
    got = evaluate("tl.umulhi(x, y)", [x, y], [dtype, dtype], dtype)
    assert_same(got, np.array(high, dtype=unsigned).view(x.dtype))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
def test_integer_abs(dtype, rng):
    x, _ = pairs(dtype, rng)
    with np.errstate(all="ignore"):
        assert_same(evaluate("tl.abs(x)", [x], [dtype], dtype), np.abs(x))


COMPARISONS = {
    "x < y": np.less,
    "x <= y": np.less_equal,
    "x > y": np.greater,
    "x >= y": np.greater_equal,
    "x == y": np.equal,
    "x != y": np.not_equal,
}


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("expression", COMPARISONS)
def test_comparisons(expression, dtype, rng):
    x, y = pairs(dtype, rng)
    want = COMPARISONS[expression](x, y)
    assert_same(evaluate(expression, [x, y], [dtype, dtype], "int1"), want)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
def test_logic_of_masks(dtype, rng):
    x, y = pairs(dtype, rng)
    got = evaluate("((x < y) & (x != 1)) ^ ((y > 2) | ~(x >= y))", [x, y], [dtype, dtype], "int1")
    assert_same(got, ((x < y) & (x != 1)) ^ ((y > 2) | ~(x >= y)))


def test_mixed_signedness_follows_the_usual_conversions(rng):
    x, _ = pairs("int32", rng)
    y, _ = pairs("uint32", rng)
    count = min(x.size, y.size)
    x, y = x[:count], y[:count]
    assert_same(evaluate("x + y", [x, y], ["int32", "uint32"], "uint32"), x.view(np.uint32) + y)
    assert_same(evaluate("x < y", [x, y], ["int32", "uint32"], "int1"), x.view(np.uint32) < y)
    narrow = random_values("int8", count, rng)
    wide = random_values("int64", count, rng)
    assert_same(evaluate("x * y", [narrow, wide], ["int8", "int64"], "int64"), narrow.astype(np.int64) * wide)


FLOAT_BINARY = {
    "x + y": np.add,
    "x - y": np.subtract,
    "x * y": np.multiply,
    "x / y": np.divide,
    "tl.fdiv(x, y)": np.divide,
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("expression", FLOAT_BINARY)
def test_float_binary_is_ieee(expression, dtype, rng):
    x, y = pairs(dtype, rng)
    with np.errstate(all="ignore"):
        # Narrow types compute in float32 and round once, which gives the correctly rounded result.
        wide = np.float64 if dtype == "float64" else np.float32
        want = rounded(FLOAT_BINARY[expression](x.astype(wide), y.astype(wide)), dtype)
    assert_same(evaluate(expression, [x, y], [dtype, dtype], dtype), want)


@pytest.mark.parametrize("dtype", FLOATS)
def test_float_remainder_has_the_sign_of_the_dividend(dtype, rng):
    x, y = pairs(dtype, rng)
    with np.errstate(all="ignore"):
        want = rounded(np.fmod(x, y), dtype)
    assert_same(evaluate("x % y", [x, y], [dtype, dtype], dtype), want)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("largest", [True, False], ids=["maximum", "minimum"])
@pytest.mark.parametrize("propagate", ["NONE", "ALL"])
def test_float_extrema_and_nan(propagate, largest, dtype, rng):
    x, y = pairs(dtype, rng)
    name = "maximum" if largest else "minimum"
    ignoring, passing = (np.fmax, np.maximum) if largest else (np.fmin, np.minimum)
    got = evaluate(
        f"tl.{name}(x, y, propagate_nan=tl.PropagateNan.{propagate})", [x, y], [dtype, dtype], dtype
    )
    want = (passing if propagate == "ALL" else ignoring)(x, y)
    assert_same(got, want, zero_sign=False)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("propagate", ["NONE", "ALL"])
def test_clamp(propagate, dtype, rng):
    x = rounded(np.concatenate([corner_values(dtype), random_values(dtype, 200, rng)]), dtype)
    low, high = np.full_like(x, -1.5), np.full_like(x, 2.25)
    got = evaluate(
        f"tl.clamp(x, y, z, propagate_nan=tl.PropagateNan.{propagate})",
        [x, low, high],
        [dtype] * 3,
        dtype,
    )
    bounded = np.fmin(np.fmax(x, low), high) if propagate == "NONE" else np.clip(x, low, high)
    if propagate == "NONE":
        # Triton leaves open whether NaN gives one of the bounds or NaN.
        keep = ~np.isnan(x)
        assert_same(got[keep], bounded[keep], zero_sign=False)
    else:
        assert_same(got, bounded, zero_sign=False)


def test_clamp_of_integers(rng):
    x = random_values("int32", 300, rng) % 50
    got = evaluate("tl.minimum(tl.maximum(x, -10), 20)", [x], ["int32"], "int32")
    assert_same(got, np.clip(x, -10, 20).astype(np.int32))


def test_fma_rounds_once(rng):
    x, y = pairs("float32", rng)
    z = np.concatenate([-(x[: x.size // 2] * y[: x.size // 2]), random_values("float32", x.size, rng)])[
        : x.size
    ]
    got = evaluate("tl.fma(x, y, z)", [x, y, z], ["float32"] * 3, "float32")
    assert_same(got, fused_multiply_add(x, y, z))


@pytest.mark.parametrize("fused", [None, True, False])
@pytest.mark.parametrize(
    "expression, signs",
    [("x * y + z", (1, 1)), ("z + y * x", (1, 1)), ("x * y - z", (1, -1)), ("z - x * y", (-1, 1))],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_product_in_a_sum_is_rounded_as_the_option_says(engine, rng, expression, signs, fused):
    x, y = pairs("float32", rng)
    z = random_values("float32", x.size, rng)
    z[::2] = -(x * y)[::2] * np.float32(signs[0] * signs[1])  # leaves the rounding error of the product
    options = {} if fused is None else {"enable_fp_fusion": fused}
    got = evaluate(expression, [x, y, z], ["float32"] * 3, "float32", **options)
    once, twice = fused_multiply_add(signs[0] * x, y, signs[1] * z), (signs[0] * x) * y + signs[1] * z
    assert (np.nan_to_num(once) != np.nan_to_num(twice)).any()
    assert_same(got, once if engine == "msl" and fused is not False else twice)


POSITIVE = "positive"
UNIT = "unit"
ANY = "any"

# Expression: (reference in float64, domain, error in units of the float32 epsilon).
MATHEMATICS = {
    "tl.exp(x)": (np.exp, ANY, 3),
    "tl.exp2(x)": (np.exp2, ANY, 4),
    "tl.log(x)": (np.log, POSITIVE, 4),
    "tl.log2(x)": (np.log2, POSITIVE, 4),
    "tl.sin(x)": (np.sin, ANY, 4),
    "tl.cos(x)": (np.cos, ANY, 4),
    "tl.sqrt(x)": (np.sqrt, POSITIVE, 2),
    "tl.rsqrt(x)": (lambda x: 1 / np.sqrt(x), POSITIVE, 4),
    "tl.erf(x)": (np.vectorize(math.erf, otypes=[np.float64]), ANY, 8),
    "tl.floor(x)": (np.floor, ANY, 0),
    "tl.ceil(x)": (np.ceil, ANY, 0),
    "tl.abs(x)": (np.abs, ANY, 0),
    "-x": (np.negative, ANY, 0),
    "tl.sigmoid(x)": (lambda x: 1 / (1 + np.exp(-x)), ANY, 5),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("expression", MATHEMATICS)
def test_mathematics(expression, dtype, rng):
    reference, domain, units = MATHEMATICS[expression]
    x = np.concatenate([corner_values(dtype), random_values(dtype, 500, rng), np.linspace(-30, 30, 400)])
    x = rounded(x, dtype)
    if domain == POSITIVE:
        x = np.abs(x)
    with np.errstate(all="ignore"):
        want = reference(x.astype(np.float64)).astype(x.dtype)
    got = evaluate(expression, [x], [dtype], dtype)
    # Near their zeros, sin and cos lose digits only by the error of the reduced argument.
    epsilon = float(np.finfo(x.dtype).eps)
    absolute = units * epsilon if "sin" in expression or "cos" in expression else 1e-37
    if expression in ("tl.exp(x)", "tl.sigmoid(x)") and dtype == "float32":
        # exp may have the error of rounding x * log2(e), as on Triton's other targets.
        with np.errstate(all="ignore"):
            slack = np.where(np.isfinite(x), 1.2 * np.abs(x) * epsilon * want, 0)
            moved = got + np.clip(want - got, -slack, slack).astype(got.dtype)
        got = np.where(np.isfinite(want) & np.isfinite(got), moved, got)
    assert_close(got, want, rtol=units * epsilon, atol=absolute)


@pytest.mark.parametrize("expression", ["tl.sqrt_rn(x)", "tl.sqrt(x)"])
def test_square_root_is_exact(expression, rng):
    x = np.abs(np.concatenate([corner_values("float32"), random_values("float32", 500, rng)]))
    with np.errstate(all="ignore"):
        assert_same(evaluate(expression, [x], ["float32"], "float32"), np.sqrt(x))


def test_precise_division(rng):
    x, y = pairs("float32", rng)
    with np.errstate(all="ignore"):
        assert_same(evaluate("tl.div_rn(x, y)", [x, y], ["float32"] * 2, "float32"), x / y)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("expression", ["tl.floor(x)", "tl.ceil(x)", "tl.abs(x)", "-x"])
def test_exact_functions_of_narrow_floats(expression, dtype, rng):
    x = np.concatenate([corner_values(dtype), random_values(dtype, 300, rng)])
    x = rounded(x, dtype)
    functions = {"tl.floor(x)": np.floor, "tl.ceil(x)": np.ceil, "tl.abs(x)": np.abs, "-x": np.negative}
    # floor and ceil take only float32 and float64.
    wrapped = (
        expression.replace("(x)", "(x.to(tl.float32))")
        if "o" in expression or "e" in expression
        else expression
    )
    assert_same(evaluate(wrapped, [x], [dtype], dtype), rounded(functions[expression](x), dtype))


def test_narrow_arithmetic_rounds_at_every_step(rng):
    x, y = (random_values("float16", 500, rng) for _ in range(2))
    with np.errstate(all="ignore"):
        want = (x * y + x) * y - x
    assert_same(
        evaluate("(x * y + x) * y - x", [x, y], ["float16"] * 2, "float16", enable_fp_fusion=False), want
    )


def test_nested_where_and_scalars(rng):
    x, y = pairs("float32", rng)
    expression = "tl.where(x > 1, tl.where(y > 2, x * 2, 7.5), tl.where(x == x, -y, 3))"
    with np.errstate(all="ignore"):
        want = np.where(x > 1, np.where(y > 2, x * 2, 7.5), np.where(x == x, -y, 3)).astype(np.float32)
    assert_same(evaluate(expression, [x, y], ["float32"] * 2, "float32"), want)


def test_hash_that_wraps():
    """The products of a multiplicative hash overflow 32 bits and must wrap, not saturate or widen."""
    x = np.arange(5000, dtype=np.int32)
    expression = "(((x * 1664525 + 1013904223) ^ (x << 13)) * 22695477) >> 7"
    with np.errstate(all="ignore"):
        mixed = (x * np.int32(1664525) + np.int32(1013904223)) ^ (x << np.int32(13))
        want = (mixed * np.int32(22695477)) >> np.int32(7)
    assert_same(evaluate(expression, [x], ["int32"], "int32"), want)
