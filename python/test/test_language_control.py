# SPDX-License-Identifier: MIT
"""Loops, branches, functions, compile-time values, tuples and aggregates."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from generated import PRELUDE, load_source
from reference import Guarded, assert_same, random_values


@triton.jit
def collatz(x_ptr, steps_ptr, peak_ptr):
    """A loop with stores whose length depends on data and differs between programs."""
    row = tl.program_id(0)
    x = tl.load(x_ptr + row)
    steps = 0
    peak = x
    while x > 1:
        if x % 2 == 0:
            x = x // 2
        else:
            x = 3 * x + 1
        peak = max(peak, x)
        steps += 1
        tl.store(steps_ptr + row, steps)
    tl.store(peak_ptr + row, peak)


def test_loop_of_data_dependent_length():
    x = np.arange(0, 60, dtype=np.int32)
    steps, peaks = Guarded(np.full(60, -1), "int32"), Guarded(np.zeros(60), "int32")
    collatz[(60,)](torch.from_numpy(x), steps.tensor, peaks.tensor)
    want_steps, want_peaks = np.full(60, -1, np.int32), np.zeros(60, np.int32)
    for row, start in enumerate(x):
        value, count, peak = int(start), 0, int(start)
        while value > 1:
            value = value // 2 if value % 2 == 0 else 3 * value + 1
            peak, count = max(peak, value), count + 1
            want_steps[row] = count
        want_peaks[row] = peak
    assert_same(steps.values(), want_steps)
    assert_same(peaks.values(), want_peaks)
    steps.check()


@triton.jit
def ragged_rows(starts_ptr, x_ptr, out_ptr, trace_ptr, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    first = tl.load(starts_ptr + row)
    last = tl.load(starts_ptr + row + 1)
    total = tl.zeros((BLOCK,), tl.float32)
    for at in range(first, last, BLOCK):
        i = at + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + i, mask=i < last, other=0)
        tl.store(trace_ptr + i, row, mask=i < last)
    tl.store(out_ptr + row, tl.sum(total))


def test_segments_of_different_length(rng):
    lengths = np.array([0, 3, 1, 40, 0, 16, 17, 100, 2])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    x = rng.integers(-9, 9, starts[-1]).astype(np.float32)
    out, trace = Guarded(np.full(9, -1.0), "float32"), Guarded(np.full(starts[-1], -1), "int32")
    ragged_rows[(9,)](torch.from_numpy(starts), torch.from_numpy(x), out.tensor, trace.tensor, BLOCK=16)
    want = [x[a:b].sum() for a, b in pairwise(starts)]
    assert_same(out.values(), np.array(want, np.float32), zero_sign=False)
    assert_same(trace.values(), np.repeat(np.arange(9), lengths).astype(np.int32))
    trace.check()


@triton.jit
def nested(out_ptr, rows, columns, limit, BLOCK: tl.constexpr):
    pid = tl.program_id(0)
    total = tl.zeros((BLOCK,), tl.int32)
    for i in range(rows):
        for j in range(i, columns, 2):
            if (i + j + pid) % 3 == 0:
                total += i * j + tl.arange(0, BLOCK)
            elif j > limit:
                total -= j
            else:
                total ^= pid
    tl.store(out_ptr + pid * BLOCK + tl.arange(0, BLOCK), total)


@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (1, 1), (5, 9), (7, 3)])
def test_nested_loops_and_branches(rows, columns):
    out = Guarded(np.zeros(6 * 8), "int32")
    nested[(6,)](out.tensor, rows, columns, 4, BLOCK=8)
    want = np.zeros((6, 8), np.int32)
    for pid in range(6):
        for i in range(rows):
            for j in range(i, columns, 2):
                if (i + j + pid) % 3 == 0:
                    want[pid] += i * j + np.arange(8, dtype=np.int32)
                elif j > 4:
                    want[pid] -= j
                else:
                    want[pid] ^= pid
    assert_same(out.values().reshape(6, 8), want)


@triton.jit
def descending_loop(out_ptr, first, last, STEP: tl.constexpr):
    total = 0
    for i in range(first, last, STEP):
        total = total * 3 + i
    tl.store(out_ptr + tl.program_id(0), total)


@pytest.mark.parametrize(
    ("first", "last", "step"), [(0, 10, 1), (3, 20, 4), (5, 5, 1), (9, 2, 1), (10, 0, -3), (4, -5, -1)]
)
def test_bounds_of_loops(first, last, step):
    out = torch.zeros(2, dtype=torch.int32)
    descending_loop[(2,)](out, first, last, STEP=step)
    total = np.int32(0)
    with np.errstate(all="ignore"):
        for i in range(first, last, step):
            total = np.int32(total * np.int32(3) + np.int32(i))
    assert out.tolist() == [int(total)] * 2


@triton.jit
def carried_values(x_ptr, out_ptr, n):
    """Fibonacci with three values that are permuted, so that their order matters."""
    a, b, c = 0, 1, 0
    for _ in range(n):
        c = a + b
        a = b
        b = c
    tl.store(out_ptr, a)
    tl.store(out_ptr + 1, b + tl.load(x_ptr))


def test_values_that_swap_in_a_loop():
    out = torch.zeros(2, dtype=torch.int32)
    carried_values[(1,)](torch.tensor([100], dtype=torch.int32), out, 20)
    assert out.tolist() == [6765, 10946 + 100]


@triton.jit
def early_return(x_ptr, out_ptr, n):
    row = tl.program_id(0)
    if row >= n:
        return
    x = tl.load(x_ptr + row)
    if x < 0:
        tl.store(out_ptr + row, -1.0)
        return
    tl.store(out_ptr + row, x * 2)


def test_early_return():
    x = torch.tensor([1.0, -3.0, 5.0, -7.0, 9.0, 11.0])
    out = torch.full((6,), 0.5)
    early_return[(6,)](x, out, 5)
    assert out.tolist() == [2.0, -1.0, 10.0, -1.0, 18.0, 0.5]


@triton.jit
def branch_on_program(x_ptr, out_ptr, BLOCK: tl.constexpr):
    pid = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    if pid == 0:
        value = tl.load(x_ptr + i)
    elif pid == 1:
        value = tl.load(x_ptr + BLOCK + i) * 2
    else:
        value = tl.full((BLOCK,), 9, tl.float32) + pid
        if pid == 3:
            value = -value
    tl.store(out_ptr + pid * BLOCK + i, value)


def test_programs_take_different_branches():
    x = torch.arange(32, dtype=torch.float32)
    out = torch.zeros(5 * 16)
    branch_on_program[(5,)](x, out, BLOCK=16)
    want = torch.stack(
        [x[:16], x[16:] * 2, torch.full((16,), 11.0), torch.full((16,), -12.0), torch.full((16,), 13.0)]
    )
    assert torch.equal(out.view(5, 16), want)


@triton.jit
def guarded_read(x_ptr, valid_ptr, out_ptr, n):
    """In the programs that do not take the branch, the address is far outside of the buffer."""
    row = tl.program_id(0)
    value = -1
    if tl.load(valid_ptr + row) != 0:
        value = tl.load(x_ptr + row)
    offset = row * 100000000
    if row == 0:
        value += tl.load(x_ptr + offset)
    tl.store(out_ptr + row, value)


def test_lanes_that_are_off_do_not_read(rng):
    x = random_values("int32", 8, rng, tame=True)
    valid = np.array([1, 0, 1, 1, 0, 1, 0, 1], np.int32)
    out = torch.zeros(8, dtype=torch.int32)
    guarded_read[(8,)](torch.from_numpy(x), torch.from_numpy(valid), out, 8)
    want = np.where(valid != 0, x, np.int32(-1))
    want[0] += x[0]
    assert_same(out.numpy(), want)


@triton.jit
def bisect(table_ptr, keys_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    key = tl.load(keys_ptr + i)
    low = tl.zeros((BLOCK,), tl.int32)
    high = tl.zeros((BLOCK,), tl.int32) + n
    while tl.max(high - low) > 0:
        middle = (low + high) // 2
        open_ = low < high
        value = tl.load(table_ptr + middle, mask=open_, other=0)
        go_right = open_ & (value < key)
        low = tl.where(go_right, middle + 1, low)
        high = tl.where(open_ & ~go_right, middle, high)
    tl.store(out_ptr + i, low)


def test_binary_search(rng):
    table = np.sort(rng.integers(0, 1000, 77)).astype(np.int32)
    keys = rng.integers(-5, 1010, 64).astype(np.int32)
    out = torch.zeros(64, dtype=torch.int32)
    bisect[(4,)](torch.from_numpy(table), torch.from_numpy(keys), out, 77, BLOCK=16)
    assert_same(out.numpy(), np.searchsorted(table, keys).astype(np.int32))


@triton.jit
def mandelbrot(out_ptr, width, limit, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    cx = -2.0 + column * (3.0 / BLOCK)
    cy = -1.0 + row * 0.25
    x = tl.zeros((BLOCK,), tl.float32)
    y = tl.zeros((BLOCK,), tl.float32)
    count = tl.zeros((BLOCK,), tl.int32)
    step = 0
    inside = x == x
    while (step < limit) & (tl.sum(inside.to(tl.int32)) > 0):
        inside = x * x + y * y <= 4.0
        new_x = x * x - y * y + cx
        y = tl.where(inside, 2 * x * y + cy, y)
        x = tl.where(inside, new_x, x)
        count += inside.to(tl.int32)
        step += 1
    tl.store(out_ptr + row * width + column, count)


def test_while_with_two_conditions():
    out = torch.zeros(8, 32, dtype=torch.int32)
    mandelbrot[(8,)](out, 32, 30, BLOCK=32)
    want = np.zeros((8, 32), np.int32)
    f = np.float32
    for row in range(8):
        cx = f(-2) + np.arange(32, dtype=f) * f(3.0 / 32)
        cy = f(-1) + f(row) * f(0.25)
        x, y, inside = np.zeros(32, f), np.zeros(32, f), np.ones(32, bool)
        for _ in range(30):
            if not inside.any():
                break
            inside = x * x + y * y <= 4
            x, y = np.where(inside, x * x - y * y + cx, x), np.where(inside, f(2) * x * y + cy, y)
            want[row] += inside
    assert_same(out.numpy(), want)


# Functions


@triton.jit
def square(x):
    return x * x


@triton.jit
def polynomial(x, degree: tl.constexpr):
    result = x * 0
    for power in tl.static_range(degree):
        term = square(x) if power % 2 == 0 else x
        result += term * (power + 1)
    return result, result - x


@triton.jit(noinline=True)
def not_inlined(x, y):
    return x * 3 + y


@triton.jit(noinline=True)
def store_not_inlined(out_ptr, i, value):
    # Functions that are not inlined take only scalars.
    tl.store(out_ptr + i, value)


@triton.jit
def call_functions(x_ptr, out_ptr, n, DEGREE: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0)
    first, second = polynomial(x, DEGREE)
    tl.store(out_ptr + i, first * 3 + second, mask=i < n)
    total = not_inlined(tl.sum(first), tl.sum(second))
    store_not_inlined(out_ptr, n + tl.program_id(0), total)


@pytest.mark.parametrize("degree", [0, 1, 4])
def test_functions_that_call_functions(degree, rng):
    x = random_values("int32", 50, rng, tame=True)
    out = Guarded(np.zeros(54), "int32")
    call_functions[(4,)](torch.from_numpy(x), out.tensor, 50, DEGREE=degree, BLOCK=16)
    result = sum(
        ((x * x if power % 2 == 0 else x) * (power + 1) for power in range(degree)), np.zeros_like(x)
    )
    want = (result * 3 + (result - x)).astype(np.int32)
    padded = np.append(want, np.zeros(14, np.int32)).reshape(4, 16)
    assert_same(out.values(), np.append(want, padded.sum(1, dtype=np.int32)))
    out.check()


@triton.constexpr_function
def next_power(n):
    result = 1
    while result < n:
        result *= 2
    return result


SCALE = tl.constexpr(3)


@triton.jit
def compile_time_values(out_ptr, WIDTH: tl.constexpr, MODE: tl.constexpr, NOTHING: tl.constexpr = None):
    BLOCK: tl.constexpr = next_power(WIDTH)
    i = tl.arange(0, BLOCK)
    value = i * SCALE
    if MODE == "negative":
        value = -value
    elif MODE == "shifted":
        value += WIDTH // 2
    if NOTHING is not None:
        value = value * 0
    tl.static_assert(BLOCK >= WIDTH)
    tl.store(out_ptr + i, value, mask=i < WIDTH)


@pytest.mark.parametrize("mode", ["plain", "negative", "shifted"])
def test_compile_time_values(mode):
    out = Guarded(np.zeros(11), "int32")
    compile_time_values[(1,)](out.tensor, WIDTH=11, MODE=mode)
    value = np.arange(11, dtype=np.int32) * 3
    assert_same(
        out.values(), {"plain": value, "negative": -value, "shifted": value + 5}[mode].astype(np.int32)
    )
    out.check()


@triton.jit
def loops_of_both_kinds(out_ptr, n, STEPS: tl.constexpr):
    total = 0
    for i in tl.static_range(STEPS):
        total += i * 10
    for j in tl.range(0, n, num_stages=3):
        total += j
    for k in tl.range(n, loop_unroll_factor=2):
        total -= k * 2
    tl.store(out_ptr, total)


def test_static_and_dynamic_ranges():
    out = torch.zeros(1, dtype=torch.int32)
    loops_of_both_kinds[(1,)](out, 7, STEPS=4)
    assert int(out[0]) == 60 + 21 - 42


@triton.jit
def swap_pair(pair):
    return pair[1], pair[0]


@triton.jit
def tuples(pointers, sizes, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(pointers[0] + i, mask=i < sizes[0], other=0)
    y = tl.load(pointers[1] + i, mask=i < sizes[1], other=0)
    pair = swap_pair((x, y))
    total = pair[0] * 0
    for step in range(3):
        pair = (pair[0] + step, pair[1] * 2)
        total += pair[0]
    tl.store(pointers[2] + i, pair[0] + pair[1] * 100 + total * 0)


def test_tuples_as_arguments_and_values():
    x, y = torch.arange(16, dtype=torch.int32), torch.arange(16, dtype=torch.int32) * 7
    out = torch.zeros(16, dtype=torch.int32)
    tuples[(1,)]((x, y, out), (10, 12), BLOCK=16)
    i = np.arange(16)
    a, b = np.where(i < 10, i, 0), np.where(i < 12, i * 7, 0)
    assert_same(out.numpy(), (b + 3 + a * 8 * 100).astype(np.int32))


@triton.jit
def tensor_in_condition(x_ptr, out_ptr, a, b, flag: tl.constexpr):
    x = tl.load(x_ptr)
    y = x + 1 if flag else x - 1
    z = y if (x > a) and (x < b) else -y
    w = z if not (x == a or x == b) else 0  # noqa: SIM109
    tl.store(out_ptr, w)


@pytest.mark.parametrize("x", [1, 2, 5, 9, 12])
@pytest.mark.parametrize("flag", [True, False])
def test_conditional_expressions(flag, x):
    out = torch.zeros(1, dtype=torch.int32)
    tensor_in_condition[(1,)](torch.tensor([x], dtype=torch.int32), out, 2, 9, flag)
    y = x + 1 if flag else x - 1
    z = y if 2 < x < 9 else -y
    assert int(out[0]) == (z if x not in (2, 9) else 0)


@triton.jit
def scalar_kinds(out_ptr, integer, big, real, flag):
    tl.store(out_ptr, integer * 1.0)
    tl.store(out_ptr + 1, (big >> 32) * 1.0)
    tl.store(out_ptr + 2, real)
    tl.store(out_ptr + 3, 1.0 if flag else 0.0)


@pytest.mark.parametrize("integer", [0, 1, 16, -5, 2**31 - 1])
def test_scalar_arguments(integer):
    out = torch.zeros(4)
    scalar_kinds[(1,)](out, integer, 2**40 + 5, 2.5, True)
    assert out.tolist() == [float(np.float32(integer)), 256.0, 2.5, 1.0]
    scalar_kinds[(1,)](out, integer, -(2**40), -0.5, False)
    assert out.tolist() == [float(np.float32(integer)), -256.0, -0.5, 0.0]


@triton.jit
def optional_bias(x_ptr, bias_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    if bias_ptr is not None:
        x += tl.load(bias_ptr + i)
    tl.store(out_ptr + i, x)


def test_argument_that_is_none():
    x, bias, out = torch.arange(8.0), torch.full((8,), 2.0), torch.zeros(8)
    optional_bias[(1,)](x, None, out, BLOCK=8)
    assert torch.equal(out, x)
    optional_bias[(1,)](x, bias, out, BLOCK=8)
    assert torch.equal(out, x + 2)


@triton.jit
def loop_with_two_stores(a_ptr, b_ptr, n, BLOCK: tl.constexpr):
    """Each step reads what the previous one stored to the other buffer."""
    i = tl.arange(0, BLOCK)
    base = tl.program_id(0) * BLOCK
    for step in range(n):
        a = tl.load(a_ptr + base + i)
        tl.store(b_ptr + base + i, a + step)
        tl.debug_barrier()
        b = tl.load(b_ptr + base + (BLOCK - 1 - i))
        tl.debug_barrier()
        tl.store(a_ptr + base + i, b * 2)
        tl.debug_barrier()


def test_steps_that_feed_each_other():
    a, b = torch.arange(32, dtype=torch.int32), torch.zeros(32, dtype=torch.int32)
    loop_with_two_stores[(2,)](a, b, 4, BLOCK=16)
    want_a, want_b = np.arange(32, dtype=np.int32).reshape(2, 16), np.zeros((2, 16), np.int32)
    for step in range(4):
        want_b = want_a + step
        want_a = (want_b[:, ::-1] * 2).astype(np.int32)
    assert_same(a.numpy().reshape(2, 16), want_a)
    assert_same(b.numpy().reshape(2, 16), want_b.astype(np.int32))


@tl.core._aggregate
class Window:
    first: tl.tensor
    width: tl.tensor

    @triton.jit
    def mask(self, i):
        return (i >= self.first) & (i < self.first + self.width)


@triton.jit
def aggregates(out_ptr, first, width, BLOCK: tl.constexpr):
    window = Window(first + tl.program_id(0), tl.to_tensor(width))
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + tl.program_id(0) * BLOCK + i, window.mask(i).to(tl.int32))


def test_aggregates():
    out = torch.zeros(3, 16, dtype=torch.int32)
    aggregates[(3,)](out, 2, 5, BLOCK=16)
    i = np.arange(16)
    want = np.stack([(i >= 2 + p) & (i < 7 + p) for p in range(3)]).astype(np.int32)
    assert_same(out.numpy(), want)


@triton.jit
def difference_and_ratio(a, b):
    return a - b, a * 2


@triton.jit
def mapped_elements(x_ptr, y_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    first, second = tl.map_elementwise(difference_and_ratio, tl.load(x_ptr + i), tl.load(y_ptr + i))
    tl.store(out_ptr + i, first)
    tl.store(out_ptr + BLOCK + i, second)


def test_map_elementwise():
    x, y = torch.arange(16, dtype=torch.int32), torch.arange(16, dtype=torch.int32) ** 2
    out = torch.zeros(32, dtype=torch.int32)
    mapped_elements[(1,)](x, y, out, BLOCK=16)
    assert torch.equal(out, torch.cat([x - y, x * 2]))


@triton.jit
def swizzled(out_ptr, rows, columns, GROUP: tl.constexpr):
    i, j = tl.program_id(0), tl.program_id(1)
    a, b = tl.swizzle2d(i, j, rows, columns, GROUP)
    tl.store(out_ptr + a * columns + b, i * columns + j)


def test_swizzle_is_a_bijection():
    out = torch.full((7 * 5,), -1, dtype=torch.int32)
    swizzled[(7, 5)](out, 7, 5, GROUP=3)
    assert sorted(out.tolist()) == list(range(35))


@triton.jit
def persistent(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    for tile in range(tl.program_id(0), tl.cdiv(n, BLOCK), tl.num_programs(0)):
        i = tile * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + i, mask=i < n)
        tl.store(out_ptr + i, x * 2 + tile, mask=i < n)


@pytest.mark.parametrize("programs", [1, 7, 40])
@pytest.mark.parametrize("n", [1, 500, 1003])
def test_programs_that_stride_over_the_tiles(n, programs):
    x = torch.arange(n, dtype=torch.int32)
    out = Guarded(np.full(n, -1), "int32")
    persistent[(programs,)](x, out.tensor, n, BLOCK=32)
    assert_same(out.values(), (x * 2 + x // 32).numpy())
    out.check()


@triton.jit
def wide_loops(out_ptr, first, last, step):
    total = last * 0
    for i in range(first, last, step):
        total += i
    tl.store(out_ptr, total)


@pytest.mark.parametrize("bounds", [(2**40, 2**40 + 10, 3), (-(2**35), -(2**35) + 7, 2), (5, 2**33, 2**32)])
def test_loop_over_64_bit_numbers(bounds):
    out = torch.zeros(1, dtype=torch.int64)
    wide_loops[(1,)](out, *bounds)
    assert int(out[0]) == sum(range(*bounds))


@pytest.mark.parametrize(
    "bounds",
    [
        (2**31 - 2, 2**31 + 3, 1),
        (0, 2**32 - 1, 2**31 - 7),
        (5, 2**32 - 1, 2**32 - 6),
        (7, 7, 1),
        (2**32 - 1, 3, 1),
        (3, 12, 4),
    ],
)
def test_loop_with_unsigned_bounds(bounds, tmp_path):
    """The front end never makes such a loop, but handwritten text can."""
    text = tmp_path / "wide_loops.ttir"
    text.write_text("""
        module {
          tt.func public @wide_loops(%out: !tt.ptr<i64>, %first: i32, %last: i32, %step: i32) {
            %zero = arith.constant 0 : i64
            %total = scf.for unsigned %i = %first to %last step %step iter_args(%sum = %zero) -> (i64) : i32 {
              %number = arith.extui %i : i32 to i64
              %next = arith.addi %sum, %number : i64
              scf.yield %next : i64
            }
            tt.store %out, %total : !tt.ptr<i64>
            tt.return
          }
        }""")
    out = torch.zeros(1, dtype=torch.int64)
    kernel = triton.compile(str(text), target=triton.runtime.driver.active.get_current_target())
    kernel[(1, 1, 1)](out, *(number - 2**32 if number >= 2**31 else number for number in bounds))
    assert int(out[0]) == sum(range(*bounds))


@triton.jit
def flattened(out_ptr, rows, columns):
    total = 0
    for i in tl.range(0, rows, flatten=True, num_stages=2):
        for j in tl.range(0, columns, disallow_acc_multi_buffer=True):
            total = total * 3 + i * columns + j
    tl.store(out_ptr + tl.program_id(0), total)


def test_hints_of_loops():
    out = torch.zeros(3, dtype=torch.int32)
    flattened[(3,)](out, 3, 4)
    total = np.int32(0)
    with np.errstate(all="ignore"):
        for step in range(12):
            total = np.int32(total * np.int32(3) + np.int32(step))
    assert out.tolist() == [int(total)] * 3


@triton.jit
def many_steps(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    state = tl.zeros((BLOCK,), tl.float32)
    for k in range(n):
        state = state * 0.5 + tl.load(x_ptr + k * BLOCK + i)
        tl.store(out_ptr + k * BLOCK + i, state)


def test_recurrence_of_a_thousand_steps(rng):
    x = torch.from_numpy(rng.integers(-8, 8, (1000, 8)).astype(np.float32))
    out = torch.zeros(1000, 8)
    many_steps[(1,)](x, out, 1000, BLOCK=8)
    state, want = np.zeros(8, np.float32), np.zeros((1000, 8), np.float32)
    for k in range(1000):
        state = state * np.float32(0.5) + x.numpy()[k]
        want[k] = state
    assert_same(out.numpy(), want)


@triton.jit
def counts_down(out_ptr):
    left = tl.load(out_ptr)
    steps = 0
    while left > 0:
        left -= 1
        steps += 2
    tl.store(out_ptr, steps)


def test_while_loop_of_many_steps():
    out = torch.tensor([5000], dtype=torch.int32)
    counts_down[(1,)](out)
    assert int(out[0]) == 10000


@triton.jit
def search_with_flag(x_ptr, out_ptr, n, wanted):
    """A `for` that does nothing more after a match, and a `while` inside of a `for`."""
    row = tl.program_id(0)
    found = -1
    for i in range(n):
        if found < 0:
            x = tl.load(x_ptr + row * n + i)
            while x > 9:
                x = x // 10
            if x == wanted:
                found = i
    tl.store(out_ptr + row, found)


def test_first_number_with_a_leading_digit(rng):
    x = rng.integers(0, 5000, (12, 15)).astype(np.int32)
    out = torch.zeros(12, dtype=torch.int32)
    search_with_flag[(12,)](torch.from_numpy(x), out, 15, 3)
    want = [next((i for i, v in enumerate(row) if str(v)[0] == "3"), -1) for row in x]
    assert out.tolist() == want


@triton.jit
def asserts_and_prints_at_compile_time(x_ptr, N: tl.constexpr):
    tl.static_print("size", N)
    tl.device_assert(tl.program_id(0) < 100, "never checked without debug")
    tl.store(x_ptr + tl.arange(0, N), tl.arange(0, N))


def test_assertions_without_debug():
    out = torch.zeros(8, dtype=torch.int32)
    asserts_and_prints_at_compile_time[(1,)](out, N=8)
    assert out.tolist() == list(range(8))


@triton.jit
def wide_scalars(out_ptr, unsigned, signed, small):
    tl.store(out_ptr, (unsigned >> 60).to(tl.int64))
    tl.store(out_ptr + 1, signed // 3)
    tl.store(out_ptr + 2, small.to(tl.int64) << 4)


def test_scalars_of_64_bits():
    out = torch.zeros(3, dtype=torch.int64)
    wide_scalars[(1,)](out, 2**63 + 12345, -(2**62), 2**31)
    assert out.tolist() == [8, -(2**62 // 3), 2**35]


@triton.jit
def nothing_at_all():
    pass


@triton.jit
def reads_only(x_ptr):
    tl.load(x_ptr)


def test_kernels_that_do_nothing():
    nothing_at_all[(5,)]()
    x = torch.ones(1)
    reads_only[(5,)](x)
    assert x.tolist() == [1.0]


@triton.jit
def layer_norm(x_ptr, y_ptr, weight_ptr, bias_ptr, columns, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    m = i < columns
    x = tl.load(x_ptr + row * columns + i, mask=m, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=0) / columns
    centred = tl.where(m, x - mean, 0.0)
    scale = 1 / tl.sqrt(tl.sum(centred * centred, axis=0) / columns + eps)
    y = centred * scale * tl.load(weight_ptr + i, mask=m) + tl.load(bias_ptr + i, mask=m)
    tl.store(y_ptr + row * columns + i, y, mask=m)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_layer_norm(dtype):
    x = torch.randn(33, 100).to(dtype)
    weight, bias, y = torch.rand(100), torch.rand(100), torch.zeros_like(x)
    layer_norm[(33,)](x, y, weight, bias, 100, 1e-5, BLOCK=128)
    want = torch.nn.functional.layer_norm(x.float(), (100,), weight, bias)
    torch.testing.assert_close(y, want.to(dtype))


def test_many_while_loops():
    """Their variables keep their names, however many names were used before."""
    kernels, loops = 12, 20
    source = PRELUDE
    for kernel in range(kernels):
        source += f"@triton.jit\ndef loops{kernel}(out_ptr, n):\n    total = n\n"
        for k in range(kernel):
            source += f"    total = total * {k + 3} + n\n"
        for k in range(loops):
            source += (
                f"    a, b = n + {k}, 0\n    while a > 0:\n        a -= 2\n        b += total\n"
                f"    total = total * 3 + a + b\n"
            )
        source += "    tl.store(out_ptr, total)\n"
    module = load_source(source, "loops")
    for kernel in range(kernels):
        out = torch.zeros(1, dtype=torch.int32)
        getattr(module, f"loops{kernel}")[(1,)](out, 3)
        total = 3
        for k in range(kernel):
            total = total * (k + 3) + 3
        for k in range(loops):
            trips = (3 + k + 1) // 2
            total = total * 3 + (3 + k - 2 * trips) + trips * total
        assert out.item() == (total + 2**31) % 2**32 - 2**31
