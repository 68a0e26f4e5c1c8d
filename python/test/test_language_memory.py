# SPDX-License-Identifier: MIT
"""Loads, stores, gathers, scatters, masks, grids, descriptors and atomics."""

import os

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from reference import FLOATS, INTEGERS, Guarded, assert_same, from_torch, random_values, to_torch
from triton.tools.tensor_descriptor import TensorDescriptor

if os.environ.get("TRITON_INTERPRET") == "1":
    UnsupportedError = NotImplementedError
else:
    from triton_metal.errors import UnsupportedError


@triton.jit
def add_vectors(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


@triton.jit
def add_permuted(n, out_ptr, BLOCK: tl.constexpr, y_ptr, x_ptr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) - tl.load(y_ptr + i, mask=m), mask=m)


SIZES = [1, 2, 1023, 1024, 1025, 2**20 + 7]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("block", [1, 128, 1024, 65536])
def test_add_of_any_length(block, n, rng):
    if n // block > 2000:
        n = 2000 * block + 7
    x, y = (Guarded(random_values("float32", n, rng), "float32") for _ in range(2))
    out = Guarded(np.full(n, -1.0), "float32")
    add_vectors[(triton.cdiv(n, block),)](x.tensor, y.tensor, out.tensor, n, BLOCK=block)
    assert_same(out.values(), x.values() + y.values())
    for guarded in (x, y, out):
        guarded.check()


@pytest.mark.parametrize("n", [1, 1023, 2**20 + 7])
def test_add_with_permuted_arguments(n, rng):
    x, y = (torch.from_numpy(random_values("float32", n, rng)) for _ in range(2))
    out = Guarded(np.zeros(n), "float32")
    add_permuted[(triton.cdiv(n, 256),)](n, out.tensor, x_ptr=x, y_ptr=y, BLOCK=256)
    assert_same(out.values(), (x - y).numpy())
    out.check()


def test_elements_beyond_n_stay(rng):
    x = torch.from_numpy(random_values("float32", 1000, rng))
    out = torch.full((1000,), 5.0)
    add_vectors[(8,)](x, x, out, 700, BLOCK=128)
    assert torch.equal(out[:700], x[:700] * 2)
    assert bool((out[700:] == 5).all())


@triton.jit
def add_strided(
    x_ptr, y_ptr, out_ptr, rows, columns, sx0, sx1, sy0, sy1, so0, so1, R: tl.constexpr, C: tl.constexpr
):
    i = tl.program_id(0) * R + tl.arange(0, R)[:, None]
    j = tl.program_id(1) * C + tl.arange(0, C)[None, :]
    m = (i < rows) & (j < columns)
    x = tl.load(x_ptr + i * sx0 + j * sx1, mask=m, other=0)
    y = tl.load(y_ptr + i * sy0 + j * sy1, mask=m, other=0)
    tl.store(out_ptr + i * so0 + j * so1, x + y, mask=m)


VIEWS = {
    "contiguous": lambda base: base[:37, :53],
    "transposed": lambda base: base.T[:37, :53],
    "every third column": lambda base: base[:37, ::3][:, :53],
    "every second row": lambda base: base[::2, 5:58][:37],
    "expanded row": lambda base: base[3:4, :53].expand(37, 53),
    "expanded column": lambda base: base[:37, 7:8].expand(37, 53),
}


@pytest.mark.parametrize("dtype", ["float32", "int8", "float16", "int64"])
@pytest.mark.parametrize("left", VIEWS)
@pytest.mark.parametrize("right", ["contiguous", "transposed", "expanded row"])
def test_strided_operands(right, left, dtype, rng):
    base = to_torch(random_values(dtype, 200 * 200, rng, tame=True).reshape(200, 200), dtype)
    x, y = VIEWS[left](base), VIEWS[right](base)
    storage = torch.zeros(60, 80, dtype=base.dtype)
    out = storage[:37, 5:58]
    grid = (triton.cdiv(37, 16), triton.cdiv(53, 32))
    add_strided[grid](x, y, out, 37, 53, *x.stride(), *y.stride(), *out.stride(), R=16, C=32)
    want = torch.zeros_like(storage)
    want[:37, 5:58] = x + y
    assert_same(from_torch(storage), from_torch(want))


@triton.jit
def mirror(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + (n - 1) - i, mask=i < n, other=0)
    tl.store(out_ptr + i, x, mask=i < n)


@triton.jit
def mirror_store(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr - i, tl.load(x_ptr + i, mask=i < n), mask=i < n)


@pytest.mark.parametrize("n", [1, 100, 128, 300])
def test_negative_strides(n, rng):
    x = torch.from_numpy(random_values("int32", n, rng))
    out = Guarded(np.zeros(n), "int32")
    mirror[(triton.cdiv(n, 128),)](x, out.tensor, n, BLOCK=128)
    assert_same(out.values(), x.numpy()[::-1])
    out.check()
    whole = torch.zeros(n, dtype=torch.int32)
    mirror_store[(triton.cdiv(n, 128),)](x, whole[n - 1 :], n, BLOCK=128)
    assert_same(whole.numpy(), x.numpy()[::-1])


@triton.jit
def load_with_other(x_ptr, out_ptr, first, last, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=(i >= first) & (i < last), other=42)
    tl.store(out_ptr + i, x, mask=i < n)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "int1"])
def test_other_is_seen_where_the_mask_is_off(dtype, rng):
    x = random_values(dtype, 200, rng)
    out = Guarded(np.zeros(200), dtype)
    load_with_other[(4,)](to_torch(x, dtype), out.tensor, 17, 90, 200, BLOCK=64)
    want = np.full(200, 42).astype(x.dtype)
    want[17:90] = x[17:90]
    assert_same(out.values(), want)


@triton.jit
def odd_mask(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=(i % 3 == 0) & (i < n), other=-1.0)
    tl.store(out_ptr + i, x, mask=((i % 2 == 0) | (x > 0)) & (i < n))


def test_masks_that_are_no_interval(rng):
    x = random_values("float32", 333, rng)
    out = Guarded(np.full(333, 9.0), "float32")
    odd_mask[(3,)](torch.from_numpy(x), out.tensor, 333, BLOCK=128)
    i = np.arange(333)
    loaded = np.where(i % 3 == 0, x, np.float32(-1))
    assert_same(out.values(), np.where((i % 2 == 0) | (loaded > 0), loaded, np.float32(9)))
    out.check()


@triton.jit
def gather_rows(table_ptr, index_ptr, out_ptr, count, width, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    source = tl.load(index_ptr + row)
    x = tl.load(table_ptr + source * width + at, mask=at < width)
    tl.store(out_ptr + row * width + at, x, mask=at < width)


@pytest.mark.parametrize("index_dtype", ["int32", "int64", "uint8"])
def test_embedding_lookup(index_dtype, rng):
    table = torch.from_numpy(random_values("float32", 50 * 20, rng).reshape(50, 20))
    index = rng.integers(0, 50, 33)
    out = Guarded(np.zeros(33 * 20), "float32")
    gather_rows[(33,)](table, to_torch(index, index_dtype), out.tensor, 33, 20, BLOCK=32)
    assert_same(out.values().reshape(33, 20), table.numpy()[index])
    out.check()


@triton.jit
def scatter(x_ptr, index_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    at = tl.load(index_ptr + i, mask=m, other=0)
    tl.store(out_ptr + at, tl.load(x_ptr + i, mask=m), mask=m)


@pytest.mark.parametrize("dtype", ["float32", "int8", "int64", "float16", "float64", "uint16", "bfloat16"])
def test_scatter_of_a_permutation(dtype, rng):
    n = 700
    x, order = random_values(dtype, n, rng), rng.permutation(n).astype(np.int32)
    out = Guarded(np.zeros(n), dtype)
    scatter[(triton.cdiv(n, 128),)](to_torch(x, dtype), torch.from_numpy(order), out.tensor, n, BLOCK=128)
    want = np.empty_like(x)
    want[order] = x
    assert_same(out.values(), want)
    out.check()


@triton.jit
def hashed_gather(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    hashed = (i * 1664525 + 1013904223) * 22695477
    at = (hashed & 0x7FFFFFFF) % n
    tl.store(out_ptr + i, tl.load(x_ptr + at, mask=i < n), mask=i < n)


def test_index_from_a_wrapping_product(rng):
    n = 3000
    x = random_values("float32", n, rng)
    out = Guarded(np.zeros(n), "float32")
    hashed_gather[(triton.cdiv(n, 256),)](torch.from_numpy(x), out.tensor, n, BLOCK=256)
    with np.errstate(all="ignore"):
        i = np.arange(n, dtype=np.int32)
        at = (
            (i * np.int32(1664525) + np.int32(1013904223)) * np.int32(22695477) & np.int32(0x7FFFFFFF)
        ) % np.int32(n)
    assert_same(out.values(), x[at])


@triton.jit
def grid_ids(out_ptr):
    x, y, z = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    nx, ny = tl.num_programs(0), tl.num_programs(1)
    at = (z * ny + y) * nx + x
    tl.store(out_ptr + at, x + 10 * y + 100 * z + 1000 * tl.num_programs(2))


@pytest.mark.parametrize("grid", [(1,), (5,), (3, 4), (1, 7), (2, 3, 4), (1, 1, 6)])
def test_grids(grid):
    full = (*grid, 1, 1)[:3]
    out = Guarded(np.zeros(int(np.prod(full))), "int32")
    grid_ids[grid](out.tensor)
    z, y, x = np.meshgrid(*(np.arange(full[axis]) for axis in (2, 1, 0)), indexing="ij")
    assert_same(out.values(), (x + 10 * y + 100 * z + 1000 * full[2]).reshape(-1).astype(np.int32))
    out.check()


def test_grid_from_a_function(rng):
    x = torch.from_numpy(random_values("float32", 1000, rng))
    out = torch.zeros(1000)
    add_vectors[lambda meta: (triton.cdiv(1000, meta["BLOCK"]),)](x, x, out, 1000, BLOCK=64)
    assert torch.equal(out, x + x)


@triton.jit
def three_axes(x_ptr, out_ptr, d0, d1, d2, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)[:, None, None]
    j = tl.program_id(1) * B + tl.arange(0, B)[None, :, None]
    k = tl.program_id(2) * B + tl.arange(0, B)[None, None, :]
    m = (i < d0) & (j < d1) & (k < d2)
    x = tl.load(x_ptr + (i * d1 + j) * d2 + k, mask=m)
    tl.store(out_ptr + (k * d1 + j) * d0 + i, x * 2, mask=m)


def test_blocks_and_grid_of_three_axes():
    x = torch.arange(5 * 9 * 11, dtype=torch.int32).reshape(5, 9, 11)
    out = Guarded(np.zeros(5 * 9 * 11), "int32")
    three_axes[(2, 3, 3)](x, out.tensor, 5, 9, 11, B=4)
    assert_same(out.values().reshape(11, 9, 5), (x.permute(2, 1, 0) * 2).numpy())
    out.check()


@triton.jit
def increment(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.load(x_ptr + i, mask=i < n) + 1, mask=i < n)


def test_in_place_update():
    x = torch.arange(1000, dtype=torch.float32)
    for _ in range(3):
        increment[(8,)](x, 1000, BLOCK=128)
    assert torch.equal(x, torch.arange(1000, dtype=torch.float32) + 3)


@triton.jit
def store_then_load(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    base = tl.program_id(0) * BLOCK
    tl.store(x_ptr + base + i, i * 2)
    tl.debug_barrier()
    tl.store(out_ptr + base + i, tl.load(x_ptr + base + (BLOCK - 1) - i) + 1)
    tl.debug_barrier()
    tl.store(x_ptr + base + i, i * 3)


def test_load_after_store_sees_it():
    x, out = torch.zeros(64, dtype=torch.int32), torch.zeros(64, dtype=torch.int32)
    store_then_load[(4,)](x, out, BLOCK=16)
    i = np.tile(np.arange(16, dtype=np.int32), 4)
    assert_same(x.numpy(), i * 3)
    assert_same(out.numpy(), (15 - i) * 2 + 1)


@triton.jit
def overwrite(out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + i, 1, mask=i < n)
    tl.store(out_ptr + i, 2, mask=(i < n) & (i > 3))
    tl.store(out_ptr + 5, 7)


def test_order_of_stores():
    out = torch.zeros(16, dtype=torch.int32)
    overwrite[(1,)](out, 10, BLOCK=16)
    assert out.tolist() == [1, 1, 1, 1, 2, 7, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0]


@triton.jit
def scalar_memory(x_ptr, out_ptr):
    row = tl.program_id(0)
    a = tl.load(x_ptr + row)
    b = tl.load(x_ptr + row + 1)
    tl.store(out_ptr + row, a * b)


def test_scalar_loads_and_stores():
    x = torch.arange(1, 12, dtype=torch.float32)
    out = torch.zeros(10)
    scalar_memory[(10,)](x, out)
    assert torch.equal(out, x[:-1] * x[1:])


@triton.jit
def pointer_bits(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    as_int = (x_ptr + 1).to(tl.pointer_type(tl.int32), bitcast=True)
    tl.store(out_ptr + i, tl.load(as_int + i, mask=i < n - 1, other=-1))


def test_pointer_of_another_element_type(rng):
    x = random_values("float32", 16, rng)
    out = torch.zeros(16, dtype=torch.int32)
    pointer_bits[(1,)](torch.from_numpy(x), out, 16, BLOCK=16)
    assert_same(out.numpy(), np.append(x[1:].view(np.int32), np.int32(-1)))


@triton.jit
def long_offsets(x_ptr, out_ptr, stride, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK).to(tl.int64) * stride
    tl.store(out_ptr + tl.arange(0, BLOCK), tl.load(x_ptr + i))


def test_offsets_of_64_bits():
    x = torch.arange(1000, dtype=torch.int32)
    out = torch.zeros(16, dtype=torch.int32)
    long_offsets[(1,)](x, out, 60, BLOCK=16)
    assert torch.equal(out, x[: 16 * 60 : 60])


# Tensor descriptors


@triton.jit
def descriptor_add(x_ptr, out_ptr, rows, columns, R: tl.constexpr, C: tl.constexpr):
    x = tl.make_tensor_descriptor(x_ptr, [rows, columns], [columns, 1], [R, C])
    out = tl.make_tensor_descriptor(out_ptr, [rows, columns], [columns, 1], [R, C])
    at = [tl.program_id(0) * R, tl.program_id(1) * C]
    out.store(at, x.load(at) + 1)


@pytest.mark.parametrize(("rows", "columns"), [(32, 64), (30, 56), (1, 8)])
def test_descriptor_made_on_the_device(rows, columns, rng):
    x = torch.from_numpy(random_values("float32", rows * columns, rng).reshape(rows, columns))
    out = Guarded(np.zeros(rows * columns), "float32")
    descriptor_add[(triton.cdiv(rows, 16), triton.cdiv(columns, 32))](
        x, out.tensor, rows, columns, R=16, C=32
    )
    assert_same(out.values().reshape(rows, columns), x.numpy() + 1)
    out.check()


@triton.jit
def descriptor_copy(source, target, R: tl.constexpr, C: tl.constexpr):
    at = [tl.program_id(0) * R, tl.program_id(1) * C]
    target.store(at, source.load(at) * 2)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_descriptor_made_on_the_host(dtype, rng):
    x = to_torch(random_values(dtype, 40 * 64, rng, tame=True).reshape(40, 64), dtype)
    out = torch.zeros_like(x)
    source = TensorDescriptor.from_tensor(x, [16, 32])
    target = TensorDescriptor.from_tensor(out, [16, 32])
    descriptor_copy[(3, 2)](source, target, R=16, C=32)
    assert_same(from_torch(out), from_torch(x * 2))


@triton.jit
def descriptor_outside(x_ptr, out_ptr, n, at, BLOCK: tl.constexpr):
    x = tl.make_tensor_descriptor(x_ptr, [n], [1], [BLOCK])
    tl.store(out_ptr + tl.arange(0, BLOCK), x.load([at]))


@pytest.mark.parametrize("at", [-8, 0, 16, 24, 40])
def test_descriptor_pads_with_zero(at, rng):
    x = random_values("float32", 32, rng)
    out = torch.full((16,), 3.0)
    descriptor_outside[(1,)](torch.from_numpy(x), out, 30, at, BLOCK=16)
    index = at + np.arange(16)
    inside = (index >= 0) & (index < 30)
    assert_same(out.numpy(), np.where(inside, x[np.clip(index, 0, 29)], np.float32(0)))


# Atomics without a result

ATOMICS = {
    "add": (np.add, ["int32", "uint32", "int64", "float32"]),
    "max": (np.maximum, ["int32", "uint32", "int64", "uint64", "float32"]),
    "min": (np.minimum, ["int32", "uint32", "int64", "float32"]),
    "and": (np.bitwise_and, ["int32", "uint32", "int64"]),
    "or": (np.bitwise_or, ["int32", "uint32", "int64"]),
    "xor": (np.bitwise_xor, ["int32", "uint32", "int64"]),
}


@triton.jit
def atomic_to_bins(x_ptr, index_ptr, out_ptr, n, KIND: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    at = out_ptr + tl.load(index_ptr + i, mask=m, other=0)
    if KIND == "add":
        tl.atomic_add(at, x, mask=m)
    elif KIND == "max":
        tl.atomic_max(at, x, mask=m)
    elif KIND == "min":
        tl.atomic_min(at, x, mask=m)
    elif KIND == "and":
        tl.atomic_and(at, x, mask=m)
    elif KIND == "or":
        tl.atomic_or(at, x, mask=m)
    elif KIND == "xor":
        tl.atomic_xor(at, x, mask=m)


@pytest.mark.parametrize(("kind", "dtype"), [(kind, dtype) for kind in ATOMICS for dtype in ATOMICS[kind][1]])
def test_atomics_of_several_programs_to_the_same_bins(kind, dtype, rng):
    n, bins = 1000, 7
    # Small integers keep float sums exact in any order.
    x = rng.integers(-50, 50, n).astype(dtype) if dtype == "float32" else random_values(dtype, n, rng)
    start = random_values(dtype, bins, rng, tame=True)
    start = np.trunc(start).astype(start.dtype)
    index = rng.integers(0, bins, n).astype(np.int32)
    out = Guarded(start, dtype)
    atomic_to_bins[(8,)](to_torch(x, dtype), torch.from_numpy(index), out.tensor, n, KIND=kind, BLOCK=128)
    want = start.copy()
    with np.errstate(all="ignore"):
        ATOMICS[kind][0].at(want, index, x)
    assert_same(out.values(), want, zero_sign=False)
    out.check()


@triton.jit
def total(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(out_ptr, tl.sum(tl.load(x_ptr + i, mask=i < n, other=0)))


def test_atomic_sum_of_all_programs(rng):
    x = rng.integers(-100, 100, 5000).astype(np.float32)
    out = torch.full((1,), 3.0)
    total[(40,)](torch.from_numpy(x), out, 5000, BLOCK=128)
    assert float(out[0]) == float(x.sum()) + 3


@triton.jit
def exchange(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_xchg(out_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n)


def test_atomic_exchange(rng):
    x = random_values("int32", 300, rng)
    out = Guarded(np.zeros(300), "int32")
    exchange[(3,)](torch.from_numpy(x), out.tensor, 300, BLOCK=128)
    assert_same(out.values(), x)
    out.check()


@triton.jit
def atomic_after_branch(x_ptr, out_ptr, limit):
    row = tl.program_id(0)
    x = tl.load(x_ptr + row)
    if x > limit:
        tl.atomic_add(out_ptr, x)
        tl.atomic_max(out_ptr + 1, row)
    else:
        tl.atomic_add(out_ptr + 2, 1)


def test_atomics_under_a_branch(rng):
    x = rng.integers(-10, 10, 100).astype(np.int32)
    out = torch.zeros(3, dtype=torch.int32)
    atomic_after_branch[(100,)](torch.from_numpy(x), out, 2)
    above = x > 2
    assert out.tolist() == [int(x[above].sum()), int(np.flatnonzero(above).max()), int((~above).sum())]


@triton.jit
def half_precision_atomic(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.atomic_add(out_ptr + i, tl.load(x_ptr + tl.program_id(0) * BLOCK + i))


def test_atomic_add_of_float16(rng):
    x = rng.integers(-9, 9, (6, 32)).astype(np.float16)
    out = torch.zeros(32, dtype=torch.float16)
    half_precision_atomic[(6,)](torch.from_numpy(x), out, BLOCK=32)
    assert_same(out.numpy(), x.sum(0, dtype=np.float16), zero_sign=False)


@triton.jit
def every_cache_hint(x_ptr, out_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.max_contiguous(tl.multiple_of(tl.arange(0, BLOCK), BLOCK), BLOCK)
    tl.assume(tl.program_id(0) >= 0)
    x = tl.load(x_ptr + i, cache_modifier=".ca", eviction_policy="evict_last", volatile=True)
    tl.store(out_ptr + i, x, cache_modifier=".wb", eviction_policy="evict_first")


def test_hints_change_nothing():
    x = torch.arange(64, dtype=torch.float32)
    out = torch.zeros(64)
    every_cache_hint[(4,)](x, out, BLOCK=16)
    assert torch.equal(out, x)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("max", "uint64"), ("min", "uint32"), ("add", "uint64"), ("add", "float64")]
)
def test_more_atomics(kind, dtype, rng):
    x = rng.integers(0, 1000, 300).astype(dtype)
    index = rng.integers(0, 5, 300).astype(np.int32)
    out = Guarded(np.full(5, 500).astype(dtype), dtype)
    atomic_to_bins[(3,)](to_torch(x, dtype), torch.from_numpy(index), out.tensor, 300, KIND=kind, BLOCK=128)
    want = np.full(5, 500).astype(dtype)
    ATOMICS[kind][0].at(want, index, x)
    assert_same(out.values(), want)


@triton.jit
def masked_scalars(x_ptr, out_ptr, limit):
    row = tl.program_id(0)
    x = tl.load(x_ptr + row, mask=row < limit, other=-7)
    tl.store(out_ptr + row, x + 1, mask=row % 2 == 0)


def test_masks_of_scalar_accesses():
    x, out = torch.arange(10, dtype=torch.int32), torch.full((10,), 100, dtype=torch.int32)
    # The array ends at the limit, so reading beyond it would be an error.
    masked_scalars[(10,)](x[:6].clone(), out, 6)
    assert out.tolist() == [1, 100, 3, 100, 5, 100, -6, 100, -6, 100]


@triton.jit
def three_axis_descriptor(x_ptr, out_ptr, a, b, c, B: tl.constexpr, C: tl.constexpr):
    x = tl.make_tensor_descriptor(x_ptr, [a, b, c], [b * c, c, 1], [1, B, C])
    for i in range(a):
        block = x.load([i, tl.program_id(0) * B, 0])
        at = tl.arange(0, B)[:, None] * C + tl.arange(0, C)[None, :]
        tl.store(out_ptr + (tl.program_id(0) * a + i) * B * C + at, block.reshape(B, C))


def test_descriptor_of_three_axes(rng):
    x = torch.from_numpy(random_values("float32", 3 * 6 * 8, rng).reshape(3, 6, 8))
    out = torch.full((2, 3, 4, 8), -1.0)
    three_axis_descriptor[(2,)](x, out, 3, 6, 8, B=4, C=8)
    padded = torch.nn.functional.pad(x, (0, 0, 0, 2))
    assert torch.equal(out, padded.reshape(3, 2, 4, 8).transpose(0, 1))


@triton.jit
def descriptor_sum(source, out_ptr, columns, R: tl.constexpr, C: tl.constexpr):
    total = tl.zeros((R,), tl.float32)
    for at in range(0, columns, C):
        total += tl.sum(source.load([tl.program_id(0) * R, at]), axis=1)
    tl.store(out_ptr + tl.program_id(0) * R + tl.arange(0, R), total)


def test_descriptor_in_a_loop(rng):
    x = torch.from_numpy(rng.integers(-9, 9, (20, 40)).astype(np.float32))
    out = torch.zeros(32)
    descriptor_sum[(2,)](TensorDescriptor.from_tensor(x, [16, 16]), out, 40, R=16, C=16)
    assert_same(out[:20].numpy(), x.numpy().sum(1), zero_sign=False)
    assert out[20:].tolist() == [0.0] * 12


@triton.jit
def descriptor_rows(source, index_ptr, out_ptr, N: tl.constexpr, C: tl.constexpr):
    rows = tl.load(index_ptr + tl.arange(0, N))
    block = source.gather(rows, 8)
    tl.store(out_ptr + tl.arange(0, N)[:, None] * C + tl.arange(0, C)[None, :], block)


def test_gather_of_rows_through_a_descriptor(rng):
    x = torch.from_numpy(random_values("float32", 30 * 32, rng).reshape(30, 32))
    index = rng.integers(0, 30, 16).astype(np.int32)
    out = torch.zeros(16, 16)
    descriptor_rows[(1,)](TensorDescriptor.from_tensor(x, [1, 16]), torch.from_numpy(index), out, N=16, C=16)
    assert_same(out.numpy(), x.numpy()[index][:, 8:24])


@triton.jit
def scatter_rows(target, x_ptr, index_ptr, N: tl.constexpr, C: tl.constexpr):
    rows = tl.load(index_ptr + tl.arange(0, N))
    block = tl.load(x_ptr + tl.arange(0, N)[:, None] * C + tl.arange(0, C)[None, :])
    target.scatter(block, rows, 8)


def test_scatter_of_rows_through_a_descriptor(rng):
    x = torch.from_numpy(random_values("float32", 16 * 16, rng).reshape(16, 16))
    index = rng.permutation(30)[:16].astype(np.int32)
    out = torch.zeros(30, 32)
    scatter_rows[(1,)](TensorDescriptor.from_tensor(out, [1, 16]), x, torch.from_numpy(index), N=16, C=16)
    want = np.zeros((30, 32), np.float32)
    want[index, 8:24] = x.numpy()
    assert_same(out.numpy(), want)


@triton.jit
def descriptor_add_up(x_ptr, target, R: tl.constexpr, C: tl.constexpr):
    at = tl.arange(0, R)[:, None] * C + tl.arange(0, C)[None, :]
    target.atomic_add([0, 0], tl.load(x_ptr + tl.program_id(0) * R * C + at))


def test_atomic_add_through_a_descriptor(rng):
    x = torch.from_numpy(rng.integers(-9, 9, (5, 8, 16)).astype(np.float32))
    out = torch.ones(8, 16)
    descriptor_add_up[(5,)](x, TensorDescriptor.from_tensor(out, [8, 16]), R=8, C=16)
    assert_same(out.numpy(), x.numpy().sum(0) + 1, zero_sign=False)


@triton.jit
def either_buffer(a_ptr, b_ptr, out_ptr, flag):
    if flag > 0:
        pointer = a_ptr
    else:
        pointer = b_ptr
    tl.store(out_ptr, tl.load(pointer))


@pytest.mark.parametrize("flag", [0, 5])
def test_pointer_chosen_by_an_argument(flag):
    """When the launch decides the branch, one base pointer is left; other cases are refused by name."""
    a, b, out = torch.full((1,), 3.0), torch.full((1,), 4.0), torch.zeros(1)
    try:
        either_buffer[(1,)](a, b, out, flag)
    except UnsupportedError as error:
        assert "pointer" in str(error)
        return
    assert out.tolist() == [3.0 if flag > 0 else 4.0]


@triton.jit
def five_axes(x_ptr, out_ptr, N: tl.constexpr):
    i = tl.arange(0, N)
    at = (
        i[:, None, None, None, None] * N * N * N * N
        + i[None, :, None, None, None] * N * N * N
        + i[None, None, :, None, None] * N * N
        + i[None, None, None, :, None] * N
        + i[None, None, None, None, :]
    )
    x = tl.load(x_ptr + at)
    tl.store(out_ptr + at, tl.permute(x, (4, 2, 0, 1, 3)) + tl.sum(x, axis=2, keep_dims=True))


def test_blocks_of_five_axes(rng):
    x = torch.from_numpy(random_values("int32", 4**5, rng, tame=True).reshape((4,) * 5))
    out = torch.zeros_like(x)
    five_axes[(1,)](x, out, N=4)
    assert torch.equal(out, x.permute(4, 2, 0, 1, 3) + x.sum(2, keepdim=True, dtype=torch.int32))
