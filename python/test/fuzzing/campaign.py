# SPDX-License-Identifier: MIT
"""Runs many random kernels in several processes, and reports what became of them.

A kernel is "same", "refused", "differs", "failed" (an exception that is no refusal) or "lost" (its process
died or hung). Kernels that are neither same nor refused are reduced and written to a folder.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path

CHUNK = 10
STORAGE_FORMAT = "arithmetic on 8-bit floats"
ENGINES = ("msl", "mlx")


@dataclass
class Result:
    """One kernel on one engine."""

    seed: int
    engine: str
    status: str
    reason: str = ""
    path: str = ""
    features: list[str] = field(default_factory=list)
    cpu_seconds: float = 0.0


def class_of(refusal: str) -> str:
    """The refusal without what differs from kernel to kernel."""
    if "is a storage format" in refusal:
        return STORAGE_FORMAT
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "…", refusal)
    return re.sub(r"\d+", "N", text)[:160]


def cpu_seconds() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(one.ru_utime + one.ru_stime for one in used)


def prepare(engine: str, caches: str) -> None:
    """Set-up of a worker process. Triton reads these when it is imported."""
    os.environ["TRITON_METAL_ENGINE"] = engine
    os.environ["TRITON_CACHE_DIR"] = os.path.join(caches, f"triton-{engine}-{os.getpid()}")
    # Shared, because the precompiled headers are in it.
    os.environ["TRITON_METAL_CACHE_DIR"] = os.path.join(caches, "metal")


def run_chunk(seeds: list[int], engine: str, out: str, without: list[str], caches: str) -> list[Result]:
    import torch

    from fuzzing.run import describe, reduce_program, run_seed

    torch.set_num_threads(1)
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in seeds:
            before = cpu_seconds()
            outcome = run_seed(seed, folder, frozenset(without))
            assert outcome.program
            result = Result(
                seed, engine, outcome.status, cpu_seconds=cpu_seconds() - before,
                features=sorted(outcome.program.features),
            )  # fmt: skip
            if outcome.status == "refused":
                result.reason = class_of(outcome.detail)
            elif outcome.status != "same":
                small = reduce_program(outcome.program, folder, outcome.status)
                path = Path(out) / f"seed_{seed}_{engine}.py"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(describe(outcome, small))
                result.path, result.reason = str(path), outcome.detail[-600:]
            results.append(result)
    shutil.rmtree(os.environ["TRITON_CACHE_DIR"], ignore_errors=True)
    return results


def summary(results: list[Result], seconds: float) -> dict:
    report: dict = {"seconds": round(seconds, 1), "engines": {}}
    for engine in sorted({result.engine for result in results}):
        own = [result for result in results if result.engine == engine]
        features: collections.Counter = collections.Counter()
        for result in own:
            features.update(result.features)
        times = sorted(result.cpu_seconds for result in own)
        report["engines"][engine] = {
            "kernels": len(own),
            "seeds": [min(result.seed for result in own), max(result.seed for result in own)],
            "counts": dict(collections.Counter(result.status for result in own)),
            "refusals": dict(
                collections.Counter(r.reason for r in own if r.status == "refused").most_common()
            ),
            "cpu_seconds_per_kernel": round(sum(times) / len(times), 3),
            "slowest": [
                {"seed": r.seed, "cpu_seconds": round(r.cpu_seconds, 2)}
                for r in sorted(own, key=lambda r: -r.cpu_seconds)[:5]
            ],
            "features": dict(features.most_common()),
        }
    bad = [result for result in results if result.status not in ("same", "refused")]
    report["failures"] = [
        {name: value for name, value in asdict(result).items() if name != "features"} for result in bad
    ]
    return report


def progress_line(results: list[Result], total: int, started: float) -> str:
    counts = collections.Counter(result.status for result in results)
    refused = sum(r.reason == STORAGE_FORMAT for r in results)
    seconds = time.monotonic() - started
    left = seconds / max(len(results), 1) * (total - len(results))
    shown = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
    if refused:
        shown += f" ({refused} for {STORAGE_FORMAT})"
    return f"{len(results)}/{total} in {seconds:.0f} s, about {left:.0f} s left: {shown}"


class Campaign:
    """Hands out chunks of seeds, one pool of processes for each engine's share."""

    def __init__(self, options: argparse.Namespace, caches: str):
        self.options, self.caches = options, caches
        self.engines = ENGINES if options.engine == "both" else (options.engine,)
        self.results: list[Result] = []
        self.started = time.monotonic()
        self.shown = 0.0
        seeds = range(options.first, options.first + options.count)
        chunks = [list(seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
        self.work = {engine: list(chunks) for engine in self.engines}

    def run(self) -> list[Result]:
        for engine in self.engines:
            while self.work[engine]:
                self.pool(engine)
        return self.results

    def pool(self, engine: str) -> None:
        """Runs chunks until all are done or a process is lost. Seeds that were running then go one by one,
        to learn which of them it was."""
        waiting = self.work[engine]
        running: dict[Future, tuple[list[int], float]] = {}
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(
            self.options.jobs, context, prepare, (engine, self.caches), max_tasks_per_child=20
        )
        lost = False
        while (waiting or running) and not lost:
            while waiting and len(running) < self.options.jobs and not lost:
                seeds = waiting.pop(0)
                arguments = (seeds, engine, str(self.options.out), self.options.without, self.caches)
                running[pool.submit(run_chunk, *arguments)] = (seeds, time.monotonic())
            done, _ = wait(running, timeout=5, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    self.add(future.result())
                    del running[future]
                except BrokenProcessPool:
                    lost = True
            now = time.monotonic()
            if any(now - begun > self.options.limit * len(seeds) for seeds, begun in running.values()):
                lost = True
        if lost:
            for process in list(pool._processes.values()):
                process.kill()
            for seeds, _ in running.values():
                if len(seeds) == 1 and len(running) == 1:
                    self.add([Result(seeds[0], engine, "lost", "the process died or did not end")])
                else:
                    # One at a time from now on, to learn which it is.
                    for seed in seeds:
                        self.alone(seed, engine)
        pool.shutdown(wait=not lost, cancel_futures=True)

    def alone(self, seed: int, engine: str) -> None:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context, prepare, (engine, self.caches)) as pool:
            arguments = ([seed], engine, str(self.options.out), self.options.without, self.caches)
            future = pool.submit(run_chunk, *arguments)
            try:
                self.add(future.result(timeout=self.options.limit))
            except (BrokenProcessPool, TimeoutError):
                for process in list((pool._processes or {}).values()):
                    process.kill()
                self.add([Result(seed, engine, "lost", "the process died or did not end")])

    def add(self, results: list[Result]) -> None:
        self.results += results
        for result in results:
            if result.status not in ("same", "refused"):
                print(
                    f"seed {result.seed} on {result.engine} {result.status}: {result.path}\n{result.reason}"
                )
        total = self.options.count * len(self.engines)
        now = time.monotonic()
        if now - self.shown > self.options.every or len(self.results) == total:
            self.shown = now
            print(progress_line(self.results, total, self.started), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="fuzzing", description="Random kernels against their oracle.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument(
        "--first", "--seed", type=int, default=0, help="the first seed, also to go on after an interruption"
    )
    parser.add_argument("--engine", choices=("both", *ENGINES, "auto"), default="both")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--show", action="store_true", help="print the kernel of the first seed and stop")
    parser.add_argument(
        "--out", type=Path, default=Path("fuzz-failures"), help="where reduced kernels are written"
    )
    parser.add_argument("--json", type=Path, help="where the summary is written")
    parser.add_argument("--without", nargs="*", default=[], help="scalar types to leave out")
    parser.add_argument("--limit", type=float, default=120, help="seconds that one kernel may take")
    parser.add_argument("--every", type=float, default=10, help="seconds between lines of progress")
    options = parser.parse_args()
    if os.environ.get("TRITON_INTERPRET") != "1":
        os.environ.setdefault("TRITON_BACKEND", "metal")
    if options.show:
        from fuzzing.run import program_of

        print(program_of(options.first, frozenset(options.without)).source())
        return
    with tempfile.TemporaryDirectory(prefix="fuzzing-") as caches:
        campaign = Campaign(options, caches)
        results = campaign.run()
    report = summary(results, time.monotonic() - campaign.started)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    for engine, own in report["engines"].items():
        each = own["cpu_seconds_per_kernel"]
        print(f"{engine}: {own['kernels']} kernels, {each} CPU seconds each: {own['counts']}")
        print("  features: " + ", ".join(f"{name} {n}" for name, n in own["features"].items()))
        for reason, n in own["refusals"].items():
            print(f"  refused {n}: {reason}")
    sys.exit(1 if report["failures"] else 0)
