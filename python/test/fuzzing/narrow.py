# SPDX-License-Identifier: MIT
"""Rounding to floats of 16 and 8 bits, to nearest even and toward zero."""

from __future__ import annotations

import functools

import ml_dtypes
import numpy as np

FLOAT8: dict[str, type] = {
    "float8e5": ml_dtypes.float8_e5m2,
    "float8e4nv": ml_dtypes.float8_e4m3fn,
    "float8e5b16": ml_dtypes.float8_e5m2fnuz,
    "float8e4b8": ml_dtypes.float8_e4m3fnuz,
}
WITHOUT_NEGATIVE_ZERO = ("float8e5b16", "float8e4b8")


@functools.cache
def _magnitudes(dtype: str) -> np.ndarray:
    """The finite magnitudes of an 8-bit format in ascending order, so the place of each is its code."""
    codes = np.arange(128, dtype=np.uint8)
    # fp8e4b15 is a float16 without the upper bit of its exponent and the lower bits of its mantissa.
    values = (
        (codes.astype(np.uint16) << 7).view(np.float16)
        if dtype == "float8e4b15"
        else codes.view(FLOAT8[dtype])
    )
    values = values.astype(np.float64)
    return values[np.isfinite(values)]


def to_float8(values: np.ndarray, dtype: str, to_zero: bool = False) -> np.ndarray:
    """Values rounded once to an 8-bit format, held as float32. What is too large, and infinity, becomes the
    largest number; NaN stays."""
    table = _magnitudes(dtype)
    values = np.asarray(values, np.float64)
    size = np.fmin(np.abs(values), table[-1])
    low = np.searchsorted(table, size, side="right") - 1
    high = np.minimum(low + 1, len(table) - 1)
    middle = (table[low] + table[high]) / 2
    up = (size > middle) | ((size == middle) & (low % 2 == 1))
    result = np.copysign(table[np.where(up & (not to_zero), high, low)], values)
    if dtype in WITHOUT_NEGATIVE_ZERO:
        result = np.where(result == 0, 0.0, result)
    return np.where(np.isnan(values), np.nan, result).astype(np.float32)


def to_bfloat16(values: np.ndarray, to_zero: bool = False) -> np.ndarray:
    """Float32 values rounded to bfloat16, held as float32."""
    values = np.asarray(values, np.float32)
    bits = values.view(np.uint32).astype(np.uint64)
    if not to_zero:
        bits = bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))
    rounded = (bits & np.uint64(0xFFFF0000)).astype(np.uint32)
    return np.where(np.isnan(values), values, rounded.view(np.float32)).astype(np.float32)


def to_float16(values: np.ndarray, to_zero: bool = False) -> np.ndarray:
    values = np.asarray(values)
    nearest = values.astype(np.float16)
    if not to_zero:
        return nearest
    beyond = np.abs(nearest.astype(np.float64)) > np.abs(values.astype(np.float64))
    return np.where(beyond, np.nextafter(nearest, np.float16(0)), nearest)


def float8e4b15_from_codes(codes: np.ndarray) -> np.ndarray:
    sign = np.where(codes >= 128, -1.0, 1.0)
    return (_magnitudes("float8e4b15")[codes & 127] * sign).astype(np.float16)


def float8e4b15_codes(values: np.ndarray) -> np.ndarray:
    """Codes of the nearest numbers, ties away from zero. The code of the largest magnitude is never made."""
    table = _magnitudes("float8e4b15")[:-1]
    size = np.fmin(np.abs(np.asarray(values, np.float64)), table[-1])
    low = np.searchsorted(table, size, side="right") - 1
    high = np.minimum(low + 1, len(table) - 1)
    code = np.where(2 * size >= table[low] + table[high], high, low)
    return (code | np.where(np.signbit(values), 128, 0)).astype(np.uint8)
