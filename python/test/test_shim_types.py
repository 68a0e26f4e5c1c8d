# SPDX-License-Identifier: MIT
"""Programs that break Metal's rules for types and address spaces are rejected; correct ones are not."""

from __future__ import annotations

import re

import pytest
from shim import types

HEAD = "#include <metal_stdlib>\nusing namespace metal;\n"
KERNEL = (
    "kernel void k(device float *x, constant int &n, device int *i, threadgroup float *shared, uint3 p) "
    "{{ {} }}"
)

WRONG = {
    # name: (text, part of the message)
    "device from threadgroup": (KERNEL.format("device float *y = shared;"), "cannot initialize"),
    "threadgroup from device": (KERNEL.format("threadgroup float *y = x;"), "cannot initialize"),
    "thread from device": (KERNEL.format("thread float *y = x;"), "cannot initialize"),
    "assigned across spaces": (
        KERNEL.format("device float *y = x; y = shared;"),
        "changes address space|assigning",
    ),
    "cast across spaces": (
        KERNEL.format("device float *y = (device float *)shared;"),
        "mismatching address spaces",
    ),
    "address of a variable": (KERNEL.format("float a = 1; device float *y = &a;"), "cannot initialize"),
    "write to constant": (
        "struct A { int n; }; kernel void k(constant A &a) { a.n = 1; }",
        "read-only|not assignable",
    ),
    "write through constant": ("kernel void k(constant float *c) { c[1] = 2; }", "read-only|not assignable"),
    "pointer parameter without a space": (
        "kernel void k(float *x) { x[0] = 1; }",
        "pointer arguments to kernel",
    ),
    "pointer variable without a space": (KERNEL.format("float *y = x; y[0] = 1;"), "cannot initialize"),
    "reference without a space": (
        "void f(float &v) { v = 1; }\n" + KERNEL.format("f(x[0]);"),
        "no matching function",
    ),
    "function of another space": (
        "float first(threadgroup float *v) { return v[0]; }\n" + KERNEL.format("x[0] = first(x);"),
        "no matching function",
    ),
    "double": (KERNEL.format("double d = x[0]; x[0] = d;"), "double"),
    "double constant kept": (KERNEL.format("auto d = double(2); x[0] = d;"), "double"),
    "unknown function": (KERNEL.format("x[0] = erf(x[0]);"), "undeclared identifier 'erf'"),
    "unknown function of metal": (KERNEL.format("x[0] = metal::expm1(x[0]);"), "no member named 'expm1'"),
    "half to bfloat": ("kernel void k(device half *h, device bfloat *b) { b[0] = h[0]; }", "half|bf16"),
    "shuffle of 64 bits": (
        "kernel void k(device long *v) { v[0] = simd_shuffle_xor(v[0], 1); }",
        "no matching",
    ),
    "sum of bool": ("kernel void k(device bool *v) { v[0] = simd_sum(v[0]); }", "no matching"),
    "and of float": (KERNEL.format("x[0] = simd_and(x[0]);"), "no matching"),
    "atomic of a plain pointer": (
        KERNEL.format("atomic_fetch_add_explicit(i, 1, memory_order_relaxed);"),
        "no matching",
    ),
    "atomic float in threadgroup memory": (
        "kernel void k(threadgroup atomic_float *a) "
        "{ atomic_fetch_add_explicit(a, 1.0f, memory_order_relaxed); }",
        "no matching",
    ),
    "atomic maximum of float": (
        "kernel void k(device atomic_float *a) { atomic_fetch_max_explicit(a, 1.0f, memory_order_relaxed); }",
        "no matching",
    ),
    "atomic sum of 64 bits": (
        "kernel void k(device atomic_ulong *a) { atomic_fetch_add_explicit(a, 1ul, memory_order_relaxed); }",
        "no matching",
    ),
    "order of an atomic": (
        KERNEL.format("atomic_load_explicit((device atomic_int *)i, memory_order_seq_cst);"),
        "undeclared identifier 'memory_order_seq_cst'",
    ),
    "expected value not in thread memory": (
        KERNEL.format(
            "atomic_compare_exchange_weak_explicit((device atomic_int *)i, i, 1, memory_order_relaxed, "
            "memory_order_relaxed);"
        ),
        "no matching",
    ),
    "matrix of int": (KERNEL.format("simdgroup_matrix<int, 8, 8> m;"), "float, half or bfloat"),
    "matrix of another size": (KERNEL.format("simdgroup_matrix<float, 16, 16> m;"), "8x8"),
    "matrix from thread memory": (
        KERNEL.format("float t[64]; simdgroup_float8x8 m; simdgroup_load(m, t, 8);"),
        "no matching",
    ),
    "matrix from another type": (
        KERNEL.format("simdgroup_half8x8 m; simdgroup_load(m, x, 8);"),
        "no matching",
    ),
    "too few components": (KERNEL.format("float4 v = float4(x[0], x[1]); x[0] = v.x;"), "as many components"),
    "no such component": (KERNEL.format("float2 v = float2(x[0]); x[0] = v.z;"), "component access exceeds"),
    "threadgroup variable in a function": (
        "float f() { threadgroup float s[32]; return s[0]; }\n" + KERNEL.format("x[0] = f();"),
        "local address space",
    ),
    "as_type of another size": (KERNEL.format("x[0] = as_type<float>(short(1));"), "types of one size"),
    "barrier without flags": (KERNEL.format("threadgroup_barrier();"), "no matching"),
}

RIGHT = {
    "spaces": KERNEL.format(
        "threadgroup float s[64]; threadgroup float *q = s; thread float t[4]; thread float *r = t; "
        "float u = x[p.x]; device float *y = x + n; q[0] = u; r[1] = q[0]; *y = exp(u) + r[1] + shared[1];"
    ),
    "structs": "struct P { float a, b; }; P make(float a) { P r = {a, a}; return r; }\n"
    "kernel void k(device P *x, constant P &c) { P p = make(c.a); p = make(2.0f); x[0] = p; p = x[1]; "
    "threadgroup P s[4]; s[0] = p; x[2] = s[0]; }",
    "templates": "template <typename T> T twice(T v) { return v + v; }\n"
    "template <typename T> void set(device T *at, T v) { *at = v; }\n"
    "template <typename T> void set(threadgroup T *at, T v) { *at = v; }\n"
    + KERNEL.format("set(x, twice(x[1])); set(shared, 1.0f);"),
    "vectors": KERNEL.format(
        "float4 v = float4(x[0], x[1], 2, 3); v.xy = v.zw * 2; uint2 u = uint2(p.xy); int3 w = int3(1);"
        "x[0] = dot(v, v) + float(u.x + w.z) + as_type<float>(0x3f800000u) + max(v, 0.0f).x;"
    ),
    "atomics": KERNEL.format(
        "int old = atomic_fetch_add_explicit((device atomic_int *)i, 1, memory_order_relaxed); int e = old;"
        "atomic_compare_exchange_weak_explicit((device atomic_int *)i, &e, 2, memory_order_relaxed, "
        "memory_order_relaxed); "
        "atomic_fetch_add_explicit((device atomic_float *)x, 1.0f, memory_order_relaxed);"
    ),
    "matrices": KERNEL.format(
        "simdgroup_float8x8 a, b; simdgroup_half8x8 h; simdgroup_load(a, x, 8); simdgroup_load(b, shared, 8);"
        "simdgroup_multiply_accumulate(a, h, h, b); simdgroup_store(a, x, 8, ulong2(0, 8), true);"
    ),
    "narrow types": "kernel void k(device half *h, device bfloat *b) { h[0] = h[1] * h[2] + 1.0h; "
    "float f = b[0]; b[1] = bfloat(f); h[3] = half(f); b[2] = b[0]; }",
    "SIMD groups": KERNEL.format(
        "x[0] = simd_sum(x[1]) + simd_shuffle_xor(x[2], 16) + float(simd_any(x[3] > 0)); "
        "threadgroup_barrier(mem_flags::mem_device | mem_flags::mem_threadgroup);"
    ),
    "headers of kernels": "#include <triton_metal.h>\nstruct tm_arguments { int n; };\n"
    "[[max_total_threads_per_threadgroup(128)]] kernel void k(device float *x [[buffer(0)]],\n"
    "    constant tm_arguments &tm_args [[buffer(1)]], TM_POSITION) {\n"
    "  TM_BEGIN(4, 512)\n  const int n = tm_args.n;\n  TM_TILE(float, t0, 8)\n"
    "  threadgroup float *s0 = TM_SHARED(float, 0);\n"
    "  for (uint r = 0; r < 8; ++r) TM_REGION {\n    const int c = int(r * 128 + tm_sg * 32 + tm_lane);\n"
    "    if (c < n) { TM_AT(t0, r) = x[c] * 2.0f; s0[c % 128] = TM_AT(t0, r); }\n  }\n"
    "  TM_BARRIER(mem_threadgroup)\n  TM_FRAGMENTS(float, f, 2)\n"
    "  TM_SG_REGION { simdgroup_load(TM_FRAGMENT(f, 0), s0, 8); simdgroup_store(TM_FRAGMENT(f, 0), x, 8); }\n"
    "  TM_ONE { x[0] = float(int(tm_pid.x)); }\n  TM_END\n}\nTM_ENTRY(k)\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str) -> None:
    text, message = WRONG[name]
    found = types.errors(HEAD + text)
    assert found, "accepted"
    assert any(re.search(message, line) for line in found), found
    # The program has no other errors.
    assert all("<stdin>" in line or "static assertion" in line for line in found), found


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    assert types.errors(HEAD + RIGHT[name]) == []
