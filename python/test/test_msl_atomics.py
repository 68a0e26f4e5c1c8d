# SPDX-License-Identifier: MIT
"""Atomics whose result is used, and locks between programs, on the msl engine."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl

MSL = {"engine": "msl"}


@triton.jit
def draw_ticket(counter_ptr, out_ptr, value):
    i = tl.atomic_add(counter_ptr, 1)
    tl.store(out_ptr + i, value + tl.program_id(0))


@pytest.mark.parametrize("programs", [1, 7, 1000])
def test_each_program_draws_another_ticket(programs):
    counter = torch.zeros(1, dtype=torch.int32)
    out = torch.full((programs + 2,), -1, dtype=torch.int32)
    draw_ticket[(programs,)](counter, out, 0, **MSL)
    assert counter.item() == programs
    assert sorted(out[:programs].tolist()) == list(range(programs))
    assert out[programs:].tolist() == [-1, -1]


@triton.jit
def draw_block_of_tickets(counter_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lane = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    zeros = tl.zeros([BLOCK], tl.int32)
    ticket = tl.atomic_add(counter_ptr + zeros, 1, mask=lane < n)
    tl.store(out_ptr + lane, ticket, mask=lane < n)


@pytest.mark.parametrize("num_warps", [1, 4, 8])
def test_each_element_draws_another_ticket(num_warps):
    n, block = 1000, 128
    counter = torch.zeros(1, dtype=torch.int32)
    out = torch.full((n,), -1, dtype=torch.int32)
    draw_block_of_tickets[(triton.cdiv(n, block),)](counter, out, n, BLOCK=block, num_warps=num_warps, **MSL)
    assert sorted(out.tolist()) == list(range(n))


@triton.jit
def add_to_each(x_ptr, old_ptr, BLOCK: tl.constexpr, RESULT: tl.constexpr):
    i = tl.arange(0, BLOCK)
    old = tl.atomic_add(x_ptr + i, 1.0)
    if RESULT:
        tl.store(old_ptr + i, old)


@pytest.mark.parametrize("result", [False, True])
@pytest.mark.parametrize("num_warps", [1, 2, 8])
def test_replicated_threads_add_once(num_warps, result):
    """In a program of 8 SIMD groups, each element of a block of 16 is held by 16 threads."""
    x, old = torch.zeros(20), torch.full((20,), -1.0)
    add_to_each[(3,)](x, old, BLOCK=16, RESULT=result, num_warps=num_warps, **MSL)
    assert x.tolist() == [3.0] * 16 + [0.0] * 4
    if result:
        assert set(old[:16].tolist()) <= {0.0, 1.0, 2.0}


@triton.jit
def add_scalar_once(x_ptr):
    tl.atomic_add(x_ptr, 1)
    tl.atomic_max(x_ptr + 1, tl.program_id(0))
    tl.atomic_min(x_ptr + 2, -tl.program_id(0))
    tl.atomic_or(x_ptr + 3, 1 << tl.program_id(0))
    tl.atomic_xor(x_ptr + 4, 1 << tl.program_id(0))


def test_scalar_atomics_happen_once_in_each_program():
    x = torch.zeros(6, dtype=torch.int32)
    add_scalar_once[(9,)](x, num_warps=8, **MSL)
    assert x.tolist() == [9, 8, -8, 511, 511, 0]


@triton.jit
def locked_increment(lock_ptr, x_ptr, USE_CAS: tl.constexpr):
    if USE_CAS:
        while tl.atomic_cas(lock_ptr, 0, 1) == 1:
            pass
    else:
        while tl.atomic_xchg(lock_ptr, 1) == 1:
            pass
    i = tl.arange(0, 8)
    tl.store(x_ptr + i, tl.load(x_ptr + i) + 1.0)
    tl.debug_barrier()
    tl.atomic_xchg(lock_ptr, 0)


@pytest.mark.parametrize("use_cas", [True, False])
@pytest.mark.parametrize("num_warps", [1, 4])
def test_a_lock_keeps_programs_apart(use_cas, num_warps):
    lock, x = torch.zeros(1, dtype=torch.int32), torch.zeros(10)
    locked_increment[(500,)](lock, x, USE_CAS=use_cas, num_warps=num_warps, **MSL)
    assert x.tolist() == [500.0] * 8 + [0.0, 0.0]
    assert lock.item() == 0


@triton.jit
def last_program_sums(x_ptr, partial_ptr, done_ptr, out_ptr, n, BLOCK: tl.constexpr, PROGRAMS: tl.constexpr):
    """Each program stores a partial sum; the last one to finish adds them up."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(partial_ptr + tl.program_id(0), tl.sum(tl.load(x_ptr + i, mask=i < n, other=0)))
    tl.debug_barrier()
    if tl.atomic_add(done_ptr, 1) == tl.num_programs(0) - 1:
        programs = tl.arange(0, PROGRAMS)
        partial = tl.load(partial_ptr + programs, mask=programs < tl.num_programs(0), other=0, volatile=True)
        tl.store(out_ptr, tl.sum(partial))


def test_the_last_program_sees_the_work_of_the_others():
    n = 10_000
    x = torch.arange(n, dtype=torch.int64)
    grid = (triton.cdiv(n, 256),)
    for _ in range(20):
        partial, done = torch.zeros(64, dtype=torch.int64), torch.zeros(1, dtype=torch.int32)
        out = torch.zeros(1, dtype=torch.int64)
        last_program_sums[grid](x, partial, done, out, n, BLOCK=256, PROGRAMS=64, **MSL)
        assert out.item() == n * (n - 1) // 2


@triton.jit
def compare_and_swap(x_ptr, expected_ptr, new_ptr, old_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    old = tl.atomic_cas(x_ptr + i, tl.load(expected_ptr + i), tl.load(new_ptr + i))
    tl.store(old_ptr + i, old)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.float32])
def test_compare_and_swap_of_a_block(dtype):
    x = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7], dtype=dtype)
    before = x.clone()
    expected = torch.tensor([0, 9, 2, 9, 4, 9, 6, 9], dtype=dtype)
    new, old = torch.arange(10, 18).to(dtype), torch.zeros(8, dtype=dtype)
    compare_and_swap[(1,)](x, expected, new, old, BLOCK=8, num_warps=8, **MSL)
    assert torch.equal(old, before)
    assert torch.equal(x, torch.where(before == expected, new, before))


def test_compare_and_swap_compares_bits():
    """A NaN must equal itself bit for bit, or a loop around the exchange would never end."""
    nan = torch.tensor([float("nan")] * 8)
    x, old = nan.clone(), torch.zeros(8)
    compare_and_swap[(1,)](x, nan, torch.ones(8), old, BLOCK=8, **MSL)
    assert x.tolist() == [1.0] * 8
    assert torch.isnan(old).all()


@triton.jit
def float_extremes(x_ptr, values_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(values_ptr + i, mask=i < n)
    zeros = tl.zeros([BLOCK], tl.int32)
    tl.atomic_max(x_ptr + zeros, value, mask=i < n)
    tl.atomic_min(x_ptr + zeros + 1, value, mask=i < n)


def test_float_maximum_and_minimum():
    values = torch.from_numpy(np.random.default_rng(0).normal(size=3000).astype(np.float32))
    x = torch.tensor([-float("inf"), float("inf")])
    float_extremes[(triton.cdiv(3000, 256),)](x, values, 3000, BLOCK=256, **MSL)
    assert x.tolist() == [values.max().item(), values.min().item()]
