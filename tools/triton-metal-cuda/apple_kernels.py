# SPDX-License-Identifier: MIT
"""MLX's own Metal kernels for the comparisons of make_comparison.py: takes their sources from its wheel and
compiles them to machine code with the same headers."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python/test"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import make_comparison as comparison
from make_ptx import assemble, run_clang
from shim.harness import preprocess
from shim.scanner import Parameter, Scanner

import matmul

KERNELS = "mlx/backend/metal/kernels/"
SHARED = "__attribute__((address_space(3), loader_uninitialized, aligned(16)))"


class CudaScanner(Scanner):
    """Turns threadgroup variables into shared memory of a block."""

    def _body(self, body: list[str]) -> None:
        i = 0
        while i < len(body):
            shared = body[i] == "threadgroup" and body[i - 1] in (";", "{", "}")
            if not shared or self._is_pointer(body, i):
                self._emit([body[i]])
                i += 1
                continue
            end = i
            while body[end] != ";":
                end += 1
            first = body.index("[", i)
            name, extents = body[first - 1], body[first:end]
            kind = body[i + 1 : first - 1]
            self._emit(["static", SHARED, *kind, f"{name}_of_block", *extents, ";"])
            self._emit(["using", f"{name}_type", "=", *kind, *extents, ";"])
            self._emit([f"auto &{name} = *(({name}_type *)&{name}_of_block);"])
            i = end + 1


def entry(name: str, instance: str, parameters: list[Parameter]) -> str:
    count = 1 + max(int(p.index) for p in parameters if p.source == "buffer")
    arguments = [
        f"tm_entry::From{{tm_entry::buffer, buffer{p.index}}}"
        if p.source == "buffer"
        else f"tm_entry::From{{tm_entry::{p.source}, nullptr}}"
        for p in parameters
    ]
    buffers = ", ".join(f"void *buffer{i}" for i in range(count))
    return (
        f'extern "C" __attribute__((device_kernel)) void {name}({buffers}) {{\n'
        f"  tm_entry::call(&{instance}, {', '.join(arguments)});\n}}\n"
    )


@dataclass
class AppleKernel:
    """An instance of a kernel and its launch. A buffer is an index, or the bytes of a constant."""

    label: str
    headers: tuple[str, ...]
    instance: str
    buffers: list[int | bytes | None]
    groups: tuple[int, ...]
    threads: tuple[int, ...]
    constants: dict[int, str] = field(default_factory=dict)

    def variant(self, stem: str, folder: comparison.Folder) -> dict[str, Any]:
        included = "".join(f'#include "{KERNELS}{name}"\n' for name in self.headers)
        scanner = CudaScanner(preprocess(included), self.constants)
        scanned = scanner.scan()
        base = self.instance.split("<")[0]
        count = 1
        for extent in self.threads:
            count *= extent
        source = (
            f'#include <metal_stdlib>\n#include "metal_entry.h"\n{scanned.text}\n'
            f"{entry('apple_kernel', self.instance, scanned.kernels[base])}"
        )
        ptx = run_clang(source, count, comparison.ARCH, "-Wno-everything", f"-I{Path(__file__).parent}")
        folder.write(stem, ".ptx", ptx.encode())
        image, _ = assemble(ptx, comparison.ARCH)
        wanted = ptx[ptx.index(".entry ") :].split(")")[0].count(".param ")
        given = [
            {"buffer": b} if isinstance(b, int) else {"constant": b.hex()} if b else {"bytes": "00" * 8}
            for b in self.buffers
        ]
        return {
            "name": f"mlx {self.label}",
            "image": folder.write(stem, ".cubin", image),
            "entry": "apple_kernel",
            "grid": comparison.three(self.groups),
            "threads": comparison.three(self.threads),
            "shared": 0,
            "parameters": given + [{"bytes": "00" * 8}] * (wanted - len(given)),
        }


def i32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def i64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def softmaxes(rows: int, columns: int) -> list[AppleKernel]:
    headers = ("utils.h", "softmax.h")
    return [
        AppleKernel(label, headers, f"softmax_{name}<float, float>", [1, 0, i32(columns)],
                    (rows,), (threads,))
        for label, name, threads in (("single row", "single_row", columns // 4), ("looped", "looped", 1024))
    ]  # fmt: skip


def row_sums(rows: int, columns: int) -> list[AppleKernel]:
    headers = ("utils.h", "atomic.h", "reduce_utils.h", "reduce.h")
    return [
        AppleKernel(f"row x{threads // 32}", headers, "row_reduce_simple<float, float, Sum<float>>",
                    [0, 1, i64(columns), i64(rows)], (1, rows // 4), (threads,))
        for threads in (256, 1024)
    ]  # fmt: skip


def products(kind: str, size: int) -> list[AppleKernel]:
    headers = ("utils.h", "steel/gemm/gemm.h", "steel/gemm/kernels/steel_gemm_fused.h")
    aligned = dict.fromkeys((10, 100, 110), "false") | dict.fromkeys((200, 201, 202), "true")
    made = []
    for bm, bn, bk, wm, wn in ((64, 64, 16, 2, 2), (32, 32, 16, 2, 2), (64, 32, 32, 2, 2)):
        tiles_m, tiles_n = size // bm, size // bn
        parameters = struct.pack(
            "<8i3q3i4x", *[size] * 6, tiles_n, tiles_m, *[size * size] * 3, 0, size // bk, 1
        )
        instance = f"gemm<{kind}, {bm}, {bn}, {bk}, {wm}, {wn}, false, false>"
        made.append(
            AppleKernel(f"steel {bm}x{bn}x{bk}", headers, instance, [0, 1, None, 2, parameters],
                        (tiles_n, tiles_m), (32, wm, wn), aligned)
        )  # fmt: skip
    return made


def product_case(dtype: str, size: int) -> comparison.Case:
    strides = ("stride_am", "stride_bk", "stride_cm")
    ones = {"stride_ak": 1, "stride_bn": 1, "stride_cn": 1}
    return comparison.Case(
        f"matmul {dtype} {size}",
        matmul.matmul_kernel,
        [(dtype, size * size, (-1.0, 1.0))] * 2 + [(dtype, size * size, None)],
        {"M": size, "N": size, "K": size} | dict.fromkeys(strides, size),
        ones | {"GROUP": 4},
        [
            ({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32}, 4),
            ({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 16}, 4),
            ({"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 32}, 4),
        ],
        lambda c: ((size // c["BLOCK_M"]) * (size // c["BLOCK_N"]),),
        3 * size * size * comparison.WIDTH[dtype],
        [2],
        {"f32": 1e-4, "f16": 2e-2}[dtype],
        2 * size**3,
    )


def apple_cases(folder: comparison.Folder, small: bool) -> list[comparison.Case]:
    rows = 64 if small else 16384
    cases = [(comparison.row_softmax(rows, 4096), softmaxes(rows, 4096)),
             (comparison.row_sum(rows, 4096), row_sums(rows, 4096))]  # fmt: skip
    if not small:
        cases += [(comparison.row_softmax(4096, 4096), softmaxes(4096, 4096)),
                  (comparison.row_sum(4096, 4096), row_sums(4096, 4096))]  # fmt: skip
    for dtype, kind in (("f32", "float"), ("f16", "half")):
        size = 256 if small else 2048
        cases.append((product_case(dtype, size), products(kind, size)))
    for case, kernels in cases:
        case.more = [kernel.variant(f"{case.name} mlx {kernel.label}", folder) for kernel in kernels]
    return [case for case, _ in cases]
