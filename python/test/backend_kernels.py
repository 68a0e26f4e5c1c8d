# SPDX-License-Identifier: MIT
"""Kernels that the tests of the plug-in share. They compute simple things; the tests are about how they are
launched."""

import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    y = tl.load(y_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x + y, mask=mask)


@triton.jit
def scale(x_ptr, factor, n, BLOCK: tl.constexpr):
    """In place."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=mask) * factor, mask=mask)


@triton.jit
def accumulate(x_ptr, sum_ptr, n, BLOCK: tl.constexpr):
    """sum += x."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    total = tl.load(sum_ptr + offsets, mask=mask) + tl.load(x_ptr + offsets, mask=mask)
    tl.store(sum_ptr + offsets, total, mask=mask)


@triton.jit
def add_pair(pair, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    total = tl.load(pair[0] + offsets, mask=mask) + tl.load(pair[1] + offsets, mask=mask)
    tl.store(out_ptr + offsets, total, mask=mask)


@triton.jit
def copy_optional(x_ptr, bias_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    if bias_ptr is not None:
        x += tl.load(bias_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x, mask=mask)


@triton.jit
def copy_block(source, target, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Both arguments are host descriptors."""
    row = tl.program_id(0) * ROWS
    column = tl.program_id(1) * COLUMNS
    target.store([row, column], source.load([row, column]))


@triton.jit
def write_scalars(out_ptr, a, b, c, flag):
    tl.store(out_ptr, a)
    tl.store(out_ptr + 1, b)
    tl.store(out_ptr + 2, c)
    tl.store(out_ptr + 3, flag)


@triton.jit
def grid_ids(out_ptr, WIDTH: tl.constexpr, HEIGHT: tl.constexpr):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    tl.store(out_ptr + (z * HEIGHT + y) * WIDTH + x, x + 10 * y + 100 * z)


def launch_add(x, y, out, n=None, block=128, **options):
    n = len(out) if n is None else n
    return add[(triton.cdiv(n, block),)](x, y, out, n, BLOCK=block, **options)
