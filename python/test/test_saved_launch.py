# SPDX-License-Identifier: MIT
"""Launches saved as files, and the program that repeats them without Python."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from conftest import forget_compiled_kernels

from triton_metal import _core

pytestmark = pytest.mark.usefixtures("mlx_engine")  # the runner repeats its graphs

BUILD = Path(os.environ.get("TRITON_METAL_BUILD", Path(__file__).parents[2] / "build"))
RUNNER = BUILD / "tools/triton-metal-run/triton-metal-run"


@triton.jit
def scaled_sum(x_ptr, out_ptr, total_ptr, n, scale, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    tl.store(out_ptr + offsets, tl.exp(x) * scale, mask=mask)
    tl.atomic_add(total_ptr, tl.sum((x > 0).to(tl.int32)))


@triton.jit
def collatz(x_ptr, steps_ptr, BLOCK: tl.constexpr):
    """A loop whose trip count depends on data, so that the graph has a body."""
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets)
    steps = tl.zeros([BLOCK], tl.int32)
    while tl.max(x, 0) > 1:
        x = tl.where(x > 1, tl.where(x % 2 == 0, x // 2, 3 * x + 1), x)
        steps += 1
    tl.store(steps_ptr + offsets, steps)


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """New launchers save their launches in this folder."""
    for kernel in (scaled_sum, collatz):
        kernel.device_caches.clear()
    monkeypatch.setenv("TRITON_METAL_SAVE_LAUNCHES", str(tmp_path / "saved"))
    yield tmp_path / "saved"
    for kernel in (scaled_sum, collatz):
        kernel.device_caches.clear()


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [RUNNER, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )


def launch_scaled_sum(x, out, total, scale=0.5):
    scaled_sum[(2,)](x, out, total, 100, scale, BLOCK=64)


def one(folder: Path) -> Path:
    (only,) = folder.iterdir()
    return only


def test_a_saved_launch_is_repeated_bit_for_bit(saved):
    x, out, total = torch.randn(100), torch.full((128,), -1.0), torch.zeros(1, dtype=torch.int32)
    launch_scaled_sum(x, out, total)
    assert torch.allclose(out[:100], torch.exp(x) * 0.5, rtol=1e-6) and (out[100:] == -1).all()
    folder = one(saved)
    done = run(folder, "--repeat", 3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 launches on MLX cpu: 1 the same bits, 0 within tolerance, 0 differ, 0 failed" in done.stdout
    assert folder.name in done.stdout
    before = np.fromfile(folder / "1.before.bin", np.float32)
    after = np.fromfile(folder / "1.after.bin", np.float32)
    assert (before == -1).all() and np.array_equal(after, out.numpy())
    assert not (folder / "0.after.bin").exists()  # the kernel only reads x


def test_the_same_launch_is_saved_once(saved):
    x = torch.randn(100)
    for scale in (0.5, 0.5, 2.0):
        launch_scaled_sum(x, torch.zeros(128), torch.zeros(1, dtype=torch.int32), scale)
    assert len(list(saved.iterdir())) == 2


def test_numpy_and_mlx_arguments(saved):
    x = np.linspace(-1, 1, 100, dtype=np.float32)
    out, total = mx.zeros((128,)), np.zeros(1, np.int32)
    launch_scaled_sum(x, out, total)
    assert np.allclose(np.array(out)[:100], np.exp(x) * 0.5, rtol=1e-6) and total[0] == 50
    assert run(saved).returncode == 0


def test_special_floats_and_bodies(saved):
    launch_scaled_sum(torch.ones(100), torch.zeros(128), torch.zeros(1, dtype=torch.int32), float("-inf"))
    launch_scaled_sum(torch.ones(100), torch.zeros(128), torch.zeros(1, dtype=torch.int32), float("nan"))
    steps = torch.zeros(16, dtype=torch.int32)
    collatz[(1,)](torch.arange(1, 17, dtype=torch.int32), steps, BLOCK=16)
    assert steps[6] == 19
    done = run(saved)
    assert done.returncode == 0 and "3 the same bits" in done.stdout, done.stdout


def test_differences_are_found_and_named(saved, tmp_path):
    launch_scaled_sum(torch.ones(100), torch.zeros(128), torch.zeros(1, dtype=torch.int32))
    folder = one(saved)
    after = np.fromfile(folder / "1.after.bin", np.float32)
    after[7] *= 1 + 1e-5
    after.tofile(folder / "1.after.bin")
    done = run(folder)
    assert done.returncode == 0 and "1 within tolerance" in done.stdout
    done = run(folder, "--rtol", 1e-6, "--json", tmp_path / "report.json")
    assert done.returncode == 1 and "out_ptr[7] (f32)" in done.stdout, done.stdout
    (row,) = json.loads((tmp_path / "report.json").read_text())
    assert row["result"] == "differs" and row["different"] == 1 and 80 < row["ulps"] < 200
    count = np.fromfile(folder / "2.after.bin", np.int32)
    (count + 1).tofile(folder / "2.after.bin")
    assert "total_ptr[0] (i32) is 100, expected 101" in run(folder).stdout


def test_a_tolerance_of_the_recorder_counts(saved):
    launch_scaled_sum(torch.ones(100), torch.zeros(128), torch.zeros(1, dtype=torch.int32))
    folder = one(saved)
    after = np.fromfile(folder / "1.after.bin", np.float32)
    (after + 0.25).tofile(folder / "1.after.bin")
    assert run(folder).returncode == 1
    np.full(128, 0.3).tofile(folder / "1.tolerance.bin")
    assert run(folder).returncode == 0


def test_broken_folders_are_named(saved, tmp_path):
    launch_scaled_sum(torch.ones(100), torch.zeros(128), torch.zeros(1, dtype=torch.int32))
    done = run(tmp_path / "nothing")
    assert done.returncode == 2 and "There is no saved launch." in done.stderr
    folder = one(saved)
    (folder / "0.before.bin").write_bytes(b"short")
    done = run(folder)
    assert done.returncode == 1 and "Storage 0 does not have 400 bytes." in done.stdout
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "launch.json").write_text("{")
    assert "1 failed" in run(broken).stdout


def test_save_launch_returns_the_folder(tmp_path):
    kernel = triton.compile(
        triton.compiler.ASTSource(
            scaled_sum,
            {"x_ptr": "*fp32", "out_ptr": "*fp32", "total_ptr": "*i32", "n": "i32", "scale": "fp32"},
            constexprs={"BLOCK": 64},
        )
    )
    core = _core.Kernel(kernel.asm["tt"], arch="host")
    arrays = [np.ones(100, np.float32), np.zeros(128, np.float32), np.zeros(1, np.int32)]
    arguments = [_core.HostBuffer(a.ctypes.data, a.ctypes.data, a.nbytes, False, a) for a in arrays]
    folder = core.save_launch(str(tmp_path), (2, 1, 1), [*arguments, 100, 0.5])
    assert arrays[2][0] == 100 and os.listdir(tmp_path) == [Path(folder).name]
    assert run(folder).returncode == 0


def test_a_launch_of_the_metal_engine_keeps_its_text(saved, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", "msl")
    forget_compiled_kernels()
    x, out, total = torch.arange(100, dtype=torch.float32), torch.zeros(100), torch.zeros(2)
    launch_scaled_sum(x, out, total)
    folder = one(saved)
    assert "kernel void scaled_sum(" in (folder / "launch.json").read_text()
    np.testing.assert_array_equal(np.fromfile(folder / "1.after.bin", np.float32), out.numpy())


def test_a_metal_text_is_repeated_on_the_cpu_device(saved, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", "msl")
    forget_compiled_kernels()
    storage = torch.randn(228)
    launch_scaled_sum(storage, storage[100:], torch.zeros(1, dtype=torch.int32))  # two that overlap
    launch_scaled_sum(torch.randn(100), mx.zeros((128,)), torch.zeros(1, dtype=torch.int32))
    done = run(saved, "--repeat", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 launches on the CPU device: 2 the same bits" in done.stdout
    folder = next(iter(saved.iterdir()))
    file = next(folder.glob("*.after.bin"))
    after = np.fromfile(file, np.int32)
    after[0] += 1 << 20
    after.tofile(file)
    done = run(folder)
    assert done.returncode == 1 and "1 differ" in done.stdout, done.stdout
