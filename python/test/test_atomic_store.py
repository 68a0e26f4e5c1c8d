# SPDX-License-Identifier: MIT
"""A kernel that only stores atomically stores: its argument is guarded like any other that changes."""

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl

from triton_metal import _core
from triton_metal.errors import ArgumentError, UnsupportedError

N = 64


@triton.jit
def publish(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.atomic_store(out_ptr + i, x + 1, mask=i < n, sem="relaxed")


@triton.jit
def one_flag(flag_ptr):
    tl.atomic_store(flag_ptr, 1, sem="release")


def launch(x, out, n=N, block=N):
    return publish[(triton.cdiv(n, block),)](x, out, n, B=block)


def test_it_is_known_to_be_stored(msl_engine):
    x, out = np.arange(N, dtype=np.int32), np.zeros(N, np.int32)
    kernel = launch(x, out)
    assert out.tolist() == (x + 1).tolist()
    assert kernel.function.stored == [False, True, False]
    assert one_flag[(1,)](torch.zeros(1, dtype=torch.int32)).function.stored == [True]


def test_memory_that_must_not_be_written_is_refused(msl_engine):
    x, out = np.arange(N, dtype=np.int32), np.zeros(N, np.int32)
    out.flags.writeable = False
    with pytest.raises(ArgumentError, match="read-only"):
        launch(x, out)
    assert not out.any()
    x.flags.writeable = False
    target = np.zeros(N, np.int32)
    launch(x, target)
    assert target.tolist() == (x + 1).tolist()


def test_arguments_that_overlap_have_equal_groups(msl_engine):
    storage = torch.zeros(2 * N, dtype=torch.int32)
    kernel = launch(storage[:N].clone(), torch.zeros(N, dtype=torch.int32))
    from_start, shifted = (_core.HostBuffer(4096 + at, 4096 + at, 256, False, None) for at in (0, 16))
    assert kernel.function.alias_groups([from_start, shifted, N]) == [0, 0]
    # The whole block is read before any of it is stored.
    storage[:] = torch.arange(2 * N)
    launch(storage, storage[1:])
    assert storage[1 : N + 1].tolist() == list(range(1, N + 1))


def test_an_array_that_somebody_still_reads_keeps_its_value(msl_engine):
    x, out = mx.arange(N, dtype=mx.int32), mx.zeros(N, mx.int32)
    mx.eval(x, out)
    before = mx.stop_gradient(out)  # the same buffer
    mx.eval(before)
    launch(x, out)
    assert out.tolist() == list(range(1, N + 1))
    assert before.tolist() == [0] * N


@pytest.mark.parametrize("library", ["torch", "numpy", "mlx"])
def test_what_was_stored_is_taken_back(msl_engine, library):
    make = {
        "torch": lambda n: torch.full((n,), 2, dtype=torch.int32),
        "numpy": lambda n: np.full(n, 2, np.int32),
        "mlx": lambda n: mx.full((n,), 2, mx.int32),
    }[library]
    x, out = make(N), make(N - 1)
    with pytest.raises(ArgumentError, match="index 63 of argument 'out_ptr'"):
        launch(x, out, block=32)
    assert out.tolist() == [2] * (N - 1)


def test_the_mlx_engine_refuses_it(mlx_engine):
    with pytest.raises(UnsupportedError, match="atomic_store"):
        launch(torch.zeros(N, dtype=torch.int32), torch.zeros(N, dtype=torch.int32))
