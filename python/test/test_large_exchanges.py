# SPDX-License-Identifier: MIT
"""Blocks and partial results that are larger than threadgroup memory pass through it in parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import triton
import triton.language as tl

MSL = {"engine": "msl"}


@triton.jit
def gather(x_ptr, index_ptr, out_ptr, M: tl.constexpr, N: tl.constexpr, AXIS: tl.constexpr):
    i = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(out_ptr + i, tl.gather(tl.load(x_ptr + i), tl.load(index_ptr + i), axis=AXIS))


@pytest.mark.parametrize("sanitize", ["", "thread"])
@pytest.mark.parametrize(
    "shape, axis, num_warps", [((128, 128), 0, 4), ((16, 1024), 1, 8), ((256, 64), 1, 1)]
)
def test_gather(shape, axis, num_warps, sanitize, rng):
    x = torch.from_numpy(rng.integers(-(2**40), 2**40, shape))
    index = torch.from_numpy(rng.integers(0, shape[axis], shape).astype(np.int32))
    out = torch.zeros_like(x)
    gather[(1,)](x, index, out, *shape, axis, num_warps=num_warps, sanitize=sanitize, **MSL)
    assert torch.equal(out, torch.gather(x, axis, index.long()))


@triton.jit
def histogram(x_ptr, mask_ptr, out_ptr, N: tl.constexpr, BINS: tl.constexpr):
    i = tl.arange(0, N)
    counts = tl.histogram(tl.load(x_ptr + i), BINS, mask=tl.load(mask_ptr + i) != 0)
    tl.store(out_ptr + tl.arange(0, BINS), counts)


@pytest.mark.parametrize("sanitize", ["", "thread"])
@pytest.mark.parametrize("count, bins, num_warps", [(2048, 16384, 4), (256, 65536, 1), (16384, 16384, 8)])
def test_histogram(count, bins, num_warps, sanitize, rng):
    x = torch.from_numpy(rng.integers(-100, bins + 100, count).astype(np.int32))
    mask = torch.from_numpy(rng.integers(0, 2, count).astype(np.int8))
    out = torch.full((bins,), -1, dtype=torch.int32)
    histogram[(1,)](x, mask, out, count, bins, num_warps=num_warps, sanitize=sanitize, **MSL)
    counted = x[(mask != 0) & (x >= 0) & (x < bins)]
    assert torch.equal(out, torch.bincount(counted, minlength=bins).int())


@triton.jit
def reduce_twice(x_ptr, out_ptr, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr, FIRST: tl.constexpr):
    i = (tl.arange(0, B)[:, None, None] * M + tl.arange(0, M)[None, :, None]) * N + tl.arange(0, N)[
        None, None, :
    ]
    sums = tl.sum(tl.load(x_ptr + i), axis=FIRST)
    tl.store(out_ptr + tl.arange(0, N if FIRST == 0 else B), tl.max(sums, axis=1 - (1 if FIRST == 0 else 0)))


@pytest.mark.parametrize("sanitize", ["", "thread"])
@pytest.mark.parametrize("num_warps", [8, 16])
@pytest.mark.parametrize("first", [0, 1])
def test_partial_results_of_many_rows(first, num_warps, sanitize, rng):
    shape = (64, 16, 32)
    x = torch.from_numpy(rng.integers(-99, 99, shape))
    out = torch.zeros(32 if first == 0 else 64, dtype=torch.int64)
    reduce_twice[(1,)](x, out, *shape, first, num_warps=num_warps, sanitize=sanitize, **MSL)
    assert torch.equal(out, x.sum(first).amax(0 if first == 0 else 1))


@triton.jit
def first_larger(a, i, b, j):
    chosen = (a > b) | ((a == b) & (i < j))
    return tl.where(chosen, a, b), tl.where(chosen, i, j)


@triton.jit
def largest_of_columns(x_ptr, value_ptr, at_ptr, M: tl.constexpr, N: tl.constexpr):
    rows = tl.arange(0, M)[:, None] + tl.zeros((M, N), tl.int32)
    i = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    value, at = tl.reduce((tl.load(x_ptr + i), rows), 0, first_larger)
    tl.store(value_ptr + tl.arange(0, N), value)
    tl.store(at_ptr + tl.arange(0, N), at)


@pytest.mark.parametrize("sanitize", ["", "thread"])
def test_partial_results_of_two_operands(sanitize, rng):
    x = torch.from_numpy(rng.integers(-9, 9, (32, 1024)))
    value, at = torch.zeros(1024, dtype=torch.int64), torch.zeros(1024, dtype=torch.int32)
    largest_of_columns[(1,)](x, value, at, 32, 1024, num_warps=16, sanitize=sanitize, **MSL)
    assert torch.equal(value, x.amax(0))
    assert np.array_equal(at.numpy(), x.numpy().argmax(0))


@triton.jit
def exchange_all(x_ptr, out_ptr, sums_ptr, M: tl.constexpr, N: tl.constexpr):
    """Scans, flips, reshapes and transposes blocks of 64 KB, in a loop."""
    i = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    x = tl.load(x_ptr + i)
    for _ in range(2):
        x = tl.flip(tl.cumsum(x, axis=0), 1)
        x = tl.reshape(tl.trans(tl.reshape(x, (N, M))), (M, N))
    tl.store(out_ptr + i, x)
    tl.store(sums_ptr + tl.arange(0, N), tl.sum(x, axis=0))


@pytest.mark.parametrize("sanitize", ["", "thread"])
@pytest.mark.parametrize("shape, num_warps", [((128, 128), 4), ((256, 64), 8)])
def test_scans_and_views(shape, num_warps, sanitize, rng):
    x = torch.from_numpy(rng.integers(-9, 9, shape).astype(np.int32))
    out, sums = torch.zeros_like(x), torch.zeros(shape[1], dtype=torch.int32)
    exchange_all[(1,)](x, out, sums, *shape, num_warps=num_warps, sanitize=sanitize, **MSL)
    want = x.numpy()
    for _ in range(2):
        want = np.cumsum(want, axis=0, dtype=np.int32)[:, ::-1]
        want = want.reshape(shape[1], shape[0]).T.reshape(shape)
    assert np.array_equal(out.numpy(), want)
    assert np.array_equal(sums.numpy(), want.sum(0, dtype=np.int32))
