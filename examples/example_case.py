# SPDX-License-Identifier: MIT
"""How the examples describe what they run, so that each runs by itself and the demo can run them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Case:
    """One run of an example on given data: `run` launches the kernels, `expected` computes the reference."""

    name: str
    size: str
    run: Callable[[], Sequence[Any]]
    expected: Callable[[], Sequence[Any]]
    tolerance: float
    interpretable: bool = True  # TRITON_INTERPRET=1 takes only torch tensors

    def error(self) -> float:
        """The largest error of any output: relative where the reference is above one, else absolute."""
        worst = 0.0
        for got, want in zip(self.run(), self.expected(), strict=True):
            got, want = as_float64(got), as_float64(want)
            if got.shape != want.shape:
                return float("inf")
            difference = np.abs(got - want) / np.maximum(1.0, np.abs(want))
            worst = max(worst, float(np.max(difference, initial=0.0)))
            if np.isnan(difference).any():
                return float("inf")
        return worst


def as_float64(values: Any) -> np.ndarray:
    """A NumPy copy of a torch tensor, MLX array or NumPy array."""
    if hasattr(values, "double"):  # torch; NumPy has no bfloat16
        values = values.detach().cpu().double().numpy()
    return np.array(values, dtype=np.float64)


def main(cases: Iterable[Case]) -> int:
    """Runs the cases and prints a line for each. Returns the exit code."""
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    failed = False
    for case in cases:
        if interpreted and not case.interpretable:
            continue
        error = case.error()
        ok = error <= case.tolerance
        failed |= not ok
        print(f"{case.name:32} {case.size:28} max error {error:.2e}  {'ok' if ok else 'WRONG'}")
    return int(failed)
