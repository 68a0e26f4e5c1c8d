# SPDX-License-Identifier: MIT
"""Messages from a kernel to the host: tl.device_print and tl.device_assert on the msl engine."""

import re

import mlx.core as mx
import pytest
import torch
import triton
import triton.language as tl

from triton_metal.errors import DeviceAssertionError, MetalError

MSL = {"engine": "msl"}


@triton.jit
def print_block(x_ptr, HEX: tl.constexpr, BLOCK: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, BLOCK))
    tl.device_print("value: ", x, hex=HEX)


def lines_of(output):
    return sorted(output.splitlines())


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "float16", "bfloat16", "float32"]
)
def test_each_element_is_printed_once(capsys, dtype):
    x = (torch.arange(8, dtype=torch.float32) * 3).to(getattr(torch, dtype))
    if dtype in ("int8", "int16", "int32", "int64"):
        x = -x
    print_block[(1,)](x, HEX=False, BLOCK=8, num_warps=8, **MSL)
    text = "{:f}" if "float" in dtype else "{:d}"
    expected = [f"pid (0, 0, 0) idx ({i}) value: " + text.format(x[i].item()) for i in range(8)]
    assert lines_of(capsys.readouterr().out) == sorted(expected)


def test_hexadecimal_has_the_width_of_the_type(capsys):
    print_block[(1,)](torch.tensor([0, 255, -1, 16], dtype=torch.int16), HEX=True, BLOCK=4, **MSL)
    values = re.findall(r"value: (\S+)", capsys.readouterr().out)
    assert sorted(values) == ["0x0000", "0x0010", "0x00ff", "0xffff"]


@triton.jit
def print_scalars(a, b):
    tl.device_print("both: ", a + tl.program_id(1), b)
    tl.device_print("no operand")


def test_scalars_and_several_operands(capsys):
    print_scalars[(1, 2)](5, 2.5, num_warps=4, **MSL)
    assert lines_of(capsys.readouterr().out) == sorted(
        [
            "pid (0, 0, 0) idx () both: (operand 0) 5",
            "pid (0, 0, 0) idx () both: (operand 1) 2.500000",
            "pid (0, 1, 0) idx () both: (operand 0) 6",
            "pid (0, 1, 0) idx () both: (operand 1) 2.500000",
            "pid (0, 0, 0) idx () no operand",
            "pid (0, 1, 0) idx () no operand",
        ]
    )


@triton.jit
def print_matrix(x_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    at = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    tl.device_print("m: ", tl.load(x_ptr + at))


def test_a_matrix_has_two_indices(capsys):
    print_matrix[(1,)](torch.arange(8, dtype=torch.int32), ROWS=2, COLUMNS=4, **MSL)
    expected = [f"pid (0, 0, 0) idx ({r}, {c}) m: {r * 4 + c}" for r in range(2) for c in range(4)]
    assert lines_of(capsys.readouterr().out) == sorted(expected)


@triton.jit
def print_in_branch(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x_ptr + i, i)
    if tl.program_id(0) == 2:
        for step in range(n):
            tl.device_print("step: ", step)


def test_prints_inside_control_flow(capsys):
    x = torch.zeros(32, dtype=torch.int32)
    print_in_branch[(4,)](x, 3, BLOCK=32, **MSL)
    assert capsys.readouterr().out.splitlines() == [f"pid (2, 0, 0) idx () step: {i}" for i in range(3)]
    assert x.tolist() == list(range(32))


def test_what_does_not_fit_is_counted(capsys, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_REPORT_RECORDS", "10")
    print_block[(3,)](torch.arange(8, dtype=torch.int32), HEX=False, BLOCK=8, **MSL)
    out = capsys.readouterr().out.splitlines()
    assert sum("value:" in line for line in out) == 10
    assert re.search(r"14 of 24 messages .* lost", out[-1])


def test_prints_of_a_lazy_launch_come_with_the_evaluation(capsys):
    x = mx.arange(4, dtype=mx.int32)

    add_and_print[(1,)](x, BLOCK=4, **MSL)
    assert capsys.readouterr().out == ""
    mx.eval(x)
    expected = [f"pid (0, 0, 0) idx ({i}) new: {i + 1}" for i in range(4)]
    assert lines_of(capsys.readouterr().out) == expected


@triton.jit
def add_and_print(x_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i) + 1
    tl.device_print("new: ", x)
    tl.store(x_ptr + i, x)


@triton.jit
def assert_small(x_ptr, limit, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.device_assert(x < limit, "too large")
    tl.store(x_ptr + i, x + 1)


def line_of(function, text):
    import inspect

    lines, start = inspect.getsourcelines(function.fn)
    return start + next(i for i, line in enumerate(lines) if text in line)


def test_an_assertion_that_holds_says_nothing(capsys):
    x = torch.arange(64, dtype=torch.int32)
    assert_small[(2,)](x, 64, BLOCK=32, debug=True, **MSL)
    assert x.tolist() == list(range(1, 65))
    assert capsys.readouterr().out == ""


def test_an_assertion_that_fails_names_kernel_line_and_program():
    x = torch.arange(64, dtype=torch.int32)
    with pytest.raises(DeviceAssertionError) as caught:
        assert_small[(2,)](x, 40, BLOCK=32, debug=True, **MSL)
    text = str(caught.value)
    assert f"test_msl_report.py:{line_of(assert_small, 'device_assert')}:" in text
    assert "assert_small" in text and "too large" in text and "(1, 0, 0)" in text
    assert isinstance(caught.value, AssertionError) and isinstance(caught.value, MetalError)


def test_without_debug_there_is_no_assertion():
    x = torch.arange(64, dtype=torch.int32)
    assert_small[(2,)](x, 40, BLOCK=32, **MSL)
    assert x.tolist() == list(range(1, 65))


def test_a_failed_assertion_of_a_lazy_launch_reaches_eval():
    x = mx.arange(32, dtype=mx.int32)
    assert_small[(1,)](x, 20, BLOCK=32, debug=True, **MSL)
    with pytest.raises(Exception, match="too large"):
        mx.eval(x)
    y = mx.arange(4) + 1  # MLX still works
    mx.eval(y)
    assert y.tolist() == [1, 2, 3, 4]
