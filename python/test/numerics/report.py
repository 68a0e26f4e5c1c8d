# SPDX-License-Identifier: MIT
"""docs/numerics.json, and docs/numerics.md and docs/numerics.png, which are made from it."""

from __future__ import annotations

import json
import math
import platform
import re
from pathlib import Path
from typing import Any

from numerics import catalogue
from triton_metal.host import cpu_name
from triton_metal.ops import ENGINES

DOCS = Path(__file__).resolve().parents[3] / "docs"
RESULTS = DOCS / "numerics.json"
FLOATS = ("f32", "f16", "bf16", "f64")

# Bounds of the Metal Shading Language Specification (section 8, precise functions of float), for the
# functions whose text calls Metal's.
_WITHIN = {
    4: "exp log sin",
    6: "tan atan2",
    16: "pow",
}
METAL = {name: bound for bound, names in _WITHIN.items() for name in names.split()}


def host() -> dict[str, str]:
    import mlx.core as mx
    import triton

    return {
        "processor": cpu_name(),
        "system": f"{platform.system()}, glibc {platform.libc_ver()[1]}",
        "mlx": mx.__version__,
        "triton": triton.__version__,
    }


def load(path: Path = RESULTS) -> dict[str, Any]:
    if not path.exists():
        return {"host": {}, "functions": {}, "casts": {}, "sums": []}
    return json.loads(path.read_text())


def store(results: dict[str, Any], path: Path = RESULTS) -> None:
    """One line for each function, so that changes can be reviewed."""
    parts = []
    for name, value in results.items():
        if isinstance(value, dict) and name != "host":
            lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items())
            parts.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
        elif isinstance(value, list):
            lines = ",\n".join(f"  {json.dumps(entry)}" for entry in value)
            parts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


# ---- numbers ----


def rounded_up(ulp: float) -> float:
    """Three digits, so that the documented bound holds."""
    if ulp == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(ulp)) - 2)
    return math.ceil(ulp / step - 1e-9) * step


def _ulp(value: float) -> str:
    value = rounded_up(value)
    if value >= 1e4:
        return f"{value:.1e}".replace("e+0", "e").replace("e+", "e")
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _value(value: float | int) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.7g}".replace("e+", "e").replace("inf", "∞")


def _at(values: list) -> str:
    return ", ".join(map(_value, values))


def _count(number: int) -> str:
    if number == 1 << 32:
        return "2^32"
    if number >= 1 << 20:
        return f"{number / 2**20:.1f} · 2^20".replace(".0 ", " ")
    return f"{number:,}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# ---- rows ----


def _flawless(record: dict | None) -> bool:
    return record is None or (record["rounded"] == 1 and not record["differences"] and record["ulp"] <= 0.5)


def _rows(results: dict, kind: str) -> list[tuple[str, dict]]:
    """Functions with a result of type `kind`. Those that gave the same bits share a row."""
    found: dict[tuple, list[catalogue.Function]] = {}
    for function in catalogue.functions():
        if function.result == kind:
            entry = results["functions"][function.key]
            same = tuple(entry[e] and (entry[e]["bits"], entry[e]["extent"]) for e in ENGINES)
            found.setdefault((function.base if None in same else "", function.arguments, same), []).append(
                function
            )
    rows = []
    for functions in found.values():
        names = [f.name.removeprefix("libdevice.") for f in functions if f.symbol]
        names = [f"`{f.name}`" for f in functions if not f.symbol] + [f"`{n}`" for n in names]
        others = set(functions[0].arguments) - {kind}
        suffix = f" ({', '.join(functions[0].arguments)})" if others else ""
        rows.append((", ".join(dict.fromkeys(names)) + suffix, results["functions"][functions[0].key]))
    return rows


def _cells(record: dict | None) -> list[str]:
    if record is None:
        return ["refused", "", ""]
    exact = record["ulp"] == 0
    return [
        _ulp(record["ulp"]) + (" †" if record["differences"] else ""),
        "" if exact else _at(record["at"]),
        f"{math.floor(record['rounded'] * 1000) / 10:g}",
    ]


def _type_table(results: dict, kind: str) -> str:
    rows, flawless = [], {"both": [], "msl": []}
    for names, entry in _rows(results, kind):
        if all(_flawless(entry[e]) for e in ENGINES):
            flawless["both" if entry["mlx"] else "msl"].append(names)
            continue
        record = entry["msl"] or entry["mlx"]
        tried = "all" if record["extent"] == "all" else _count(record["samples"])
        if entry["mlx"] and entry["mlx"]["extent"] != record["extent"]:
            tried += f" / {_count(entry['mlx']['samples'])}"
        rows.append([names, tried, *_cells(entry["msl"]), *_cells(entry["mlx"])])
    header = ["function", "arguments", "msl: ulp", "at", "%", "mlx: ulp", "at", "%"]
    names = ", ".join(flawless["both"])
    text = f"Correctly rounded for every argument that was tried, on both engines: {names}.\n"
    if flawless["msl"]:
        text += f"\nThe same on the msl engine, refused by the mlx engine: {', '.join(flawless['msl'])}.\n"
    return f"{text}\n{_table(header, rows)}"


def _differences(results: dict) -> str:
    rows: dict[tuple, list[str]] = {}
    for function in catalogue.functions():
        for engine in ENGINES:
            record = results["functions"][function.key][engine]
            for kind, entry in (record or {"differences": {}})["differences"].items():
                place = f"{_at(entry['at'])} gives {_value(entry['got'])}, not {_value(entry['expected'])}"
                key = (engine, function.result, kind, function.base, f"{entry['count']:,}", place)
                rows.setdefault(key, []).append(f"`{function.name.removeprefix('libdevice.')}`")
    return _table(
        ["engine", "type", "what differs", "function", "how often", "first"],
        [[e, t, k, ", ".join(n), c, p] for (e, t, k, _, c, p), n in rows.items()],
    )


def _cast_table(results: dict) -> str:
    right: dict[tuple, list[str]] = {}
    rows = []
    for key, entry in results["casts"].items():
        for engine in ENGINES:
            record = entry[engine]
            if record is None:
                right.setdefault((engine, "refused"), []).append(key)
            elif record["wrong"]:
                place = (
                    f"{_value(record['at'])} gives {_value(record['got'])}, not {_value(record['expected'])}"
                )
                rows.append([engine, key, _count(record["count"]), f"{record['wrong']:,}", place])
            else:
                right.setdefault((engine, _count(record["count"])), []).append(key)
    lines = [
        f"- {engine}, {count if count == 'refused' else f'right for {count} values'}: {', '.join(keys)}.\n"
        for (engine, count), keys in right.items()
    ]
    table = _table(["engine", "cast", "values", "different", "first"], rows) if rows else ""
    return "".join(lines) + ("\n" + table if table else "")


def _sum_table(results: dict) -> str:
    rows = [[s["case"], s["engine"], f"{s['error']:.3g}", f"{s['bound']:.4g}"] for s in results["sums"]]
    return _table(["", "engine", "measured", "bound"], rows)


def _coarse(results: dict) -> str:
    limits = {"f32": 4.0, "f16": 1.0, "bf16": 1.0, "f64": 8.0}
    rows = []
    for kind in FLOATS:
        for names, entry in _rows(results, kind):
            for engine in ENGINES:
                record = entry[engine]
                if record and record["ulp"] > limits[kind]:
                    rows.append([engine, kind, names, _ulp(record["ulp"]), _at(record["at"])])
    return _table(["engine", "type", "function", "ulp", "at"], rows)


def _metal_table() -> str:
    bounds: dict[int, list[str]] = {}
    for name, bound in METAL.items():
        bounds.setdefault(bound, []).append(f"`{name}`")
    rows = [[f"at most {bound} ulp", ", ".join(names)] for bound, names in bounds.items()]
    return _table(["by specification", "functions"], rows)


def markdown(results: dict[str, Any]) -> str:
    text = (Path(__file__).parent / "numerics.md.in").read_text()
    parts = {
        "processor": results["host"]["processor"],
        "system": results["host"]["system"],
        "mlx": results["host"]["mlx"],
        "functions": str(len(catalogue.functions())),
        "differences": _differences(results),
        "casts": _cast_table(results),
        "sums": _sum_table(results),
        "coarse": _coarse(results),
        "metal": _metal_table(),
        "exact": ", ".join(
            sorted({f"`{f.name.removeprefix('libdevice.')}`" for f in catalogue.exact_libdevice_functions()})
        ),
        **{kind: _type_table(results, kind) for kind in FLOATS},
    }
    return re.sub(r"@(\w+)@\n?", lambda match: parts[match[1]], text)


# ---- plot ----


def plot(results: dict[str, Any]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown: dict[str, dict] = {}
    for function in catalogue.functions():
        entry = results["functions"][function.key]
        if function.result != "f32" or function.mode or all(_flawless(entry[e]) for e in ENGINES):
            continue
        name = function.base + (
            " (integer)" if "i32" in function.arguments and function.base == "pow" else ""
        )
        shown.setdefault(name, entry)
    order = sorted(shown, key=lambda name: (shown[name]["msl"]["ulp"], name))
    half = -(-len(order) // 2)
    figure, columns = pyplot.subplots(1, 2, figsize=(10, 0.2 * half + 1.6), layout="constrained", sharex=True)
    for axes, names in zip(columns, (order[half:], order[:half]), strict=True):
        for engine, marker, color in (("msl", "o", "#4878a8"), ("mlx", "D", "#c05030")):
            points = [(shown[n][engine]["ulp"], i) for i, n in enumerate(names) if shown[n][engine]]
            axes.scatter(
                [min(max(u, 0.25), 1000) for u, _ in points],
                [i for _, i in points],
                marker=marker,
                s=26 if engine == "msl" else 20,
                color=color,
                facecolors=color if engine == "msl" else "none",
                label=f"engine {engine}",
                zorder=3,
            )
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.set_ylim(-0.7, len(names) - 0.3)
        axes.set_xscale("log", base=2)
        axes.set_xlim(0.2, 1300)
        axes.set_xticks(
            [0.25, 0.5, 1, 2, 4, 16, 64, 256, 1000], ["0", "0.5", "1", "2", "4", "16", "64", "256", ">1000"]
        )
        axes.tick_params(axis="x", labelsize=8)
        axes.axvline(0.5, color="black", linewidth=0.8)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_xlabel("largest error in ulp", fontsize=9)
    columns[0].legend(frameon=False, fontsize=8, loc="lower right")
    figure.suptitle(
        f"Largest errors of f32 functions; 0.5 is correctly rounded\n{results['host']['processor']}",
        fontsize=10,
    )
    figure.savefig(DOCS / "numerics.png", dpi=130)


def write(results: dict[str, Any]) -> None:
    (DOCS / "numerics.md").write_text(markdown(results))
    plot(results)
