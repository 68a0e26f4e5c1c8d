# SPDX-License-Identifier: MIT
"""Launches on the msl engine: overlapping arguments, MLX's graph, caches, choice of the engine."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from generated import PRELUDE, load_source
from triton.runtime.errors import OutOfResources

from triton_metal import _core
from triton_metal.errors import ArgumentError, UnsupportedError

MSL = {"engine": "msl"}


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


def launch(x, y, out, n=64, block=64, **options):
    return add[(triton.cdiv(n, block),)](x, y, out, n, BLOCK=block, **{**MSL, **options})


# --- overlapping arguments ------------------------------------------------------------------------


def buffer(address, size, start=None, readonly=False):
    start = address if start is None else start
    return _core.HostBuffer(address, start, size, readonly, None)


def groups(x, y, out):
    kernel = launch(torch.ones(64), torch.ones(64), torch.empty(64)).function
    return kernel.alias_groups([x, y, out, 64])


def test_arguments_apart_have_no_groups():
    assert groups(buffer(4096, 256), buffer(8192, 256), buffer(12288, 256)) == []
    # Adjacent arrays do not overlap, and read-only arrays may overlap.
    assert groups(buffer(4096, 256), buffer(4096, 256), buffer(4352, 256)) == []


def test_arguments_that_overlap_have_equal_groups():
    one = buffer(4096, 256)
    assert groups(one, buffer(8192, 256), one) == [0, 1, 0]
    # Two views of one storage, with equal or different pointers.
    assert groups(buffer(8192, 256), buffer(4096, 1024), buffer(4160, 1024, 4096)) == [0, 1, 1]
    # Different storages that share memory: a chain of overlaps through the one that is stored to.
    assert groups(buffer(4096, 256), buffer(4400, 256), buffer(4224, 256)) == [0, 0, 0]
    x, y = mx.ones(64), mx.ones(64)
    assert groups(x, y, x) == [0, 1, 0]
    assert groups(x, x, y) == []


def test_variants_are_made_once_and_bounded():
    torch_arrays = [torch.ones(64) for _ in range(3)]
    launch(*torch_arrays)
    kernel = launch(*torch_arrays).function
    before = kernel.statistics()
    x, y, out = torch_arrays
    for _ in range(5):
        launch(x, y, x)
        launch(x, y, y)
        launch(x, x, x)
        launch(x, y, out)
    after = kernel.statistics()
    assert after["printed"] - before["printed"] <= 3
    assert after["variants"] <= 4
    assert after["launches"] - before["launches"] == 20


@triton.jit
def shift_right(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """out may be x, shifted a little: the one program reads everything before it stores."""
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n)


@pytest.mark.parametrize("step", [0, 1, 31, 32, 33, 200])
@pytest.mark.parametrize("num_warps", [1, 4])
def test_a_block_is_read_before_it_is_stored_to_overlapping_memory(step, num_warps):
    n = 1000
    data = torch.arange(n + step, dtype=torch.int32)
    expected = data.clone()
    expected[step:] = data[:n]
    shift_right[(1,)](data, data[step:], n, BLOCK=1024, num_warps=num_warps, **MSL)
    assert torch.equal(data, expected)


# --- MLX's graph ----------------------------------------------------------------------------------


def counted(kernel):
    statistics = kernel.function.statistics()
    return statistics["buffer_copies"], statistics["donated_buffers"]


def test_a_buffer_that_nobody_else_has_is_stored_to_in_place():
    out = mx.zeros(64) + 0
    kernel = launch(mx.ones(64), mx.ones(64), out)
    mx.eval(out)
    before = counted(kernel)
    launch(mx.ones(64), mx.ones(64), out)
    mx.eval(out)
    copies, donated = counted(kernel)
    assert (copies - before[0], donated - before[1]) == (0, 1)
    assert out.tolist() == [2.0] * 64


def test_a_buffer_that_somebody_still_reads_is_copied():
    x, y = mx.ones(64), mx.ones(64)
    mx.eval(x, y)
    kernel = launch(x, y, mx.zeros(64))
    before = counted(kernel)
    z = x + 1
    launch(x, y, x)
    mx.eval(z)
    mx.eval(x)
    assert z.tolist() == [2.0] * 64
    assert x.tolist() == [2.0] * 64
    assert counted(kernel)[0] >= before[0]


def test_the_order_of_evaluation_does_not_matter():
    for first in (0, 1):
        x, y = mx.ones(64), mx.ones(64)
        z = x + 1
        launch(x, y, x)
        mx.eval((x, z)[first])
        assert x.tolist() == [2.0] * 64 and z.tolist() == [2.0] * 64


def test_views_keep_their_values():
    x = mx.arange(64, dtype=mx.float32)
    view = x[10:20]
    mx.eval(view)
    launch(x, mx.ones(64), x)
    assert view.tolist() == list(range(10, 20))
    assert x.tolist() == list(range(1, 65))


@pytest.mark.parametrize("make", ["transpose", "reverse", "stride", "broadcast", "lazy"])
def test_arrays_of_any_layout(make):
    base = mx.arange(128, dtype=mx.float32)
    array = {
        "transpose": lambda: base[:64].reshape(8, 8).T,
        "reverse": lambda: base[63::-1],
        "stride": lambda: base[::2],
        "broadcast": lambda: mx.broadcast_to(base[3:4], (64,)),
        "lazy": lambda: mx.exp(base[:64] * 0) + base[64:],
    }[make]()
    want = np.array(array).reshape(-1)
    out = mx.zeros(64)
    launch(array, mx.zeros(64), out)
    assert np.array_equal(np.array(out), want)
    launch(array, mx.ones(64), array)
    assert array.shape == ((8, 8) if make == "transpose" else (64,))
    assert np.array_equal(np.array(array).reshape(-1), want + 1)
    assert base.tolist() == list(range(128))


def test_a_chain_of_lazy_launches():
    x, one = mx.zeros(64), mx.ones(64)
    for _ in range(100):
        launch(x, one, x)
    assert x.tolist() == [100.0] * 64


def test_a_launch_inside_a_compiled_function():
    def step(x, y):
        out = mx.zeros_like(x)
        launch(x, y, out)
        return out * 2

    compiled = mx.compile(step)
    x, y = mx.arange(64, dtype=mx.float32), mx.ones(64)
    for _ in range(3):
        assert compiled(x, y).tolist() == [2.0 * (i + 1) for i in range(64)]


def test_host_memory_beside_an_array_is_complete_on_return():
    x, out = mx.ones(64), np.zeros(64, np.float32)
    launch(x, torch.ones(64), out)
    assert out.tolist() == [2.0] * 64
    target = mx.zeros(64)
    host = torch.ones(64)
    view = target + 0
    launch(host, host, target)
    host.fill_(7)  # after the launch has read it
    assert target.tolist() == [2.0] * 64 and view.tolist() == [0.0] * 64


def test_a_launch_with_one_array_twice():
    x = mx.ones(64)
    launch(x, x, x)
    assert x.tolist() == [2.0] * 64
    host = torch.ones(64)
    launch(host, host, host)
    assert host.tolist() == [2.0] * 64


def test_memory_that_must_not_be_written():
    x, out = np.ones(64, np.float32), np.zeros(64, np.float32)
    out.flags.writeable = False
    with pytest.raises(ArgumentError, match="read-only"):
        launch(x, x, out)
    x.flags.writeable = False
    target = np.zeros(64, np.float32)
    launch(x, x, target)
    assert target.tolist() == [2.0] * 64 and out.tolist() == [0.0] * 64


@triton.jit
def scalars(out_ptr, a, b, c, flag, d: tl.float16, e: tl.bfloat16, wide):
    tl.store(out_ptr, a)
    tl.store(out_ptr + 1, b)
    tl.store(out_ptr + 2, c)
    tl.store(out_ptr + 3, flag)
    tl.store(out_ptr + 4, d)
    tl.store(out_ptr + 5, e)
    tl.store(out_ptr + 6, (wide >> 32).to(tl.float32))


def test_scalars_of_every_kind_arrive():
    out = torch.zeros(7)
    scalars[(1,)](out, -3, 2.5, 1 << 20, True, 0.1, 0.1, (5 << 32) + 1, **MSL)
    half, bfloat = np.float16(0.1), torch.tensor(0.1).bfloat16().item()
    assert out.tolist() == [-3.0, 2.5, float(1 << 20), 1.0, float(half), bfloat, 5.0]


def test_threads_launch_at_once():
    failures = []

    def work(number):
        try:
            x = torch.full((64,), float(number))
            for _ in range(200):
                out = torch.zeros(64)
                launch(x, x, out)
                assert out.tolist() == [2.0 * number] * 64
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


# --- caches ---------------------------------------------------------------------------------------


def test_a_changing_size_compiles_no_more_than_triton_does():
    x, out = torch.ones(4096), torch.zeros(4096)
    compiled = {id(launch(x, x, out, n)) for n in (1, 16, 17)}
    before = _core.device_statistics()
    for n in range(2, 202):
        compiled.add(id(launch(x, x, out, n)))
        assert out[:n].tolist() == [2.0] * n
    after = _core.device_statistics()
    # Triton distinguishes 1, integers divisible by 16, and all others.
    assert len(compiled) == 3
    assert after["compiler_calls"] == before["compiler_calls"]


RESTART = """
import json, sys
import torch, triton, triton.language as tl
from triton_metal import _core

@triton.jit
def scale(x_ptr, n, factor, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + i, tl.load(x_ptr + i, mask=i < n) * factor, mask=i < n)

x = torch.ones(100)
scale[(2,)](x, 100, 3.0, BLOCK=64, engine="msl")
assert x.tolist() == [3.0] * 100
print(json.dumps(_core.device_statistics()))
"""


def test_a_restarted_process_finds_the_compiled_text(run_python, tmp_path):
    counts = []
    for _ in range(2):
        done = run_python(RESTART, TRITON_BACKEND="metal", TRITON_METAL_CACHE_DIR=str(tmp_path / "objects"))
        assert done.returncode == 0, done.stderr
        counts.append(json.loads(done.stdout.splitlines()[-1]))
    assert counts[0]["compiler_calls"] >= 1 and counts[0]["disk_hits"] == 0
    assert counts[1]["compiler_calls"] == 0 and counts[1]["disk_hits"] == 1


# --- the choice -----------------------------------------------------------------------------------


def test_auto_takes_the_msl_engine_on_the_cpu():
    x, out = torch.ones(64), torch.zeros(64)
    kernel = launch(x, x, out, engine="auto")
    assert kernel.metadata.chosen_engine == kernel.function.engine == "msl"
    assert "kernel void add(" in kernel.function.msl_text()
    assert "tm.kernel" in kernel.function.tm_text()


def test_the_engine_can_be_forced():
    x, out = torch.ones(64), torch.zeros(64)
    kernel = launch(x, x, out, engine="mlx")
    assert kernel.function.engine == "mlx" and out.tolist() == [2.0] * 64
    assert kernel.function.engine_reason == "it was asked for"


MANY = 34


def many_pointers():
    """A kernel with more pointers than a Metal kernel can have buffers."""
    names = [f"p{i}" for i in range(MANY)]
    lines = [f"    total += tl.load({name} + i)" for name in names[:-1]]
    text = "\n".join(
        [
            PRELUDE,
            "@triton.jit",
            f"def gather_up({', '.join(names)}):",
            "    i = tl.arange(0, 16)",
            "    total = tl.zeros([16], tl.float32)",
            *lines,
            f"    tl.store({names[-1]} + i, total)",
        ]
    )
    return load_source(text).gather_up


def test_auto_falls_back_to_mlx_and_says_why():
    arrays = [torch.ones(16) for _ in range(MANY)]
    gather_up = many_pointers()
    kernel = gather_up[(1,)](*arrays)
    assert arrays[-1].tolist() == [MANY - 1.0] * 16
    assert kernel.function.engine == kernel.metadata.chosen_engine == "mlx"
    assert "31 buffers" in kernel.function.engine_reason
    with pytest.raises(UnsupportedError, match="31 buffers"):
        gather_up[(1,)](*arrays, **MSL)


@triton.jit
def assembly(x_ptr):
    x = tl.load(x_ptr + tl.arange(0, 8))
    code: tl.constexpr = "mov.b32 $0, $1;"
    tl.store(x_ptr + tl.arange(0, 8), tl.inline_asm_elementwise(code, "=r,r", [x], tl.float32, True, 1))


def test_what_no_engine_can_do_is_refused_when_it_is_compiled():
    with pytest.raises(UnsupportedError, match=r"test_msl_engine\.py:\d+:\d+: \[.*inline_asm"):
        assembly.warmup(torch.float32, grid=(1,))


@triton.jit
def add_three(a, b, c, x, y, z):
    return a + x, b + y, c + z


@triton.jit
def three_scans(x_ptr, out_ptr, SIZE: tl.constexpr):
    """Each run of 32 elements leaves three totals in threadgroup memory."""
    i = tl.arange(0, SIZE)
    x = tl.load(x_ptr + i)
    a, b, c = tl.associative_scan((x, 2 * x, 3 * x), 0, add_three)
    tl.store(out_ptr + i, a + b + c)


def test_too_much_threadgroup_memory_is_what_an_autotuner_skips():
    size = 65536
    arrays = [torch.zeros(size, dtype=torch.int64) for _ in range(2)]
    with pytest.raises(OutOfResources) as caught:
        three_scans[(1,)](*arrays, SIZE=size, **MSL)
    assert caught.value.required > caught.value.limit == 32768
    assert "shared memory" in caught.value.name


def test_autotuning_takes_a_configuration_that_fits():
    configs = [triton.Config({"SIZE": size}) for size in (65536, 32)]
    tuned = triton.autotune(configs, key=[])(three_scans)
    arrays = [torch.zeros(65536, dtype=torch.int64)] * 2
    tuned[(1,)](*arrays, **MSL)
    assert tuned.best_config.kwargs["SIZE"] == 32


def test_metadata_tells_the_threadgroup_memory():
    x, out = torch.ones(1024), torch.zeros(1)
    kernel = triton_sum[(1,)](x, out, BLOCK=1024, num_warps=4, **MSL)
    assert out.item() == 1024.0
    assert kernel.metadata.shared == kernel.function.msl_facts()["threadgroup_bytes"] > 0


@triton.jit
def triton_sum(x_ptr, out_ptr, BLOCK: tl.constexpr):
    tl.store(out_ptr, tl.sum(tl.load(x_ptr + tl.arange(0, BLOCK))))


def test_the_texts_are_dumped(fresh_cache, tmp_path, run_python):
    source = RESTART.replace("print(", "#")
    done = run_python(
        source, TRITON_BACKEND="metal", TRITON_KERNEL_DUMP="1", TRITON_DUMP_DIR=str(tmp_path / "dump")
    )
    assert done.returncode == 0, done.stderr
    files = {path.suffix: path for path in (tmp_path / "dump").rglob("*") if path.is_file()}
    assert {".ttir", ".tt", ".tm", ".msl"} <= set(files)
    assert "kernel void scale(" in files[".msl"].read_text()


def test_the_text_grows_with_the_program_not_with_the_block():
    def lines(block):
        x = torch.ones(block)
        return launch(x, x, torch.zeros(block), block, block).function.msl_facts()["lines"]

    assert abs(lines(32768) - lines(256)) < 40


def test_without_a_compiler_kernels_become_operations_of_mlx(tmp_path):
    program = tmp_path / "add.py"
    program.write_text(
        f"{PRELUDE}import torch\n"
        "@triton.jit\ndef double(x_ptr, N: tl.constexpr):\n"
        "    i = tl.arange(0, N)\n    tl.store(x_ptr + i, tl.load(x_ptr + i) * 2)\n"
        "x = torch.ones(8)\nmetadata = double[(1,)](x, N=8).metadata\n"
        "print(x.tolist() == [2.0] * 8, metadata.chosen_engine, metadata.engine_reason)\n"
    )

    def run(**variables):
        environment = {**os.environ, "TRITON_BACKEND": "metal", "TRITON_CACHE_DIR": str(tmp_path / "cache")}
        environment.pop("TRITON_METAL_ENGINE", None)
        done = subprocess.run(
            [sys.executable, program], env={**environment, **variables}, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    assert "True mlx there is no clang" in run(TRITON_METAL_CLANG="/nowhere/clang")
    assert "True msl" in run(), "a compiler that was installed later is used"
    assert "No clang was found" in run(TRITON_METAL_CLANG="/nowhere/clang", TRITON_METAL_ENGINE="msl")


def test_a_process_that_still_holds_kernels_ends_without_a_word(tmp_path):
    program = tmp_path / "holds.py"
    program.write_text(
        f"{PRELUDE}import numpy as np\nimport triton_metal\n"
        "@triton.jit\ndef double(x_ptr):\n    tl.store(x_ptr, tl.load(x_ptr) * 2)\n"
        "held = double[(1,)](np.ones(1))\n"
    )
    environment = {**os.environ, "TRITON_BACKEND": "metal"}
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_headers_that_were_installed_anew_are_the_same_headers(tmp_path):
    root = Path(__file__).resolve().parents[2]
    headers = tmp_path / "headers"
    shutil.copytree(root / "kernels", headers / "kernels")
    shutil.copytree(root / "runtime" / "shim", headers / "shim")
    code = (
        "import sys, numpy as np\nfrom triton_metal import _core\n"
        "text = sys.stdin.read()\n"
        "_core.Kernel(text, arch='host', engine='msl')\n"
        "print(_core.device_statistics()['compiler_calls'])\n"
    )

    def compiler_calls(constant):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "TRITON_METAL_HEADERS": str(headers),
                "TRITON_METAL_CACHE_DIR": str(tmp_path / "made"),
            },
            input=f"""module {{ tt.func public @k(%x: !tt.ptr<i32>) {{
                %c = arith.constant {constant} : i32
                tt.store %x, %c : !tt.ptr<i32>
                tt.return }} }}""",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    assert compiler_calls(1) == 2  # the precompiled header, and the kernel
    for file in headers.rglob("*"):
        os.utime(file, (1e9, 1e9))
    assert compiler_calls(1) == 0
    assert compiler_calls(2) == 2
    assert compiler_calls(3) == 1


def test_a_kernel_that_needs_too_much_threadgroup_memory_runs_all_the_same(monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", "auto")
    x = torch.arange(65536) % 7
    out = torch.zeros_like(x)
    metadata = three_scans[(1,)](x, out, SIZE=65536, engine="auto").metadata
    assert metadata.chosen_engine == "mlx" and "shared memory" in metadata.engine_reason
    assert torch.equal(out, 6 * x.cumsum(0))
