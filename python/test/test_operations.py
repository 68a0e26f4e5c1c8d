# SPDX-License-Identifier: MIT
"""What the registry of operations calls right, computed: every element-wise operation on every element type.

The kernels are Triton IR, since Triton's language does not write all of these operations. Exact operations
are compared at all values of 8 and 16 bits; functions at random values.
"""

from __future__ import annotations

import math

import numpy as np
import operation_casts
import pytest
from generated import evaluate
from number_formats import FLOATS, KINDS, decode, differences, encode, operands
from operation_kernels import ENGINES, ConstantProgram, Line, Program, is_able, state
from operation_references import EITHER_ZERO, expected, is_promised, lines_of

from triton_metal.errors import UnsupportedError

COUNT = 256
LINES = 16  # of a kernel: the time to compile grows faster than its length

# Relative and absolute; test_language_* and the tests of the headers measure closer.
TOLERANCE = {"f16": 2e-3, "bf16": 2e-2, "f32": 2e-5, "f64": 1e-9}


def each(function):
    return np.vectorize(function, otypes=[np.float64])


# Operands x and y are any numbers; n is a small positive number.
FUNCTIONS = {
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
}


def names_of(function):
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def function_lines(kind, engine):
    """The functions that the engine has for the type."""
    return [
        Line(name, tuple((operand, kind) for operand in names_of(function)), (kind,))
        for name, function in FUNCTIONS.items()
        if is_able(name, kind, engine)
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", TOLERANCE)
def test_functions(kind, engine, rng, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    x, y = rng.uniform(-3, 3, (2, COUNT))
    x[:32] = rng.uniform(-1, 1, 32)
    numbers = {"x": x, "y": y, "n": rng.uniform(1, 4, COUNT)}
    values = {(name, kind): encode(kind, column) for name, column in numbers.items()}
    lines = function_lines(kind, engine)
    for form in ("block", "scalar"):
        results = Program(lines, COUNT, form).run(values, engine)
        for line, (got,) in zip(lines, results, strict=True):
            with np.errstate(all="ignore"):
                operands_of_line = [
                    decode(kind, values[operand]).astype(np.float64) for operand in line.operands
                ]
                want = FUNCTIONS[line.op](*operands_of_line)
            got = decode(kind, got).astype(np.float64)
            assert np.allclose(got, want, TOLERANCE[kind], TOLERANCE[kind], equal_nan=True), (
                f"{form}: {line.label}"
            )


# --- exact operations --------------------------------------------------------------------------------------


def exact_lines(kind, engine):
    return [line for line in lines_of(kind) if is_able(line.op, kind, engine)]


def assert_line(line, engine, values, got, want, defined, what):
    zero_sign = line.op not in EITHER_ZERO
    for kind, have, wanted in zip(line.results, got, want, strict=True):
        wrong = differences(kind, have, wanted, zero_sign)
        wrong = wrong[defined[wrong]]
        shown = [
            f"{[hex(values[name][at]) for name in line.operands]}: {have[at]:#x}, expected {wanted[at]:#x}"
            for at in wrong[:4]
        ]
        assert not len(wrong), f"{what}, {line.label}: {len(wrong)} differ\n  " + "\n  ".join(shown)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_exact_operations(kind, engine, rng, monkeypatch):
    """Blocks, then scalars and constants. Undefined results are computed among the others, not compared."""
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    every = exact_lines(kind, engine)
    for start in range(0, len(every), LINES):
        check_exact(kind, engine, every[start : start + LINES], rng)


def check_exact(kind, engine, lines, rng):
    program = Program(lines, 65536, "block")
    kernel = program.compile(engine)
    letters = [(letter, kind) for letter in "xyz"]
    wanted = {}
    for columns in operands(kind, rng):
        values = dict(zip(letters, columns, strict=True))
        values["c", "i1"] = rng.integers(0, 2, 65536).astype(np.uint8)
        for line, got in zip(lines, program.launch(kernel, values), strict=True):
            want, defined = expected(line, values)
            defined = defined & is_promised(line, engine, values)
            assert_line(line, engine, values, got, want, defined, "block")
            wanted[line] = (want, defined)

    rows = rng.choice(65536, 64, replace=False)
    few = {name: column[rows] for name, column in values.items()}
    scalars = Program(lines, len(rows), "scalar").run(few, engine)
    for line, got in zip(lines, scalars, strict=True):
        want, defined = wanted[line]
        assert_line(line, engine, few, got, [column[rows] for column in want], defined[rows], "scalar")

    constants = ConstantProgram(lines, {name: column[:5] for name, column in few.items()}, 5).run(engine)
    for line, got in zip(lines, constants, strict=True):
        want, defined = wanted[line]
        for form in range(3):
            column = [result[:, form] for result in got]
            five = rows[:5]
            assert_line(line, engine, few, column, [w[five] for w in want], defined[five], "constants")


# --- casts -------------------------------------------------------------------------------------------------


def cast_lines(source, engine):
    return [
        line
        for line in operation_casts.lines_from(source)
        if is_able(line.op, source, engine) and is_able(line.op, line.results[0], engine)
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", KINDS)
def test_casts(source, engine, rng, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    lines = cast_lines(source, engine)
    values = {("x", source): operation_casts.values_of(source, rng)}
    wanted = {}
    for line, got in zip(lines, Program(lines, 65536, "block").run(values, engine), strict=True):
        want, defined = operation_casts.expected(line, values["x", source], engine)
        assert_line(line, engine, values, got, [want], defined, "block")
        wanted[line] = (want, defined)
    rows = rng.choice(65536, 64, replace=False)
    few = {("x", source): values["x", source][rows]}
    for line, got in zip(lines, Program(lines, len(rows), "scalar").run(few, engine), strict=True):
        want, defined = wanted[line]
        assert_line(line, engine, few, got, [want[rows]], defined[rows], "scalar")
    constants = ConstantProgram(lines, {("x", source): few["x", source][:5]}, 5).run(engine)
    for line, (got,) in zip(lines, constants, strict=True):
        want, defined = wanted[line]
        for form in range(3):
            five = rows[:5]
            assert_line(line, engine, few, [got[:, form]], [want[five]], defined[five], "constants")


# --- what is refused ---------------------------------------------------------------------------------------

STORAGE = ["float8e5", "float8e4nv"]


def refused_lines(kind, engine):
    """Element-wise operations and casts that the registry refuses for the type."""
    lines = lines_of(kind) + operation_casts.lines_from(kind)
    lines += [
        Line(name, tuple((operand, kind) for operand in names_of(function)), (kind,))
        for name, function in FUNCTIONS.items()
        if kind in FLOATS
    ]
    refused = {}
    for line in lines:
        if state(line.op, kind, engine).startswith("refused: "):
            refused[line.op] = line
    return list(refused.values())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_refused_operations(kind, engine, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    for line in refused_lines(kind, engine):
        reason = state(line.op, kind, engine).removeprefix("refused: ")
        with pytest.raises(UnsupportedError) as error:
            Program([line], 512, "block").compile(engine)
        first = str(error.value).splitlines()[0]
        assert f"[{line.op}] " in first and reason in first, first


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
