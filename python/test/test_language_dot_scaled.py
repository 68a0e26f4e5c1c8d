# SPDX-License-Identifier: MIT
"""Products of operands in microscaling formats, against float64 and the formats of ml_dtypes."""

import itertools
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from test_language_dot_batched import load_batch

FORMATS = ("e2m1", "e4m3", "e5m2", "bf16", "fp16")
NUMPY = {
    "e2m1": ml_dtypes.float4_e2m1fn,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "e8m0": ml_dtypes.float8_e8m0fnu,
}
# The same bits for the launch; the front end takes bytes for all narrow formats.
LAUNCHED = {"bf16": torch.bfloat16, "fp16": torch.float16}


@triton.jit
def scaled_dot(
    a_ptr,
    b_ptr,
    a_scale_ptr,
    b_scale_ptr,
    c_ptr,
    B: tl.constexpr,
    M: tl.constexpr,
    N: tl.constexpr,
    K: tl.constexpr,
    A_FORMAT: tl.constexpr,
    B_FORMAT: tl.constexpr,
    GROUP: tl.constexpr,
    A_SCALED: tl.constexpr,
    B_SCALED: tl.constexpr,
    A_K_PACK: tl.constexpr,
    B_K_PACK: tl.constexpr,
    A_TRANSPOSED: tl.constexpr,
    B_TRANSPOSED: tl.constexpr,
    ACCUMULATE: tl.constexpr,
    FAST_MATH: tl.constexpr,
):
    a_pack: tl.constexpr = 2 if A_FORMAT == "e2m1" else 1
    b_pack: tl.constexpr = 2 if B_FORMAT == "e2m1" else 1
    a = load_batch(a_ptr, B, M if A_K_PACK else M // a_pack, K // a_pack if A_K_PACK else K, A_TRANSPOSED)
    b = load_batch(b_ptr, B, K // b_pack if B_K_PACK else K, N if B_K_PACK else N // b_pack, B_TRANSPOSED)
    a_scale = None
    b_scale = None
    if A_SCALED:
        a_scale = load_batch(a_scale_ptr, B, M, K // GROUP, False)
    if B_SCALED:
        b_scale = load_batch(b_scale_ptr, B, N, K // GROUP, False)
    acc = None
    rows = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    if B == 0:
        places = rows
    else:
        places = tl.arange(0, B)[:, None, None] * (M * N) + rows[None, :, :]
    if ACCUMULATE:
        acc = tl.load(c_ptr + places)
    c = tl.dot_scaled(
        a,
        a_scale,
        A_FORMAT,
        b,
        b_scale,
        B_FORMAT,
        acc=acc,
        fast_math=FAST_MATH,
        lhs_k_pack=A_K_PACK,
        rhs_k_pack=B_K_PACK,
    )
    tl.store(c_ptr + places, c)


@dataclass(frozen=True)
class Case:
    a: str = "e2m1"
    b: str = "e2m1"
    shape: tuple[int, int, int] = (32, 32, 64)  # M, N, K
    batch: int = 0  # 0: operands of two dimensions
    group: int = 32
    scale: str = "e8m0"
    scaled: str = "ab"  # the operands that have scales
    a_k_pack: bool = True
    b_k_pack: bool = True
    transposed: str = ""  # the operands that memory holds transposed
    accumulate: bool = False
    fast_math: bool = False
    num_warps: int = 4

    def __str__(self) -> str:
        m, n, k = self.shape
        parts = [f"{self.a}x{self.b}", f"{self.batch or ''}{'x' if self.batch else ''}{m}x{n}x{k}"]
        if self.scaled:
            parts.append(f"{self.scaled}-{self.scale}-{self.group}")
        parts += ["" if self.a_k_pack else "a-along-M", "" if self.b_k_pack else "b-along-N"]
        parts += [f"{self.transposed}-transposed" if self.transposed else ""]
        parts += ["acc" if self.accumulate else "", "fast" if self.fast_math else ""]
        return " ".join(part for part in parts if part) + f" w{self.num_warps}"


def numbers(bits: np.ndarray, name: str) -> np.ndarray:
    return bits.view(NUMPY[name]).astype(np.float64)


def random_bits(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random codes of a format, an array of bytes or, for the formats of 16 bits, of random numbers."""
    if name in ("bf16", "fp16"):
        values = rng.standard_normal(shape) * np.exp2(rng.integers(-4, 5, shape))
        return values.astype(NUMPY[name]).view(np.uint16)
    if name == "e2m1":
        return rng.integers(0, 16, shape).astype(np.uint8)
    bits = rng.integers(0, 256, shape).astype(np.uint8)
    finite = np.isfinite(numbers(bits, name))
    # Numbers that are not finite stay in the first row only, or all results would be NaN.
    first = np.zeros(shape, dtype=bool)
    first[..., 0, :4] = True
    return np.where(finite | first, bits, np.uint8(0x3A))


def random_scales(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name == "e4m3":
        return rng.integers(0x08, 0x7F, shape).astype(np.uint8)
    bits = rng.integers(127 - 20, 127 + 21, shape).astype(np.uint8)
    bits[..., 1, 0] = 0xFF  # NaN
    bits[..., 2, -1] = 0
    return bits


def packed(codes: np.ndarray, axis: int) -> np.ndarray:
    """Two codes to a byte along an axis, the first one in the lower bits."""
    low, high = (np.take(codes, range(start, codes.shape[axis], 2), axis) for start in (0, 1))
    return low | high << 4


def launched(bits: np.ndarray, name: str, transposed: bool) -> torch.Tensor:
    if transposed:
        bits = np.swapaxes(bits, -1, -2)
    if name in LAUNCHED:
        return torch.from_numpy(np.ascontiguousarray(bits).view(np.int16)).view(LAUNCHED[name])
    return torch.from_numpy(np.ascontiguousarray(bits))


def scales_for_launch(bits: np.ndarray, name: str) -> torch.Tensor:
    scales = torch.from_numpy(bits)
    return scales.view(torch.float8_e4m3fn) if name == "e4m3" else scales


def run(case: Case, rng: np.random.Generator) -> None:
    m, n, k = case.shape
    lead = (case.batch,) if case.batch else ()
    a_bits = random_bits(case.a, (*lead, m, k), rng)
    b_bits = np.swapaxes(random_bits(case.b, (*lead, n, k), rng), -1, -2)
    a, b = numbers(a_bits, case.a), numbers(b_bits, case.b)
    scale_bits = {"a": random_scales(case.scale, (*lead, m, k // case.group), rng)}
    scale_bits["b"] = random_scales(case.scale, (*lead, n, k // case.group), rng)
    scales = {side: numbers(bits, case.scale).repeat(case.group, -1) for side, bits in scale_bits.items()}
    if "a" in case.scaled:
        a = a * scales["a"]
    if "b" in case.scaled:
        b = b * np.swapaxes(scales["b"], -1, -2)
    c = torch.from_numpy(rng.standard_normal((*lead, m, n)).astype(np.float32))
    with np.errstate(invalid="ignore"):
        want, size = a @ b, np.abs(a) @ np.abs(b)
    if case.accumulate:
        want, size = want + c.numpy(), size + np.abs(c.numpy())
    if case.a == "e2m1":
        a_bits = packed(a_bits, -1 if case.a_k_pack else -2)
    if case.b == "e2m1":
        b_bits = packed(b_bits, -2 if case.b_k_pack else -1)
    scaled_dot[(1,)](
        launched(a_bits, case.a, "a" in case.transposed),
        launched(b_bits, case.b, "b" in case.transposed),
        scales_for_launch(scale_bits["a"], case.scale),
        scales_for_launch(scale_bits["b"], case.scale),
        c,
        B=case.batch,
        M=m,
        N=n,
        K=k,
        A_FORMAT=case.a,
        B_FORMAT=case.b,
        GROUP=case.group,
        A_SCALED="a" in case.scaled,
        B_SCALED="b" in case.scaled,
        A_K_PACK=case.a_k_pack,
        B_K_PACK=case.b_k_pack,
        A_TRANSPOSED="a" in case.transposed,
        B_TRANSPOSED="b" in case.transposed,
        ACCUMULATE=case.accumulate,
        FAST_MATH=case.fast_math,
        num_warps=case.num_warps,
    )
    got = c.numpy().astype(np.float64)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    infinite = np.isinf(want)
    np.testing.assert_array_equal(got[infinite], want[infinite])
    finite = np.isfinite(want)
    assert finite.mean() > 0.5
    # Rounded are sums, products of factors with more bits than f32 has for both, and what is subnormal.
    error = np.abs(got[finite] - want[finite])
    assert np.all(error <= (k + 2) * (2.0**-24 * size[finite] + 2.0**-149))


def packings(a: str, b: str) -> list[tuple[bool, bool]]:
    return list(itertools.product(*([True, False] if name == "e2m1" else [True] for name in (a, b))))


def sample() -> list[Case]:
    """Every pair of formats, in turn with the values of every other parameter."""
    scale_forms = itertools.cycle(itertools.product(("e8m0", "e4m3"), ("ab", "", "a", "b", "ab"), (32, 16)))
    transpositions = itertools.cycle(("", "a", "b", "ab", ""))
    rest = itertools.cycle(itertools.product((0, 2), (False, True), (False, True), (4, 2, 1)))
    cases = []
    for a, b in itertools.product(FORMATS, FORMATS):
        for a_k_pack, b_k_pack in packings(a, b):
            scale, scaled, group = next(scale_forms)
            batch, accumulate, fast_math, num_warps = next(rest)
            cases.append(
                Case(
                    a,
                    b,
                    (32, 16, 32) if batch or "bf16" in (a, b) else (32, 32, 64),
                    batch,
                    group,
                    scale,
                    scaled,
                    a_k_pack,
                    b_k_pack,
                    next(transpositions),
                    accumulate,
                    fast_math,
                    num_warps,
                )
            )
    return cases


@pytest.mark.parametrize("case", sample(), ids=str)
def test_scaled_dot(case: Case, rng):
    run(case, rng)


@pytest.mark.parametrize(
    "case",
    [
        Case("e2m1", "e2m1", (128, 128, 256)),
        Case("e4m3", "e2m1", (128, 128, 256), group=16, b_k_pack=False, transposed="b"),
        Case("bf16", "e2m1", (64, 128, 256), scaled="b", transposed="a"),
        Case("e5m2", "e4m3", (128, 128, 256), transposed="ab"),
        Case("fp16", "e5m2", (128, 64, 128), scaled="b", num_warps=8),
        Case("e2m1", "e2m1", (64, 64, 128), batch=2, group=16, scale="e4m3"),
    ],
    ids=str,
)
def test_large_blocks(case: Case, rng):
    run(case, rng)


@triton.jit
def scale_codes(a_ptr, one_ptr, scale_ptr, out_ptr, M: tl.constexpr, FORMAT: tl.constexpr):
    """Multiplies all codes of a format with the scale of a program. The codes come first in their rows."""
    pack: tl.constexpr = 2 if FORMAT == "e2m1" else 1
    m, n, k = tl.arange(0, M), tl.arange(0, 16), tl.arange(0, 32)
    a = tl.load(a_ptr + m[:, None] * (32 // pack) + tl.arange(0, 32 // pack)[None, :])
    one = tl.load(one_ptr + k[:, None] * 16 + n[None, :])
    program = tl.program_id(0)
    scale = tl.load(scale_ptr + program + m[:, None] * 0 + tl.arange(0, 1)[None, :])
    c = tl.dot_scaled(a, scale, FORMAT, one, None, "bf16")
    tl.store(out_ptr + program * M + m, tl.max(c, 1))


@pytest.mark.parametrize("scale", ["e8m0", "e4m3"])
@pytest.mark.parametrize("name", ["e2m1", "e4m3", "e5m2"])
def test_every_code_with_every_scale(name: str, scale: str):
    """Exact, and NaN for a code or scale that is NaN."""
    codes = np.arange(16 if name == "e2m1" else 256, dtype=np.uint8)
    a_bits = np.zeros((codes.size, 32), dtype=np.uint8)
    a_bits[:, 0] = codes
    one = np.zeros((32, 16))
    one[0] = 1
    scale_bits = np.arange(256, dtype=np.uint8)
    out = torch.zeros(256, codes.size)
    scale_codes[(256,)](
        torch.from_numpy(packed(a_bits, -1) if name == "e2m1" else a_bits),
        torch.from_numpy(one).bfloat16(),
        scales_for_launch(scale_bits, scale),
        out,
        M=codes.size,
        FORMAT=name,
    )
    with np.errstate(over="ignore", invalid="ignore"):
        want = np.outer(numbers(scale_bits, scale), numbers(codes, name)).astype(np.float32)
    np.testing.assert_array_equal(out.numpy(), want)


@triton.jit
def scaled_matmul(
    a_ptr, a_scale_ptr, b_ptr, b_scale_ptr, c_ptr, M, N, K,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    A_FORMAT: tl.constexpr, A_PACK: tl.constexpr, A_SCALED: tl.constexpr,
):  # fmt: skip
    """Activations in any format by weights in e2m1, which memory holds transposed, [N, K / 2]."""
    m = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(1) * BN + tl.arange(0, BN)
    ka, kb, ks = tl.arange(0, BK // A_PACK), tl.arange(0, BK // 2), tl.arange(0, BK // 32)
    total = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, BK):
        a = tl.load(
            a_ptr + m[:, None] * (K // A_PACK) + start // A_PACK + ka[None, :], mask=m[:, None] < M, other=0
        )
        b = tl.load(b_ptr + n[None, :] * (K // 2) + start // 2 + kb[:, None], mask=n[None, :] < N, other=0)
        scales = start // 32 + ks[None, :]
        b_scale = tl.load(b_scale_ptr + n[:, None] * (K // 32) + scales, mask=n[:, None] < N, other=0)
        if A_SCALED:
            a_scale = tl.load(a_scale_ptr + m[:, None] * (K // 32) + scales, mask=m[:, None] < M, other=0)
            total = tl.dot_scaled(a, a_scale, A_FORMAT, b, b_scale, "e2m1", acc=total)
        else:
            total = tl.dot_scaled(a, None, A_FORMAT, b, b_scale, "e2m1", acc=total)
    tl.store(c_ptr + m[:, None] * N + n[None, :], total, mask=(m[:, None] < M) & (n[None, :] < N))


@pytest.mark.parametrize(("name", "scaled"), [("bf16", False), ("e4m3", True), ("e2m1", True)])
def test_matmul_with_weights_of_four_bits(name: str, scaled: bool, rng):
    m, n, k = 30, 50, 128
    a_bits = random_bits(name, (m, k), rng)
    a_bits[0, :4] = a_bits[1, :4]  # finite
    b_bits = random_bits("e2m1", (n, k), rng)
    a_scale, b_scale = (rng.integers(110, 140, (rows, k // 32)).astype(np.uint8) for rows in (m, n))
    a, b = numbers(a_bits, name), numbers(b_bits, "e2m1") * numbers(b_scale, "e8m0").repeat(32, 1)
    if scaled:
        a = a * numbers(a_scale, "e8m0").repeat(32, 1)
    c = torch.zeros(m, n)
    scaled_matmul[(triton.cdiv(m, 16), triton.cdiv(n, 32))](
        launched(packed(a_bits, 1) if name == "e2m1" else a_bits, name, False),
        torch.from_numpy(a_scale),
        torch.from_numpy(packed(b_bits, 1)),
        torch.from_numpy(b_scale),
        c, m, n, k, BM=16, BN=32, BK=32,
        A_FORMAT=name, A_PACK=2 if name == "e2m1" else 1, A_SCALED=scaled,
    )  # fmt: skip
    assert np.all(np.abs(c.numpy() - a @ b.T) <= (k + 2) * 2.0**-24 * (np.abs(a) @ np.abs(b.T)))


def all_cases() -> list[Case]:
    """The cross product of formats, scales and packing, in turn with the values of every other parameter."""
    shapes = itertools.cycle(
        [(32, 32, 64), (64, 32, 32), (32, 64, 128), (16, 16, 32), (64, 64, 64), (128, 32, 32)]
    )
    rest = itertools.cycle(
        itertools.product(("", "a", "b", "ab"), (0, 2), (False, True), (False, True), (4, 1, 8, 2))
    )
    cases = []
    for a, b in itertools.product(FORMATS, FORMATS):
        for scaled, scale, group in itertools.product(("", "a", "b", "ab"), ("e8m0", "e4m3"), (16, 32)):
            if not scaled and (scale, group) != ("e8m0", 32):
                continue
            for a_k_pack, b_k_pack in packings(a, b):
                transposed, batch, accumulate, fast_math, num_warps = next(rest)
                shape = (16, 32, 32) if batch else next(shapes)
                cases.append(
                    Case(
                        a, b, shape, batch, group, scale, scaled, a_k_pack, b_k_pack,
                        transposed, accumulate, fast_math, num_warps,
                    )
                )  # fmt: skip
    return cases


@pytest.mark.long
@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_every_form(case: Case, rng):
    run(case, rng)
