# SPDX-License-Identifier: MIT
"""What Triton's front end writes survives a round trip through our dialect, with its locations, and the
shared passes turn it into one structured kernel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if os.environ.get("TRITON_INTERPRET") == "1":
    pytest.skip("the interpreter writes no IR", allow_module_level=True)

from corpus_kernels import CORPUS, Entry
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

PRINT = ("-mlir-print-debuginfo", "-mlir-use-nameloc-as-prefix")
STRUCTURED = re.compile(
    r"\b(cf\.|tt\.call\b|tt\.descriptor_|tt\.make_tensor_descriptor|tensordesc|index_switch)"
)


def _tool() -> str:
    build = Path(os.environ.get("TRITON_METAL_BUILD", Path(__file__).parents[2] / "build"))
    built = build / "tools/triton-metal-opt/triton-metal-opt"
    found = os.environ.get("TRITON_METAL_OPT") or shutil.which("triton-metal-opt") or str(built)
    if not Path(found).exists():
        pytest.fail("triton-metal-opt is not built: run `make build`, or set TRITON_METAL_OPT")
    return found


_NAME = r"%[\w.$-]+"
_DEFINITION = re.compile(
    rf"{_NAME}(?=: | = |:\d+ = |(?:, {_NAME})+ = )|(?<!\()(?<=, ){_NAME}(?=(?:, {_NAME})* = )"
)


def _with_numbered_values(text: str) -> str:
    """Renames values in the order of their definition. The text of a loop names its arguments but gives them
    no location, so their names do not survive the round trip."""
    latest: dict[str, str] = {}
    count = 0
    definitions = {match.start() for match in _DEFINITION.finditer(text)}

    def rename(match: re.Match[str]) -> str:
        nonlocal count
        if match.start() in definitions:
            latest[match[0]] = f"%{count}"
            count += 1
        return latest.get(match[0], match[0])

    return re.sub(_NAME, rename, text)


def _assert_same(printed: str, text: str) -> None:
    printed, text = printed.strip(), text.strip()
    if "scf.for" in text or "scf.while" in text:
        printed, text = _with_numbered_values(printed), _with_numbered_values(text)
    assert printed == text


def _run(text: str, *options: str, code: int = 0) -> str:
    done = subprocess.run(
        [_tool(), "-", *PRINT, *options], input=text, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr[-4000:]
    return done.stderr if code else done.stdout


def _parse_type(text: str) -> Any:
    """Parses types as launches write them: a string, or a tuple of types."""
    text = text.strip()
    if not text.startswith("("):
        return text
    parts, depth, part = [], 0, ""
    for char in text[1:-1] + ",":
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(_parse_type(part))
            part = ""
        else:
            part += char
    return tuple(parts)


def _module(entry: Entry) -> Any:
    """The module as the front end produces it, before any pass."""
    from triton._C.libtriton import ir

    from triton_metal.backend.compiler import MetalBackend

    target = GPUTarget("metal", "host", 32)
    backend = MetalBackend(target)
    signature = {name: _parse_type(ty) for name, ty in entry.signature.items()}
    constants = {(list(signature).index(name),): value for name, value in entry.constants.items()}
    source = ASTSource(entry.kernel, signature, constexprs=constants)
    options = backend.parse_options({"debug": entry.name == "diagnostics"})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    implementation = backend.get_codegen_implementation(options)
    module = source.make_ir(target, options, implementation, backend.get_module_map(), context)
    module.context = context
    return module


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_round_trip(entry: Entry) -> None:
    module = _module(entry)
    text = str(module)
    for fragment in entry.contains:
        assert fragment in text
    _assert_same(_run(text), text)
    # The generic form loses nothing that the short form has.
    _assert_same(_run(_run(text, "-mlir-print-op-generic")), text)


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_after_front_end_passes(entry: Entry) -> None:
    from triton_metal.backend.triton_internals import clean_up_ttir

    module = _module(entry)
    text = str(clean_up_ttir(module))
    _assert_same(_run(text), text)
    shared = _run(text, "-tt-shared-pipeline")
    assert not STRUCTURED.search(shared)
    _assert_same(_run(shared), shared)


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.name)
def test_shared_passes(entry: Entry) -> None:
    module = _module(entry)
    shared = _run(str(module), "-tt-shared-pipeline")
    assert shared.count("tt.func") == 1 and "tt.func public" in shared
    assert not STRUCTURED.search(shared)
    _assert_same(_run(shared), shared)


def test_examples(tmp_path: Path) -> None:
    """The kernels of the demo, as they are compiled for real launches."""
    env = dict(os.environ, TRITON_KERNEL_DUMP="1", TRITON_DUMP_DIR=str(tmp_path / "dump"))
    env["TRITON_CACHE_DIR"] = str(tmp_path / "cache")
    command = [sys.executable, "-m", "triton_metal", "demo", "--small", "--no-interpreter"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    dumped = sorted(tmp_path.glob("dump/**/*.ttir"))
    assert len(dumped) >= 5
    for file in dumped:
        _assert_same(_run(file.read_text()), file.read_text())


def test_every_operation_is_covered() -> None:
    """The corpus has each operation that Triton's Python bindings can create and the language can reach."""
    seen: set[str] = set()
    for entry in CORPUS:
        module = _module(entry)
        seen |= set(re.findall(r"\btt\.[a-z_]+(?:\.return)?(?=[ \"(\n])", str(module)))
    text = "\n".join(
        path.read_text()
        for path in (Path(__file__).parents[2] / "include/triton-metal/Dialect/Triton/IR").glob("*.td")
    )
    operations = {
        f"tt.{name}"
        for name in re.findall(r"\bTT_(?:Op|Conversion|Binary|GridQuery)<\s*\"([a-z_.]+)\"", text)
    }
    # Only extensions for NVIDIA's GPUs write these.
    operations -= {"tt.grid_dependency_wait", "tt.grid_dependency_launch_dependents"}
    assert operations - seen == set()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('%0 = "ttg.convert_layout"(%x) : (tensor<4xf32>) -> tensor<4xf32>', "ttg.convert_layout"),
        ('"nvgpu.fence"() : () -> ()', "nvgpu.fence"),
        ("tt.frobnicate %x : tensor<4xf32>", "tt.frobnicate"),
    ],
)
def test_unknown_operations_are_refused_where_they_stand(line: str, name: str) -> None:
    error = _run(f"tt.func @f(%x: tensor<4xf32>) {{\n    {line}\n  tt.return\n}}\n", code=1)
    assert re.search(r":2:\d+: error: ", error)
    assert name.split(".")[0] in error and name.split(".")[1] in error
