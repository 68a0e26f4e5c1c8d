# SPDX-License-Identifier: MIT
"""Combine functions of reductions and scans that print, assert or write memory: once for each combination."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import triton
import triton.language as tl

from triton_metal.errors import DeviceAssertionError, UnsupportedError

MSL, MLX = {"engine": "msl"}, {"engine": "mlx"}
SHAPES = [(2, 4), (1, 64), (64, 1), (16, 256), (512, 4), (8, 1024)]


@triton.jit
def checked_add(a, b):
    tl.device_assert(a + b < 1000, "the sum is too large")
    return a + b


@triton.jit
def reduce_checked(x_ptr, out_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, AXIS: tl.constexpr):
    i = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    total = tl.reduce(tl.load(x_ptr + i), AXIS, checked_add)
    tl.store(out_ptr + tl.arange(0, COLUMNS if AXIS == 0 else ROWS), total)


@triton.jit
def scan_checked(
    x_ptr, out_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, AXIS: tl.constexpr, REVERSE: tl.constexpr
):
    i = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    tl.store(out_ptr + i, tl.associative_scan(tl.load(x_ptr + i), AXIS, checked_add, reverse=REVERSE))


@pytest.mark.parametrize("num_warps", [1, 4, 8])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_assertion_in_a_reduction(axis, shape, num_warps, rng):
    x = torch.from_numpy((rng.random(shape) < 0.1).astype(np.int32))
    out = torch.empty(x.sum(axis).shape, dtype=torch.int32)

    def run():
        reduce_checked[(1,)](x, out, *shape, axis, num_warps=num_warps, debug=True, **MSL)

    run()
    assert torch.equal(out, x.sum(axis).int())
    x[-1, -1] = 5000
    if shape[axis] == 1:
        return run()  # nothing is combined
    with pytest.raises(DeviceAssertionError, match=r"test_combine_effects.py:\d+.*the sum is too large"):
        run()


@pytest.mark.parametrize("num_warps", [1, 4])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_assertion_in_a_scan(shape, reverse, num_warps):
    """Lanes without a neighbour combine with anything, and drop it: no assertion may see that."""
    x = torch.zeros(shape, dtype=torch.int32)
    first, last = (-1, 0) if reverse else (0, -1)
    x[:, first] = 600  # which no sum exceeds; a lane without a neighbour would see it twice
    out = torch.empty_like(x)

    def run():
        scan_checked[(1,)](x, out, *shape, 1, reverse, num_warps=num_warps, debug=True, **MSL)

    run()
    assert torch.equal(out, torch.full_like(x, 600))
    x[0, last] += 500
    if shape[1] == 1:
        return
    with pytest.raises(DeviceAssertionError, match="the sum is too large"):
        run()


@triton.jit
def counted_add(a, count_a, b, count_b):
    tl.atomic_add(count_a, 1, sem="relaxed")
    return a + b, count_a


@triton.jit
def count_combinations(
    x_ptr, out_ptr, counts_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, AXIS: tl.constexpr
):
    """Each result has a counter; the pointer to it is a second operand, which all elements share."""
    row, column = tl.arange(0, ROWS)[:, None], tl.arange(0, COLUMNS)[None, :]
    i = row * COLUMNS + column
    counts = counts_ptr + (column + row * 0 if AXIS == 0 else row + column * 0)
    total, _ = tl.reduce((tl.load(x_ptr + i), counts), AXIS, counted_add)
    tl.store(out_ptr + tl.arange(0, COLUMNS if AXIS == 0 else ROWS), total)


@pytest.mark.parametrize("num_warps", [1, 4, 8])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_reduction_combines_once_less_than_it_has_elements(axis, shape, num_warps, rng):
    x = torch.from_numpy(rng.integers(-9, 9, shape).astype(np.int32))
    out = torch.empty(x.sum(axis).shape, dtype=torch.int32)
    counts = torch.zeros_like(out)
    count_combinations[(1,)](x, out, counts, *shape, axis, num_warps=num_warps, **MSL)
    assert torch.equal(out, x.sum(axis).int())
    assert torch.equal(counts, torch.full_like(counts, shape[axis] - 1))


@pytest.mark.parametrize("mode", ["address", "thread", "undefined"])
def test_effects_are_clean_in_every_check_mode(mode, rng):
    x = torch.from_numpy(rng.integers(-9, 9, (16, 64)).astype(np.int32))
    out, counts = torch.empty(16, dtype=torch.int32), torch.zeros(16, dtype=torch.int32)
    count_combinations[(1,)](x, out, counts, 16, 64, 1, sanitize=mode, **MSL)
    assert torch.equal(out, x.sum(1).int()) and counts.tolist() == [63] * 16


@triton.jit
def printed_max(a, b):
    tl.device_print("pair", a, b)
    return tl.maximum(a, b)


@triton.jit
def print_combinations(x_ptr, out_ptr, BLOCK: tl.constexpr):
    tl.store(out_ptr, tl.reduce(tl.load(x_ptr + tl.arange(0, BLOCK)), 0, printed_max))


@pytest.mark.parametrize("block", [2, 16, 128])
def test_print_in_a_reduction(block, capsys):
    x, out = torch.arange(block, dtype=torch.int32), torch.zeros(1, dtype=torch.int32)
    print_combinations[(1,)](x, out, block, **MSL)
    assert out.item() == block - 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * (block - 1)  # a line for each of the two operands
    losers = {int(line.split()[-1]) for line in lines}
    assert losers == set(range(block))


@triton.jit
def storing_add(a, at_a, b, at_b):
    if a > b:
        tl.store(at_a, 1)
    return a + b, at_a


@triton.jit
def store_while_combining(x_ptr, flags_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    total, _ = tl.reduce((tl.load(x_ptr + i), flags_ptr + i), 0, storing_add)
    tl.store(out_ptr, total)


def test_store_under_a_condition_in_a_reduction():
    x, out = torch.zeros(256, dtype=torch.int32), torch.zeros(1, dtype=torch.int32)
    flags = torch.zeros(256, dtype=torch.int32)
    store_while_combining[(1,)](x, flags, out, 256, **MSL)
    assert not flags.any() and out.item() == 0
    x[0] = 7  # larger than whatever it is combined with
    store_while_combining[(1,)](x, flags, out, 256, **MSL)
    assert flags.nonzero().flatten().tolist() == [0] and out.item() == 7


@triton.jit
def sum_with_overflow(x_ptr, out_ptr, BLOCK: tl.constexpr, SCAN: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    if SCAN:
        tl.store(out_ptr + i, tl.cumsum(x))
    else:
        tl.store(out_ptr, tl.sum(x))


@pytest.mark.parametrize("scan", [False, True])
def test_overflow_of_a_sum_is_reported_in_debug_mode(scan):
    x = torch.ones(256, dtype=torch.int32)
    out = torch.zeros(256, dtype=torch.int32)
    sum_with_overflow[(1,)](x, out, 256, scan, debug=True, sanitize_overflow=True, **MSL)
    assert out[255 if scan else 0].item() == 256
    x[:2] = 2**31 - 1
    with pytest.raises(DeviceAssertionError, match="overflow"):
        sum_with_overflow[(1,)](x, out, 256, scan, debug=True, sanitize_overflow=True, **MSL)


@triton.jit
def ticket_add(a, count_a, b, count_b):
    return a + b + tl.atomic_add(count_a, 1), count_a


@triton.jit
def reduce_with_tickets(x_ptr, count_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    total, _ = tl.reduce((tl.load(x_ptr + i), count_ptr + i * 0), 0, ticket_add)
    tl.store(out_ptr, total)


@triton.jit
def loading_add(a, at_a, b, at_b):
    return a + b + tl.load(at_a), at_a


@triton.jit
def reduce_with_loads(x_ptr, extra_ptr, out_ptr, BLOCK: tl.constexpr, STORED: tl.constexpr):
    i = tl.arange(0, BLOCK)
    total, _ = tl.reduce((tl.load(x_ptr + i), extra_ptr + i * 0), 0, loading_add)
    tl.store(out_ptr, total)
    if STORED:
        tl.store(extra_ptr, 0)


def test_a_combine_function_may_load_what_is_not_stored():
    x, extra, out = (torch.ones(n, dtype=torch.int32) for n in (128, 1, 1))
    reduce_with_loads[(1,)](x, extra, out, 128, False, **MSL)
    assert out.item() == 255
    with pytest.raises(UnsupportedError, match=r"\[tt.load\] .* cannot load what the kernel stores"):
        reduce_with_loads[(1,)](x, extra, out, 128, True, **MSL)


def test_results_of_atomics_in_combine_functions_are_refused():
    x, count, out = (torch.ones(n, dtype=torch.int32) for n in (128, 1, 1))
    with pytest.raises(UnsupportedError, match=r"\[tt.atomic_rmw\] .* cannot use the result of an atomic"):
        reduce_with_tickets[(1,)](x, count, out, 128, **MSL)


def test_the_mlx_engine_refuses_effects_in_combine_functions():
    x, out = torch.ones(8, 8, dtype=torch.int32), torch.zeros(8, dtype=torch.int32)
    with pytest.raises(UnsupportedError, match="Assertions in a kernel"):
        reduce_checked[(1,)](x, out, 8, 8, 0, debug=True, **MLX)
    with pytest.raises(UnsupportedError, match="Printing from a kernel"):
        print_combinations[(1,)](x, out, 8, **MLX)
    with pytest.raises(UnsupportedError):
        count_combinations[(1,)](x, out, out.clone(), 8, 8, 0, **MLX)
