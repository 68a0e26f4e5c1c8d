# SPDX-License-Identifier: MIT
"""The overhead of a warm launch and its parts, measured by an addition of two elements with arguments of each
library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import mlx.core as mx
import numpy as np
import torch

from benchmark.operations import binary_kernel
from triton_metal import _core

GRID = (1, 1, 1)


def _mean_seconds(call: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def medians(calls: dict[str, Callable[[], Any]], rounds: int = 15, repeat: int = 50) -> dict[str, float]:
    """Median time of each call in seconds. The calls alternate, so that a disturbance affects all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        _mean_seconds(call, 10)
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(_mean_seconds(call, repeat))
    return {name: statistics.median(values) for name, values in times.items()}


def _buffer(array: np.ndarray) -> Any:
    return _core.HostBuffer(array.ctypes.data, array.ctypes.data, array.nbytes, False, array)


def launch_costs() -> list[dict[str, Any]]:
    """For each library, the microseconds of the whole `kernel[grid](...)`, of Triton's look-up of the
    compiled kernel, of our launcher (which converts the arguments), of the executor with MLX's work, and of
    MLX's own add. For MLX arguments, the executor's time includes the evaluation of the lazy result."""
    results = []
    for library, make in (
        ("PyTorch", lambda: torch.ones(2)),
        ("NumPy", lambda: np.ones(2, np.float32)),
        ("MLX", lambda: mx.ones(2)),
    ):
        x, y, out = make(), make(), make()
        lazy = library == "MLX"
        evaluate = mx.eval if lazy else lambda _: None
        evaluate([x, y, out])
        compiled = binary_kernel[GRID](x, y, out, 2, OPERATION="add", BLOCK=128)
        values = [x, y, out] if lazy else [_buffer(np.asarray(argument)) for argument in (x, y, out)]
        a, b = mx.ones(2), mx.ones(2)
        mx.eval(a, b)

        def whole(x=x, y=y, out=out, evaluate=evaluate):
            binary_kernel[GRID](x, y, out, 2, OPERATION="add", BLOCK=128)
            evaluate(out)

        def launcher(x=x, y=y, out=out, evaluate=evaluate, launch=compiled[GRID]):
            launch(x, y, out, 2, "add", 128)
            evaluate(out)

        def executor(values=values, out=out, evaluate=evaluate, kernel=compiled.function):
            kernel.launch(GRID, [*values, 2])
            evaluate(out)

        def mlx_alone(a=a, b=b):
            mx.eval(a + b)

        seconds = medians(
            {"whole": whole, "launcher": launcher, "executor": executor, "MLX alone": mlx_alone}
        )
        parts = {
            "whole launch": seconds["whole"],
            "Triton's look-up": seconds["whole"] - seconds["launcher"],
            "launcher": seconds["launcher"] - seconds["executor"],
            "executor": seconds["executor"],
            "MLX's own add": seconds["MLX alone"],
        }
        results.append(
            {"arguments": library, "microseconds": {name: time * 1e6 for name, time in parts.items()}}
        )
    return results
