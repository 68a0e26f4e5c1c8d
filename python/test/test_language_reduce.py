# SPDX-License-Identifier: MIT
"""Reductions, scans, sorting, gather and histogram."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from generated import PRELUDE, load_source
from reference import assert_close, assert_same, from_torch, random_values, rounded, to_torch

ROWS, COLUMNS = 8, 32


def apply(expression, x, in_dtype, out_shape, out_dtype, helpers="", second=None, second_dtype=None):
    """Evaluates `expression` of the block x (and y) in one program and returns the stored block."""

    def at(shape):
        if not shape:
            return ""
        parts, stride = [], 1
        for axis in reversed(range(len(shape))):
            index = ", ".join(":" if a == axis else "None" for a in range(len(shape)))
            parts.append(f" + tl.arange(0, {shape[axis]})[{index}] * {stride}")
            stride *= shape[axis]
        return "".join(parts)

    extra = f"    y = tl.load(b{at(second.shape)})\n" if second is not None else ""
    source = (
        f"{PRELUDE}{helpers}@triton.jit\ndef applied(a, b, c):\n"
        f"    x = tl.load(a{at(x.shape)})\n{extra}"
        f"    tl.store(c{at(out_shape)}, {expression})\n"
    )
    out = to_torch(np.zeros(out_shape if out_shape else (1,)), out_dtype)
    other = to_torch(second, second_dtype) if second is not None else torch.zeros(1)
    load_source(source, "reduce").applied[(1,)](to_torch(x, in_dtype), other, out)
    return from_torch(out).reshape(out_shape)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_integer_sum_widens_and_wraps(axis, dtype, rng):
    x = random_values(dtype, ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    # Types narrower than 32 bits are summed in 32.
    wide = {"int8": "int32", "int16": "int32", "uint8": "uint32"}.get(dtype, dtype)
    want = np.sum(x.astype(wide), axis=axis, dtype=wide)
    assert_same(apply(f"tl.sum(x, axis={axis})", x, dtype, want.shape, wide), np.asarray(want))


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int32", "uint32", "int64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("name", ["max", "min"])
def test_extrema(name, axis, dtype, rng):
    x = random_values(dtype, ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    want = np.asarray(getattr(np, name)(x, axis=axis))
    # Triton widens narrow types, and the store narrows them again.
    assert_same(apply(f"tl.{name}(x, axis={axis})", x, dtype, want.shape, dtype), want)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_float_sum(axis, dtype, rng):
    x = random_values(dtype, ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    want = np.asarray(np.sum(x.astype(np.float64), axis=axis))
    epsilon = {"float16": 1e-3, "bfloat16": 8e-3, "float32": 1e-6, "float64": 1e-14}[dtype]
    scale = float(np.sum(np.abs(x.astype(np.float64))))
    assert_close(apply(f"tl.sum(x, axis={axis})", x, dtype, want.shape, dtype), want, 0, atol=epsilon * scale)


@pytest.mark.parametrize("name", ["xor_sum", "reduce_or"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "uint32", "int64"])
def test_bitwise_reductions(name, dtype, rng):
    x = random_values(dtype, ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    function = np.bitwise_xor if name == "xor_sum" else np.bitwise_or
    assert_same(apply(f"tl.{name}(x, axis=1)", x, dtype, (ROWS,), dtype), function.reduce(x, axis=1))


@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_keep_dims(name, rng):
    x = random_values("int32", ROWS * COLUMNS, rng, tame=True).reshape(ROWS, COLUMNS)
    want = getattr(np, name)(x, axis=1, keepdims=True).astype(np.int32)
    assert_same(apply(f"tl.{name}(x, axis=1, keep_dims=True)", x, "int32", (ROWS, 1), "int32"), want)
    got = apply(f"x - tl.{name}(x, axis=1, keep_dims=True)", x, "int32", x.shape, "int32")
    assert_same(got, x - want)


def test_three_axes(rng):
    x = random_values("int32", 4 * 8 * 16, rng, tame=True).reshape(4, 8, 16)
    for axis in range(3):
        want = x.sum(axis, dtype=np.int32)
        assert_same(apply(f"tl.sum(x, axis={axis})", x, "int32", want.shape, "int32"), want)
    got = apply("tl.max(tl.sum(x, axis=1), axis=0)", x, "int32", (16,), "int32")
    assert_same(got, x.sum(1, dtype=np.int32).max(0))


SPECIAL = {
    "one nan": [1.0, np.nan, -3.0, 7.0],
    "all nan": [np.nan] * 4,
    "infinities": [np.inf, -np.inf, 2.0, -2.0],
    "nan and infinities": [np.inf, np.nan, -np.inf, 0.0],
    "zeros": [0.0, -0.0, -0.0, 0.0],
    "lowest only": [-np.inf] * 4,
    "highest only": [np.inf] * 4,
    "negative with nan first": [np.nan, -5.0, -7.0, -6.0],
    "negative with nan last": [-5.0, -7.0, -6.0, np.nan],
}


@pytest.mark.parametrize("case", SPECIAL)
@pytest.mark.parametrize("name", ["max", "min", "sum"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_special_values(dtype, name, case):
    """max and min ignore NaN, like maxnum and minnum; a sum does not."""
    x = np.array(SPECIAL[case], dtype=dtype)
    with np.errstate(all="ignore"):
        want = {"max": np.fmax.reduce, "min": np.fmin.reduce, "sum": np.sum}[name](x)
    got = apply(f"tl.{name}(x, axis=0)", x, dtype, (), dtype)
    assert_same(got, np.asarray(want, dtype), zero_sign=False)


@pytest.mark.parametrize("case", SPECIAL)
def test_special_values_along_rows(case):
    """The same values in each row of a block, to test the lifted form too."""
    row = np.array(SPECIAL[case], dtype=np.float32)
    x = np.stack([row, row[::-1], np.roll(row, 1), np.full(4, 2.5, np.float32)])
    got = apply("tl.max(x, axis=1)", x, "float32", (4,), "float32")
    assert_same(got, np.fmax.reduce(x, axis=1), zero_sign=False)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "float32", "float16"])
@pytest.mark.parametrize("axis", [0, 1])
def test_index_of_extremum_with_ties(axis, dtype, name, rng):
    x = rng.integers(0, 5, (16, 16)).astype(dtype)
    want = getattr(np, name)(x, axis=axis).astype(np.int32)
    assert_same(apply(f"tl.{name}(x, axis={axis})", x, dtype, (16,), "int32"), want)


def test_index_without_tie_break(rng):
    x = rng.permutation(256).astype(np.float32).reshape(8, 32)
    got = apply("tl.argmax(x, axis=1, tie_break_left=False)", x, "float32", (8,), "int32")
    assert_same(got, np.argmax(x, 1).astype(np.int32))


@pytest.mark.parametrize("at", [0, 3, 7])
def test_index_with_nan_is_the_nan_or_the_extremum(at):
    """Comparisons with NaN are false both ways, so the combiner may return either."""
    x = np.array([3, 9, 1, 2, 8, 7, 6, 5], np.float32)
    x[at] = np.nan
    got = int(apply("tl.argmax(x, axis=0)", x, "float32", (), "int32"))
    tail = at + 1 + int(np.argmax(x[at + 1 :])) if at < 7 else at
    assert got in {at, int(np.nanargmax(x)), tail}


@triton.jit
def value_and_index(x_ptr, value_ptr, index_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    i = tl.arange(0, ROWS)
    x = tl.load(x_ptr + i[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :])
    value, index = tl.max(x, axis=1, return_indices=True)
    tl.store(value_ptr + i, value)
    tl.store(index_ptr + i, index)


def test_maximum_with_its_index(rng):
    x = torch.from_numpy(rng.integers(-3, 3, (8, 64)).astype(np.int32))
    value, index = torch.zeros(8, dtype=torch.int32), torch.zeros(8, dtype=torch.int32)
    value_and_index[(1,)](x, value, index, ROWS=8, COLUMNS=64)
    assert_same(value.numpy(), x.numpy().max(1))
    assert_same(index.numpy(), x.numpy().argmax(1).astype(np.int32))


@triton.jit
def add_pair(a, b):
    return a + b


@triton.jit
def welford(mean_a, square_a, count_a, mean_b, square_b, count_b):
    delta = mean_b - mean_a
    count = count_a + count_b
    ratio = count_b / count
    return mean_a + delta * ratio, square_a + square_b + delta * delta * count_a * ratio, count


@triton.jit
def variance(x_ptr, mean_ptr, variance_ptr, N: tl.constexpr):
    row = tl.program_id(0)
    x = tl.load(x_ptr + row * N + tl.arange(0, N))
    mean, square, count = tl.reduce((x, tl.zeros_like(x), tl.zeros_like(x) + 1), 0, welford)
    tl.store(mean_ptr + row, mean)
    tl.store(variance_ptr + row, square / count)


def test_reduction_with_three_operands(rng):
    x = torch.from_numpy((rng.standard_normal((5, 128)) * 3 + 2).astype(np.float32))
    mean, spread = torch.zeros(5), torch.zeros(5)
    variance[(5,)](x, mean, spread, N=128)
    assert_close(mean.numpy(), x.numpy().astype(np.float64).mean(1), 1e-5)
    assert_close(spread.numpy(), x.numpy().astype(np.float64).var(1), 1e-4)


HELPERS = """@triton.jit
def product(a, b):
    return a * b


@triton.jit
def lexicographic(a_key, a_value, b_key, b_value):
    take_b = (b_key < a_key) | ((b_key == a_key) & (b_value < a_value))
    return tl.where(take_b, b_key, a_key), tl.where(take_b, b_value, a_value)


@triton.jit
def recurrence(a_scale, a_shift, b_scale, b_shift):
    return a_scale * b_scale, a_shift * b_scale + b_shift


@triton.jit
def saturating(a, b):
    return tl.minimum(a + b, 100)


@triton.jit
def last(a, b):
    return b


"""


def test_custom_combiners(rng):
    x = rng.integers(1, 4, (ROWS, 16)).astype(np.int32)
    got = apply("tl.reduce(x, 1, product)", x, "int32", (ROWS,), "int32", HELPERS)
    assert_same(got, np.prod(x, 1, dtype=np.int32))
    y = rng.integers(0, 9, (ROWS, 16)).astype(np.int32)
    got = apply(
        "tl.reduce((x, y), 1, lexicographic)[1]",
        x,
        "int32",
        (ROWS,),
        "int32",
        HELPERS,
        second=y,
        second_dtype="int32",
    )
    want = np.array([min(zip(a, b, strict=True))[1] for a, b in zip(x, y, strict=True)], np.int32)
    assert_same(got, want)
    got = apply("tl.reduce(x, 1, saturating)", x * 20, "int32", (ROWS,), "int32", HELPERS)
    assert_same(got, np.minimum((x * 20).sum(1, dtype=np.int32), 100).astype(np.int32))


SCANS = {
    "tl.cumsum(x, 0)": lambda x: np.cumsum(x, 0, dtype=x.dtype),
    "tl.cumsum(x, 1)": lambda x: np.cumsum(x, 1, dtype=x.dtype),
    "tl.cumsum(x, 1, reverse=True)": lambda x: np.cumsum(x[:, ::-1], 1, dtype=x.dtype)[:, ::-1],
    "tl.cumprod(x, 1)": lambda x: np.cumprod(x, 1, dtype=x.dtype),
    "tl.cumprod(x, 0, reverse=True)": lambda x: np.cumprod(x[::-1], 0, dtype=x.dtype)[::-1],
    "tl.associative_scan(x, 1, last)": lambda x: x,
    "tl.associative_scan(x, 0, product)": lambda x: np.cumprod(x, 0, dtype=x.dtype),
}


@pytest.mark.parametrize("expression", SCANS)
def test_integer_scan(expression, rng):
    x = rng.integers(-3, 4, (ROWS, COLUMNS)).astype(np.int32)
    got = apply(expression, x, "int32", x.shape, "int32", HELPERS)
    assert_same(got, np.ascontiguousarray(SCANS[expression](x)))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_float_scan(dtype, rng):
    x = random_values(dtype, ROWS * COLUMNS, rng, tame=True).reshape(ROWS, COLUMNS)
    got = apply("tl.cumsum(x, 1)", x, dtype, x.shape, dtype)
    assert_close(got, np.cumsum(x.astype(np.float64), 1), 0, atol=2e-5 if dtype == "float32" else 0.1)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_of_two_operands(reverse, rng):
    """The first-order recurrence s[i] = s[i-1] * a[i] + b[i] of state space models."""
    a = rng.uniform(0.5, 1.0, (4, 32)).astype(np.float32)
    b = rng.standard_normal((4, 32)).astype(np.float32)
    got = apply(
        f"tl.associative_scan((x, y), 1, recurrence, reverse={reverse})[1]",
        a,
        "float32",
        a.shape,
        "float32",
        HELPERS,
        second=b,
        second_dtype="float32",
    )
    state, want = np.zeros(4), np.zeros((4, 32))
    order = range(31, -1, -1) if reverse else range(32)
    for column in order:
        state = state * a[:, column] + b[:, column]
        want[:, column] = state
    assert_close(got, want, 1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int8", "float32", "uint32", "float16", "int64"])
@pytest.mark.parametrize("descending", [False, True])
def test_sort(descending, dtype, rng):
    x = random_values(dtype, ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    want = np.sort(x, 1)
    want = np.ascontiguousarray(want[:, ::-1]) if descending else want
    assert_same(
        apply(f"tl.sort(x, descending={descending})", x, dtype, x.shape, dtype), want, zero_sign=False
    )


def test_sort_of_one_axis_with_ties(rng):
    x = rng.integers(0, 3, 64).astype(np.int32)
    assert_same(apply("tl.sort(x)", x, "int32", (64,), "int32"), np.sort(x))


@pytest.mark.parametrize("k", [1, 4, 16])
def test_topk(k, rng):
    x = random_values("float32", ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    want = np.ascontiguousarray(np.sort(x, 1)[:, ::-1][:, :k])
    assert_same(apply(f"tl.topk(x, {k})", x, "float32", (ROWS, k), "float32"), want)


@pytest.mark.parametrize("axis", [0, 1])
def test_gather(axis, rng):
    x = random_values("float32", 16 * 8, rng).reshape(16, 8)
    shape = (32, 8) if axis == 0 else (16, 4)
    index = rng.integers(0, x.shape[axis], shape).astype(np.int32)
    got = apply(
        f"tl.gather(x, y, {axis})", x, "float32", shape, "float32", second=index, second_dtype="int32"
    )
    assert_same(got, np.take_along_axis(x, index, axis))


@pytest.mark.parametrize("bins", [4, 32])
def test_histogram(bins, rng):
    x = rng.integers(0, bins, 256).astype(np.int32)
    got = apply(f"tl.histogram(x, {bins})", x, "int32", (bins,), "int32")
    assert_same(got, np.bincount(x, minlength=bins).astype(np.int32))


def test_histogram_with_a_mask(rng):
    x = rng.integers(0, 16, 128).astype(np.int32)
    got = apply("tl.histogram(x, 16, mask=x > 4)", x, "int32", (16,), "int32")
    assert_same(got, np.bincount(x[x > 4], minlength=16).astype(np.int32))


@triton.jit
def softmax_rows(x_ptr, y_ptr, stride, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * stride + at, mask=at < columns, other=-float("inf"))
    tl.store(y_ptr + row * columns + at, tl.softmax(x), mask=at < columns)


@pytest.mark.parametrize("columns", [1, 17, 256])
def test_softmax_of_padded_rows(columns, rng):
    base = torch.from_numpy(rng.standard_normal((9, 300)).astype(np.float32) * 4)
    x = base[:, :columns]
    y = torch.empty(9, columns)
    softmax_rows[(9,)](x, y, x.stride(0), columns, BLOCK=256)
    torch.testing.assert_close(y, torch.softmax(x, 1), rtol=1e-5, atol=1e-7)


def test_block_of_65536_elements(rng):
    x = random_values("float32", 65536, rng)
    got = apply("tl.max(x, axis=0) - tl.min(x, axis=0)", x, "float32", (), "float32")
    assert_same(got, np.asarray(x.max() - x.min(), np.float32))
    y = random_values("int32", 65536, rng)
    got = apply("tl.sum(x, axis=0)", y, "int32", (), "int32")
    assert_same(got, np.asarray(y.sum(dtype=np.int32)))
    assert_same(apply("tl.cumsum(x, 0)", y, "int32", y.shape, "int32"), np.cumsum(y, dtype=np.int32))


def test_rounding_of_a_narrow_product_survives_the_sum(rng):
    """float16 products are rounded before they are summed in float32."""
    x = random_values("float16", 512, rng).reshape(2, 256)
    got = apply("tl.sum((x * x).to(tl.float32), axis=1)", x, "float16", (2,), "float32")
    with np.errstate(all="ignore"):
        product = rounded(x * x, "float16").astype(np.float64)
    assert_close(got, product.sum(1), 1e-6)


@pytest.mark.parametrize("dtype", ["int64", "float32", "int32"])
def test_sum_in_a_chosen_type(dtype, rng):
    x = random_values("int32", ROWS * COLUMNS, rng).reshape(ROWS, COLUMNS)
    want = x.astype(dtype).sum(1, dtype=dtype)
    got = apply(f"tl.sum(x, axis=1, dtype=tl.{dtype})", x, "int32", (ROWS,), dtype)
    if dtype == "float32":
        assert_close(got, x.astype(np.float64).sum(1), 1e-6, atol=2.0**31 * 32 * 1e-6)
    else:
        assert_same(got, want)


def test_negative_axes(rng):
    x = random_values("int32", 4 * 8 * 2, rng, tame=True).reshape(4, 8, 2)
    got = apply("tl.sum(x, axis=-2)", x, "int32", (4, 2), "int32")
    assert_same(got, x.sum(1, dtype=np.int32))
    assert_same(apply("tl.cumsum(x, -1)", x, "int32", x.shape, "int32"), np.cumsum(x, -1, dtype=np.int32))


def test_reduction_of_a_scanned_product(rng):
    x = rng.integers(-2, 3, (8, 16)).astype(np.int32)
    got = apply(
        "tl.max(tl.cumsum(x * x, 1) - tl.cumsum(x, 1, reverse=True), axis=0)", x, "int32", (16,), "int32"
    )
    want = (np.cumsum(x * x, 1) - np.cumsum(x[:, ::-1], 1)[:, ::-1]).max(0).astype(np.int32)
    assert_same(got, want)


@pytest.mark.parametrize("n", [1, 2, 512])
def test_sort_of_any_length(n, rng):
    x = random_values("float32", n, rng)
    assert_same(apply("tl.sort(x)", x, "float32", (n,), "float32"), np.sort(x))


def test_keep_dims_of_several_operands(rng):
    x, y = (random_values("int32", 8 * 16, rng, tame=True).reshape(8, 16) for _ in range(2))
    got = apply(
        "tl.reduce((x, y), 1, lexicographic, keep_dims=True)[0]",
        x, "int32", (8, 1), "int32", HELPERS, second=y, second_dtype="int32",
    )  # fmt: skip
    assert_same(got, x.min(1, keepdims=True))
