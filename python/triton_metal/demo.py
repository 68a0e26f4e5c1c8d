# SPDX-License-Identifier: MIT
"""Runs the examples: checks each against its reference and times it, also with TRITON_INTERPRET=1."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from triton_metal.host import cpu_name
from triton_metal.kernel_file import UsageError, load_module
from triton_metal.terminal import console

EXAMPLES = ("vector_add", "softmax", "matmul", "layer_norm", "dropout", "flash_attention")


@dataclass
class Row:
    """One line of the demo. Times are in seconds; a case that did not run has a message."""

    kernel: str
    size: str
    error: float | None = None
    tolerance: float | None = None
    ok: bool = False
    first: float | None = None
    warm: float | None = None
    interpreted: float | None = None
    interpreted_note: str = ""
    message: str = ""
    engine: str = ""  # that of the kernels that the case has launched

    @property
    def ratio(self) -> float | None:
        return self.interpreted / self.warm if self.interpreted and self.warm else None


def examples_folder() -> Path:
    """The examples of a working copy, or those that were installed with the package."""
    package = Path(__file__).resolve().parent
    for folder in (package.parents[1] / "examples", package / "examples"):
        if (folder / "example_case.py").exists():
            return folder
    raise UsageError("the examples are not installed")


def load_cases(example: str, small: bool) -> list[Any]:
    """The cases that an example describes."""
    return load_module(examples_folder() / f"{example}.py").cases(small)


def measure(run: Callable[[], Any], budget: float = 1.0, most: int = 20) -> float:
    """Median time of a warm call, over at least three calls."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < budget and len(times) < most):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@contextlib.contextmanager
def _launched_engines() -> Iterator[set[str]]:
    """The engines of the kernels that are launched inside of this context."""
    from triton_metal.backend.triton_internals import knobs

    engines: set[str] = set()

    def note(metadata: Any) -> None:
        engines.add(metadata.get()["function"].engine)

    knobs.runtime.launch_enter_hook.add(note)
    try:
        yield engines
    finally:
        knobs.runtime.launch_enter_hook.remove(note)


def check(case: Any) -> Row:
    """Runs one case: the first call (which compiles), the comparison with the reference, the warm time."""
    row = Row(case.name, case.size, tolerance=case.tolerance)
    try:
        start = time.perf_counter()
        with _launched_engines() as engines:
            case.run()
        row.first = time.perf_counter() - start
        row.engine = ", ".join(sorted(engines))
        row.error = case.error()
        row.ok = row.error <= case.tolerance
        row.warm = measure(case.run)
    except Exception as error:
        row.ok = False
        row.message = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return row


# --- the interpreter, in a process of its own --------------------------------------------------------------


def interpret(example: str, small: bool, timeout: float) -> tuple[dict[str, float], str]:
    """Seconds of each case under TRITON_INTERPRET=1, by name and size, and why some are missing."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRITON_")}
    environment["TRITON_INTERPRET"] = "1"
    command = [sys.executable, "-m", "triton_metal.demo", example] + (["--small"] if small else [])
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        output, note = done.stdout, "" if done.returncode == 0 else "failed"
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or ""
        output = output.decode() if isinstance(output, bytes) else output
        note = f"> {timeout:.0f} s"
    times = {}
    for line in output.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            times[entry["case"]] = entry["seconds"]
    return times, note


def _interpreter_main() -> int:
    """Runs in the other process: calls and times each case once, and prints a JSON line for it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("example")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    # Keeps the set-up of the interpreter, at its first call, out of the times.
    for case in load_cases(options.example, small=True):
        if case.interpretable:
            case.run()
            break
    for case in load_cases(options.example, options.small):
        if case.interpretable:
            start = time.perf_counter()
            case.run()
            seconds = time.perf_counter() - start
            print(json.dumps({"case": f"{case.name} {case.size}", "seconds": seconds}), flush=True)
    return 0


# --- the table ---------------------------------------------------------------------------------------------


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    if value < 1e-3:
        return f"{value * 1e6:.0f} us"
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title=f"Triton kernels on {cpu_name()}", title_justify="left")
    for name in ("kernel", "size", "engine", "check"):
        table.add_column(name)
    for name in ("max error", "first call", "warm call", "interpreter", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.kernel,
            row.size,
            row.engine,
            "[green]ok" if row.ok else "[bold red]WRONG" if row.error is not None else "[bold red]FAILED",
            "" if row.error is None else f"{row.error:.1e}",
            _seconds(row.first),
            _seconds(row.warm),
            _seconds(row.interpreted) or row.interpreted_note,
            "" if row.ratio is None else f"{row.ratio:.0f}x",
        )
    return table


def _rows(examples: Sequence[str], small: bool, timeout: float | None, say: Console) -> Iterator[Row]:
    for example in examples:
        say.print(f"[dim]{example} ...")
        cases = load_cases(example, small)
        rows = [check(case) for case in cases]
        if timeout is not None:
            times, note = interpret(example, small, timeout)
            for case, row in zip(cases, rows, strict=True):
                row.interpreted = times.get(f"{case.name} {case.size}")
                if row.interpreted is None:
                    row.interpreted_note = note if case.interpretable else "torch only"
        yield from rows


def run(
    small: bool = False,
    interpreter_timeout: float | None = 60.0,
    only: Sequence[str] | None = None,
    as_json: bool = False,
) -> int:
    """Runs the demo and prints it. Returns 0 when every check passed."""
    if os.environ.get("TRITON_INTERPRET") == "1":
        raise UsageError("TRITON_INTERPRET=1 replaces the compiler; unset it")
    for name in only or ():
        if name not in EXAMPLES:
            raise UsageError(f"there is no example '{name}'; there are {', '.join(EXAMPLES)}")
    progress = Console(stderr=True)
    rows = list(_rows(only or EXAMPLES, small, interpreter_timeout, progress))
    failed = sum(not row.ok for row in rows)
    if as_json:
        rows_json = [{**asdict(row), "ratio": row.ratio} for row in rows]
        print(json.dumps({"device": cpu_name(), "rows": rows_json}, indent=2))
    else:
        out = console()
        out.print(_table(rows))
        for row in rows:
            if row.message:
                out.print(f"{row.kernel}: {row.message}", style="red", markup=False)
        out.print(f"{len(rows) - failed} of {len(rows)} checks passed")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(_interpreter_main())
