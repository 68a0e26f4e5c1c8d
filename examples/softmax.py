# SPDX-License-Identifier: MIT
"""Softmax over the rows of a matrix, with one program for each row."""

import os

import torch
import triton
import triton.language as tl

from example_case import Case, main

os.environ["TRITON_BACKEND"] = "metal"


@triton.jit
def softmax_kernel(out_ptr, in_ptr, out_row_stride, in_row_stride, n_cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < n_cols
    values = tl.load(in_ptr + row * in_row_stride + cols, mask=inside, other=-float("inf"))
    exponentials = tl.exp(values - tl.max(values, axis=0))
    probabilities = exponentials / tl.sum(exponentials, axis=0)
    tl.store(out_ptr + row * out_row_stride + cols, probabilities, mask=inside)


def softmax(x: torch.Tensor) -> torch.Tensor:
    rows, cols = x.shape
    out = torch.empty_like(x)
    softmax_kernel[(rows,)](out, x, out.stride(0), x.stride(0), cols, BLOCK=triton.next_power_of_2(cols))
    return out


def cases(small: bool = False) -> list[Case]:
    rows, cols = (5, 37) if small else (1823, 781)
    x = torch.randn(rows, cols, generator=torch.Generator().manual_seed(0))
    return [
        Case(
            "softmax",
            f"{rows}x{cols} f32",
            lambda: [softmax(x)],
            lambda: [torch.softmax(x.double(), dim=1)],
            1e-7,
        )
    ]


if __name__ == "__main__":
    raise SystemExit(main(cases()))
