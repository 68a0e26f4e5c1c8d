# SPDX-License-Identifier: MIT
"""What Triton's own tools need from a driver: autotuning, heuristics, benchmarking, properties, events."""

import math
import time

import mlx.core as mx
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
import triton.testing
from backend_kernels import accumulate, add, scale

from triton_metal.backend.device import Event
from triton_metal.backend.driver import MetalDriver
from triton_metal.errors import ArgumentError, UnsupportedError

N = 1000


@pytest.fixture
def driver():
    return triton.runtime.driver.active


def configs(*blocks, **options):
    return [triton.Config({"BLOCK": block}, **options) for block in blocks]


def quick_bench(kernel_call, quantiles):
    return triton.testing.do_bench(kernel_call, warmup=1, rep=1, quantiles=quantiles)


def autotuned(kernel, configs, **options):
    options.setdefault("key", ["n"])
    options.setdefault("do_bench", quick_bench)
    return triton.autotune(configs=configs, **options)(triton.jit(kernel.fn))


def grid(meta):
    return (triton.cdiv(meta["n"], meta["BLOCK"]),)


# --- autotuning -----------------------------------------------------------------------------------


def test_autotune_picks_a_configuration_and_keeps_it():
    kernel = autotuned(add, configs(128, 256, 1024))
    x, y, out = torch.rand(N), torch.rand(N), torch.zeros(N)
    kernel[grid](x, y, out, N)
    assert torch.equal(out, x + y)
    assert kernel.best_config.kwargs["BLOCK"] in (128, 256, 1024)
    assert len(kernel.cache) == 1
    kernel[grid](x, y, out, N)
    assert len(kernel.cache) == 1
    kernel[grid](x, y, out, N - 1)
    assert len(kernel.cache) == 2


def test_autotune_with_numpy_and_mlx_arrays():
    kernel = autotuned(add, configs(128, 256))
    x, y = np.random.rand(N).astype(np.float32), np.random.rand(N).astype(np.float32)
    out = np.zeros(N, np.float32)
    kernel[grid](x, y, out, N)
    np.testing.assert_array_equal(out, x + y)
    lazy = mx.zeros(N)
    kernel[grid](mx.array(x), mx.array(y), lazy, N)
    np.testing.assert_array_equal(np.array(lazy), x + y)


def test_autotune_uses_the_drivers_benchmarker():
    kernel = triton.autotune(configs=configs(512, 1024), key=[])(triton.jit(add.fn))
    x, out = torch.rand(N), torch.zeros(N)
    kernel[grid](x, x, out, N)
    assert torch.equal(out, x + x)


def test_autotune_skips_what_does_not_fit():
    too_many_threads = triton.Config({"BLOCK": 128}, num_warps=64)
    kernel = autotuned(add, [too_many_threads, *configs(256)])
    x, out = torch.rand(N), torch.zeros(N)
    kernel[grid](x, x, out, N)
    assert kernel.best_config.num_warps == 4
    assert math.isinf(kernel.configs_timings[too_many_threads][0])


def test_reset_to_zero():
    kernel = autotuned(accumulate, configs(128, 256), reset_to_zero=["sum_ptr"])
    x, total = torch.rand(N), torch.zeros(N)
    kernel[grid](x, total, N)
    assert torch.equal(total, x)


def test_restore_value():
    kernel = autotuned(scale, configs(128, 256), restore_value=["x_ptr"])
    x = torch.ones(N)
    kernel[grid](x, 2.0, N)
    assert (x == 2).all()


def test_hooks_of_configurations():
    seen = []
    with_hook = triton.Config({"BLOCK": 128}, pre_hook=lambda arguments: seen.append(arguments["n"]))
    kernel = autotuned(add, [with_hook])
    x, out = torch.rand(N), torch.zeros(N)
    kernel[grid](x, x, out, N)
    assert seen == [N]


def test_pre_and_post_hooks():
    seen = []
    kernel = autotuned(
        add,
        configs(128, 256),
        pre_hook=lambda arguments, reset_only=False: seen.append("pre"),
        post_hook=lambda arguments, exception: seen.append(exception),
    )
    x, out = torch.rand(N), torch.zeros(N)
    kernel[grid](x, x, out, N)
    assert "pre" in seen and None in seen


def test_pruning_and_cached_results(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    for _ in range(2):
        kernel = autotuned(
            add,
            configs(64, 128, 256),
            prune_configs_by={"early_config_prune": lambda configs, arguments, **_: configs[1:]},
            cache_results=True,
        )
        x, out = torch.rand(N), torch.zeros(N)
        kernel[grid](x, x, out, N)
        assert torch.equal(out, x + x)
    assert len(list(tmp_path.glob("*/*.autotune.json"))) == 1


def test_maxnreg_in_configurations():
    kernel = autotuned(
        add, [triton.Config({"BLOCK": 128}, maxnreg=64), triton.Config({"BLOCK": 128}, maxnreg=128)]
    )
    x, out = torch.rand(N), torch.zeros(N)
    kernel[grid](x, x, out, N)
    assert torch.equal(out, x + x)


def test_configuration_with_several_ctas_is_refused():
    kernel = autotuned(add, [triton.Config({"BLOCK": 128}, num_ctas=2)])
    with pytest.raises(UnsupportedError, match="num_ctas=2"):
        kernel[grid](torch.rand(N), torch.rand(N), torch.zeros(N), N)


@triton.heuristics({"BLOCK": lambda arguments: triton.next_power_of_2(arguments["n"])})
@triton.jit
def add_in_one_block(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    mask = offsets < n
    total = tl.load(x_ptr + offsets, mask=mask) + tl.load(y_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, total, mask=mask)


def test_heuristics():
    x, out = torch.rand(N), torch.zeros(N)
    kernel = add_in_one_block[(1,)](x, x, out, N)
    assert torch.equal(out, x + x)
    assert "1024" in kernel.asm["ttir"]


# --- benchmarking ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["min", "max", "mean", "median", "all"])
def test_do_bench(mode):
    x, out = torch.rand(N), torch.zeros(N)
    result = triton.testing.do_bench(
        lambda: add[(1,)](x, x, out, N, BLOCK=1024), warmup=1, rep=2, return_mode=mode
    )
    assert min(result) > 0 if mode == "all" else result > 0


def test_do_bench_quantiles_and_gradients():
    x = torch.rand(N, requires_grad=True)
    x.grad = torch.zeros(N)
    out = torch.zeros(N)
    low, high = triton.testing.do_bench(
        lambda: add[(1,)](x, x, out, N, BLOCK=1024), warmup=1, rep=2, quantiles=[0.2, 0.8], grad_to_none=[x]
    )
    assert 0 < low <= high
    assert x.grad is None


def test_do_bench_measures_lazy_arrays_until_they_are_there():
    n = 1 << 22
    x, out = mx.random.uniform(shape=(n,)), mx.zeros(n)
    mx.eval(x, out)
    took = triton.testing.do_bench(lambda: add[(n // 1024,)](x, x, out, n, BLOCK=1024), warmup=5, rep=20)
    # Moving 48 MB takes longer than only recording the operation.
    assert took > 0.2


def test_device_bandwidth(monkeypatch, driver):
    assert triton.testing.get_dram_gbps() >= 0
    monkeypatch.setenv("TRITON_METAL_ARCH", "m3-max")
    properties = MetalDriver().utils.get_device_properties(0)
    gbps = properties["mem_clock_rate"] * properties["mem_bus_width"] * 2 / 1e6 / 8
    assert gbps == pytest.approx(400, rel=1e-3)


def test_events():
    start, end = Event(enable_timing=True), Event(enable_timing=True)
    start.record()
    time.sleep(0.01)
    end.record()
    end.synchronize()
    start.wait()
    assert end.query()
    assert 10 <= start.elapsed_time(end) < 1000


def test_events_used_wrongly():
    with pytest.raises(RuntimeError, match="recorded"):
        Event(enable_timing=True).elapsed_time(Event(enable_timing=True))
    event = Event()
    event.record()
    with pytest.raises(RuntimeError, match="enable_timing"):
        event.elapsed_time(event)
    with pytest.raises(UnsupportedError, match="processes"):
        Event(interprocess=True)


def test_synchronize_evaluates_lazy_arrays(driver):
    x, out = mx.ones(N), mx.zeros(N)
    add[(1,)](x, x, out, N, BLOCK=1024)
    driver.get_device_interface().synchronize()
    del x
    assert (np.array(out) == 2).all()


# --- the driver -----------------------------------------------------------------------------------


def test_device_interface(driver):
    interface = driver.get_device_interface()
    assert interface.is_available()
    assert (interface.device_count(), interface.current_device(), interface.current_stream()) == (1, 0, 0)
    interface.set_device(0)
    with pytest.raises(ArgumentError, match="device 1"):
        driver.set_current_device(1)


def test_driver_surface(driver):
    target = driver.get_current_target()
    assert (target.backend, target.arch, target.warp_size) == ("metal", "host", 32)
    assert driver.get_current_device() == 0
    assert driver.get_current_stream(0) == 0
    assert driver.get_active_torch_device() == torch.device("cpu")
    assert driver.get_benchmarker() is triton.testing.do_bench
    assert driver.assemble_tensormap_to_arg({}, (1, 2)) == (1, 2)
    cache = driver.get_empty_cache_for_benchmark()
    cache[:10] = 7
    driver.clear_cache(cache)
    assert not cache.any()


def test_properties(driver):
    properties = driver.utils.get_device_properties(0)
    assert properties["warpSize"] == 32
    assert properties["max_shared_mem"] == 32768
    assert properties["max_threads_per_block"] == 1024
    assert {
        "multiprocessor_count",
        "max_num_regs",
        "mem_clock_rate",
        "mem_bus_width",
        "sm_clock_rate",
    } <= set(properties)
    with pytest.raises(ArgumentError):
        driver.utils.get_device_properties(3)


@pytest.mark.parametrize(
    "ty, expected",
    [
        ("*fp32", "void*"),
        ("i1", "bool"),
        ("i32", "int32_t"),
        ("u64", "uint64_t"),
        ("fp32", "float"),
        ("fp64", "double"),
    ],
)
def test_cpp_types(driver, ty, expected):
    assert driver.map_python_to_cpp_type(ty) == expected


def test_unknown_cpp_type(driver):
    with pytest.raises(UnsupportedError, match="nvTmaDesc"):
        driver.map_python_to_cpp_type("nvTmaDesc")


@pytest.mark.parametrize("alignment", [1, 16, 128, 4096])
def test_profile_scratch(driver, alignment):
    scratch = driver.allocate_default_profile_scratch(1000, alignment, None)
    assert scratch.data_ptr() % alignment == 0


def test_mlx_device_of_the_environment(monkeypatch):
    from triton_metal.backend import driver as module

    monkeypatch.setenv("TRITON_METAL_DEVICE", "gpu")
    assert module.mlx_device() == "gpu"
    monkeypatch.setenv("TRITON_METAL_DEVICE", "tpu")
    with pytest.raises(ArgumentError, match="tpu"):
        module.mlx_device()


def test_set_active_driver():
    config = triton.runtime.driver
    own = MetalDriver()
    config.set_active(own)
    try:
        x, out = torch.rand(N), torch.zeros(N)
        triton.jit(add.fn)[(1,)](x, x, out, N, BLOCK=1024)
        assert torch.equal(out, x + x)
        assert config.active is own
    finally:
        config.reset_active()
