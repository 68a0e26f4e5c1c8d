# SPDX-License-Identifier: MIT
"""The operations that are measured: Triton kernels, each with the PyTorch call that does the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import flash_attention
import matmul
import softmax


@triton.jit
def binary_kernel(x_ptr, y_ptr, out_ptr, n, OPERATION: tl.constexpr, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside)
    y = tl.load(y_ptr + offsets, mask=inside)
    result = x + y if OPERATION == "add" else x * y
    tl.store(out_ptr + offsets, result, mask=inside)


@triton.jit
def unary_kernel(x_ptr, out_ptr, n, OPERATION: tl.constexpr, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside)
    result = tl.exp(x) if OPERATION == "exp" else libdevice.tanh(x)
    tl.store(out_ptr + offsets, result, mask=inside)


@triton.jit
def chain_kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Five element-wise operations, fused."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside)
    y = tl.load(y_ptr + offsets, mask=inside)
    result = tl.maximum((x + y) * x - 0.5, 0.0) * y
    tl.store(out_ptr + offsets, result, mask=inside)


def chain_in_torch(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.relu((x + y) * x - 0.5) * y


@triton.jit
def row_reduction_kernel(x_ptr, out_ptr, n_cols, MEAN: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    total = tl.sum(tl.load(x_ptr + row * n_cols + cols, mask=cols < n_cols, other=0.0), axis=0)
    tl.store(out_ptr + row, total / n_cols if MEAN else total)


@dataclass
class Comparison:
    """One operation on given data, by a Triton kernel and by PyTorch. `mark` is the ratio of times that the
    CPU device should reach."""

    name: str
    size: str
    triton: Callable[[], Any]
    torch: Callable[[], Any]
    tolerance: float
    mark: float = 0.8


def _elementwise(name: str, n: int, generator: torch.Generator) -> Comparison:
    x, y = (torch.randn(n, generator=generator) for _ in range(2))
    grid = (triton.cdiv(n, 1024),)
    if name in ("add", "mul"):

        def run() -> torch.Tensor:
            out = torch.empty_like(x)
            binary_kernel[grid](x, y, out, n, OPERATION=name, BLOCK=1024)
            return out

        return Comparison(name, f"{n} f32", run, lambda: getattr(torch, name)(x, y), 1e-6)

    def run_unary() -> torch.Tensor:
        out = torch.empty_like(x)
        unary_kernel[grid](x, out, n, OPERATION=name, BLOCK=1024)
        return out

    return Comparison(name, f"{n} f32", run_unary, lambda: getattr(torch, name)(x), 1e-5)


def _chain(n: int, generator: torch.Generator) -> Comparison:
    x, y = (torch.randn(n, generator=generator) for _ in range(2))

    def run() -> torch.Tensor:
        out = torch.empty_like(x)
        chain_kernel[(triton.cdiv(n, 1024),)](x, y, out, n, BLOCK=1024)
        return out

    return Comparison("chain of five", f"{n} f32", run, lambda: chain_in_torch(x, y), 1e-5, mark=2.0)


def _reduction(name: str, rows: int, cols: int, generator: torch.Generator) -> Comparison:
    x = torch.randn(rows, cols, generator=generator)

    def run() -> torch.Tensor:
        out = torch.empty(rows)
        block = triton.next_power_of_2(cols)
        row_reduction_kernel[(rows,)](x, out, cols, MEAN=name == "mean", BLOCK=block)
        return out

    return Comparison(
        f"{name} of rows", f"{rows}x{cols} f32", run, lambda: getattr(torch, name)(x, dim=1), 1e-4
    )


def comparisons(small: bool = False) -> list[Comparison]:
    """The operations that are measured, with their sizes."""
    generator = torch.Generator().manual_seed(0)
    n, (rows, cols), size = (4096, (16, 100), 48) if small else (1 << 24, (4096, 4096), 1024)
    heads, tokens = (2, 64) if small else (8, 1024)
    a, b = (torch.randn(size, size, generator=generator) for _ in range(2))
    x = torch.randn(rows, cols, generator=generator)
    q, k, v = (torch.randn(heads, tokens, 64, generator=generator) for _ in range(3))
    return [
        *(_elementwise(name, n, generator) for name in ("add", "mul", "exp", "tanh")),
        _chain(n, generator),
        *(_reduction(name, rows, cols, generator) for name in ("sum", "mean")),
        Comparison(
            "softmax", f"{rows}x{cols} f32", lambda: softmax.softmax(x), lambda: torch.softmax(x, dim=1), 1e-6
        ),
        Comparison(
            "matmul",
            f"{size}x{size}x{size} f32",
            lambda: matmul.matmul(a, b),
            lambda: a @ b,
            1e-3,
            mark=0.25,
        ),
        Comparison(
            "attention",
            f"{heads}x{tokens}x64 f32",
            lambda: flash_attention.attention(q, k, v, False),
            lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v),
            1e-4,
            mark=0.25,
        ),
    ]
