# SPDX-License-Identifier: MIT
"""Batches of matrix products, narrow accumulators, and operands that are larger than threadgroup memory.

Factors are small integers, so that sums are exact in float32 and every result is known to the bit."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from reference import assert_same

TYPES = {
    "float16": (torch.float16, tl.float16),
    "bfloat16": (torch.bfloat16, tl.bfloat16),
    "float32": (torch.float32, tl.float32),
    "float64": (torch.float64, tl.float64),
    "int8": (torch.int8, tl.int8),
    "int32": (torch.int32, tl.int32),
    "float8e5": (torch.float8_e5m2, tl.float8e5),
}


@triton.jit
def load_batch(ptr, B: tl.constexpr, R: tl.constexpr, C: tl.constexpr, TRANSPOSED: tl.constexpr):
    """B blocks of R by C, or one if B is 0. Memory holds them transposed if wanted."""
    r, c = tl.arange(0, C if TRANSPOSED else R), tl.arange(0, R if TRANSPOSED else C)
    at = r[:, None] * (R if TRANSPOSED else C) + c[None, :]
    if B == 0:
        block = tl.load(ptr + at)
        if TRANSPOSED:
            block = tl.trans(block)
    else:
        block = tl.load(ptr + tl.arange(0, B)[:, None, None] * (R * C) + at[None, :, :])
        if TRANSPOSED:
            block = tl.permute(block, (0, 2, 1))
    return block


@triton.jit
def store_batch(ptr, value, B: tl.constexpr, R: tl.constexpr, C: tl.constexpr):
    at = tl.arange(0, R)[:, None] * C + tl.arange(0, C)[None, :]
    if B == 0:
        tl.store(ptr + at, value)
    else:
        tl.store(ptr + tl.arange(0, B)[:, None, None] * (R * C) + at[None, :, :], value)


@triton.jit
def add_products(
    a_ptr, b_ptr, c_ptr, out_ptr, steps,
    B: tl.constexpr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr, OUT: tl.constexpr,
    A_TRANSPOSED: tl.constexpr, B_TRANSPOSED: tl.constexpr, FROM_ZERO: tl.constexpr,
):  # fmt: skip
    """Adds a product in each step of a loop, to zero or to `c`."""
    count: tl.constexpr = 1 if B == 0 else B
    if FROM_ZERO:
        total = tl.zeros((M, N) if B == 0 else (B, M, N), OUT)
    else:
        total = load_batch(c_ptr, B, M, N, False)
    for step in range(steps):
        a = load_batch(a_ptr + step * (count * M * K), B, M, K, A_TRANSPOSED)
        b = load_batch(b_ptr + step * (count * K * N), B, K, N, B_TRANSPOSED)
        total = tl.dot(a, b, acc=total, input_precision="ieee", out_dtype=OUT)
    store_batch(out_ptr, total, B, M, N)


def integers(shape: tuple[int, ...], bound: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-bound, bound + 1, shape).astype(np.float64)


def run_loop(shape, dtype, out_dtype, rng, *, batch=0, steps=2, transposed="", from_zero=False, num_warps=4):
    m, n, k = shape
    lead = (batch,) if batch else ()
    bound = 6 if dtype == "float8e5" else 24
    a, b = integers((steps, *lead, m, k), bound, rng), integers((steps, *lead, k, n), bound, rng)
    if dtype == "float8e5":
        a, b = (torch.from_numpy(x).to(torch.float8_e5m2).to(torch.float64).numpy() for x in (a, b))
    c = integers((*lead, m, n), 99, rng) * (not from_zero)
    out = torch.zeros((*lead, m, n), dtype=TYPES[out_dtype][0])

    def in_memory(x, swapped):
        x = np.ascontiguousarray(np.swapaxes(x, -1, -2)) if swapped else x
        return torch.from_numpy(x).to(TYPES[dtype][0])

    add_products[(1,)](
        in_memory(a, "a" in transposed),
        in_memory(b, "b" in transposed),
        torch.from_numpy(c).to(TYPES[out_dtype][0]),
        out,
        steps,
        B=batch,
        M=m,
        N=n,
        K=k,
        OUT=TYPES[out_dtype][1],
        A_TRANSPOSED="a" in transposed,
        B_TRANSPOSED="b" in transposed,
        FROM_ZERO=from_zero,
        num_warps=num_warps,
    )
    want = c.astype(out_dtype)
    for step in range(steps):
        want = (want + a[step] @ b[step]).astype(out_dtype)
    assert_same(out.numpy(), want, zero_sign=False)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((16, 16, 16), {}),  # fragments
        ((32, 16, 64), {"from_zero": True, "steps": 5}),
        ((16, 32, 32), {"transposed": "ab"}),
        ((4, 16, 32), {}),  # too flat for fragments
        ((4, 4, 32), {"batch": 4, "from_zero": True}),
        ((16, 16, 32), {"batch": 4}),
        ((128, 128, 128), {"steps": 1}),  # in slices
        ((64, 64, 128), {"batch": 2, "num_warps": 8}),
    ],
)
def test_half_precision_sums_are_rounded_once_for_each_product(shape, options, rng):
    run_loop(shape, "float16", "float16", rng, **options)


def test_half_precision_sums_of_eight_bit_floats(rng):
    run_loop((16, 16, 64), "float8e5", "float16", rng)


def test_half_precision_sums_of_random_numbers(rng):
    """Half an ulp of float16, and the rounding of the sum in float32."""
    m, n, k = 32, 32, 64
    a, b = (rng.standard_normal(shape).astype(np.float16) for shape in ((1, m, k), (1, k, n)))
    c = rng.standard_normal((m, n)).astype(np.float16)
    out = torch.zeros(m, n, dtype=torch.float16)
    add_products[(1,)](
        torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c), out, 1,
        B=0, M=m, N=n, K=k, OUT=tl.float16, A_TRANSPOSED=False, B_TRANSPOSED=False, FROM_ZERO=False,
    )  # fmt: skip
    a, b, c = (x.astype(np.float64) for x in (a[0], b[0], c))
    want, size = c + a @ b, np.abs(c) + np.abs(a) @ np.abs(b)
    allowed = np.spacing(np.abs(want).astype(np.float16)).astype(np.float64) / 2 + (k + 1) * 2.0**-24 * size
    assert np.all(np.abs(out.numpy().astype(np.float64) - want) <= allowed)


@pytest.mark.parametrize(("dtype", "out_dtype"), [("float64", "float64"), ("int8", "int32")])
@pytest.mark.parametrize("batch", [0, 2])
def test_wide_sums(dtype, out_dtype, batch, rng):
    run_loop((16, 16, 32), dtype, out_dtype, rng, batch=batch)


@pytest.mark.parametrize(
    ("shape", "dtype", "options"),
    [
        # On fragments, a SIMD group has several matrices of the batch, one, or a part of one.
        ((16, 16, 16), "float32", {"batch": 8}),
        ((16, 64, 32), "float16", {"batch": 4, "transposed": "a"}),
        ((32, 32, 32), "bfloat16", {"batch": 2, "num_warps": 8, "transposed": "b"}),
        ((64, 8, 16), "float32", {"batch": 2, "num_warps": 8, "from_zero": True, "transposed": "ab"}),
        ((16, 16, 16), "float16", {"batch": 1, "num_warps": 8, "from_zero": True}),
        # Operands of 64 KB and more, which pass in slices.
        ((64, 64, 64), "float32", {"batch": 4, "steps": 1}),
        ((64, 128, 128), "float16", {"batch": 4, "steps": 1, "transposed": "ab"}),
        ((128, 64, 128), "int8", {"batch": 8, "steps": 1, "transposed": "a"}),
        ((128, 128, 32), "float32", {"steps": 1, "transposed": "ab"}),
        # Slices as thin as fragments do not fit either.
        ((128, 128, 16), "float32", {"batch": 8, "steps": 1, "transposed": "b"}),
    ],
)
def test_batched_products(shape, dtype, options, rng):
    run_loop(shape, dtype, "int32" if dtype == "int8" else "float32", rng, **options)


@triton.jit
def two_products(
    a_ptr, b_ptr, v_ptr, out_ptr, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr
):
    """An operand is loaded, computed from a transposed block, or the result of another product."""
    a, b = load_batch(a_ptr, B, M, K, False), load_batch(b_ptr, B, K, N, True)
    scores = tl.dot(a, b * 2, input_precision="ieee")
    v = load_batch(v_ptr, B, N, K, False)
    store_batch(out_ptr, tl.dot(scores + 1, v, acc=a, input_precision="ieee"), B, M, K)


@pytest.mark.parametrize(("batch", "size"), [(0, 32), (2, 32), (0, 128), (4, 64)])
def test_operands_that_are_computed(batch, size, rng):
    lead = (batch,) if batch else ()
    a, b, v = (integers((*lead, size, size), 3, rng).astype(np.float32) for _ in range(3))
    out = torch.zeros(*lead, size, size)
    b_in_memory = np.ascontiguousarray(np.swapaxes(b, -1, -2))
    tensors = (torch.from_numpy(x) for x in (a, b_in_memory, v))
    two_products[(1,)](*tensors, out, B=batch, M=size, N=size, K=size)
    assert_same(out.numpy(), (a @ (b * 2) + 1) @ v + a, zero_sign=False)


@triton.jit
def transpose(x_ptr, out_ptr, R: tl.constexpr, C: tl.constexpr):
    x = load_batch(x_ptr, 0, R, C, True)
    store_batch(out_ptr, x + x, 0, R, C)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("shape", [(128, 256), (512, 64)])
def test_blocks_that_are_larger_than_threadgroup_memory(dtype, shape, rng):
    x = torch.from_numpy(integers(shape, 60, rng)).to(TYPES[dtype][0])
    out = torch.zeros(shape[::-1], dtype=x.dtype)
    transpose[(1,)](x, out, R=shape[1], C=shape[0])
    assert torch.equal(out, 2 * x.T)
