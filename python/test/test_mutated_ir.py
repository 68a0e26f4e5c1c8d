# SPDX-License-Identifier: MIT
"""Mutated IR of random kernels: `ctest` mutates the texts of the lit tests, this the IR of whole kernels."""

import os
import subprocess
from pathlib import Path

import pytest
from fuzzing.narrow import FLOAT8
from fuzzing.run import is_refusal, launch, program_of

BUILD = Path(os.environ.get("TRITON_METAL_BUILD", Path(__file__).parents[2] / "build"))
FUZZER = BUILD / "unittest/fuzz-ir"


def write_kernels(first, count, folder, monkeypatch):
    """Writes the IR of random kernels, as Triton's front end makes it."""
    dumps = folder / "dumps"
    monkeypatch.setenv("TRITON_KERNEL_DUMP", "1")
    monkeypatch.setenv("TRITON_DUMP_DIR", str(dumps))
    monkeypatch.setenv("TRITON_ALWAYS_COMPILE", "1")
    for seed in range(first, first + count):
        try:
            launch(program_of(seed, frozenset(FLOAT8)), folder)
        except Exception as error:
            assert is_refusal(error)
    return dumps


def fuzz(*words):
    return subprocess.run(
        [str(word) for word in (FUZZER, *words)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "kernels, mutants", [(10, 2000), pytest.param(100, 400_000, marks=pytest.mark.long)], ids=["some", "many"]
)
@pytest.mark.parametrize("engine", ["mlx"], indirect=True)
def test_mutated_kernels(engine, kernels, mutants, tmp_path, monkeypatch):
    dumps = write_kernels(40_000, kernels, tmp_path, monkeypatch)
    assert len(list(dumps.rglob("*.ttir"))) >= 0.8 * kernels
    done = fuzz("--count", mutants, "--seed", 3, "--out", tmp_path / "failures", dumps)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_crash_is_reported_and_the_rest_goes_on(tmp_path):
    (tmp_path / "one.mlir").write_text("tt.func public @one() { tt.return }\n")
    done = fuzz("--count", 20, "--crash-at", 7, "--out", tmp_path / "out", tmp_path / "one.mlir")
    assert done.returncode == 1
    assert "mutant 7 " in done.stdout
    assert "20 mutants" in done.stdout
    assert (tmp_path / "out/mutant_7.mlir").exists()
