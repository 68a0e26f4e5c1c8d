# SPDX-License-Identifier: MIT
"""Triton's internals are touched in one module."""

import re
from pathlib import Path

import triton_metal
from triton_metal.backend import triton_internals

PACKAGE = Path(triton_metal.__file__).parent
INTERNAL = r"triton\.(?:runtime|compiler|backends|_C|_utils|tools|knobs)\b|libtriton|device_caches"


def test_one_module_alone_names_internals_of_triton():
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "triton_internals.py":
            continue
        code = re.sub(r'""".*?"""|#.*', "", path.read_text(), flags=re.DOTALL)
        lines = [line.strip() for line in code.splitlines() if re.search(INTERNAL, line)]
        lines += re.findall(r"from triton import .*\bknobs\b.*", code)
        if lines:
            found[str(path.relative_to(PACKAGE))] = lines
    assert not found


def test_no_module_of_the_backend_imports_triton_by_itself():
    for path in sorted((PACKAGE / "backend").glob("*.py")):
        if path.name != "triton_internals.py":
            found = re.search(r"^\s*(from|import) triton\b.*", path.read_text(), re.MULTILINE)
            assert found is None, (path, found.group())


def test_every_name_is_there():
    for name in triton_internals.__all__:
        assert getattr(triton_internals, name) is not None
