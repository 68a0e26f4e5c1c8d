# SPDX-License-Identifier: MIT
"""The CPU device compiles for the processor that it runs on. Here its texts are compiled for others, because
clang selects other instructions for each and has failed to do so."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kernel_library import KERNELS, ROOT, SHIM, clang

# x86-64 without and with AVX2; with AVX-512, where clang prefers vectors of half the width on Intel; Arm
# without and with SVE; Apple.
MACHINES = {
    "x86-64": ["--target=x86_64-linux-gnu", "-march=x86-64"],
    "haswell": ["--target=x86_64-linux-gnu", "-march=haswell"],
    "sapphirerapids": ["--target=x86_64-linux-gnu", "-march=sapphirerapids", "-mno-avx512bf16"],
    "aarch64": ["--target=aarch64-linux-gnu"],
    "neoverse-v1": ["--target=aarch64-linux-gnu", "-mcpu=neoverse-v1"],
    "apple-m1": ["--target=aarch64-linux-gnu", "-mcpu=apple-m1"],
}


def texts(folder: Path) -> list[Path]:
    """The texts that the operations of the benchmark and the examples hand to clang."""
    own = {"TRITON_CACHE_DIR": str(folder), "TRITON_METAL_CACHE_DIR": str(folder / "texts")}
    operations = "from benchmark.operations import comparisons\nfor item in comparisons(False): item.triton()"
    for words in (["-c", operations], ["-m", "triton_metal", "demo", "--small", "--no-interpreter"]):
        command = [sys.executable, *words]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **own}, cwd=ROOT)
    return sorted((folder / "texts").glob("*.metal"))


def failures(machine: list[str], sources: list[Path], folder: Path) -> list[str]:
    options = (SHIM / "compile_flags.txt").read_text().split()
    options += ["-O3", "-fPIC", "-nostdinc", "-I", str(SHIM), "-I", str(KERNELS), *machine]
    options += ["-DTM_CPU_LOOPS", "-DTM_HAS_DOUBLE", "-DTM_HAS_ATOMIC64", "-DTM_MSL_32"]

    def compiled(*words: object) -> str:
        """Clang's error output. TMPDIR says where clang leaves reports of its own crashes."""
        command = [clang(), *options, *map(str, words)]
        own = {**os.environ, "TMPDIR": str(folder)}
        done = subprocess.run(command, capture_output=True, text=True, env=own)
        return "" if done.returncode == 0 else f"{command}\n{done.stderr[-4000:]}"

    header = folder / "headers.pch"
    language = ("-x", "c++-header", "-fpch-instantiate-templates")
    if failure := compiled(*language, KERNELS / "triton_metal.h", "-o", header):
        return [failure]

    def compile_one(text: Path) -> str:
        return compiled("-include-pch", header, "-x", "c++", "-c", text, "-o", folder / f"{text.stem}.o")

    with ThreadPoolExecutor(2) as pool:
        return [message for message in pool.map(compile_one, sources) if message]


def test_texts_compile_for_other_processors(tmp_path: Path) -> None:
    sources = texts(tmp_path)
    assert len(sources) >= 16
    found = {machine: failures(options, sources, tmp_path) for machine, options in MACHINES.items()}
    assert found == {machine: [] for machine in MACHINES}
