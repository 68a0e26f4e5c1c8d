# SPDX-License-Identifier: MIT
"""What a launch was raised to, read off the text in the mlx dialect."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

# Operations whose cost decides whether the raised graph is good; every other one works element by element.
CATEGORIES = {
    "views": ("slice", "reshape", "transpose", "broadcast_to", "as_strided", "view"),
    "assignments": ("slice_update",),
    "gathers": ("take", "take_along_axis"),
    "scatters": ("scatter",),
    "stepped loops": ("while",),
    "matmuls": ("matmul",),
    "reductions": ("sum", "prod", "max", "min", "all", "any"),
    "scans": ("cumsum", "cumprod", "cummax", "cummin"),
    "constants": ("constant", "arange"),
}
_CATEGORY_OF = {name: category for category, names in CATEGORIES.items() for name in names}


@dataclass
class Explanation:
    """How many operations of each category a launch needs, which engine runs it, and why."""

    engine: str
    reason: str
    categories: dict[str, int]
    operations: dict[str, int]
    remarks: list[str]


def explain_text(text: str) -> Explanation:
    """Counts the operations of a raised launch."""
    # An operation's name comes first on its line or after the results.
    names = re.findall(r'^\s*(?:%[^=]*=\s*)?"?mlx\.(\w+)', text, flags=re.MULTILINE)
    operations = Counter(name for name in names if name != "yield")
    categories = dict.fromkeys([*CATEGORIES, "element-wise"], 0)
    for name, count in operations.items():
        categories[_CATEGORY_OF.get(name, "element-wise")] += count
    remarks = []
    if categories["gathers"]:
        remarks.append("some loads read at computed addresses: a gather is slower than a view")
    if categories["scatters"]:
        remarks.append("some stores write at computed addresses: a scatter is slower than an assignment")
    if categories["stepped loops"]:
        remarks.append("some loops stay loops: each step is evaluated on its own")
    if not remarks:
        remarks.append("every access is a view or an assignment, and no loop is left")
    return Explanation(
        engine="mlx",
        reason="this version has one engine",
        categories=categories,
        operations=dict(sorted(operations.items())),
        remarks=remarks,
    )
