# SPDX-License-Identifier: MIT
"""What a warm launch costs beyond the work: an addition of one element, for arguments of each library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import mlx.core as mx
import numpy as np
import torch

from benchmark.operations import binary_kernel


def microseconds(call: Callable[[], Any], rounds: int = 7, calls: int = 100) -> float:
    """Median over rounds of the mean time of a call."""
    for _ in range(10):
        call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times) * 1e6


def launch_costs() -> list[dict[str, Any]]:
    """For each library: the whole `kernel[grid](...)`, and what is left of it without Triton's look-up of the
    compiled kernel. For MLX both include the evaluation of the lazy result."""
    results = []
    for library, make, evaluate in (
        ("PyTorch", lambda: torch.ones(1), None),
        ("NumPy", lambda: np.ones(1, np.float32), None),
        ("MLX", lambda: mx.ones(1), mx.eval),
    ):
        x, y, out = make(), make(), make()
        if evaluate is not None:
            evaluate(x, y, out)
        compiled = binary_kernel[(1,)](x, y, out, 1, OPERATION="add", BLOCK=128)

        def whole(x=x, y=y, out=out, evaluate=evaluate):
            binary_kernel[(1,)](x, y, out, 1, OPERATION="add", BLOCK=128)
            if evaluate is not None:
                evaluate(out)

        def launcher(x=x, y=y, out=out, evaluate=evaluate, compiled=compiled):
            compiled[(1, 1, 1)](x, y, out, 1, "add", 128)
            if evaluate is not None:
                evaluate(out)

        costs = {"launch_us": microseconds(whole), "without_lookup_us": microseconds(launcher)}
        results.append({"arguments": library, **costs})
    return results
