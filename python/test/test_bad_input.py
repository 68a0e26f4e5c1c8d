# SPDX-License-Identifier: MIT
"""Wrong arguments, grids, files and folders give a clear error, and leave arguments and process intact."""

import re

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl

from triton_metal.errors import ArgumentError, CompileError, MetalError, UnsupportedError


@triton.jit
def add_one(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


@pytest.fixture(autouse=True)
def lives_on():
    """After each test, a correct launch must still work."""
    yield
    x, out = torch.arange(100.0), torch.zeros(100)
    add_one[(2,)](x, out, 100, B=64)
    assert torch.equal(out, x + 1)


# Arguments


def test_too_few_bytes_to_read():
    x, out = torch.zeros(500), torch.full((1000,), 7.0)
    with pytest.raises(ArgumentError, match="x_ptr"):
        add_one[(16,)](x, out, 1000, B=64)
    assert bool((out == 7).all())


def test_too_few_bytes_to_write():
    storage = torch.full((600,), 7.0)
    x, out = torch.zeros(1000), storage.clone()
    with pytest.raises(ArgumentError, match="out_ptr"):
        add_one[(16,)](x, out, 1000, B=64)
    assert torch.equal(out, storage)


@pytest.mark.parametrize("short", ["x", "out"])
@pytest.mark.parametrize("library", ["numpy", "mlx"])
def test_too_few_bytes_in_other_libraries(library, short):
    make = (lambda n: np.full(n, 2.0, np.float32)) if library == "numpy" else (lambda n: mx.full((n,), 2.0))
    x, out = make(64 if short == "x" else 128), make(64 if short == "out" else 128)
    with pytest.raises(ArgumentError, match=f"{short}_ptr"):
        add_one[(2,)](x, out, 128, B=64)
    assert np.array_equal(np.array(out), np.full(out.size, 2.0, np.float32))
    assert np.array_equal(np.array(x), np.full(x.size, 2.0, np.float32))


@triton.jit
def reads_before(x_ptr, out_ptr, shift, B: tl.constexpr):
    i = tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i - shift))


def test_reading_before_the_storage():
    base, out = torch.arange(40, dtype=torch.float32), torch.zeros(16)
    reads_before[(1,)](base[8:], out, 8, B=16)
    assert torch.equal(out, base[:16])
    with pytest.raises(ArgumentError, match="x_ptr"):
        reads_before[(1,)](base[8:], out, 9, B=16)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(100, np.complex64),
        np.zeros(100, "datetime64[s]"),
        np.zeros(100, object),
        np.zeros(100, [("a", np.float32)]),
        np.zeros(100, ">f4"),
        torch.zeros(100, dtype=torch.complex64),
        mx.zeros((100,), dtype=mx.complex64),
    ],
    ids=["complex", "dates", "objects", "records", "byte order", "torch complex", "mlx complex"],
)
def test_element_types_that_kernels_do_not_have(array):
    with pytest.raises(Exception, match=r"(?i)type|dtype|byte order|complex") as caught:
        add_one[(2,)](array, torch.zeros(100), 100, B=64)
    assert "_core" not in str(type(caught.value)) or isinstance(caught.value, MetalError)


def test_compiled_kernel_with_other_elements():
    x, out = torch.zeros(100), torch.zeros(100)
    compiled = add_one[(2,)](x, out, 100, B=64)
    with pytest.raises(ArgumentError, match="x_ptr"):
        compiled[(2, 1, 1)](torch.zeros(100, dtype=torch.int16), out, 100, 64)


@pytest.mark.parametrize("value", [[1.0, 2.0], "text", {"a": 1}, object()])
def test_what_is_no_array(value):
    with pytest.raises((TypeError, ArgumentError, AttributeError, ValueError)):
        add_one[(1,)](value, torch.zeros(8), 8, B=8)


def test_number_where_an_array_is_expected():
    with pytest.raises(Exception, match=r"(?i)pointer|x_ptr|int32|type"):
        add_one[(1,)](5, torch.zeros(8), 8, B=8)


@pytest.mark.parametrize("device", ["meta"])
def test_wrong_device(device):
    with pytest.raises(ArgumentError, match="device"):
        add_one[(2,)](torch.zeros(100, device=device), torch.zeros(100), 100, B=64)


def test_sparse_tensor():
    with pytest.raises(
        (ArgumentError, NotImplementedError, RuntimeError), match=r"(?i)layout|storage|memory|sparse"
    ):
        add_one[(2,)](torch.zeros(100).to_sparse(), torch.zeros(100), 100, B=64)


def test_read_only_array():
    x, out = np.zeros(100, np.float32), np.zeros(100, np.float32)
    out.setflags(write=False)
    with pytest.raises(ArgumentError, match="read-only"):
        add_one[(2,)](x, out, 100, B=64)
    x.setflags(write=False)
    free = np.zeros(100, np.float32)
    add_one[(2,)](x, free, 100, B=64)
    assert free.tolist() == [1.0] * 100


def test_missing_and_unknown_arguments():
    with pytest.raises(TypeError):
        add_one[(1,)](torch.zeros(8), torch.zeros(8), B=8)
    with pytest.raises((TypeError, KeyError)):
        add_one[(1,)](torch.zeros(8), torch.zeros(8), 8, B=8, NOT_THERE=3)


# Grids


@pytest.mark.parametrize("grid", [(0,), (-1,), (4, 0), (1, 1, 0), (2**31,), (1, 2**31), (2, 1, -3)])
def test_grid_beyond_the_limits(grid):
    out = torch.full((100,), 7.0)
    with pytest.raises(ArgumentError, match="grid"):
        add_one[grid](torch.zeros(100), out, 100, B=64)
    assert bool((out == 7).all())


@pytest.mark.parametrize("grid", [(1.5,), ("2",), (None,)])
def test_grid_of_the_wrong_type(grid):
    with pytest.raises((ArgumentError, TypeError)):
        add_one[grid](torch.zeros(100), torch.zeros(100), 100, B=64)


def test_large_grid_of_programs_that_do_nothing():
    """This is legal, and must not keep memory in proportion to the grid."""
    out = torch.zeros(64)
    add_one[(100000,)](torch.zeros(64), out, 64, B=64)
    assert out.tolist() == [1.0] * 64


# Kernels


@triton.jit
def wrong_types(x_ptr):
    tl.store(x_ptr, x_ptr + 1.5)


@triton.jit
def not_a_power_of_two(x_ptr):
    tl.store(x_ptr + tl.arange(0, 6), 1.0)


@pytest.mark.parametrize("kernel", [wrong_types, not_a_power_of_two], ids=lambda kernel: kernel.__name__)
def test_kernels_that_triton_rejects(kernel):
    with pytest.raises(triton.CompilationError):
        kernel[(1,)](torch.zeros(8))


@triton.jit
def scaled_dot(a_ptr, s_ptr, out_ptr):
    i = tl.arange(0, 32)
    a = tl.load(a_ptr + i[:, None] * 32 + i[None, :])
    s = tl.load(s_ptr + i[:, None])
    tl.store(out_ptr + i[:, None] * 32 + i[None, :], tl.dot_scaled(a, s, "e5m2", a, None, "e5m2"))


def test_operation_that_is_not_supported_or_right():
    """dot_scaled may be refused by name and line, but must never give a wrong result."""
    a = torch.randint(0, 60, (32, 32), dtype=torch.uint8)
    s = torch.full((32, 1), 127, dtype=torch.uint8)
    out = torch.zeros(32, 32)
    try:
        scaled_dot[(1,)](a, s, out)
    except UnsupportedError as error:
        assert re.search(r"test_bad_input\.py:\d+:\d+: \[tt\.dot_scaled\]", str(error)), str(error)
        return
    values = a.view(torch.float8_e5m2).float()
    torch.testing.assert_close(out, values @ values)


@pytest.mark.parametrize("options", [{"num_ctas": 2}, {"launch_cooperative_grid": True}])
def test_options_of_other_hardware(options):
    with pytest.raises((ArgumentError, UnsupportedError), match=next(iter(options))):
        add_one[(2,)](torch.zeros(100), torch.zeros(100), 100, B=64, **options)


# Files and folders

PROGRAM = """
import os
import torch, triton, triton.language as tl

@triton.jit
def twice(x_ptr):
    tl.store(x_ptr + tl.arange(0, 8), tl.load(x_ptr + tl.arange(0, 8)) * 2)

@triton.jit
def other(x_ptr):
    tl.store(x_ptr + tl.arange(0, 8), tl.load(x_ptr + tl.arange(0, 8)) + 5)

x = torch.ones(8)
"""

OVERRIDDEN = (
    PROGRAM
    + """
import glob, pathlib
os.environ["TRITON_KERNEL_DUMP"] = "1"
os.environ["TRITON_DUMP_DIR"] = os.environ["SOMEWHERE"]
twice[(1,)](x)
found = glob.glob(os.environ["SOMEWHERE"] + "/*/twice.ttir")
pathlib.Path(found[0]).write_text(TEXT)
os.environ["TRITON_KERNEL_DUMP"] = "0"
os.environ["TRITON_KERNEL_OVERRIDE"] = "1"
os.environ["TRITON_OVERRIDE_DIR"] = os.environ["SOMEWHERE"]
os.environ["TRITON_ALWAYS_COMPILE"] = "1"
triton.knobs.refresh_knobs() if hasattr(triton.knobs, "refresh_knobs") else None
twice.device_caches.clear()
try:
    twice[(1,)](x)
    print("ran")
except Exception as error:
    print(type(error).__name__, str(error).splitlines()[0])
other[(1,)](x)
print(x.tolist() == [7.0] * 8)
"""
)

FUNCTION = "module {{\n  tt.func public @twice(%x: !tt.ptr<f32>) {{\n    {}\n    tt.return\n  }}\n}}\n"
MALFORMED = {
    "cut off": "module {\n  tt.func public @twice(",
    "no kernel": "module {\n}\n",
    "unknown operation": FUNCTION.format('"tt.nothing"() : () -> ()'),
    "wrong types": FUNCTION.format("%0 = arith.addi %x, %x : f32"),
    "not text": "\\x00\\x01\\x02",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_override(case, run_python, tmp_path):
    folder = tmp_path / "override"
    folder.mkdir()
    text = MALFORMED[case]
    done = run_python(f"TEXT = {text!r}\n" + OVERRIDDEN, TRITON_BACKEND="metal", SOMEWHERE=str(folder))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert lines[-2].split()[0] in ("CompileError", "UnsupportedError", "RuntimeError", "MetalError"), (
        done.stdout
    )
    assert lines[-1] == "True", done.stdout


def test_cache_folder_that_cannot_be_written(run_python, tmp_path):
    program = PROGRAM + (
        "try:\n    twice[(1,)](x)\nexcept Exception as error:\n    print(type(error).__name__, error)\n"
        "os.environ['TRITON_CACHE_DIR'] = os.environ['SOMEWHERE']\n"
        "other[(1,)](x)\nprint(x.tolist())\n"
    )
    # Not even root can create a folder below a file.
    program = "import os\nos.environ['TRITON_CACHE_DIR'] = '/dev/null/cache'\n" + program
    done = run_python(program, TRITON_BACKEND="metal", SOMEWHERE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert "/dev/null" in lines[0], done.stdout
    assert lines[-1] == str([6.0] * 8), done.stdout


VARIABLE = """
import os, sys
import numpy as np, triton, triton.language as tl
from triton_metal.errors import ArgumentError

@triton.jit
def fill(x, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(x + i, i)
    tl.device_print("at", i, hex=False) if B == 1 else None

name, block = sys.argv[1], int(sys.argv[2])
x = np.full(1024, -1, np.int32)
try:
    fill[(1024 // block,)](x, B=block)
except ArgumentError as error:
    print(error)
assert (x == -1).all()
del os.environ[name]
fill[(1024 // block,)](x, B=block)
assert (x == np.arange(1024)).all()
"""


@pytest.mark.parametrize(
    "name, value, engine, block, limits",
    [
        ("TRITON_METAL_NUM_THREADS", "two", "msl", 16, "1 to 1024"),
        ("TRITON_METAL_NUM_THREADS", "0", "msl", 16, "1 to 1024"),
        ("TRITON_METAL_REPORT_RECORDS", "-1", "msl", 1, "1 to 67108863"),
        ("TRITON_METAL_MEMORY_BUDGET", "1 GB", "mlx", 16, "1 to 9223372036854775807"),
    ],
)
def test_variables_that_are_no_numbers(name, value, engine, block, limits, run_python):
    variables = {name: value, "TRITON_METAL_ENGINE": engine, "TRITON_BACKEND": "metal"}
    result = run_python(
        VARIABLE.replace("sys.argv[1]", repr(name)).replace("sys.argv[2]", str(block)), **variables
    )
    assert result.returncode == 0, result.stderr
    assert f"[{name}] '{value}' is not a whole number from {limits}." in result.stdout


def test_compile_error_is_told_from_an_unsupported_one():
    assert issubclass(UnsupportedError, CompileError)
    assert issubclass(CompileError, MetalError)
    assert issubclass(ArgumentError, MetalError)
    assert issubclass(MetalError, RuntimeError)
