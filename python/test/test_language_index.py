# SPDX-License-Identifier: MIT
"""Index arithmetic of real kernels: what only looks affine, narrow and unsigned types, odd masks."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from generated import PRELUDE, load_source
from reference import Guarded, assert_same, truncated_divide, truncated_remainder

N = 200
I32 = np.int32


def wrap(values, dtype=np.int32):
    return np.asarray(values, np.int64).astype(dtype)


# Source of an index into 512 elements, and the same with NumPy; i is an int32 vector from 0 to 199.
INDICES = {
    "(i - 100) // 3 + 64": lambda i: truncated_divide(i - 100, wrap(3)) + 64,
    "(i - 100) % 7 + 6": lambda i: truncated_remainder(i - 100, wrap(7)) + 6,
    "(i - 100) // -3 + 64": lambda i: truncated_divide(i - 100, wrap(-3)) + 64,
    "(100 - i) % -7 + 6": lambda i: truncated_remainder(100 - i, wrap(-7)) + 6,
    "(i - 100) >> 2": lambda i: ((i - 100) >> 2) + 0,
    "i * 3 // 2": lambda i: i * 3 // 2,
    "(i // 16) * 16 + 15 - i % 16": lambda i: (i // 16) * 16 + 15 - i % 16,
    "i ^ 5": lambda i: i ^ 5,
    "(i & -8) | (7 - (i & 7))": lambda i: (i & -8) | (7 - (i & 7)),
    "i & 0x5A": lambda i: i & 0x5A,
    "~i + 201": lambda i: ~i + 201,
    "-i + 200": lambda i: -i + 200,
    "tl.abs(i - 77)": lambda i: np.abs(i - 77),
    "tl.minimum(i, 50)": lambda i: np.minimum(i, 50),
    "tl.maximum(i - 20, 0)": lambda i: np.maximum(i - 20, 0),
    "tl.minimum(tl.maximum(i * 2 - 50, 3), 150)": lambda i: np.clip(i * 2 - 50, 3, 150),
    "tl.where(i < 64, i * 2, 255 - i)": lambda i: np.where(i < 64, i * 2, 255 - i),
    "(i.to(tl.int8) + 100).to(tl.int32) + 128": lambda i: (
        (i.astype(np.int8) + np.int8(100)).astype(I32) + 128
    ),
    "(i.to(tl.uint8) * 3).to(tl.int32)": lambda i: (i.astype(np.uint8) * np.uint8(3)).astype(I32),
    "(i.to(tl.int64) * 5000000000 % 509).to(tl.int32)": lambda i: (
        i.astype(np.int64) * 5000000000 % 509
    ).astype(I32),
    "i.to(tl.int64) + 1": lambda i: i + 1,
    "i.to(tl.uint32) + 3": lambda i: i + 3,
    "i.to(tl.int16)": lambda i: i,
    "(i * 1000003) & 511": lambda i: (i * I32(1000003)) & 511,
    "((i * 65537 * 65537) >> 20) & 511": lambda i: ((i * I32(65537) * I32(65537)) >> 20) & 511,
    "((i << 24) >> 24) + 128": lambda i: ((i << 24) >> 24) + 128,
    "((i.to(tl.uint32) << 28) >> 24).to(tl.int32)": lambda i: ((i.astype(np.uint32) << 28) >> 24).astype(I32),
    "(i * 0.5).to(tl.int32)": lambda i: (i * np.float32(0.5)).astype(I32),
    "(i * i) % 512": lambda i: (i * i) % 512,
    "i * i // 100": lambda i: i * i // 100,
    "(i < 100).to(tl.int32) * 7 + (i % 2 == 0).to(tl.int32)": lambda i: (i < 100) * I32(7) + (i % 2 == 0),
    "tl.cumsum((i % 3 == 0).to(tl.int32), 0)": lambda i: np.cumsum((i % 3 == 0).reshape(-1, 8), 1).reshape(
        -1
    ),
    "tl.sum(i, axis=0) // 16 + (i - i)": lambda i: np.repeat(i.reshape(-1, 8).sum(1) // 16, 8),
    "tl.max(i, axis=0) - i % 8": lambda i: np.repeat(i.reshape(-1, 8).max(1), 8) - i % 8,
    "tl.flip(i)": lambda i: i.reshape(-1, 8)[:, ::-1].reshape(-1),
    "tl.sort((i * 5) % 8) + pid": lambda i: np.sort((i * 5 % 8).reshape(-1, 8), 1).reshape(-1) + i // 8,
    "tl.num_programs(0) * 8 - 1 - i": lambda i: N - 1 - i,
    "tl.minimum(pid, 3) * 8 + i % 8": lambda i: np.minimum(i // 8, 3) * 8 + i % 8,
    "pid * pid % 60 + i % 8": lambda i: (i // 8) * (i // 8) % 60 + i % 8,
    "(pid % 5) * 40 + (pid // 5) * 8 + i % 8": lambda i: (i // 8 % 5) * 40 + (i // 40) * 8 + i % 8,
    "(pid // 3 + pid % 3) * 8 + i % 8": lambda i: (i // 24 + i // 8 % 3) * 8 + i % 8,
    "tl.umulhi(i * 1000003, 511)": lambda i: (
        (i * I32(1000003)).view(np.uint32).astype(np.uint64) * 511 >> 32
    ).astype(I32),
}
SHIFTED = {"(i - 100) >> 2": 32}


@pytest.mark.parametrize("expression", INDICES)
def test_gather(expression, rng):
    shift = SHIFTED.get(expression, 0)
    source = (
        f"{PRELUDE}@triton.jit\ndef indexed(a, b, B: tl.constexpr):\n"
        "    pid = tl.program_id(0)\n    i = pid * B + tl.arange(0, B)\n"
        f"    at = {expression}\n    tl.store(b + i, tl.load(a + {shift} + at))\n"
    )
    x = torch.from_numpy(rng.permutation(512).astype(np.int32))
    out = Guarded(np.full(N, -1), "int32")
    load_source(source, "index").indexed[(N // 8,)](x, out.tensor, B=8)
    with np.errstate(all="ignore"):
        at = np.asarray(INDICES[expression](np.arange(N, dtype=np.int32))) + shift
    assert_same(out.values(), x.numpy()[at])


@pytest.mark.parametrize("expression", INDICES)
def test_the_index_as_data(expression):
    """The same arithmetic, with its result stored."""
    source = (
        f"{PRELUDE}@triton.jit\ndef shown(b, B: tl.constexpr):\n"
        "    pid = tl.program_id(0)\n    i = pid * B + tl.arange(0, B)\n"
        f"    tl.store(b + i, {expression})\n"
    )
    out = Guarded(np.full(N, -1), "int32")
    load_source(source, "index").shown[(N // 8,)](out.tensor, B=8)
    with np.errstate(all="ignore"):
        want = np.asarray(INDICES[expression](np.arange(N, dtype=np.int32)))
    assert_same(out.values(), want.astype(np.int32))


INJECTIVE = {
    "i ^ 5": lambda i: i ^ 5,
    "(i // 16) * 16 + 15 - i % 16": lambda i: (i // 16) * 16 + 15 - i % 16,
    "(i % 25) * 8 + i // 25": lambda i: (i % 25) * 8 + i // 25,
    "(pid % 5) * 40 + (pid // 5) * 8 + 7 - i % 8": lambda i: (i // 8 % 5) * 40 + (i // 40) * 8 + 7 - i % 8,
    "i * 3 % 200": lambda i: i * 3 % 200,
    "(i * 7 + 13) & 255": lambda i: (i * 7 + 13) & 255,
    "tl.where(i % 2 == 0, i // 2, 255 - i // 2)": lambda i: np.where(i % 2 == 0, i // 2, 255 - i // 2),
    "tl.flip(i)": lambda i: i.reshape(-1, 8)[:, ::-1].reshape(-1),
}


@pytest.mark.parametrize("expression", INJECTIVE)
def test_scatter(expression):
    source = (
        f"{PRELUDE}@triton.jit\ndef spread(b, B: tl.constexpr):\n"
        "    pid = tl.program_id(0)\n    i = pid * B + tl.arange(0, B)\n"
        f"    at = {expression}\n    tl.store(b + at, i * 10)\n"
    )
    out = Guarded(np.full(256, -1), "int32")
    load_source(source, "index").spread[(N // 8,)](out.tensor, B=8)
    i = np.arange(N, dtype=np.int32)
    want = np.full(256, -1, np.int32)
    want[INJECTIVE[expression](i)] = i * 10
    assert_same(out.values(), want)
    out.check()


# Source of a mask over i and j, coordinates of an 8 by 8 block in a 3 by 4 grid of blocks; n is 20, m is 27.
MASKS = {
    "(i - 5).to(tl.uint32) < 10": lambda i, j, n, m: (i >= 5) & (i < 15),
    "(i.to(tl.uint32) < n) & (j < m)": lambda i, j, n, m: (i < n) & (j < m),
    "i * m + j < 300": lambda i, j, n, m: i * m + j < 300,
    "i + j < n": lambda i, j, n, m: i + j < n,
    "i - j >= -3": lambda i, j, n, m: i - j >= -3,
    "(i >= j) & (i < n)": lambda i, j, n, m: (i >= j) & (i < n),
    "(i == j) | (i + j == 20)": lambda i, j, n, m: (i == j) | (i + j == 20),
    "~((i < n) & (j < m))": lambda i, j, n, m: ~((i < n) & (j < m)),
    "(i < n) ^ (j < m)": lambda i, j, n, m: (i < n) ^ (j < m),
    "(i < n) == (j < m)": lambda i, j, n, m: (i < n) == (j < m),
    "(i * 2 < n) & (j * 3 >= m)": lambda i, j, n, m: (i * 2 < n) & (j * 3 >= m),
    "n - i > 0": lambda i, j, n, m: n - i > 0,
    "-i > -n": lambda i, j, n, m: -i > -n,
    "i // 4 < 3": lambda i, j, n, m: i // 4 < 3,
    "(i % 4 < 3) & (j % 5 != 2)": lambda i, j, n, m: (i % 4 < 3) & (j % 5 != 2),
    "i * 1.5 < j": lambda i, j, n, m: i * np.float32(1.5) < j,
    "tl.where(i < 8, j < 9, j >= 20)": lambda i, j, n, m: np.where(i < 8, j < 9, j >= 20),
    "tl.minimum(i, j) < 6": lambda i, j, n, m: np.minimum(i, j) < 6,
    "(i & 5) == (j & 5)": lambda i, j, n, m: (i & 5) == (j & 5),
    "(i < n) & (tl.program_id(1) != 2)": lambda i, j, n, m: (i < n) & (j // 8 != 2),
    "i * 200000000 < j * 200000000": lambda i, j, n, m: wrap(i * 200000000) < wrap(j * 200000000),
    "(i < n).to(tl.int32) + (j < m).to(tl.int32) == 1": lambda i, j, n, m: (i < n) ^ (j < m),
    "i < j + n - m": lambda i, j, n, m: i < j + n - m,
    "i.to(tl.int8) * 8 > j": lambda i, j, n, m: (i.astype(np.int8) * np.int8(8)).astype(np.int32) > j,
    "(i < 0) | (j < 0)": lambda i, j, n, m: (i < 0) | (j < 0),
    "(i >= 0) & (j >= 0)": lambda i, j, n, m: (i >= 0) & (j >= 0),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("use", ["load", "store", "select"])
def test_mask(use, mask, rng):
    body = {
        "load": "    tl.store(c + at, tl.load(a + at, mask=on, other=-9))\n",
        "store": "    tl.store(c + at, tl.load(a + at), mask=on)\n",
        "select": "    tl.store(c + at, tl.where(on, tl.load(a + at), -9))\n",
    }[use]
    source = (
        f"{PRELUDE}@triton.jit\ndef masked(a, c, n, m, B: tl.constexpr):\n"
        "    i = tl.program_id(0) * B + tl.arange(0, B)[:, None]\n"
        "    j = tl.program_id(1) * B + tl.arange(0, B)[None, :]\n"
        f"    at = i * 32 + j\n    on = {mask}\n    on = on & (at >= 0)\n{body}"
    )
    x = rng.integers(0, 1000, (24, 32)).astype(np.int32)
    out = Guarded(np.full(24 * 32, -9), "int32")
    load_source(source, "mask").masked[(3, 4)](torch.from_numpy(x), out.tensor, 20, 27, B=8)
    i, j = np.arange(24, dtype=np.int32)[:, None], np.arange(32, dtype=np.int32)[None, :]
    with np.errstate(all="ignore"):
        on = np.broadcast_to(MASKS[mask](i, j, 20, 27), x.shape)
    assert_same(out.values().reshape(24, 32), np.where(on, x, np.int32(-9)))
    out.check()


@triton.jit
def compact(x_ptr, out_ptr, count_ptr, limit, N: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, N)
    x = tl.load(x_ptr + row * N + i)
    keep = x > limit
    place = tl.cumsum(keep.to(tl.int32), 0) - 1
    tl.store(out_ptr + row * N + place, x, mask=keep)
    tl.store(count_ptr + row, tl.sum(keep.to(tl.int32), axis=0))


def test_compaction(rng):
    x = rng.integers(0, 10, (6, 32)).astype(np.int32)
    out, count = Guarded(np.full(6 * 32, -1), "int32"), torch.zeros(6, dtype=torch.int32)
    compact[(6,)](torch.from_numpy(x), out.tensor, count, 4, N=32)
    want = np.full((6, 32), -1, np.int32)
    for row in range(6):
        kept = x[row][x[row] > 4]
        want[row, : kept.size] = kept
    assert_same(out.values().reshape(6, 32), want)
    assert count.tolist() == [(row > 4).sum() for row in x]


@triton.jit
def paged_rows(
    pages_ptr, table_ptr, length_ptr, out_ptr, PAGE: tl.constexpr, WIDTH: tl.constexpr, MAX: tl.constexpr
):
    """Sums the rows of a sequence whose pages lie anywhere, as in a paged cache of keys."""
    row = tl.program_id(0)
    length = tl.load(length_ptr + row)
    column = tl.arange(0, WIDTH)
    total = tl.zeros((WIDTH,), tl.float32)
    for page in range(tl.cdiv(length, PAGE)):
        where = tl.load(table_ptr + row * MAX + page)
        slot = tl.arange(0, PAGE)
        inside = page * PAGE + slot < length
        at = (where * PAGE + slot)[:, None] * WIDTH + column[None, :]
        total += tl.sum(tl.load(pages_ptr + at, mask=inside[:, None], other=0.0), axis=0)
    tl.store(out_ptr + row * WIDTH + column, total)


def test_pages(rng):
    pages = rng.integers(-9, 9, (20, 4, 8)).astype(np.float32)
    lengths = np.array([0, 1, 4, 7, 12, 20], np.int32)
    table = np.stack([rng.permutation(20)[:5] for _ in lengths]).astype(np.int32)
    out = torch.full((6, 8), -1.0)
    arrays = [torch.from_numpy(a) for a in (pages, table, lengths)]
    paged_rows[(6,)](*arrays, out, PAGE=4, WIDTH=8, MAX=5)
    want = [pages[table[r]].reshape(-1, 8)[: lengths[r]].sum(0) for r in range(6)]
    assert_same(out.numpy(), np.array(want, np.float32), zero_sign=False)


@triton.jit
def low_bits_in_a_loop(x_ptr, out_ptr, trips, FORM: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for k in range(trips):
        if FORM == "and":
            at = k * 4 + (i & 3)
        elif FORM == "remainder":
            at = k * 4 + i % 4
        elif FORM == "difference":
            at = k * 4 + i - i // 4 * 4
        elif FORM == "narrow":
            at = k * 4 + ((i * 64).to(tl.int8).to(tl.int32) // 64 + 2)
        else:
            at = k * 4 + (((i << 30) >> 30) + 2)
        total += tl.load(x_ptr + at)
    tl.store(out_ptr + i, total)


@pytest.mark.parametrize("form", ["and", "remainder", "difference", "narrow", "shifts"])
def test_low_bits_of_a_lane_repeat(form, rng):
    x = rng.integers(-99, 99, 32).astype(np.float32)
    out = np.zeros(64, np.float32)
    low_bits_in_a_loop[(1,)](x, out, 8, FORM=form, BLOCK=64)
    i = np.arange(64) % 4
    if form in ("narrow", "shifts"):  # as a signed number of two bits
        i = (i ^ 2) % 4
    np.testing.assert_array_equal(out, x.reshape(8, 4).sum(0)[i])


COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@pytest.mark.parametrize("sign", COMPARISONS)
@pytest.mark.parametrize("limit", (-(2**63), 2**63 - 1))
def test_comparisons_of_integers_that_have_wrapped(sign, limit):
    """The difference of two 64-bit integers need not be one."""
    source = PRELUDE + (
        "@triton.jit\n"
        "def kernel(out_ptr, N: tl.constexpr):\n"
        "    i = tl.arange(0, N)\n"
        "    wide = i.to(tl.int64)\n"
        f"    wrapped = tl.full((N,), {limit}, tl.int64) {'-' if limit < 0 else '+'} wide\n"
        f"    first = (-wide {sign} wrapped).to(tl.int32)\n"
        f"    second = (wrapped {sign} wide - 3).to(tl.int32)\n"
        "    tl.store(out_ptr + i, first + 2 * second)\n"
    )
    kernel = load_source(source, "wrapped_comparisons").kernel
    i = np.arange(64, dtype=np.int64)
    with np.errstate(over="ignore"):
        wrapped = np.int64(limit) - i if limit < 0 else np.int64(limit) + i
    compare = {
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }[sign]
    expected = compare(-i, wrapped) + 2 * compare(wrapped, i - 3)
    out = torch.full((64,), -1, dtype=torch.int32)
    kernel[(1,)](out, N=64)
    np.testing.assert_array_equal(out.numpy(), expected.astype(np.int32))
