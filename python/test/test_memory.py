# SPDX-License-Identifier: MIT
"""Memory stays bounded: slabs of the grid, a bounded cache of raised launches, and no leaks."""

import resource

import numpy as np
import pytest
import torch
import triton
import triton.language as tl

PAIRWISE = """
import resource, sys
import torch, triton, triton.language as tl

@triton.jit
def pairwise(a_ptr, b_ptr, out_ptr, columns, M: tl.constexpr, N: tl.constexpr, D: tl.constexpr):
    m = tl.program_id(0) * M + tl.arange(0, M)
    n = tl.program_id(1) * N + tl.arange(0, N)
    d = tl.arange(0, D)
    a = tl.load(a_ptr + m[:, None] * D + d[None, :])
    b = tl.load(b_ptr + n[:, None] * D + d[None, :])
    difference = a[:, None, :] - b[None, :, :]
    tl.store(out_ptr + m[:, None] * columns + n[None, :], tl.sum(difference * difference, axis=2))

torch.manual_seed(0)
size, depth = 4096, 256
a, b, out = torch.rand(size, depth), torch.rand(size, depth), torch.zeros(size, size)
pairwise[(1, 1)](a, b, out, size, M=16, N=16, D=depth)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pairwise[(size // 16, size // 16)](a, b, out, size, M=16, N=16, D=depth)
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
rows = torch.randint(0, size, (8,))
want = (a[rows, None, :].double() - b[None].double()).square().sum(2)
error = float(((out[rows] - want) / want).abs().max())
print(f"{grown:.3f} {error:.3g}")
"""


def test_pairwise_distance_in_less_than_a_gigabyte(run_python):
    """All differences at once would take 17 GB."""
    done = run_python(PAIRWISE, TRITON_BACKEND="metal")
    assert done.returncode == 0, done.stderr
    grown, error = map(float, done.stdout.split())
    assert grown < 1.0, f"{grown} GB"
    assert error < 1e-5


@triton.jit
def add_vectors(x_ptr, y_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


def resident_megabytes() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def test_launches_with_a_changing_size():
    x, y, out = torch.rand(200_000), torch.rand(200_000), torch.zeros(200_000)
    sizes, resident = [], []
    for step in range(200):
        n = 100_000 + 317 * step
        out.zero_()
        compiled = add_vectors[(triton.cdiv(n, 1024),)](x, y, out, n, B=1024)
        assert torch.equal(out[:n], x[:n] + y[:n])
        assert not bool(out[n:].any())
        sizes.append(compiled.function.statistics()["cache_size"])
        resident.append(resident_megabytes())
    assert max(sizes) <= 128, sizes[-1]
    assert sizes[-1] == sizes[150], "the cache still grows"
    assert resident[-1] - resident[50] < 64, f"{resident[50]:.0f} MB became {resident[-1]:.0f} MB"


def test_the_same_launch_again_is_not_raised_again(engine):
    x, y, out = torch.rand(1000), torch.rand(1000), torch.zeros(1000)
    compiled = add_vectors[(8,)](x, y, out, 1000, B=128)
    before = compiled.function.statistics()
    for _ in range(10):
        add_vectors[(8,)](x, y, out, 1000, B=128)
    after = compiled.function.statistics()
    assert after["raised"] == before["raised"]
    if engine == "mlx":
        assert after["cache_hits"] == before["cache_hits"] + 10
    assert after["launches"] == before["launches"] + 10


@pytest.mark.parametrize("kind", ["torch", "numpy"])
def test_no_memory_is_kept_per_launch(kind):
    def arrays():
        made = np.random.rand(500_000).astype(np.float32)
        return torch.from_numpy(made) if kind == "torch" else made

    resident = []
    for _ in range(60):
        x, y, out = arrays(), arrays(), arrays()
        add_vectors[(489,)](x, y, out, 500_000, B=1024)
        resident.append(resident_megabytes())
    assert resident[-1] - resident[20] < 32, resident[::10]


@triton.jit
def float_argument(out_ptr, scale, B: tl.constexpr):
    tl.store(out_ptr + tl.arange(0, B), scale * tl.arange(0, B))


def test_float_arguments_stay_dynamic():
    out = torch.zeros(16)
    compiled = float_argument[(1,)](out, 0.5, B=16)
    raised = compiled.function.statistics()["raised"]
    for step in range(20):
        float_argument[(1,)](out, 0.25 * step, B=16)
        assert torch.equal(out, 0.25 * step * torch.arange(16.0))
    assert compiled.function.statistics()["raised"] == raised


WIDE = """
import resource
import torch, triton, triton.language as tl

@triton.jit
def outer_product(x_ptr, y_ptr, out_ptr, n, B: tl.constexpr):
    row = tl.program_id(0)
    x = tl.load(x_ptr + row)
    for start in range(0, n, B):
        i = start + tl.arange(0, B)
        m = i < n
        y = tl.load(y_ptr + i, mask=m)
        tl.store(out_ptr + row, tl.load(out_ptr + row) + tl.sum(tl.where(m, tl.exp(-(x - y) * (x - y)), 0.0)))

torch.manual_seed(0)
rows, n = 20000, 5000
x, y, out = torch.rand(rows), torch.rand(n), torch.zeros(rows)
outer_product[(4,)](x, y, out, n, B=1024)
out.zero_()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outer_product[(rows,)](x, y, out, n, B=1024)
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
want = torch.exp(-(x[:100, None].double() - y[None].double()) ** 2).sum(1)
print(f"{grown:.3f} {float(((out[:100] - want) / want).abs().max()):.3g}")
"""


def test_a_stepped_loop_is_bounded_too(run_python):
    done = run_python(WIDE, TRITON_BACKEND="metal")
    assert done.returncode == 0, done.stderr
    grown, error = map(float, done.stdout.split())
    assert grown < 1.0, f"{grown} GB"
    assert error < 1e-5
