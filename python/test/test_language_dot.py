# SPDX-License-Identifier: MIT
"""Matrix products of blocks: shapes, types, accumulators and whole kernels."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from reference import assert_close, assert_same, from_torch, random_values, to_torch


@triton.jit
def block_dot(
    a_ptr,
    b_ptr,
    c_ptr,
    M: tl.constexpr,
    N: tl.constexpr,
    K: tl.constexpr,
    PRECISION: tl.constexpr,
    OUT: tl.constexpr,
):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    a = tl.load(a_ptr + m[:, None] * K + k[None, :])
    b = tl.load(b_ptr + k[:, None] * N + n[None, :])
    c = tl.dot(a, b, input_precision=PRECISION, out_dtype=OUT)
    tl.store(c_ptr + m[:, None] * N + n[None, :], c)


@pytest.mark.parametrize("shape", [(16, 16, 16), (32, 16, 64), (16, 128, 32), (64, 64, 16)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_float_dot(dtype, shape, rng):
    m, n, k = shape
    a, b = random_values(dtype, m * k, rng).reshape(m, k), random_values(dtype, k * n, rng).reshape(k, n)
    out = torch.zeros(m, n)
    block_dot[(1,)](
        to_torch(a, dtype), to_torch(b, dtype), out, M=m, N=n, K=k, PRECISION="ieee", OUT=tl.float32
    )
    scale = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert_close(out.numpy() / scale, exact / scale, 0, atol=1e-6)


def test_float64_dot(rng):
    a, b = (random_values("float64", 256, rng).reshape(16, 16) for _ in range(2))
    out = torch.zeros(16, 16, dtype=torch.float64)
    block_dot[(1,)](
        torch.from_numpy(a), torch.from_numpy(b), out, M=16, N=16, K=16, PRECISION="ieee", OUT=tl.float64
    )
    assert_close(out.numpy(), a @ b, 1e-12, atol=1e-12)


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_input_precision(precision, rng):
    a, b = (random_values("float32", 32 * 32, rng).reshape(32, 32) for _ in range(2))
    out = torch.zeros(32, 32)
    block_dot[(1,)](
        torch.from_numpy(a), torch.from_numpy(b), out, M=32, N=32, K=32, PRECISION=precision, OUT=tl.float32
    )
    scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    # Factors may be rounded to the ten mantissa bits of TF32, but not with "ieee".
    allowed = 1e-6 if precision == "ieee" else 2.0**-9
    assert_close(out.numpy() / scale, (a.astype(np.float64) @ b) / scale, 0, atol=allowed)


@pytest.mark.parametrize("k", [32, 1024, 2048])
def test_int8_dot_is_exact(k, rng):
    """Beyond K = 1024, a sum of products no longer fits the 24 bits of a float32 mantissa."""
    a, b = rng.integers(-128, 128, (16, k)).astype(np.int8), rng.integers(-128, 128, (k, 16)).astype(np.int8)
    a[0], b[:, 0] = -128, -128
    a[1], b[:, 1] = 127, -127
    out = torch.zeros(16, 16, dtype=torch.int32)
    block_dot[(1,)](
        torch.from_numpy(a), torch.from_numpy(b), out, M=16, N=16, K=k, PRECISION="ieee", OUT=tl.int32
    )
    assert_same(out.numpy(), a.astype(np.int32) @ b.astype(np.int32))


@triton.jit
def dot_accumulate(a_ptr, b_ptr, c_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    out = tl.dot(tl.load(a_ptr + at), tl.load(b_ptr + at), acc=tl.load(c_ptr + at), input_precision="ieee")
    tl.store(out_ptr + at, out)


def test_accumulator_argument(rng):
    a, b, c = (torch.from_numpy(rng.standard_normal((16, 16)).astype(np.float32)) for _ in range(3))
    out = torch.zeros(16, 16)
    dot_accumulate[(1,)](a, b, c, out, N=16)
    torch.testing.assert_close(out, a @ b + c, rtol=1e-5, atol=1e-5)
    i8 = [torch.from_numpy(rng.integers(-128, 128, (16, 16)).astype(np.int8)) for _ in range(2)]
    big = torch.full((16, 16), 2**31 - 5, dtype=torch.int32)
    total = torch.zeros(16, 16, dtype=torch.int32)
    dot_accumulate[(1,)](*i8, big, total, N=16)
    with np.errstate(all="ignore"):
        want = i8[0].numpy().astype(np.int32) @ i8[1].numpy().astype(np.int32) + big.numpy()
    assert_same(total.numpy(), want)


@triton.jit
def batch_dot(a_ptr, b_ptr, c_ptr, B: tl.constexpr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    batch, m, n, k = tl.arange(0, B), tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    a = tl.load(a_ptr + (batch[:, None, None] * M + m[None, :, None]) * K + k[None, None, :])
    b = tl.load(b_ptr + (batch[:, None, None] * K + k[None, :, None]) * N + n[None, None, :])
    c = tl.dot(a, b, input_precision="ieee")
    tl.store(c_ptr + (batch[:, None, None] * M + m[None, :, None]) * N + n[None, None, :], c)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_batched_dot(dtype, rng):
    a, b = random_values(dtype, 4 * 16 * 32, rng), random_values(dtype, 4 * 32 * 16, rng)
    a, b = a.reshape(4, 16, 32), b.reshape(4, 32, 16)
    out = torch.zeros(4, 16, 16)
    batch_dot[(1,)](to_torch(a, dtype), to_torch(b, dtype), out, B=4, M=16, N=16, K=32)
    assert_close(
        out.numpy(),
        a.astype(np.float64) @ b.astype(np.float64),
        1e-4,
        atol=1e-2 if dtype == "float16" else 1e-3,
    )


@triton.jit
def dot_of_transposes(a_ptr, b_ptr, c_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    tl.store(c_ptr + at, tl.dot(tl.trans(tl.load(a_ptr + at)), tl.load(b_ptr + at).T, input_precision="ieee"))


def test_transposed_factors(rng):
    a, b = (torch.from_numpy(rng.standard_normal((32, 32)).astype(np.float32)) for _ in range(2))
    out = torch.zeros(32, 32)
    dot_of_transposes[(1,)](a, b, out, N=32)
    torch.testing.assert_close(out, a.T @ b.T, rtol=1e-5, atol=1e-5)


@triton.jit
def grouped_matmul(
    a_ptr, b_ptr, scale_ptr, c_ptr,
    M, N, K,
    stride_am, stride_ak, stride_bk, stride_bn, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP: tl.constexpr,
):  # fmt: skip
    pid = tl.program_id(0)
    rows, columns = tl.cdiv(M, BLOCK_M), tl.cdiv(N, BLOCK_N)
    in_group = GROUP * columns
    first = pid // in_group * GROUP
    size = min(rows - first, GROUP)
    pid_m = first + (pid % in_group) % size
    pid_n = (pid % in_group) // size
    m = pid_m * BLOCK_M + tl.arange(0, BLOCK_M)
    n = pid_n * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + m[:, None] * stride_am + k[None, :] * stride_ak
    b_ptrs = b_ptr + k[:, None] * stride_bk + n[None, :] * stride_bn
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for step in range(0, tl.cdiv(K, BLOCK_K)):
        left = K - step * BLOCK_K
        a = tl.load(a_ptrs, mask=(m[:, None] < M) & (k[None, :] < left), other=0.0)
        b = tl.load(b_ptrs, mask=(k[:, None] < left) & (n[None, :] < N), other=0.0)
        total += tl.dot(a, b, input_precision="ieee") * tl.load(scale_ptr + step)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk
    c_ptrs = c_ptr + m[:, None] * stride_cm + n[None, :] * stride_cn
    tl.store(c_ptrs, total.to(c_ptr.dtype.element_ty), mask=(m[:, None] < M) & (n[None, :] < N))


@pytest.mark.parametrize(
    ("shape", "blocks"),
    [((1000, 777, 333), (64, 64, 32)), ((65, 31, 100), (16, 16, 16)), ((1, 1, 1), (16, 16, 16))],
)
@pytest.mark.parametrize("transposed", [False, True])
def test_grouped_matmul_with_a_scale_per_step(transposed, shape, blocks, rng):
    m, n, k = shape
    bm, bn, bk = blocks
    a = torch.from_numpy(rng.standard_normal((m, k)).astype(np.float32))
    b = torch.from_numpy(rng.standard_normal((n, k) if transposed else (k, n)).astype(np.float32))
    b = b.T if transposed else b
    scale = torch.from_numpy(rng.uniform(0.5, 2, triton.cdiv(k, bk)).astype(np.float32))
    c = torch.full((m, n), -7.0)
    grid = (triton.cdiv(m, bm) * triton.cdiv(n, bn),)
    grouped_matmul[grid](
        a,
        b,
        scale,
        c,
        m,
        n,
        k,
        *a.stride(),
        *b.stride(),
        *c.stride(),
        BLOCK_M=bm,
        BLOCK_N=bn,
        BLOCK_K=bk,
        GROUP=8,
    )
    factors = scale.double().repeat_interleave(bk)[:k]
    want = (a.double() * factors) @ b.double()
    torch.testing.assert_close(c.double(), want, rtol=1e-4, atol=2e-4)


@triton.jit
def narrow_accumulator(a_ptr, b_ptr, c_ptr, steps, N: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    total = tl.zeros((N, N), dtype=tl.float16)
    for step in range(steps):
        a = tl.load(a_ptr + step * N * N + at)
        b = tl.load(b_ptr + step * N * N + at)
        total = (total + tl.dot(a, b, input_precision="ieee")).to(tl.float16)
    tl.store(c_ptr + at, total)


def test_rounding_of_a_narrow_accumulator_at_every_step(rng):
    """The sum is rounded to float16 in each iteration, unlike in one long product."""
    steps, n = 6, 16
    a, b = (rng.integers(-8, 9, (steps, n, n)).astype(np.float16) for _ in range(2))
    a = a * np.float16(16)
    c = torch.zeros(n, n, dtype=torch.float16)
    narrow_accumulator[(1,)](torch.from_numpy(a), torch.from_numpy(b), c, steps, N=n)
    want = np.zeros((n, n), np.float16)
    for step in range(steps):
        product = a[step].astype(np.float32) @ b[step].astype(np.float32)
        want = (want.astype(np.float32) + product).astype(np.float16)
    assert_same(c.numpy(), want)


@triton.jit
def attention_forward(
    q_ptr, k_ptr, v_ptr, o_ptr, length, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr
):
    head = tl.program_id(1) * length * D
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    q = tl.load(q_ptr + head + m[:, None] * D + d[None, :], mask=m[:, None] < length, other=0.0)
    peak = tl.full((BM,), -float("inf"), tl.float32)
    weight = tl.zeros((BM,), tl.float32)
    total = tl.zeros((BM, D), tl.float32)
    for start in range(0, (tl.program_id(0) + 1) * BM, BN):
        n = start + tl.arange(0, BN)
        k = tl.load(k_ptr + head + n[None, :] * D + d[:, None], mask=n[None, :] < length, other=0.0)
        score = tl.dot(q, k, input_precision="ieee") * scale
        score = tl.where((m[:, None] >= n[None, :]) & (n[None, :] < length), score, -1.0e30)
        new_peak = tl.maximum(peak, tl.max(score, 1))
        p = tl.exp(score - new_peak[:, None])
        fade = tl.exp(peak - new_peak)
        weight = weight * fade + tl.sum(p, 1)
        v = tl.load(v_ptr + head + n[:, None] * D + d[None, :], mask=n[:, None] < length, other=0.0)
        total = total * fade[:, None] + tl.dot(p, v, input_precision="ieee")
        peak = new_peak
    tl.store(o_ptr + head + m[:, None] * D + d[None, :], total / weight[:, None], mask=m[:, None] < length)


@pytest.mark.parametrize("length", [16, 70])
def test_causal_attention(length, rng):
    heads, d = 3, 16
    q, k, v = (torch.from_numpy(rng.standard_normal((heads, length, d)).astype(np.float32)) for _ in range(3))
    out = torch.zeros_like(q)
    grid = (triton.cdiv(length, 32), heads)
    attention_forward[grid](q, k, v, out, length, d**-0.5, D=d, BM=32, BN=16)
    want = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(out, want, rtol=1e-4, atol=1e-5)


def test_dot_keeps_nan_and_infinity():
    a = torch.zeros(16, 16)
    b = torch.ones(16, 16)
    a[0, 0], a[1, 1], a[2, 2] = float("nan"), float("inf"), -float("inf")
    b[1, 3] = 0.0
    out = torch.zeros(16, 16)
    block_dot[(1,)](a, b, out, M=16, N=16, K=16, PRECISION="ieee", OUT=tl.float32)
    with np.errstate(all="ignore"):
        assert_same(from_torch(out), a.numpy() @ b.numpy(), zero_sign=False)


@pytest.mark.parametrize("dtype", ["float8e5", "float8e4nv"])
def test_dot_of_eight_bit_floats(dtype, rng):
    a, b = (random_values(dtype, 32 * 32, rng, tame=True).reshape(32, 32) for _ in range(2))
    out = torch.zeros(32, 32)
    block_dot[(1,)](
        to_torch(a, dtype), to_torch(b, dtype), out, M=32, N=32, K=32, PRECISION="ieee", OUT=tl.float32
    )
    assert_close(out.numpy(), a.astype(np.float64) @ b, 1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 16, 16), (16, 1, 16), (2, 4, 8), (1, 1, 1), (128, 1, 2)])
def test_small_dots(shape, rng):
    m, n, k = shape
    a, b = (rng.integers(-9, 9, s).astype(np.float32) for s in ((m, k), (k, n)))
    out = torch.zeros(m, n)
    block_dot[(1,)](
        torch.from_numpy(a), torch.from_numpy(b), out, M=m, N=n, K=k, PRECISION="ieee", OUT=tl.float32
    )
    assert_same(out.numpy(), a @ b, zero_sign=False)


def test_dot_with_a_narrow_result(rng):
    a, b = (random_values("float16", 256, rng, tame=True).reshape(16, 16) for _ in range(2))
    out = torch.zeros(16, 16, dtype=torch.float16)
    block_dot[(1,)](
        torch.from_numpy(a), torch.from_numpy(b), out, M=16, N=16, K=16, PRECISION="ieee", OUT=tl.float16
    )
    exact = a.astype(np.float64) @ b
    assert_close(out.numpy(), exact, 2e-3, atol=1e-2)


@triton.jit
def split_k(a_ptr, b_ptr, c_ptr, K, N: tl.constexpr, BLOCK: tl.constexpr):
    i, k = tl.arange(0, N), tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    a = tl.load(a_ptr + i[:, None] * K + k[None, :], mask=k[None, :] < K, other=0.0)
    b = tl.load(b_ptr + k[:, None] * N + i[None, :], mask=k[:, None] < K, other=0.0)
    tl.atomic_add(c_ptr + i[:, None] * N + i[None, :], tl.dot(a, b, input_precision="ieee"))


def test_split_over_k_with_atomics(rng):
    a, b = (rng.integers(-5, 5, s).astype(np.float32) for s in ((16, 100), (100, 16)))
    c = torch.zeros(16, 16)
    split_k[(7,)](torch.from_numpy(a), torch.from_numpy(b), c, 100, N=16, BLOCK=16)
    assert_same(c.numpy(), a @ b, zero_sign=False)
