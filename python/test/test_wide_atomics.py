# SPDX-License-Identifier: MIT
"""64-bit atomics: all of them on the CPU device; on chips those that need no 64-bit step, the others refused.

The text for a chip runs here with 32-bit atomics only, as on the chip, on all threads of the CPU device."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from conftest import forget_compiled_kernels
from kernel_library import HERE, build, clang, flags
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from triton_metal.backend.device import DeviceUtils
from triton_metal.errors import UnsupportedError

CHIPS = ("m1", "m2", "m3", "m5")
MSL = {"engine": "msl"}


@triton.jit
def into_bins(x_ptr, bin_ptr, out_ptr, n, KIND: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    at = out_ptr + tl.load(bin_ptr + i, mask=m)
    if KIND == "add":
        tl.atomic_add(at, x, mask=m)
    elif KIND == "sub":
        tl.atomic_add(at, -x, mask=m)
    elif KIND == "and":
        tl.atomic_and(at, x, mask=m)
    elif KIND == "or":
        tl.atomic_or(at, x, mask=m)
    elif KIND == "xor":
        tl.atomic_xor(at, x, mask=m)
    elif KIND == "max":
        tl.atomic_max(at, x, mask=m)
    elif KIND == "min":
        tl.atomic_min(at, x, mask=m)


NUMPY = {
    "add": np.add, "sub": np.subtract, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "max": np.maximum, "min": np.minimum,
}  # fmt: skip


@pytest.fixture
def on(monkeypatch):
    """Chooses the profile that kernels are compiled for."""

    def choose(arch: str) -> None:
        driver = triton.runtime.driver.active
        monkeypatch.setattr(driver, "arch", arch)
        monkeypatch.setattr(driver, "utils", DeviceUtils(arch, "cpu"))
        forget_compiled_kernels()

    yield choose
    forget_compiled_kernels()


def numbers(dtype, count, rng):
    """Half of them carry out of the low half almost always, in both signs; the others are anything."""
    x = rng.integers(0, 2**64, count, dtype=np.uint64)
    near = rng.integers(0, 5, count, dtype=np.uint64)
    x[::4] = np.uint64(0xFFFFFFFF) - near[::4]
    x[1::4] = np.uint64(0) - near[1::4]
    return x.view(dtype)


@pytest.mark.parametrize("technique", ["loops", "fibers"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@pytest.mark.parametrize("kind", ["add", "sub", "and", "or", "xor"])
@pytest.mark.parametrize("arch", ["m1", "m3", "host"])
def test_halves_leave_the_same_as_numpy(arch, kind, dtype, technique, rng, on, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_TECHNIQUE", technique)
    on(arch)
    n, bins = (200_000 if technique == "loops" else 20_000), 7
    x, at = numbers(dtype, n, rng), rng.integers(0, bins, n, dtype=np.int32)
    out = numbers(dtype, bins + 2, rng)
    expected = out.copy()
    NUMPY[kind].at(expected, at, x)
    into_bins[(triton.cdiv(n, 256),)](x, at, out, n, KIND=kind, BLOCK=256, **MSL)
    np.testing.assert_array_equal(out, expected)


@triton.jit
def count_up(out_ptr, step, TIMES: tl.constexpr):
    for _ in range(TIMES):
        tl.atomic_add(out_ptr, step)
        tl.atomic_add(out_ptr + 1, -step)


@pytest.mark.parametrize("start", [0, -1, 2**63 - 1, -(2**63), 2**32 - 1])
def test_millions_of_carries_of_scalars(start, on):
    """Each addition of 2**32 - 1 but the first carries; the sums wrap around, and one is negative."""
    on("m3")
    out = np.full(3, start, np.int64)
    programs, times, step = 2000, 500, 2**32 - 1
    count_up[(programs,)](out, step, TIMES=times, **MSL)
    total = np.array([start] * 3, np.int64) + np.array([1, -1, 0], np.int64) * (programs * times * step)
    np.testing.assert_array_equal(out, total)


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("arch", ["m2", "m3", "m5", "host"])
def test_unsigned_extremes(arch, kind, rng, on):
    on(arch)
    n, bins = 50_000, 5
    x, at = numbers(np.uint64, n, rng), rng.integers(0, bins, n, dtype=np.int32)
    out = numbers(np.uint64, bins, rng)
    expected = out.copy()
    NUMPY[kind].at(expected, at, x)
    into_bins[(triton.cdiv(n, 256),)](x, at, out, n, KIND=kind, BLOCK=256, **MSL)
    np.testing.assert_array_equal(out, expected)


def text_for(arch, kernel, signature, **constants):
    source = ASTSource(kernel, signature, constexprs=constants)
    compiled = triton.compile(source, target=GPUTarget("metal", arch, 32), options=MSL)
    return compiled.asm["msl"]


@triton.jit
def with_result(p, out):
    tl.store(out, tl.atomic_add(p, 1))


@triton.jit
def dead_result(p, out):
    old = tl.atomic_add(p, 1)
    unused = old * 2 + 1  # noqa: F841
    tl.store(out, 3)


@triton.jit
def exchange(p, out):
    tl.atomic_xchg(p, 5)


@triton.jit
def swap(p, out):
    tl.atomic_cas(p, tl.cast(5, tl.int64), tl.cast(6, tl.int64))


@triton.jit
def load_atomically(p, out):
    tl.store(out, tl.atomic_load(p))


@triton.jit
def store_atomically(p, out):
    tl.atomic_store(p, 4)


@triton.jit
def extreme(p, out):
    tl.atomic_max(p, 7)


@triton.jit
def also_reads(p, out):
    tl.atomic_add(p, 1)
    tl.store(out, tl.load(p + 1))


@triton.jit
def also_stores(p, out):
    tl.store(p, 0)
    tl.atomic_add(p, 1)


@triton.jit
def adds_and_masks(p, out):
    tl.atomic_add(p, 1)
    tl.atomic_and(p, 255)


@triton.jit
def both_extremes(p, out):
    tl.atomic_max(p, 7)
    tl.atomic_min(p + 1, 7)


@triton.jit
def other_memory(p, out):
    tl.atomic_add(p, tl.load(out))
    tl.store(out, 3)


REFUSED = {
    "with_result": (with_result, "*i64", "no 64-bit atomics with a result"),
    "exchange": (exchange, "*i64", "the halves of two values could mix"),
    "swap": (swap, "*i64", "Compare-and-swap of i64"),
    "load": (load_atomically, "*i64", "An atomic load of i64"),
    "store": (store_atomically, "*i64", "An atomic store of i64"),
    "signed": (extreme, "*i64", "'max' of i64.*minimum and maximum are unsigned"),
    "reads": (also_reads, "*i64", r"tm\.load in line \d+ may touch the same memory meanwhile"),
    "stores": (also_stores, "*i64", r"tm\.store in line \d+ may touch"),
    "mixes": (adds_and_masks, "*u64", r"tm\.atomic_rmw in line \d+ may touch"),
}


@pytest.mark.parametrize("arch", CHIPS)
@pytest.mark.parametrize("case", REFUSED)
def test_what_needs_a_64_bit_step_is_refused(case, arch):
    kernel, pointer, why = REFUSED[case]
    pattern = rf"test_wide_atomics\.py:\d+:\d+: \[tm\.atomic_\w+\] .*refused on {arch}: .*CPU device"
    with pytest.raises(UnsupportedError, match=pattern) as error:
        text_for(arch, kernel, {"p": pointer, "out": "*i64"})
    assert re.search(why, str(error.value)), error.value
    assert "atomic" in text_for("host", kernel, {"p": pointer, "out": "*i64"})


@pytest.mark.parametrize("arch", CHIPS)
def test_what_a_chip_does(arch):
    signature = {"p": "*i64", "out": "*i64"}
    assert "tm::atomic_add_halves(" in text_for(arch, dead_result, signature)
    assert "tm::atomic_add_halves(" in text_for(arch, other_memory, signature)
    unsigned = {"p": "*u64", "out": "*u64"}
    if arch == "m1":
        with pytest.raises(UnsupportedError, match=r"'umax' of i64 is refused on m1: .* from M2 on"):
            text_for(arch, both_extremes, unsigned)
    else:
        text = text_for(arch, both_extremes, unsigned)
        assert "tm::atomic_umax_only(" in text and "tm::atomic_umin_only(" in text


def test_memory_that_overlaps_is_refused_at_the_launch(on):
    on("m3")
    memory, other = torch.zeros(4, dtype=torch.int64), torch.full((1,), 3)
    other_memory[(5,)](memory, other, **MSL)
    assert memory.tolist() == [15, 0, 0, 0]
    with pytest.raises(UnsupportedError, match="may touch the same memory meanwhile"):
        other_memory[(3,)](memory, memory, **MSL)


@pytest.mark.parametrize(
    "call",
    [
        "tm::atomic_add(p, 1l, tm::relaxed)",
        "tm::atomic_load(p, tm::relaxed)",
        "tm::atomic_store(p, 1l, tm::relaxed)",
        "tm::atomic_cas(p, 1l, 2l, tm::relaxed)",
        "tm::atomic_umax_only(p, 1l, tm::relaxed)",
    ],
)
def test_the_headers_for_a_chip_have_no_64_bit_atomics(call, tmp_path):
    source = tmp_path / "wide.cpp"
    source.write_text(f"#include <triton_metal.h>\nvoid f(device long *p) {{ {call}; }}\n")
    command = [clang(), "-fsyntax-only", *flags(), str(source)]
    for chip in (["-DTM_NO_ATOMIC64"], [] if "only" not in call else ["-DTM_NO_ATOMIC64"]):
        done = subprocess.run([*command, *chip], capture_output=True, text=True, check=False)
        assert done.returncode, call
        assert "64-bit" in done.stderr or "umax_only" in done.stderr or "no matching" in done.stderr, (
            done.stderr
        )
    done = subprocess.run([*command, "-DTM_HAS_ATOMIC64"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_lost_carry_would_be_found(tmp_path):
    """The same additions with and without the carry, in a copy of the headers."""
    headers = Path(HERE).parents[2] / "kernels/triton_metal/atomics.h"
    text = headers.read_text()
    assert text.count("high + carry") == 1
    results = {}
    for name, changed in (("right", text), ("wrong", text.replace("high + carry", "high"))):
        folder = tmp_path / name / "triton_metal"
        folder.mkdir(parents=True)
        (folder / "atomics.h").write_text(changed)
        source = tmp_path / f"{name}.cpp"
        source.write_text(
            "#include <metal_stdlib>\n"
            f'#include "{folder}/atomics.h"\n'
            'extern "C" void add(long *p, const long *x, int n) {\n'
            "  for (int i = 0; i < n; ++i) tm::atomic_add_halves(p, x[i], tm::acq_rel);\n}\n"
        )
        library = build(source, tmp_path / f"{name}.so", "-O1", f"-I{headers.parent}")
        x = np.array([2**32 - 1, 5, -7, 2**40 + 3, -(2**63), 2**32 - 1], np.int64)
        total = np.zeros(1, np.int64)
        library.add(ctypes.c_void_p(total.ctypes.data), ctypes.c_void_p(x.ctypes.data), len(x))
        results[name] = total[0] == np.add.reduce(x)
    assert results == {"right": True, "wrong": False}
