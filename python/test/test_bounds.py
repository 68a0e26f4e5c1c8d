# SPDX-License-Identifier: MIT
"""Arrays that are too short, and only those, are found before any data is lost."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl

from triton_metal.errors import ArgumentError

pytestmark = pytest.mark.usefixtures("msl_engine")


@triton.jit
def masked(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@triton.jit
def grid_stride(x_ptr, out_ptr, n, B: tl.constexpr):
    for start in range(tl.program_id(0) * B, n, tl.num_programs(0) * B):
        i = start + tl.arange(0, B)
        tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@triton.jit
def moving_pointers(x_ptr, out_ptr, n, B: tl.constexpr):
    """The pointers move with the loop."""
    i = tl.arange(0, B)
    x, out = x_ptr + i, out_ptr + i
    for start in range(0, n, B):
        tl.store(out, tl.load(x, mask=i < n - start) + 1, mask=i < n - start)
        x += B
        out += B


@triton.jit
def flattened(x_ptr, out_ptr, n, B: tl.constexpr):
    """Rows of four, indexed by quotient and remainder."""
    flat = tl.program_id(0) * B + tl.arange(0, B)
    row, column = flat // 4, flat % 4
    at = row * 4 + column
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=flat < n) + 1, mask=flat < n)


@triton.jit
def clamped(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.minimum(tl.program_id(0) * B + tl.arange(0, B), n - 1)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + 1)


@triton.jit
def in_two_dimensions(x_ptr, out_ptr, n, B: tl.constexpr):
    """Rows of 8 columns, of which the last one is incomplete."""
    rows = tl.program_id(0) * (B // 8) + tl.arange(0, B // 8)
    at = rows[:, None] * 8 + tl.arange(0, 8)[None, :]
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=at < n) + 1, mask=at < n)


@triton.jit
def early_return(x_ptr, out_ptr, n, B: tl.constexpr):
    for k in range(B):
        i = tl.program_id(0) * B + k
        if i < n:
            tl.store(out_ptr + i, tl.load(x_ptr + i) + 1)


KERNELS = [masked, grid_stride, moving_pointers, flattened, clamped, in_two_dimensions, early_return]
B, N = 32, 100


def launch(kernel, x, out, n=N):
    """Launches the kernel and returns how many of its launches had each access checked so far."""
    return checked(kernel[(triton.cdiv(N, B),)](x, out, n, B=B))


def checked(compiled):
    return compiled.function.statistics()["checked_launches"]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
def test_arrays_of_the_right_size_are_not_checked(kernel):
    x, out = torch.arange(float(N)), torch.zeros(N)
    assert launch(kernel, x, out) == 0
    assert torch.equal(out, x + 1)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
@pytest.mark.parametrize("short", ["x", "out"])
@pytest.mark.parametrize("library", ["torch", "numpy", "mlx"])
def test_one_element_less_is_an_error(kernel, short, library):
    make = {
        "torch": lambda n: torch.full((n,), 2.0),
        "numpy": lambda n: np.full(n, 2.0, np.float32),
        "mlx": lambda n: mx.full((n,), 2.0),
    }[library]
    x, out = make(N - (short == "x")), make(N - (short == "out"))
    with pytest.raises(ArgumentError, match=rf"index 99 of argument '{short}_ptr'"):
        launch(kernel, x, out)
    for array in (x, out):
        assert array.tolist() == [2.0] * len(array), "what was stored is taken back"


def test_the_rest_of_the_allocation_may_be_used():
    storage, out = torch.arange(200.0), torch.zeros(N)
    assert launch(masked, storage[50:60], out) == 0
    assert torch.equal(out, storage[50:150] + 1)
    with pytest.raises(ArgumentError, match="x_ptr"):
        launch(masked, storage[101:], out)


def test_both_arguments_in_one_allocation_are_restored():
    storage = torch.arange(150.0)
    with pytest.raises(ArgumentError, match="out_ptr"):
        launch(masked, storage, storage[51:])
    assert torch.equal(storage, torch.arange(150.0))


@triton.jit
def hashed(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    at = ((i * 1640531527) >> 8) % n
    at = tl.where(at < 0, at + n, at)
    tl.store(out_ptr + i, tl.load(x_ptr + at, mask=i < n), mask=i < n)


def test_a_hashed_index_stays_inside_of_its_remainder():
    x, out = torch.arange(float(N)), torch.zeros(N)
    assert launch(hashed, x, out) == 0
    i = np.arange(N, dtype=np.int64) * 1640531527
    wrapped = ((i + 2**31) % 2**32 - 2**31) >> 8
    assert np.array_equal(out.numpy(), wrapped % N)
    with pytest.raises(ArgumentError, match="x_ptr"):
        launch(hashed, x[: N // 2].clone(), out)


@triton.jit
def neighbours(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + (i ^ 1), mask=i < n), mask=i < n)


def test_what_cannot_be_shown_is_checked_and_right():
    x, out = torch.arange(float(N)), torch.zeros(N)
    assert launch(neighbours, x, out) == 1
    assert launch(neighbours, x, out) == 2
    assert torch.equal(out, torch.from_numpy(np.arange(N) ^ 1).float())
    with pytest.raises(ArgumentError, match=r"index 9[89] of argument 'x_ptr'"):
        launch(neighbours, x[:98].clone(), out)


@triton.jit
def gathered(x_ptr, index_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    at = tl.load(index_ptr + i, mask=i < n, other=0)
    tl.store(out_ptr + i, tl.load(x_ptr + at, mask=i < n), mask=i < n)


def test_indices_from_memory_are_not_judged():
    x, out = torch.randn(10), torch.zeros(N)
    index = torch.randint(0, 10, (N,), dtype=torch.int32)
    grid = (triton.cdiv(N, B),)
    assert checked(gathered[grid](x, index, out, N, B=B)) == 0
    assert torch.equal(out, x[index.long()])
    with pytest.raises(ArgumentError, match="index_ptr"):
        gathered[grid](x, index[:-1].clone(), out, N, B=B)


def test_a_changing_size_is_no_new_program():
    x, out = torch.arange(1000.0), torch.zeros(1000)
    masked[(32,)](x, out, 999, B=B)
    for n in range(3, 1000, 5):
        out.zero_()
        compiled = masked[(triton.cdiv(n, B),)](x[:n].clone(), out, n, B=B)
        assert torch.equal(out[:n], x[:n] + 1)
        assert checked(compiled) == 0
