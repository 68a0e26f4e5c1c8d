# SPDX-License-Identifier: MIT
"""The driver: tells Triton about the device and launches kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from triton_metal.backend import activation
from triton_metal.backend.device_names import device_arch, mlx_device
from triton_metal.backend.triton_internals import DriverBase, GPUTarget, check_triton_version

if TYPE_CHECKING:
    import numpy as np

activation.adopt_environment()

# Larger than the last-level caches of desktop machines, small enough to clear in a few milliseconds.
BENCHMARK_CACHE_BYTES = 64 * 1024 * 1024

_CPP_TYPES = {
    "i1": "bool",
    "i8": "int8_t",
    "i16": "int16_t",
    "i32": "int32_t",
    "i64": "int64_t",
    "u1": "bool",
    "u8": "uint8_t",
    "u16": "uint16_t",
    "u32": "uint32_t",
    "u64": "uint64_t",
    "fp16": "float",
    "bf16": "float",
    "fp32": "float",
    "f32": "float",
    "fp64": "double",
}


class MetalDriver(DriverBase):
    """One device, number 0, with one stream, number 0."""

    def __init__(self) -> None:
        check_triton_version()
        from triton_metal.backend import specialize
        from triton_metal.backend.device import DeviceInterface, DeviceUtils, arch_profile
        from triton_metal.backend.launcher import MetalLauncher

        specialize.install()
        super().__init__()
        self.arch = arch_profile(device_arch())["name"]
        self.utils = DeviceUtils(self.arch, mlx_device())
        self.launcher_cls = MetalLauncher
        self._interface = DeviceInterface()

    @classmethod
    def is_active(cls) -> bool:
        return activation.is_active()

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("metal", self.arch, 32)

    def get_current_device(self) -> int:
        return 0

    def set_current_device(self, device: int) -> None:
        self._interface.set_device(device)

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_device_interface(self) -> Any:
        return self._interface

    def get_active_torch_device(self) -> Any:
        import torch

        return torch.device("cpu")

    def get_benchmarker(self) -> Callable[..., Any]:
        from triton_metal.backend.triton_internals import do_bench

        return do_bench

    def get_empty_cache_for_benchmark(self) -> np.ndarray:
        import numpy as np

        return np.empty(BENCHMARK_CACHE_BYTES, dtype=np.uint8)

    def clear_cache(self, cache: np.ndarray) -> None:
        cache.fill(0)

    def map_python_to_cpp_type(self, ty: str) -> str:
        if ty.startswith("*"):
            return "void*"
        try:
            return _CPP_TYPES[ty]
        except KeyError:
            from triton_metal.errors import UnsupportedError

            raise UnsupportedError(f"[argument] Type {ty} has no C++ counterpart on Metal.") from None

    def assemble_tensormap_to_arg(self, tensormaps_info: Any, args: Any) -> Any:
        return args

    def allocate_default_profile_scratch(self, size: int, alignment: int, stream: int | None) -> Any:
        from triton_metal.backend.device import Scratch

        return Scratch(size, alignment)
