# SPDX-License-Identifier: MIT
"""How each engine would run a kernel, from the texts that the engines generate."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MslExplanation:
    """A kernel as Metal text: what a threadgroup needs, and how many costly operations the kernel has."""

    simdgroups: int
    threadgroup_bytes: int
    lines: int
    counts: dict[str, int]


@dataclass
class Explanation:
    """Which engine runs a kernel and why, and how each engine would run it. Without a grid there is no launch
    to raise, so the categories of the mlx engine are empty."""

    engine: str
    reason: str
    categories: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    msl: MslExplanation | None = None
    msl_refusal: str = ""
    mlx_refusal: str = ""


def count_operations(text: str) -> tuple[dict[str, int], dict[str, int]]:
    """The operations of a raised launch by category and by name."""
    from triton_metal import _core

    names_of = _core.graph_categories()
    category_of = {name: category for category, names in names_of.items() for name in names}
    # The name of an operation is the first thing on its line, or follows the results.
    names = re.findall(r'^\s*(?:%[^=]*=\s*)?"?mlx\.(\w+)', text, flags=re.MULTILINE)
    operations = Counter(name for name in names if name in category_of)
    categories = dict.fromkeys(names_of, 0)
    for name, count in operations.items():
        categories[category_of[name]] += count
    return categories, dict(sorted(operations.items()))


def _remarks(categories: dict[str, int]) -> list[str]:
    remarks = []
    if categories["gathers"]:
        remarks.append("some loads read at computed addresses: a gather is slower than a view")
    if categories["scatters"]:
        remarks.append("some stores write at computed addresses: a scatter is slower than an assignment")
    if categories["stepped loops"]:
        remarks.append("some loops stay loops: each step is evaluated on its own")
    if not remarks:
        remarks.append("every access is a view or an assignment, and no loop is left")
    return remarks


def explain(kernel: Any, grid: tuple[int, int, int] | None, arguments: list[Any]) -> Explanation:
    """How both engines would run a compiled kernel; `arguments` belong to the grid."""
    from triton_metal.backend.triton_internals import OutOfResources
    from triton_metal.errors import UnsupportedError

    result = Explanation(kernel.engine, kernel.engine_reason)
    try:
        facts = kernel.msl_facts()
        result.msl = MslExplanation(
            facts["simdgroups"], facts["threadgroup_bytes"], facts["lines"], facts["counts"]
        )
    except (UnsupportedError, OutOfResources) as error:
        result.msl_refusal = _first_line(error)
    if grid is None:
        return result
    try:
        result.categories, result.operations = count_operations(kernel.raise_text(grid, arguments))
        result.remarks = _remarks(result.categories)
    except UnsupportedError as error:
        result.mlx_refusal = _first_line(error)
    return result


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
