# SPDX-License-Identifier: MIT
"""triton.language.extra.libdevice: every function exists, under the symbols that the table lists."""

import inspect
import re

import pytest
import torch
import triton
import triton.language as tl
from triton.compiler.errors import CompilationError
from triton.language import core
from triton.language.extra import libdevice as interface

from triton_metal.backend import libdevice

NAMES = sorted(name for name, value in vars(interface).items() if inspect.isfunction(value))


def test_every_function_of_the_interface_is_there():
    assert [name for name in NAMES if name not in libdevice.FUNCTIONS] == []


def test_the_same_types_as_on_other_gpus(monkeypatch):
    """Triton's CUDA libdevice says which element types a function takes."""
    from triton.language.extra.cuda import libdevice as cuda

    taken = {}

    class Result:
        def to(self, *_, **__):
            return self

    def record(lib_name, lib_path, args, overloads, is_pure, _semantic=None):
        taken[name] = overloads
        return Result()

    monkeypatch.setattr(core, "extern_elementwise", record)
    for name in NAMES:
        function = getattr(cuda, name, None)
        if function is None:
            continue
        arity = sum(parameter.startswith("arg") for parameter in inspect.signature(function).parameters)
        function(*[None] * arity, _semantic=object())
    missing = {
        name: set(overloads) - set(libdevice.FUNCTIONS[name])
        for name, overloads in taken.items()
        if set(overloads) - set(libdevice.FUNCTIONS[name])
    }
    assert not missing
    assert len(taken) > 150


def test_symbols():
    assert all(re.fullmatch(r"__tm_u?[a-z][a-z0-9_]*", symbol) for symbol in libdevice.SYMBOLS)
    assert libdevice.SYMBOLS["__tm_umulhi"] == ["(uint32, uint32) -> uint32", "(uint64, uint64) -> uint64"]


@triton.jit
def unary(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n)
    tl.store(out_ptr + offsets, interface.exp(x), mask=offsets < n)


@triton.jit
def power(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n)
    tl.store(out_ptr + offsets, interface.pow(x, 2.0), mask=offsets < n)


def ttir(kernel, dtype):
    return kernel.warmup(dtype, torch.float32, 10, BLOCK=16, grid=(1,)).asm["ttir"]


@pytest.mark.parametrize("kernel, symbol", [(unary, "__tm_exp"), (power, "__tm_pow")])
def test_calls_become_symbols(kernel, symbol):
    assert f'symbol = "{symbol}"' in ttir(kernel, torch.float32)


def test_types_that_a_function_does_not_take():
    with pytest.raises(CompilationError, match=r"libdevice\.exp takes \(fp32\) or \(fp64\), not \(int32\)"):
        ttir(unary, torch.int32)


@triton.jit
def through_fp8e4b15(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n)
    tl.store(out_ptr + offsets, x.to(tl.float8e4b15).to(tl.float32), mask=offsets < n)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_fp8e4b15(dtype):
    """4 exponent bits with bias 15, 3 mantissa bits, largest value 1.75."""
    grid = torch.tensor([m * 2.0 ** (e - 15 - 3) for e in range(1, 15) for m in range(8, 16)])
    exact = torch.cat([grid[grid <= 1.75], torch.arange(8) * 2.0**-17])
    x = torch.cat([exact, -exact]).to(dtype)
    out = torch.zeros(len(x))
    block = triton.next_power_of_2(len(x))
    through_fp8e4b15[(1,)](x, out, len(x), BLOCK=block)
    assert torch.equal(out, x.float())
    beyond = torch.tensor([2.0, -3.0, 1000.0, 1.7], dtype=dtype)
    through_fp8e4b15[(1,)](beyond, out, 4, BLOCK=block)
    assert out[:4].tolist() == [1.75, -1.75, 1.75, 1.75]
