# SPDX-License-Identifier: MIT
"""Arguments: special values, the neighbours of places where functions change their behaviour, random bits."""

from __future__ import annotations

import math
from functools import cache

import ml_dtypes
import numpy as np
import scipy.special as special

from numerics.references import reference_of

DTYPES = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "u32": np.dtype(np.uint32),
    "u64": np.dtype(np.uint64),
}
_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_SPECIAL = [0.0, 1.0, 0.5, 2.0, 1.5, 3.0, 0.25, 10.0, math.pi, 1e-3, 100.0, math.inf]


def bits_type(dtype: np.dtype):
    return _BITS[dtype.itemsize]


def special_values(kind: str) -> np.ndarray:
    """Zeros, infinities, NaN, the smallest and largest numbers, with both signs."""
    dtype = DTYPES[kind]
    limits = ml_dtypes.finfo(dtype)
    with np.errstate(all="ignore"):
        values = np.array(
            [*_SPECIAL, float(limits.smallest_subnormal), float(limits.tiny), float(limits.max)], np.float64
        ).astype(dtype)
        values = np.concatenate([values, neighbours(values, 1)])
    return np.unique(np.concatenate([values, -values]).view(bits_type(dtype))).view(dtype)


def neighbours(values: np.ndarray, reach: int) -> np.ndarray:
    """The numbers up to `reach` places away, in both directions."""
    bits = values.view(bits_type(values.dtype)).astype(np.int64)
    top = int(np.array(np.inf, np.float64).astype(values.dtype).view(bits_type(values.dtype)))
    steps = np.arange(-reach, reach + 1)
    sign_bit = (
        np.int64(-(2**63)) if values.dtype.itemsize == 8 else np.int64(1 << (8 * values.dtype.itemsize - 1))
    )
    sign = bits & sign_bit
    magnitude = (bits ^ sign)[:, None] + steps
    magnitude = np.clip(magnitude, 0, top)
    return _quiet((magnitude | sign[:, None]).ravel().astype(bits_type(values.dtype)).view(values.dtype))


@cache
def hard_places() -> np.ndarray:
    """Zeros, poles, thresholds and bounds of range reductions of all functions, as float64."""
    quarter_turns = np.arange(1, 3000) * (math.pi / 4)
    far = np.exp2(np.arange(12, 130)) * (math.pi / 2)
    halves = np.arange(-400, 401) / 4
    powers = np.exp2(np.arange(-149.0, 128.0))
    ln2 = np.arange(-320, 321) * (math.log(2) / 2)
    log10 = np.arange(-80, 81) * (math.log10(2) / 2)
    exponents = np.arange(-160, 160) + 0.5
    wide = np.concatenate(
        [np.arange(-1100, 1100, 25) / 1.0, np.array([709.78, -745.13, -708.39, 308.25, -323.3])]
    )
    bessel = np.concatenate(
        [special.jn_zeros(n, 40) for n in (0, 1)] + [special.yn_zeros(n, 40) for n in (0, 1)]
    )
    gamma = np.array(
        [1.4616321449683623, -2.457024738220801, -2.7476826467274127, -3.143580888349980, 35.04, 171.62]
    )
    middle = np.array(
        [0.46875, 0.84375, 1.25, 4.0, 5.9, 6.0, 8.0, 10.05, 14.4, 38.5, 88.72, 89.4, 103.97, 104.7]
    )
    everything = np.concatenate(
        [
            quarter_turns,
            far,
            halves,
            powers,
            ln2,
            log10,
            exponents,
            wide,
            bessel,
            gamma,
            middle,
            np.linspace(0, 8, 801),
        ]
    )
    return np.concatenate([everything, -everything])


def _quiet(values: np.ndarray) -> np.ndarray:
    """Without signalling NaN, for which libraries disagree."""
    return np.where(np.isnan(values), np.array(np.nan, values.dtype), values)


def _random_bits(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    dtype = DTYPES[kind]
    bits = rng.integers(0, 2 ** (8 * dtype.itemsize) - 1, count, bits_type(dtype), endpoint=True)
    return _quiet(bits.view(dtype))


def _moderate(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Of the sizes that occur in practice, where most functions are neither 0 nor infinite."""
    scale = np.exp2(rng.uniform(-12, 8, count))
    return (rng.uniform(-1, 1, count) * scale).astype(DTYPES[kind])


def everything(kind: str) -> np.ndarray:
    """All values of a type of 16 bits."""
    return np.arange(1 << 16, dtype=np.uint16).view(DTYPES[kind])


def one(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    dtype = DTYPES[kind]
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        x = rng.integers(limits.min, limits.max, count, dtype, endpoint=True)
        x >>= rng.integers(0, limits.bits - 1, count).astype(dtype)
        x[:4] = [limits.min, limits.max, 0, 1]
        return x
    with np.errstate(all="ignore"):
        places = hard_places().astype(dtype)
    chosen = [special_values(kind)]
    if count > 1 << 16:
        chosen.append(neighbours(places, 4))
    else:
        chosen.append(rng.permutation(neighbours(places, 1))[: count // 3])
    rest = max(0, count - sum(map(len, chosen)))
    if kind == "f32" and count > 1 << 16:  # evenly over all bit patterns
        spread = _quiet(np.linspace(0, 2**32 - 1, rest // 2).astype(np.uint32).view(np.float32))
    else:
        spread = _random_bits(kind, rest // 2, rng)
    return np.concatenate([*chosen, spread, _moderate(kind, rest - len(spread), rng)])


def several(kinds: tuple[str, ...], count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """All combinations of special values, then random operands that are related to the first one."""
    arrays: list[list[np.ndarray]] = [[] for _ in kinds]
    grid = []
    for kind in kinds:
        if DTYPES[kind].kind in "iu":
            grid.append(
                np.array(
                    [0, 1, -1, 2, 3, -4, 24, -24, 127, -149, 300, -1100, 2**31 - 1, -(2**31)], DTYPES[kind]
                )
            )
        else:
            values = special_values(kind)
            most = {2: 200, 3: 24, 4: 10}[len(kinds)] if count > 1 << 16 else {2: 24, 3: 8, 4: 5}[len(kinds)]
            grid.append(values[:: -(-len(values) // most)] if len(values) > most else values)
    for array, values in zip(arrays, np.meshgrid(*grid), strict=True):
        array.append(values.ravel())
    rest = max(1 << 10, count - arrays[0][0].size)
    lead = next(i for i, kind in enumerate(kinds) if DTYPES[kind].kind not in "iu")
    dtype = DTYPES[kinds[lead]]
    half = rest // 2
    first = np.concatenate([_random_bits(kinds[lead], half, rng), _moderate(kinds[lead], rest - half, rng)])
    arrays[lead].append(first)
    for i, kind in enumerate(kinds):
        if i != lead:
            arrays[i].append(_related(first, kind, rest, rng))
    result = [np.concatenate(array) for array in arrays]
    if len(kinds) == 3 and dtype == DTYPES[kinds[2]]:  # sums of a product that cancel
        with np.errstate(all="ignore"):
            product = result[0].astype(np.float64) * result[1].astype(np.float64)
            cancels = (
                -product
                * (1 + np.ldexp(rng.uniform(-1, 1, len(product)), -rng.integers(8, 30, len(product))))
            ).astype(dtype)
        every = rng.random(len(product)) < 0.25
        result[2] = np.where(every, cancels, result[2])
    return result


def _related(first: np.ndarray, kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    dtype = DTYPES[kind]
    if dtype.kind in "iu":
        return np.where(
            rng.random(count) < 0.5, rng.integers(-1100, 1100, count), rng.integers(-20, 20, count)
        ).astype(dtype)
    with np.errstate(all="ignore"):
        choices = [
            _random_bits(kind, count, rng),
            (first.astype(np.float64) * rng.uniform(0.5, 1.5, count)).astype(dtype),
            (rng.integers(-128, 128, count) * 0.5).astype(dtype),
            _moderate(kind, count, rng),
        ]
    return np.choose(rng.integers(0, 4, count), choices)


def arguments(function, count: int, exhaustive: bool = True) -> list[np.ndarray]:
    """The same arguments for each call with the same count."""
    rng = np.random.default_rng(hash_of(f"{function.base}{function.arguments}"))
    kinds = function.arguments
    if len(kinds) == 1:
        if exhaustive and kinds[0] in ("f16", "bf16"):
            return [everything(kinds[0])]
        args = [one(kinds[0], count, rng)]
    else:
        args = several(kinds, count, rng)
    base, limit = function.base, reference_of(function).limit
    if base in ("jn", "yn"):
        args[0] = (rng.integers(0, 24, len(args[0])) - 4).astype(np.int32)
    if base == "clampf":  # undefined for other bounds
        with np.errstate(all="ignore"):
            keep = args[1] <= args[2]
        args = [a[keep] for a in args]
    if math.isfinite(limit):
        keep = ~(np.abs(args[-1].astype(np.float64)) > limit)
        args = [a[keep] for a in args]
    return args


def quick(function) -> list[np.ndarray]:
    """The few arguments that the tests repeat; every measurement includes them."""
    args = arguments(function, 1 << 12, exhaustive=False)
    step = max(1, len(args[0]) // (64 if "f64" in (*function.arguments, function.result) else 2048))
    return [a[::step] for a in args]


def hash_of(text: str) -> int:
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value
