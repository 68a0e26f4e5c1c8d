# SPDX-License-Identifier: MIT
"""Checks Metal's rules for types and address spaces with clang's C++ for OpenCL. Nothing runs."""

from __future__ import annotations

import re
import subprocess

from .harness import ROOT, SHIM, compiler

CHECK = SHIM / "check"
# Without a generic address space, a pointer or reference that names none belongs to the thread, which shows
# where one is missing. However, clang's implicit copies of structs need the generic one.
_COPY = re.compile(r"no viable overloaded '='|no matching constructor|no viable constructor copying")


def errors(text: str) -> list[str]:
    """Clang's errors; empty for a correct text."""
    found: list[str] = []
    flags = (CHECK / "compile_flags.txt").read_text().split()
    for generic in (True, False):
        options = (
            flags if generic else [f.replace("+__opencl_c_generic", "-__opencl_c_generic") for f in flags]
        )
        done = subprocess.run(
            [compiler(), *options, f"-I{CHECK}", f"-I{ROOT / 'kernels'}", "-"],
            input=text,
            capture_output=True,
            text=True,
        )
        lines = [line for line in done.stderr.splitlines() if "error:" in line]
        if done.returncode and not lines:
            raise RuntimeError(done.stderr[:2000])
        found += [line for line in lines if generic or not _COPY.search(line)]
    return list(dict.fromkeys(found))
