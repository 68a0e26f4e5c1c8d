# SPDX-License-Identifier: MIT
"""Files that the user puts in place of a stage (TRITON_KERNEL_OVERRIDE, the option `ir_override`).

Triton reads them with a function that knows its own stages only, and whose error for a malformed file does
not name the file. It is wrapped here; other backends' files pass through.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from triton.compiler import compiler


def install() -> None:
    """Makes Triton read our last stage too, and name a file that it cannot read."""
    original = compiler.parse
    if getattr(original, "reads_metal_stages", False):
        return

    @functools.wraps(original)
    def parse(full_name: str, ext: str, context: Any) -> Any:
        if ext == "tt":
            return Path(full_name).read_bytes()
        try:
            return original(full_name, ext, context)
        except RuntimeError as error:
            if ext != "ttir":
                raise
            from triton_metal.errors import CompileError

            raise CompileError(
                f"[override] '{full_name}' is not Triton IR that can be read; its parser has written the "
                "place and "
                "the reason to standard error."
            ) from error

    parse.reads_metal_stages = True
    compiler.parse = parse
