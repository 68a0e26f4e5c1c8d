# SPDX-License-Identifier: MIT
"""Plants faults in the Metal texts of saved launches: `plant_faults.py FOLDER TARGET`.

For each text in FOLDER: one launch without its last barrier, for racecheck, and one whose stores go
past the memory, for memcheck. Because these tools find the faults, it means something that they report none
for the original texts."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from make_ptx import make_ptx


def without_barrier(text: str) -> str | None:
    """Removes the last barrier between accesses to threadgroup memory."""
    found = list(re.finditer(r"^ *TM_BARRIER\(mem_threadgroup\)\n", text, re.MULTILINE))
    return text[: found[-1].start()] + text[found[-1].end() :] if found else None


def past_the_end(text: str) -> str | None:
    """Moves every store far beyond its memory."""
    names = re.findall(r"^ *device [\w ]+\*(\w+) = ", text, re.MULTILINE)
    names += re.findall(r"device \w+ \*(?:\w+ )*(\w+) \[\[buffer", text)
    store = rf"^( *(?:if \(\w+\) )?(?:{'|'.join(names)})\[)([^\n=]+\] = )"
    changed = re.sub(store, r"\1(1l << 24) + \2", text, flags=re.MULTILINE)
    return None if changed == text else changed


FAULTS: dict[str, Callable[[str], str | None]] = {"racecheck": without_barrier, "memcheck": past_the_end}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path, help="gets a folder for each tool")
    options = parser.parse_args()
    for tool, change in FAULTS.items():
        made: set[str] = set()
        for file in sorted(options.folder.rglob("launch.json")):
            metal = json.loads(file.read_text()).get("msl")
            changed = metal and change(metal["text"])
            if not changed or changed in made:
                continue
            made.add(changed)
            copy = options.target / tool / file.parent.name
            shutil.copytree(file.parent, copy, dirs_exist_ok=True)
            (copy / "kernel.ptx").write_text(make_ptx(changed, metal["simdgroups"]))
        print(f"{tool}: {len(made)} launches with a fault")
    return 0


if __name__ == "__main__":
    sys.exit(main())
