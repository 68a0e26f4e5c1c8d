# SPDX-License-Identifier: MIT
"""Conversions between float types, compared with NumPy and ml_dtypes: for all values of up to 32 bits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import torch
import triton

from numerics import samples
from numerics.measure import BLOCK, FORMATS, HOST, engine, round_to
from triton_metal.errors import UnsupportedError
from triton_metal.ops import ENGINES

# f8E4M3B11FNUZ is not admitted by Triton's own verifier.
WIDTHS = {"f64": 64, "f32": 32, "f16": 16, "bf16": 16}
EIGHT = {
    "f8E4M3FN": (ml_dtypes.float8_e4m3fn, 4, -6, 8),
    "f8E5M2": (ml_dtypes.float8_e5m2, 3, -14, 15),
    "f8E4M3FNUZ": (ml_dtypes.float8_e4m3fnuz, 4, -7, 7),
    "f8E5M2FNUZ": (ml_dtypes.float8_e5m2fnuz, 3, -15, 15),
}
NUMPY = {kind: samples.DTYPES[kind] for kind in WIDTHS} | {k: np.dtype(v[0]) for k, v in EIGHT.items()}
FORMATS.update({kind: entry[1:] for kind, entry in EIGHT.items()})
CHUNK = 1 << 18


@dataclass(frozen=True)
class Cast:
    source: str
    target: str
    mode: str  # "rtne", "rtz", or "" where nothing is rounded

    @property
    def key(self) -> str:
        return f"{self.source} to {self.target}" + (f" {self.mode}" if self.mode else "")

    @property
    def widens(self) -> bool:
        return not self.mode


def casts() -> Iterator[Cast]:
    for source, target in itertools.permutations(NUMPY, 2):
        wide = WIDTHS.get(source, 8), WIDTHS.get(target, 8)
        if wide[0] > wide[1]:
            yield Cast(source, target, "rtne")
            yield Cast(source, target, "rtz")
        elif wide[0] < wide[1]:
            yield Cast(source, target, "")


def _text(cast: Cast) -> str:
    source, target, index = cast.source, cast.target, f"tensor<{BLOCK}xi32>"

    def pointers(kind: str) -> str:
        return f"tensor<{BLOCK}x!tt.ptr<{kind}>>"

    narrow = min(WIDTHS.get(source, 8), WIDTHS.get(target, 8)) == 8
    blocks = f"(tensor<{BLOCK}x{source}>) -> tensor<{BLOCK}x{target}>"
    if cast.mode == "rtz" or (narrow and cast.mode):
        operation = f'"tt.fp_to_fp"(%x) {{rounding = {0 if cast.mode == "rtz" else 1} : i32}} : {blocks}'
    elif narrow:
        operation = f'"tt.fp_to_fp"(%x) : {blocks}'
    else:
        operation = f'"arith.{"truncf" if cast.mode else "extf"}"(%x) : {blocks}'
    return f"""tt.func public @cast(%x_ptr: !tt.ptr<{source}>, %out_ptr: !tt.ptr<{target}>) {{
  %range = tt.make_range {{start = 0 : i32, end = {BLOCK} : i32}} : {index}
  %pid = tt.get_program_id x : i32
  %block = arith.constant {BLOCK} : i32
  %begin = arith.muli %pid, %block : i32
  %begins = tt.splat %begin : i32 -> {index}
  %i = arith.addi %begins, %range : {index}
  %xs = tt.splat %x_ptr : !tt.ptr<{source}> -> {pointers(source)}
  %xp = tt.addptr %xs, %i : {pointers(source)}, {index}
  %x = tt.load %xp : {pointers(source)}
  %y = {operation}
  %outs = tt.splat %out_ptr : !tt.ptr<{target}> -> {pointers(target)}
  %outp = tt.addptr %outs, %i : {pointers(target)}, {index}
  tt.store %outp, %y : {pointers(target)}
  tt.return
}}
"""


_TORCH = {
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f32": torch.float32,
    "f64": torch.float64,
    "f8E4M3FN": torch.float8_e4m3fn,
    "f8E5M2": torch.float8_e5m2,
    "f8E4M3FNUZ": torch.float8_e4m3fnuz,
    "f8E5M2FNUZ": torch.float8_e5m2fnuz,
}


def _tensor(array: np.ndarray, kind: str) -> torch.Tensor:
    signed = {1: np.uint8, 2: np.int16, 4: np.int32, 8: np.int64}[array.dtype.itemsize]
    return torch.from_numpy(array.view(signed)).view(_TORCH[kind])


class _Kernel:
    def __init__(self, cast: Cast, engine_name: str, size: int, folder: Path):
        self.cast, self.engine, self.size = cast, engine_name, size
        path = folder / "cast.ttir"
        path.write_text(_text(cast))
        with engine(engine_name):
            self.compiled = triton.compile(str(path), target=HOST, options={"num_warps": 4})
        self.out = np.zeros(size, NUMPY[cast.target])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with engine(self.engine):
            tensors = _tensor(x, self.cast.source), _tensor(self.out, self.cast.target)
            self.compiled[(self.size // BLOCK, 1, 1)](*tensors)
        return self.out


def expected(cast: Cast, x: np.ndarray) -> np.ndarray:
    """Types of 8 bits saturate. All NaN are the same."""
    target = NUMPY[cast.target]
    with np.errstate(all="ignore"):
        if cast.widens:
            return x.astype(target)
        limit = float(ml_dtypes.finfo(target).max)
        if cast.mode == "rtne" and cast.source != "f64":
            values = np.clip(x, *np.array([-limit, limit], x.dtype)) if cast.target in EIGHT else x
            return values.astype(target)
        values = x.astype(np.float64)
        if cast.target in EIGHT:
            values = np.clip(values, -limit, limit)
        values = round_to(values, None, cast.target, "rz" if cast.mode == "rtz" else "")
        if cast.target in EIGHT:  # the last binade of some formats is not full
            values = np.clip(values, -limit, limit)
        return values.astype(np.float32 if target.itemsize < 4 else target).astype(target)


def wrong(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    bits = samples.bits_type(got.dtype)
    different = got.view(bits) != want.view(bits)
    if different.any():
        different &= ~(np.isnan(got) & np.isnan(want))
    return different


def arguments(cast: Cast, stride: int) -> Iterator[np.ndarray]:
    """Every stride-th f32, all values of narrower types; of f64 those near the middles between values of the
    target, and random ones."""
    width = WIDTHS.get(cast.source, 8)
    if width == 32:
        for start in range(0, 1 << 32, CHUNK * stride):
            shift = start // (CHUNK * stride) * 7 % stride  # other last bits in each chunk
            bits = np.arange(CHUNK, dtype=np.uint64) * stride + (start + shift)
            yield bits.astype(np.uint32).view(np.float32)
    elif width < 32:
        count = max(1 << width, BLOCK)
        yield (np.arange(count) % (1 << width)).astype(f"uint{width}").view(NUMPY[cast.source])
    else:
        yield doubles(cast.target, 1 << 20)


def doubles(target: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    width = WIDTHS.get(target, 8)
    codes = rng.integers(0, 1 << width, count // 2, np.uint64).astype(f"uint{width}").view(NUMPY[target])
    with np.errstate(all="ignore"):
        values = np.nan_to_num(codes.astype(np.float64), nan=0.0, posinf=1e39, neginf=-1e39)
        unit = np.spacing(np.abs(values.astype(np.float32))).astype(np.float64) if width == 32 else None
        precision, lowest, _ = FORMATS[target]
        exponent = np.maximum(np.frexp(values)[1] - 1, lowest) - precision + 1
        unit = np.ldexp(1.0, exponent)
        middle = values + unit / 2 + np.ldexp(rng.integers(-1, 2, len(values)).astype(float), exponent - 40)
    bits = rng.integers(0, 2**64 - 1, count - len(middle), np.uint64).view(np.float64)
    return np.concatenate([middle, np.where(bits == bits, bits, np.nan)])


def measure(cast: Cast, folder: Path, stride: int = 1) -> dict[str, Any]:
    """For each engine the number of wrong results and the first one, or None if it is refused."""
    found: dict[str, Any] = {}
    kernels: dict[str, _Kernel] = {}
    for x in arguments(cast, stride):
        want = expected(cast, x)
        for name in ENGINES:
            if name in found and found[name] is None:
                continue
            try:
                if name not in kernels:
                    kernels[name] = _Kernel(cast, name, len(x), folder)
                got = kernels[name](x)
            except UnsupportedError:
                found[name] = None
                continue
            entry = found.setdefault(name, {"count": 0, "wrong": 0})
            bad = np.flatnonzero(wrong(got, want))
            entry["count"] += len(x)
            if len(bad) and not entry["wrong"]:
                first = bad[0]
                entry["at"], entry["got"] = float(x[first]), float(got[first])
                entry["expected"] = float(want[first])
            entry["wrong"] += len(bad)
    return found
