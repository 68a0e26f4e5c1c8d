# SPDX-License-Identifier: MIT
"""Attention in one pass over keys and values. The softmax is rescaled when larger scores appear, so the
matrix of scores is never stored."""

import os

import torch
import triton
import triton.language as tl

from example_case import Case, main

os.environ["TRITON_BACKEND"] = "metal"


@triton.jit
def attention_kernel(
    q_ptr,
    k_ptr,
    v_ptr,
    out_ptr,
    scale,
    stride_head,
    stride_token,
    n_tokens,
    HEAD_DIM: tl.constexpr,
    BLOCK_Q: tl.constexpr,
    BLOCK_K: tl.constexpr,
    CAUSAL: tl.constexpr,
):
    first = tl.program_id(0) * BLOCK_Q
    head = tl.program_id(1)
    q_ptr += head * stride_head
    k_ptr += head * stride_head
    v_ptr += head * stride_head
    out_ptr += head * stride_head

    rows = first + tl.arange(0, BLOCK_Q)
    dims = tl.arange(0, HEAD_DIM)
    q_offsets = rows[:, None] * stride_token + dims[None, :]
    q = tl.load(q_ptr + q_offsets, mask=rows[:, None] < n_tokens, other=0.0)

    largest = tl.full((BLOCK_Q,), -float("inf"), dtype=tl.float32)
    weight_sum = tl.zeros((BLOCK_Q,), dtype=tl.float32)
    out = tl.zeros((BLOCK_Q, HEAD_DIM), dtype=tl.float32)
    log2_scale = scale * 1.4426950408889634  # for exp2 in place of exp

    end = n_tokens
    if CAUSAL:
        end = tl.minimum(first + BLOCK_Q, n_tokens)
    for start in range(0, end, BLOCK_K):
        keys = start + tl.arange(0, BLOCK_K)
        k = tl.load(
            k_ptr + keys[None, :] * stride_token + dims[:, None], mask=keys[None, :] < n_tokens, other=0.0
        )
        scores = tl.dot(q, k) * log2_scale
        visible = keys[None, :] < n_tokens
        if CAUSAL:
            visible = visible & (keys[None, :] <= rows[:, None])
        scores = tl.where(visible, scores, -float("inf"))

        new_largest = tl.maximum(largest, tl.max(scores, axis=1))
        correction = tl.exp2(largest - new_largest)
        weights = tl.exp2(scores - new_largest[:, None])
        weight_sum = weight_sum * correction + tl.sum(weights, axis=1)
        v = tl.load(
            v_ptr + keys[:, None] * stride_token + dims[None, :], mask=keys[:, None] < n_tokens, other=0.0
        )
        out = tl.dot(weights.to(v.dtype), v, out * correction[:, None])
        largest = new_largest

    out = out / weight_sum[:, None]
    tl.store(out_ptr + q_offsets, out.to(out_ptr.dtype.element_ty), mask=rows[:, None] < n_tokens)


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> torch.Tensor:
    """Attention over contiguous tensors of shape (heads, tokens, head dimension)."""
    heads, tokens, head_dim = q.shape
    out = torch.empty_like(q)
    grid = (triton.cdiv(tokens, 64), heads)
    attention_kernel[grid](
        q, k, v, out, head_dim**-0.5, q.stride(0), q.stride(1), tokens,
        HEAD_DIM=head_dim, BLOCK_Q=64, BLOCK_K=64, CAUSAL=causal,
    )  # fmt: skip
    return out


def cases(small: bool = False) -> list[Case]:
    heads, tokens, head_dim = (2, 100, 16) if small else (8, 500, 64)
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(heads, tokens, head_dim, generator=generator) for _ in range(3))

    def reference(causal):
        return [
            torch.nn.functional.scaled_dot_product_attention(
                q.double(), k.double(), v.double(), is_causal=causal
            )
        ]

    size = f"{heads}x{tokens}x{head_dim} f32"
    return [
        Case(
            "flash attention, causal" if causal else "flash attention",
            size,
            lambda causal=causal: [attention(q, k, v, causal)],
            lambda causal=causal: reference(causal),
            2e-5,
        )
        for causal in (False, True)
    ]


if __name__ == "__main__":
    raise SystemExit(main(cases()))
