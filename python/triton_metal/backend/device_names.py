# SPDX-License-Identifier: MIT
"""The device that launches run on, and the hardware profile that kernels are compiled for."""

from __future__ import annotations

import os
import sys


def device_arch() -> str:
    """The hardware profile: TRITON_METAL_ARCH, or that of this machine."""
    return os.environ.get("TRITON_METAL_ARCH") or "host"


def mlx_device() -> str:
    """The device that launches run on: the GPU of a Mac, the CPU elsewhere."""
    device = os.environ.get("TRITON_METAL_DEVICE") or ("gpu" if sys.platform == "darwin" else "cpu")
    if device not in ("cpu", "gpu"):
        from triton_metal.errors import ArgumentError

        raise ArgumentError(f"[TRITON_METAL_DEVICE] '{device}' is not a device: use cpu or gpu.")
    return device
