# SPDX-License-Identifier: MIT
"""The same kernels with TRITON_INTERPRET=1, in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MARKS = {"add of 1M": 1000, "matmul of 512": 100}


def cases(small: bool) -> dict[str, Callable[[], Any]]:
    import torch
    import triton

    from benchmark.operations import binary_kernel, matmul

    n, size = (1 << 14, 64) if small else (1 << 20, 512)
    x, y, out = torch.randn(n), torch.randn(n), torch.empty(n)
    a, b = torch.randn(size, size), torch.randn(size, size)
    grid = (triton.cdiv(n, 1024),)
    return {
        "add of 1M": lambda: binary_kernel[grid](x, y, out, n, OPERATION="add", BLOCK=1024),
        "matmul of 512": lambda: matmul.matmul(a, b),
    }


def _seconds(call: Callable[[], Any], repetitions: int) -> float:
    call()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def interpreter_ratios(small: bool) -> list[dict[str, Any]]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRITON_")}
    environment["TRITON_INTERPRET"] = "1"
    command = [sys.executable, "-m", "benchmark.interpreted"] + (["--small"] if small else [])
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=900, check=True
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    rows = []
    for name, call in cases(small).items():
        ours = _seconds(call, 9)
        rows.append(
            {
                "case": name,
                "triton_ms": ours * 1e3,
                "interpreter_ms": theirs[name] * 1e3,
                "ratio": theirs[name] / ours,
                "mark": MARKS[name],
            }
        )
    return rows


if __name__ == "__main__":
    # One run is enough, since the interpreter takes seconds.
    times = {}
    for name, call in cases("--small" in sys.argv).items():
        start = time.perf_counter()
        call()
        times[name] = time.perf_counter() - start
    print(json.dumps(times))
