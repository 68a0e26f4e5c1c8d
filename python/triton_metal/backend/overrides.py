# SPDX-License-Identifier: MIT
"""Files with which the user replaces a stage (TRITON_KERNEL_OVERRIDE, the option `ir_override`)."""

from __future__ import annotations

from pathlib import Path

from triton_metal.backend import triton_internals

# Stages of the compiler in this package; Triton reads .ttir itself.
STAGES = ("tt", "tm", "msl", "bundle")


def install() -> None:
    """Makes Triton read files of our stages, and name a file that it cannot read."""
    triton_internals.read_overrides_with(_read, STAGES)


def _read(path: Path) -> str | bytes:
    from triton_metal.errors import CompileError

    try:
        return path.read_bytes() if path.suffix == ".bundle" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CompileError(f"[override] '{path}' cannot be read: {error}.") from error
