# SPDX-License-Identifier: MIT
"""Data types, test data and comparisons for the tests of the language. Nothing here uses Triton."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class DType:
    """A Triton scalar type, the type of its buffers, and the NumPy type that computes with its values."""

    name: str  # as in triton.language
    torch: torch.dtype
    storage: type  # NumPy type of the same width
    value: type  # NumPy type that holds each value exactly

    @property
    def is_float(self) -> bool:
        return self.torch.is_floating_point

    @property
    def bits(self) -> int:
        return np.dtype(self.storage).itemsize * 8


def _integer(name: str) -> DType:
    numpy = getattr(np, name)
    return DType(name, getattr(torch, name), numpy, numpy)


SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGERS = SIGNED + UNSIGNED
FLOATS = ["float16", "bfloat16", "float32", "float64"]
FP8 = ["float8e5", "float8e4nv"]

DTYPES: dict[str, DType] = {name: _integer(name) for name in INTEGERS}
DTYPES |= {
    "float16": DType("float16", torch.float16, np.float16, np.float16),
    "bfloat16": DType("bfloat16", torch.bfloat16, np.uint16, np.float32),
    "float32": DType("float32", torch.float32, np.float32, np.float32),
    "float64": DType("float64", torch.float64, np.float64, np.float64),
    "float8e5": DType("float8e5", torch.float8_e5m2, np.uint8, np.float32),
    "float8e4nv": DType("float8e4nv", torch.float8_e4m3fn, np.uint8, np.float32),
    "int1": DType("int1", torch.bool, np.bool_, np.bool_),
}


def to_torch(values: np.ndarray, dtype: str) -> torch.Tensor:
    """A torch tensor of `dtype` that holds `values`, rounded to nearest even."""
    info = DTYPES[dtype]
    values = np.ascontiguousarray(values)
    if np.dtype(info.storage) == np.dtype(info.value):
        with np.errstate(all="ignore"):
            return torch.from_numpy(values.astype(info.storage).copy())
    with np.errstate(all="ignore"):
        return torch.from_numpy(values.astype(info.value).copy()).to(info.torch)


def from_torch(tensor: torch.Tensor) -> np.ndarray:
    """The values of a tensor in the NumPy type that holds them exactly."""
    if tensor.dtype in (torch.bfloat16, torch.float8_e5m2, torch.float8_e4m3fn):
        return tensor.detach().to(torch.float32).numpy().copy()
    return tensor.detach().numpy().copy()


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """The values after a round trip through `dtype`."""
    return from_torch(to_torch(values, dtype))


CORNERS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 7.0, np.inf, -np.inf, np.nan, 1e-3, -65504.0, 255.0]


def corner_values(dtype: str) -> np.ndarray:
    """Values at which arithmetic goes wrong first."""
    info = DTYPES[dtype]
    if info.is_float:
        return np.array(CORNERS, dtype=info.value)
    limits = np.iinfo(info.value)
    low, high = int(limits.min), int(limits.max)
    wanted = [low, low + 1, high, high - 1, 0, 1, 2, 3, 5, 7, high // 2, high // 3]
    if low < 0:
        wanted += [-1, -2, -3, -5, -7, low // 2]
    return np.array(wanted, dtype=info.value)


def random_values(dtype: str, count: int, rng: np.random.Generator, *, tame: bool = False) -> np.ndarray:
    """Random values of `dtype`: small and finite if `tame`, else integers over the full range."""
    info = DTYPES[dtype]
    if dtype == "int1":
        return rng.integers(0, 2, count).astype(np.bool_)
    if info.is_float:
        scale = 1.0 if tame else 8.0
        return rounded(rng.standard_normal(count) * scale, dtype)
    limits = np.iinfo(info.value)
    low, high = (max(int(limits.min), -9), 9) if tame else (int(limits.min), int(limits.max))
    return rng.integers(low, high, count, dtype=info.value, endpoint=True)


def pairs(dtype: str, rng: np.random.Generator, extra: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of corner values, followed by random pairs."""
    corners = corner_values(dtype)
    x = np.concatenate([np.repeat(corners, len(corners)), random_values(dtype, extra, rng)])
    y = np.concatenate([np.tile(corners, len(corners)), random_values(dtype, extra, rng)])
    return rounded(x, dtype), rounded(y, dtype)


def truncated_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Integer division that rounds towards zero, as in C."""
    quotient = x // y
    remainder = x - quotient * y
    inexact = (remainder != 0) & ((x < 0) != (y < 0))
    return (quotient + inexact.astype(x.dtype)).astype(x.dtype)


def truncated_remainder(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Remainder with the sign of the dividend, as in C."""
    with np.errstate(all="ignore"):
        return (x - truncated_divide(x, y) * y).astype(x.dtype)


def fused_multiply_add(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """x * y + z in float32 with one rounding, because the sum in float64 is rounded to odd."""
    with np.errstate(all="ignore"):
        product = x.astype(np.float64) * y.astype(np.float64)
        addend = z.astype(np.float64)
        total = product + addend
        virtual = total - product
        error = (product - (total - virtual)) + (addend - virtual)
        bits = total.view(np.int64)
        even = (bits & 1) == 0
        toward = np.where(error > 0, np.inf, -np.inf)
        fix = np.isfinite(total) & np.isfinite(error) & (error != 0) & even
        total = np.where(fix, np.nextafter(total, toward), total)
        # Rounding to odd takes the neighbour whose last bit is set.
        return total.astype(np.float32)


def ulp_distance(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Number of representable values between two float arrays of the same type."""
    integer = {2: np.int16, 4: np.int32, 8: np.int64}[got.dtype.itemsize]

    def ordered(values: np.ndarray) -> np.ndarray:
        bits = values.view(integer).astype(object)
        return np.where(bits < 0, -(bits & np.iinfo(integer).max), bits)

    return np.abs(ordered(got) - ordered(want)).astype(np.float64)


def assert_same(got: np.ndarray, want: np.ndarray, *, zero_sign: bool = True) -> None:
    """Asserts that the arrays are equal bit for bit, except that all NaNs are equal."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"shape {got.shape}, expected {want.shape}"
    assert got.dtype == want.dtype, f"type {got.dtype}, expected {want.dtype}"
    bad = got != want
    if got.dtype.kind == "f":
        bad &= ~(np.isnan(got) & np.isnan(want))
        if zero_sign:
            bad |= (got == 0) & (want == 0) & (np.signbit(got) != np.signbit(want))
    _report(got, want, bad)


def assert_close(got: np.ndarray, want: np.ndarray, rtol: float, atol: float = 0.0) -> None:
    """Asserts that the arrays are close, with NaN and infinities at the same places."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"shape {got.shape}, expected {want.shape}"
    wide_got, wide_want = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(all="ignore"):
        near = np.abs(wide_got - wide_want) <= atol + rtol * np.abs(wide_want)
    same = (wide_got == wide_want) | (np.isnan(wide_got) & np.isnan(wide_want))
    finite = np.isfinite(wide_got) & np.isfinite(wide_want)
    _report(got, want, ~(same | (near & finite)))


def _report(got: np.ndarray, want: np.ndarray, bad: np.ndarray) -> None:
    if not np.any(bad):
        return
    where = np.argwhere(bad)[:5]
    lines = [f"{tuple(int(i) for i in at)}: {got[tuple(at)]!r}, expected {want[tuple(at)]!r}" for at in where]
    raise AssertionError(f"{int(np.sum(bad))} of {bad.size} elements differ\n  " + "\n  ".join(lines))


class Guarded:
    """A buffer between two zones of known bytes; `check` finds writes outside of it."""

    ZONE = 64

    def __init__(self, values: np.ndarray, dtype: str):
        flat = to_torch(values.reshape(-1), dtype)
        item = flat.element_size()
        raw = torch.full((flat.numel() * item + 2 * self.ZONE,), 0xA5, dtype=torch.uint8)
        self.raw = raw
        self.tensor = raw[self.ZONE : raw.numel() - self.ZONE].view(flat.dtype)
        self.tensor.copy_(flat)

    def values(self) -> np.ndarray:
        return from_torch(self.tensor)

    def check(self) -> None:
        zones = torch.cat([self.raw[: self.ZONE], self.raw[-self.ZONE :]])
        assert bool((zones == 0xA5).all()), "a store went outside its buffer"
