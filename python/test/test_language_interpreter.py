# SPDX-License-Identifier: MIT
"""Whole kernels against Triton's own interpreter, which runs in another process."""

import os

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from interpreter import interpreted
from reference import assert_close

pytestmark = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="compares with itself")


def numbers(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator)


@triton.jit
def random_kinds(out_ptr, seed, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a, b, c, d = tl.rand4x(seed, i)
    tl.store(out_ptr + i * 6, a)
    tl.store(out_ptr + i * 6 + 1, b)
    tl.store(out_ptr + i * 6 + 2, c + d)
    x, y, z, w = tl.randn4x(seed, i)
    tl.store(out_ptr + i * 6 + 3, x + y)
    tl.store(out_ptr + i * 6 + 4, z)
    tl.store(out_ptr + i * 6 + 5, w)


def run_random() -> dict[str, np.ndarray]:
    out = torch.zeros(4 * 32 * 6)
    random_kinds[(4,)](out, 1234, BLOCK=32)
    return {"out": out.numpy()}


@triton.jit
def cross_entropy(x_ptr, label_ptr, loss_ptr, grad_ptr, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    label = tl.load(label_ptr + row)
    peak = -float("inf")
    total = 0.0
    for start in range(0, columns, BLOCK):
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * columns + i, mask=i < columns, other=-float("inf"))
        new_peak = tl.maximum(peak, tl.max(x, axis=0))
        total = total * tl.exp(peak - new_peak) + tl.sum(tl.exp(x - new_peak), axis=0)
        peak = new_peak
    tl.store(loss_ptr + row, tl.log(total) + peak - tl.load(x_ptr + row * columns + label))
    for start in range(0, columns, BLOCK):
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * columns + i, mask=i < columns)
        p = tl.exp(x - peak) / total
        tl.store(grad_ptr + row * columns + i, tl.where(i == label, p - 1, p), mask=i < columns)


def run_cross_entropy() -> dict[str, np.ndarray]:
    x = numbers(9, 101)
    label = torch.arange(9, dtype=torch.int32) * 11
    loss, grad = torch.zeros(9), torch.zeros(9, 101)
    cross_entropy[(9,)](x, label, loss, grad, 101, BLOCK=32)
    return {"loss": loss.numpy(), "grad": grad.numpy()}


@triton.jit
def convolution(x_ptr, w_ptr, out_ptr, height, width, K: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for i in tl.static_range(K):
        for j in tl.static_range(K):
            y, x = row + i - K // 2 + column * 0, column + j - K // 2
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            total += tl.load(x_ptr + y * width + x, mask=inside, other=0.0) * tl.load(w_ptr + i * K + j)
    tl.store(out_ptr + row * width + column, total, mask=column < width)


def run_convolution() -> dict[str, np.ndarray]:
    x, w, out = numbers(13, 37), numbers(3, 3), torch.zeros(13, 37)
    convolution[(13, 3)](x, w, out, 13, 37, K=3, BLOCK=16)
    return {"out": out.numpy()}


@triton.jit
def median_filter(x_ptr, out_ptr, n, WINDOW: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    at = i[:, None] + tl.arange(0, WINDOW)[None, :]
    window = tl.load(x_ptr + at, mask=at < n, other=1000.0)
    ordered = tl.sort(window, dim=1)
    middle = tl.sum(tl.where(tl.arange(0, WINDOW)[None, :] == WINDOW // 2, ordered, 0.0), axis=1)
    tl.store(out_ptr + i, middle, mask=i < n)


def run_median() -> dict[str, np.ndarray]:
    x, out = numbers(100), torch.zeros(100)
    median_filter[(7,)](x, out, 100, WINDOW=8, BLOCK=16)
    return {"out": out.numpy()}


@triton.jit
def quantize(x_ptr, q_ptr, scale_ptr, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * columns + i, mask=i < columns, other=0.0)
    scale = tl.maximum(tl.max(tl.abs(x), axis=0) / 127.0, 1e-8)
    q = x / scale
    q = tl.where(q >= 0, tl.floor(q + 0.5), tl.ceil(q - 0.5))
    tl.store(q_ptr + row * columns + i, q.to(tl.int8), mask=i < columns)
    tl.store(scale_ptr + row, scale)


def run_quantize() -> dict[str, np.ndarray]:
    x, q, scale = numbers(8, 50), torch.zeros(8, 50, dtype=torch.int8), torch.zeros(8)
    quantize[(8,)](x, q, scale, 50, BLOCK=64)
    return {"q": q.numpy(), "scale": scale.numpy()}


@pytest.mark.parametrize(
    "call", ["run_random", "run_cross_entropy", "run_convolution", "run_median", "run_quantize"]
)
def test_same_as_the_interpreter(call):
    want = interpreted("test_language_interpreter", call)
    got = globals()[call]()
    assert set(got) == set(want)
    for name, array in got.items():
        if array.dtype.kind == "f":
            assert_close(array, want[name], 1e-5, atol=1e-5)
        else:
            assert np.array_equal(array, want[name])
