# SPDX-License-Identifier: MIT
"""Makes tables and a plot of triton-metal-cuda-compare results: `summarize.py RESULT.json... [--plot FILE]`.

For each case, compares rates in the same configuration (block and warps) and in the best of each side."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def rows_of(case: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    """(configuration, milliseconds of the other, ours, ratio of rates)."""
    times = {row["name"]: row["ms"] for row in case["variants"] if row.get("right")}
    best: dict[str, tuple[float, str]] = {}
    for name, ms in times.items():
        maker, _, label = name.partition(" ")
        best[maker] = min(best.get(maker, (ms, label)), (ms, label))
    rows = []
    for name, ms in times.items():
        maker, _, label = name.partition(" ")
        if maker == "triton" and f"msl {label}" in times:
            rows.append((label.strip(), ms, times[f"msl {label}"], ms / times[f"msl {label}"]))
    for other in ("triton", "mlx"):
        if other in best and "msl" in best:
            theirs, ours = best[other], best["msl"]
            label = f"best of {other} ({theirs[1].strip()}) and ours ({ours[1].strip()})"
            rows.append((label, theirs[0], ours[0], theirs[0] / ours[0]))
    return rows


def plot(results: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    bars: dict[str, float] = {}  # of the first result that has the case
    for result in results:
        for case in result["cases"]:
            for label, _, _, ratio in rows_of(case):
                if label.startswith("best of "):
                    bars.setdefault(f"{case['name']}\nand {label.split()[2]}", ratio)
    figure, axes = pyplot.subplots(figsize=(9, 0.4 * len(bars) + 1.5), layout="constrained")
    drawn = axes.barh(list(bars), list(bars.values()), color="#4878a8")
    axes.bar_label(drawn, fmt="%.2f", padding=2, fontsize=8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.axvline(0.8, color="#c05030", linewidth=1)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlabel("rate of our Metal text / rate of the other, each in its best configuration")
    axes.set_title(f"{results[0]['device']}, CUDA {results[0]['cuda']}", fontsize=10)
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path, nargs="+")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    results = [json.loads(file.read_text()) for file in options.result]
    for result in results:
        print(f"{result['device']}, CUDA {result['cuda']}, copy {result['copy_gbps']:.0f} GB/s")
        print(", ".join(f"{name} {version}" for name, version in result["versions"].items()) + "\n")
        print("| | configuration | other | our text | ratio |\n|---|---|---|---|---|")
        for case in result["cases"]:
            operations = case.get("operations", 0)
            for i, (label, theirs, ours, ratio) in enumerate(rows_of(case)):

                def rate(ms: float, case: Any = case, operations: float = operations) -> str:
                    if operations:
                        return f"{operations / ms * 1e-9:.2f} TFLOP/s"
                    return f"{case['bytes'] / ms * 1e-6:.0f} GB/s"

                name = "" if i else case["name"]
                print(f"| {name} | {label} | {rate(theirs)} | {rate(ours)} | {ratio:.2f} |")
        print()
    if options.plot:
        plot(results, options.plot)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
