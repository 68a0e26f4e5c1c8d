# SPDX-License-Identifier: MIT
"""The device as Triton's tools see it: properties, events, loading of compiled kernels."""

from __future__ import annotations

import functools
import threading
import time
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from triton_metal import _core
from triton_metal.errors import ArgumentError, CompileError, UnsupportedError


class _Unfinished(threading.local):
    """MLX arrays that launches of this thread have stored to and that may still be unevaluated."""

    def __init__(self) -> None:
        self.arrays: WeakValueDictionary[int, Any] = WeakValueDictionary()


_unfinished = _Unfinished()


def note_unfinished(array: Any) -> None:
    """Remembers a lazy array that a launch has stored to, without keeping it alive."""
    _unfinished.arrays[id(array)] = array


def synchronize() -> None:
    """Waits for everything that this thread has launched. Only MLX arrays can be outstanding, because other
    launches are finished when they return."""
    arrays = _unfinished.arrays
    if arrays:
        import mlx.core as mx

        waiting = list(arrays.values())
        arrays.clear()
        mx.eval(waiting)


class Event:
    """A point in time after everything launched before it has finished."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        if interprocess:
            raise UnsupportedError("[Event] Events are not shared between processes.")
        self._timed = enable_timing
        self._time: int | None = None

    def record(self, stream: Any = None) -> None:
        synchronize()
        self._time = time.perf_counter_ns()

    def wait(self, stream: Any = None) -> None:
        """Does nothing: recording has waited."""

    def synchronize(self) -> None:
        """Does nothing: recording has waited."""

    def query(self) -> bool:
        return True

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to `end_event`."""
        if not (self._timed and end_event._timed):
            raise RuntimeError("[Event] elapsed_time needs events made with enable_timing=True.")
        if self._time is None or end_event._time is None:
            raise RuntimeError("[Event] elapsed_time needs two recorded events.")
        # Never 0, because benchmarks divide by it.
        return max(end_event._time - self._time, 1) * 1e-6


class DeviceInterface:
    """The counterpart of `torch.cuda` in the CUDA backend, without PyTorch."""

    Event = Event

    @staticmethod
    def synchronize(device: Any = None) -> None:
        synchronize()

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def set_device(device: int) -> None:
        if device not in (0, None):
            raise ArgumentError(f"[device] There is one device, number 0; device {device} does not exist.")

    @staticmethod
    def current_stream(device: Any = None) -> int:
        return 0


class DeviceUtils:
    """Loads compiled kernels and reports properties of the device."""

    def __init__(self, arch: str, mlx_device: str) -> None:
        self._arch = arch
        self._mlx_device = mlx_device

    @functools.cached_property
    def _properties(self) -> dict[str, Any]:
        profile = arch_profile(self._arch)
        # Triton's get_dram_gbps() multiplies clock and width to get the bandwidth; 0 means unknown.
        width = 128
        clock_khz = round((profile["bandwidth_gbps"] or 0) * 8e6 / (2 * width))
        return {
            "name": profile["title"],
            "arch": profile["name"],
            "warpSize": profile["simd_width"],
            "max_shared_mem": profile["threadgroup_memory"],
            "max_threads_per_block": profile["max_threads_per_threadgroup"],
            # Apple does not publish the size of the register file.
            "max_num_regs": 0,
            "multiprocessor_count": profile["gpu_cores"] or 1,
            "sm_clock_rate": 0,
            "mem_clock_rate": clock_khz,
            "mem_bus_width": width,
        }

    def get_device_properties(self, device: int) -> dict[str, Any]:
        DeviceInterface.set_device(device)
        return dict(self._properties)

    def load_binary(
        self, name: str, binary: bytes, shared: int, device: int
    ) -> tuple[Any, Any, int, int, int]:
        """Returns module, function, registers, spills and the maximum number of threads in a program."""
        kernel = load_kernel(name, binary, self._arch, self._mlx_device)
        return kernel, kernel, 0, 0, self._properties["max_threads_per_block"]

    def reload(self, name: str, binary: bytes) -> Any:
        return load_kernel(name, binary, self._arch, self._mlx_device)

    def unload_module(self, module: Any) -> None:
        """Does nothing: the kernel is freed with its last reference."""


def arch_profile(arch: str) -> dict[str, Any]:
    """The hardware profile called `arch`. Raises ArgumentError with the known names for any other one."""
    try:
        return _core.profile(arch)
    except ValueError as error:
        raise ArgumentError(f"[TRITON_METAL_ARCH] {error}") from None


def load_kernel(name: str, binary: bytes, arch: str, mlx_device: str) -> Any:
    try:
        text = binary.decode()
    except UnicodeDecodeError as error:
        raise CompileError(f"[{name}] The compiled kernel is not text: {error}.") from None
    if not text.startswith("{"):
        raise CompileError(f"[{name}] This is not a kernel that triton-metal has compiled.")
    return _core.Kernel(text, arch=arch, device=mlx_device)


class Scratch:
    """Zeroed host memory with the interface of a Triton buffer."""

    def __init__(self, size: int, alignment: int) -> None:
        self._memory = np.zeros(size + alignment, dtype=np.uint8)
        self._address = -(-self._memory.ctypes.data // alignment) * alignment

    def data_ptr(self) -> int:
        return self._address
