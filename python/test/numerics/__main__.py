# SPDX-License-Identifier: MIT
"""PYTHONPATH=python/test python -m numerics [--only REGEX] [--samples N]
[--parts functions every casts sums report]

Measures and writes docs/numerics.json, docs/numerics.md and docs/numerics.png. With --only, the other
measurements stay as they are.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TRITON_BACKEND", "metal")

from numerics import casts as casting
from numerics import catalogue, measure, report, sums

PARTS = ("functions", "every", "casts", "sums", "report")


def progress(text: str, start: float) -> None:
    print(f"{time.perf_counter() - start:7.1f} s  {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m numerics", description=__doc__)
    parser.add_argument("--only", default="", help="functions or casts whose name matches")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--samples", type=int, default=1 << 22, help="at most as many arguments for each function"
    )
    parser.add_argument("--stride", type=int, default=1, help="casts of every Nth f32 only")
    parser.add_argument(
        "--results", type=Path, default=report.RESULTS, help="another file than docs/numerics.json"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # NaN and overflow are measured, too
    start = time.perf_counter()
    wanted = re.compile(options.only)
    results = report.load(options.results)
    results["host"] = report.host()
    functions = {f.key: f for f in catalogue.functions()}
    results["functions"] = {key: results["functions"].get(key, {}) for key in functions}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "functions" in options.parts:
            for key, function in functions.items():
                if wanted.search(key):
                    results["functions"][key] = measure.measure(function, folder, options.samples)
                    progress(key, start)
            report.store(results, options.results)
        if "every" in options.parts:
            done: dict[str, dict] = {}
            for key, function in functions.items():
                record = results["functions"][key].get("msl")
                if not wanted.search(key) or not record or not measure.is_quick(function):
                    continue
                if record["bits"] not in done:
                    done[record["bits"]] = measure.every_f32(function, "msl", folder)
                    progress(f"{key}, all arguments", start)
                results["functions"][key]["msl"] = {**done[record["bits"]], "bits": record["bits"]}
                report.store(results, options.results)
        if "casts" in options.parts:
            for cast in casting.casts():
                if wanted.search(cast.key):
                    results["casts"][cast.key] = casting.measure(cast, folder, options.stride)
                    progress(cast.key, start)
                    report.store(results, options.results)
        if "sums" in options.parts:
            results["sums"] = sums.measure()
            progress("sums", start)
    report.store(results, options.results)
    if "report" in options.parts:
        report.write(results)


main()
