# SPDX-License-Identifier: MIT
"""Operations that only move elements, against NumPy."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from generated import PRELUDE, load_source
from reference import assert_same, from_torch, random_values, to_torch

# Name: (shape of the input, expression of `x` and `y`, reference function of the arrays x and y).
SHAPES = {
    "reshape to rows": ((64,), "tl.reshape(x, (4, 16))", lambda x, y: x.reshape(4, 16)),
    "reshape to three axes": ((8, 16), "x.reshape(2, 4, 16)", lambda x, y: x.reshape(2, 4, 16)),
    "ravel": ((4, 8), "tl.ravel(x)", lambda x, y: x.reshape(-1)),
    "transpose": ((4, 16), "x.T", lambda x, y: x.T),
    "trans with axes": ((2, 4, 8), "tl.trans(x, (1, 2, 0))", lambda x, y: x.transpose(1, 2, 0)),
    "permute": ((2, 4, 8), "tl.permute(x, (2, 0, 1))", lambda x, y: x.transpose(2, 0, 1)),
    "permute of four axes": (
        (2, 4, 8, 2),
        "tl.permute(x, (3, 1, 0, 2))",
        lambda x, y: x.transpose(3, 1, 0, 2),
    ),
    "expand": ((16,), "tl.expand_dims(x, 0)", lambda x, y: x[None]),
    "expand twice": ((16,), "x[None, :, None]", lambda x, y: x[None, :, None]),
    "broadcast to": ((1, 16), "tl.broadcast_to(x, (8, 16))", lambda x, y: np.broadcast_to(x, (8, 16))),
    "outer sum": (
        (16,),
        "x[:, None] * 3 + y[None, :]",
        lambda x, y: x[:, None] * x.dtype.type(3) + y[None, :],
    ),
    "join": ((16,), "tl.join(x, y)", lambda x, y: np.stack([x, y], -1)),
    "join of rows": ((4, 8), "tl.join(x, y)", lambda x, y: np.stack([x, y], -1)),
    "interleave": ((16,), "tl.interleave(x, y)", lambda x, y: np.stack([x, y], -1).reshape(-1)),
    "interleave of rows": ((4, 8), "tl.interleave(x, y)", lambda x, y: np.stack([x, y], -1).reshape(4, 16)),
    "cat": ((16,), "tl.cat(x, y, can_reorder=True)", None),
    "flip": ((16,), "tl.flip(x)", lambda x, y: x[::-1]),
    "flip of columns": ((4, 8), "tl.flip(x, 1)", lambda x, y: x[:, ::-1]),
    "flip of rows": ((4, 8), "tl.flip(x, 0)", lambda x, y: x[::-1]),
    "split and join": (
        (8, 2),
        "tl.join(tl.split(x)[1], tl.split(x)[0])",
        lambda x, y: x[:, ::-1],
    ),
    "reshape after transpose": ((4, 16), "tl.reshape(x.T, (8, 8))", lambda x, y: x.T.reshape(8, 8)),
    "view of a transpose of a sum": (
        (4, 16),
        "tl.reshape(tl.trans(x + y), (4, 4, 4))",
        lambda x, y: (x + y).T.reshape(4, 4, 4),
    ),
    "single element": ((1,), "tl.reshape(x, (1, 1))", lambda x, y: x.reshape(1, 1)),
    "squeeze": ((1, 16), "tl.squeeze(x, 0)", lambda x, y: x[0]),
    "unsqueeze": ((16,), "tl.unsqueeze(x, 1)", lambda x, y: x[:, None]),
}


def offsets(shape, strides=None):
    """The source text of the row-major element offsets of a block."""
    parts, stride = [], 1
    for axis in reversed(range(len(shape))):
        index = ", ".join(":" if at == axis else "None" for at in range(len(shape)))
        parts.append(f"tl.arange(0, {shape[axis]})[{index}] * {stride}")
        stride *= shape[axis]
    return " + ".join(reversed(parts))


@pytest.mark.parametrize("dtype", ["int8", "int32", "float16", "float32", "int64"])
@pytest.mark.parametrize("case", SHAPES)
def test_shape_operation(case, dtype, rng):
    shape, expression, reference = SHAPES[case]
    count = int(np.prod(shape))
    x = random_values(dtype, count, rng, tame=True).reshape(shape)
    y = random_values(dtype, count, rng, tame=True).reshape(shape)
    want = reference(x, y) if reference else np.concatenate([x, y])
    source = (
        f"{PRELUDE}@triton.jit\ndef reshaped(a, b, c):\n"
        f"    x = tl.load(a + {offsets(shape)})\n"
        f"    y = tl.load(b + {offsets(shape)})\n"
        f"    tl.store(c + {offsets(want.shape)}, {expression})\n"
    )
    out = to_torch(np.zeros(want.shape), dtype)
    load_source(source, "shape").reshaped[(1,)](to_torch(x, dtype), to_torch(y, dtype), out)
    got = from_torch(out)
    if reference is None:
        # `cat` may reorder elements, so only the multiset counts.
        got, want = np.sort(got), np.sort(want)
    assert_same(got, np.ascontiguousarray(want))


@triton.jit
def split_parts(x_ptr, low_ptr, high_ptr, N: tl.constexpr):
    pairs = tl.load(x_ptr + tl.program_id(0) * 2 * N + tl.arange(0, 2 * N))
    low, high = tl.split(tl.reshape(pairs, (N, 2)))
    at = tl.program_id(0) * N + tl.arange(0, N)
    tl.store(low_ptr + at, low)
    tl.store(high_ptr + at, high)


def test_split_over_programs():
    x = torch.arange(5 * 32, dtype=torch.int32)
    low, high = torch.zeros(5 * 16, dtype=torch.int32), torch.zeros(5 * 16, dtype=torch.int32)
    split_parts[(5,)](x, low, high, N=16)
    assert torch.equal(low, x[0::2])
    assert torch.equal(high, x[1::2])


@triton.jit
def rope(x_ptr, cos_ptr, sin_ptr, out_ptr, HALF: tl.constexpr):
    row = tl.program_id(0)
    at = row * 2 * HALF + tl.arange(0, 2 * HALF)
    even, odd = tl.split(tl.reshape(tl.load(x_ptr + at), (HALF, 2)))
    c = tl.load(cos_ptr + row * HALF + tl.arange(0, HALF))
    s = tl.load(sin_ptr + row * HALF + tl.arange(0, HALF))
    tl.store(out_ptr + at, tl.interleave(even * c - odd * s, even * s + odd * c))


def test_rotary_embedding():
    rows, half = 7, 32
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 2 * half, generator=generator)
    angle = torch.rand(rows, half, generator=generator) * 6
    out = torch.empty_like(x)
    rope[(rows,)](x, angle.cos(), angle.sin(), out, HALF=half)
    turned = torch.view_as_complex(x.view(rows, half, 2)) * torch.polar(torch.ones_like(angle), angle)
    torch.testing.assert_close(out, torch.view_as_real(turned).reshape(rows, 2 * half), rtol=1e-5, atol=1e-5)


@triton.jit
def transpose_tiles(x_ptr, y_ptr, rows, columns, TILE: tl.constexpr):
    i = tl.program_id(0) * TILE + tl.arange(0, TILE)[:, None]
    j = tl.program_id(1) * TILE + tl.arange(0, TILE)[None, :]
    inside = (i < rows) & (j < columns)
    tile = tl.load(x_ptr + i * columns + j, mask=inside)
    k = tl.program_id(1) * TILE + tl.arange(0, TILE)[:, None]
    m = tl.program_id(0) * TILE + tl.arange(0, TILE)[None, :]
    tl.store(y_ptr + k * rows + m, tl.trans(tile), mask=(k < columns) & (m < rows))


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (37, 53), (64, 16), (5, 100)])
def test_tiled_transpose(rows, columns):
    x = torch.arange(rows * columns, dtype=torch.int32).reshape(rows, columns)
    y = torch.full((columns, rows), -1, dtype=torch.int32)
    transpose_tiles[(triton.cdiv(rows, 16), triton.cdiv(columns, 16))](x, y, rows, columns, TILE=16)
    assert torch.equal(y, x.T)
