# SPDX-License-Identifier: MIT
"""Compiles the headers of kernels for the CPU and calls their functions on NumPy arrays."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "kernel_headers"
SHIM, KERNELS = ROOT / "runtime" / "shim", ROOT / "kernels"

# For each type of a signature: the NumPy type, and the type in the text.
TYPES: dict[str, tuple[type, str]] = {
    "int1": (np.bool_, "bool"),
    "uint8": (np.uint8, "uchar"),
    "int32": (np.int32, "int"),
    "int64": (np.int64, "long"),
    "uint32": (np.uint32, "uint"),
    "uint64": (np.uint64, "ulong"),
    "fp16": (np.float16, "half"),
    "bf16": (np.uint16, "bfloat"),
    "fp32": (np.float32, "float"),
    "fp64": (np.float64, "double"),
}


def clang() -> str:
    for name in (
        "/usr/lib/llvm-22/bin/clang++",
        "/opt/homebrew/opt/llvm/bin/clang++",
        "clang++-22",
        "clang++",
    ):
        if path := shutil.which(name):
            return path
    raise RuntimeError("no clang++")


def flags() -> list[str]:
    return [
        *(SHIM / "compile_flags.txt").read_text().split(),
        *("-march=native", "-DTM_CPU_LOOPS", "-DTM_MSL_32"),
        *("-isystem", str(SHIM), "-I", str(KERNELS)),
    ]


def build(source: Path, library: Path, *extra: str) -> ctypes.CDLL:
    command = [clang(), "-O3", "-shared", "-fPIC", *flags(), *extra, str(source), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return ctypes.CDLL(str(library))


def wrapper(name: str, function: str, arguments: list[str], result: str) -> str:
    """A C function that applies `function` to each element."""
    pointers = [f"const {TYPES[t][1]} *p{i}" for i, t in enumerate(arguments)]
    values = ", ".join(f"p{i}[i]" for i in range(len(arguments)))
    return (
        f'extern "C" void {name}(long n, {TYPES[result][1]} *out, {", ".join(pointers)}) {{\n'
        f"  for (long i = 0; i < n; ++i)\n    out[i] = {function}({values});\n}}\n"
    )


def caller(library: ctypes.CDLL, name: str, arguments: list[str], result: str) -> Callable[..., np.ndarray]:
    function = getattr(library, name)

    def call(*values: np.ndarray) -> np.ndarray:
        arrays = [np.ascontiguousarray(v, TYPES[t][0]) for v, t in zip(values, arguments, strict=True)]
        out = np.zeros(arrays[0].shape, TYPES[result][0])
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (out, *arrays)]
        function(ctypes.c_long(out.size), *pointers)
        return out

    return call
