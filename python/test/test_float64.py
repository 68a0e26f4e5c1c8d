# SPDX-License-Identifier: MIT
"""f64 on chips without double: the header's functions, and kernels for a chip that run on the CPU device."""

import re
import subprocess

import ml_dtypes
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from kernel_library import HERE, clang, flags
from shim import types
from triton.runtime import driver as runtime_driver

from triton_metal.backend.driver import MetalDriver
from triton_metal.errors import UnsupportedError

# ---- the header ----


def header_program(folder, name):
    program = folder / name
    command = [clang(), "-O2", *flags(), "-DTM_HAS_DOUBLE", "-DTM_HAS_ATOMIC64", str(HERE / f"{name}.cpp")]
    done = subprocess.run([*command, "-o", str(program), "-lm"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return program


def differences(program, count, seed):
    text = subprocess.run(
        [program, str(count), str(seed)], capture_output=True, text=True, check=False
    ).stdout
    lines = [line.split() for line in text.splitlines()]
    assert sum(len(line) == 3 for line in lines) >= 120, text[-2000:]
    return [line for line in lines if len(line) != 3 or line[2] != "0"]


def test_exact_operations(tmp_path):
    assert differences(header_program(tmp_path, "float64"), 20_000, 1) == []


@pytest.mark.long
def test_exact_operations_on_many_operands(tmp_path):
    assert differences(header_program(tmp_path, "float64"), 20_000_000, 2) == []


def test_header_follows_the_rules_of_metal():
    text = "#include <triton_metal.h>\n#include <triton_metal/float64.h>\n"
    assert types.errors(text) == []
    wrong = text + "kernel void k(device tm::float64 *p [[buffer(0)]]) { p[0] = p[1] + 1.0; }\n"
    assert types.errors(wrong)


# ---- kernels ----


@pytest.fixture
def on_arch(monkeypatch):
    """Runs a kernel for a hardware profile, and returns the compiled kernel."""
    before = runtime_driver.active
    monkeypatch.setenv("TRITON_METAL_ENGINE", "auto")
    monkeypatch.setenv("TRITON_METAL_FLOAT64_NOTICE", "0")

    def run(arch, kernel, *arguments, grid=(1,), **options):
        monkeypatch.setenv("TRITON_METAL_ARCH", arch)
        runtime_driver.set_active(MetalDriver())
        kernel.device_caches.clear()  # they remember the target
        compiled = kernel[grid](*arguments, **options)
        kernel.device_caches.clear()
        return compiled

    yield run
    runtime_driver.set_active(before)


def run_both(on_arch, kernel, arguments, results, **options):
    """The results of a kernel for an M3, after checking that one for a device with double gives the same
    bits, and that its text follows Metal's rules."""
    out = {}
    for arch in ("m3", "host"):
        given = [torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in arguments]
        compiled = on_arch(arch, kernel, *given, **options)
        assert compiled.metadata.chosen_engine == "msl"
        text = compiled.asm["msl"]
        assert ("tm::float64" in text) == (arch == "m3") and ("double" in text) == (arch == "host")
        if arch == "m3":
            assert types.errors(text) == []
        out[arch] = [given[i].numpy() for i in results]
    for soft, native in zip(out["m3"], out["host"], strict=True):
        assert same_bits(soft, native)
    return out["m3"]


def same_bits(a, b):
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    numbers = ~(np.isnan(a) & np.isnan(b))
    return np.array_equal(a[numbers].view(f"i{a.itemsize}"), b[numbers].view(f"i{b.itemsize}"))


def operands(rng, n):
    special = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        np.inf,
        -np.inf,
        np.nan,
        5e-324,
        -2.5,
        2.2e-308,
        1.7e308,
        0.1,
        1e300,
        2**53 + 2,
    ]
    x = rng.standard_normal(n) * 10.0 ** rng.integers(-9, 9, n)
    y = rng.standard_normal(n) * 10.0 ** rng.integers(-9, 9, n)
    pairs = np.array(np.meshgrid(special, special)).reshape(2, -1)
    x[: pairs.shape[1]], y[: pairs.shape[1]] = pairs
    return x, y


@triton.jit
def arithmetic(x_ptr, y_ptr, out_ptr, s: tl.float64, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    y = tl.load(y_ptr + i, mask=i < n, other=1.0)
    tl.store(out_ptr + i, x + y, mask=i < n)
    tl.store(out_ptr + n + i, x - y, mask=i < n)
    tl.store(out_ptr + 2 * n + i, x * y, mask=i < n)
    tl.store(out_ptr + 3 * n + i, x / y, mask=i < n)
    tl.store(out_ptr + 4 * n + i, tl.fma(x, y, s), mask=i < n)
    tl.store(out_ptr + 5 * n + i, tl.sqrt(x), mask=i < n)
    tl.store(out_ptr + 6 * n + i, x % y, mask=i < n)
    tl.store(out_ptr + 7 * n + i, tl.maximum(x, y, tl.PropagateNan.ALL), mask=i < n)
    tl.store(out_ptr + 8 * n + i, tl.where(x < y, -x, tl.abs(y)), mask=i < n)
    tl.store(out_ptr + 9 * n + i, tl.floor(x) + tl.ceil(y), mask=i < n)
    tl.store(out_ptr + 10 * n + i, tl.clamp(x, -0.1, 1e3), mask=i < n)


def test_arithmetic(on_arch, rng):
    n = 1000
    x, y = operands(rng, n)
    out = np.zeros((11, n))
    (got,) = run_both(on_arch, arithmetic, [x, y, out, 0.1, n], [2], grid=(4,), B=256, enable_fp_fusion=False)
    with np.errstate(all="ignore"):
        wanted = [x + y, x - y, x * y, x / y, None, np.sqrt(x), np.fmod(x, y), np.maximum(x, y)]
        wanted += [np.where(x < y, -x, abs(y)), np.floor(x) + np.ceil(y)]
    for row, want in enumerate(wanted):
        if want is not None:
            assert same_bits(got[row] + 0.0 if row == 7 else got[row], want + 0.0 if row == 7 else want), row


CASTS = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
}


@triton.jit
def cast_there_and_back(
    x_ptr, bits_ptr, back_ptr, n, KIND: tl.constexpr, STORED: tl.constexpr, B: tl.constexpr
):
    i = tl.arange(0, B)
    narrow = tl.load(x_ptr + i, mask=i < n).to(KIND)
    tl.store(bits_ptr + i, narrow.to(STORED, bitcast=True), mask=i < n)
    tl.store(back_ptr + i, narrow.to(tl.float64), mask=i < n)


@pytest.mark.parametrize("kind", CASTS)
def test_casts(kind, on_arch, rng):
    x, _ = operands(rng, 1000)
    is_float = "float" in kind
    width = np.dtype(CASTS[kind]).itemsize
    if is_float:  # midpoints between neighbours, and just beside them
        x[:500] = rng.standard_normal(500).astype(np.float32).astype(CASTS[kind]).astype(np.float64)
        x[:500] *= 1 + 2.0 ** -(12 if kind == "float16" else 9 if kind == "bfloat16" else 25)
        x[250:500] = np.nextafter(x[250:500], np.inf)
    bits, back = np.zeros(1000, f"i{width}"), np.zeros(1000)
    got, returned = run_both(
        on_arch,
        cast_there_and_back,
        [x, bits, back, 1000],
        [1, 2],
        KIND=getattr(tl, kind),
        STORED=tl.dtype(f"int{8 * width}"),
        B=1024,
    )
    with np.errstate(all="ignore"):
        if is_float:
            want = x.astype(CASTS[kind])
            assert same_bits(got.view(CASTS[kind]).astype(np.float64), want.astype(np.float64))
            assert same_bits(returned, want.astype(np.float64))
            return
        limits = np.iinfo(CASTS[kind])
        inside = (x > float(limits.min) - 1) & (x < float(limits.max))
        want = np.trunc(x[inside]).astype(CASTS[kind])
        assert np.array_equal(got.view(CASTS[kind])[inside], want)
        assert same_bits(returned[inside], want.astype(np.float64))
        assert (got.view(CASTS[kind])[x == np.inf] == limits.max).all() and (got[np.isnan(x)] == 0).all()


def nearest(kind, x):
    """Rounded once, saturating: ml_dtypes goes through float32 and rounds twice."""
    values = np.arange(128, dtype=np.uint8).view(kind).astype(np.float64)
    values = values[np.isfinite(values)]
    above = np.clip(np.searchsorted(values, x), 1, len(values) - 1)
    middle = (values[above - 1] + values[above]) / 2
    up = (x > middle) | ((x == middle) & (above % 2 == 0))
    return np.where(up, values[above], values[above - 1])


@triton.jit
def float8_casts(x_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, x.to(tl.float8e5).to(tl.float64))
    tl.store(out_ptr + B + i, x.to(tl.float8e4nv).to(tl.float64))


def test_casts_to_float8(on_arch, rng):
    x = rng.standard_normal(1024) * 2.0 ** rng.integers(-12, 8, 1024)
    x[:256] = np.arange(256) / 16 * (1 + 2**-40)  # beside midpoints
    (got,) = run_both(on_arch, float8_casts, [x, np.zeros((2, 1024))], [1], B=1024)
    for row, kind in enumerate((ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn)):
        assert same_bits(got[row], np.copysign(nearest(kind, abs(x)), x))


@triton.jit
def reductions(x_ptr, sum_ptr, max_ptr, at_ptr, scan_ptr, sorted_ptr, M: tl.constexpr, N: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    x = tl.load(x_ptr + at)
    tl.store(sum_ptr + tl.arange(0, M), tl.sum(x, 1))
    tl.store(max_ptr + tl.arange(0, M), tl.max(x, 1))
    tl.store(at_ptr + tl.arange(0, N), tl.argmin(x, 0))
    tl.store(scan_ptr + at, tl.cumsum(x, 1))
    tl.store(sorted_ptr + at, tl.sort(x, 1))


@pytest.mark.parametrize("warps", [1, 4])
def test_reductions_scans_sorts(warps, on_arch, rng):
    x = rng.standard_normal((16, 128))
    zeros = [np.zeros(16), np.zeros(16), np.zeros(128, np.int32), np.zeros((16, 128)), np.zeros((16, 128))]
    total, largest, at, scan, ordered = run_both(
        on_arch, reductions, [x, *zeros], [1, 2, 3, 4, 5], M=16, N=128, num_warps=warps
    )
    np.testing.assert_allclose(total, x.sum(1), rtol=1e-13)
    assert np.array_equal(largest, x.max(1)) and np.array_equal(at, x.argmin(0))
    np.testing.assert_allclose(scan, x.cumsum(1), rtol=0, atol=1e-13)
    assert np.array_equal(ordered, np.sort(x, 1))


@triton.jit
def products(a_ptr, b_ptr, c_ptr, t_ptr, K, B: tl.constexpr):
    i = tl.arange(0, B)[:, None]
    j = tl.arange(0, B)[None, :]
    total = tl.zeros((B, B), tl.float64)
    for k in range(0, K, B):
        a = tl.load(a_ptr + i * K + k + j)
        total = tl.dot(a, tl.load(b_ptr + (k + i) * B + j), total, out_dtype=tl.float64)
    tl.store(c_ptr + i * B + j, total)
    tl.store(t_ptr + i * B + j, tl.trans(total))


def test_products(on_arch, rng):
    a, b = rng.standard_normal((16, 64)), rng.standard_normal((64, 16))
    c, t = run_both(on_arch, products, [a, b, np.zeros((16, 16)), np.zeros((16, 16)), 64], [2, 3], B=16)
    np.testing.assert_allclose(c, a @ b, rtol=1e-12, atol=1e-13)
    assert np.array_equal(c.T, t)


@triton.jit
def moves(x_ptr, at_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x, at = tl.load(x_ptr + i), tl.load(at_ptr + i)
    taken = tl.gather(x, at, 0)
    high, low = tl.split(tl.reshape(tl.flip(taken, 0), (B // 2, 2)))
    bits = tl.join(high, low).to(tl.int64, bitcast=True) ^ 1
    both = tl.reshape(bits.to(tl.float64, bitcast=True), (B,))
    largest = x_ptr + tl.argmax(x, 0)
    while tl.load(largest) > 0.5:
        tl.store(largest, tl.load(largest) * 0.5)
    tl.debug_barrier()
    tl.store(out_ptr + i, both)


def test_gathers_shapes_and_loops(on_arch, rng):
    x, at = rng.standard_normal(128), rng.integers(0, 128, 128).astype(np.int32)
    got, changed = run_both(on_arch, moves, [x, at, np.zeros(128)], [2, 0], B=128)
    assert np.array_equal(got.view(np.int64), x[at][::-1].copy().view(np.int64) ^ 1)
    largest = x.argmax()
    while x[largest] > 0.5:
        x[largest] *= 0.5
    assert np.array_equal(changed, x)


@triton.jit
def printing(x_ptr):
    tl.device_print("x", tl.load(x_ptr) + 0.1)


def test_print(on_arch, capsys):
    on_arch("m3", printing, torch.tensor([2.0], dtype=torch.float64))
    assert "x: 2.1" in capsys.readouterr().out


@triton.jit
def checked(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, (x * 2).to(tl.int32), mask=i < n)
    tl.store(out_ptr + B, tl.sum(tl.where(i < n, x, 0.0), 0).to(tl.int32))


@pytest.mark.parametrize("mode", ["address", "thread", "undefined"])
def test_check_modes(mode, on_arch):
    x, out = torch.arange(50, dtype=torch.float64), torch.zeros(65, dtype=torch.int32)
    on_arch("m3", checked, x, out, 50, B=64, sanitize=mode)
    assert out[:50].tolist() == [2 * i for i in range(50)] and out[64] == 1225


@pytest.mark.parametrize(
    "mode,n,message", [("address", 60, "x_ptr"), ("undefined", 50, "integer type cannot hold")]
)
def test_check_modes_find_faults(mode, n, message, on_arch):
    x, out = torch.full((50,), 1e300, dtype=torch.float64), torch.zeros(65, dtype=torch.int32)
    with pytest.raises(Exception, match=rf"test_float64\.py:\d+.*{message}"):
        on_arch("m3", checked, x, out, n, B=64, sanitize=mode)


# ---- what is refused, and the notice ----


@triton.jit
def adds_atomically(x_ptr):
    tl.atomic_add(x_ptr, 1.0)


def test_atomics_are_refused(on_arch):
    with pytest.raises(UnsupportedError, match=r"test_float64\.py:\d+.*f64"):
        on_arch("m3", adds_atomically, torch.zeros(1, dtype=torch.float64))


NOTICE = """
import torch, triton, triton.language as tl

@triton.jit
def halves(x_ptr, out_ptr):
    i = tl.arange(0, 8)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, x * 0.5)

for kind in (torch.float32, torch.float64, torch.float64):
    out = torch.zeros(8, dtype=kind)
    halves[(1,)](torch.ones(8, dtype=kind), out, num_warps=2 if kind == torch.float32 else 4)
    assert out.tolist() == [0.5] * 8
"""


@pytest.mark.parametrize("wanted", [True, False])
def test_notice_of_the_cost(wanted, run_python):
    done = run_python(
        NOTICE,
        TRITON_BACKEND="metal",
        TRITON_METAL_ARCH="m3",
        **({} if wanted else {"TRITON_METAL_FLOAT64_NOTICE": "0"}),
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\[f64\] .*program\.py:8, halves:", done.stderr)) == int(wanted), done.stderr
