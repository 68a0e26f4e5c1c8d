# SPDX-License-Identifier: MIT
"""Random numbers against Philox 4x32-10 computed with Python integers."""

import math

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from reference import assert_close, assert_same

MASK = 0xFFFFFFFF


def philox(seed, offset, rounds=10):
    """The four 32-bit words of Philox for one counter."""
    c = [offset & MASK, 0, 0, 0]
    k = [seed & MASK, (seed >> 32) & MASK]
    for _ in range(rounds):
        high_b, low_b = divmod(0xCD9E8D57 * c[2], 2**32)
        high_a, low_a = divmod(0xD2511F53 * c[0], 2**32)
        c = [high_b ^ c[1] ^ k[0], low_b, high_a ^ c[3] ^ k[1], low_a]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def uniform(word):
    """Maps a 32-bit word to a float in [0, 1) as Triton does."""
    signed = word - 2**32 if word >= 2**31 else word
    signed = -signed - 1 if signed < 0 else signed
    return np.float32(np.float32(signed) * np.float32(4.6566127342e-10))


@triton.jit
def draw(out_ptr, seed, KIND: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    if KIND == "rand":
        tl.store(out_ptr + i, tl.rand(seed, i))
    elif KIND == "randn":
        tl.store(out_ptr + i, tl.randn(seed, i))
    elif KIND == "randint":
        tl.store(out_ptr + i, tl.randint(seed, i))


SEEDS = [0, 1, 42, 2**31 - 1, 123456789012345]


@pytest.mark.parametrize("seed", SEEDS)
def test_randint(seed):
    out = torch.zeros(256, dtype=torch.int32)
    draw[(4,)](out, seed, KIND="randint", BLOCK=64)
    want = np.array([philox(seed, i)[0] for i in range(256)], np.uint32).view(np.int32)
    assert_same(out.numpy(), want)


@pytest.mark.parametrize("seed", SEEDS)
def test_rand(seed):
    out = torch.zeros(256)
    draw[(4,)](out, seed, KIND="rand", BLOCK=64)
    assert_same(out.numpy(), np.array([uniform(philox(seed, i)[0]) for i in range(256)], np.float32))
    assert bool(((out >= 0) & (out < 1)).all())


@pytest.mark.parametrize("seed", [3, 99])
def test_randn(seed):
    out = torch.zeros(256)
    draw[(4,)](out, seed, KIND="randn", BLOCK=64)
    want = []
    for i in range(256):
        words = philox(seed, i)
        first = max(1e-7, float(uniform(words[0])))
        want.append(math.sqrt(-2 * math.log(first)) * math.cos(6.283185307179586 * float(uniform(words[1]))))
    assert_close(out.numpy(), np.array(want, np.float32), 2e-5, atol=2e-6)


@triton.jit
def four_words(out_ptr, seed, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a, b, c, d = tl.randint4x(seed, i)
    tl.store(out_ptr + i * 4, a)
    tl.store(out_ptr + i * 4 + 1, b)
    tl.store(out_ptr + i * 4 + 2, c)
    tl.store(out_ptr + i * 4 + 3, d)


def test_four_words_at_once():
    out = torch.zeros(64, 4, dtype=torch.int32)
    four_words[(1,)](out, 7, BLOCK=64)
    want = np.array([philox(7, i) for i in range(64)], np.uint32).view(np.int32)
    assert_same(out.numpy(), want)


@triton.jit
def dropout(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    keep = tl.rand(seed, i) > p
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, tl.where(keep, x / (1 - p), 0.0), mask=i < n)


def test_dropout():
    x, out = torch.ones(1000), torch.full((1000,), -1.0)
    dropout[(8,)](x, out, 1000, 0.5, 123, BLOCK=128)
    keep = np.array([uniform(philox(123, i)[0]) > 0.5 for i in range(1000)])
    assert_same(out.numpy(), np.where(keep, 2.0, 0.0).astype(np.float32))
