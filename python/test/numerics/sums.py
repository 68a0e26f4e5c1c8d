# SPDX-License-Identifier: MIT
"""Measured errors of sums and matrix products, next to the bounds of the document."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from generated import PRELUDE, load_source

from numerics.measure import engine
from triton_metal.ops import ENGINES

SUM = f"""{PRELUDE}@triton.jit
def total(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    sums = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, n, BLOCK):
        sums += tl.load(x_ptr + start + tl.arange(0, BLOCK))
    tl.store(out_ptr, tl.sum(sums))


@triton.jit
def once(x_ptr, out_ptr, BLOCK: tl.constexpr):
    tl.store(out_ptr, tl.sum(tl.load(x_ptr + tl.arange(0, BLOCK))))


@triton.jit
def product(a_ptr, b_ptr, out_ptr, K, BLOCK: tl.constexpr, INNER: tl.constexpr):
    i, k = tl.arange(0, BLOCK), tl.arange(0, INNER)
    sums = tl.zeros((BLOCK, BLOCK), tl.float32)
    for start in range(0, K, INNER):
        a = tl.load(a_ptr + i[:, None] * K + start + k[None, :])
        b = tl.load(b_ptr + (start + k)[:, None] * BLOCK + i[None, :])
        sums = tl.dot(a, b, sums)
    tl.store(out_ptr + i[:, None] * BLOCK + i[None, :], sums)
"""
UNIT = 2.0**-24  # half an ulp of 1 in f32


def gamma(n: int) -> float:
    """The bound n u / (1 - n u) of n roundings (N. J. Higham, Accuracy and Stability of Numerical
    Algorithms)."""
    return n * UNIT / (1 - n * UNIT)


def _sum(engine_name: str, loop: bool, data: str) -> dict[str, Any]:
    kernels = load_source(SUM, f"sums_{engine_name}")
    rng = np.random.default_rng(3)
    block = 1024 if loop else 1 << 14
    n = 1 << 20 if loop else block
    x = (rng.standard_normal(n) if data == "normal" else rng.random(n)).astype(np.float32)
    tensor, out = torch.from_numpy(x), torch.zeros(1)
    with engine(engine_name):
        if loop:
            kernels.total[(1,)](tensor, out, n, BLOCK=block)
        else:
            kernels.once[(1,)](tensor, out, BLOCK=block)
    exact, size = math.fsum(x.tolist()), math.fsum(np.abs(x).tolist())
    # 4 SIMD groups: a thread's registers, five steps in a SIMD group, the SIMD groups.
    registers = block // 128
    chain = (n // block if loop else 0) + registers - 1 + 5 + 3
    name = f"sum of 2^{n.bit_length() - 1} f32, {data}, " + (
        "in a loop over blocks of 1024" if loop else "one block"
    )
    return {
        "case": name,
        "engine": engine_name,
        "error": abs(out.item() - exact) / size / UNIT,
        "bound": gamma(chain if engine_name == "msl" else n - 1) / UNIT,
    }


def _dot(engine_name: str, kind: torch.dtype) -> dict[str, Any]:
    kernels = load_source(SUM, f"sums_{engine_name}")
    torch.manual_seed(3)
    block, length = 32, 4096
    a, b = torch.randn(block, length).to(kind), torch.randn(length, block).to(kind)
    out = torch.zeros(block, block)
    with engine(engine_name):
        kernels.product[(1,)](a, b, out, length, BLOCK=block, INNER=64)
    exact = a.double() @ b.double()
    size = a.double().abs() @ b.double().abs()
    return {
        "case": f"dot, K = {length}, {str(kind).removeprefix('torch.')}",
        "engine": engine_name,
        "error": float(((out.double() - exact).abs() / size).max()) / UNIT,
        "bound": gamma(length) / UNIT,
    }


def measure() -> list[dict[str, Any]]:
    """Errors and bounds in units of u = 2^-24 times the sum of the magnitudes."""
    found = []
    for name in ENGINES:
        for loop in (True, False):
            for data in ("uniform", "normal"):
                found.append(_sum(name, loop, data))
        for kind in (torch.float16, torch.bfloat16, torch.float32):
            found.append(_dot(name, kind))
    return found
