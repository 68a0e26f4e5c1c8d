# SPDX-License-Identifier: MIT
"""Runs a function of a test module with TRITON_INTERPRET=1, in a process of its own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def interpreted(module: str, function: str, *arguments: str) -> dict[str, np.ndarray]:
    """The arrays that `module.function(*arguments)` returns when Triton interprets the kernels."""
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    environment.pop("TRITON_BACKEND", None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        command = [sys.executable, __file__, str(path), module, function, *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        with np.load(path) as arrays:
            return dict(arrays)


if __name__ == "__main__":
    target, name, call, *rest = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parent))
    np.savez(target, **getattr(importlib.import_module(name), call)(*rest))
