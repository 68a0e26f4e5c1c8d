# SPDX-License-Identifier: MIT
"""Dropout with a mask that is computed from a seed. The counter-based generator Philox gives the same numbers
on every device, so the mask is never stored. The reference computes Philox in NumPy."""

import os

import numpy as np
import torch
import triton
import triton.language as tl

from example_case import Case, main

os.environ["TRITON_BACKEND"] = "metal"


@triton.jit
def dropout_kernel(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < n
    x = tl.load(x_ptr + offsets, mask=inside)
    keep = tl.rand(seed, offsets) > p
    tl.store(out_ptr + offsets, tl.where(keep, x / (1 - p), 0.0), mask=inside)


def dropout(x: torch.Tensor, p: float, seed: int) -> torch.Tensor:
    out = torch.empty_like(x)
    n = x.numel()
    dropout_kernel[(triton.cdiv(n, 1024),)](x, out, n, p, seed, BLOCK=1024)
    return out


def philox_uniform(seed: int, offsets: np.ndarray, rounds: int = 10) -> np.ndarray:
    """The first word of Philox 4x32 for each counter (offset, 0, 0, 0), as a float32 in [0, 1)."""
    multipliers = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
    c0 = offsets.astype(np.uint64)
    c1, c2, c3 = (np.zeros_like(c0) for _ in range(3))
    key0, key1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    low = np.uint64(0xFFFFFFFF)
    for _ in range(rounds):
        product0, product1 = c0 * multipliers[0], c2 * multipliers[1]
        high0, high1 = product0 >> np.uint64(32), product1 >> np.uint64(32)
        c0, c2 = high1 ^ c1 ^ np.uint64(key0), high0 ^ c3 ^ np.uint64(key1)
        c1, c3 = product1 & low, product0 & low
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    signed = c0.astype(np.uint32).view(np.int32)
    return np.where(signed < 0, ~signed, signed).astype(np.float32) * np.float32(4.6566127342e-10)


def cases(small: bool = False) -> list[Case]:
    n, p, seed = 1000 if small else 500_000, 0.3, 0x1234567
    x = torch.randn(n, generator=torch.Generator().manual_seed(0))

    def reference():
        keep = philox_uniform(seed, np.arange(n)) > np.float32(p)
        return [np.where(keep, x.double().numpy() / (1 - p), 0.0)]

    return [Case("dropout, seeded", f"n={n}", lambda: [dropout(x, p, seed)], reference, 1e-6)]


if __name__ == "__main__":
    raise SystemExit(main(cases()))
