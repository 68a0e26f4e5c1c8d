# SPDX-License-Identifier: MIT
"""Runs kernels with one mutation of their printed text each: `mutate_kernels.py OUTCOMES [KERNEL ...]`.

In turn, each barrier is deleted, or left to one lane, and each mask is dropped. The CPU device calls this
file as its compiler, which changes the text and passes it on to clang. The outcomes are written as JSON."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# For each kind: what is replaced, by what, and by what to see whether a launch gets there at all.
REACHED = "tm::report(tm_report, 0, tm_pid)"
BARRIER = re.compile(r"TM_BARRIER\(\w+\)")
MUTATIONS = {
    "barrier": (BARRIER, "", REACHED + ";"),
    "divergence": (BARRIER, r"if (tm_lane == 0) { \g<0> }", REACHED + ";"),
    # `c = mask && (is inside)`: without the mask, every thread that gets there accesses memory
    "mask": (
        re.compile(r"(const bool c\d+ = )v\w+ && (?=\(?tm::inside)"),
        r"\1",
        rf"\1{REACHED} && ",
    ),
}


def mutated(text: str, kind: str, index: int, probe: bool = False) -> str:
    pattern, change, reached = MUTATIONS[kind]
    replacement = reached if probe else change
    match = list(pattern.finditer(text))[index]
    return text[: match.start()] + match.expand(replacement) + text[match.end() :]


def compile_changed() -> int:
    """Stands in for clang. The last argument may be the text of a kernel."""
    clang, *arguments = os.environ["MUTANTS_CLANG"], *sys.argv[1:]
    folder = Path(os.environ["MUTANTS_FOLDER"])
    if arguments[-1].endswith(".metal"):
        text = Path(arguments[-1]).read_text()
        (folder / "printed.metal").write_text(text)
        change = json.loads((folder / "change.json").read_text())
        if change:
            arguments[-1] = str(folder / "changed.metal")
            Path(arguments[-1]).write_text(mutated(text, *change))
    return subprocess.run([clang, *arguments]).returncode


def kernels(sanitize: str = "address,thread") -> dict:
    """Name: (function that launches it on new arguments and returns the result, expected result)."""
    import torch
    import triton
    import triton.language as tl

    @triton.jit
    def softmax_row(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
        i = tl.arange(0, BLOCK)
        at = tl.program_id(0) * n + i
        x = tl.load(x_ptr + at, mask=i < n, other=-float("inf"))
        e = tl.exp(x - tl.max(x, axis=0))
        tl.store(out_ptr + at, e / tl.sum(e, axis=0), mask=i < n)

    @triton.jit
    def product(a_ptr, b_ptr, c_ptr, k, N: tl.constexpr):
        rows, columns = tl.arange(0, N)[:, None], tl.arange(0, N)[None, :]
        total = tl.zeros([N, N], tl.float32)
        for start in range(0, k, N):
            a = tl.load(a_ptr + rows * k + start + columns)
            b = tl.load(b_ptr + (start + rows) * N + columns)
            total += tl.dot(a, b)
        tl.store(c_ptr + rows * N + columns, total)

    @triton.jit
    def turn_and_scan(x_ptr, out_ptr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
        at = tl.arange(0, ROWS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
        x = tl.trans(tl.load(x_ptr + at))
        back = tl.arange(0, COLUMNS)[:, None] * ROWS + tl.arange(0, ROWS)[None, :]
        tl.store(out_ptr + back, tl.cumsum(x, axis=1))

    @triton.jit
    def collatz(x_ptr, out_ptr, BLOCK: tl.constexpr):
        x = tl.load(x_ptr + tl.arange(0, BLOCK))
        steps = 0
        while (tl.max(x, axis=0) > 1) & (steps < 150):  # ends even when the program is wrong
            x = tl.where(x % 2 == 0, x // 2, tl.where(x > 1, 3 * x + 1, x))
            steps += 1
        tl.store(out_ptr, steps)

    @triton.jit
    def spread(i_ptr, x_ptr, out_ptr, N: tl.constexpr):
        at = tl.arange(0, N)
        moved = tl.gather(tl.load(x_ptr + at), tl.load(i_ptr + at), axis=0)
        tl.store(out_ptr + at, moved)

    @triton.jit
    def count(x_ptr, out_ptr, n, N: tl.constexpr, BINS: tl.constexpr):
        at = tl.arange(0, N)
        x = tl.load(x_ptr + at, mask=at < n, other=0)
        tl.atomic_add(out_ptr + tl.arange(0, BINS), tl.histogram(x, BINS, mask=at < n))

    @triton.jit
    def tickets(counter_ptr, out_ptr, BLOCK: tl.constexpr):
        ticket = tl.atomic_add(counter_ptr, BLOCK)
        tl.store(out_ptr + ticket + tl.arange(0, BLOCK), ticket)
        tl.debug_barrier()
        first = tl.load(out_ptr + ticket + BLOCK - 1 - tl.arange(0, BLOCK))
        tl.store(out_ptr + ticket + tl.arange(0, BLOCK), first + 1)

    # The arrays end with the last masked-on element, so that an access without its mask is out of bounds.
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(3, 100, generator=generator)
    a, b = torch.randn(32, 64, generator=generator), torch.randn(64, 32, generator=generator)
    turned = torch.randint(0, 9, (16, 32), generator=generator).float()
    numbers = torch.randint(1, 30, (128,), generator=generator, dtype=torch.int32)
    order = torch.randperm(256, generator=generator).int()
    values = torch.randn(256, generator=generator)
    small = torch.randint(0, 16, (200,), generator=generator, dtype=torch.int32)

    def steps(n: int) -> int:
        return 0 if n == 1 else 1 + steps(n // 2 if n % 2 == 0 else 3 * n + 1)

    def run(kernel, grid, result, *arguments, **constants):
        kernel[grid](*arguments, **constants, engine="msl", sanitize=sanitize)
        return result

    def zeros(*shape, dtype=torch.float32):
        return torch.zeros(*shape, dtype=dtype)

    def integers(*shape):
        return zeros(*shape, dtype=torch.int32)

    return {
        "softmax": (
            lambda: run(softmax_row, (3,), o := zeros(3, 100), x, o, 100, BLOCK=128),
            x.softmax(1),
        ),
        "product": (lambda: run(product, (1,), o := zeros(32, 32), a, b, o, 64, N=32), a @ b),
        "scan": (
            lambda: run(turn_and_scan, (1,), o := zeros(32, 16), turned, o, ROWS=16, COLUMNS=32),
            turned.T.cumsum(1),
        ),
        "while": (
            lambda: run(collatz, (1,), o := integers(1), numbers, o, BLOCK=128),
            torch.tensor([max(steps(int(n)) for n in numbers)], dtype=torch.int32),
        ),
        "gather": (
            lambda: run(spread, (1,), o := zeros(256), order, values, o, N=256),
            values[order.long()],
        ),
        "histogram": (
            lambda: run(count, (1,), o := integers(16), small, o, 200, N=256, BINS=16),
            torch.bincount(small, minlength=16).int(),
        ),
        "tickets": (
            lambda: run(tickets, (1,), o := integers(128), integers(1), o, BLOCK=128),
            torch.ones(128, dtype=torch.int32),
        ),
    }


def outcome(launch, expected) -> str:
    import torch

    from triton_metal.errors import MetalError, SanitizerError

    try:
        result = launch()
    except SanitizerError as error:
        return f"found: {error}"
    except MetalError as error:
        return f"error: {error}"
    return "right" if torch.allclose(result.float(), expected.float(), atol=1e-4) else "wrong result"


def main(target: str, wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clang = folder / "clang"
        clang.write_text(
            f'#!/bin/sh\nMUTANTS_AS_CLANG=1 exec {sys.executable} -S {Path(__file__).resolve()} "$@"\n'
        )
        clang.chmod(0o755)
        os.environ["MUTANTS_CLANG"] = os.environ.get("TRITON_METAL_CLANG", "clang++-22")
        os.environ["MUTANTS_FOLDER"] = name
        os.environ["TRITON_METAL_CLANG"] = str(clang)
        cache = folder / "cache"  # not shared, because another process may mutate the same kernels
        os.environ["TRITON_METAL_CACHE_DIR"] = str(cache)
        os.environ.setdefault("TRITON_BACKEND", "metal")
        change = folder / "change.json"
        from conftest import forget_compiled_kernels

        def run(launch, expected, *mutation) -> str:
            change.write_text(json.dumps(mutation))
            forget_compiled_kernels()
            gc.collect()
            for made in cache.glob("*.so"):
                made.unlink()
            return outcome(launch, expected)

        report = {}
        for kernel, (launch, expected) in kernels().items():
            if wanted and kernel not in wanted:
                continue
            report[kernel] = {"": run(launch, expected)}
            text = (folder / "printed.metal").read_text()
            for kind, (pattern, *_) in MUTATIONS.items():
                for index, match in enumerate(pattern.finditer(text)):
                    line = text.count("\n", 0, match.start()) + 1
                    found = run(launch, expected, kind, index)
                    if found == "right" and run(launch, expected, kind, index, True) == "right":
                        found = "not reached"
                    report[kernel][f"{kind} {index} at line {line}"] = found
            Path(f"{target}.{kernel}.metal").write_text(text)
            Path(target).write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    if os.environ.get("MUTANTS_AS_CLANG"):
        sys.exit(compile_changed())
    main(sys.argv[1], sys.argv[2:])
