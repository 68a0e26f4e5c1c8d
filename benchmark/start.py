# SPDX-License-Identifier: MIT
"""The cost of the first launch of a kernel in a new process: compiled, and found in the caches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def _first_call(compile_other: bool) -> dict[str, Any]:
    """The time of the first launch of the add kernel in this process, without imports. With `compile_other`,
    it also excludes what Triton does once in each process (it reads its own library), and what the first
    compilation on a machine prepares for all others."""
    import torch

    from benchmark.operations import binary_kernel, unary_kernel
    from triton_metal import _core

    x, out = torch.ones(1000), torch.zeros(1000)
    if compile_other:
        unary_kernel[(8,)](x, out, 1000, OPERATION="exp", BLOCK=128)
    before = _core.device_statistics()
    start = time.perf_counter()
    binary_kernel[(8,)](x, x, out, 1000, OPERATION="add", BLOCK=128)
    seconds = time.perf_counter() - start
    after = _core.device_statistics()
    assert out.tolist() == [2.0] * 1000
    calls = after["compiler_calls"] - before["compiler_calls"]
    return {
        "seconds": seconds,
        "compiler_calls": calls,
        "disk_hits": after["disk_hits"] - before["disk_hits"],
    }


def start_costs() -> list[dict[str, Any]]:
    """First launches of a kernel that was never compiled, of one that is in the caches, and of the latter as
    the very first launch in its process."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "TRITON_CACHE_DIR": f"{folder}/triton",
            "TRITON_METAL_CACHE_DIR": f"{folder}/metal",
            "TRITON_BACKEND": "metal",
        }
        for name, other, limit in (
            ("first compile", True, 0.6),
            ("from the caches", True, 0.06),
            ("from the caches, first launch of the process", False, None),
        ):
            command = [sys.executable, "-m", "benchmark.start", "other" if other else "alone"]
            done = subprocess.run(
                command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
            )
            results.append({"start": name, "mark": limit, **json.loads(done.stdout.splitlines()[-1])})
    return results


if __name__ == "__main__":
    print(json.dumps(_first_call(sys.argv[1] == "other")))
