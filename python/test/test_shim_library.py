# SPDX-License-Identifier: MIT
"""The Metal standard library of the CPU, function by function, against NumPy."""

from __future__ import annotations

import ctypes
import functools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from shim.harness import CACHE, SHIM, Library, compiler, flags

TEXT = """
#include <metal_stdlib>
using namespace metal;

kernel void groups(device float *x, device int *n, device float *out, device int *counts,
                   threadgroup float *shared [[threadgroup(0)]], uint i [[thread_position_in_threadgroup]]) {
  float v = x[i];
  int k = n[i];
  out[i] = simd_sum(v);
  out[64 + i] = simd_max(v);
  out[128 + i] = simd_min(v);
  out[192 + i] = simd_shuffle_xor(v, 5);
  out[256 + i] = simd_shuffle_up(v, 3);
  out[320 + i] = simd_shuffle_down(v, 3);
  out[384 + i] = simd_shuffle_rotate_up(v, 3);
  out[448 + i] = simd_shuffle_rotate_down(v, 3);
  out[512 + i] = simd_shuffle_and_fill_up(v, v + 100.0f, 3);
  out[576 + i] = simd_shuffle_and_fill_down(v, v + 100.0f, 3);
  out[640 + i] = simd_prefix_inclusive_sum(v);
  out[704 + i] = simd_prefix_exclusive_sum(v);
  out[768 + i] = simd_broadcast(v, 7);
  out[832 + i] = quad_sum(v);
  out[896 + i] = quad_shuffle_xor(v, 2);
  out[960 + i] = simd_shuffle(v, ushort(31 - i % 32));
  counts[i] = simd_and(k);
  counts[64 + i] = simd_or(k);
  counts[128 + i] = simd_xor(k);
  counts[192 + i] = int(ulong(simd_ballot(k > 0)));
  counts[256 + i] = simd_all(k >= 0) * 2 + simd_any(k > 90);
  counts[320 + i] = simd_is_first();
  counts[384 + i] = simd_product(k % 2 + 1);
  counts[448 + i] = int(simd_sum(half(k)));
  float4 w = simd_shuffle_xor(float4(v, v, v, v + 1), 1);
  counts[512 + i] = int(w.w == w.x + 1);
  shared[i] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  counts[576 + i] = shared[63 - i] == x[63 - i];
}

// Half of the threads leave: the others are a SIMD group of their own.
kernel void leavers(device int *out, uint i [[thread_position_in_threadgroup]]) {
  if (i % 2)
    return;
  out[i] = simd_sum(1);
}

kernel void stuck(device int *out, uint i [[thread_position_in_threadgroup]]) {
  if (i % 2)
    threadgroup_barrier(mem_flags::mem_none);
  else
    out[0] = simd_sum(1);
}

kernel void integers(device int *a, device int *b, device int *out, device uint *uout,
                     uint n [[threads_per_grid]], uint i [[thread_position_in_grid]]) {
  int x = a[i], y = b[i];
  uint u = uint(x), v = uint(y);
  out[i] = mulhi(x, y);
  out[n + i] = addsat(x, y);
  out[2 * n + i] = subsat(x, y);
  out[3 * n + i] = hadd(x, y);
  out[4 * n + i] = rhadd(x, y);
  out[5 * n + i] = extract_bits(x, 3, 7);
  out[6 * n + i] = insert_bits(x, y, 5, 9);
  out[7 * n + i] = rotate(x, y);
  out[8 * n + i] = madsat(x, y, x);
  uout[i] = mulhi(u, v);
  uout[n + i] = addsat(u, v);
  uout[2 * n + i] = subsat(u, v);
  uout[3 * n + i] = clz(u);
  uout[4 * n + i] = ctz(u);
  uout[5 * n + i] = popcount(u);
  uout[6 * n + i] = reverse_bits(u);
  uout[7 * n + i] = absdiff(x, y);
  uout[8 * n + i] = extract_bits(u, 3, 7);
}

kernel void halves(device half *a, device half *b, device half *c, device half *out,
                   uint n [[threads_per_grid]], uint i [[thread_position_in_grid]]) {
  half x = a[i], y = b[i], z = c[i];
  out[i] = x * y + z; // two roundings
  out[n + i] = fma(x, y, z);
  out[2 * n + i] = x / y;
  out[3 * n + i] = max(x, y);
  out[4 * n + i] = half(float(bfloat(float(x))));
}

kernel void vectors(device float *out, device packed_float3 *p, device float *flags_out) {
  float4 v(1, 2, 3, 4);
  v.xy = v.zw;
  v.wz += float2(10, 20);
  float4 u = float4(v.zyx, 5);
  packed_float3 q = p[1];
  float3 r = float3(q) * 2.0f;
  p[0] = r;
  bool4 less = u < v;
  uint2 bits = as_type<uint2>(float2(1, -1));
  out[0] = v.x; out[1] = v.y; out[2] = v.z; out[3] = v.w;
  out[4] = u.x; out[5] = u.w; out[6] = r.z; out[7] = dot(v, u);
  out[8] = float(bits.y >> 31); out[9] = select(u, v, less).x;
  out[10] = cross(float3(1, 0, 0), float3(0, 1, 0)).z;
  out[11] = all(less) + 2 * any(less); out[12] = length(float2(3, 4)); out[13] = float(sizeof(packed_float3));
  out[14] = float(sizeof(float3)); out[15] = max(v, 4.0f).y;
  flags_out[0] = fmin(NAN, 1.0f); flags_out[1] = fmax(2.0f, NAN); flags_out[2] = clamp(7.0f, 0.0f, 1.0f);
  flags_out[3] = max(NAN, NAN); flags_out[4] = isnan(NAN) + 2 * isinf(INFINITY);
  flags_out[5] = sign(-0.5f);
  flags_out[6] = fract(-1e-10f); flags_out[7] = ldexp(1.5f, -149); int e; flags_out[8] = frexp(0.375f, e);
  flags_out[9] = e; flags_out[10] = 1.0h + 1e-4h;
}

kernel void counters(device atomic_int *n, device atomic_uint *u, device atomic_float *f,
                     device atomic_ulong *w, uint i [[thread_position_in_grid]]) {
  atomic_fetch_add_explicit(n, int(i), memory_order_relaxed);
  atomic_fetch_sub_explicit(n + 1, int(i), memory_order_relaxed);
  atomic_fetch_min_explicit(n + 2, int(i) - 5, memory_order_relaxed);
  atomic_fetch_max_explicit(n + 3, int(i), memory_order_relaxed);
  atomic_fetch_or_explicit(u, 1u << (i % 32), memory_order_relaxed);
  atomic_fetch_and_explicit(u + 1, ~(1u << (i % 3)), memory_order_relaxed);
  atomic_fetch_xor_explicit(u + 2, i, memory_order_relaxed);
  atomic_fetch_add_explicit(f, 0.5f, memory_order_relaxed);
  atomic_max_explicit(w, ulong(i) << 33, memory_order_relaxed);
  int seen = atomic_load_explicit(n + 4, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(n + 4, &seen, seen + 2, memory_order_relaxed,
                                                memory_order_relaxed))
    ;
}
"""
# The product of a SIMD group, written without reference to single threads, so that both
# techniques compile it.
MATRIX = """
template <typename D, typename A, typename C>
static void product(device A *a, device A *b, device C *c, device D *d) {
  simdgroup_matrix<A, 8, 8> x, y;
  simdgroup_matrix<C, 8, 8> z;
  simdgroup_matrix<D, 8, 8> r;
  simdgroup_load(x, a, 16, ulong2(8, 0));
  simdgroup_load(y, b, 8, ulong2(0), true);
  simdgroup_load(z, c);
  simdgroup_multiply_accumulate(r, x, y, z);
  simdgroup_store(r, d, 10, ulong2(1, 1));
  simdgroup_store(simdgroup_matrix<D, 8, 8>(D(3)), d + 100, 8, ulong2(0), true);
}
"""
KINDS = ["float, float, float", "float, half, float", "half, half, half", "float, bfloat, float",
         "bfloat, bfloat, bfloat"]  # fmt: skip
TYPES = {"float": np.float32, "half": np.float16, "bfloat": np.uint16}


@functools.cache
def library(permuted: bool = False) -> Library:
    text = TEXT + MATRIX
    instances = {n: n for n in ("groups", "leavers", "stuck", "integers", "halves", "vectors", "counters")}
    for i, kind in enumerate(KINDS):
        d, a, c = kind.split(", ")
        text += (
            f"kernel void matrix{i}(device {a} *a, device {a} *b, device {c} *c, device {d} *d, "
            "uint t [[thread_position_in_grid]]) { product<" + kind + ">(a, b, c, d); }\n"
        )
        instances[f"matrix{i}"] = f"matrix{i}"
    return Library(text, instances, options=["-DTM_PERMUTE_FRAGMENTS"] if permuted else [])


def test_simd_group_functions() -> None:
    x = np.random.default_rng(1).integers(-9, 9, 64).astype(np.float32)
    n = np.random.default_rng(2).integers(0, 100, 64).astype(np.int32)
    out, counts = np.zeros((16, 2, 32), np.float32), np.zeros((10, 2, 32), np.int32)
    library().launch("groups", [x, n, out, counts], (64,), (64,))
    v, lane = x.reshape(2, 32), np.arange(32)

    def repeat(a: np.ndarray) -> np.ndarray:
        return np.repeat(a[:, None], 32, axis=1)

    filled = np.concatenate([v[:, 29:] + 100, v[:, :29]], axis=1)
    drained = np.concatenate([v[:, 3:], v[:, :3] + 100], axis=1)
    expected = [
        repeat(v.sum(1)), repeat(v.max(1)), repeat(v.min(1)), v[:, lane ^ 5],
        v[:, np.where(lane < 3, lane, lane - 3)], v[:, np.where(lane > 28, lane, (lane + 3) % 32)],
        np.roll(v, 3, 1), np.roll(v, -3, 1), filled, drained,
        v.cumsum(1), v.cumsum(1) - v, repeat(v[:, 7]), np.repeat(v.reshape(2, 8, 4).sum(2), 4, 1),
        v[:, lane ^ 2], v[:, ::-1],
    ]  # fmt: skip
    for got, want in zip(out, expected, strict=True):
        np.testing.assert_array_equal(got, want)
    k = n.reshape(2, 32)
    ballot = (
        np.array([sum(1 << i for i in lane if row[i] > 0) for row in k], np.uint64)
        .astype(np.uint32)
        .view(np.int32)
    )
    expected = [
        repeat(np.bitwise_and.reduce(k, 1)), repeat(np.bitwise_or.reduce(k, 1)),
        repeat(np.bitwise_xor.reduce(k, 1)), repeat(ballot), repeat(2 + (k > 90).any(1)),
        np.tile(lane == 0, (2, 1)), repeat((k % 2 + 1).prod(1)),
        counts[7], np.ones((2, 32)), np.ones((2, 32)),
    ]  # fmt: skip
    for got, want in zip(counts, expected, strict=True):
        np.testing.assert_array_equal(got, want)
    for row, total in zip(k, counts[7][:, 0], strict=True):
        running = np.float16(row[0])
        for value in row[1:]:
            running = np.float16(running + np.float16(value))
        assert total == int(running)


def test_threads_that_left_or_wait_for_ever() -> None:
    out = np.zeros(64, np.int32)
    library().launch("leavers", [out], (64,), (64,))
    np.testing.assert_array_equal(out, np.where(np.arange(64) % 2, 0, 16))
    with pytest.raises(RuntimeError, match="wait for others"):
        library().launch("stuck", [np.zeros(64, np.int32)], (64,), (64,))


def test_integers() -> None:
    rng = np.random.default_rng(3)
    edges = np.array([0, 1, -1, 2**31 - 1, -(2**31), 0x55555555], np.int64)
    a = np.concatenate([np.repeat(edges, 6), rng.integers(-(2**31), 2**31, 200)])
    b = np.concatenate([np.tile(edges, 6), rng.integers(-(2**31), 2**31, 200)])
    n = len(a)
    out, unsigned = np.zeros((9, n), np.int32), np.zeros((9, n), np.uint32)
    library().launch("integers", [a.astype(np.int32), b.astype(np.int32), out, unsigned], (n,), (64,))
    u, v, top = a % 2**32, b % 2**32, 2**31 - 1

    def wrap(x: np.ndarray) -> np.ndarray:
        return (x + 2**31) % 2**32 - 2**31

    bits = (u >> 3) & 127
    rotated = [
        ((int(x) << (int(s) % 32)) | (int(x) >> (32 - int(s) % 32))) % 2**32
        for x, s in zip(u, v, strict=True)
    ]
    sums = [int(x) * int(y) + int(x) for x, y in zip(a, b, strict=True)]
    signed = [
        (a * b) >> 32, np.clip(a + b, -(2**31), top), np.clip(a - b, -(2**31), top), (a + b) >> 1,
        (a + b + 1) >> 1,
        np.where(bits > 63, bits - 128, bits), wrap((u & ~(511 << 5)) | ((v & 511) << 5)),
        wrap(np.array(rotated)), [max(-(2**31), min(top, s)) for s in sums],
    ]  # fmt: skip
    for got, want in zip(out, signed, strict=True):
        np.testing.assert_array_equal(got, want)
    text = [f"{x:032b}" for x in u]
    expected = [
        [int(x) * int(y) >> 32 for x, y in zip(u, v, strict=True)], np.minimum(u + v, 2**32 - 1),
        np.maximum(u - v, 0), [t.find("1") if "1" in t else 32 for t in text],
        [t[::-1].find("1") if "1" in t else 32 for t in text], [t.count("1") for t in text],
        [int(t[::-1], 2) for t in text], np.abs(a - b), bits,
    ]  # fmt: skip
    for got, want in zip(unsigned, expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_half_rounds_each_operation() -> None:
    rng = np.random.default_rng(4)
    n = 4000
    a, b, c = (rng.uniform(-2, 2, n).astype(np.float16) for _ in range(3))
    c[::2] = (-a[::2].astype(np.float64) * b[::2]).astype(np.float16)  # cancellation shows a second rounding
    out = np.zeros((5, n), np.float16)
    library().launch("halves", [a, b, c, out], (n,), (256,))
    exact = a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)  # 53 bits hold it
    expected = [a * b + c, exact.astype(np.float16), a / b, np.maximum(a, b)]
    for got, want in zip(out, expected, strict=False):
        np.testing.assert_array_equal(got, want)
    bits = a.astype(np.float32).view(np.uint32)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)
    np.testing.assert_array_equal(out[4], rounded.astype(np.float16))


def test_vectors_and_rules_of_nan() -> None:
    out, packed, other = np.zeros(16, np.float32), np.arange(6, dtype=np.float32), np.zeros(11, np.float32)
    library().launch("vectors", [out, packed, other], (1,), (1,))
    np.testing.assert_array_equal(
        out, [3, 4, 23, 14, 23, 5, 10, 3 * 23 + 4 * 4 + 23 * 3 + 14 * 5, 1, 23, 1, 2, 5, 12, 16, 4]
    )
    np.testing.assert_array_equal(packed, [6, 8, 10, 3, 4, 5])
    half_sum = np.float16(1) + np.float16(1e-4)
    below_one = np.float32(1) - np.float32(2**-24)
    expected = [1, 2, 1, np.nan, 3, -1, below_one, np.float32(2**-148), 0.75, -1, half_sum]
    np.testing.assert_array_equal(other, np.array(expected, np.float32))


def test_atomics() -> None:
    n, u = np.zeros(5, np.int32), np.array([0, 0xFFFFFFFF, 0], np.uint32)
    f, w = np.zeros(1, np.float32), np.zeros(1, np.uint64)
    library().launch("counters", [n, u, f, w], (100,), (64,))
    np.testing.assert_array_equal(n, [4950, -4950, -5, 99, 200])
    np.testing.assert_array_equal(
        u, [0xFFFFFFFF, 0xFFFFFFF8, functools.reduce(lambda a, b: a ^ b, range(100))]
    )
    assert f[0] == 50 and w[0] == 99 << 33


@functools.cache
def whole_matrices() -> ctypes.CDLL:
    """The products as in region loops, where the matrix of a SIMD group is a whole."""
    source = "#include <metal_stdlib>\nusing namespace metal;\n" + MATRIX
    for i, kind in enumerate(KINDS):
        d, a, c = kind.split(", ")
        source += (
            f'extern "C" void matrix{i}({a} *a, {a} *b, {c} *c, {d} *d) {{ product<{kind}>(a, b, c, d); }}\n'
        )
    target = Library.compile(
        source.replace("#include", "#undef TM_CPU_FIBERS\n#define TM_CPU_LOOPS\n#include", 1), ["-O2"]
    )
    return ctypes.CDLL(str(target))


def as_type(values: np.ndarray, kind: str) -> np.ndarray:
    values = values.astype(np.float32)
    return (
        (values.view(np.uint32) >> 16).astype(np.uint16) if kind == "bfloat" else values.astype(TYPES[kind])
    )


def as_float(bits: np.ndarray, kind: str) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32) if kind == "bfloat" else bits.astype(np.float32)


@pytest.mark.parametrize("which", range(len(KINDS)))
def test_matrices_are_the_same_in_both_techniques(which: int) -> None:
    d, a, c = KINDS[which].split(", ")
    rng = np.random.default_rng(which)
    left, right, start = (rng.uniform(-1, 1, s) for s in ((8, 16), (8, 8), (8, 8)))
    arguments = [as_type(left, a), as_type(right, a), as_type(start, c)]
    results = []
    for permuted in (False, True):
        out = as_type(np.zeros(164), d)
        library(permuted).launch(f"matrix{which}", [*arguments, out], (32,), (32,))
        results.append(out)
    out = as_type(np.zeros(164), d)
    function = getattr(whole_matrices(), f"matrix{which}")
    function(*(ctypes.c_void_p(x.ctypes.data) for x in (*arguments, out)))
    np.testing.assert_array_equal(results[0], out)
    np.testing.assert_array_equal(results[1], out)
    x, y, z = (as_float(v, k).astype(np.float64) for v, k in zip(arguments, (a, a, c), strict=True))
    got = as_float(out[:100], d).reshape(10, 10)
    tolerance = {"float": 1e-6, "half": 2e-3, "bfloat": 2e-2}[d]
    np.testing.assert_allclose(got[1:9, 1:9], x[:, 8:] @ y.T + z, tolerance, tolerance)
    assert not got[0].any() and not got[:, 0].any() and not got[9].any() and not got[:, 9].any()
    np.testing.assert_array_equal(as_float(out[100:], d).reshape(8, 8), 3 * np.eye(8))


REFUSED = {
    "x[0] = simd_sum(x[0]);": "threads exchange values",
    "threadgroup_barrier(mem_flags::mem_none);": "a barrier outside TM_BARRIER",
    "simdgroup_float8x8 m; m.thread_elements();": "belongs to the SIMD group",
    "atomic_load_explicit((device atomic_int *)x, memory_order_acquire);": "take memory_order_relaxed",
    "atomic_fetch_max_explicit((device atomic_float *)x, 1.f, memory_order_relaxed);": "no matching function",
    "simdgroup_matrix<int, 8, 8> m;": "float, half or bfloat",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_region_loops_refuse(statement: str) -> None:
    text = "#include <metal_stdlib>\nusing namespace metal;\n"
    text += f"kernel void k(device float *x) {{ {statement} }}\nauto *f = k;\n"
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [compiler(), *flags(), "-fsyntax-only", f"-I{Path(SHIM)}", "-DTM_CPU_LOOPS", "-x", "c++", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode and REFUSED[statement] in done.stderr
