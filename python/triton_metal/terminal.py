# SPDX-License-Identifier: MIT
"""Where tables are printed."""

from __future__ import annotations

import sys

from rich.console import Console


def console() -> Console:
    """Standard output. In a file or pipe, wide enough that no table is cut off."""
    return Console() if sys.stdout.isatty() else Console(width=140)
