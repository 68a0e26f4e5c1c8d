# SPDX-License-Identifier: MIT
"""What the registry of operations calls right, computed: every element-wise operation on every element type.

The kernels are Triton IR, since Triton's language does not write all of these operations.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import triton
from generated import evaluate
from triton.backends.compiler import GPUTarget

from triton_metal import ops
from triton_metal.errors import UnsupportedError

HOST = GPUTarget("metal", "host", 32)
COUNT = 256

TYPES = {
    "i1": (torch.bool, "i1"),
    "i8": (torch.int8, "i8"),
    "i16": (torch.int16, "i16"),
    "i32": (torch.int32, "i32"),
    "i64": (torch.int64, "i64"),
    "f16": (torch.float16, "f16"),
    "bf16": (torch.bfloat16, "bf16"),
    "f32": (torch.float32, "f32"),
    "f64": (torch.float64, "f64"),
}
# Relative and absolute; test_language_* and the tests of the headers measure closer.
TOLERANCE = {"f16": 2e-3, "bf16": 2e-2, "f32": 2e-5, "f64": 1e-9}


def each(function):
    return np.vectorize(function, otypes=[np.float64])


# Operands x and y are any numbers; n is a small positive number: a divisor, or a shift inside of the width.
FLOATS = {
    "arith.addf": lambda x, y: x + y,
    "arith.subf": lambda x, y: x - y,
    "arith.mulf": lambda x, y: x * y,
    "arith.divf": lambda x, n: x / n,
    "tt.approx_divf": lambda x, n: x / n,
    "tt.precise_divf": lambda x, n: x / n,
    "arith.remf": lambda x, n: np.fmod(x, n),
    "arith.negf": lambda x: -x,
    "arith.maximumf": lambda x, y: np.maximum(x, y),
    "arith.minimumf": lambda x, y: np.minimum(x, y),
    "arith.maxnumf": lambda x, y: np.fmax(x, y),
    "arith.minnumf": lambda x, y: np.fmin(x, y),
    "math.fma": lambda x, y, n: x * y + n,
    "tt.clampf": lambda x, y, n: np.minimum(np.maximum(x, y), n),
    "math.absf": lambda x: np.abs(x),
    "math.ceil": lambda x: np.ceil(x),
    "math.floor": lambda x: np.floor(x),
    "math.round": lambda x: np.trunc(x + np.copysign(0.5, x)),
    "math.roundeven": lambda x: np.rint(x),
    "math.trunc": lambda x: np.trunc(x),
    "math.sqrt": lambda n: np.sqrt(n),
    "tt.precise_sqrt": lambda n: np.sqrt(n),
    "math.rsqrt": lambda n: 1 / np.sqrt(n),
    "math.cbrt": lambda x: np.cbrt(x),
    "math.exp": lambda x: np.exp(x),
    "math.exp2": lambda x: np.exp2(x),
    "math.expm1": lambda x: np.expm1(x),
    "math.log": lambda n: np.log(n),
    "math.log2": lambda n: np.log2(n),
    "math.log10": lambda n: np.log10(n),
    "math.log1p": lambda n: np.log1p(n),
    "math.sin": lambda x: np.sin(x),
    "math.cos": lambda x: np.cos(x),
    "math.tan": lambda x: np.tan(x),
    "math.asin": lambda x: np.arcsin(x),
    "math.acos": lambda x: np.arccos(x),
    "math.atan": lambda x: np.arctan(x),
    "math.sinh": lambda x: np.sinh(x),
    "math.cosh": lambda x: np.cosh(x),
    "math.tanh": lambda x: np.tanh(x),
    "math.asinh": lambda x: np.arcsinh(x),
    "math.acosh": lambda n: np.arccosh(n),
    "math.atanh": lambda x: np.arctanh(x),
    "math.erf": lambda x: each(math.erf)(x),
    "math.erfc": lambda x: each(math.erfc)(x),
    "math.atan2": lambda x, y: np.arctan2(x, y),
    "math.powf": lambda n, x: np.power(n, x),
    "math.copysign": lambda x, y: np.copysign(x, y),
}


def truncated(x, y):
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def popcount(x):
    return bin(x).count("1")


# On Python's integers, with the width in bits; u(x) is x without its sign. What they give is wrapped.
INTEGERS = {
    "arith.addi": lambda x, y: x + y,
    "arith.subi": lambda x, y: x - y,
    "arith.muli": lambda x, y: x * y,
    "arith.divsi": lambda x, n: truncated(x, n),
    "arith.remsi": lambda x, n: x - truncated(x, n) * n,
    "arith.divui": lambda ux, n: ux // n,
    "arith.remui": lambda ux, n: ux % n,
    "arith.floordivsi": lambda x, n: x // n,
    "arith.ceildivsi": lambda x, n: -(-x // n),
    "arith.ceildivui": lambda ux, n: -(-ux // n),
    "arith.andi": lambda x, y: x & y,
    "arith.ori": lambda x, y: x | y,
    "arith.xori": lambda x, y: x ^ y,
    "arith.shli": lambda x, n: x << n,
    "arith.shrsi": lambda x, n: x >> n,
    "arith.shrui": lambda ux, n: ux >> n,
    "arith.maxsi": lambda x, y: max(x, y),
    "arith.minsi": lambda x, y: min(x, y),
    "arith.maxui": lambda ux, uy: max(ux, uy),
    "arith.minui": lambda ux, uy: min(ux, uy),
    "tt.mulhiui": lambda ux, uy, bits: ux * uy >> bits,
    "math.absi": lambda x: abs(x),
    "math.ctpop": lambda ux: popcount(ux),
    "math.ctlz": lambda ux, bits: bits - ux.bit_length(),
    "math.cttz": lambda ux, bits: (ux & -ux).bit_length() - 1 if ux else bits,
}
REFERENCES = {**FLOATS, **INTEGERS}
# Triton's own verifier, which reads the text first, admits these on float32 only.
FLOAT32_ONLY = ("tt.approx_divf", "tt.precise_divf", "tt.precise_sqrt")
# Casts, selections, comparisons, positions and library functions have files of their own.
ELSEWHERE = re.compile(
    r"arith\.(ext|trunc|sitofp|uitofp|fpto|bitcast|cmp|select|constant|index|mul.i_extended)|tt\.(get_|addptr|"
    r"bitcast|fp_to_fp|ptr_to_int|extern)|ub\.poison"
)


def entries():
    return {entry["op"]: entry for entry in ops.operations()}


def test_every_elementwise_operation_has_a_reference():
    for name, entry in entries().items():
        computed = entry["kind"] == "elementwise" and (entry["msl"] or entry["mlx"])
        if computed and not ELSEWHERE.match(name):
            assert name in REFERENCES, name


def names_of(function):
    """The operands of a reference; `bits` is none."""
    return [name for name in function.__code__.co_varnames[: function.__code__.co_argcount] if name != "bits"]


def kernel_text(kind, names):
    """x, y and n are blocks of one type; each operation stores its result behind that of the one before."""
    block, pointers = f"tensor<{COUNT}x{kind}>", f"tensor<{COUNT}x!tt.ptr<{kind}>>"
    index = f"tensor<{COUNT}xi32>"
    lines = [
        f"tt.func public @all(%x_ptr: !tt.ptr<{kind}>, %y_ptr: !tt.ptr<{kind}>, %n_ptr: !tt.ptr<{kind}>, "
        f"%out_ptr: !tt.ptr<{kind}>) {{",
        f"  %i = tt.make_range {{start = 0 : i32, end = {COUNT} : i32}} : {index}",
        f"  %outs = tt.splat %out_ptr : !tt.ptr<{kind}> -> {pointers}",
    ]
    for name in "xyn":
        lines += [
            f"  %{name}s = tt.splat %{name}_ptr : !tt.ptr<{kind}> -> {pointers}",
            f"  %{name}p = tt.addptr %{name}s, %i : {pointers}, {index}",
            f"  %{name} = tt.load %{name}p : {pointers}",
        ]
    for number, name in enumerate(names):
        operands = [f"%{operand.removeprefix('u')}" for operand in names_of(REFERENCES[name])]
        attributes = " {propagateNan = 65535 : i32}" if name == "tt.clampf" else ""
        types = f"({', '.join([block] * len(operands))}) -> {block}"
        lines += [
            f'  %r{number} = "{name}"({", ".join(operands)}){attributes} : {types}',
            f"  %c{number} = arith.constant dense<{number * COUNT}> : {index}",
            f"  %j{number} = arith.addi %i, %c{number} : {index}",
            f"  %p{number} = tt.addptr %outs, %j{number} : {pointers}, {index}",
            f"  tt.store %p{number}, %r{number} : {pointers}",
        ]
    return "\n".join([*lines, "  tt.return", "}", ""])


def operands_of(kind, rng):
    """x, y and n."""
    dtype = TYPES[kind][0]
    if kind == "i1":
        x, y = rng.integers(0, 2, (2, COUNT))
        return [torch.from_numpy(values.astype(bool)) for values in (x, y, np.ones(COUNT))]
    if not dtype.is_floating_point:
        limits = torch.iinfo(dtype)
        x, y = rng.integers(limits.min, limits.max, (2, COUNT), dtype=np.int64, endpoint=True)
        x[:4], y[:4] = [limits.min, limits.max, 0, -1], [limits.max, -1, 0, limits.min]
        n = rng.integers(1, limits.bits, COUNT)
        return [torch.from_numpy(values).to(dtype) for values in (x, y, n)]
    x, y = rng.uniform(-3, 3, (2, COUNT))
    x[:32] = rng.uniform(-1, 1, 32)
    n = rng.uniform(1, 4, COUNT)
    return [torch.from_numpy(values).to(dtype) for values in (x, y, n)]


def expected(name, kind, values):
    function = REFERENCES[name]
    if name in FLOATS:
        with np.errstate(all="ignore"):
            return function(*(values[operand].double().numpy() for operand in names_of(function)))
    bits = 1 if kind == "i1" else torch.iinfo(TYPES[kind][0]).bits
    columns = []
    for operand in names_of(function):
        column = [-int(v) if kind == "i1" else int(v) for v in values[operand.removeprefix("u")]]
        if operand.startswith("u") or (kind == "i1" and operand == "n"):
            column = [v % (1 << bits) for v in column]
        columns.append(column)
    wants_bits = "bits" in function.__code__.co_varnames
    raw = [function(*row, *([bits] if wants_bits else [])) for row in zip(*columns, strict=True)]
    if kind == "i1":
        return np.array([v & 1 for v in raw], bool)
    return np.array([(v + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1) for v in raw])


@pytest.mark.parametrize("engine", ["msl", "mlx"])
@pytest.mark.parametrize("kind", TYPES)
def test_values(kind, engine, rng, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    known = entries()
    able = ("right", "software", "cpu only")
    names = [name for name in REFERENCES if known[name]["types"][kind][engine] in able]
    names = [name for name in names if kind == "f32" or name not in FLOAT32_ONLY]
    assert names
    path = tmp_path / "all.ttir"
    path.write_text(kernel_text(kind, names))
    compiled = triton.compile(str(path), target=HOST, options={"num_warps": 4})
    values = dict(zip("xyn", operands_of(kind, rng), strict=True))
    out = torch.zeros(len(names) * COUNT, dtype=TYPES[kind][0])
    compiled[(1, 1, 1)](*values.values(), out)
    wrong = []
    for number, name in enumerate(names):
        got = out[number * COUNT : (number + 1) * COUNT]
        want = expected(name, kind, values)
        if kind == "i1" and "sh" in name:
            continue  # no shift is inside of the width
        if name in FLOATS:
            near = np.allclose(got.double().numpy(), want, TOLERANCE[kind], TOLERANCE[kind], equal_nan=True)
        else:
            near = np.array_equal(got.numpy(), want)
        if not near:
            wrong.append(name)
    assert not wrong, wrong


# --- what is refused ---------------------------------------------------------------------------------------

STORAGE = ["float8e5", "float8e4nv"]


@pytest.mark.parametrize("engine", ["msl", "mlx", "auto"])
@pytest.mark.parametrize("kind", ["f8E5M2", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2FNUZ"])
def test_functions_of_storage_are_refused(kind, engine, tmp_path, monkeypatch):
    """Arithmetic that is computed in float32 is in test_float8.py. Triton's language checks the types of
    functions itself, so these kernels are text."""
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    refused = [
        name
        for name, entry in entries().items()
        if name in FLOATS and entry["types"][kind]["msl"].startswith("refused") and name not in FLOAT32_ONLY
    ]
    assert "math.exp" in refused and "arith.addf" not in refused
    for name in refused:
        operands = ", ".join("%x" for _ in names_of(FLOATS[name]))
        types = ", ".join(kind for _ in names_of(FLOATS[name]))
        path = tmp_path / f"{name}.ttir"
        path.write_text(
            f"tt.func public @k(%p: !tt.ptr<{kind}>) {{\n  %x = tt.load %p : !tt.ptr<{kind}>\n"
            f'  %y = "{name}"({operands}) : ({types}) -> {kind} loc("kernel.py":7:5)\n'
            f"  tt.store %p, %y : !tt.ptr<{kind}>\n  tt.return\n}}\n"
        )
        with pytest.raises(UnsupportedError) as error:
            triton.compile(str(path), target=HOST, options={"num_warps": 4})
        first = str(error.value).splitlines()[0]
        reasons = {"is a storage format: convert to float32 first.", "This operation has no form in MLX yet."}
        assert first.startswith(f"kernel.py:7:5: [{name}] "), first
        assert first.removeprefix(f"kernel.py:7:5: [{name}] ").removeprefix(f"{kind} ") in reasons, first


@pytest.mark.parametrize("engine", ["msl", "mlx"])
@pytest.mark.parametrize("dtype", STORAGE)
def test_storage_is_moved_selected_and_converted(dtype, engine, monkeypatch, rng):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    x, y = rng.integers(-4, 5, (2, 128)).astype(np.float32)
    got = evaluate("tl.where(i < 64, x, y)", [x, y], [dtype, dtype], dtype)
    np.testing.assert_array_equal(got, np.where(np.arange(128) < 64, x, y))
    got = evaluate(
        f"(x.to(tl.float32) + y.to(tl.float32)).to(tl.{dtype}).to(tl.float32)", [x, y], [dtype] * 2, "float32"
    )
    np.testing.assert_array_equal(got, x + y)
