# SPDX-License-Identifier: MIT
"""Memory that is shared, lazy, freed or used by several threads; and what must be refused by name."""

import gc
import inspect
import re
import threading
import time

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from reference import assert_same

from triton_metal.errors import MetalError, UnsupportedError

BLOCK = 64


@triton.jit
def add_one(x_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(x_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


@triton.jit
def copy(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n)


def blocks(n):
    return (triton.cdiv(n, BLOCK),)


def values(array):
    return array.numpy() if isinstance(array, torch.Tensor) else np.array(array)


# Lazy MLX arrays


def test_a_lazy_value_that_was_read_before_the_launch():
    x = mx.arange(100, dtype=mx.float32)
    z = x + 1
    add_one[blocks(100)](x, 100, B=BLOCK)
    add_one[blocks(100)](x, 100, B=BLOCK)
    mx.eval(z)
    assert_same(values(z), np.arange(100, dtype=np.float32) + 1)
    assert_same(values(x), np.arange(100, dtype=np.float32) + 2)


def test_the_argument_is_itself_not_yet_evaluated():
    x = mx.arange(100, dtype=mx.float32) * 2
    y = mx.sqrt(x * x)
    add_one[blocks(100)](y, 100, B=BLOCK)
    z = y * x
    assert_same(values(z), (np.arange(100, dtype=np.float32) * 2 + 1) * np.arange(100, dtype=np.float32) * 2)
    assert_same(values(x), np.arange(100, dtype=np.float32) * 2)


def test_a_view_keeps_the_old_values():
    x = mx.arange(100, dtype=mx.float32)
    mx.eval(x)
    head, alias = x[:10], x.reshape(10, 10)
    add_one[blocks(100)](x, 100, B=BLOCK)
    assert_same(values(head), np.arange(10, dtype=np.float32))
    assert_same(values(alias).reshape(-1), np.arange(100, dtype=np.float32))
    assert_same(values(x), np.arange(100, dtype=np.float32) + 1)


def test_another_reference_sees_the_launch():
    x = mx.zeros(100)
    holder = {"x": x}
    add_one[blocks(100)](holder["x"], 100, B=BLOCK)
    assert_same(values(x), np.ones(100, np.float32))


LAZY = {
    "broadcast": (lambda x: mx.broadcast_to(x[0], (12, 10)), lambda x: np.broadcast_to(x[0], (12, 10))),
    "transposed": (lambda x: x.T, lambda x: x.T),
    "tail": (lambda x: x[1:], lambda x: x[1:]),
    "every other column": (lambda x: x[:, ::2], lambda x: x[:, ::2]),
    "reversed": (lambda x: x[::-1], lambda x: x[::-1]),
    "scalar spread": (lambda x: mx.broadcast_to(x[2, 3], (40,)), lambda x: np.broadcast_to(x[2, 3], (40,))),
    "sum": (lambda x: x + x, lambda x: x + x),
    "taken": (lambda x: mx.take(x, mx.array([3, 1, 1]), axis=0), lambda x: x[[3, 1, 1]]),
}


@pytest.mark.parametrize("evaluated", [False, True])
@pytest.mark.parametrize("case", LAZY)
def test_lazy_arguments_are_read_in_row_major_order(case, evaluated):
    source = np.arange(12 * 10, dtype=np.float32).reshape(12, 10)
    lazy, plain = LAZY[case]
    x = lazy(mx.array(source))
    if evaluated:
        mx.eval(x)
    out = mx.zeros(x.size)
    copy[blocks(x.size)](x, out, x.size, B=BLOCK)
    assert_same(values(out), np.ascontiguousarray(plain(source)).reshape(-1))


@pytest.mark.parametrize("case", ["transposed", "tail", "broadcast"])
def test_storing_to_a_lazy_view_does_not_touch_its_base(case):
    source = np.arange(120, dtype=np.float32).reshape(12, 10)
    base = mx.array(source)
    lazy, plain = LAZY[case]
    x = lazy(base)
    add_one[blocks(x.size)](x, x.size, B=BLOCK)
    assert_same(values(x), plain(source) + 1)
    assert_same(values(base), source)


def in_another_thread(function):
    """Runs the function in another thread; returns its result, or the exception that it raised."""
    results = []

    def run():
        try:
            results.append(function())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


def test_evaluation_in_another_thread():
    """MLX ties a lazy array to the thread that made it; launches follow the same rule."""
    x, y, out = mx.arange(1000, dtype=mx.float32), mx.ones(1000), mx.zeros(1000)
    mx.eval(x, y, out)
    plain = x + y
    add[blocks(1000)](x, y, out, 1000, B=BLOCK)
    doubled = out * 2
    of_mlx = in_another_thread(lambda: np.array(plain))
    of_launch = in_another_thread(lambda: np.array(doubled))
    assert type(of_launch) is type(of_mlx)
    want = np.arange(1000, dtype=np.float32) + 1
    if not isinstance(of_mlx, Exception):
        assert_same(of_launch, want * 2)
    # Whatever happened in the other thread, it can be evaluated here.
    assert_same(values(doubled), want * 2)
    assert_same(values(out), want)


def test_evaluated_result_in_another_thread():
    x, out = mx.arange(1000, dtype=mx.float32), mx.zeros(1000)
    add[blocks(1000)](x, x, out, 1000, B=BLOCK)
    mx.eval(out)
    assert_same(in_another_thread(lambda: np.array(out + 1)), np.arange(1000, dtype=np.float32) * 2 + 1)


def test_launch_and_evaluation_in_another_thread():
    x, out = mx.arange(100, dtype=mx.float32), mx.zeros(100)
    mx.eval(x, out)

    def launch():
        add[blocks(100)](x, x, out, 100, B=BLOCK)
        add_one[blocks(100)](out, 100, B=BLOCK)
        mx.eval(out)
        return np.array(out)

    want = np.arange(100, dtype=np.float32) * 2 + 1
    assert_same(in_another_thread(launch), want)
    assert_same(values(out), want)


def test_long_chain_of_lazy_launches():
    x = mx.zeros(300)
    for _ in range(100):
        add_one[blocks(300)](x, 300, B=BLOCK)
    assert_same(values(x), np.full(300, 100, np.float32))


def test_mlx_arrays_among_host_arrays():
    x, y, out = mx.arange(200, dtype=mx.float32), np.ones(200, np.float32), torch.zeros(200)
    add[blocks(200)](x, y, out, 200, B=BLOCK)
    assert_same(out.numpy(), np.arange(200, dtype=np.float32) + 1)
    lazy = mx.zeros(200)
    add[blocks(200)](out, y, lazy, 200, B=BLOCK)
    # The launch has already read the host arrays, so later changes must not show.
    out.zero_()
    y[:] = 0
    assert_same(values(lazy), np.arange(200, dtype=np.float32) + 2)


# The same memory twice


def same_numpy():
    return np.arange(100, dtype=np.float32)


def same_torch():
    return torch.arange(100, dtype=torch.float32)


def same_mlx():
    return mx.arange(100, dtype=mx.float32)


@pytest.mark.parametrize("make", [same_numpy, same_torch, same_mlx])
def test_the_same_array_as_all_arguments(make):
    x = make()
    add[blocks(100)](x, x, x, 100, B=BLOCK)
    assert_same(values(x), np.arange(100, dtype=np.float32) * 2)


@triton.jit
def write_both(a_ptr, b_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(a_ptr + i, 1.0, mask=(i < n) & (i % 2 == 0))
    tl.store(b_ptr + i, 2.0, mask=(i < n) & (i % 3 == 0))


@pytest.mark.parametrize("make", [same_numpy, same_torch, same_mlx])
def test_the_same_array_stored_to_by_two_names(make):
    x = make()
    write_both[blocks(100)](x, x, 100, B=BLOCK)
    want = np.arange(100, dtype=np.float32)
    want[::2] = 1
    want[::3] = 2
    assert_same(values(x), want)


@triton.jit
def shift(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n) * 10, mask=i < n)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("offset", [-7, -1, 0, 1, 7])
def test_overlapping_views(offset, kind):
    base = np.arange(60, dtype=np.float32)
    want = base.copy()
    want[10 + offset : 50 + offset] = base[10:50] * 10
    array = base if kind == "numpy" else torch.from_numpy(base)
    shift[(1,)](array[10:50], array[10 + offset : 50 + offset], 40, B=64)
    assert_same(base, want)


@triton.jit
def sum_of_views(a_ptr, b_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(a_ptr + i, mask=i < n) * 100 + tl.load(b_ptr + i, mask=i < n), mask=i < n)


def test_torch_views_of_one_storage():
    base = torch.arange(300, dtype=torch.float32)
    a, b, out = base[3:103], base[50:150], base[200:300]
    want = a.clone() * 100 + b
    sum_of_views[blocks(100)](a, b, out, 100, B=BLOCK)
    assert torch.equal(out, want)
    assert torch.equal(base[:200], torch.arange(200, dtype=torch.float32))


def test_the_overlap_is_part_of_what_is_cached():
    """The same kernel with the same sizes runs once on separate and once on overlapping memory."""
    for _ in range(2):
        x, out = np.arange(40, dtype=np.float32), np.zeros(40, np.float32)
        shift[(1,)](x, out, 40, B=64)
        assert_same(out, x * 10)
        base = np.arange(60, dtype=np.float32)
        shift[(1,)](base[:40], base[5:45], 40, B=64)
        assert_same(base[5:45], np.arange(40, dtype=np.float32) * 10)
        z = np.arange(40, dtype=np.float32)
        shift[(1,)](z, z, 40, B=64)
        assert_same(z, np.arange(40, dtype=np.float32) * 10)


@triton.jit
def store_then_read(a_ptr, b_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(a_ptr + i, i * 2)
    tl.store(out_ptr + i, tl.load(b_ptr + i) + 1)


def test_a_store_through_one_name_is_read_through_the_other():
    separate, other, out = (torch.full((32,), -5, dtype=torch.int32) for _ in range(3))
    store_then_read[(1,)](separate, other, out, B=32)
    assert out.tolist() == [-4] * 32
    both = torch.full((32,), -5, dtype=torch.int32)
    store_then_read[(1,)](both, both, out, B=32)
    assert out.tolist() == [2 * i + 1 for i in range(32)]


@triton.jit
def bits_of(x_ptr, bits_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(bits_ptr + i, tl.load(bits_ptr + i, mask=i < n) | (-2147483647 - 1), mask=i < n)
    tl.store(out_ptr + i, x - tl.load(x_ptr + i, mask=i < n), mask=i < n)


def test_two_element_types_on_one_storage():
    x = torch.arange(1, 33, dtype=torch.float32)
    out = torch.zeros(32)
    bits_of[(1,)](x, x.view(torch.int32), out, 32, B=32)
    assert torch.equal(x, -torch.arange(1, 33, dtype=torch.float32))
    assert torch.equal(out, 2 * torch.arange(1, 33, dtype=torch.float32))


# Lifetime and threads


def test_a_tensor_that_is_gone_before_evaluation():
    out = mx.zeros(1000)

    def launch():
        x, y = mx.arange(1000, dtype=mx.float32), torch.ones(1000)
        add[blocks(1000)](x, y, out, 1000, B=BLOCK)

    launch()
    gc.collect()
    junk = [np.full(1000, 7.0, np.float32) for _ in range(50)]
    assert_same(values(out), np.arange(1000, dtype=np.float32) + 1)
    del junk


def test_several_threads_launch():
    failures = []

    def work(number):
        try:
            for step in range(30):
                n = 100 + 37 * number + step
                x, out = torch.full((n,), float(number)), torch.zeros(n)
                add[blocks(n)](x, x, out, n, B=BLOCK)
                assert torch.equal(out, x * 2)
                lazy = mx.full((n,), float(number))
                add_one[blocks(n)](lazy, n, B=BLOCK)
                assert np.array_equal(np.array(lazy), np.full(n, number + 1, np.float32))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


# What is refused. The limit of two seconds counts processor time, so that a busy machine does not matter.


@triton.jit
def locked_add(lock_ptr, x_ptr):
    while tl.atomic_cas(lock_ptr, 0, 1) == 1:  # refused
        pass
    tl.store(x_ptr, tl.load(x_ptr) + 1.0)
    tl.atomic_xchg(lock_ptr, 0)


@triton.jit
def exchange_lock(lock_ptr, x_ptr):
    while tl.atomic_xchg(lock_ptr, 1) == 1:  # refused
        pass
    tl.store(x_ptr, tl.load(x_ptr) + 1.0)
    tl.atomic_xchg(lock_ptr, 0)


@triton.jit
def waits_for_a_flag(flag_ptr, x_ptr):
    pid = tl.program_id(0)
    seen = tl.load(flag_ptr)
    while seen < pid:  # refused
        seen = tl.load(flag_ptr)  # refused
    tl.store(x_ptr + pid, seen * 1.0)
    tl.store(flag_ptr, pid + 1)


@triton.jit
def pointers_from_memory(table_ptr, x_ptr):
    address = tl.load(table_ptr + tl.arange(0, 4))
    pointers = address.to(tl.pointer_type(tl.float32))  # refused
    tl.store(x_ptr + tl.arange(0, 4), tl.load(pointers))


@triton.jit
def inline_assembly(flag_ptr, x_ptr):
    x = tl.load(x_ptr + tl.arange(0, 8))
    code: tl.constexpr = "mov.b32 $0, $1;"
    y = tl.inline_asm_elementwise(code, "=r,r", [x], tl.float32, True, 1)  # refused
    tl.store(x_ptr + tl.arange(0, 8), y)


@triton.jit
def prints(flag_ptr, x_ptr):
    tl.store(x_ptr, 1.0)
    tl.device_print("x", tl.load(x_ptr))  # refused


@triton.jit
def uses_an_old_value(counter_ptr, x_ptr):
    slot = tl.atomic_add(counter_ptr, 1)  # refused
    tl.store(x_ptr + slot, 1.0)


REFUSED = [
    ("mlx", locked_add, "atomic"),
    ("mlx", exchange_lock, "atomic"),
    ("mlx", waits_for_a_flag, "while|load"),
    ("mlx", pointers_from_memory, "int_to_ptr|pointer"),
    ("mlx", inline_assembly, "inline_asm|assembly"),
    ("mlx", prints, "print"),
    ("mlx", uses_an_old_value, "atomic"),
    ("msl", inline_assembly, "inline_asm|assembly"),
]


@pytest.mark.parametrize(
    ("engine", "kernel", "names"),
    REFUSED,
    ids=[f"{engine}-{kernel.__name__}" for engine, kernel, _ in REFUSED],
    indirect=["engine"],
)
def test_refusal_names_the_operation_and_the_line(engine, kernel, names):
    first = torch.zeros(8, dtype=torch.int64 if kernel is pointers_from_memory else torch.int32)
    x = torch.full((8,), 3.0)
    lines, start = inspect.getsourcelines(kernel.fn)
    expected = {start + place for place, line in enumerate(lines) if "# refused" in line}
    begun = time.process_time()
    with pytest.raises(UnsupportedError) as caught:
        kernel[(4,)](first, x)
    assert time.process_time() - begun < 2.0
    place = re.search(r"test_hazards\.py:(\d+):\d+: \[", str(caught.value))
    assert place, str(caught.value)
    assert int(place[1]) in expected, str(caught.value)
    assert re.search(names, str(caught.value)), str(caught.value)
    # The arguments are unchanged, and the process still works.
    assert first.tolist() == [0] * 8
    assert x.tolist() == [3.0] * 8
    add_one[(1,)](x, 8, B=BLOCK)
    assert x.tolist() == [4.0] * 8


DOUBLE = """
import time
import torch, triton, triton.language as tl

@triton.jit
def doubles(x_ptr):
    x = tl.load(x_ptr + tl.arange(0, 8))
    tl.store(x_ptr + tl.arange(0, 8), x * 2)

doubles.warmup(torch.float32, grid=(1,))
begun = time.process_time()
x = torch.ones(8, dtype=torch.float64)
try:
    doubles[(1,)](x)
except Exception as error:
    print(type(error).__name__, error)
print(x.tolist() == [1.0] * 8, time.process_time() - begun < 2.0)
"""


def test_float64_for_mlx_without_it(run_python):
    """The msl engine computes it in software (test_float64.py)."""
    done = run_python(DOUBLE, TRITON_BACKEND="metal", TRITON_METAL_ARCH="m3", TRITON_METAL_ENGINE="mlx")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("UnsupportedError"), done.stdout
    assert re.search(r"program\.py:[678]:", done.stdout), done.stdout
    assert "f64" in done.stdout
    assert done.stdout.strip().endswith("True True"), done.stdout


@triton.jit
def fill_every_other(x_ptr, value, first, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(x_ptr + first + 2 * i, value, mask=first + 2 * i < n)


@pytest.mark.parametrize("kind", ["torch", "numpy"])
def test_threads_that_write_to_different_elements_of_one_array(kind):
    """Neither thread may restore old values of the elements between its own."""
    n = 20000
    x = torch.zeros(n, dtype=torch.int32) if kind == "torch" else np.zeros(n, np.int32)
    failures = []

    def work(first):
        try:
            for step in range(1, 41):
                fill_every_other[blocks(n // 2)](x, step, first, n, B=BLOCK)
                mine = np.asarray(x)[first::2]
                assert (mine == step).all(), f"{int((mine != step).sum())} elements were lost"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


@triton.jit
def copy_far(x_ptr, out_ptr, at, B: tl.constexpr):
    i = tl.arange(0, B).to(tl.int64)
    tl.store(out_ptr + tl.arange(0, B), tl.load(x_ptr + at + i))


def test_storage_of_more_than_two_gigabytes():
    """Offsets beyond 32 bits reach the right element or are refused by name; they never reach another one."""
    size = 2**31 + 4096
    x = torch.empty(size, dtype=torch.int8)
    x[-64:] = torch.arange(64, dtype=torch.int8)
    out = torch.full((64,), -1, dtype=torch.int8)
    try:
        copy_far[(1,)](x, out, size - 64, B=64)
    except MetalError as error:
        assert "x_ptr" in str(error) or "load" in str(error), str(error)
        return
    assert out.tolist() == list(range(64))
