# SPDX-License-Identifier: MIT
"""Messages name a line of the user's code, never one of Triton's own library that was inlined there."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
import triton
import triton.language as tl

from triton_metal.errors import ArgumentError, CompileError, UnsupportedError

LIBRARY = """
import triton
import triton.language as tl


@triton.jit
def assembly(x):
    code: tl.constexpr = "mov.b32 $0, $1;"
    return tl.inline_asm_elementwise(code, "=r,r", [x], tl.float32, True, 1)


@triton.jit
def twice_assembly(x):
    return assembly(x) + 1


@triton.jit
def fetch(x_ptr, i):
    return tl.load(x_ptr + i)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A module in a folder like that of Triton's own functions for kernels."""
    path: Path = tmp_path_factory.mktemp("site-packages") / "triton" / "language" / "extra_functions.py"
    path.parent.mkdir(parents=True)
    path.write_text(LIBRARY)
    spec = importlib.util.spec_from_file_location("extra_functions", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["extra_functions"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["extra_functions"]


def line_with(words: str) -> str:
    """How a message names the line of this file that ends with a comment of these words."""
    lines = Path(__file__).read_text().split("\n")
    (number,) = [n for n, line in enumerate(lines, 1) if line.endswith("  # " + words)]
    return f"{Path(__file__).name}:{number}:"


@triton.jit
def refused(x_ptr, F: tl.constexpr):
    i = tl.arange(0, 8)
    tl.store(x_ptr + i, F(tl.load(x_ptr + i)))  # a refused call


@pytest.mark.parametrize("engine", ["msl", "mlx", "auto"])
@pytest.mark.parametrize("function", ["assembly", "twice_assembly"])
def test_a_refusal_in_a_function_of_the_library(library, function, engine):
    with pytest.raises(UnsupportedError) as raised:
        refused[(1,)](torch.zeros(8), F=getattr(library, function), engine=engine)
    assert line_with("a refused call") in str(raised.value)
    assert "extra_functions.py" not in str(raised.value)


@triton.jit
def beyond(x_ptr, out_ptr, F: tl.constexpr):
    i = tl.arange(0, 8)
    tl.store(out_ptr + i, F(x_ptr, i))  # a call that reads too far


def test_an_access_outside_of_an_argument(library, msl_engine):
    with pytest.raises(ArgumentError, match="index 7 of argument 'x_ptr'") as raised:
        beyond[(1,)](torch.zeros(7), torch.zeros(8), F=library.fetch)
    assert line_with("a call that reads too far").rstrip(":") in str(raised.value)
    assert "extra_functions.py" not in str(raised.value)


MAXIMUM = """
module {
  tt.func public @kernel(%p: !tt.ptr<f32>, %n: i32) {
    %one = arith.constant 1 : i64
    %zero = arith.constant 0 : i32
    %v = arith.constant dense<1.0> : tensor<8xf32>
    %d = tt.make_tensor_descriptor %p, [%n], [%one] : !tt.ptr<f32>, !tt.tensordesc<8xf32>
    tt.descriptor_reduce max, %d[%zero], %v : !tt.tensordesc<8xf32>, tensor<8xf32> loc(#at)
    tt.return
  }
}
#at = loc(callsite("/usr/lib/triton/language/standard.py":7:1 at "mine.py":13:5))
"""


def test_what_a_pass_reports(tmp_path):
    path = tmp_path / "kernel.ttir"
    path.write_text(MAXIMUM)
    with pytest.raises(CompileError) as raised:
        triton.compile(str(path))
    assert "mine.py:13:5: [tt.descriptor_reduce]" in str(raised.value)
    assert "standard.py" not in str(raised.value)
