# SPDX-License-Identifier: MIT
"""Kernels that together use everything that the language can write into TTIR. They are compiled, but not
launched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import triton
import triton.language as tl
from triton.language.extra import libdevice


@dataclass
class Entry:
    kernel: Any
    signature: dict[str, str]
    constants: dict[str, Any] = field(default_factory=dict)
    # The operations for which the kernel is here; its text must have them.
    contains: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.kernel.fn.__name__


CORPUS: list[Entry] = []


def corpus(types: str, *contains: str, **constants: Any) -> Any:
    """Registers the decorated kernel with the types of its arguments, in order, and its constants."""

    def register(kernel: Any) -> Any:
        values = iter(part.strip() for part in types.split(";"))
        signature = {name: "constexpr" if name in constants else next(values) for name in kernel.arg_names}
        assert next(values, None) is None, "more types than arguments"
        CORPUS.append(Entry(kernel, signature, constants, contains))
        return kernel

    return register


# ---- grid, pointers, memory --------------------------------------------------------------------------------


@corpus("*fp32; *fp32; *fp32; i32", "tt.get_program_id x", "tt.load", "tt.store", BLOCK=128)
@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask) + tl.load(y_ptr + offsets, mask), mask)


@corpus("*i32; i64", "tt.get_num_programs z", "tt.get_program_id y", "tt.addptr")
@triton.jit
def grid(out, stride):
    index = tl.program_id(0) + tl.num_programs(0) * (tl.program_id(1) + tl.num_programs(1) * tl.program_id(2))
    tl.store(out + index * stride, tl.num_programs(2))


@corpus("*fp16; *fp16; i32", "tt.cache_policy<cache_modifier = cg", "isVolatile = true", BLOCK=64)
@triton.jit
def cache_policies(x, out, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i, mask=i < n, other=1.5, cache_modifier=".ca", eviction_policy="evict_last")
    b = tl.load(x + i, cache_modifier=".cg")
    c = tl.load(x + i, volatile=True)
    d = tl.load(x + i, eviction_policy="evict_first", cache_modifier=".cv")
    tl.store(out + i, a + b, cache_modifier=".wt")
    tl.store(out + BLOCK + i, c * d, mask=i < n, eviction_policy="evict_first", cache_modifier=".cs")


@corpus("*ki32; *i32; i32", '"constant"')
@triton.jit
def constant_memory(table: tl.const, out, n):
    tl.store(out, tl.load(table + n))


@corpus("i64; *i32; *i8", "tt.int_to_ptr", "tt.ptr_to_int", "tt.bitcast")
@triton.jit
def pointer_casts(address, out, raw):
    p = address.to(tl.pointer_type(tl.int32))
    tl.store(out, tl.load(p))
    tl.store(out + 1, (p.to(tl.int64) & 0xFF).to(tl.int32))
    tl.store(raw.to(tl.pointer_type(tl.int32)), 7)


@corpus("*i1; *i1; *i1", BLOCK=16)
@triton.jit
def booleans(x, y, out, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    b = tl.load(y + i)
    tl.store(out + i, (a & ~b) | (a ^ b))


@corpus("*fp32; *i32; *u32; *fp16", "tt.atomic_rmw fadd", "tt.atomic_rmw umax", "tt.atomic_cas", BLOCK=32)
@triton.jit
def atomics(f, s, u, h, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.atomic_add(f + i, 1.0, mask=i < 7)
    tl.atomic_add(h + i, 1.0)
    tl.atomic_add(s + i, i, sem="relaxed", scope="cta")
    tl.atomic_max(s + i, i, sem="release")
    tl.atomic_min(s + i, i, sem="acquire", scope="sys")
    tl.atomic_max(u + i, i.to(tl.uint32))
    tl.atomic_min(u, 3)
    tl.atomic_max(f + i, 2.0)
    tl.atomic_min(f + i, -2.0)
    tl.atomic_and(s + i, 1)
    tl.atomic_or(s + i, 2)
    old = tl.atomic_xor(s + i, 4)
    old += tl.atomic_xchg(s + i, old)
    tl.store(s + i, old + tl.atomic_cas(s + i, old, i))
    tl.atomic_cas(s, 0, 1, sem="acquire")


@corpus("*i32; *i32", "tt.atomic_load", "tt.atomic_store", "tt.atomic_poll", "timeout", BLOCK=8)
@triton.jit
def ordered_access(p, out, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out + i, tl.atomic_load(p + i, mask=i < 4, sem="acquire", scope="gpu"))
    tl.atomic_store(p, 1, sem="release", scope="sys")
    tl.atomic_store(p + i, i, mask=i < 4, sem="relaxed")
    ready = tl.atomic_poll(p, 3)
    late = tl.atomic_poll(p + i, i, sem="relaxed", timeout_ns=1000)
    tl.store(out + i, late.to(tl.int32) + ready.to(tl.int32))


@corpus("*fp32; i32; i32", "tt.make_tensor_descriptor", "tt.descriptor_load", "tt.descriptor_store")
@triton.jit
def descriptors(p, m, n):
    zeros = tl.make_tensor_descriptor(p, [m, n], [n, 1], [16, 32])
    nans = tl.make_tensor_descriptor(p, [m, n], [n, 1], [16, 32], padding_option="nan")
    row = tl.program_id(0) * 16
    for column in range(0, n, 32):
        a = zeros.load([row, column])
        b = nans.load([row, column])
        zeros.store([row, column], a * b)
    zeros.atomic_add([row, 0], zeros.load([0, 0]))


@corpus("*u32; *i32; i32; i32", "tt.descriptor_reduce min", "tt.descriptor_gather", "tt.descriptor_scatter")
@triton.jit
def descriptor_rows(u, p, m, n):
    block = tl.make_tensor_descriptor(u, [m, n], [n, 1], [8, 16])
    ones = block.load([0, 0])
    block.atomic_min([0, 0], ones)
    block.atomic_max([0, 0], ones)
    block.atomic_and([0, 0], ones)
    block.atomic_or([0, 0], ones)
    block.atomic_xor([0, 0], ones)
    rows = tl.make_tensor_descriptor(p, [m, n], [n, 1], [1, 16])
    index = tl.arange(0, 8) * 3
    rows.scatter(rows.gather(index, 4), index, 8)


@corpus("tensordesc<fp16[16,32]>; tensordesc<u8[1,32]>; i32", "!tt.tensordesc<16x32xf16>", "xui8>")
@triton.jit
def descriptor_arguments(d, rows, i):
    d.store([i, 0], d.load([0, i]) * 2)
    index = tl.arange(0, 8)
    rows.scatter(rows.gather(index, 0), index, i)


# ---- elementwise -------------------------------------------------------------------------------------------


@corpus("*i32; *u32; *i64; *i8; *u16", BLOCK=64)
@triton.jit
def integers(a, b, c, d, e, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(a + i)
    u = tl.load(b + i)
    w = tl.load(c + i)
    s = tl.load(d + i)
    h = tl.load(e + i)
    x = x + 3 - x * i + x // 7 + x % 5 + (x << 2) + (x >> 1) + (-x) + (~x)
    u = u // 7 + u % 5 + (u >> 3)
    w = w * x + tl.where(x > 0, w, -w) + tl.abs(w)
    s = s + tl.maximum(s, 3) - tl.minimum(s, 5)
    h = tl.cdiv(h, 3) + tl.umulhi(u, u).to(tl.uint16) + tl.clamp(h.to(tl.float32), 0.0, 9.0).to(tl.uint16)
    less = (x < 3) & (u <= 9) | (w >= 2) & (s > 1) ^ (h == 4) & (x != 7)
    tl.store(a + i, x + less.to(tl.int32))
    tl.store(b + i, u)
    tl.store(c + i, w)
    tl.store(d + i, s)
    tl.store(e + i, h)


@corpus("*fp32; *fp64; *bf16", "math.exp", "math.erf", "tt.precise_sqrt", "tt.precise_divf", BLOCK=64)
@triton.jit
def floats(x, y, z, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    d = tl.load(y + i)
    b = tl.load(z + i)
    r = tl.exp(a) + tl.exp2(a) + tl.log(a) + tl.log2(a) + tl.sin(a) + tl.cos(a) + tl.sqrt(a) + tl.rsqrt(a)
    r += tl.abs(a) + tl.floor(a) + tl.ceil(a) + tl.erf(a) + tl.sigmoid(a) + tl.sqrt_rn(a) + tl.div_rn(a, r)
    r += tl.fma(a, r, a) + a % 3.0 + a / r - (-a) + tl.fdiv(a, r)
    d = tl.exp(d) / (d + 1.0) % 2.0 + tl.sqrt(d)
    b = b * b + tl.maximum(b, 0.0)
    equal = (a == r) | (a != r) & (a < r) | (a <= r) & (a > r) | (a >= r)
    tl.store(x + i, tl.where(equal, r, a))
    tl.store(y + i, d)
    tl.store(z + i, b)


@corpus("*fp32; *fp32", "tt.clampf", "propagateNan = all", "tt.approx_divf", "arith.maximumf", BLOCK=64)
@triton.jit
def nan_rules(x, out, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    r = tl.clamp(a, -1.0, 1.0) + tl.clamp(a, -a, a, propagate_nan=tl.PropagateNan.ALL)
    r += tl.maximum(a, r, propagate_nan=tl.PropagateNan.ALL) + tl.minimum(
        a, r, propagate_nan=tl.PropagateNan.ALL
    )
    r += tl.maximum(a, r) + tl.minimum(a, r) + tl.fdiv(a, r, approx=True) + tl.fdiv(a, r, ieee_rounding=True)
    tl.store(out + i, r)


@corpus("*fp32; *fp8e5; *fp8e4nv; *fp16; *i32", "tt.fp_to_fp", "rounding = rtz", "rounding = rtne", BLOCK=64)
@triton.jit
def casts(x, e5, e4, h, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    tl.store(e5 + i, a.to(tl.float8e5))
    tl.store(e4 + i, a.to(tl.float8e4nv, fp_downcast_rounding="rtne"))
    tl.store(h + i, a.to(tl.float16, fp_downcast_rounding="rtz"))
    back = tl.load(e5 + i).to(tl.float32) + tl.load(e4 + i).to(tl.float32) + tl.load(h + i)
    bits = back.to(tl.int32, bitcast=True) + back.to(tl.int32) + back.to(tl.uint32).to(tl.int32)
    bits += back.to(tl.int64).to(tl.int32) + (back > 0).to(tl.int32) + back.to(tl.bfloat16).to(tl.int32)
    bits += bits.to(tl.int8).to(tl.uint8).to(tl.int32) + bits.to(tl.float64).to(tl.int32)
    bits += bits.to(tl.uint32).to(tl.float32).to(tl.int32) + (bits != 0).to(tl.float16).to(tl.int32)
    tl.store(n + i, tl.cast(bits, tl.int32))


@corpus("*fp8e4b8; *fp8e5b16; *fp8e4b15", "f8E4M3FNUZ", "f8E5M2FNUZ", BLOCK=64)
@triton.jit
def other_fp8(a, b, c, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(a + BLOCK + i, tl.load(a + i))
    tl.store(b + BLOCK + i, tl.load(b + i))
    tl.store(c + BLOCK + i, tl.load(c + i))


@corpus("*fp32; *i32", "tt.extern_elementwise", BLOCK=64)
@triton.jit
def library(x, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    r = libdevice.tanh(a) + libdevice.atan2(a, a) + libdevice.pow(a, 2.0) + libdevice.log1p(a)
    tl.store(x + i, r + libdevice.rint(a))
    tl.store(n + i, libdevice.isnan(a).to(tl.int32) + libdevice.popc(tl.load(n + i)))


@corpus("*i32; *fp32", "tt.elementwise_inline_asm", BLOCK=64)
@triton.jit
def inline_assembly(x, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    b = tl.inline_asm_elementwise("shf $0, $1", "=r,r", [a], dtype=tl.int32, is_pure=True, pack=1)
    c, d = tl.inline_asm_elementwise(
        "two $0, $1, $2, $3", "=r,=r,r,r", [a, b], dtype=(tl.int32, tl.float32), is_pure=False, pack=2
    )
    tl.store(x + i, b + c)
    tl.store(y + i, d)


@triton.jit
def _branching(x, y):
    if x > y:
        return x - y
    else:
        return (y - x) // 2


@triton.jit
def _pair(x0, x1):
    return x1, x0, x0 + x1, x0 * x1


@corpus("*i32; *i32", "tt.map_elementwise", "pack = 2", BLOCK=64)
@triton.jit
def element_functions(x, y, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    b = tl.map_elementwise(_branching, a, tl.load(y + i))
    c, d = tl.map_elementwise(_pair, b, pack=2)
    tl.store(x + i, c)
    tl.store(y + i, d)


# ---- shapes ------------------------------------------------------------------------------------------------


@corpus("*fp32; *fp32", "tt.trans", "tt.reshape", "tt.broadcast", "tt.expand_dims", M=8, N=16)
@triton.jit
def shapes(x, out, M: tl.constexpr, N: tl.constexpr):
    i = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    a = tl.load(x + i)
    b = tl.trans(a) + a.T
    c = tl.permute(tl.reshape(a, 2, 4, N), (2, 0, 1))
    d = tl.view(c, (M, N)) + tl.ravel(b).reshape(M, N) + tl.expand_dims(tl.sum(a, 1), 1)
    d += tl.broadcast_to(tl.arange(0, N)[None, :].to(tl.float32), (M, N)) + tl.full((M, N), 3.0, tl.float32)
    d += tl.zeros((M, N), tl.float32) + tl.zeros_like(a) + tl.squeeze(tl.unsqueeze(a, 1), 1)
    e, f = tl.broadcast(tl.arange(0, M)[:, None], tl.arange(0, N)[None, :])
    tl.store(out + i, d + (e + f))


@corpus("*i32; *i32", "tt.join", "tt.split", "tt.cat", BLOCK=32)
@triton.jit
def joins(x, out, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    b = tl.join(a, a * 2)
    left, right = tl.split(b)
    tl.store(out + tl.arange(0, 2 * BLOCK), tl.interleave(left, right) + tl.cat(a, right, can_reorder=True))


@corpus("*i32; *i32; *i64", "tt.gather", "tt.histogram", BLOCK=64)
@triton.jit
def lookups(x, out, wide, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a = tl.load(x + i)
    tl.store(out + i, tl.gather(a, (i * 7) % BLOCK, 0))
    rows = tl.arange(0, 4)[:, None] * 16 + tl.arange(0, 16)[None, :]
    picked = tl.gather(tl.load(wide + rows), (rows % 4).to(tl.int32), 0)
    tl.store(wide + rows, picked)
    tl.store(out + tl.arange(0, 16), tl.histogram(a, 16) + tl.histogram(a, 16, mask=i < 9))


@corpus("*fp32; *i32", "tt.unsplat")
@triton.jit
def single_elements(x, out):
    a = tl.load(x + tl.arange(0, 1))
    tl.store(out, a.item().to(tl.int32))
    tl.store(out + 1, 5 if a.item() > 2.0 else 6)


# ---- reductions, scans, sorting ----------------------------------------------------------------------------


@corpus("*fp32; *fp32; *i32", '"tt.reduce"', "axis = 1", M=8, N=16)
@triton.jit
def reductions(x, out, index, M: tl.constexpr, N: tl.constexpr):
    rows = tl.arange(0, M)
    a = tl.load(x + rows[:, None] * N + tl.arange(0, N)[None, :])
    r = tl.sum(a, 1) + tl.max(a, 1) + tl.min(a, axis=1) + tl.sum(a) + tl.sum(a, 1, keep_dims=True).reshape(M)
    value, where = tl.max(a, 1, return_indices=True)
    low, _ = tl.min(a, 1, return_indices=True, return_indices_tie_break_left=False)
    r += value + low
    tl.store(out + rows, r)
    n = a.to(tl.int32)
    s = tl.argmax(a, 1) + tl.argmin(a, 1, tie_break_left=False) + tl.xor_sum(n, 1) + where
    tl.store(index + rows, s + tl.reduce_or(n, 1) + tl.sum((n > 0), 1) + tl.max(n.to(tl.int8), 1))


@triton.jit
def _welford(mean_a, m2_a, count_a, mean_b, m2_b, count_b):
    delta = mean_b - mean_a
    count = count_a + count_b
    share = tl.where(count > 0, count_b / count, 0.0)
    return mean_a + delta * share, m2_a + m2_b + delta * delta * count_a * share, count


@triton.jit
def _smaller_magnitude(a, b):
    if tl.abs(a) < tl.abs(b):
        return a
    else:
        return b


@corpus("*fp32; *fp32", "tt.reduce.return", N=128)
@triton.jit
def combiners(x, out, N: tl.constexpr):
    a = tl.load(x + tl.arange(0, N))
    mean, m2, count = tl.reduce((a, tl.zeros_like(a), tl.full((N,), 1.0, tl.float32)), 0, _welford)
    tl.store(out, mean)
    tl.store(out + 1, m2 / count)
    tl.store(out + 2, tl.reduce(a, 0, _smaller_magnitude))


@triton.jit
def _linear(a_left, b_left, a_right, b_right):
    return a_left * a_right, b_left * a_right + b_right


@corpus("*fp32; *i32", '"tt.scan"', "reverse = true", "tt.scan.return", M=4, N=32)
@triton.jit
def scans(x, n, M: tl.constexpr, N: tl.constexpr):
    i = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    a = tl.load(x + i)
    _, state = tl.associative_scan((a, a), 1, _linear)
    tl.store(x + i, tl.cumsum(a, 1) + tl.cumprod(a, 0) + tl.cumsum(a, 0, reverse=True) + state)
    tl.store(n + i, tl.cumsum(tl.load(n + i), 1))


@corpus("*fp32; *i32", N=64)
@triton.jit
def sorting(x, n, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(x + i, tl.sort(tl.load(x + i)) + tl.flip(tl.sort(tl.load(x + i), descending=True)))
    tl.store(n + tl.arange(0, 8), tl.topk(tl.load(n + i), 8))
    tl.store(n + i, tl.bitonic_merge(tl.load(n + i)))


@corpus("*fp32; i32", BLOCK=64)
@triton.jit
def softmax_row(x, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    row = tl.load(x + i, mask=i < n, other=-float("inf"))
    tl.store(x + i, tl.softmax(row), mask=i < n)


# ---- matrix products ---------------------------------------------------------------------------------------


@corpus("*fp16; *fp16; *fp32; i32; i32; i32", "tt.dot", "scf.for", BM=32, BN=32, BK=16, GROUP=4)
@triton.jit
def matmul(a, b, c, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, GROUP: tl.constexpr):
    pid = tl.program_id(0)
    rows, columns = tl.swizzle2d(
        pid // tl.cdiv(n, BN), pid % tl.cdiv(n, BN), tl.cdiv(m, BM), tl.cdiv(n, BN), GROUP
    )
    rm = rows * BM + tl.arange(0, BM)
    rn = columns * BN + tl.arange(0, BN)
    rk = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), tl.float32)
    for start in range(0, k, BK):
        x = tl.load(a + rm[:, None] * k + (start + rk)[None, :], mask=(start + rk)[None, :] < k, other=0.0)
        y = tl.load(b + (start + rk)[:, None] * n + rn[None, :], mask=(start + rk)[:, None] < k, other=0.0)
        acc = tl.dot(x, y, acc)
    tl.store(c + rm[:, None] * n + rn[None, :], acc, mask=(rm[:, None] < m) & (rn[None, :] < n))


@corpus(
    "*fp32; *i8; *bf16; *fp8e5", "inputPrecision = tf32x3", "inputPrecision = bf16x3", "xi8> *", B=2, N=16
)
@triton.jit
def dots(f, q, h, e, B: tl.constexpr, N: tl.constexpr):
    i = tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    x = tl.load(f + i)
    r = tl.dot(x, x, input_precision="tf32") + tl.dot(x, x, input_precision="tf32x3")
    r += tl.dot(x, x, input_precision="ieee") + tl.dot(x, x, input_precision="bf16x3")
    s = tl.load(q + i)
    r += tl.dot(s, s).to(tl.float32) + tl.dot(tl.load(h + i), tl.load(h + i), out_dtype=tl.float32)
    r += tl.dot(tl.load(e + i), tl.load(e + i), max_num_imprecise_acc=8)
    tl.store(f + i, r)
    batch = tl.arange(0, B)[:, None, None] * N * N + i[None, :, :]
    y = tl.load(h + batch)
    tl.store(h + batch, tl.dot(y, y, out_dtype=tl.float16).to(tl.bfloat16) if False else y)
    tl.store(f + batch, tl.dot(y, y))


@corpus("*fp8e4nv; *u8; *u8; *bf16; *fp32", "tt.dot_scaled", "lhs = e4m3 rhs = e2m1", M=32, N=32, K=64)
@triton.jit
def scaled_dots(a, b, scales, h, out, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    x = tl.load(a + tl.arange(0, M)[:, None] * K + tl.arange(0, K)[None, :])
    y = tl.load(b + tl.arange(0, K // 2)[:, None] * N + tl.arange(0, N)[None, :])
    s = tl.load(scales + tl.arange(0, M)[:, None] * (K // 32) + tl.arange(0, K // 32)[None, :])
    c = tl.dot_scaled(x, s, "e4m3", y, s, "e2m1")
    z = tl.load(h + tl.arange(0, M)[:, None] * K + tl.arange(0, K)[None, :])
    c = tl.dot_scaled(z, None, "bf16", y, s, "e2m1", acc=c, fast_math=True)
    packed = tl.load(b + tl.arange(0, K)[:, None] * (N // 2) + tl.arange(0, N // 2)[None, :])
    c = tl.dot_scaled(x, s, "e4m3", packed, s, "e2m1", acc=c, rhs_k_pack=False)
    tl.store(out + tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :], c)


# ---- control flow ------------------------------------------------------------------------------------------


@corpus("*i32; i32; i32", "scf.while", "scf.if", "tt.loop_unroll_factor")
@triton.jit
def control(p, n, step):
    total = 0
    i = 0
    while i < n:
        if i % 3 == 0:
            total += i
        elif i % 5 == 0:
            total -= 2 * i
        else:
            for j in range(i, n, step):
                total += j
        i += 1
    for k in tl.range(0, n, num_stages=3, loop_unroll_factor=2, flatten=True, disallow_acc_multi_buffer=True):
        total += k
    for m in tl.static_range(3):
        total *= m + 2
    last = n if total > 3 else -n
    both = (n > 3 and step > 2) or not (total > n)
    tl.store(p, total + last + both.to(tl.int32))


@corpus("*i32; i32", "llvm.loop_annotation")
@triton.jit
def loop_hints(p, n):
    total = 0
    for i in tl.range(0, n, disable_licm=True, warp_specialize=False):
        total += tl.load(p + i)
    while tl.condition(total > n, disable_licm=True):
        total -= n
    tl.store(p, total)


@corpus("*fp32; i32", "cf.cond_br", BLOCK=32)
@triton.jit
def early_return(p, n, BLOCK: tl.constexpr):
    if n <= 0:
        return
    i = tl.arange(0, BLOCK)
    tl.store(p + i, i.to(tl.float32), mask=i < n)
    if n > 100:
        return
    tl.store(p, 1.0)


@triton.jit
def _clipped(x, limit):
    if limit < 0.0:
        return x
    if limit > 100.0:
        return tl.zeros_like(x)
    return tl.minimum(x, limit)


@triton.jit(noinline=True)
def _outlined(p, i, x):
    if i > 7:
        return
    tl.store(p + i, x)


@corpus("*fp32; fp32; i32", "tt.call", "noinline = true", BLOCK=32)
@triton.jit
def calls(p, limit, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = _clipped(tl.load(p + i), limit)
    tl.store(p + i, x)
    for j in range(n):
        _outlined(p, j, limit)


@triton.jit
def _swap(pair):
    return pair[1], pair[0]


@corpus("*i32; (*i32, (i32, fp32)); i32")
@triton.jit
def tuples(out, nested, n):
    p, rest = nested
    a, b = _swap((rest[0], n))
    state = (a, b.to(tl.float32) + rest[1])
    for i in range(n):
        state = (state[0] + i, state[1] * 2.0)
    tl.store(out, state[0] + tl.load(p))
    tl.store(out + 1, state[1].to(tl.int32))


# ---- hints and effects -------------------------------------------------------------------------------------


@corpus("*i32; i32", "tt.divisibility", "tt.contiguity", "tt.constancy", "llvm.intr.assume", BLOCK=32)
@triton.jit
def hints(p, n, BLOCK: tl.constexpr):
    tl.assume(n > 0)
    i = tl.max_contiguous(tl.multiple_of(n * BLOCK + tl.arange(0, BLOCK), 16), 8)
    j = tl.max_constancy(i // 4, 4)
    tl.static_assert(BLOCK > 1)
    tl.store(p + i, j)
    tl.debug_barrier()
    tl.store(p + j, tl.expect_zero(i, i > n))


@corpus("*fp32; i32; i1", "tt.print", "tt.assert", BLOCK=32)
@triton.jit
def diagnostics(p, n, flag, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(p + i)
    tl.device_print("x and n:", x, n)
    tl.device_print("hex", i, hex=True)
    tl.device_print("bare")
    tl.device_assert(x > 0.0, "positive", mask=i < n)
    tl.device_assert(flag, "set")


@corpus("*fp32; *i32; i32", BLOCK=64)
@triton.jit
def random_numbers(x, n, seed, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(x + i, tl.rand(seed, i) + tl.randn(seed, i))
    a, b, c, d = tl.randint4x(seed, i, 7)
    u, v, w, z = tl.rand4x(seed, i)
    tl.store(x + i, u + v * w - z)
    tl.store(n + i, tl.randint(seed, i) + a.to(tl.int32) * b.to(tl.int32) - c.to(tl.int32) + d.to(tl.int32))


@corpus("*fp32; *fp32; *fp32; *fp32; i32; fp32", BM=16, BN=16, D=16)
@triton.jit
def attention(q, k, v, out, n, scale, BM: tl.constexpr, BN: tl.constexpr, D: tl.constexpr):
    rm = tl.program_id(0) * BM + tl.arange(0, BM)
    rd = tl.arange(0, D)
    x = tl.load(q + rm[:, None] * D + rd[None, :], mask=rm[:, None] < n, other=0.0)
    peak = tl.full((BM,), -float("inf"), tl.float32)
    norm = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    for start in range(0, (tl.program_id(0) + 1) * BM, BN):
        rn = start + tl.arange(0, BN)
        y = tl.load(k + rn[None, :] * D + rd[:, None], mask=rn[None, :] < n, other=0.0)
        score = tl.where(rm[:, None] >= rn[None, :], tl.dot(x, y) * scale, -float("inf"))
        now = tl.maximum(peak, tl.max(score, 1))
        weight = tl.exp(score - now[:, None])
        shrink = tl.exp(peak - now)
        norm = norm * shrink + tl.sum(weight, 1)
        z = tl.load(v + rn[:, None] * D + rd[None, :], mask=rn[:, None] < n, other=0.0)
        acc = acc * shrink[:, None] + tl.dot(weight, z)
        peak = now
    tl.store(out + rm[:, None] * D + rd[None, :], acc / norm[:, None], mask=rm[:, None] < n)
