# SPDX-License-Identifier: MIT
"""Matrix product with program ids grouped so that neighbouring programs share columns of B."""

import os

import torch
import triton
import triton.language as tl

from example_case import Case, main

os.environ["TRITON_BACKEND"] = "metal"


@triton.jit
def matmul_kernel(
    a_ptr,
    b_ptr,
    c_ptr,
    M,
    N,
    K,
    stride_am,
    stride_ak,
    stride_bk,
    stride_bn,
    stride_cm,
    stride_cn,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP: tl.constexpr,
):
    pid = tl.program_id(0)
    blocks_m = tl.cdiv(M, BLOCK_M)
    blocks_n = tl.cdiv(N, BLOCK_N)
    # A group is GROUP rows of blocks; within it, programs go down before they go right.
    per_group = GROUP * blocks_n
    group = pid // per_group
    first_m = group * GROUP
    rows_in_group = tl.minimum(blocks_m - first_m, GROUP)
    block_m = first_m + (pid % per_group) % rows_in_group
    block_n = (pid % per_group) // rows_in_group

    rows = block_m * BLOCK_M + tl.arange(0, BLOCK_M)
    cols = block_n * BLOCK_N + tl.arange(0, BLOCK_N)
    inner = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + rows[:, None] * stride_am + inner[None, :] * stride_ak
    b_ptrs = b_ptr + inner[:, None] * stride_bk + cols[None, :] * stride_bn

    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        left = K - start
        a = tl.load(a_ptrs, mask=(rows[:, None] < M) & (inner[None, :] < left), other=0.0)
        b = tl.load(b_ptrs, mask=(inner[:, None] < left) & (cols[None, :] < N), other=0.0)
        total = tl.dot(a, b, total)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk

    c_ptrs = c_ptr + rows[:, None] * stride_cm + cols[None, :] * stride_cn
    inside = (rows[:, None] < M) & (cols[None, :] < N)
    tl.store(c_ptrs, total.to(c_ptr.dtype.element_ty), mask=inside)


def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    (m, k), n = a.shape, b.shape[1]
    c = torch.empty((m, n), dtype=a.dtype)
    block_m, block_n, block_k = 64, 64, 32
    grid = (triton.cdiv(m, block_m) * triton.cdiv(n, block_n),)
    matmul_kernel[grid](
        a, b, c, m, n, k, *a.stride(), *b.stride(), *c.stride(),
        BLOCK_M=block_m, BLOCK_N=block_n, BLOCK_K=block_k, GROUP=4,
    )  # fmt: skip
    return c


def cases(small: bool = False) -> list[Case]:
    result = []
    m, n, k = (70, 65, 50) if small else (1000, 777, 333)
    # The rounding errors of a sum of k products add up like a random walk; f16 also rounds the result.
    for dtype, tolerance in ((torch.float32, 1e-4), (torch.float16, 1e-3)):
        generator = torch.Generator().manual_seed(0)
        a = torch.randn(m, k, generator=generator).to(dtype)
        b = torch.randn(k, n, generator=generator).to(dtype)
        result.append(
            Case(
                "matmul, grouped programs",
                f"{m}x{n}x{k} {'f32' if dtype == torch.float32 else 'f16'}",
                lambda a=a, b=b: [matmul(a, b)],
                lambda a=a, b=b: [a.double() @ b.double()],
                tolerance,
            )
        )
    return result


if __name__ == "__main__":
    raise SystemExit(main(cases()))
