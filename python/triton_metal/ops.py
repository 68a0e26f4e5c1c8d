# SPDX-License-Identifier: MIT
"""The table of operations, for people and for programs."""

from __future__ import annotations

from rich.table import Table


def operations() -> list[dict[str, str]]:
    """One entry for each Triton operation: what each engine makes of it, and what is refused."""
    from triton_metal import _core

    keys = ("op", "mlx", "msl", "note")
    return [{key: str(entry.get(key, "")) for key in keys} for entry in _core.operations()]


def operations_table() -> Table:
    table = Table(title="Operations", title_justify="left")
    table.add_column("operation", no_wrap=True)
    table.add_column("mlx engine")
    table.add_column("msl engine")
    table.add_column("note")
    for entry in operations():
        table.add_row(entry["op"], entry["mlx"], entry["msl"], entry["note"])
    return table
