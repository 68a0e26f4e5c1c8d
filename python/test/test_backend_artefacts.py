# SPDX-License-Identifier: MIT
"""The stages of a compilation: what each keeps, how often work is done, texts that replace them, and the
bundle that launches are made from."""

import json
import re

import numpy as np
import pytest
import triton
import triton.language as tl
from backend_kernels import add, launch_add
from test_backend_compile import HOST, compile_add, forget, operands, source

from triton_metal import _core
from triton_metal.backend import device
from triton_metal.errors import CompileError, UnsupportedError


def done_since(before):
    """What the compiler of this process has done since `before`."""
    now = _core.compiler_statistics()
    return {name: now[name] - before[name] for name in now}


# --- what the stages hold -------------------------------------------------------------------------


def test_every_stage_can_be_read():
    kernel = compile_add()
    assert set(kernel.asm) == {"source", "ttir", "tt", "tm", "msl", "bundle"}
    assert "tm.kernel @add" in kernel.asm["tm"] and "loc(" in kernel.asm["tm"]
    assert "kernel void add(" in kernel.asm["msl"]
    x, y, out = operands()
    kernel[(3, 1, 1)](x, y, out, len(out), 128)
    assert kernel.function.msl_text() == kernel.asm["msl"]
    np.testing.assert_array_equal(out, x + y)


def test_the_choice_is_a_typed_attribute():
    kernel = compile_add(num_warps=2, sanitize="undefined,address", enable_fp_fusion=False)
    assert re.search(
        r'tt\.target = #tt\.target<arch = "host", device = cpu, requested = auto, engine = msl, '
        r'reason = "one fused kernel", simdgroups = 2, fp_fusion = false, checks = address\|undefined>',
        kernel.asm["tt"],
    )


def test_stages_of_the_mlx_engine_say_why_there_is_nothing():
    kernel = compile_add(engine="mlx")
    for stage in ("tm", "msl"):
        assert re.fullmatch(r"// There is no .*mlx engine.*it was asked for.*\n", kernel.asm[stage])
    bundle = json.loads(kernel.asm["bundle"])
    assert bundle["engine"] == "mlx" and bundle["msl"] is None and "tt.func" in "\n".join(bundle["tt"])


def test_the_bundle_is_for_people_too():
    bundle = json.loads(compile_add().asm["bundle"])
    assert list(bundle)[:6] == ["format", "version", "kernel", "target", "engine", "reason"]
    assert bundle["target"]["arch"] == "host" and bundle["engine"] == "msl"
    assert [row["name"] for row in bundle["parameters"]] == ["x_ptr", "y_ptr", "out_ptr", "n"]
    assert [row["stored"] for row in bundle["parameters"]] == [False, False, True, False]
    assert "\n".join(bundle["msl"]["text"]) == compile_add().asm["msl"]
    assert "\n".join(bundle["tt"]) == compile_add().asm["tt"]
    assert len(bundle["accesses"]["accesses"]) == 3


@triton.jit
def everything(x_ptr, big_ptr, out_ptr, n: tl.int64, scale, flag: tl.int1, B: tl.constexpr):
    i = tl.program_id(1) * B + tl.arange(0, B)
    x = tl.load(x_ptr + (i * 3) % n, mask=(i < n) & flag, other=0.0)
    for k in range(n):
        x += tl.load(big_ptr + k * 2)
    tl.device_print('x: 100% "quoted"\t', x)
    tl.device_assert(x == x, "not a number")
    tl.store(out_ptr + i, x * scale, mask=i < n)


def test_a_bundle_says_the_same_as_the_kernel_it_was_made_of(fresh_cache):
    """What the launcher reads from the bundle is what it would work out from the Triton IR in it."""
    x = np.ones(64, np.float32)
    kernel = everything.warmup(x, x, x, 64, 2.0, True, B=16, grid=(1,), debug=True, sanitize="address")
    bundled = _core.Kernel(kernel.asm["bundle"].decode(), arch="host")
    made = _core.Kernel(kernel.asm["tt"], arch="host")
    for name in ("name", "engine", "engine_reason", "parameters", "stored", "specialized"):
        assert getattr(bundled, name) == getattr(made, name), name
    assert bundled.msl_text() == made.msl_text() and bundled.msl_facts() == made.msl_facts()
    rewritten = _core.Compilation(_core.Target(arch="host"))
    msl = rewritten.msl(rewritten.tm(kernel.asm["tt"]))
    assert rewritten.bundle(msl).encode() == kernel.asm["bundle"]


# --- how often work is done -----------------------------------------------------------------------


def test_a_cold_compile_lowers_and_prints_once(fresh_cache):
    forget(add)
    before = _core.compiler_statistics()
    x, y, out = operands()
    launch_add(x, y, out)
    assert done_since(before) == {"parsed": 1, "lowered": 1, "printed": 1}
    before = _core.compiler_statistics()
    launch_add(x, y, out)
    assert done_since(before) == {"parsed": 0, "lowered": 0, "printed": 0}


def test_dumping_lowers_nothing_again(fresh_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_KERNEL_DUMP", "1")
    monkeypatch.setenv("TRITON_DUMP_DIR", str(tmp_path / "dump"))
    forget(add)
    before = _core.compiler_statistics()
    launch_add(*operands())
    assert done_since(before) == {"parsed": 1, "lowered": 1, "printed": 1}


START = """
import json
import numpy as np
import triton
import triton.language as tl
from triton_metal import _core

@triton.jit
def scale(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=i < n) * 2, mask=i < n)

x, out = np.arange(100, dtype=np.float32), np.zeros(100, np.float32)
kernel = scale[(2,)](x, out, 100, B=64)
assert (out == x * 2).all()
print(json.dumps(_core.compiler_statistics()))
OVERLAP
"""


def test_a_cached_start_reads_no_ir_and_lowers_nothing(run_python, tmp_path):
    counts = []
    for _ in range(2):
        result = run_python(
            START.replace("OVERLAP", ""),
            TRITON_BACKEND="metal",
            TRITON_METAL_CACHE_DIR=str(tmp_path / "objects"),
        )
        assert result.returncode == 0, result.stderr
        counts.append(json.loads(result.stdout))
    assert counts == [
        {"parsed": 1, "lowered": 1, "printed": 1},
        {"parsed": 0, "lowered": 0, "printed": 0},
    ]


def test_what_only_some_launches_need_is_made_from_the_bundle(run_python):
    """Overlapping arguments need another text, which is lowered from the Triton IR in the bundle."""
    overlap = (
        "scale[(2,)](x, x[:50], 50, B=64)\n"
        "assert (x[:50] == 2 * np.arange(50)).all()\n"
        "print(json.dumps(_core.compiler_statistics()))\n"
    )
    for expected in (1, 0):
        result = run_python(START.replace("OVERLAP", overlap), TRITON_BACKEND="metal")
        assert result.returncode == 0, result.stderr
        first, second = map(json.loads, result.stdout.splitlines())
        assert first["lowered"] == expected and second["lowered"] > expected


# --- texts in place of stages ---------------------------------------------------------------------


@pytest.fixture
def replace(tmp_path, fresh_cache):
    """Compiles `add` with a changed text in place of a stage and launches it."""

    def launch(stage, change, **options):
        kernel = compile_add(**options)
        path = tmp_path / f"other.{stage}"
        text = kernel.asm[stage]
        changed = change(text)
        assert changed != text
        path.write_text(changed)
        forget(add)
        x, y, out = operands()
        replaced = launch_add(x, y, out, ir_override=str(path), **options)
        return x, y, out, replaced

    return launch


@pytest.mark.parametrize(
    "stage, before, after",
    [
        ("ttir", "arith.addf", "arith.mulf"),
        ("tt", "arith.addf", "arith.mulf"),
        ("tm", "arith.addf", "arith.mulf"),
        ("msl", r"= (v\d+) \+ (v\d+);", r"= \1 * \2;"),
    ],
)
def test_a_stage_can_be_replaced(replace, stage, before, after):
    x, y, out, kernel = replace(stage, lambda text: re.sub(before, after, text))
    np.testing.assert_array_equal(out, x * y)
    assert re.search(r"v\d+ \* v\d+;", kernel.asm["msl"])
    assert kernel.function.msl_text() == kernel.asm["msl"]


def test_a_replaced_stage_is_kept_for_the_next_start(replace, fresh_cache):
    *_, kernel = replace("msl", lambda text: f"{text}// by hand\n")
    assert kernel.asm["msl"].endswith("// by hand\n")
    loaded = device.load_kernel("add", kernel.asm["bundle"], "host", "cpu")
    assert loaded.msl_text() == kernel.asm["msl"]


def test_stages_in_the_folder_of_overrides(fresh_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_OVERRIDE_DIR", str(tmp_path / "override"))
    text = compile_add().asm["msl"]
    folder = tmp_path / "override" / triton.runtime.cache.get_override_manager(source().hash()).key
    folder.mkdir(parents=True)
    (folder / "add.msl").write_text(re.sub(r"= (v\d+) \+ (v\d+);", r"= \1 - \2;", text))
    monkeypatch.setenv("TRITON_KERNEL_OVERRIDE", "1")
    monkeypatch.setenv("TRITON_ALWAYS_COMPILE", "1")
    x, y, out = operands()
    compile_add()[(3, 1, 1)](x, y, out, len(out), 128)
    np.testing.assert_array_equal(out, x - y)


def test_the_engine_of_a_replaced_tt_is_what_its_target_says(replace):
    def to_mlx(text):
        return text.replace("engine = msl", "engine = mlx").replace("one fused kernel", "a test")

    x, y, out, kernel = replace("tt", to_mlx)
    np.testing.assert_array_equal(out, x + y)
    assert kernel.metadata.chosen_engine == kernel.function.engine == "mlx"
    assert kernel.metadata.engine_reason == "a test"


def test_a_replaced_tt_without_a_target_gets_one(replace):
    x, y, out, kernel = replace("tt", lambda text: re.sub(r" attributes \{tt\.target = [^}]*\}", "", text))
    np.testing.assert_array_equal(out, x + y)
    assert kernel.function.engine == "msl"


@pytest.mark.parametrize(
    "before, after, message",
    [
        ("simdgroups = 4", "simdgroups = 3", "power of two"),
        ('arch = "host"', 'arch = "z80"', "'z80' is not a hardware profile"),
        ("engine = msl", "engine = auto", "has to be chosen"),
        ("engine = msl", "engine = cuda", "engine"),
        ("checks = none", "checks = leaks", "checks"),
        ("requested = auto", "requested = mlx", "msl was chosen where mlx was asked for"),
    ],
)
def test_a_wrong_target_is_refused(replace, before, after, message):
    with pytest.raises(CompileError, match=message):
        replace("tt", lambda text: text.replace(before, after))


def test_a_target_of_another_kind_is_refused(replace):
    with pytest.raises(CompileError, match=r"\[tt\.target\].*#tt\.target"):
        replace("tt", lambda text: re.sub(r"#tt\.target<[^>]*>", "{engine = 1 : i32}", text))


@pytest.mark.parametrize("stage", ["tm", "msl"])
def test_the_mlx_engine_has_nothing_to_replace(replace, stage):
    with pytest.raises(UnsupportedError, match=r"\[override\].*mlx"):
        replace(stage, lambda text: text + "// more\n", engine="mlx")


def test_a_tm_of_another_kernel_is_refused(replace):
    with pytest.raises(CompileError, match=r"\[override\].*other parameters"):
        replace("tm", lambda text: _other().asm["tm"])
    with pytest.raises(CompileError):
        replace("tm", lambda text: text[: len(text) // 2])


def _other():
    x = np.zeros(16, np.float32)
    return everything.warmup(x, x, x, 64, 2.0, True, B=16, grid=(1,))


@pytest.mark.parametrize("stage", ["tt", "tm", "msl"])
def test_a_missing_file_is_named(fresh_cache, tmp_path, stage):
    with pytest.raises(CompileError, match=rf"\[override\] '.*missing\.{stage}'"):
        launch_add(*operands(), ir_override=str(tmp_path / f"missing.{stage}"))


# --- damaged and foreign bundles ------------------------------------------------------------------


def load(text):
    return device.load_kernel("add", text if isinstance(text, bytes) else text.encode(), "host", "cpu")


def test_a_bundle_of_another_version_is_refused():
    text = compile_add().asm["bundle"].decode()
    with pytest.raises(CompileError, match=r"version 99.*compile it again"):
        load(text.replace('"version": 1,', '"version": 99,'))
    with pytest.raises(CompileError, match="not a kernel that triton-metal has compiled"):
        load('{"format": "something else"}')


def test_a_damaged_bundle_is_refused_wherever_it_is_cut():
    text = compile_add().asm["bundle"]
    for size in range(1, len(text) - 2, max(len(text) // 50, 1)):
        with pytest.raises(CompileError, match=r"\[kernel\]|\[add\]"):
            load(text[:size])


def _change(path, value):
    def change(bundle):
        *heads, last = path
        for key in heads:
            bundle = bundle[key]
        if value is None:
            del bundle[last]
        else:
            bundle[last] = value

    return change


NODES = "nodes: [operation, bits, a, b, c, value]"


@pytest.mark.parametrize(
    "path, value",
    [
        (["engine"], "cuda"),
        (["engine"], 7),
        (["tt"], None),
        (["tt"], [1, 2]),
        (["msl"], None),
        (["target", "arch"], 3),
        (["parameters", 0, "stored"], "yes"),
        (["parameters", 0, "type"], "f32"),
        (["msl", "text"], None),
        (["msl", "parameters", 0, "buffer"], 7),
        (["msl", "parameters", 1, "buffer"], 0),
        (["msl", "parameters", 3, "offset"], 400),
        (["msl", "arguments_buffer"], 9),
        (["msl", "parameters"], []),
        (["accesses", NODES, 0, 0], "frobnicate"),
        (["accesses", NODES, -1, 2], 10000),
        (["accesses", "accesses", 0, "offset"], 10000),
        (["accesses", "accesses", 0, "offset"], -1),
        (["accesses", "accesses", 0, "conditions"], [10000]),
        (["accesses", "accesses", 0, "parameter"], 40),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, list) else None,
)
def test_a_changed_bundle_is_refused(path, value):
    bundle = json.loads(compile_add().asm["bundle"])
    _change(path, value)(bundle)
    with pytest.raises(CompileError, match=r"\[kernel\] The compiled kernel is damaged"):
        load(json.dumps(bundle))


def test_a_bundle_may_be_formatted_otherwise():
    bundle = json.loads(compile_add().asm["bundle"])
    kernel = load(json.dumps(bundle, indent=1))
    assert kernel.engine == "msl"


def test_another_device_than_compiled_for_takes_the_ir():
    kernel = compile_add(target=triton.backends.compiler.GPUTarget("metal", "m3", 32))
    assert 'arch = "m3"' in kernel.asm["tt"] and HOST.arch == "host"
    before = _core.compiler_statistics()
    loaded = device.load_kernel("add", kernel.asm["bundle"], "host", "cpu")
    assert loaded.engine == "msl" and done_since(before)["lowered"] == 1
