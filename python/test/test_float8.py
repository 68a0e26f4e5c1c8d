# SPDX-License-Identifier: MIT
"""Arithmetic on 8-bit floats, on both engines and all pairs of bytes. The references decode the bytes and
round by tables of their own, in float64."""

from __future__ import annotations

import functools

import ml_dtypes
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from generated import PRELUDE, elementwise_kernel, load_source
from number_formats import FLOAT8, Format
from reference import fused_multiply_add
from triton.backends.compiler import GPUTarget

from triton_metal import ops

HOST = GPUTarget("metal", "host", 32)
ENGINES = ["msl", "mlx"]
pytestmark = pytest.mark.filterwarnings("ignore:.*device_print.*")


FORMATS = FLOAT8
NUMBERS = {
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
}
# Triton's names, without float8e4b15, which reaches backends as an integer.
NAMES = {
    "float8e5": "f8E5M2",
    "float8e4nv": "f8E4M3FN",
    "float8e4b8": "f8E4M3FNUZ",
    "float8e5b16": "f8E5M2FNUZ",
}
CODES = np.arange(256, dtype=np.uint8)
X, Y = np.repeat(CODES, 256), np.tile(CODES, 256)
Z = (5 * X.astype(int) + 3 * Y + 7).astype(np.uint8)
COUNT = len(X)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_tables_are_those_of_ml_dtypes(kind):
    form, numbers = FORMATS[kind], NUMBERS[kind]
    values = CODES.view(numbers).astype(np.float64)
    np.testing.assert_array_equal(form.decode(CODES), values)
    finite = np.isfinite(values)
    np.testing.assert_array_equal(form.encode(values[finite]), CODES[finite])
    middles = (form.finite[1:] + form.finite[:-1]) / 2
    near = np.concatenate([middles, middles * (1 + 2**-20), middles * (1 - 2**-20)])
    np.testing.assert_array_equal(form.encode(near), near.astype(numbers).view(np.uint8))


def assert_codes(form: Format, got: np.ndarray, want: np.ndarray, what: str, zero_sign: bool = True) -> None:
    """Equal bytes, except that all NaNs are equal."""
    same = (got == want) | (np.isnan(form.decode(got)) & np.isnan(form.decode(want)))
    if not zero_sign:
        same |= (form.decode(got) == 0) & (form.decode(want) == 0)
    bad = np.flatnonzero(~same)
    shown = [f"{int(at)}: {got[at]:#x}, expected {want[at]:#x}" for at in bad[:5]]
    assert not len(bad), f"{what}: {len(bad)} of {len(got)} differ\n  " + "\n  ".join(shown)


# --- every operation of the registry that is computed in float32 --------------------------------------------


def clamped(x, lower, upper):
    return np.fmin(np.fmax(x, lower), upper)


def comparison(predicate):
    relation = {"eq": np.equal, "gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal}
    relation["ne"] = lambda x, y: ~np.equal(x, y)
    if predicate in ("ord", "uno"):
        return lambda x, y: (np.isnan(x) | np.isnan(y)) == (predicate == "uno")
    if predicate[0] == "o":
        return lambda x, y: relation[predicate[1:]](x, y) & ~(np.isnan(x) | np.isnan(y))
    return lambda x, y: relation[predicate[1:]](x, y) | np.isnan(x) | np.isnan(y)


def maximum(x, y):
    """-0 is less than 0."""
    return np.where((x == 0) & (y == 0) & np.signbit(x), y, np.maximum(x, y))


def minimum(x, y):
    return np.where((x == 0) & (y == 0) & np.signbit(y), y, np.minimum(x, y))


REFERENCES = {
    "arith.addf": lambda x, y: x + y,
    "arith.subf": lambda x, y: x - y,
    "arith.mulf": lambda x, y: x * y,
    "arith.divf": lambda x, y: x / y,
    "tt.approx_divf": lambda x, y: x / y,
    "tt.precise_divf": lambda x, y: x / y,
    "arith.remf": lambda x, y: np.fmod(x, y),
    "arith.negf": lambda x: -x,
    "arith.maximumf": maximum,
    "arith.minimumf": minimum,
    "arith.maxnumf": lambda x, y: np.fmax(x, y),
    "arith.minnumf": lambda x, y: np.fmin(x, y),
    "tt.clampf": clamped,
    "math.fma": lambda x, y, z: fused_multiply_add(x, y, z).astype(np.float64),
    "math.absf": np.abs,
}
PREDICATES = [kind + relation for kind in "ou" for relation in ("eq", "gt", "ge", "lt", "le", "ne")]
PREDICATES += ["ord", "uno"]
TO_INTEGER = ["arith.fptosi", "arith.fptoui"]
FROM_INTEGER = ["arith.sitofp", "arith.uitofp"]
# Triton's own verifier admits these on float32 only.
FLOAT32_ONLY = ("tt.approx_divf", "tt.precise_divf")


def widened_operations():
    return [
        entry["op"]
        for entry in ops.operations()
        if entry["kind"] == "elementwise" and entry["types"]["f8E5M2"]["msl"].startswith("in float32")
    ]


def test_every_widened_operation_has_a_reference():
    known = {*REFERENCES, *TO_INTEGER, *FROM_INTEGER, "arith.cmpf"}
    assert set(widened_operations()) == known
    for entry in ops.operations():
        states = {entry["types"][kind][engine].partition(":")[0] for kind in FORMATS for engine in ENGINES}
        assert len(states - {"not admitted"}) <= 1 or "refused" in states, entry["op"]


def arguments_of(function):
    return "xyz"[: function.__code__.co_argcount] if hasattr(function, "__code__") else "x"


@functools.cache
def integers() -> np.ndarray:
    """Integers around the middles between numbers of all formats, and the limits of i32."""
    middles = np.unique(np.concatenate([(f.finite[1:] + f.finite[:-1]) / 2 for f in FORMATS.values()]))
    near = np.concatenate([np.floor(middles) + d for d in (-1, 0, 1)])
    near = np.concatenate(
        [near, -near, 2.0 ** np.arange(31), 2.0 ** np.arange(31) - 1, [-(2**31), 2**31 - 1, 2**24 + 1]]
    )
    return np.resize(near.astype(np.int64).astype(np.int32), COUNT)


def ttir(kind: str, names: list[str], block: int = 1024) -> str:
    """Each operation stores its result behind that of the one before: bytes in %out, integers in %ints."""
    numbers, bytes_, ints = f"tensor<{block}x{kind}>", f"tensor<{block}xi8>", f"tensor<{block}xi32>"
    lines = [
        "tt.func public @all(%x_ptr: !tt.ptr<i8>, %y_ptr: !tt.ptr<i8>, %z_ptr: !tt.ptr<i8>,"
        " %n_ptr: !tt.ptr<i32>, %out_ptr: !tt.ptr<i8>, %ints_ptr: !tt.ptr<i32>) {",
        "  %pid = tt.get_program_id x : i32",
        f"  %size = arith.constant {block} : i32",
        "  %start = arith.muli %pid, %size : i32",
        f"  %range = tt.make_range {{start = 0 : i32, end = {block} : i32}} : {ints}",
        f"  %first = tt.splat %start : i32 -> {ints}",
        f"  %i = arith.addi %first, %range : {ints}",
    ]
    for name, element in [
        ("x", "i8"),
        ("y", "i8"),
        ("z", "i8"),
        ("n", "i32"),
        ("out", "i8"),
        ("ints", "i32"),
    ]:
        lines.append(
            f"  %{name}s = tt.splat %{name}_ptr : !tt.ptr<{element}> -> tensor<{block}x!tt.ptr<{element}>>"
        )
        if name in "xyzn":
            pointers = f"tensor<{block}x!tt.ptr<{element}>>"
            lines.append(f"  %{name}p = tt.addptr %{name}s, %i : {pointers}, {ints}")
            lines.append(f"  %{name}b = tt.load %{name}p : {pointers}")
        if name in "xyz":
            lines.append(f"  %{name} = tt.bitcast %{name}b : {bytes_} -> {numbers}")
    stored = {"i8": 0, "i32": 0}

    def store(value: str, element: str) -> None:
        pointers, target = f"tensor<{block}x!tt.ptr<{element}>>", "out" if element == "i8" else "ints"
        at = f"{element}_{stored[element]}"
        lines.extend(
            [
                f"  %c{at} = arith.constant dense<{stored[element] * COUNT}> : {ints}",
                f"  %j{at} = arith.addi %i, %c{at} : {ints}",
                f"  %p{at} = tt.addptr %{target}s, %j{at} : {pointers}, {ints}",
                f"  tt.store %p{at}, {value} : {pointers}",
            ]
        )
        stored[element] += 1

    for number, name in enumerate(names):
        r, op, _, predicate = f"%r{number}", *name.partition(":")
        if op == "arith.cmpf":
            lines.append(f"  {r} = arith.cmpf {predicate}, %x, %y : {numbers}")
            lines.append(f"  {r}b = arith.extui {r} : tensor<{block}xi1> to {bytes_}")
            store(f"{r}b", "i8")
            continue
        if op in TO_INTEGER:
            lines.append(f"  {r} = {op} %x : {numbers} to {ints}")
            store(r, "i32")
            continue
        if op in FROM_INTEGER:
            lines.append(f"  {r} = {op} %nb : {ints} to {numbers}")
        else:
            operands = arguments_of(REFERENCES[op])
            attributes = " {propagateNan = 0 : i32}" if op == "tt.clampf" else ""
            lines.append(
                f'  {r} = "{op}"({", ".join("%" + o for o in operands)}){attributes} : '
                f"({', '.join([numbers] * len(operands))}) -> {numbers}"
            )
        lines.append(f"  {r}b = tt.bitcast {r} : {numbers} -> {bytes_}")
        store(f"{r}b", "i8")
    return "\n".join([*lines, "  tt.return", "}", ""])


class Renamed:
    """A module of Triton IR whose text names another format. Triton cannot read f8E4M3B11FNUZ."""

    def __init__(self, module, kind: str):
        self.module, self.kind = module, kind

    def __str__(self) -> str:
        return str(self.module).replace("f8E4M3FN", self.kind)

    def get_entry_func_name(self) -> str:
        return self.module.get_entry_func_name()


def naming(kind: str):
    """A hook that hands the text with `kind` to the passes of this project."""

    def hook(backend=None, stages=None, *_):
        if stages is None:
            return kind, kind  # the key and the hash of what the hook does
        make_tt = stages["tt"]
        stages["tt"] = lambda module, metadata: make_tt(Renamed(module, kind), metadata)
        return None

    return hook


def bytes_of(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.view(np.int8).copy())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", FORMATS)
def test_every_widened_operation_on_all_pairs(kind, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    names = [f"arith.cmpf:{p}" for p in PREDICATES] + [
        name for name in widened_operations() if name != "arith.cmpf" and name not in FLOAT32_ONLY
    ]
    path = tmp_path / "all.ttir"
    path.write_text(ttir("f8E4M3FN", names))
    monkeypatch.setattr(triton.knobs.runtime, "add_stages_inspection_hook", naming(kind))
    compiled = triton.compile(str(path), target=HOST, options={"num_warps": 4})
    of_bytes = [name for name in names if name not in TO_INTEGER]
    out = torch.zeros(len(of_bytes) * COUNT, dtype=torch.int8)
    whole = torch.zeros(len(TO_INTEGER) * COUNT, dtype=torch.int32)
    numbers = integers()
    compiled[(COUNT // 1024, 1, 1)](*map(bytes_of, (X, Y, Z)), torch.from_numpy(numbers.copy()), out, whole)

    form = FORMATS[kind]
    values = dict(zip("xyz", map(form.decode, (X, Y, Z)), strict=True))
    with np.errstate(all="ignore"):
        for row, name in enumerate(of_bytes):
            got = out[row * COUNT : (row + 1) * COUNT].numpy().view(np.uint8)
            op, _, predicate = name.partition(":")
            if predicate:
                np.testing.assert_array_equal(got, comparison(predicate)(values["x"], values["y"]), name)
                continue
            keep = np.ones(COUNT, bool)
            if op in FROM_INTEGER:
                want = numbers.astype(np.uint32 if op == "arith.uitofp" else np.int32)
            else:
                want = REFERENCES[op](*(values[o] for o in arguments_of(REFERENCES[op])))
            if op == "tt.clampf":
                keep = values["y"] <= values["z"]
            # Which zero the minimum of -0 and 0 is, is not defined where NaN is ignored.
            zero_sign = op not in ("arith.maxnumf", "arith.minnumf", "tt.clampf")
            assert_codes(form, got[keep], form.encode(want)[keep], f"{name} on {kind}", zero_sign)
        for row, name in enumerate(TO_INTEGER):
            inside = np.isfinite(values["x"]) & ((values["x"] > -1) | (name == "arith.fptosi"))
            got = whole[row * COUNT : (row + 1) * COUNT].numpy()
            want = np.trunc(np.where(inside, values["x"], 0)).astype(np.int32)
            np.testing.assert_array_equal(got[inside], want[inside], name)


# --- what the language admits -------------------------------------------------------------------------------

# Expressions with results of the format `f`, which are rounded at the end.
SAME = {
    "x + y": lambda f, x, y, z: x + y,
    "x - y": lambda f, x, y, z: x - y,
    "x * y": lambda f, x, y, z: x * y,
    "x * y + z": lambda f, x, y, z: f.decode(f.encode(x * y)) + z,
    "-x": lambda f, x, y, z: -x,
    "x * 2": lambda f, x, y, z: x * 2,
    "x * 1": lambda f, x, y, z: x,
    "x + 0.5": lambda f, x, y, z: x + 0.5,
    "2 - x": lambda f, x, y, z: 2 - x,
    "x * 0.3": lambda f, x, y, z: x * f.decode(f.encode(0.3)),
    "x + 1e6": lambda f, x, y, z: x + f.finite[-1],
    "tl.abs(x)": lambda f, x, y, z: np.abs(x),
    "tl.where(x < y, x, y)": lambda f, x, y, z: np.where(x < y, x, y),
    "tl.maximum(x, y, propagate_nan=tl.PropagateNan.ALL)": lambda f, x, y, z: maximum(x, y),
    "tl.minimum(x, y, propagate_nan=tl.PropagateNan.ALL)": lambda f, x, y, z: minimum(x, y),
    "tl.maximum(x, y)": lambda f, x, y, z: np.fmax(x, y),
    "tl.minimum(x, y)": lambda f, x, y, z: np.fmin(x, y),
    "tl.clamp(x, -1.0, 1.5)": lambda f, x, y, z: np.fmin(np.fmax(x, -1), 1.5),
    "tl.clamp(x, -1.0, 1.5, propagate_nan=tl.PropagateNan.ALL)": lambda f, x, y, z: np.clip(x, -1, 1.5),
    "tl.fma(x, y, z)": lambda f, x, y, z: fused_multiply_add(x, y, z).astype(np.float64),
    "tl.fma(x, y, 0.5)": lambda f, x, y, z: fused_multiply_add(x, y, np.full_like(x, 0.5)).astype(np.float64),
    "tl.map_elementwise(multiply_and_add, x, y)": lambda f, x, y, z: f.decode(f.encode(x * y)) + x,
    "looped(x, y)": lambda f, x, y, z: functools.reduce(lambda a, _: f.decode(f.encode(a + y)), range(3), x),
    "(x if x_scalar < y_scalar else y)": lambda f, x, y, z: x,  # code 1 is less than code 2
}
TRUTHS = {
    "x < y": np.less,
    "x <= y": np.less_equal,
    "x > y": np.greater,
    "x >= y": np.greater_equal,
    "x == y": np.equal,
    "x != y": np.not_equal,
    "x != 0": lambda x, y: x != 0,
    "x > 0.3": None,
}
# Triton itself converts these to float32 or float16.
WIDE = {
    "x / y": lambda x, y: (x / y).astype(np.float32),
    "x % y": lambda x, y: np.fmod(x, y).astype(np.float32),
    "tl.fdiv(x, y)": lambda x, y: (x / y).astype(np.float32),
    "x + y.to(tl.float16)": lambda x, y: (x + y).astype(np.float16).astype(np.float32),
    "x * y.to(tl.float32)": lambda x, y: (x * y).astype(np.float32),
}

ZERO_SIGN_FREE = ("tl.maximum(x, y)", "tl.minimum(x, y)")


def language_source() -> str:
    lines = [
        PRELUDE,
        "@triton.jit\ndef multiply_and_add(a, b):\n    return a * b + a\n\n",
        "@triton.jit\ndef looped(a, b):\n    for _ in range(3):\n        a = a + b\n    return a\n\n",
        "@triton.jit",
        "def language(x_ptr, y_ptr, z_ptr, out_ptr, truth_ptr, wide_ptr, n, BLOCK: tl.constexpr):",
        "    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)",
        "    x = tl.load(x_ptr + i)",
        "    y = tl.load(y_ptr + i)",
        "    z = tl.load(z_ptr + i)",
        "    x_scalar = tl.load(y_ptr + 1)",
        "    y_scalar = tl.load(y_ptr + 2)",
    ]
    for pointer, table in (("out", SAME), ("truth", TRUTHS), ("wide", WIDE)):
        for row, expression in enumerate(table):
            cast = ".to(tl.float32)" if pointer == "wide" else ""
            lines.append(f"    tl.store({pointer}_ptr + {row} * n + i, ({expression}){cast})")
    return "\n".join(lines) + "\n"


TORCH = {
    "float8e5": torch.float8_e5m2,
    "float8e4nv": torch.float8_e4m3fn,
    "float8e4b8": torch.float8_e4m3fnuz,
    "float8e5b16": torch.float8_e5m2fnuz,
}


def stored(codes: np.ndarray, name: str) -> torch.Tensor:
    return torch.from_numpy(codes.copy()).view(TORCH[name])


def codes_of(tensor: torch.Tensor) -> np.ndarray:
    return tensor.view(torch.uint8).numpy()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_the_language_on_all_pairs(name, engine, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    kernel = load_source(language_source()).language
    form = FORMATS[NAMES[name]]
    out = stored(np.zeros(len(SAME) * COUNT, np.uint8), name)
    truth = torch.zeros(len(TRUTHS) * COUNT, dtype=torch.int8)
    wide = torch.zeros(len(WIDE) * COUNT, dtype=torch.float32)
    kernel[(COUNT // 1024,)](*(stored(c, name) for c in (X, Y, Z)), out, truth, wide, COUNT, BLOCK=1024)
    x, y, z = map(form.decode, (X, Y, Z))
    with np.errstate(all="ignore"):
        for row, (expression, function) in enumerate(SAME.items()):
            got = codes_of(out)[row * COUNT : (row + 1) * COUNT]
            want = form.encode(function(form, x, y, z))
            assert_codes(form, got, want, f"{expression} on {name}", expression not in ZERO_SIGN_FREE)
        for row, (expression, function) in enumerate(TRUTHS.items()):
            got = truth[row * COUNT : (row + 1) * COUNT].numpy()
            want = x > form.decode(form.encode(0.3)) if function is None else function(x, y)
            np.testing.assert_array_equal(got, want, expression)
        for row, (expression, function) in enumerate(WIDE.items()):
            got = wide[row * COUNT : (row + 1) * COUNT].numpy()
            np.testing.assert_array_equal(got, function(x, y), expression)


# --- reductions, scans, sorting -----------------------------------------------------------------------------


@triton.jit
def larger(a, b):
    return tl.maximum(a, b)


@triton.jit
def sum_from_mark(value_a, mark_a, value_b, mark_b):
    """Sums that begin anew at each mark."""
    return tl.where(mark_b != 0, value_b, value_a + value_b), mark_a | mark_b


@triton.jit
def across(x_ptr, mark_ptr, scalar_ptr, row_ptr, index_ptr, N: tl.constexpr):
    i = tl.program_id(0) * N + tl.arange(0, N)
    x = tl.load(x_ptr + i)
    total = tl.num_programs(0) * N
    tl.store(scalar_ptr + tl.program_id(0) * 4 + 0, tl.sum(x, 0))
    tl.store(scalar_ptr + tl.program_id(0) * 4 + 1, tl.max(x, 0).to(x.dtype))
    tl.store(scalar_ptr + tl.program_id(0) * 4 + 2, tl.min(x, 0).to(x.dtype))
    tl.store(scalar_ptr + tl.program_id(0) * 4 + 3, tl.reduce(x, 0, larger))
    tl.store(index_ptr + tl.program_id(0) * 2 + 0, tl.argmax(x, 0))
    tl.store(index_ptr + tl.program_id(0) * 2 + 1, tl.argmin(x, 0))
    tl.store(row_ptr + i, tl.cumsum(x, 0))
    tl.store(row_ptr + total + i, tl.cumsum(x, 0, reverse=True))
    tl.store(row_ptr + 2 * total + i, tl.sort(x))
    tl.store(row_ptr + 3 * total + i, tl.sort(x, descending=True))
    tl.store(row_ptr + 4 * total + i, tl.associative_scan(x, 0, larger))
    tl.store(row_ptr + 5 * total + i, tl.flip(x))
    sums, _ = tl.associative_scan((x, tl.load(mark_ptr + i)), 0, sum_from_mark)
    tl.store(row_ptr + 6 * total + i, sums)
    tl.store(row_ptr + 7 * total + tl.program_id(0) * N + tl.arange(0, 8), tl.topk(x, 8))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_reductions_scans_and_sorting(name, engine, monkeypatch, rng):
    """Sums are rounded once. The values are such that float32 is exact in any order."""
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    form = FORMATS[NAMES[name]]
    rows, n = 16, 64
    small = np.flatnonzero((form.finite == 0) | ((form.finite >= 2**-6) & (form.finite <= 2**7)))
    codes = rng.choice(small, (rows, n)).astype(np.uint8)
    codes |= np.where(rng.random((rows, n)) < 0.5, 0x80, 0).astype(np.uint8)
    if form.fnuz:
        codes[codes == 0x80] = 0
    if form.infinity:
        codes[0, 5] = 0x7C
    x = form.decode(codes)
    marks = (rng.random((rows, n)) < 0.1).astype(np.int32)
    scalars = stored(np.zeros(rows * 4, np.uint8), name)
    indices = torch.zeros(rows * 2, dtype=torch.int32)
    out = stored(np.zeros(8 * rows * n, np.uint8), name)
    across[(rows,)](
        stored(codes.reshape(-1), name),
        torch.from_numpy(marks.reshape(-1).copy()),
        scalars,
        out,
        indices,
        N=n,
    )

    def check(got, want, what, zero_sign=True):
        assert_codes(form, got.reshape(-1), form.encode(want).reshape(-1), f"{what} on {name}", zero_sign)

    scalar = codes_of(scalars).reshape(rows, 4)
    # tl.max and tl.topk give float32; the cast back to the format saturates.
    saturated = np.clip(x, -form.finite[-1], form.finite[-1])
    check(scalar[:, 0], x.sum(1), "sum", False)
    check(scalar[:, 1], saturated.max(1), "max", False)
    check(scalar[:, 2], saturated.min(1), "min", False)
    check(scalar[:, 3], x.max(1), "reduce", False)
    index = indices.numpy().reshape(rows, 2)
    np.testing.assert_array_equal(index[:, 0], x.argmax(1))
    np.testing.assert_array_equal(index[:, 1], x.argmin(1))
    row = codes_of(out).reshape(8, rows, n)
    check(row[0], x.cumsum(1), "cumsum", False)
    check(row[1], x[:, ::-1].cumsum(1)[:, ::-1], "cumsum, reversed", False)
    check(row[2], np.sort(x, 1), "sort", False)
    check(row[3], np.sort(x, 1)[:, ::-1], "sort, descending", False)
    check(row[4], np.maximum.accumulate(x, 1), "associative scan", False)
    np.testing.assert_array_equal(row[5], codes[:, ::-1])
    sums = x.copy()
    for k in range(1, n):
        sums[:, k] = np.where(marks[:, k] != 0, x[:, k], sums[:, k - 1] + x[:, k])
    check(row[6], sums, "sums from marks", False)
    check(row[7][:, :8], np.sort(saturated, 1)[:, ::-1][:, :8], "topk", False)


# --- conversions --------------------------------------------------------------------------------------------


def saturating(form: Format, values: np.ndarray, toward_zero: bool) -> np.ndarray:
    """What a cast gives: infinity saturates too."""
    limit = form.finite[-1]
    values = np.where(np.isnan(values), values, np.clip(values, -limit, limit))
    if toward_zero:
        size = np.abs(values)
        below = form.finite[np.clip(np.searchsorted(form.finite, size, side="right") - 1, 0, None)]
        values = np.where(np.isnan(values), values, np.copysign(below, values))
    return form.encode(values)


WIDE_TYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("source", WIDE_TYPES)
@pytest.mark.parametrize("kind", FORMATS)
def test_conversions(kind, source, engine, tmp_path, monkeypatch, rng):
    """Rounded once, also from float64, where a step through float32 would round twice."""
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    monkeypatch.setattr(triton.knobs.runtime, "add_stages_inspection_hook", naming(kind))
    form = FORMATS[kind]
    middles = (form.finite[1:] + form.finite[:-1]) / 2
    close = 2.0**-40
    values = np.concatenate(
        [form.finite, middles, middles * (1 + close), middles * (1 - close), form.finite * (1 + close)]
        + [
            rng.standard_normal(300) * 2.0 ** rng.integers(-20, 18, 300),
            [1e30, 6e4, 1e-30, 0.0, np.inf, np.nan],
        ]
    )
    values = torch.from_numpy(np.resize(np.concatenate([values, -values]), 2048)).to(WIDE_TYPES[source])
    n, block = 2048, "tensor<2048x"
    lines = [f"tt.func public @all(%x_ptr: !tt.ptr<{source}>, %b_ptr: !tt.ptr<i8>, %out_ptr: !tt.ptr<i8>,"]
    lines += [
        f" %back_ptr: !tt.ptr<{source}>) {{",
        f"  %i = tt.make_range {{start = 0 : i32, end = {n} : i32}} : {block}i32>",
    ]
    for name, element in [("x", source), ("b", "i8"), ("out", "i8"), ("back", source)]:
        lines += [
            f"  %{name}s = tt.splat %{name}_ptr : !tt.ptr<{element}> -> {block}!tt.ptr<{element}>>",
            f"  %{name}p = tt.addptr %{name}s, %i : {block}!tt.ptr<{element}>>, {block}i32>",
        ]
    lines += [
        f"  %n = arith.constant dense<{n}> : {block}i32>",
        f"  %outq = tt.addptr %outp, %n : {block}!tt.ptr<i8>>, {block}i32>",
        f"  %x = tt.load %xp : {block}!tt.ptr<{source}>>",
        f"  %e = tt.fp_to_fp %x, rounding = rtne : {block}{source}> -> {block}f8E4M3FN>",
        f"  %z = tt.fp_to_fp %x, rounding = rtz : {block}{source}> -> {block}f8E4M3FN>",
        f"  %eb = tt.bitcast %e : {block}f8E4M3FN> -> {block}i8>",
        f"  %zb = tt.bitcast %z : {block}f8E4M3FN> -> {block}i8>",
        f"  tt.store %outp, %eb : {block}!tt.ptr<i8>>",
        f"  tt.store %outq, %zb : {block}!tt.ptr<i8>>",
        f"  %b = tt.load %bp : {block}!tt.ptr<i8>>",
        f"  %bf = tt.bitcast %b : {block}i8> -> {block}f8E4M3FN>",
        f"  %back = tt.fp_to_fp %bf : {block}f8E4M3FN> -> {block}{source}>",
        f"  tt.store %backp, %back : {block}!tt.ptr<{source}>>",
        "  tt.return",
        "}",
    ]
    path = tmp_path / "all.ttir"
    path.write_text("\n".join(lines) + "\n")
    compiled = triton.compile(str(path), target=HOST, options={"num_warps": 4})
    out, back = torch.zeros(2 * n, dtype=torch.int8), torch.zeros(n, dtype=WIDE_TYPES[source])
    codes = np.resize(CODES, n)
    compiled[(1, 1, 1)](values, bytes_of(codes), out, back)
    exact = values.double().numpy()
    got = out.numpy().view(np.uint8)
    assert_codes(form, got[:n], saturating(form, exact, False), f"{source} to {kind}")
    assert_codes(form, got[n:], saturating(form, exact, True), f"{source} to {kind}, toward zero")
    want = torch.from_numpy(form.decode(codes)).to(WIDE_TYPES[source])
    np.testing.assert_array_equal(back.double().numpy(), want.double().numpy())


# --- constants, messages, refusals --------------------------------------------------------------------------


@triton.jit
def with_constants(x_ptr, out_ptr, LARGEST: tl.constexpr, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(x_ptr + i)
    largest = tl.full((N,), LARGEST, x.dtype)
    one = tl.full((N,), 1.0, x.dtype)
    tl.store(out_ptr + i, largest + largest)
    tl.store(out_ptr + N + i, x + x)
    tl.store(out_ptr + 2 * N + i, -largest - largest)
    tl.store(out_ptr + 3 * N + i, tl.zeros((N,), x.dtype) + x)
    tl.store(out_ptr + 4 * N + i, x * one)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_constants_give_what_values_give(name, engine, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    form = FORMATS[NAMES[name]]
    codes = np.resize(form.encode([form.finite[-1], -form.finite[-1], np.inf, 0.0]), 64)
    out = stored(np.zeros(5 * 64, np.uint8), name)
    with_constants[(1,)](stored(codes, name), out, LARGEST=float(form.finite[-1]), N=64)
    x = form.decode(codes)
    row = codes_of(out).reshape(5, 64)
    assert_codes(form, row[1], form.encode(2 * x), "twice a value")
    assert_codes(form, row[0], np.full(64, form.encode(form.finite[-1])), "twice a constant")
    assert_codes(form, row[2], np.full(64, form.encode(-form.finite[-1])), "twice a negative constant")
    assert_codes(form, row[3], codes, "zero and a value")
    assert_codes(form, row[4], codes, "a value and one")


@triton.jit
def printing(x_ptr, N: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, N))
    tl.device_print("decimal", x)
    tl.device_print("byte", x, hex=True)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_printed(name, capfd):
    form = FORMATS[NAMES[name]]
    values = np.array([1.5, -0.25, 0.0, np.nan])
    printing[(1,)](stored(form.encode(values), name), N=4)
    lines = sorted(capfd.readouterr().out.splitlines())
    decimal = [line.split(": ")[-1] for line in lines if "decimal" in line]
    assert decimal[:3] == ["1.500000", "-0.250000", "0.000000"]
    assert decimal[3].lstrip("-") == "nan"
    assert [int(line.split("0x")[1], 16) for line in lines if "byte" in line] == list(form.encode(values))


REFUSED = {
    "tl.exp(x)": "Expected dtype",
    "tl.sqrt(x)": "Expected dtype",
    "tl.div_rn(x, y)": "Expected dtype",
    "x // y": "unexpected type",
    "x & y": "invalid operands",
    "~x": "unary invert",
    "x + i": "unexpected type",
    "x.to(tl.int32)": "cannot cast",
    "i.to(x.dtype)": "cannot cast",
    "tl.xor_sum(x, 0)": "only supported for integers",
    "libdevice.exp(x)": "libdevice.exp takes",
    "tl.atomic_add(x_ptr + i, x)": "does not support",
    "tl.atomic_xchg(x_ptr + i, x)": "does not support",
    "tl.histogram(x, 16)": "only supports 32-bit integer",
}


@pytest.mark.parametrize("expression", REFUSED)
@pytest.mark.parametrize("name", NAMES)
def test_what_the_front_end_refuses(name, expression):
    """Also a record of what need not be supported: these errors come from Triton or our libdevice."""
    kernel = elementwise_kernel(expression, "xy", "")
    x = stored(np.zeros(128, np.uint8), name)
    with pytest.raises(Exception) as error:
        kernel[(1,)](x, x, x, 128, BLOCK=128)
    messages, cause = [], error.value
    while cause is not None:
        messages.append(str(cause))
        cause = cause.__cause__
    assert REFUSED[expression] in " ".join(messages)


@pytest.mark.parametrize("engine", ENGINES)
def test_float8e4b15_is_moved_and_converted(engine, monkeypatch):
    """Triton gives backends 8-bit integers for it and rejects arithmetic on them itself."""
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    cast = "x.to(tl.float8e4b15, bitcast=True)"
    kernel = elementwise_kernel(f"tl.abs({cast}).to(tl.float32)", "x", "")
    out = torch.zeros(256)
    kernel[(1,)](bytes_of(CODES), out, 256, BLOCK=256)
    exponent, fraction = (CODES >> 3) & 15, CODES & 7
    want = np.where(exponent, (1 + fraction / 8) * 2.0 ** (exponent - 15.0), fraction / 8 * 2.0**-14)
    np.testing.assert_array_equal(out.numpy(), want.astype(np.float32))
    kernel = elementwise_kernel(f"({cast} + {cast}).to(tl.float32)", "x", "")
    with pytest.raises(RuntimeError):
        kernel[(1,)](bytes_of(CODES), out, 256, BLOCK=256)
