# SPDX-License-Identifier: MIT
"""Turns the source of a kernel into a module, because Triton reads the source from a file."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from reference import Guarded, assert_same, rounded

PRELUDE = "import triton\nimport triton.language as tl\nfrom triton.language.extra import libdevice\n\n\n"


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="generated-kernels-"))


def load_source(source: str, name: str = "") -> ModuleType:
    """Writes `source` to a file and imports it."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    module_name = f"{name or 'kernels'}_{digest}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    path = _folder() / f"{module_name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def elementwise_kernel(expression: str, inputs: str, other: str = ", other=1"):
    """A kernel that maps `expression` over one-dimensional inputs, named by the letters of `inputs`."""
    parameters = "".join(f"{letter}_ptr, " for letter in inputs)
    loads = "".join(f"    {letter} = tl.load({letter}_ptr + i, mask=m{other})\n" for letter in inputs)
    source = (
        f"{PRELUDE}@triton.jit\ndef mapped({parameters}out_ptr, n, BLOCK: tl.constexpr):\n"
        "    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)\n"
        "    m = i < n\n"
        f"{loads}"
        f"    tl.store(out_ptr + i, {expression}, mask=m)\n"
    )
    return load_source(source, "elementwise").mapped


def evaluate(
    expression: str,
    arrays: list[np.ndarray],
    dtypes: list[str],
    out_dtype: str,
    block: int = 128,
    **options: Any,
) -> np.ndarray:
    """Runs `expression` of x, y, z over the arrays with the given launch options. The buffers detect stray
    writes."""
    # Triton cannot convert the integer 1 to an 8-bit float.
    other = "" if any(dtype.startswith("float8") for dtype in dtypes) else ", other=1"
    kernel = elementwise_kernel(expression, "xyz"[: len(arrays)], other)
    count = arrays[0].size
    inputs = [Guarded(array, dtype) for array, dtype in zip(arrays, dtypes, strict=True)]
    out = Guarded(np.zeros(count), out_dtype)
    tensors = [guarded.tensor for guarded in (*inputs, out)]
    kernel[(math.ceil(count / block),)](*tensors, count, BLOCK=block, **options)
    for guarded, array, dtype in zip(inputs, arrays, dtypes, strict=True):
        guarded.check()
        assert_same(guarded.values(), rounded(array, dtype))
    out.check()
    return out.values()
