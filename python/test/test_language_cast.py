# SPDX-License-Identifier: MIT
"""Conversions between all scalar types, rounding modes, 8-bit floats and bit casts."""

import numpy as np
import pytest
import torch
from generated import evaluate
from reference import (
    DTYPES,
    FLOATS,
    FP8,
    INTEGERS,
    assert_same,
    corner_values,
    from_torch,
    random_values,
    rounded,
)

MANTISSA = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52, "float8e5": 2, "float8e4nv": 3}


def nearest(values, dtype):
    """Float64 values rounded once to `dtype`, ties to even."""
    values = np.asarray(values, np.float64)
    with np.errstate(all="ignore"):
        if dtype in ("float16", "float32", "float64"):
            return values.astype(getattr(np, dtype))
        # Rounded to odd in float32, so that only the second rounding counts.
        single = values.astype(np.float32)
        inexact = np.isfinite(values) & (single.astype(np.float64) != values)
        even = (single.view(np.int32) & 1) == 0
        toward = np.where(values > single, np.float32(np.inf), np.float32(-np.inf))
        single = np.where(inexact & even, np.nextafter(single, toward), single)
    return rounded(single, dtype)


@pytest.mark.parametrize("target", INTEGERS)
@pytest.mark.parametrize("source", INTEGERS)
def test_integer_to_integer(source, target, rng):
    x = np.concatenate([corner_values(source), random_values(source, 300, rng)])
    got = evaluate(f"x.to(tl.{target})", [x], [source], target)
    assert_same(got, x.astype(DTYPES[target].value))


@pytest.mark.parametrize("target", FLOATS)
@pytest.mark.parametrize("source", INTEGERS)
def test_integer_to_float(source, target, rng):
    bits = 11 if target == "float16" else 40
    small = random_values(source, 300, rng).astype(np.float64)
    x = np.concatenate(
        [corner_values(source), np.trunc(np.fmod(small, 2.0**bits)).astype(DTYPES[source].value)]
    )
    if DTYPES[source].bits == 64:
        # Beyond 2**53, float64 itself rounds; another test checks the widest targets.
        x = x[np.abs(x.astype(np.float64)) < 2.0**53]
    got = evaluate(f"x.to(tl.{target})", [x], [source], target)
    assert_same(got, nearest(x.astype(np.float64), target))


def test_long_integers_round_once_to_float32():
    x = np.array([2**62 + 2**38 + 1, 2**62 + 2**38, 2**24 + 1, -(2**40) - 2**16 - 1, 2**63 - 1], np.int64)
    assert_same(evaluate("x.to(tl.float32)", [x], ["int64"], "float32"), x.astype(np.float32))


@pytest.mark.parametrize("target", INTEGERS)
@pytest.mark.parametrize("source", FLOATS)
def test_float_to_integer_truncates(source, target, rng):
    limits = np.iinfo(DTYPES[target].value)
    low, high = float(limits.min), float(limits.max)
    x = np.concatenate(
        [rng.uniform(-130, 130, 200), rng.uniform(low, high, 200), [0.0, -0.0, 0.99, -0.99, 1.5]]
    )
    x = rounded(x, source)
    with np.errstate(all="ignore"):
        whole = np.trunc(x.astype(np.float64))
        x = x[(whole >= low) & (whole < high) & np.isfinite(x)]
    got = evaluate(f"x.to(tl.{target})", [x], [source], target)
    assert_same(got, np.trunc(x.astype(np.float64)).astype(DTYPES[target].value))


@pytest.mark.parametrize("target", FLOATS)
@pytest.mark.parametrize("source", FLOATS)
def test_float_to_float(source, target, rng):
    x = np.concatenate(
        [corner_values(source), random_values(source, 500, rng), [1e-6, 6e-8, 1e30, -1e-40, 65519, 65520]]
    )
    x = rounded(x, source)
    assert_same(evaluate(f"x.to(tl.{target})", [x], [source], target), nearest(x.astype(np.float64), target))


@pytest.mark.parametrize("target", ["float16", "bfloat16"])
def test_double_rounding(target):
    """Values just above the middle of two narrow ones: rounding to float32 first would give the middle."""
    half = 2.0 ** -(MANTISSA[target] + 1)
    x = np.array([1 + half + 2.0**-40, 1 + half - 2.0**-40, 1 + 3 * half - 2.0**-40, -1 - half - 2.0**-40])
    assert_same(evaluate(f"x.to(tl.{target})", [x], ["float64"], target), nearest(x, target))


@pytest.mark.parametrize("source", [*INTEGERS, *FLOATS])
def test_to_and_from_bool(source, rng):
    x = np.concatenate([corner_values(source), random_values(source, 50, rng)])
    x = rounded(x, source)
    assert_same(evaluate("x.to(tl.int1)", [x], [source], "int1"), x != 0)
    flags = rng.integers(0, 2, 200).astype(np.bool_)
    got = evaluate(f"x.to(tl.{source})", [flags], ["int1"], source)
    assert_same(got, flags.astype(DTYPES[source].value))


def truncate(x, target):
    """Float32 values rounded towards zero to a narrower type."""
    near = rounded(x, target).astype(np.float32)
    with np.errstate(all="ignore"):
        away = np.abs(near) > np.abs(x)
    bits = {"float16": np.float16, "bfloat16": np.float32}[target]
    if target == "float16":
        down = np.nextafter(near.astype(bits), bits(0)).astype(np.float32)
        return np.where(away, down, near).astype(np.float16)
    return (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


@pytest.mark.parametrize("target", ["float16", "bfloat16"])
def test_rounding_towards_zero(target, rng):
    x = np.concatenate(
        [rng.standard_normal(500) * 100, [0.0, -0.0, 1e-3, 70000.0 if target == "bfloat16" else 6e4]]
    )
    x = x.astype(np.float32)
    got = evaluate(f"tl.cast(x, tl.{target}, fp_downcast_rounding='rtz')", [x], ["float32"], target)
    assert_same(got, truncate(x, target))
    got = evaluate(f"tl.cast(x, tl.{target}, fp_downcast_rounding='rtne')", [x], ["float32"], target)
    assert_same(got, rounded(x, target))


ALL_BYTES = np.arange(256, dtype=np.uint8)


def fp8_values(dtype):
    return from_torch(torch.from_numpy(ALL_BYTES.copy()).view(DTYPES[dtype].torch))


@pytest.mark.parametrize("target", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("source", FP8)
def test_every_fp8_code_widens_exactly(source, target):
    values = fp8_values(source)
    assert_same(evaluate(f"x.to(tl.{target})", [values], [source], target), rounded(values, target))


@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("target", FP8)
def test_narrowing_to_fp8(target, source, rng):
    """Only inside the range of the target: the rest saturates on some devices and overflows on others."""
    limit = 448.0 if target == "float8e4nv" else 57344.0
    codes = fp8_values(target)
    codes = codes[np.isfinite(codes)]
    ordered = np.unique(codes)
    middles = (ordered[1:] + ordered[:-1]) / 2
    x = np.concatenate(
        [codes, middles, rng.uniform(-limit, limit, 300), rng.standard_normal(300) * 0.01, [np.nan]]
    )
    x = rounded(x, source)
    x = x[~(np.abs(x) > limit)]
    assert_same(evaluate(f"x.to(tl.{target})", [x], [source], target), rounded(x.astype(np.float32), target))


def test_fp8_between_its_formats():
    values = fp8_values("float8e5")
    values = values[np.abs(values) <= 448]
    got = evaluate("x.to(tl.float32).to(tl.float8e4nv)", [values], ["float8e5"], "float8e4nv")
    assert_same(got, rounded(values, "float8e4nv"))


BITCASTS = [
    ("float32", "int32"),
    ("float32", "uint32"),
    ("int32", "float32"),
    ("float16", "int16"),
    ("uint16", "bfloat16"),
    ("bfloat16", "float16"),
    ("int64", "float64"),
    ("float64", "uint64"),
    ("int8", "uint8"),
]


@pytest.mark.parametrize(("source", "target"), BITCASTS)
def test_bitcast(source, target, rng):
    storage = DTYPES[source].storage
    bits = rng.integers(
        0, np.iinfo(f"uint{DTYPES[source].bits}").max, 400, dtype=f"uint{DTYPES[source].bits}"
    )
    as_source = torch.from_numpy(bits.view(storage).copy()).view(DTYPES[source].torch)
    as_target = torch.from_numpy(bits.view(DTYPES[target].storage).copy()).view(DTYPES[target].torch)
    got = evaluate(f"x.to(tl.{target}, bitcast=True)", [from_torch(as_source)], [source], target)
    keep = ~np.isnan(from_torch(as_source)) if DTYPES[source].is_float else np.ones(400, bool)
    assert_same(got[keep], from_torch(as_target)[keep])


def test_bitcast_of_fp8_codes():
    got = evaluate("x.to(tl.float8e5, bitcast=True).to(tl.float32)", [ALL_BYTES], ["uint8"], "float32")
    assert_same(got, fp8_values("float8e5"))


def test_exponent_surgery(rng):
    """Extracts the exponent from the bits, as kernels for quantisation do."""
    x = (rng.standard_normal(500) * 10.0 ** rng.integers(-20, 20, 500)).astype(np.float32)
    got = evaluate(
        "((x.to(tl.uint32, bitcast=True) >> 23) & 0xFF).to(tl.int32) - 127", [x], ["float32"], "int32"
    )
    assert_same(got, np.frexp(x)[1].astype(np.int32) - 1)


def test_scalar_arguments_of_every_kind():
    x = np.zeros(8, np.float32)
    got = evaluate("x + 1.5 + 3 - True * 1", [x], ["float32"], "float32")
    assert_same(got, np.full(8, 3.5, np.float32))
