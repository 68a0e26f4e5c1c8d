# SPDX-License-Identifier: MIT
"""Element-wise addition: the kernel of the README, on PyTorch, NumPy and MLX arguments."""

import os

import triton
import triton.language as tl

os.environ["TRITON_BACKEND"] = "metal"

import mlx.core as mx
import numpy as np
import torch

from example_case import Case, main


@triton.jit
def add_kernel(x_ptr, y_ptr, output_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    pid = tl.program_id(axis=0)
    block_start = pid * BLOCK_SIZE
    offsets = block_start + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask)
    y = tl.load(y_ptr + offsets, mask=mask)
    output = x + y
    tl.store(output_ptr + offsets, output, mask=mask)


def add(x, y, output):
    """Adds two arrays of any of the three libraries into `output`."""
    n_elements = x.size if isinstance(x.size, int) else x.numel()
    grid = (triton.cdiv(n_elements, 128),)
    add_kernel[grid](x, y, output, n_elements, BLOCK_SIZE=128)
    return output


def cases(small: bool = False) -> list[Case]:
    n = 1000 if small else 1_000_000
    generator = np.random.default_rng(0)
    x = generator.standard_normal(n, dtype=np.float32)
    y = generator.standard_normal(n, dtype=np.float32)

    def on_torch():
        return [add(torch.from_numpy(x), torch.from_numpy(y), torch.empty(n))]

    def on_numpy():
        return [add(x, y, np.empty_like(x))]

    def on_mlx():
        # MLX is lazy: the kernel runs when the result is evaluated.
        output = add(mx.array(x), mx.array(y), mx.zeros(n))
        mx.eval(output)
        return [output]

    size, expected = f"n={n}", lambda: [x + y]
    return [
        Case("vector add (PyTorch)", size, on_torch, expected, 0.0),
        Case("vector add (NumPy)", size, on_numpy, expected, 0.0, interpretable=False),
        Case("vector add (MLX)", size, on_mlx, expected, 0.0, interpretable=False),
    ]


if __name__ == "__main__":
    raise SystemExit(main(cases()))
