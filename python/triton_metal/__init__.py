# SPDX-License-Identifier: MIT
"""A Metal backend for Triton. Importing this package does nothing; Triton finds it by its entry point."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__"]


def __getattr__(name: str) -> Any:
    # Read on demand, because Triton imports this package during `import triton`.
    if name == "__version__":
        from importlib.metadata import version

        return version("triton-metal")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
