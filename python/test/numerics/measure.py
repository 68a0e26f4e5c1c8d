# SPDX-License-Identifier: MIT
"""Runs functions on an engine and compares the results with the references."""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import triton
from kernel_library import build
from triton.backends.compiler import GPUTarget

from numerics import samples
from numerics.catalogue import Function
from numerics.references import expected, reference_of
from triton_metal.errors import UnsupportedError
from triton_metal.ops import ENGINES

HERE = Path(__file__).resolve().parent
HOST = GPUTarget("metal", "host", 32)
BLOCK = 1024
KINDS = ("nan", "infinity", "sign of zero", "flushed")
MODES = {"": 0, "rz": 1, "rd": 2, "ru": 3}
FORMATS = {"f16": (11, -14, 15), "bf16": (8, -126, 127), "f32": (24, -126, 127), "f64": (53, -1022, 1023)}
TEXT_TYPES = {"u32": "i32", "u64": "i64"}


# ---- errors ----


class _Found(ctypes.Structure):
    _fields_ = [
        ("worst", ctypes.c_double),
        ("worst_at", ctypes.c_int64),
        ("count", ctypes.c_int64),
        ("rounded", ctypes.c_int64),
        ("differences", ctypes.c_int64 * 4),
        ("first", ctypes.c_int64 * 4),
    ]


@cache
def _library() -> ctypes.CDLL:
    folder = Path(tempfile.mkdtemp(prefix="numerics-"))
    return build(HERE / "error.cpp", folder / "error.so")


def _pointer(array: np.ndarray | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if array is None else array.ctypes.data)


def _doubles(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else np.ascontiguousarray(array, np.float64)


def _format(kind: str):
    return (ctypes.c_int * 3)(*FORMATS[kind])


def round_to(high: np.ndarray, low: np.ndarray | None, kind: str, mode: str = "") -> np.ndarray:
    """high + low in the format `kind`, rounded once."""
    high, low = _doubles(high), _doubles(low)
    out = np.empty(len(high))
    _library().round_to(
        ctypes.c_int64(len(high)), _pointer(high), _pointer(low), _format(kind), MODES[mode], _pointer(out)
    )
    return out


def exact_results(function: Function, args: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """As two arrays whose sum is the result; rounded already if the function has a rounding mode."""
    high, low = expected(function, args)
    if function.mode:
        return round_to(high, low, function.result, function.mode), None
    return high, low


@dataclass
class Errors:
    """What was found so far."""

    ulp: float = 0.0
    at: tuple[float, ...] = ()
    count: int = 0
    rounded: int = 0
    differences: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, function: Function, args: list[np.ndarray], got: np.ndarray, exact=None) -> None:
        """`exact` is what exact_results gives for these arguments."""
        high, low = exact or exact_results(function, args)
        reference = reference_of(function)
        got, high, low = (_doubles(a) for a in (got, high, low))
        found = _Found()
        _library().compare(
            ctypes.c_int64(len(got)),
            *(_pointer(a) for a in (got, high, low)),
            _format(function.result),
            ctypes.c_double(reference.smallest),
            ctypes.byref(found),
        )
        if found.worst > self.ulp:
            self.ulp = found.worst
            self.at = tuple(a[found.worst_at].item() for a in args)
        self.count += found.count
        self.rounded += found.rounded
        for kind, count, first in zip(KINDS, found.differences, found.first, strict=True):
            if count:
                entry = self.differences.setdefault(
                    kind,
                    {
                        "count": 0,
                        "at": [a[first].item() for a in args],
                        "got": got[first].item(),
                        "expected": high[first].item(),
                    },
                )
                entry["count"] += count


# ---- kernels ----


def _type(kind: str) -> str:
    return TEXT_TYPES.get(kind, kind)


def kernel_text(functions: list[Function], count: int) -> str:
    """Applies functions of the same types to `count` elements. Each one stores its results behind those of
    the one before."""
    kinds, result = functions[0].arguments, _type(functions[0].result)
    index = f"tensor<{BLOCK}xi32>"
    names = "xyzw"[: len(kinds)]
    parameters = ", ".join(f"%{n}_ptr: !tt.ptr<{_type(k)}>" for n, k in zip(names, kinds, strict=True))
    lines = [
        f"tt.func public @all({parameters}, %out_ptr: !tt.ptr<{result}>) {{",
        f"  %range = tt.make_range {{start = 0 : i32, end = {BLOCK} : i32}} : {index}",
        "  %pid = tt.get_program_id x : i32",
        f"  %block = arith.constant {BLOCK} : i32",
        "  %begin = arith.muli %pid, %block : i32",
        f"  %begins = tt.splat %begin : i32 -> {index}",
        f"  %i = arith.addi %begins, %range : {index}",
        f"  %outs = tt.splat %out_ptr : !tt.ptr<{result}> -> tensor<{BLOCK}x!tt.ptr<{result}>>",
    ]
    for name, kind in zip(names, map(_type, kinds), strict=True):
        pointers = f"tensor<{BLOCK}x!tt.ptr<{kind}>>"
        lines += [
            f"  %{name}s = tt.splat %{name}_ptr : !tt.ptr<{kind}> -> {pointers}",
            f"  %{name}p = tt.addptr %{name}s, %i : {pointers}, {index}",
            f"  %{name} = tt.load %{name}p : {pointers}",
        ]
    types = ", ".join(f"tensor<{BLOCK}x{_type(kind)}>" for kind in kinds)
    pointers = f"tensor<{BLOCK}x!tt.ptr<{result}>>"
    for number, function in enumerate(functions):
        attributes = " {propagateNan = 65535 : i32}" if function.base == "clampf" else ""
        operation = function.name
        if function.symbol:
            operation = "tt.extern_elementwise"
            attributes = f' {{libname = "", libpath = "", pure = true, symbol = "{function.symbol}"}}'
        operands = ", ".join(f"%{name}" for name in names)
        lines += [
            f'  %r{number} = "{operation}"({operands}){attributes} : ({types}) -> tensor<{BLOCK}x{result}>',
            f"  %c{number} = arith.constant dense<{number * count}> : {index}",
            f"  %j{number} = arith.addi %i, %c{number} : {index}",
            f"  %p{number} = tt.addptr %outs, %j{number} : {pointers}, {index}",
            f"  tt.store %p{number}, %r{number} : {pointers}",
        ]
    return "\n".join([*lines, "  tt.return", "}", ""])


@contextmanager
def engine(name: str) -> Iterator[None]:
    before = os.environ.get("TRITON_METAL_ENGINE")
    os.environ["TRITON_METAL_ENGINE"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["TRITON_METAL_ENGINE"]
        else:
            os.environ["TRITON_METAL_ENGINE"] = before


def _tensor(array: np.ndarray) -> torch.Tensor:
    if array.dtype == samples.DTYPES["bf16"]:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


class Kernel:
    """Functions of the same types on an engine. Its first call may raise UnsupportedError."""

    def __init__(self, functions: list[Function], engine_name: str, count: int, folder: Path):
        self.functions, self.engine = functions, engine_name
        self.size = -(-count // BLOCK) * BLOCK
        path = folder / "all.ttir"
        path.write_text(kernel_text(functions, self.size))
        with engine(engine_name):
            self.compiled = triton.compile(str(path), target=HOST, options={"num_warps": 4})
        self.out = np.zeros(len(functions) * self.size, samples.DTYPES[functions[0].result])

    def __call__(self, args: list[np.ndarray]) -> np.ndarray:
        """A row of results for each function; the next call overwrites it."""
        count = len(args[0])
        tensors = [
            _tensor(np.resize(a, self.size) if count < self.size else np.ascontiguousarray(a)) for a in args
        ]
        with engine(self.engine):
            self.compiled[(self.size // BLOCK, 1, 1)](*tensors, _tensor(self.out))
        return self.out.reshape(len(self.functions), self.size)[:, :count]


# ---- measurements ----


def sample_count(function: Function, most: int) -> int:
    """References in mpmath take up to a millisecond, most others some nanoseconds."""
    wide = "f64" in (*function.arguments, function.result) or any(
        k in function.arguments for k in ("i64", "u64")
    )
    slow = reference_of(function).slow
    if function.mode or wide:
        return min(most, 1500 if slow else 1 << 13)
    return min(most, 1 << 18) if slow else most


def is_exhaustive(function: Function) -> bool:
    return len(function.arguments) == 1 and function.arguments[0] in ("f16", "bf16")


def run_together(
    functions: list[Function], engine_name: str, columns: list[list[np.ndarray]], folder: Path
) -> list[np.ndarray]:
    """The results of functions of the same types, each for its own arguments, by a single kernel."""
    count = max(len(args[0]) for args in columns)
    # All functions of a kernel read the same arguments, so each gets a stretch of its own.
    stretches = [[np.resize(a, count) for a in args] for args in columns]
    args = [np.concatenate(parts) for parts in zip(*stretches, strict=True)]
    results = Kernel(functions, engine_name, len(args[0]), folder)(args)
    return [results[i, i * count : i * count + len(own[0])] for i, own in enumerate(columns)]


def measure(function: Function, folder: Path, most: int) -> dict[str, dict[str, Any] | None]:
    """The record of a function on each engine, or None if the engine refuses it."""
    args = samples.arguments(function, sample_count(function, most))
    args = [np.concatenate(parts) for parts in zip(args, samples.quick(function), strict=True)]
    exhaustive = is_exhaustive(function)
    if exhaustive:
        args = [samples.everything(function.arguments[0])]
    exact = exact_results(function, args)
    found: dict[str, dict[str, Any] | None] = {}
    for name in ENGINES:
        try:
            got = Kernel([function], name, len(args[0]), folder)(args)[0]
        except UnsupportedError:
            found[name] = None
            continue
        errors = Errors()
        errors.add(function, args, got, exact)
        found[name] = record(errors, "all" if exhaustive else "sampled") | {"bits": digest(got)}
    return found


def digest(values: np.ndarray) -> str:
    """Tells functions apart that give different results; all NaN are the same."""
    bits = np.where(values == values, values, np.array(np.nan, values.dtype))
    return hashlib.sha256(bits.tobytes()).hexdigest()[:8]


def is_quick(function: Function) -> bool:
    """Whether all 2^32 arguments take about a minute."""
    return (
        function.arguments == ("f32",)
        and function.result == "f32"
        and not function.mode
        and reference_of(function).quick
    )


def every_f32(function: Function, engine_name: str, folder: Path) -> dict[str, Any]:
    """All 2^32 arguments."""
    chunk = 1 << 17
    kernel = Kernel([function], engine_name, chunk, folder)
    errors = Errors()
    for start in range(0, 1 << 32, chunk):
        x = np.arange(start, start + chunk, dtype=np.uint32).view(np.float32)
        errors.add(function, [x], kernel([x])[0])
    return record(errors, "all")


def record(errors: Errors, extent: str) -> dict[str, Any]:
    return {
        "ulp": errors.ulp,
        "at": list(errors.at),
        "samples": errors.count,
        "extent": extent,
        "rounded": errors.rounded / max(1, errors.count),
        "differences": errors.differences,
    }
