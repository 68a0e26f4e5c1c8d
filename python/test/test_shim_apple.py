# SPDX-License-Identifier: MIT
"""Apple's own Metal kernels, read from the MLX wheel, run with the shim and agree with MLX on the CPU."""

from __future__ import annotations

import functools
import struct

import mlx.core as mx
import numpy as np
import pytest
from shim.harness import Library

TYPES = {
    "float": mx.float32,
    "half": mx.float16,
    "bfloat16_t": mx.bfloat16,
    "int": mx.int32,
    "int64_t": mx.int64,
}
TOLERANCE = {"float": 2e-6, "half": 2e-3, "bfloat16_t": 1.6e-2}
KERNELS = "mlx/backend/metal/kernels/"


def includes(*names: str) -> str:
    return "".join(f'#include "{KERNELS}{n}"\n' for n in names)


@pytest.fixture(autouse=True)
def _cpu():
    before = mx.default_device()
    mx.set_default_device(mx.cpu)
    yield
    mx.set_default_device(before)


def random(shape: tuple[int, ...], kind: str = "float", low: float = -3.0, high: float = 3.0) -> mx.array:
    rng = np.random.default_rng(sum(shape) + len(kind))
    if kind in ("int", "int64_t"):
        return mx.array(rng.integers(-50, 50, shape)).astype(TYPES[kind])
    return mx.array(rng.uniform(low, high, shape).astype(np.float32)).astype(TYPES[kind])


def memory(a: mx.array) -> np.ndarray:
    """An array as bits that a kernel can take; bfloat as 16-bit integers."""
    return np.ascontiguousarray(np.array(a.view(mx.uint16) if a.dtype == mx.bfloat16 else a)).copy()


def empty(shape: tuple[int, ...], dtype: mx.Dtype) -> np.ndarray:
    return memory(mx.full(shape, 77, dtype=mx.float32).astype(dtype))


def value(bits: np.ndarray, dtype: mx.Dtype) -> np.ndarray:
    a = mx.array(bits)
    a = a.view(mx.bfloat16) if dtype == mx.bfloat16 else a
    return np.array(a.astype(mx.float32) if dtype in (mx.float16, mx.bfloat16) else a)


def same(bits: np.ndarray, expected: mx.array, tolerance: float = 0.0) -> None:
    want = np.array(expected.astype(mx.float32) if expected.dtype == mx.bfloat16 else expected)
    got = value(bits, expected.dtype)
    if tolerance:
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), tolerance, tolerance)
    else:
        np.testing.assert_array_equal(got, want)


def i32(*x: int) -> np.ndarray:
    return np.array(x, np.int32)


def i64(*x: int) -> np.ndarray:
    return np.array(x, np.int64)


def per_thread(kind: str) -> int:
    return 8 // TYPES[kind].size


def groups(count: tuple[int, ...], threads: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The grid, in threads, of `count` whole threadgroups, and the threads of each."""
    return tuple(c * t for c, t in zip(count, threads, strict=True)), threads


# ---- elementwise ----

UNARY = {
    "Exp": mx.exp, "Log": mx.log, "Log1p": mx.log1p, "Expm1": mx.expm1, "Sin": mx.sin, "Cos": mx.cos,
    "Tanh": mx.tanh, "Sqrt": mx.sqrt, "Rsqrt": mx.rsqrt, "Sigmoid": mx.sigmoid, "Erf": mx.erf, "Abs": mx.abs,
    "Floor": mx.floor, "Ceil": mx.ceil, "Negative": mx.negative, "Square": mx.square, "Sign": mx.sign,
    "ArcTan": mx.arctan, "Sinh": mx.sinh, "ArcSinh": mx.arcsinh,
}  # fmt: skip
POSITIVE = {"Log", "Log1p", "Sqrt", "Rsqrt"}
BINARY = {
    "Add": mx.add, "Multiply": mx.multiply, "Subtract": mx.subtract, "Divide": mx.divide,
    "Maximum": mx.maximum, "Minimum": mx.minimum, "Power": mx.power, "Remainder": mx.remainder,
    "LogAddExp": mx.logaddexp, "ArcTan2": mx.arctan2,
}  # fmt: skip
INTEGER = {"Add", "Multiply", "Subtract", "Maximum", "Minimum", "Remainder"}
FLOATS = ("float", "half", "bfloat16_t")


@functools.cache
def elementwise() -> Library:
    instances = {}
    for t in FLOATS:
        instances |= {f"unary_{op}_{t}": f"unary_v<{t}, {t}, {op}>" for op in UNARY}
        instances |= {f"binary_{op}_{t}": f"binary_vv<{t}, {t}, {op}>" for op in BINARY}
    instances |= {
        f"binary_{op}_{t}": f"binary_vv<{t}, {t}, {op}>" for op in INTEGER for t in ("int", "int64_t")
    }
    instances |= {
        "less": "binary_vv<float, bool, Less>",
        "select": "ternary_v<float, Select, false, false>",
        "to_half": "copy_v<float, half>",
        "to_bfloat": "copy_v<float, bfloat16_t>",
        "to_int": "copy_v<float, int>",
        "to_bool": "copy_v<float, bool>",
        "strided": "copy_g<float, float, 2, int>",
        "range_float": "arange<float>",
        "range_int": "arange<int>",
        "search": "searchsorted<float, true>",
        "rows": "gather_front<float, int, int, 2>",
        "complex_exp": "unary_v<complex64_t, complex64_t, Exp>",
        "complex_multiply": "binary_vv<complex64_t, complex64_t, Multiply>",
    }
    return Library(
        includes("utils.h", "unary_ops.h", "unary.h", "binary_ops.h", "binary.h", "ternary_ops.h",
                 "ternary.h", "copy.h", "arange.h", "sort.h", "searchsorted.h", "indexing/gather_front.h"),
        instances,
    )  # fmt: skip


def threads_for(n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (n,), (min(n, 256),)


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("op", UNARY)
def test_unary(op: str, kind: str) -> None:
    n = 1003
    x = random((n,), kind, *((0.01, 9.0) if op in POSITIVE else (-3.0, 3.0)))
    out = empty((n,), x.dtype)
    elementwise().launch(
        f"unary_{op}_{kind}", [memory(x), out, i32(n)], *threads_for(-(-n // per_thread(kind)))
    )
    # In float64, because MLX's own float functions are a few ulps off.
    tolerance = TOLERANCE[kind]
    if op == "Expm1" and kind == "float":
        tolerance = 1e-5  # Apple's text reduces the argument with only the upper half of log(2)
    same(out, UNARY[op](x.astype(mx.float64)).astype(x.dtype), tolerance)


@pytest.mark.parametrize("op,kind", [(o, t) for o in BINARY for t in (*FLOATS, "int", "int64_t")
                                     if t in FLOATS or o in INTEGER])  # fmt: skip
def test_binary(op: str, kind: str) -> None:
    n = 517
    a, b = random((n,), kind, 0.1), random((n + 1,), kind, 0.2)[:n]
    if kind not in FLOATS:
        b = mx.where(b == 0, mx.array(7, b.dtype), b)
    out = empty((n,), a.dtype)
    elementwise().launch(
        f"binary_{op}_{kind}", [memory(a), memory(b), out, i32(n)], *threads_for(-(-n // per_thread(kind)))
    )
    if kind in FLOATS:
        expected = BINARY[op](a.astype(mx.float64), b.astype(mx.float64)).astype(a.dtype)
        same(out, expected, TOLERANCE[kind] * (4 if op == "Power" else 1))
    else:
        same(out, BINARY[op](a, b))


def test_compare_select_copy() -> None:
    n = 333
    a, b = random((n,)), random((n + 2,))[:n]
    less = np.zeros(n, bool)
    elementwise().launch("less", [memory(a), memory(b), less, i32(n)], *threads_for(-(-n // 2)))
    np.testing.assert_array_equal(less, np.array(a < b))
    out = empty((n,), mx.float32)
    elementwise().launch("select", [less, memory(a), memory(b), out, i32(n)], *threads_for(-(-n // 2)))
    same(out, mx.where(a < b, a, b))
    for name, dtype in (
        ("to_half", mx.float16),
        ("to_bfloat", mx.bfloat16),
        ("to_int", mx.int32),
        ("to_bool", mx.bool_),
    ):
        out = np.zeros(n, bool) if dtype == mx.bool_ else empty((n,), dtype)
        elementwise().launch(name, [memory(a), out, i32(n)], *threads_for(-(-n // max(8 // dtype.size, 1))))
        same(out, a.astype(dtype))


def test_strided_copy() -> None:
    x = random((5, 7, 9))
    out = empty((9, 5, 7), mx.float32)
    shape, strides = i32(9, 5, 7), i64(1, 63, 9)
    elementwise().launch("strided", [memory(x), out, shape, strides, None, i32(3)], (4, 5, 9), (4, 5, 1))
    same(out, mx.transpose(x, (2, 0, 1)))


def test_arange_search_gather() -> None:
    out = np.zeros(101, np.float32)
    elementwise().launch("range_float", [np.float32([1.5]), np.float32([0.25]), out], *threads_for(101))
    same(out, mx.arange(1.5, 1.5 + 101 * 0.25, 0.25))
    counted = np.zeros(101, np.int32)
    elementwise().launch("range_int", [i32(-3), i32(5), counted], *threads_for(101))
    same(counted, mx.arange(-3, -3 + 505, 5))
    sorted_values = np.sort(np.array(random((77,))))
    wanted = np.array(random((50,)))
    places = np.zeros(50, np.uint32)
    elementwise().launch("search", [sorted_values, wanted, places, i32(77), i64(1)], *threads_for(50))
    np.testing.assert_array_equal(places, np.searchsorted(sorted_values, wanted, "right"))
    x, rows = random((11, 13)), i32(3, -1, 0, 7)
    picked = np.zeros((4, 13), np.float32)
    elementwise().launch("rows", [memory(x), rows, picked, i64(13), i32(11)], (7, 4), (7, 1))
    same(picked, mx.take(x, mx.array(rows), axis=0))


def test_complex() -> None:
    n = 65
    z = random((n,)).astype(mx.complex64) + 1j * random((n + 1,))[:n].astype(mx.complex64)
    out = np.zeros(n, np.complex64)
    elementwise().launch("complex_exp", [np.array(z), out, i32(n)], *threads_for(n))
    np.testing.assert_allclose(out, np.exp(np.array(z)), 1e-5)
    elementwise().launch("complex_multiply", [np.array(z), np.array(z), out, i32(n)], *threads_for(n))
    np.testing.assert_allclose(out, np.array(z) ** 2, 1e-5)


# ---- rows: softmax, logsumexp, cross entropy, sort, scan ----


@functools.cache
def rows() -> Library:
    instances = {}
    for t in FLOATS:
        instances |= {
            f"softmax_{t}": f"softmax_single_row<{t}, float>",
            f"softmax_looped_{t}": f"softmax_looped<{t}, float>",
            f"logsumexp_{t}": f"logsumexp<{t}, float>",
            f"logsumexp_looped_{t}": f"logsumexp_looped<{t}, float>",
            f"cross_entropy_{t}": f"cross_entropy<{t}, float>",
        }
    for t in ("float", "int", "half"):
        instances[f"sort_{t}"] = f"block_sort<{t}, {t}, false, 64, 4>"
        instances[f"argsort_{t}"] = f"block_sort<{t}, uint, true, 64, 4>"
    for name, op in (("sum", "CumSum"), ("prod", "CumProd"), ("max", "CumMax")):
        for t in ("float", "int"):
            for inclusive in ("true", "false"):
                for reverse in ("true", "false"):
                    kind = f"{t}, {t}, {op}<{t}>, 4, {inclusive}, {reverse}"
                    instances[f"scan_{name}_{t}_{inclusive}_{reverse}"] = f"contiguous_scan<{kind}>"
        instances[f"strided_{name}"] = f"strided_scan<float, float, {op}<float>, 4, true, false>"
    return Library(
        includes(
            "utils.h", "binary_ops.h", "softmax.h", "logsumexp.h", "cross_entropy.h", "sort.h", "scan.h"
        ),
        instances,
    )


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("n", [5, 100, 515])
def test_softmax_logsumexp(n: int, kind: str) -> None:
    x = random((3, n), kind)
    threads = (-(-n // 4) + 31) // 32 * 32
    wide = mx.softmax(x.astype(mx.float64), axis=-1).astype(x.dtype)
    total = mx.logsumexp(x.astype(mx.float64), axis=-1).astype(x.dtype)
    for name in ("softmax", "softmax_looped"):
        out = empty((3, n), x.dtype)
        size = 32 * 32 if name == "softmax_looped" else threads
        rows().launch(f"{name}_{kind}", [memory(x), out, i32(n)], (3 * size,), (size,))
        same(out, wide, TOLERANCE[kind])
    for name in ("logsumexp", "logsumexp_looped"):
        out = empty((3,), x.dtype)
        size = 32 * 32 if name == "logsumexp_looped" else threads
        rows().launch(f"{name}_{kind}", [memory(x), out, i32(n)], (3 * size,), (size,))
        same(out, total, TOLERANCE[kind])
    targets = i32(0, n - 1, -2)
    out = empty((3,), mx.float32)
    rows().launch(f"cross_entropy_{kind}", [memory(x), targets, out, i32(n)], (3 * 1024,), (1024,))
    picked = mx.take_along_axis(x.astype(mx.float32), mx.array(targets % n)[:, None], axis=-1)[:, 0]
    same(out, mx.logsumexp(x.astype(mx.float32), axis=-1) - picked, 1e-5)


@pytest.mark.parametrize("kind", ["float", "int", "half"])
@pytest.mark.parametrize("n", [1, 37, 256])
def test_sort(n: int, kind: str) -> None:
    x = random((3, n), kind)
    arguments = [i32(n), i32(1), i32(1), i32(n), i32(n)]
    out = empty((3, n), x.dtype)
    rows().launch(f"sort_{kind}", [memory(x), out, *arguments], *groups((1, 3, 1), (64, 1, 1)))
    same(out, mx.sort(x, axis=-1))
    order = np.zeros((3, n), np.uint32)
    rows().launch(f"argsort_{kind}", [memory(x), order, *arguments], *groups((1, 3, 1), (64, 1, 1)))
    same(memory(mx.take_along_axis(x, mx.array(order), axis=-1)), mx.sort(x, axis=-1))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("op", ["sum", "prod", "max"])
def test_scan(op: str, inclusive: bool, reverse: bool) -> None:
    cumulative = {"sum": mx.cumsum, "prod": mx.cumprod, "max": mx.cummax}[op]
    words = f"{str(inclusive).lower()}_{str(reverse).lower()}"
    for kind in ("float", "int"):
        for n in (3, 129, 700):
            x = random((2, n), kind, 0.9, 1.1)
            out = empty((2, n), x.dtype)
            rows().launch(
                f"scan_{op}_{kind}_{words}", [memory(x), out, i64(n)], *groups((1, 2, 1), (64, 1, 1))
            )
            same(
                out,
                cumulative(x, axis=1, reverse=reverse, inclusive=inclusive),
                3e-5 if kind == "float" else 0.0,
            )


def test_scan_of_columns() -> None:
    for op, cumulative in (("sum", mx.cumsum), ("prod", mx.cumprod), ("max", mx.cummax)):
        x = random((2, 45, 39), "float", 0.9, 1.1)
        out = empty((2, 45, 39), mx.float32)
        blocks = -(-39 // 32)
        rows().launch(
            f"strided_{op}",
            [memory(x), out, i64(45), i64(39), i64(blocks)],
            *groups((1, 2 * blocks, 1), (256, 1, 1)),
        )
        same(out, cumulative(x, axis=1), 1e-5)


# ---- reductions ----

REDUCTIONS = {"Sum": mx.sum, "Prod": mx.prod, "Max": mx.max, "Min": mx.min}


@functools.cache
def reductions() -> Library:
    instances = {}
    for op in REDUCTIONS:
        for t in ("float", "int", "int64_t"):
            what = f"{t}, {t}, {op}<{t}>"
            instances |= {
                f"all_{op}_{t}": f"all_reduce<{what}>",
                f"row_{op}_{t}": f"row_reduce_simple<{what}>",
                f"rows_{op}_{t}": f"row_reduce_looped<{what}, int, 1>",
                f"small_{op}_{t}": f"row_reduce_small<{what}, int, 1>",
                f"col_{op}_{t}": f"col_reduce_small<{what}, int, 1>",
                f"long_{op}_{t}": f"col_reduce_longcolumn<{what}, int, 1>",
            }
    instances |= {
        "all_And": "all_reduce<bool, bool, And<bool>>",
        "all_Or": "all_reduce<bool, bool, Or<bool>>",
    }
    return Library(includes("utils.h", "atomic.h", "reduce_utils.h", "reduce.h"), instances)


@pytest.mark.parametrize("kind", ["float", "int", "int64_t"])
@pytest.mark.parametrize("op", REDUCTIONS)
def test_reduce(op: str, kind: str) -> None:
    reduce = REDUCTIONS[op]
    tolerance = 2e-5 if kind == "float" else 0.0
    x = random((6, 11, 35), kind, 0.9, 1.1)
    flat = x.size
    out = empty((1,), x.dtype)
    reductions().launch(f"all_{op}_{kind}", [memory(x), out, i64(flat), i64(flat)], *groups((1, 1), (96, 1)))
    same(out, reduce(x).reshape(1), tolerance)

    out = empty((66,), x.dtype)
    reductions().launch(
        f"row_{op}_{kind}", [memory(x), out, i64(35), i64(66)], *groups((1, 17, 1), (64, 1, 1))
    )
    same(out, reduce(x, axis=2).reshape(66), tolerance)

    # Over the first and the last axis: 6 rows of 35 for each of 11 results.
    arguments = [i64(35), i64(6), i32(11), i64(35), i32(1), i32(6), i64(11 * 35), i32(1)]
    out = empty((11,), x.dtype)
    reductions().launch(f"rows_{op}_{kind}", [memory(x), out, *arguments], *groups((1, 11, 1), (32, 1, 1)))
    same(out, reduce(x, axis=(0, 2)), tolerance)
    out = empty((11,), x.dtype)
    reductions().launch(f"small_{op}_{kind}", [memory(x), out, *arguments], (11, 1, 1), (11, 1, 1))
    same(out, reduce(x, axis=(0, 2)), tolerance)

    # Columns: over the middle axis.
    arguments = [i64(11), i64(35), i32(6), i64(11 * 35), i32(1), i32(11), i64(35), i32(1), i64(1)]
    out = empty((6, 35), x.dtype)
    reductions().launch(f"col_{op}_{kind}", [memory(x), out, *arguments], *groups((1, 6, 1), (9, 8, 1)))
    same(out, reduce(x, axis=1), tolerance)
    out = empty((6, 35), x.dtype)
    reductions().launch(
        f"long_{op}_{kind}", [memory(x), out, *arguments, i64(6 * 35)], *groups((6, 1, 1), (35, 5, 1))
    )
    same(out, reduce(x, axis=1), tolerance)


def test_reduce_bool() -> None:
    x = np.zeros(300, bool)
    for hot in (None, 299):
        if hot is not None:
            x[hot] = True
        for name, expected in (("all_Or", x.any()), ("all_And", (~x).all())):
            out = np.zeros(1, bool)
            given = x if name == "all_Or" else ~x
            reductions().launch(name, [given.copy(), out, i64(300), i64(300)], *groups((1, 1), (64, 1)))
            assert out[0] == expected


# ---- matrices and attention ----

ALIGNED = {10: "false", 100: "false", 110: "false", 200: "true", 201: "true", 202: "true"}


@functools.cache
def gemm(aligned: bool, permuted: bool = False) -> Library:
    instances = {}
    for t in FLOATS:
        for ta in (0, 1):
            for tb in (0, 1):
                instances[f"gemm_{t}_{ta}{tb}"] = f"gemm<{t}, 32, 32, 16, 2, 2, {bool(ta):d}, {bool(tb):d}>"
    constants = ALIGNED if aligned else ALIGNED | {200: "false", 201: "false", 202: "false"}
    return Library(
        includes("utils.h", "steel/gemm/gemm.h", "steel/gemm/kernels/steel_gemm_fused.h"),
        instances,
        constants=constants,
        options=["-DTM_PERMUTE_FRAGMENTS"] if permuted else [],
    )


def run_gemm(
    library: Library, kind: str, m: int, n: int, k: int, ta: int, tb: int
) -> tuple[np.ndarray, mx.array]:
    a, b = random((k, m) if ta else (m, k), kind, -1, 1), random((n, k) if tb else (k, n), kind, -1, 1)
    tiles_m, tiles_n = -(-m // 32), -(-n // 32)
    parameters = struct.pack(
        "8i3q3i4x",
        m,
        n,
        k,
        m if ta else k,
        k if tb else n,
        n,
        tiles_n,
        tiles_m,
        m * k,
        k * n,
        m * n,
        0,
        k // 16,
        1,
    )
    out = empty((m, n), a.dtype)
    library.launch(
        f"gemm_{kind}_{ta}{tb}",
        [memory(a), memory(b), None, out, np.frombuffer(parameters, np.uint8).copy()],
        *groups((tiles_n, tiles_m, 1), (32, 2, 2)),
    )
    wide = [x.astype(mx.float32) for x in (a.T if ta else a, b.T if tb else b)]
    return out, (wide[0] @ wide[1]).astype(a.dtype)


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_steel_gemm(transposed: tuple[int, int], kind: str) -> None:
    out, expected = run_gemm(gemm(True), kind, 64, 32, 48, *transposed)
    same(out, expected, {"float": 1e-5, "half": 1e-2, "bfloat16_t": 5e-2}[kind])
    out, expected = run_gemm(gemm(False), kind, 45, 37, 27, *transposed)
    same(out, expected, {"float": 1e-5, "half": 1e-2, "bfloat16_t": 5e-2}[kind])


def test_apple_knows_the_layout_of_fragments() -> None:
    """Its GEMM computes positions from the lane, so that another layout changes the result."""
    out, expected = run_gemm(gemm(True), "float", 32, 32, 16, 0, 0)
    same(out, expected, 1e-5)
    out, expected = run_gemm(gemm(True, permuted=True), "float", 32, 32, 16, 0, 0)
    assert not np.allclose(out, np.array(expected), 1e-3, 1e-3)


@functools.cache
def attention() -> Library:
    instances = {}
    for t in FLOATS:
        instances[f"vector_{t}"] = f"sdpa_vector<{t}, 64, 64>"
        instances[f"gemv_{t}"] = f"gemv<{t}, 4, 1, 1, 32, 4, 4, false, false>"
    return Library(
        includes("utils.h", "sdpa_vector.h", "gemv.h"),
        instances,
        constants=dict.fromkeys(range(20, 26), "false"),
    )


@pytest.mark.parametrize("kind", FLOATS)
def test_attention_of_one_query(kind: str) -> None:
    heads, length = 4, 53
    q, k, v = (random((1, h, s, 64), kind, -1, 1) for h, s in ((heads, 1), (2, length), (2, length)))
    scale = 0.125
    out = empty((1, heads, 1, 64), q.dtype)
    attention().launch(
        f"vector_{kind}",
        [memory(q), memory(k), memory(v), out, i32(heads // 2), i32(length), i64(length * 64), i64(64),
         i64(length * 64), i64(64), np.float32([scale])],
        *groups((heads, 1, 1), (1024, 1, 1)),
    )  # fmt: skip
    wide = [x.astype(mx.float32) for x in (q, k, v)]
    expected = mx.fast.scaled_dot_product_attention(*wide, scale=scale).astype(q.dtype)
    same(out, expected, {"float": 1e-5, "half": 2e-3, "bfloat16_t": 2e-2}[kind])


@pytest.mark.parametrize("kind", FLOATS)
def test_matrix_times_vector(kind: str) -> None:
    rows_, columns = 37, 135
    a, x = random((rows_, columns), kind, -1, 1), random((columns,), kind, -1, 1)
    out = empty((rows_,), a.dtype)
    one, nothing = np.float32([1]), i64(0)
    attention().launch(
        f"gemv_{kind}",
        [memory(a), memory(x), None, out, i32(columns), i32(rows_), i32(columns), one, one, i32(1), i32(1),
         nothing, nothing, nothing, i32(0)],
        *groups((-(-rows_ // 16), 1, 1), (32, 1, 4)),
    )  # fmt: skip
    expected = (a.astype(mx.float32) @ x.astype(mx.float32)).astype(a.dtype)
    same(out, expected, {"float": 1e-5, "half": 2e-3, "bfloat16_t": 2e-2}[kind])


@functools.cache
def steel_attention(aligned: bool, causal: bool) -> Library:
    on = {True: "true", False: "false"}
    constants = {200: on[aligned], 201: on[aligned], 301: on[causal]}
    return Library(
        includes("utils.h", "steel/attn/attn.h", "steel/attn/kernels/steel_attention.h"),
        {f"attention_{t}": f"attention<{t}, 32, 16, 64, 64, 4, 1>" for t in ("float", "half")},
        constants=constants | dict.fromkeys((300, 302, 303), "false"),
    )


@pytest.mark.parametrize("kind", ["float", "half"])
@pytest.mark.parametrize("queries,keys,causal", [(64, 48, False), (45, 37, False), (41, 41, True)])
def test_steel_attention(queries: int, keys: int, causal: bool, kind: str) -> None:
    heads = 2
    q, k, v = (random((1, heads, n, 64), kind, -1, 1) for n in (queries, keys, keys))
    nq, nk = -(-queries // 32), -(-keys // 16)
    parameters = struct.pack("6if7i", 1, heads, 64, queries, keys, 1, 0.125, nq, nk, queries // 32,
                             keys // 16, queries % 32, keys % 16, keys - queries)  # fmt: skip
    strides = [s for n in (queries, keys, keys, queries) for s in (heads * n * 64, n * 64, 64)]
    packed = np.frombuffer(parameters + struct.pack("12q", *strides), np.uint8).copy()
    out = empty((1, heads, queries, 64), q.dtype)
    library = steel_attention(queries % 32 == 0 and keys % 16 == 0, causal)
    library.launch(
        f"attention_{kind}",
        [memory(q), memory(k), memory(v), out, packed],
        *groups((nq, heads, 1), (32, 4, 1)),
    )
    wide = [x.astype(mx.float32) for x in (q, k, v)]
    mask = "causal" if causal else None
    expected = mx.fast.scaled_dot_product_attention(*wide, scale=0.125, mask=mask).astype(q.dtype)
    same(out, expected, {"float": 1e-5, "half": 4e-3}[kind])


@functools.cache
def transforms() -> Library:
    return Library(includes("utils.h", "hadamard.h"), {"hadamard": "hadamard_n<float, 512, 16, 4>"})


def test_hadamard() -> None:
    x = random((3, 512))
    out = empty((3, 512), mx.float32)
    scale = np.float32([512**-0.5])
    transforms().launch("hadamard", [memory(x), out, scale], (32, 3, 1), (32, 1, 1))
    same(out, mx.hadamard_transform(x), 1e-5)
