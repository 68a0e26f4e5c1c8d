# SPDX-License-Identifier: MIT
"""The errors of this package.

`CompileError`: the kernel is wrong. `UnsupportedError`: it is right, but this version cannot run it.
`ArgumentError`: an argument, the grid or an option of a launch is wrong.
"""

from triton_metal._core import ArgumentError, CompileError, MetalError, UnsupportedError

__all__ = ["ArgumentError", "CompileError", "MetalError", "UnsupportedError"]
