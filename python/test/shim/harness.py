# SPDX-License-Identifier: MIT
"""Compiles Metal texts for the CPU and launches their kernels on NumPy arrays."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mlx.core as mx
import numpy as np

from . import scanner

ROOT = Path(__file__).resolve().parents[3]
SHIM = ROOT / "runtime" / "shim"
HERE = Path(__file__).resolve().parent
CACHE = ROOT / "build" / "shim-tests"
APPLE = Path(mx.__path__[0] if hasattr(mx, "__path__") else mx.__file__).parent / "include"
KERNELS = APPLE / "mlx" / "backend" / "metal" / "kernels"

HEADERS = [p.name for p in SHIM.iterdir() if p.name.startswith("metal_")]


def compiler() -> str:
    for name in (os.environ.get("CXX_FOR_TESTS"), "clang++-22", "/usr/lib/llvm-22/bin/clang++", "clang++"):
        if name and shutil.which(name):
            return name
    raise FileNotFoundError("clang++ 22 is needed to compile Metal text")


def flags() -> list[str]:
    return (SHIM / "compile_flags.txt").read_text().split()


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:1])} failed:\n{done.stderr[:6000]}")
    return done.stdout


def preprocess(text: str) -> str:
    """Expands the macros and headers of the text itself, but not those of the standard library."""
    stubs = CACHE / "stubs"
    stubs.mkdir(parents=True, exist_ok=True)
    for name in HEADERS:
        (stubs / name).touch()
    defines = ["-undef", "-D__METAL__=1", "-D__METAL_VERSION__=310"]
    language = ["-E", "-P", "-x", "c++", "-std=c++20"]
    return _run([compiler(), *language, *defines, f"-I{stubs}", f"-I{APPLE}", "-"], text)


def _place(parameter: scanner.Parameter) -> str:
    source = "threadgroup_memory" if parameter.source == "threadgroup" else parameter.source
    return f"{{{source}, {parameter.index or 0}}}"


class Library:
    """The kernels of one text. `instances` names the ones to compile: {"name": "kernel<float, 4>"}."""

    def __init__(
        self,
        text: str,
        instances: dict[str, str],
        *,
        constants: dict[int, str] | None = None,
        options: Sequence[str] = (),
        optimize: str = "-O1",
    ) -> None:
        scanned = scanner.scan(preprocess(text), constants)
        entries = []
        for name, instance in instances.items():
            base = instance.split("<")[0].split("::")[-1].strip()
            if base not in scanned.kernels:
                raise KeyError(f"no kernel {base} among {sorted(scanned.kernels)}")
            places = ", ".join(_place(p) for p in scanned.kernels[base])
            entries.append(
                f'extern "C" int run_{name}(void *const *buffers, const unsigned *grid,\n'
                "    const unsigned *threads) {\n"
                f"  using namespace tm_entry;\n  static const From from[] = {{{places}}};\n"
                f"  return launch(&{instance}, from, buffers, grid, threads);\n}}\n"
            )
        # The header of the entries comes first, so that its names do not clash with those of the text.
        source = f'#include <metal_stdlib>\n#include "entry.h"\n{scanned.text}\n{"".join(entries)}'
        self._library = ctypes.CDLL(str(self.compile(source, [optimize, *options])))

    @staticmethod
    def compile(source: str, options: list[str]) -> Path:
        CACHE.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha256(source.encode())
        for path in sorted([*SHIM.iterdir(), *HERE.glob("*.h")]):
            key.update(path.read_bytes() if path.is_file() else b"")
        command = [compiler(), *flags(), *options, "-march=native", "-fPIC", "-shared", "-Wno-everything"]
        command += [
            f"-I{SHIM}",
            f"-I{HERE}",
            "-DTM_CPU_FIBERS",
            '-DTM_HOOKS_HEADER="threads.h"',
            "-x",
            "c++",
            "-",
        ]
        key.update(" ".join(command).encode())
        target = CACHE / f"{key.hexdigest()[:32]}.so"
        if not target.exists():
            (CACHE / "last.cpp").write_text(source)
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                made = Path(folder) / "library.so"
                _run([*command, "-o", str(made), "-lm"], source)
                made.replace(target)
        return target

    def launch(
        self,
        name: str,
        buffers: Sequence[np.ndarray | None],
        grid: tuple[int, ...],
        threads: tuple[int, ...],
    ) -> None:
        """`grid` is in threads. Buffers are arrays, changed in place, or None where the kernel uses none."""
        nowhere = np.zeros(64, np.uint8)
        addresses = [(nowhere if b is None else b).ctypes.data for b in buffers]
        pointers = (ctypes.c_void_p * 32)(*addresses)
        three = ctypes.c_uint * 3
        fill = (1, 1)
        status = getattr(self._library, f"run_{name}")(
            pointers, three(*(*grid, *fill)[:3]), three(*(*threads, *fill)[:3])
        )
        if status:
            raise RuntimeError(f"{name}: threads wait for others that do not come")
