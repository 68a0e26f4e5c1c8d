# SPDX-License-Identifier: MIT
"""The check modes find every mutation of the printed text that makes it wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = ("softmax", "product", "scan", "while", "gather", "histogram", "tickets")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    target = tmp_path_factory.mktemp("mutants") / "outcomes.json"
    script = Path(__file__).with_name("mutate_kernels.py")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TRITON_METAL_TECHNIQUE")}
    done = subprocess.run(
        [sys.executable, str(script), str(target)],
        cwd=script.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(target.read_text())


def changes(outcomes: dict[str, str], kind: str) -> dict[str, str]:
    """The outcomes of those mutations that the launch reached."""
    found = {where: what for where, what in outcomes.items() if where.startswith(kind)}
    return {where: what for where, what in found.items() if what != "not reached"}


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_text_as_it_is(outcomes: dict[str, dict[str, str]], kernel: str) -> None:
    assert outcomes[kernel][""] == "right"


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_deleted_barrier_is_a_race(outcomes: dict[str, dict[str, str]], kernel: str) -> None:
    """This also shows that no barrier is superfluous."""
    found = changes(outcomes[kernel], "barrier")
    assert found
    for where, what in found.items():
        assert what.startswith("found: "), (where, what)
        assert "without a barrier in between" in what and "mutate_kernels.py:" in what, (where, what)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_barrier_that_some_threads_pass_by(outcomes: dict[str, dict[str, str]], kernel: str) -> None:
    for where, what in changes(outcomes[kernel], "divergence").items():
        assert what.startswith("found: ") and "not all threads" in what, (where, what)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_dropped_mask_is_seen(outcomes: dict[str, dict[str, str]], kernel: str) -> None:
    for where, what in changes(outcomes[kernel], "mask").items():
        assert what.startswith("found: ") or what == "wrong result", (where, what)
    kinds = [what for what in changes(outcomes[kernel], "mask").values() if what.startswith("found: ")]
    if kernel in ("softmax", "histogram"):
        assert any("outside of its memory" in what for what in kinds)
