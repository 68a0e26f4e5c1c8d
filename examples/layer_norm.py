# SPDX-License-Identifier: MIT
"""Layer normalisation, forward and backward. No program waits for another: the backward kernel stores partial
sums of the gradients of weight and bias, which a second kernel adds up."""

import os

import torch
import triton
import triton.language as tl

from example_case import Case, main

os.environ["TRITON_BACKEND"] = "metal"


@triton.jit
def forward_kernel(
    x_ptr, y_ptr, weight_ptr, bias_ptr, mean_ptr, rstd_ptr, row_stride, n_cols, eps, BLOCK: tl.constexpr
):
    row = tl.program_id(0)
    x_ptr += row * row_stride
    y_ptr += row * row_stride

    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, n_cols, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + cols, mask=cols < n_cols, other=0.0).to(tl.float32)
    mean = tl.sum(total, axis=0) / n_cols

    squares = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, n_cols, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + cols, mask=cols < n_cols, other=0.0).to(tl.float32)
        centred = tl.where(cols < n_cols, x - mean, 0.0)
        squares += centred * centred
    rstd = 1 / tl.sqrt(tl.sum(squares, axis=0) / n_cols + eps)

    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)
    for start in range(0, n_cols, BLOCK):
        cols = start + tl.arange(0, BLOCK)
        inside = cols < n_cols
        weight = tl.load(weight_ptr + cols, mask=inside)
        bias = tl.load(bias_ptr + cols, mask=inside)
        x = tl.load(x_ptr + cols, mask=inside, other=0.0).to(tl.float32)
        tl.store(y_ptr + cols, (x - mean) * rstd * weight + bias, mask=inside)


@triton.jit
def backward_kernel(
    dx_ptr,
    dy_ptr,
    x_ptr,
    weight_ptr,
    mean_ptr,
    rstd_ptr,
    partial_dw_ptr,
    partial_db_ptr,
    row_stride,
    n_rows,
    n_cols,
    BLOCK: tl.constexpr,
):
    program = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    inside = cols < n_cols
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    dw = tl.zeros((BLOCK,), dtype=tl.float32)
    db = tl.zeros((BLOCK,), dtype=tl.float32)
    for row in range(program, n_rows, tl.num_programs(0)):
        x = tl.load(x_ptr + row * row_stride + cols, mask=inside, other=0.0).to(tl.float32)
        dy = tl.load(dy_ptr + row * row_stride + cols, mask=inside, other=0.0).to(tl.float32)
        mean = tl.load(mean_ptr + row)
        rstd = tl.load(rstd_ptr + row)
        normalized = tl.where(inside, (x - mean) * rstd, 0.0)
        scaled = weight * dy
        # The gradient through mean and variance removes from `scaled` its mean and its part along the output.
        projection = tl.sum(normalized * scaled, axis=0) / n_cols
        average = tl.sum(scaled, axis=0) / n_cols
        dx = (scaled - (normalized * projection + average)) * rstd
        tl.store(dx_ptr + row * row_stride + cols, dx, mask=inside)
        dw += dy * normalized
        db += dy
    tl.store(partial_dw_ptr + program * n_cols + cols, dw, mask=inside)
    tl.store(partial_db_ptr + program * n_cols + cols, db, mask=inside)


@triton.jit
def add_partial_sums_kernel(
    partial_dw_ptr, partial_db_ptr, dw_ptr, db_ptr, n_parts, n_cols, ROWS: tl.constexpr, COLS: tl.constexpr
):
    cols = tl.program_id(0) * COLS + tl.arange(0, COLS)
    dw = tl.zeros((ROWS, COLS), dtype=tl.float32)
    db = tl.zeros((ROWS, COLS), dtype=tl.float32)
    for start in range(0, n_parts, ROWS):
        rows = start + tl.arange(0, ROWS)
        inside = (rows[:, None] < n_parts) & (cols[None, :] < n_cols)
        offsets = rows[:, None] * n_cols + cols[None, :]
        dw += tl.load(partial_dw_ptr + offsets, mask=inside, other=0.0)
        db += tl.load(partial_db_ptr + offsets, mask=inside, other=0.0)
    tl.store(dw_ptr + cols, tl.sum(dw, axis=0), mask=cols < n_cols)
    tl.store(db_ptr + cols, tl.sum(db, axis=0), mask=cols < n_cols)


def forward(x, weight, bias, eps=1e-5):
    rows, cols = x.shape
    y, mean, rstd = torch.empty_like(x), torch.empty(rows), torch.empty(rows)
    forward_kernel[(rows,)](x, y, weight, bias, mean, rstd, x.stride(0), cols, eps, BLOCK=256)
    return y, mean, rstd


def backward(dy, x, weight, mean, rstd, parts=16):
    rows, cols = x.shape
    dx = torch.empty_like(x)
    dw, db = torch.empty(cols), torch.empty(cols)
    partial_dw, partial_db = torch.empty(parts, cols), torch.empty(parts, cols)
    block = triton.next_power_of_2(cols)
    backward_kernel[(parts,)](
        dx, dy, x, weight, mean, rstd, partial_dw, partial_db, x.stride(0), rows, cols, BLOCK=block
    )
    grid = (triton.cdiv(cols, 128),)
    add_partial_sums_kernel[grid](partial_dw, partial_db, dw, db, parts, cols, ROWS=8, COLS=128)
    return dx, dw, db


def cases(small: bool = False) -> list[Case]:
    rows, cols = (17, 300) if small else (512, 1000)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, cols, generator=generator) * 2.3 - 0.5
    dy = torch.randn(rows, cols, generator=generator) * 0.1
    weight, bias = torch.rand(cols, generator=generator), torch.rand(cols, generator=generator)

    def reference():
        inputs = [t.double().requires_grad_() for t in (x, weight, bias)]
        y = torch.nn.functional.layer_norm(inputs[0], (cols,), inputs[1], inputs[2], 1e-5)
        y.backward(dy.double())
        return y, [t.grad for t in inputs]

    # The backward pass starts from the statistics of the reference, so that only its own error is measured.
    variance, mean = torch.var_mean(x.double(), dim=1, unbiased=False)
    mean, rstd = mean.float(), (variance + 1e-5).rsqrt().float()
    size = f"{rows}x{cols} f32"
    return [
        Case(
            "layer norm, forward",
            size,
            lambda: forward(x, weight, bias)[:1],
            lambda: [reference()[0]],
            1e-5,
        ),
        Case(
            "layer norm, backward",
            size,
            lambda: backward(dy, x, weight, mean, rstd),
            lambda: reference()[1],
            1e-5,
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main(cases()))
