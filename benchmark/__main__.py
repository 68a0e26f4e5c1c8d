# SPDX-License-Identifier: MIT
"""python -m benchmark [--small] [--repetitions N] [--engine E]: prints tables, writes JSON and a plot to
benchmark/results."""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TRITON_BACKEND", "metal")

import matplotlib
import mlx.core as mx
import torch
import triton
from rich.console import Console
from rich.table import Table

from benchmark.interpreted import interpreter_ratios
from benchmark.launch import launch_costs
from benchmark.operations import Comparison, comparisons
from benchmark.start import start_costs
from triton_metal.host import cpu_name
from triton_metal.terminal import console

RESULTS = Path(__file__).resolve().parent / "results"


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _settled_seconds(call: Callable[[], Any]) -> float:
    """The median of five calls after two untimed ones: PyTorch's OpenMP threads spin for a while after each
    call and take a core from whatever is called next."""
    call(), call()
    return statistics.median(_seconds(call) for _ in range(5))


def compare(item: Comparison, repetitions: int) -> dict[str, Any]:
    """Checks the result, then times both sides alternately, so that a disturbance affects both."""
    got, want = item.triton().double(), item.torch().double()
    error = float(((got - want).abs() / want.abs().clamp(min=1)).max())
    item.triton(), item.torch()
    ours, theirs = [], []
    for repetition in range(repetitions):
        if repetition % 2:
            ours.append(_settled_seconds(item.triton))
            theirs.append(_settled_seconds(item.torch))
        else:
            theirs.append(_settled_seconds(item.torch))
            ours.append(_settled_seconds(item.triton))
    return {
        "operation": item.name,
        "size": item.size,
        "max_error": error,
        "ok": error <= item.tolerance,
        "triton_ms": statistics.median(ours) * 1e3,
        "torch_ms": statistics.median(theirs) * 1e3,
        "ratio": statistics.median(t / o for t, o in zip(theirs, ours, strict=True)),
        "mark": item.mark,
    }


def plot(rows: list[dict[str, Any]], device: str, path: Path) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
    bars = axes.bar([row["operation"] for row in rows], [row["ratio"] for row in rows], color="#4878a8")
    axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=8)
    axes.axhline(1, color="black", linewidth=0.8)
    for place, row in enumerate(rows):
        label = "aimed at" if place == 0 else None
        axes.hlines(row["mark"], place - 0.4, place + 0.4, color="#c05030", linewidth=1.5, label=label)
    axes.legend(frameon=False, fontsize=8)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.margins(y=0.1)
    axes.set_ylabel("time of PyTorch eager / time of Triton kernel")
    axes.set_title(f"Higher is faster than PyTorch on the same device\n{device}", fontsize=10)
    axes.tick_params(axis="x", labelrotation=20)
    figure.savefig(path, dpi=150)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmark", description=__doc__)
    parser.add_argument("--small", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--engine", choices=("auto", "msl", "mlx"), default="auto")
    options = parser.parse_args()
    os.environ["TRITON_METAL_ENGINE"] = options.engine

    out = console()
    device = f"{cpu_name()}, {torch.get_num_threads()} PyTorch threads"
    rows = []
    for item in comparisons(options.small):
        Console(stderr=True).print(f"[dim]{item.name} ...")
        rows.append(compare(item, options.repetitions))
    mean_ratio = math.exp(statistics.fmean(math.log(row["ratio"]) for row in rows))
    launches = launch_costs()
    starts = start_costs()
    interpreted = interpreter_ratios(options.small)

    table = Table(
        title=f"PyTorch eager and this backend (engine {options.engine}) on {device}", title_justify="left"
    )
    for name in ("operation", "size", "check"):
        table.add_column(name)
    for name in ("max error", "Triton", "PyTorch", "ratio", "aim"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["operation"],
            row["size"],
            "ok" if row["ok"] else "WRONG",
            f"{row['max_error']:.1e}",
            f"{row['triton_ms']:.2f} ms",
            f"{row['torch_ms']:.2f} ms",
            f"{row['ratio']:.2f}",
            f"{row['mark']:.2f}",
        )
    out.print(table)
    out.print(f"geometric mean of the ratios: {mean_ratio:.2f} (above 1: faster than PyTorch)")
    table = Table(title="Cost of a warm launch (two elements)", title_justify="left")
    table.add_column("arguments")
    for name in launches[0]["microseconds"]:
        table.add_column(name, justify="right")
    for launch in launches:
        table.add_row(launch["arguments"], *(f"{time:.1f} us" for time in launch["microseconds"].values()))
    out.print(table)

    table = Table(title="First launch of the add kernel in a process", title_justify="left")
    for name in ("", "time", "aim", "runs of the compiler"):
        table.add_column(name, justify="left" if not name else "right")
    for row in starts:
        times = f"{row['seconds'] * 1e3:.0f} ms", f"{row['mark'] * 1e3:.0f} ms" if row["mark"] else ""
        table.add_row(row["start"], *times, str(row["compiler_calls"]))
    out.print(table)
    table = Table(title="TRITON_INTERPRET=1 and this backend", title_justify="left")
    for name in ("kernel", "Triton", "interpreter", "ratio", "aim"):
        table.add_column(name, justify="left" if name == "kernel" else "right")
    for row in interpreted:
        table.add_row(
            row["case"],
            f"{row['triton_ms']:.2f} ms",
            f"{row['interpreter_ms']:.0f} ms",
            f"{row['ratio']:.0f}",
            str(row["mark"]),
        )
    out.print(table)

    RESULTS.mkdir(exist_ok=True)
    now = datetime.datetime.now().isoformat(timespec="seconds")
    report = {
        "device": device,
        "system": platform.platform(),
        "mlx_device": str(mx.default_device()),
        "versions": {"torch": torch.__version__, "triton": triton.__version__, "mlx": mx.__version__},
        "time": now,
        "repetitions": options.repetitions,
        "small": options.small,
        "engine": options.engine,
        "operations": rows,
        "geometric_mean_ratio": mean_ratio,
        "launches": launches,
        "starts": starts,
        "interpreter": interpreted,
    }
    stem = RESULTS / now.replace(":", "")
    stem.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    plot(rows, device, stem.with_suffix(".png"))
    out.print(f"written: {stem.relative_to(RESULTS.parents[1])}.json and .png")
    return int(not all(row["ok"] for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
