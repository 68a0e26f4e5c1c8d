# SPDX-License-Identifier: MIT
"""Writes the kernels that triton-metal-cuda-compare times: `make_comparison.py FOLDER [--apple]`.

Each kernel is compiled twice from one `@triton.jit` source, without a GPU: by the msl engine, whose Metal
text clang and ptxas turn into machine code, and by Triton's own backend for NVIDIA GPUs. With --apple, MLX's
own Metal kernels for the same operation are added, read from its wheel."""

from __future__ import annotations

import argparse
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import triton
from make_ptx import assemble, clang, make_ptx, ptxas
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

import layer_norm
import softmax
from benchmark import operations
from triton_metal import _core

ARCH = "sm_90"
WIDTH = {"f32": 4, "f16": 2}
SCALARS = {"i32": "i", "i64": "q", "fp32": "f"}
POINTERS = {"f32": "*fp32", "f16": "*fp16"}


@dataclass
class Case:
    """One operation on given data. `buffers` are (dtype, elements, range of random values or None) for the
    pointer arguments of the kernel in order; `scalars` are its other arguments."""

    name: str
    kernel: Any
    buffers: list[tuple[str, int, tuple[float, float] | None]]
    scalars: dict[str, float]
    constants: dict[str, Any]
    configurations: list[tuple[dict[str, int], int]]  # further constants, and warps
    grid: Callable[[dict[str, Any]], tuple[int, ...]]
    bytes: int
    outputs: list[int]
    tolerance: float
    operations: int = 0
    more: list[dict[str, Any]] = field(default_factory=list)  # variants that are not made by Triton


def number(name: str, value: float) -> tuple[str, bytes]:
    """The type of a scalar argument in a signature, and its bytes."""
    kind = "fp32" if isinstance(value, float) else "i32"
    return kind, struct.pack("<" + SCALARS[kind], value)


def source(case: Case, constants: dict[str, Any]) -> ASTSource:
    names = case.kernel.arg_names
    dtypes = iter(case.buffers)
    signature, attributes = {}, {}
    for i, name in enumerate(names):
        if name in constants:
            signature[name] = "constexpr"
            continue
        if name in case.scalars:
            signature[name] = number(name, case.scalars[name])[0]
            divisible = isinstance(case.scalars[name], int) and case.scalars[name] % 16 == 0
        else:
            signature[name] = POINTERS[next(dtypes)[0]]
            divisible = True
        if divisible:
            attributes[(i,)] = [["tt.divisibility", 16]]
    return ASTSource(case.kernel, signature, constexprs=constants, attrs=attributes)


def three(values: tuple[int, ...]) -> list[int]:
    return [*values, 1, 1][:3]


class Folder:
    """The output: images by name, and cases.json."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, stem: str, suffix: str, content: bytes) -> str:
        name = re.sub(r"\W+", "_", stem) + suffix
        (self.path / name).write_bytes(content)
        return name


def of_msl(case: Case, constants: dict[str, Any], warps: int, folder: Folder, stem: str) -> dict[str, Any]:
    compiled = triton.compile(
        source(case, constants), target=GPUTarget("metal", "host", 32), options={"num_warps": warps}
    )
    kernel = _core.Kernel(compiled.asm["tt"], arch="host", engine="msl", simdgroups=warps)
    text = kernel.msl_text()
    folder.write(stem, ".metal", text.encode())
    ptx = make_ptx(text, warps, ARCH)
    folder.write(stem, ".ptx", ptx.encode())
    image, said = assemble(ptx, ARCH)
    packed = b""
    for name in case.kernel.arg_names:
        if name in case.scalars:
            content = number(name, case.scalars[name])[1]
            packed += bytes(-len(packed) % len(content)) + content
    parameters: list[dict[str, Any]] = [{"buffer": i} for i in range(len(case.buffers))]
    if packed:
        parameters.append({"constant": packed.hex()})
    return {
        "image": folder.write(stem, ".cubin", image),
        "entry": re.search(r"\.entry (\w+)", ptx)[1],
        "threads": [32 * warps, 1, 1],
        "shared": 0,
        "parameters": [*parameters, {"bytes": "00000000"}],
        "said": said,
    }


def of_triton(case: Case, constants: dict[str, Any], warps: int, folder: Folder, stem: str) -> dict[str, Any]:
    compiled = triton.compile(
        source(case, constants), target=GPUTarget("cuda", 90, 32), options={"num_warps": warps}
    )
    ptx = compiled.asm["ptx"]
    folder.write(stem, ".ptx", ptx.encode())
    parameters: list[dict[str, Any]] = []
    pointers = 0
    for name in case.kernel.arg_names:
        if name in constants:
            continue
        if name in case.scalars:
            parameters.append({"bytes": number(name, case.scalars[name])[1].hex()})
        else:
            parameters.append({"buffer": pointers})
            pointers += 1
    # Scratch memory, which these kernels do not need.
    declared = re.search(rf"\.entry {compiled.metadata.name}\(([^)]*)\)", ptx)[1]
    wanted = declared.count(".param ")
    parameters += [{"bytes": bytes(8).hex()}] * (wanted - len(parameters))
    return {
        "image": folder.write(stem, ".cubin", compiled.asm["cubin"]),
        "entry": compiled.metadata.name,
        "threads": [32 * warps, 1, 1],
        "shared": compiled.metadata.shared,
        "parameters": parameters,
        "said": "",
    }


def variants(case: Case, folder: Folder) -> list[dict[str, Any]]:
    made = []
    for chosen, warps in case.configurations:
        constants = {**case.constants, **chosen}
        label = " ".join(str(value) for value in chosen.values()) + f" x{warps}"
        for maker, compiler in (("triton", of_triton), ("msl", of_msl)):
            stem = f"{case.name} {maker} {label}"
            variant = compiler(case, constants, warps, folder, stem)
            said = variant.pop("said")
            spills = re.search(r"[1-9]\d* bytes spill stores", said)
            if spills:
                print(f"{stem}: {spills[0]}", file=sys.stderr)
            made.append({"name": f"{maker} {label}", "grid": three(case.grid(constants)), **variant})
    return made + case.more


# ---- the comparisons ----


def elementwise(name: str, dtype: str, n: int) -> Case:
    kernel, arguments, constants = {
        "add": (operations.binary_kernel, 2, {"OPERATION": "add"}),
        "chain of five": (operations.chain_kernel, 2, {}),
        "exp": (operations.unary_kernel, 1, {"OPERATION": "exp"}),
    }[name]
    return Case(
        f"{name} {dtype} {n}",
        kernel,
        [(dtype, n, (-3.0, 3.0))] * arguments + [(dtype, n, None)],
        {"n": n},
        constants,
        [({"BLOCK": block}, warps) for block, warps in ((1024, 4), (2048, 4), (2048, 8), (4096, 8))],
        lambda c: (n // c["BLOCK"],),
        (arguments + 1) * n * WIDTH[dtype],
        [arguments],
        {"f32": 2e-6, "f16": 2e-3}[dtype],
    )


def row_sum(rows: int, columns: int) -> Case:
    return Case(
        f"sum of rows f32 {rows}x{columns}",
        operations.row_reduction_kernel,
        [("f32", rows * columns, (-1.0, 1.0)), ("f32", rows, None)],
        {"n_cols": columns},
        {"MEAN": False, "BLOCK": columns},
        [({}, 4), ({}, 8), ({}, 16)],
        lambda c: (rows,),
        rows * (columns + 1) * 4,
        [1],
        1e-4,  # sums of 4096 numbers, whose magnitudes add up to 2048
    )


def row_softmax(rows: int, columns: int) -> Case:
    return Case(
        f"softmax f32 {rows}x{columns}",
        softmax.softmax_kernel,
        [("f32", rows * columns, None), ("f32", rows * columns, (-3.0, 3.0))],
        {"out_row_stride": columns, "in_row_stride": columns, "n_cols": columns},
        {"BLOCK": columns},
        [({}, 4), ({}, 8), ({}, 16)],
        lambda c: (rows,),
        2 * rows * columns * 4,
        [0],
        1e-6,
    )


def row_norm(rows: int, columns: int) -> Case:
    return Case(
        f"layer norm f32 {rows}x{columns}",
        layer_norm.forward_kernel,
        [
            ("f32", rows * columns, (-3.0, 3.0)),
            ("f32", rows * columns, None),
            ("f32", columns, (0.5, 1.5)),
            ("f32", columns, (-1.0, 1.0)),
            ("f32", rows, None),
            ("f32", rows, None),
        ],
        {"row_stride": columns, "n_cols": columns, "eps": 1e-5},
        {},
        [({"BLOCK": block}, warps) for block, warps in ((1024, 4), (1024, 8), (4096, 8), (4096, 16))],
        lambda c: (rows,),
        2 * rows * columns * 4,
        [1, 4, 5],
        2e-5,
    )


def cases(small: bool) -> list[Case]:
    n = 1 << (20 if small else 26)
    shapes = [(64, 4096)] if small else [(4096, 4096), (16384, 4096)]
    return [
        elementwise("add", "f32", n),
        elementwise("add", "f16", 2 * n),
        elementwise("chain of five", "f32", n),
        elementwise("exp", "f32", n),
        *(make(*shape) for make in (row_sum, row_softmax, row_norm) for shape in shapes),
    ]


def versions() -> dict[str, str]:
    def first_line(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]

    assembler = subprocess.run([ptxas() or "ptxas", "--version"], capture_output=True, text=True, check=True)
    return {
        "triton": triton.__version__,
        "clang": first_line(clang(), "--version"),
        "ptxas": re.search(r"V[\d.]+", assembler.stdout)[0],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--apple", action="store_true", help="MLX's own kernels beside ours")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    triton.knobs.language.fp32_default = "ieee"  # so that both sides multiply in f32, and neither in TF32
    chosen = cases(options.small)
    folder = Folder(options.folder)
    if options.apple:
        from apple_kernels import apple_cases

        chosen = apple_cases(folder, options.small)
    chosen = [case for case in chosen if options.only in case.name]
    with ThreadPoolExecutor(options.jobs) as pool:
        made = list(pool.map(lambda case: variants(case, folder), chosen))
    described = [
        {
            "name": case.name,
            "bytes": case.bytes,
            "operations": case.operations,
            "outputs": case.outputs,
            "tolerance": case.tolerance,
            "buffers": [
                {"dtype": dtype, "elements": elements} | ({"random": values} if values else {})
                for dtype, elements, values in case.buffers
            ],
            "variants": of_case,
        }
        for case, of_case in zip(chosen, made, strict=True)
    ]
    (folder.path / "cases.json").write_text(
        json.dumps({"versions": versions(), "cases": described}, indent=1) + "\n"
    )
    print(f"{len(chosen)} cases, {sum(map(len, made))} kernels in {folder.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
