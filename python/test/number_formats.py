# SPDX-License-Identifier: MIT
"""The element types of kernels as bits: what the bits of each mean, and rounding to each, by tables."""

from __future__ import annotations

from functools import cached_property

import numpy as np


class Format:
    """A format of at most 16 bits by its sizes, its bias and its special codes. Values are float64."""

    def __init__(
        self,
        mantissa: int,
        bias: int,
        *,
        exponent: int = 0,
        fnuz: bool = False,
        infinity: bool = False,
        saturates: bool = True,
    ):
        exponent = exponent or 7 - mantissa
        self.fnuz, self.infinity, self.saturates = fnuz, infinity, saturates
        self.sign = 1 << mantissa + exponent
        codes = np.arange(self.sign)
        fraction, power = codes % 2**mantissa, codes >> mantissa
        values = np.where(
            power > 0,
            np.ldexp(1 + fraction / 2**mantissa, power - bias),
            np.ldexp(fraction / 2**mantissa, 1 - bias),
        )
        if infinity:
            self.special = self.sign - 2**mantissa  # the code of infinity, above which are NaNs
            self.first_beyond = values[self.special]
            values[self.special :] = np.nan
            values[self.special] = np.inf
        elif not fnuz:
            values[-1] = np.nan
        self.nan = self.sign if fnuz else self.sign - 1
        self.table = np.concatenate([values, -values])
        if fnuz:
            self.table[self.sign] = np.nan
        self.finite = values[np.isfinite(values)]

    @cached_property
    def steps(self) -> np.ndarray:
        return self.finite if self.saturates else np.append(self.finite, self.first_beyond)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return self.table[codes]

    def encode(self, values: np.ndarray, toward_zero: bool = False) -> np.ndarray:
        """To nearest even or toward zero. Infinity saturates where the format has none."""
        values = np.asarray(values, np.float64)
        size = np.abs(values)
        steps = self.finite if toward_zero else self.steps
        above = np.clip(np.searchsorted(steps, size), 1, len(steps) - 1)
        below = above - 1
        if toward_zero:
            codes = np.where(size >= steps[above], above, below)
        else:
            middle = (steps[below] + steps[above]) / 2  # exact
            codes = np.where((size > middle) | ((size == middle) & (above % 2 == 0)), above, below)
        if self.infinity:
            codes = np.where(np.isinf(size), self.special, codes)
        keeps_sign = np.signbit(values) & ~(self.fnuz & (codes == 0))
        codes = np.where(keeps_sign, codes | self.sign, codes)
        return np.where(np.isnan(values), self.nan, codes).astype(np.uint8 if self.sign == 128 else np.uint16)


FLOAT8 = {
    "f8E5M2": Format(2, 15, infinity=True),
    "f8E4M3FN": Format(3, 7),
    "f8E4M3B11FNUZ": Format(3, 11, fnuz=True),
    "f8E4M3FNUZ": Format(3, 8, fnuz=True),
    "f8E5M2FNUZ": Format(2, 16, fnuz=True),
}
FLOAT16 = {
    "f16": Format(10, 15, exponent=5, infinity=True, saturates=False),
    "bf16": Format(7, 127, exponent=8, infinity=True, saturates=False),
}
NARROW = {**FLOAT8, **FLOAT16}
WIDE = {"f32": np.float32, "f64": np.float64}
INTEGERS = ("i1", "i8", "i16", "i32", "i64")
FLOATS = (*FLOAT16, *WIDE, *FLOAT8)
KINDS = (*INTEGERS, *FLOATS)


def width(kind: str) -> int:
    return 8 if kind in FLOAT8 else int(kind.removeprefix("bf").removeprefix("f").removeprefix("i"))


def storage(kind: str) -> np.dtype:
    """The unsigned type of NumPy that holds the bits in memory."""
    return np.dtype(f"u{max(width(kind), 8) // 8}")


def decode(kind: str, bits: np.ndarray) -> np.ndarray:
    """Signed integers; float32 or float64."""
    if kind == "i1":
        return -bits.astype(np.int8)
    if kind in INTEGERS:
        return bits.view(bits.dtype.str.replace("u", "i"))
    return NARROW[kind].decode(bits) if kind in NARROW else bits.view(WIDE[kind])


def encode(kind: str, values: np.ndarray) -> np.ndarray:
    """Integers wrap, floats are rounded to nearest even from what NumPy computed."""
    if kind in INTEGERS:
        if values.dtype != object:
            values = values.astype(np.int64).view(np.uint64)
            return (values & np.uint64((1 << width(kind)) - 1)).astype(storage(kind))
        return (values & (1 << width(kind)) - 1).astype(storage(kind))
    if kind in NARROW:
        return NARROW[kind].encode(values)
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(WIDE[kind]).view(storage(kind))


def is_nan(kind: str, bits: np.ndarray) -> np.ndarray:
    return np.isnan(decode(kind, bits)) if kind in FLOATS else np.zeros(bits.shape, bool)


def is_zero(kind: str, bits: np.ndarray) -> np.ndarray:
    return decode(kind, bits) == 0


def differences(kind: str, got: np.ndarray, want: np.ndarray, zero_sign: bool = True) -> np.ndarray:
    """Where the bits differ; all NaNs are equal."""
    same = (got == want) | (is_nan(kind, got) & is_nan(kind, want))
    if not zero_sign:
        same |= is_zero(kind, got) & is_zero(kind, want)
    return np.flatnonzero(~same)


def rounded_to_odd(total: np.ndarray, error: np.ndarray) -> np.ndarray:
    """`total` in float64 with the last bit set where an `error` was lost, so that it can be rounded again."""
    even = (total.view(np.int64) & 1) == 0
    toward = np.where(error > 0, np.inf, -np.inf)
    fix = np.isfinite(total) & np.isfinite(error) & (error != 0) & even
    return np.where(fix, np.nextafter(total, toward), total)


def specials(kind: str) -> np.ndarray:
    """The bits of extremes: of integers the ends, powers of two and their neighbours; of floats also special
    codes, subnormal numbers and halves."""
    bits = width(kind)
    if kind == "i1":
        return np.array([0, 1], np.uint8)
    if kind in INTEGERS:
        powers = [1 << at for at in range(0, bits, 1 if bits <= 16 else 3)] + [1 << bits - 1, 1 << bits // 2]
        wanted = [sign * power + step for power in powers for sign in (1, -1) for step in (-1, 0, 1)]
        wanted += [0, 3, 5, 7, -3, -5, -7, 100]
        return np.array(sorted({value % (1 << bits) for value in wanted}), storage(kind))
    if kind in FLOAT8:
        return np.arange(256, dtype=np.uint8)
    mantissa = {"f16": 10, "bf16": 7, "f32": 23, "f64": 52}[kind]
    with np.errstate(all="ignore"):
        size = [
            0,
            1,
            1.5,
            2,
            3,
            0.5,
            2.5,
            3.5,
            0.25,
            0.1,
            7,
            10,
            100.5,
            255,
            2**mantissa - 0.5,
            2.0**mantissa,
        ]
        size += [
            2.0 ** (mantissa + 1),
            1 + 2.0**-mantissa,
            1 - 2.0 ** (-mantissa - 1),
            1e3,
            65504,
            3.1415926,
            1e-3,
        ]
        codes = encode(kind, np.array(size)).astype(np.uint64)
    exponent = bits - 1 - mantissa
    infinity = (2**exponent - 1) << mantissa
    middle = (2 ** (exponent - 1) - 1) << mantissa
    codes = [int(code) for code in codes]
    codes += [
        1,
        2,
        3,
        (1 << mantissa) - 1,
        1 << mantissa,
        (1 << mantissa) + 1,
        2 << mantissa,
    ]  # around subnormal
    codes += [infinity, infinity - 1, infinity - 2, infinity + (1 << mantissa - 1)]
    codes += [(infinity + middle) // 2, middle // 2 + (1 << mantissa - 1), (infinity - (1 << mantissa))]
    return np.array([code | sign for sign in (0, 1 << bits - 1) for code in codes], np.uint64).astype(
        storage(kind)
    )


def operands(kind: str, rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
    """Sets of 65,536 triples: all pairs of 8 bits, all values of 16 bits, extremes against extremes."""
    bits, dtype = width(kind), storage(kind)
    top = 2**bits - 1

    def anything(count: int) -> np.ndarray:
        return rng.integers(0, top, count, dtype, endpoint=True)

    if bits <= 8:
        codes = (np.arange(256) & top).astype(dtype)
    else:
        codes = specials(kind)[:160]
        codes = np.concatenate([codes, anything(64)])
        if kind in INTEGERS:
            tame = rng.integers(-40, 40, 256 - len(codes))
        else:
            tame = rng.uniform(-4, 4, 256 - len(codes))
        codes = np.concatenate([codes, encode(kind, tame)])
    x, y = np.repeat(codes, 256), np.tile(codes, 256)
    sets = [(x, y, codes[(5 * np.arange(65536) // 256 + 3 * np.arange(65536) + 7) % 256])]
    if bits == 16:
        sets.append((np.arange(65536, dtype=dtype), anything(65536), anything(65536)))
    return sets
