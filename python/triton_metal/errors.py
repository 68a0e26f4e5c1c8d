# SPDX-License-Identifier: MIT
"""The errors of this package.

`CompileError`: the kernel is wrong. `UnsupportedError`: it is right, but this version cannot run it.
`ArgumentError`: an argument, the grid or an option of a launch is wrong. `DeviceAssertionError`: a
`tl.device_assert` of the kernel failed. `SanitizerError`: a check mode found a fault in the kernel.
`DeadlockError`: the programs of a launch wait for one another.
"""

from triton_metal._core import (
    ArgumentError,
    CompileError,
    DeadlockError,
    DeviceAssertionError,
    MetalError,
    SanitizerError,
    UnsupportedError,
)

__all__ = [
    "ArgumentError",
    "CompileError",
    "DeadlockError",
    "DeviceAssertionError",
    "MetalError",
    "SanitizerError",
    "UnsupportedError",
]
