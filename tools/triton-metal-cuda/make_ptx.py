# SPDX-License-Identifier: MIT
"""Compiles the Metal texts of saved launches to PTX with clang, for triton-metal-cuda: `make_ptx.py FOLDER`.

Needs no CUDA: to clang's NVPTX target the text is plain C++, with the headers of the CPU device and the hooks
of runtime/cuda. Equal texts are compiled once. With --ptxas the PTX is also assembled, by the ptxas of
$TRITON_METAL_PTXAS, of Triton's wheel, or on the path."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def clang() -> str:
    for name in (os.environ.get("TRITON_METAL_CLANG"), "clang++-22", "clang++"):
        if name and shutil.which(name):
            return name
    raise SystemExit("make_ptx.py: There is no clang++; TRITON_METAL_CLANG names one.")


def ptxas() -> str | None:
    spec = importlib.util.find_spec("triton")
    wheels = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    of_triton = [str(place / "backends/nvidia/bin/ptxas") for place in wheels]
    for name in (os.environ.get("TRITON_METAL_PTXAS"), *of_triton, "ptxas"):
        if name and shutil.which(name):
            return name
    return None


def compile_flags(arch: str, headers: Path = ROOT) -> list[str]:
    shim = headers / "runtime/shim"
    flags = [f for f in (shim / "compile_flags.txt").read_text().split() if f.startswith("-")]
    return [
        *("-x", "c++", "--target=nvptx64-nvidia-cuda", f"-march={arch}", "-O3", "-S"),
        *("-nostdinc", "-fno-exceptions", "-fno-rtti", "-fconvergent-functions"),
        *("-DTM_CUDA", "-DTM_CPU_FIBERS", '-DTM_HOOKS_HEADER="warp.h"'),
        *("-DTM_HAS_DOUBLE", "-DTM_HAS_ATOMIC64", "-DTM_MSL_32"),
        *(f"-I{headers / folder}" for folder in ("runtime/cuda", "runtime/shim", "kernels")),
        *flags,
    ]


def run_clang(text: str, threads: int, arch: str, *more: str, headers: Path = ROOT) -> str:
    """The PTX of C++ code that uses the shim, for launches with this many threads. Raises RuntimeError
    with the message of clang."""
    simdgroups = f"-DTM_SIMDGROUPS={-(-threads // 32)}"
    done = subprocess.run(
        [clang(), *compile_flags(arch, headers), simdgroups, *more, "-o", "-", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # The back end prints a stack dump if it has no code for a function, such as exp of double.
        raise RuntimeError(done.stderr.partition("PLEASE submit a bug report")[0])
    if ".extern .func" in done.stdout:
        missing = [line for line in done.stdout.splitlines() if ".extern .func" in line]
        raise RuntimeError("The device has no " + "; ".join(missing))
    # The counterpart of [[max_total_threads_per_threadgroup]], on which register allocation depends.
    return re.sub(r"(\.entry [^(]*\([^)]*\))", rf"\1\n.maxntid {threads}", done.stdout)


def make_ptx(text: str, simdgroups: int, arch: str = "sm_90", headers: Path = ROOT) -> str:
    """The PTX of a Metal text of the msl engine."""
    return run_clang(text, 32 * simdgroups, arch, "-include", "prelude.h", headers=headers)


def assemble(ptx: str, arch: str = "sm_90") -> tuple[bytes, str]:
    """Machine code, and what ptxas reports on registers and memory. Raises RuntimeError if it fails."""
    assembler = ptxas()
    if assembler is None:
        raise RuntimeError("There is no ptxas; TRITON_METAL_PTXAS names one.")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(ptx)
        done = subprocess.run(
            [assembler, f"-arch={arch}", "-v", "-o", str(target), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return target.read_bytes(), done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--arch", default="sm_90")
    parser.add_argument("--ptxas", action="store_true", help="assemble the PTX too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    texts: dict[tuple[str, int], list[Path]] = {}
    for root in options.folder:
        for file in sorted(root.rglob("launch.json")):
            metal = json.loads(file.read_text()).get("msl")
            if metal:
                texts.setdefault((metal["text"], metal["simdgroups"]), []).append(file.parent)
    if not texts:
        print("make_ptx.py: There is no saved launch with Metal text.", file=sys.stderr)
        return 2

    def build(item: tuple[tuple[str, int], list[Path]]) -> str | None:
        (text, simdgroups), folders = item
        try:
            ptx = make_ptx(text, simdgroups, options.arch)
            if options.ptxas:
                assemble(ptx, options.arch)
        except RuntimeError as error:
            return f"{folders[0].name}: {error}"
        for folder in folders:
            (folder / "kernel.ptx").write_text(ptx)
        return None

    with ThreadPoolExecutor(options.jobs) as pool:
        failures = [failure for failure in pool.map(build, texts.items()) if failure]
    for failure in failures:
        print(failure, file=sys.stderr)
    digest = hashlib.sha256("".join(sorted(text for text, _ in texts)).encode()).hexdigest()[:12]
    launches = sum(map(len, texts.values()))
    print(f"{len(texts)} texts of {launches} launches ({digest}), {len(failures)} refused")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
