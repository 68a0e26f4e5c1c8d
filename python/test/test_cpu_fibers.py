# SPDX-License-Identifier: MIT
"""The two techniques of the CPU device give the same bits, with any layout of fragments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from conftest import forget_compiled_kernels
from mutate_kernels import kernels

from triton_metal.errors import ArgumentError
from triton_metal.kernel_file import load_module

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TECHNIQUES = ("loops", "fibers", "permuted")


@pytest.fixture
def with_each(monkeypatch: pytest.MonkeyPatch) -> Callable:
    def run(launch: Callable) -> list:
        results = []
        for technique in TECHNIQUES:
            with monkeypatch.context() as chosen:
                chosen.setenv("TRITON_METAL_TECHNIQUE", technique)
                forget_compiled_kernels()
                torch.manual_seed(0)
                np.random.seed(0)
                results.append(launch())
        forget_compiled_kernels()
        return results

    return run


def bits(result) -> bytes:
    if isinstance(result, torch.Tensor):
        return result.contiguous().view(torch.uint8).numpy().tobytes() if result.ndim else bits(result[None])
    return np.array(result).tobytes()


def assert_same_bits(results: list) -> None:
    first = bits(results[0])
    assert any(first), "all zero"
    for technique, other in zip(TECHNIQUES[1:], results[1:], strict=True):
        assert bits(other) == first, technique


@pytest.mark.parametrize("name", kernels())
def test_kernels_of_every_kind(name: str, with_each: Callable) -> None:
    launch, expected = kernels(sanitize="")[name]
    results = with_each(launch)
    assert_same_bits(results)
    assert torch.allclose(results[0].float(), expected.float(), atol=1e-4)


@triton.jit
def chained_dots(a_ptr, b_ptr, c_ptr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    a = tl.load(a_ptr + m[:, None] * K + k[None, :])
    b = tl.load(b_ptr + n[:, None] * K + k[None, :])
    scores = tl.dot(a, tl.trans(b))
    scores = tl.exp(scores - tl.max(scores, axis=1)[:, None])
    tl.store(c_ptr + m[:, None] * K + k[None, :], tl.dot(scores.to(b.dtype), b))


@pytest.mark.parametrize("num_warps", [1, 2, 4, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_products_of_fragments(dtype: torch.dtype, num_warps: int, with_each: Callable) -> None:
    def launch() -> torch.Tensor:
        a, b, c = torch.randn(32, 16).to(dtype), torch.randn(64, 16).to(dtype), torch.zeros(32, 16)
        chained_dots[(1,)](a, b, c, M=32, N=64, K=16, num_warps=num_warps, engine="msl")
        return c

    assert_same_bits(with_each(launch))


@triton.jit
def sorted_and_summed(x_ptr, out_ptr, sums_ptr, N: tl.constexpr):
    i = tl.program_id(0) * N + tl.arange(0, N)
    x = tl.sort(tl.load(x_ptr + i))
    tl.store(out_ptr + i, tl.cumsum(x, axis=0))
    value, at = tl.max(x, axis=0, return_indices=True)
    tl.atomic_add(sums_ptr, at)
    tl.atomic_max(sums_ptr + 1, value.to(tl.int32))


@pytest.mark.parametrize("size", [16, 64, 512])
@pytest.mark.parametrize("num_warps", [1, 4, 16])
def test_sorts_scans_and_atomics(size: int, num_warps: int, with_each: Callable) -> None:
    """Blocks with fewer and with more elements than the program has threads."""

    def launch() -> torch.Tensor:
        x, out, sums = torch.randn(5 * size) * 9, torch.zeros(5 * size), torch.zeros(2, dtype=torch.int32)
        sorted_and_summed[(5,)](x, out, sums, N=size, num_warps=num_warps, engine="msl")
        return torch.cat([out, sums])

    assert_same_bits(with_each(launch))


@pytest.mark.parametrize("example", ["vector_add", "softmax", "layer_norm", "dropout", "flash_attention"])
def test_examples(example: str, with_each: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_METAL_ENGINE", "msl")
    cases = load_module(EXAMPLES / f"{example}.py").cases
    count = len(list(cases()))
    for number in range(count):
        results = with_each(lambda number=number: list(list(cases())[number].run()))
        for output in zip(*results, strict=True):
            assert_same_bits(list(output))


def test_a_technique_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_METAL_TECHNIQUE", "threads")
    forget_compiled_kernels()
    with pytest.raises(ArgumentError, match="'threads' is not a technique"):
        kernels(sanitize="")["gather"][0]()
    forget_compiled_kernels()
