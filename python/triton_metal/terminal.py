# SPDX-License-Identifier: MIT
"""The console that tables are printed to."""

from __future__ import annotations

import sys

from rich.console import Console


def console() -> Console:
    """Standard output. A file or pipe gets a width at which no table is cut off."""
    return Console() if sys.stdout.isatty() else Console(width=140)
