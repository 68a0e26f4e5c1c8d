# SPDX-License-Identifier: MIT
"""The registry of operations, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rich.table import Table

ENGINES = ("msl", "mlx")


def operations() -> list[dict[str, Any]]:
    """One entry for each Triton operation: how each engine handles it, and for which element types.

    `types` has, for each element type and engine, "right", "in float32" (right: computed in float32 and
    rounded once), "software" (right; the chips compute it in integers), "cpu only", "not admitted" (the
    operation does not exist on that type), or "refused: " and the reason.
    """
    from triton_metal import _core

    return [
        {
            "op": entry["op"],
            "kind": entry["kind"],
            "mlx": entry["mlx"]["form"],
            "msl": entry["msl"]["form"],
            "note": _note(entry["mlx"]["note"], entry["msl"]["note"]),
            "types": {
                name: {engine: _support(*entry[engine]["types"][name]) for engine in ENGINES}
                for name in entry["msl"]["types"]
            },
        }
        for entry in _core.operations()
    ]


def _support(support: str, reason: str) -> str:
    return f"refused: {reason}" if support == "refused" else support


def _note(mlx: str, msl: str) -> str:
    """Merges the notes of both engines."""
    if mlx == msl:
        return mlx
    parts = [f"{engine}: {note}" for engine, note in (("mlx", mlx), ("msl", msl)) if note]
    separator = " " if mlx.endswith(".") else "; "
    return separator.join(parts)


def operations_table() -> Table:
    table = Table(title="Operations", title_justify="left")
    table.add_column("operation", no_wrap=True)
    table.add_column("mlx engine")
    table.add_column("msl engine")
    table.add_column("note")
    for entry in operations():
        table.add_row(entry["op"], entry["mlx"], entry["msl"], entry["note"])
    return table


# --- Markdown ----------------------------------------------------------------------------------------------

_PREFACE = """\
# Operations

What each engine turns an operation into, and for which element types. `triton-metal ops --markdown` generates
this page from `include/triton-metal/Operations/Operations.td`; a test checks that it is up to date.

| cell | the operation on this element type |
|---|---|
| ✓ | right in both engines |
| f32 | right in both engines: computed in float32 and rounded once |
| msl, mlx | right in this engine, refused by the other |
| soft | right in both engines; the chips compute it in software, by the msl engine only |
| msl (soft) | right in this engine, which computes it in software on the chips |
| cpu | right on the CPU device, refused on the chips |
| ✗ | refused by both engines |
| empty | not admitted: the verifier rejects this element type |

A kernel with a refused operation gets an error that names the line, when it is compiled or at its first
launch. For a cast, a column applies to the type it converts from as well as to the type it converts to.
"""

_TITLES = {
    "elementwise": "Element by element",
    "view": "Shapes",
    "combination": "Across elements",
    "memory": "Memory",
    "control": "Control flow",
    "message": "Messages",
}


def operations_markdown() -> str:
    """docs/operations.md."""
    entries = operations()
    known = [entry for entry in entries if entry["kind"] in _TITLES and not _is_unknown(entry)]
    pages = [_PREFACE]
    for kind, title in _TITLES.items():
        pages.append(f"## {title}\n\n{_matrix([entry for entry in known if entry['kind'] == kind])}")
    pages.append(f"## Reasons\n\n{_reasons(known)}")
    unknown = ", ".join(f"`{entry['op']}`" for entry in entries if _is_unknown(entry))
    sentence = f"Triton does not generate these, and neither engine has them: {unknown}."
    pages.append(f"## Without a form\n\n{sentence}\n")
    pages.append(f"## Totals\n\n{_totals(known)}")
    return "\n".join(pages)


def _totals(entries: list[dict[str, Any]]) -> str:
    """The number of cells of each engine."""
    rows = []
    for engine in ENGINES:
        cells = [support[engine] for entry in entries for support in entry["types"].values()]
        states = [cell.partition(":")[0] for cell in cells]
        counted = [sum(state in names for state in states) for names in _TOTALS.values()]
        assert sum(counted) == len(states)
        rows.append([engine, *map(str, counted), str(len(states))])
    return _table(["cells of the engine", *_TOTALS, "all"], rows)


_TOTALS = {
    "right": ("right", "in float32"),
    "right on some devices only, or in software": ("cpu only", "software"),
    "refused": ("refused",),
    "not admitted": ("not admitted",),
}


def _is_unknown(entry: dict[str, Any]) -> bool:
    return not entry["msl"] and not entry["mlx"] and "has no form" in entry["note"]


def _cell(support: dict[str, str]) -> str:
    states = [support[engine].partition(":")[0] for engine in ENGINES]
    if states == ["right", "right"]:
        return "✓"
    if states == ["in float32", "in float32"]:
        return "f32"
    if states == ["cpu only", "cpu only"]:
        return "cpu"
    if states == ["software", "cpu only"]:
        return "soft"
    if "not admitted" in states:
        return ""
    suffix = {"right": "", "in float32": " (f32)", "software": " (soft)", "cpu only": " (cpu)"}
    able = [engine + suffix[state] for engine, state in zip(ENGINES, states, strict=True) if state in suffix]
    return ", ".join(able) or "✗"


def _matrix(entries: list[dict[str, Any]]) -> str:
    types = list(entries[0]["types"])
    columns = {name: tuple(_cell(entry["types"][name]) for entry in entries) for name in types}
    # Adjacent columns that agree everywhere are merged.
    groups = [list(group) for _, group in groupby(types, key=columns.__getitem__)]
    header = ["operation", *map(_column_name, groups), "msl", "mlx", "note"]
    rows = [
        [
            f"`{entry['op']}`",
            *(columns[group[0]][row] for group in groups),
            *(_form(entry[engine]) for engine in ENGINES),
            _escaped(entry["note"]),
        ]
        for row, entry in enumerate(entries)
    ]
    return _table(header, rows)


def _column_name(types: list[str]) -> str:
    storage = [name for name in types if name.startswith("f8")]
    if len(storage) < 3:
        return " ".join(types)
    others = [name for name in types if name not in storage]
    return " ".join([*others, "fp8" if len(storage) == 5 else "other fp8"])


def _form(form: str) -> str:
    return _escaped(form) if form else "refused"


def _reasons(entries: list[dict[str, Any]]) -> str:
    """Each reason, with the engines, types and operations that it applies to."""
    order = list(entries[0]["types"])
    operations: dict[tuple[str, str, str], list[str]] = {}
    for entry in entries:
        types: dict[tuple[str, str], list[str]] = {}
        for name, support in entry["types"].items():
            for engine in ENGINES:
                if support[engine].startswith("refused: ") and entry[engine]:
                    types.setdefault((support[engine].removeprefix("refused: "), engine), []).append(name)
        engines: dict[tuple[str, str], list[str]] = {}
        for (reason, engine), names in types.items():
            engines.setdefault((reason, " ".join(sorted(names, key=order.index))), []).append(engine)
        for (reason, names), able in engines.items():
            operations.setdefault((", ".join(able), names, reason), []).append(f"`{entry['op']}`")
    rows = [
        [engine, types, _escaped(reason), ", ".join(names)]
        for (engine, types, reason), names in operations.items()
    ]
    return _table(["engine", "type", "reason", "operations"], rows)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("<", "\\<")


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
