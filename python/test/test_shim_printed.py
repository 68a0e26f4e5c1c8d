# SPDX-License-Identifier: MIT
"""Printed texts follow Metal's rules for types and address spaces; mutations that break them are found."""

from __future__ import annotations

import subprocess
import sys

import pytest
from shim import types
from shim.harness import ROOT

EXAMPLES = {
    "vector_add": ("vector_add.py:add_kernel", "*fp32,*fp32,*fp32,i32", ["BLOCK_SIZE=1024"]),
    "softmax": ("softmax.py:softmax_kernel", "*fp16,*fp16,i32,i32,i32", ["BLOCK=512"]),
    "matmul": (
        "matmul.py:matmul_kernel",
        "*fp16,*fp16,*fp32,i32,i32,i32,i32,i32,i32,i32,i32,i32",
        ["BLOCK_M=32", "BLOCK_N=32", "BLOCK_K=32", "GROUP=4"],
    ),
}


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    texts = {}
    for name, (where, signature, constants) in EXAMPLES.items():
        command = [
            sys.executable,
            "-m",
            "triton_metal",
            "compile",
            str(ROOT / "examples" / where),
            "--emit",
            "msl",
        ]
        command += ["--signature", signature, *(x for c in constants for x in ("--constexpr", c))]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        texts[name] = done.stdout
    return texts


@pytest.mark.parametrize("name", EXAMPLES)
def test_printed_text_is_right(printed: dict[str, str], name: str) -> None:
    assert types.errors(printed[name]) == []


@pytest.mark.parametrize(
    "old,new",
    [
        ("device float *TM_READ_ONLY x_ptr", "threadgroup float *x_ptr"),
        ("device float *TM_READ_ONLY x_ptr", "float *x_ptr"),
        ("device float *output_ptr", "constant float *output_ptr"),
        ("const int n_elements", "const double n_elements"),
    ],
)
def test_changed_text_is_found(printed: dict[str, str], old: str, new: str) -> None:
    assert old in printed["vector_add"]
    assert types.errors(printed["vector_add"].replace(old, new, 1))
