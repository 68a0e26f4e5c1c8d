# SPDX-License-Identifier: MIT
"""Stages, metadata, the cache and its key, dumps and overrides, options."""

import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from backend_kernels import add, launch_add, scale
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from triton_metal.backend import compiler, device
from triton_metal.errors import ArgumentError, CompileError, MetalError, UnsupportedError

SIGNATURE = {"x_ptr": "*fp32", "y_ptr": "*fp32", "out_ptr": "*fp32", "n": "i32", "BLOCK": "constexpr"}
HOST = GPUTarget("metal", "host", 32)


def source(block=128):
    return ASTSource(add, SIGNATURE, {"BLOCK": block})


def compile_add(target=HOST, block=128, **options):
    return triton.compile(source(block), target=target, options=options)


def operands(n=300):
    x = np.random.rand(n).astype(np.float32)
    y = np.random.rand(n).astype(np.float32)
    return x, y, np.zeros(n, np.float32)


@pytest.fixture
def compilations():
    """Records for each compilation whether it was a cache hit."""
    hits = []
    triton.knobs.compilation.listener = lambda *, cache_hit, **_: hits.append(cache_hit)
    yield hits
    triton.knobs.compilation.listener = None


def forget(*kernels):
    """Drops the variants of kernels in memory, so that the cache folder is used."""
    for kernel in kernels:
        kernel.device_caches.clear()


# --- stages and metadata ------------------------------------------------------------------------


def test_stages_and_metadata():
    kernel = compile_add(num_warps=2)
    assert "tt.func public @add" in kernel.asm["ttir"]
    assert "loc(" in kernel.asm["ttir"]
    assert "@add" in kernel.asm["tt"]
    assert (kernel.metadata.name, kernel.metadata.num_warps, kernel.metadata.shared) == ("add", 2, 0)
    assert kernel.metadata.target == HOST
    assert kernel.packed_metadata == (2, 1, 0)


@pytest.mark.parametrize("arch", ["m1", "m2-pro", "m3-max", "m4", "m5"])
def test_compiles_for_a_mac_anywhere(arch):
    kernel = compile_add(GPUTarget("metal", arch, 32))
    assert kernel.metadata.arch == arch
    assert kernel.metadata.target.arch == arch


def test_other_names_of_a_chip_are_one_target():
    assert (
        compile_add(GPUTarget("metal", "M3Max", 32)).hash
        == compile_add(GPUTarget("metal", "m3-max", 32)).hash
    )


def test_unknown_chip_is_refused_with_the_known_ones():
    with pytest.raises(ArgumentError, match=r"TRITON_METAL_ARCH.*z80"):
        compile_add(GPUTarget("metal", "z80", 32))


def test_target_follows_the_environment(run_python):
    result = run_python(
        "import triton\nprint(triton.runtime.driver.active.get_current_target().arch)",
        TRITON_BACKEND="metal",
        TRITON_METAL_ARCH="m3-max",
    )
    assert result.stdout.strip() == "m3-max", result.stderr


def test_ttir_file_compiles_and_launches(tmp_path):
    path = tmp_path / "kernel.ttir"
    path.write_text(compile_add().asm["ttir"])
    kernel = triton.compile(str(path), target=HOST)
    x, y, out = operands()
    kernel[(3, 1, 1)](x, y, out, len(out))
    np.testing.assert_array_equal(out, x + y)


def test_ttir_file_with_too_few_arguments(tmp_path):
    path = tmp_path / "kernel.ttir"
    path.write_text(compile_add().asm["ttir"])
    with pytest.raises(ArgumentError, match="arguments"):
        triton.compile(str(path), target=HOST)[(3, 1, 1)](*operands())


def test_inspection_hook_sees_the_stages(fresh_cache):
    seen = []

    def hook(*arguments):
        if not arguments:
            return "key", "hash"
        seen.append(list(arguments[1]))

    triton.knobs.runtime.add_stages_inspection_hook = hook
    try:
        compile_add(block=64)
    finally:
        triton.knobs.runtime.add_stages_inspection_hook = None
    assert seen == [["ttir", "tt", "tm", "msl", "bundle"]]


@pytest.mark.usefixtures("mlx_engine")
def test_errors_of_the_compiler_reach_the_user_with_their_line(fresh_cache):
    @triton.jit
    def prints(x_ptr):
        tl.device_print("x", tl.load(x_ptr))

    with pytest.raises(
        UnsupportedError, match=re.escape(os.path.basename(__file__)) + r":\d+:\d+: \[tt\.print\]"
    ):
        prints[(1,)](np.zeros(1, np.float32))


def test_double_for_chips_without_it():
    """The msl engine computes it in software (test_float64.py), MLX has none on a GPU."""
    signature = {name: ty.replace("fp32", "fp64") for name, ty in SIGNATURE.items()}
    doubles = ASTSource(add, signature, {"BLOCK": 128})
    chip = GPUTarget("metal", "m3-max", 32)
    assert "double" in triton.compile(doubles, target=HOST).asm["msl"]
    compiled = triton.compile(doubles, target=chip)
    assert compiled.metadata.chosen_engine == "msl" and "tm::float64" in compiled.asm["msl"]
    with pytest.raises(UnsupportedError, match=r"backend_kernels\.py:\d+:\d+: .*f64"):
        triton.compile(doubles, target=chip, options={"engine": "mlx"})


# --- the cache ------------------------------------------------------------------------------------


def test_second_compilation_comes_from_the_cache(fresh_cache, compilations):
    compile_add()
    compile_add()
    assert compilations == [False, True]


def test_launch_from_a_cached_kernel(fresh_cache, compilations):
    for _ in range(2):
        forget(add)
        x, y, out = operands()
        launch_add(x, y, out)
        np.testing.assert_array_equal(out, x + y)
    assert compilations == [False, True]


def test_always_compile(fresh_cache, compilations, monkeypatch):
    monkeypatch.setenv("TRITON_ALWAYS_COMPILE", "1")
    compile_add()
    compile_add()
    assert compilations == [False, False]


@pytest.mark.parametrize(
    "options",
    [
        {"num_warps": 8},
        {"num_stages": 5},
        {"maxnreg": 64},
        {"engine": "mlx"},
        {"enable_fp_fusion": False},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_are_part_of_the_key(options):
    assert compile_add(**options).hash != compile_add().hash


def test_profile_is_part_of_the_key():
    hashes = {compile_add(GPUTarget("metal", arch, 32)).hash for arch in ("host", "m1", "m3")}
    assert len(hashes) == 3


@pytest.mark.parametrize("function", ["__version__", "mlir_version", "mlx_version"])
def test_versions_are_part_of_the_key(monkeypatch, function):
    from triton_metal import _core

    backend = compiler.MetalBackend(HOST)
    compiler._build_key.cache_clear()
    before = backend.hash()
    monkeypatch.setattr(_core, function, "other" if function == "__version__" else lambda: "other")
    compiler._build_key.cache_clear()
    after = backend.hash()
    monkeypatch.undo()
    compiler._build_key.cache_clear()
    assert before != after
    assert before == backend.hash()


def test_engine_follows_the_environment(monkeypatch):
    default = compile_add().hash
    monkeypatch.setenv("TRITON_METAL_ENGINE", "mlx")
    assert compile_add().hash != default


def test_cache_folder_that_is_a_file(tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(blocker / "cache"))
    with pytest.raises(MetalError, match=rf"\[cache\].*{blocker}.*TRITON_CACHE_DIR"):
        compile_add()
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))
    compile_add()


def test_cache_folder_without_permission(tmp_path, monkeypatch):
    """The superuser may write everywhere, so the check for permission is replaced by one that says no."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiler.os, "access", lambda path, mode: False)
    with pytest.raises(MetalError, match=r"\[cache\].*no permission.*TRITON_CACHE_DIR"):
        compile_add()


def test_cache_folder_on_a_read_only_file_system(monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", "/proc/triton-cache")
    if not os.path.isdir("/proc/self"):
        monkeypatch.setenv("TRITON_CACHE_DIR", "/dev/null/triton-cache")
    with pytest.raises(MetalError, match=r"\[cache\].*TRITON_CACHE_DIR"):
        compile_add()


def test_binaries_only_is_refused(fresh_cache, monkeypatch):
    monkeypatch.setenv("TRITON_STORE_BINARY_ONLY", "1")
    with pytest.raises(UnsupportedError, match="TRITON_STORE_BINARY_ONLY"):
        compile_add()


# --- dump and override ----------------------------------------------------------------------------


@pytest.fixture
def dumped(tmp_path, fresh_cache, monkeypatch):
    """Launches `add` with dumping on and returns the folder of the dump."""
    monkeypatch.setenv("TRITON_KERNEL_DUMP", "1")
    monkeypatch.setenv("TRITON_DUMP_DIR", str(tmp_path / "dump"))
    forget(add)
    x, y, out = operands()
    launch_add(x, y, out)
    np.testing.assert_array_equal(out, x + y)
    (folder,) = (tmp_path / "dump").iterdir()
    yield folder
    forget(add)


def test_dump_writes_every_stage(dumped):
    names = sorted(path.suffix for path in dumped.iterdir())
    assert names == [".bundle", ".msl", ".tm", ".tt", ".ttir"]
    (msl,), (tm,) = dumped.glob("*.msl"), dumped.glob("*.tm")
    assert "kernel void add(" in msl.read_text()
    assert "tm.kernel @add" in tm.read_text()


@pytest.mark.usefixtures("mlx_engine")
def test_dump_writes_every_stage_of_the_mlx_engine(dumped):
    names = sorted(path.suffix for path in dumped.iterdir())
    assert names == [".bundle", ".mlx", ".msl", ".tm", ".tt", ".ttir"]
    (mlx,) = dumped.glob("*.mlx")
    assert "3x1x1" in mlx.name
    assert "mlx." in mlx.read_text()


@pytest.mark.usefixtures("mlx_engine")
def test_dump_writes_the_operations_of_every_kind_of_launch_once(dumped):
    for _ in range(2):
        x, y, out = operands(700)
        launch_add(x, y, out)
    assert len(list(dumped.glob("*.mlx"))) == 2


@pytest.fixture
def override(tmp_path, dumped, monkeypatch):
    """Launches `add` with the given file in its override folder, beside the dumped ones."""
    monkeypatch.delenv("TRITON_KERNEL_DUMP")
    monkeypatch.setenv("TRITON_KERNEL_OVERRIDE", "1")
    monkeypatch.setenv("TRITON_ALWAYS_COMPILE", "1")
    monkeypatch.setenv("TRITON_OVERRIDE_DIR", str(tmp_path / "override"))

    def place(name, change):
        folder = tmp_path / "override" / dumped.name
        folder.mkdir(parents=True)
        (folder / name).write_text(change((dumped / name).read_text()))
        forget(add)
        x, y, out = operands()
        launch_add(x, y, out)
        return x, y, out

    return place


def test_override_replaces_a_stage(override):
    x, y, out = override("add.ttir", lambda text: text.replace("arith.addf", "arith.subf"))
    np.testing.assert_array_equal(out, x - y)


def test_malformed_override_is_a_clear_error(override, capfd):
    with pytest.raises(CompileError, match=r"\[override\] '.*add\.ttir' is not Triton IR"):
        override("add.ttir", lambda text: text.replace("arith.addf", "arith.addd"))
    # The message of the parser has the position.
    assert re.search(r"add\.ttir.*:\d+:\d+", capfd.readouterr().err)


def test_process_lives_on_after_a_malformed_override(override, monkeypatch):
    with pytest.raises(CompileError):
        override("add.ttir", lambda text: text[: len(text) // 2])
    monkeypatch.delenv("TRITON_KERNEL_OVERRIDE")
    x, y, out = operands()
    launch_add(x, y, out)
    np.testing.assert_array_equal(out, x + y)


def test_override_with_an_unknown_operation(override):
    with pytest.raises(CompileError):
        override("add.ttir", lambda text: text.replace("arith.addf", '"test.unknown"'))


def test_override_of_the_tt_stage(override):
    x, y, out = override("add.tt", lambda text: text.replace("arith.addf", "arith.mulf"))
    np.testing.assert_array_equal(out, x * y)


@pytest.mark.parametrize("change", [lambda text: text.replace("arith.addf", "arith.addd"), lambda text: ""])
def test_malformed_override_of_the_tt_stage(override, change):
    with pytest.raises(CompileError):
        override("add.tt", change)


def test_missing_override_file(tmp_path, fresh_cache):
    with pytest.raises(CompileError, match=r"missing\.ttir"):
        launch_add(*operands(), ir_override=str(tmp_path / "missing.ttir"))


def test_override_by_option(tmp_path, fresh_cache):
    path = tmp_path / "other.ttir"
    path.write_text(compile_add().asm["ttir"].replace("arith.addf", "arith.mulf"))
    forget(add)
    x, y, out = operands()
    launch_add(x, y, out, ir_override=str(path))
    np.testing.assert_array_equal(out, x * y)
    with pytest.raises(ArgumentError, match="ir_override"):
        launch_add(x, y, out, ir_override="kernel.ptx")


def test_malformed_text_of_the_last_stage():
    for text in (b"this is not IR", b"module {", b"\xff\xfe", b"", b"{", b"{}", b"{ }\n", b'{"format": 1}'):
        with pytest.raises(CompileError, match=r"^\[kernel\]"):
            device.load_kernel("kernel", text, "host", "cpu")


# --- warm-up and compiling in the background ------------------------------------------------------


def test_warmup_compiles_and_does_not_run():
    kernel = scale.warmup(torch.float32, 2.0, 100, BLOCK=128, grid=(1,))
    assert "tt.func" in kernel.asm["ttir"]
    kernel = scale.warmup(triton.runtime.jit.MockTensor(torch.float16), 2.0, 100, BLOCK=128, grid=(1,))
    assert "f16" in kernel.asm["ttir"]
    x = np.ones(100, np.float32)
    scale.warmup(x, 2.0, 100, BLOCK=128, grid=(1,))
    assert (x == 1).all()
    assert scale[(1,)](x, 2.0, 100, BLOCK=128) is not None
    assert (x == 2).all()


def test_warm_kernel_launches_by_itself():
    x, y, out = operands()
    kernel = add.warmup(x, y, out, len(out), BLOCK=128, grid=(1,))
    kernel[(3, 1, 1)](x, y, out, len(out), 128)
    np.testing.assert_array_equal(out, x + y)


def test_asynchronous_compilation(fresh_cache):
    from triton.runtime import _async_compile

    forget(add)
    x, y, out = operands()
    with ThreadPoolExecutor(2) as pool, _async_compile.AsyncCompileMode(pool):
        add.warmup(x, y, out, len(out), BLOCK=32, grid=(1,))
        add.warmup(x, y, out, len(out), BLOCK=64, grid=(1,))
    launch_add(x, y, out, block=64)
    np.testing.assert_array_equal(out, x + y)


@pytest.mark.usefixtures("mlx_engine")
def test_error_of_an_asynchronous_compilation_is_raised(fresh_cache):
    from triton.runtime import _async_compile

    @triton.jit
    def prints(x_ptr):
        tl.device_print("x", tl.load(x_ptr))

    with (
        pytest.raises(UnsupportedError, match="print"),
        ThreadPoolExecutor(1) as pool,
        _async_compile.AsyncCompileMode(pool),
    ):
        prints.warmup(np.zeros(1, np.float32), grid=(1,))


def test_preload_of_recorded_specialization_data(fresh_cache):
    recorded = []
    triton.knobs.runtime.jit_cache_hook = lambda *, compile, **_: recorded.append(
        compile["specialization_data"]
    )
    forget(add)
    x, y, out = operands()
    try:
        launch_add(x, y, out)
    finally:
        triton.knobs.runtime.jit_cache_hook = None
    forget(add)
    kernel = add.preload(recorded[0])
    assert launch_add(x, y, out).hash == kernel.hash


def test_threads_may_compile_at_once(fresh_cache):
    forget(add)
    barrier = threading.Barrier(4)

    def work(i):
        x, y, out = operands(100 + i)
        barrier.wait()
        launch_add(x, y, out, block=256)
        return (out == x + y).all()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"num_ctas": 2}, UnsupportedError, r"\[num_ctas\].*num_ctas=2"),
        ({"launch_cooperative_grid": True}, UnsupportedError, "cooperative grids"),
        ({"launch_pdl": True}, UnsupportedError, "launch_pdl"),
        ({"num_warps": 3}, ArgumentError, r"\[num_warps\] 3"),
        ({"num_warps": 0}, ArgumentError, r"\[num_warps\] 0"),
        ({"maxnreg": -1}, ArgumentError, r"\[maxnreg\] -1"),
        ({"engine": "cuda"}, UnsupportedError, r"\[engine\] 'cuda'"),
        ({"sanitize": "leak"}, ArgumentError, r"\[sanitize\] 'leak'"),
        ({"sanitize": 3}, ArgumentError, r"\[sanitize\] 3"),
        ({"sanitize": "address", "engine": "mlx"}, UnsupportedError, r"\[sanitize\].*mlx"),
        ({"extern_libs": {"lib": "lib.bc"}}, UnsupportedError, r"\[extern_libs\].*lib\.bc"),
        ({"instrumentation_mode": "consan"}, UnsupportedError, "consan"),
        ({"warp_size": 64}, ArgumentError, "32 lanes"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        compile_add(**options)
    compile_add()


@pytest.mark.parametrize("options", [{"maxnreg": 32}, {"num_stages": 1}, {"num_stages": 4}, {"num_warps": 1}])
def test_options_that_change_nothing_in_the_result(options):
    x, y, out = operands()
    launch_add(x, y, out, **options)
    np.testing.assert_array_equal(out, x + y)


def test_more_threads_than_a_program_can_have():
    x, y, out = operands()
    with pytest.raises(triton.OutOfResources, match="threads"):
        launch_add(x, y, out, num_warps=64)


@pytest.mark.parametrize("option", ["waves_per_eu", "math"])
def test_unknown_option_is_tritons_own_error(option):
    with pytest.raises(KeyError, match=option):
        launch_add(*operands(), **{option: "tf32"})


def test_check_modes_are_one_set_however_they_are_written():
    backend = compiler.MetalBackend(HOST)
    written = ("thread,address", "address,thread", " address, thread,,address")
    assert {backend.parse_options({"sanitize": text}).sanitize for text in written} == {"address,thread"}


def test_gluon_is_refused():
    from triton.backends.compiler import Language

    backend = compiler.MetalBackend(HOST)
    with pytest.raises(UnsupportedError, match="gluon"):
        backend.add_stages({}, backend.parse_options({}), Language.GLUON)


def test_specialization_data_is_json():
    options = compiler.MetalBackend(HOST).parse_options({})
    decoded = json.loads(json.dumps(options.__dict__))
    assert (
        compiler.MetalBackend(HOST).parse_options(
            {key: tuple(value) if isinstance(value, list) else value for key, value in decoded.items()}
        )
        == options
    )
