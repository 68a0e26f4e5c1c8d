# SPDX-License-Identifier: MIT
"""Metal texts as PTX for NVIDIA GPUs: all kinds of statements compile, and wrong texts are errors."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from triton_metal import _core

TOOLS = Path(__file__).parents[2] / "tools/triton-metal-cuda"
sys.path.insert(0, str(TOOLS))


def load_tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


make_ptx = load_tool("make_ptx")
plant_faults = load_tool("plant_faults")
needs_ptxas = pytest.mark.skipif(make_ptx.ptxas() is None, reason="Triton's wheel has no ptxas here")


@triton.jit
def chain(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, tl.exp(x) * x.to(tl.float16), mask=i < n)


@triton.jit
def softmax(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * n + i, mask=i < n, other=-float("inf"))
    e = tl.exp(x - tl.max(x, 0))
    tl.store(out_ptr + tl.program_id(0) * n + i, e / tl.sum(e, 0), mask=i < n)


@triton.jit
def product(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)[:, None]
    j = tl.arange(0, BLOCK)[None, :]
    total = tl.zeros((BLOCK, BLOCK), tl.float32)
    for k in range(0, n, BLOCK):
        a = tl.load(x_ptr + i * n + k + j)
        total = tl.dot(a, a, total, input_precision="ieee")
    tl.store(out_ptr + i * BLOCK + j, total)


@triton.jit
def tickets(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.atomic_add(out_ptr + i, tl.load(x_ptr + i), mask=i < n)
    tl.atomic_max(out_ptr, 1.0)
    old = tl.atomic_cas(x_ptr.to(tl.pointer_type(tl.int32)), 0, n)
    tl.store(out_ptr + BLOCK + old, tl.cumsum(tl.load(x_ptr + i), 0).to(tl.float32).sum())


def text_of(kernel, block, warps=4):
    signature = {"x_ptr": "*fp32", "out_ptr": "*fp32", "n": "i32"}
    source = ASTSource(kernel, signature, constexprs={"BLOCK": block})
    compiled = triton.compile(
        source, target=GPUTarget("metal", "host", 32), options={"num_warps": warps, "engine": "msl"}
    )
    return _core.Kernel(compiled.asm["tt"], arch="host", engine="msl", simdgroups=warps).msl_text()


@triton.jit
def chained(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    flags = out_ptr.to(tl.pointer_type(tl.int32))
    seen = tl.atomic_poll(flags + tl.program_id(0), n, timeout_ns=n)
    tl.store(out_ptr + BLOCK + i, tl.where(seen, tl.load(x_ptr + i), 0))
    tl.atomic_xchg(flags + tl.program_id(0) + 1, n, sem="release")


KERNELS = {
    "chained": (chained, 64),
    "chain": (chain, 1024),
    "softmax": (softmax, 4096),
    "product": (product, 32),
    "tickets": (tickets, 64),
}


@pytest.fixture(scope="module")
def texts():
    return {name: text_of(*what) for name, what in KERNELS.items()}


@pytest.fixture(scope="module")
def compiled(texts):
    return {name: make_ptx.make_ptx(text, 4) for name, text in texts.items()}


@pytest.mark.parametrize("name", KERNELS)
def test_a_text_becomes_ptx(compiled, name):
    ptx = compiled[name]
    assert ".target sm_90" in ptx and len(re.findall(r"\.entry ", ptx)) == 1
    assert re.search(r"\.entry [^(]*\([^)]*\)\s*\.maxntid 128\s*\{", ptx)
    assert ".extern .func" not in ptx
    wanted = {
        "softmax": ("shfl.sync.bfly", "bar.sync"),
        "product": (".shared", "fma.rn.f32"),
        "tickets": ("atom.", "shfl.sync"),
        "chained": ("globaltimer", "ld.mmio.relaxed", "fence.acquire", "fence.release", "bar.sync"),
    }
    for instruction in wanted.get(name, ()):
        assert instruction in ptx, instruction


def test_loads_do_not_wait_for_stores(compiled):
    """Read-only arguments use read-only loads, and tiles of 32 registers stay in registers."""
    assert "ld.global.nc" in compiled["chain"]
    assert "ld.global.nc" in compiled["softmax"]
    assert "__local_depot" not in compiled["softmax"]
    assert "ld.global.nc" not in compiled["tickets"]  # it stores to both of its arguments


@needs_ptxas
@pytest.mark.parametrize("name", KERNELS)
def test_ptxas_takes_it(compiled, name):
    image, said = make_ptx.assemble(compiled[name])
    assert image[:4] == b"\x7fELF" and re.search(r"Used \d+ registers", said)
    assert "0 bytes spill stores" in said


@needs_ptxas
def test_ptxas_refuses_what_is_none(compiled):
    with pytest.raises(RuntimeError, match=r"no_such_instruction"):
        make_ptx.assemble(compiled["chain"].replace("ret;", "no_such_instruction;"))


@pytest.mark.parametrize(
    "old,new,message",
    [
        ("tm::exp(", "tm::no_such_function(", "no_such_function"),
        ("TM_END", "TM_END }", "extraneous closing brace"),
        ("device float *", "device floot *", "unknown type name 'floot'"),
        ("TM_REGION_SAFE {", "TM_REGION_SAVE {", "TM_REGION_SAVE"),
    ],
)
def test_wrong_texts_are_errors(texts, old, new, message):
    assert old in texts["chain"]
    with pytest.raises(RuntimeError, match=message):
        make_ptx.make_ptx(texts["chain"].replace(old, new), 4)


def test_what_the_device_lacks_is_an_error(texts):
    declared = 'extern "C" float of_the_host(float);\n' + texts["chain"].replace("tm::exp(", "of_the_host(")
    with pytest.raises(RuntimeError, match=r"The device has no .*of_the_host"):
        make_ptx.make_ptx(declared, 4)


# ---- the tool ----


def run(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )


def save(folder, name, text):
    (folder / name).mkdir()
    (folder / name / "launch.json").write_text(json.dumps({"msl": {"text": text, "simdgroups": 4}}))


def test_folders_of_launches(texts, tmp_path):
    save(tmp_path, "one", texts["chain"])
    save(tmp_path, "same", texts["chain"])
    done = run(TOOLS / "make_ptx.py", tmp_path, "--jobs", 1)
    assert done.returncode == 0 and "1 texts of 2 launches" in done.stdout, done.stderr
    assert (tmp_path / "one/kernel.ptx").read_text() == (tmp_path / "same/kernel.ptx").read_text()
    save(tmp_path, "wrong", texts["chain"].replace("tm::exp(", "tm::exq("))
    done = run(TOOLS / "make_ptx.py", tmp_path, "--jobs", 1)
    assert done.returncode == 1 and "1 refused" in done.stdout
    assert "wrong: " in done.stderr and "exq" in done.stderr
    assert not (tmp_path / "wrong/kernel.ptx").exists()
    done = run(TOOLS / "make_ptx.py", tmp_path / "one/nothing")
    assert done.returncode == 2 and "There is no saved launch with Metal text." in done.stderr


def test_planted_faults(texts, tmp_path):
    """Faults are a missing barrier and a store to another place; the rest of the text stays."""
    text = texts["softmax"]
    fewer = plant_faults.without_barrier(text)
    assert fewer.count("TM_BARRIER") == text.count("TM_BARRIER") - 1
    assert make_ptx.make_ptx(fewer, 4).count("bar.sync") == make_ptx.make_ptx(text, 4).count("bar.sync") - 1
    assert plant_faults.without_barrier(texts["chain"]) is None
    changed = plant_faults.past_the_end(text)
    different = [(a, b) for a, b in zip(text.splitlines(), changed.splitlines(), strict=True) if a != b]
    assert len(different) == 2  # with the mask, and without it where it always holds
    assert all(b == a.replace("[", "[(1l << 24) + ", 1) and "] = " in a for a, b in different)
    make_ptx.make_ptx(changed, 4)


def test_kernels_to_time(tmp_path):
    """Both compilers get the same source and equal launches, with everything that a launch needs."""
    done = run(TOOLS / "make_comparison.py", tmp_path, "--small", "--only", "layer norm")
    if make_ptx.ptxas() is None:
        assert done.returncode != 0 and "There is no ptxas" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    (case,) = json.loads((tmp_path / "cases.json").read_text())["cases"]
    pairs = list(zip(case["variants"][::2], case["variants"][1::2], strict=True))
    assert len(pairs) == 4
    for theirs, ours in pairs:
        assert theirs["name"].replace("triton", "msl") == ours["name"]
        assert theirs["grid"] == ours["grid"] == [64, 1, 1] and theirs["threads"] == ours["threads"]
        for variant in (theirs, ours):
            assert (tmp_path / variant["image"]).read_bytes()[:4] == b"\x7fELF"
            used = [p["buffer"] for p in variant["parameters"] if "buffer" in p]
            assert used == list(range(len(case["buffers"])))
    # row_stride, n_cols and eps: in a struct here, separately there; Triton has two more for scratch memory.
    struct = [p["constant"] for p in pairs[0][1]["parameters"] if "constant" in p]
    single = [p["bytes"] for p in pairs[0][0]["parameters"] if "bytes" in p]
    assert struct == ["".join(single[:3])] and single[3:] == ["00" * 8] * 2


@needs_ptxas
def test_kernels_of_mlx(tmp_path):
    """MLX's own texts: threadgroup variables become shared memory, and positions are those of CUDA."""
    load_tool("make_comparison")
    apple = load_tool("apple_kernels")
    folder = apple.comparison.Folder(tmp_path)
    for kernel, name in (
        (apple.softmaxes(64, 256)[0], "softmax"),
        (apple.products("half", 64)[1], "product"),
    ):
        variant = kernel.variant(name, folder)
        ptx = (tmp_path / f"{name}.ptx").read_text()
        assert variant["entry"] == "apple_kernel" and ".entry apple_kernel(" in ptx
        assert len(variant["parameters"]) == ptx.split(".entry ")[1].split(")")[0].count(".param ")
        assert "bar.sync" in ptx and "shfl.sync" in ptx and ".shared .align 16" in ptx
        assert "__local_depot" not in ptx
