# SPDX-License-Identifier: MIT
"""The check modes: each with a kernel that has a planted fault, and with the same kernel without it."""

import importlib
import inspect
import re
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from conftest import forget_compiled_kernels

from triton_metal.errors import ArgumentError, SanitizerError, UnsupportedError


def line_of(function, text):
    lines, start = inspect.getsourcelines(function.fn)
    return start + next(i for i, line in enumerate(lines) if text in line)


@triton.jit
def copy_shifted(x_ptr, out_ptr, n, shift, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i + shift, mask=i < n)  # the load
    tl.store(out_ptr + i, x, mask=i < n)  # the store


def run_shifted(x, out, n, shift, **options):
    copy_shifted[(triton.cdiv(n, 64),)](x, out, n, shift, BLOCK=64, engine="msl", **options)


def test_address_mode_passes_a_kernel_without_fault():
    x, out = torch.arange(100.0), torch.zeros(100)
    run_shifted(x, out, 99, 1, sanitize="address")
    assert out[:99].tolist() == x[1:].tolist()


@pytest.mark.parametrize("make", [torch.tensor, np.array], ids=["torch", "numpy"])
@pytest.mark.parametrize("shift, index", [(5, 100), (-1, -1)])
def test_address_mode_names_the_load(make, shift, index):
    x, out = make([1.0] * 100), make([0.0] * 100)
    with pytest.raises(SanitizerError) as caught:
        run_shifted(x, out, 100, shift, sanitize="address")
    text = str(caught.value)
    assert f"test_msl_sanitize.py:{line_of(copy_shifted, '# the load')}:" in text
    assert "copy_shifted" in text and "'x_ptr'" in text
    found = int(re.search(r"index (-?\d+)", text)[1])
    assert found < 0 if index < 0 else 100 <= found < 105


def test_address_mode_names_the_store():
    x, out = torch.ones(100), torch.zeros(90)
    with pytest.raises(SanitizerError) as caught:
        run_shifted(x, out, 100, 0, sanitize="address")
    text = str(caught.value)
    assert f"test_msl_sanitize.py:{line_of(copy_shifted, '# the store')}:" in text
    assert "'out_ptr'" in text
    # What is inside was stored, and nothing outside was touched.
    assert out.tolist() == [1.0] * 90


def test_address_mode_of_a_lazy_launch():
    x, out = mx.ones(100), mx.zeros(90)
    run_shifted(x, out, 100, 0, sanitize="address")
    with pytest.raises(Exception, match="out_ptr"):
        mx.eval(out)


@triton.jit
def exchange(x_ptr, scratch_ptr, out_ptr, BARRIER: tl.constexpr, BLOCK: tl.constexpr):
    """Passes each element to another thread through device memory."""
    i = tl.arange(0, BLOCK)
    tl.store(scratch_ptr + i, tl.load(x_ptr + i))  # one side
    if BARRIER:
        tl.debug_barrier()
    tl.store(out_ptr + i, tl.load(scratch_ptr + (BLOCK - 1) - i))


@triton.jit
def all_store_to_one_place(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x_ptr + i * 0, i)  # the race


@pytest.mark.parametrize("num_warps", [1, 4])
def test_thread_mode_passes_an_exchange_with_a_barrier(num_warps):
    x, scratch, out = torch.arange(128.0), torch.zeros(128), torch.zeros(128)
    exchange[(2,)](x, scratch, out, BARRIER=True, BLOCK=128, num_warps=num_warps, engine="msl")
    x, scratch, out = torch.arange(128.0), torch.zeros(128), torch.zeros(128)
    exchange[(1,)](
        x, scratch, out, BARRIER=True, BLOCK=128, num_warps=num_warps, engine="msl", sanitize="thread"
    )
    assert out.tolist() == list(reversed(range(128)))


def test_thread_mode_names_the_line_of_a_race():
    x = torch.zeros(1, dtype=torch.int32)
    with pytest.raises(SanitizerError) as caught:
        all_store_to_one_place[(1,)](x, BLOCK=128, engine="msl", sanitize="thread")
    text = str(caught.value)
    assert f":{line_of(all_store_to_one_place, '# the race')}" in text
    assert "all_store_to_one_place" in text


@triton.jit
def softmax_row(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    at = tl.program_id(0) * n + i
    x = tl.load(x_ptr + at, mask=i < n, other=-float("inf"))
    e = tl.exp(x - tl.max(x, axis=0))
    tl.store(out_ptr + at, e / tl.sum(e, axis=0), mask=i < n)


@triton.jit
def sort_and_transpose(x_ptr, out_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    at = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    x = tl.sort(tl.load(x_ptr + at))
    back = tl.arange(0, COLUMNS)[:, None] * ROWS + tl.arange(0, ROWS)[None, :]
    tl.store(out_ptr + back, tl.trans(x))


@pytest.mark.parametrize("mode", ["address", "thread", "undefined", "address,undefined"])
def test_correct_kernels_are_clean_in_every_mode(mode):
    x, out = torch.randn(3, 100), torch.zeros(3, 100)
    softmax_row[(3,)](x, out, 100, BLOCK=128, engine="msl", sanitize=mode)
    assert torch.allclose(out, torch.softmax(x, 1), atol=1e-6)
    x, out = torch.randn(16, 32), torch.zeros(32, 16)
    sort_and_transpose[(1,)](x, out, ROWS=16, COLUMNS=32, engine="msl", sanitize=mode)
    assert torch.equal(out, x.sort(dim=1).values.T)


@triton.jit
def undefined_other(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)  # lanes beyond n are undefined
    tl.store(out_ptr, tl.sum(x))


@triton.jit
def shift_too_far(x_ptr, by, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.load(x_ptr + i) << by)  # the shift


@triton.jit
def divide(x_ptr, by, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.load(x_ptr + i) // by)  # the division


@pytest.mark.parametrize("kernel, bad", [(shift_too_far, 32), (divide, 0)])
def test_undefined_mode_names_the_line(kernel, bad):
    x = torch.ones(32, dtype=torch.int32)
    kernel[(1,)](x, 3, BLOCK=32, engine="msl", sanitize="undefined")
    with pytest.raises(SanitizerError) as caught:
        kernel[(1,)](x, bad, BLOCK=32, engine="msl", sanitize="undefined")
    assert f"test_msl_sanitize.py:{line_of(kernel, '# the ')}:" in str(caught.value)


def test_the_mode_is_part_of_the_key(monkeypatch):
    x, out = torch.arange(100.0), torch.zeros(100)
    run_shifted(x, out, 99, 1)
    monkeypatch.setenv("TRITON_METAL_SANITIZE", "address")
    forget_compiled_kernels()
    with pytest.raises(SanitizerError):
        run_shifted(x, out, 100, 1)
    monkeypatch.undo()
    forget_compiled_kernels()


def test_modes_that_do_not_exist():
    x, out = torch.arange(100.0), torch.zeros(100)
    with pytest.raises(ArgumentError, match="'memory' is not a check mode"):
        run_shifted(x, out, 99, 1, sanitize="memory")
    with pytest.raises(UnsupportedError, match="msl engine"):
        copy_shifted[(1,)](x, out, 64, 0, BLOCK=64, engine="mlx", sanitize="address")


@triton.jit
def add_one_in_place(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@pytest.mark.parametrize("block", [16, 64, 512])
@pytest.mark.parametrize("make", [torch.zeros, mx.zeros], ids=["torch", "mlx"])
def test_copies_of_an_element_load_before_it_is_stored(make, block):
    x = make(100)
    add_one_in_place[(triton.cdiv(100, block),)](x, 100, BLOCK=block, engine="msl", sanitize="thread")
    assert np.asarray(memoryview(x) if isinstance(x, mx.array) else x).tolist() == [1.0] * 100


@triton.jit
def shifted_in_place(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    for _ in range(2):
        tl.store(x_ptr + i + 1, tl.load(x_ptr + i))


def test_a_store_to_what_another_thread_loads():
    x = torch.arange(129.0)
    shifted_in_place[(1,)](x, BLOCK=128, engine="msl", sanitize="thread")
    assert x.tolist() == [0.0, 0.0, *map(float, range(127))]


@triton.jit
def stores_and_adds(x_ptr, BLOCK: tl.constexpr, ATOMIC: tl.constexpr):
    i = tl.arange(0, BLOCK)
    if ATOMIC:
        tl.atomic_add(x_ptr + i // 2, 1)
    else:
        tl.store(x_ptr + i // 2, i // 2)  # two threads, the same value


def test_atomic_operations_are_no_race_stores_are():
    x = torch.zeros(64, dtype=torch.int32)
    stores_and_adds[(1,)](x, BLOCK=128, ATOMIC=True, engine="msl", sanitize="thread")
    assert x.tolist() == [2] * 64
    with pytest.raises(SanitizerError, match="the store here and the store by another thread here"):
        stores_and_adds[(1,)](x, BLOCK=128, ATOMIC=False, engine="msl", sanitize="thread")


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("mode", ["address", "thread", "undefined", "address,thread,undefined"])
@pytest.mark.parametrize("example", sorted(p.stem for p in EXAMPLES.glob("*.py") if p.stem != "example_case"))
def test_examples_are_clean_in_every_mode(example, mode, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", "msl")
    monkeypatch.setenv("TRITON_METAL_SANITIZE", mode)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    forget_compiled_kernels()
    for case in importlib.import_module(example).cases(small=True):
        assert case.error() <= case.tolerance, case.name
    monkeypatch.undo()
    forget_compiled_kernels()
