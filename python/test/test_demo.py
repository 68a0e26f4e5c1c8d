# SPDX-License-Identifier: MIT
"""The examples and the demo, at small sizes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from triton_metal import demo
from triton_metal.kernel_file import UsageError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("example", demo.EXAMPLES)
def test_example_agrees_with_its_reference(example):
    cases = demo.load_cases(example, small=True)
    assert cases
    for case in cases:
        row = demo.check(case)
        assert row.ok, (row.kernel, row.error, row.message)


def test_examples_list_is_complete():
    files = {path.stem for path in EXAMPLES.glob("*.py")} - {"example_case"}
    assert files == set(demo.EXAMPLES)


def test_a_wrong_result_and_a_failure_are_seen():
    case = demo.load_cases("softmax", small=True)[0]
    right = case.run
    case.run = lambda: [right()[0] + 1e-3]
    row = demo.check(case)
    assert not row.ok and row.error > case.tolerance and not row.message
    case.run = lambda: [right()[0] * float("nan")]
    assert demo.check(case).error == float("inf")
    case.run = lambda: 1 // 0
    row = demo.check(case)
    assert not row.ok and row.message.startswith("ZeroDivisionError")


def test_philox_reference_matches_a_published_vector():
    # The known answer of Random123 for philox4x32-10 with counter and key zero: 6627e8d5 ...
    dropout = demo.load_module(EXAMPLES / "dropout.py")
    want = np.float32(0x6627E8D5) * np.float32(4.6566127342e-10)
    assert dropout.philox_uniform(0, np.arange(1))[0] == want


def test_interpreter_times_come_from_another_process():
    times, note = demo.interpret("vector_add", small=True, timeout=120)
    assert note == ""
    assert list(times) == ["vector add (PyTorch) n=1000"]


def test_demo_command_prints_the_table_and_succeeds():
    command = [sys.executable, "-m", "triton_metal", "demo", "--small", "--no-interpreter"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checks passed" in done.stdout and "flash attention, causal" in done.stdout


def test_demo_as_json():
    command = [sys.executable, "-m", "triton_metal", "demo", "--small", "--only", "vector_add", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    report = json.loads(done.stdout)
    assert report["device"]
    rows = {row["kernel"]: row for row in report["rows"]}
    assert rows["vector add (PyTorch)"]["ratio"] > 0
    assert rows["vector add (MLX)"]["interpreted"] is None


def test_an_example_runs_on_its_own():
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_BACKEND"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "softmax.py")],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "ok" in done.stdout, done.stdout + done.stderr


def test_an_unknown_example_is_refused():
    with pytest.raises(UsageError, match="there is no example 'other'"):
        demo.run(only=["other"])
