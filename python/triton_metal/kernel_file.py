# SPDX-License-Identifier: MIT
"""Kernels named on the command line: finds them in files, compiles them for a profile, raises launches."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any


class UsageError(Exception):
    """An invalid command line; the text says why."""


def load_module(path: Path) -> ModuleType:
    """Runs a Python file as a module, with its folder importable as if Python ran the file itself.

    The module gets a unique name, so that a file such as random.py does not replace an imported module.
    """
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    name = f"__triton_metal_{path.stem}__"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def load_kernel(spec: str) -> Any:
    """The `@triton.jit` function that FILE:KERNEL names, without the autotuners and heuristics around it."""
    from triton_metal.backend.triton_internals import JITFunction, knobs

    if knobs.runtime.interpret:
        raise UsageError("TRITON_INTERPRET=1 replaces the compiler; unset it")
    file, separator, name = spec.rpartition(":")
    if not separator or not file or not name:
        raise UsageError(f"'{spec}' is not FILE:KERNEL")
    module = load_module(Path(file))
    kernel = getattr(module, name, None)
    while kernel is not None and not isinstance(kernel, JITFunction):
        kernel = getattr(kernel, "fn", None)
    if kernel is None:
        kernels = sorted(key for key, value in vars(module).items() if isinstance(value, JITFunction))
        raise UsageError(f"{file} has no kernel '{name}'; its kernels are {', '.join(kernels) or 'none'}")
    return kernel


def parse_pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """The NAME=VALUE pairs of a repeatable option."""
    pairs = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError(f"{option} {text} is not NAME=VALUE")
        pairs[name] = value
    return pairs


def parse_constant(text: str) -> Any:
    """A constexpr value: a Python literal, a dtype such as tl.float16, or otherwise the text itself."""
    if text.startswith("tl."):
        import triton.language as tl

        if hasattr(tl, text[3:]):
            return getattr(tl, text[3:])
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def split_signature(text: str) -> list[str]:
    """Splits at commas outside of brackets: tensordesc<fp16[64,64]> is one type."""
    return [part.strip() for part in re.split(r",(?![^<>]*>)", text) if part.strip()]


@dataclass
class Signature:
    """Describes the arguments of a kernel to Triton's compiler."""

    types: dict[str, str]
    constants: dict[str, Any]
    attributes: dict[tuple[int, ...], list[list[Any]]]


def make_signature(kernel: Any, text: str, constants: Mapping[str, str]) -> Signature:
    """Assigns the types of the command line to the parameters of the kernel. As in Triton's ahead-of-time
    tool, a type may end with ':16' (divisible by 16) or ':1' (the constant 1)."""
    unknown = [name for name in constants if name not in kernel.arg_names]
    if unknown:
        raise UsageError(f"{kernel.__name__} has no parameter {unknown[0]}")
    result = Signature({}, {name: parse_constant(value) for name, value in constants.items()}, {})
    types = split_signature(text)
    typed = [p for p in kernel.params if not p.is_constexpr and p.name not in constants]
    if len(types) != len(typed):
        names = ", ".join(p.name for p in typed) or "none"
        raise UsageError(
            f"{kernel.__name__} takes {len(typed)} arguments ({names}); the signature has {len(types)} types"
        )
    remaining = iter(types)
    for index, parameter in enumerate(kernel.params):
        if parameter.is_constexpr or parameter.name in constants:
            if parameter.name not in constants:
                if not parameter.has_default:
                    name = parameter.name
                    raise UsageError(f"constexpr {name} has no value: --constexpr {name}=...")
                result.constants[parameter.name] = parameter.default
            result.types[parameter.name] = "constexpr"
            continue
        type_name, _, hint = next(remaining).partition(":")
        if hint == "1":
            result.constants[parameter.name] = 1
            type_name = "constexpr"
        elif hint == "16":
            result.attributes[(index,)] = [["tt.divisibility", 16]]
        elif hint:
            raise UsageError(f"a type may end with ':16' or ':1', not ':{hint}'")
        result.types[parameter.name] = _checked_type(type_name)
    return result


def _checked_type(name: str) -> str:
    from triton_metal.backend.triton_internals import str_to_ty

    if name == "constexpr":
        return name
    try:
        str_to_ty(name, None)
    except Exception:
        raise UsageError(
            f"'{name}' is not a type; types are *fp32, i32, tensordesc<fp16[64,64]>, ..."
        ) from None
    return name


def kernel_line(error: Any, path: Path) -> str:
    """FILE:LINE:COLUMN of an error in Triton's front end, which counts lines from the start of the kernel."""
    node, source = getattr(error, "node", None), getattr(error, "src", None)
    if node is None:
        return ""
    text = path.read_text() if path.is_file() else ""
    start = text.find(source) if source else -1
    if start < 0:
        return f"line {node.lineno} of the kernel: "
    return f"{path.name}:{text.count(chr(10), 0, start) + node.lineno}:{node.col_offset + 1}: "


def compile_kernel(kernel: Any, signature: Signature, arch: str, **options: Any) -> Any:
    """Triton's compiled kernel; its `asm` has the text of every stage."""
    import triton

    from triton_metal.backend.triton_internals import ASTSource, GPUTarget

    source = ASTSource(kernel, signature.types, signature.constants, signature.attributes)
    return triton.compile(source, target=GPUTarget("metal", arch, 32), options=options)


def stage_text(compiled: Any, stage: str) -> str:
    """The text of a stage that does not depend on a launch."""
    text = compiled.asm[stage]
    return text.decode() if isinstance(text, bytes) else str(text)


def parse_grid(text: str) -> tuple[int, int, int]:
    """Parses one to three extents separated by commas."""
    try:
        extents = [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--grid {text} is not one to three integers separated by commas") from None
    if not 1 <= len(extents) <= 3:
        raise UsageError(f"--grid takes one to three extents, not {len(extents)}")
    return tuple(extents + [1] * (3 - len(extents)))  # type: ignore[return-value]


def launch_arguments(
    parameters: Sequence[tuple[str, str]], values: Mapping[str, str], elements: int
) -> list[Any]:
    """Stand-ins for the arguments of a launch: memory for pointers (the value is the number of elements), the
    given values for integers, and 1.0 for floats without a value, because raising ignores it."""
    known = {name for name, _ in parameters}
    for name in values:
        if name not in known:
            raise UsageError(f"the kernel has no argument '{name}'; it has {', '.join(sorted(known))}")
    arguments = []
    for name, type_name in parameters:
        text = values.get(name)
        try:
            if type_name.startswith("!tt.ptr"):
                arguments.append(_buffer(type_name, int(text) if text is not None else elements))
            elif type_name.startswith(("f", "bf")):
                arguments.append(float(text) if text is not None else 1.0)
            elif text is None:
                raise UsageError(f"argument '{name}' ({type_name}) needs a value: --arg {name}=...")
            else:
                arguments.append(int(text, 0))
        except ValueError:
            raise UsageError(f"--arg {name}={text} is not a value of type {type_name}") from None
    return arguments


def _buffer(type_name: str, elements: int) -> Any:
    import numpy as np

    from triton_metal import _core

    match = re.match(
        r"!tt\.ptr<[a-z]+(\d+)", type_name
    )  # a pointer to pointers does not match and has 64 bits
    bits = max(8, int(match.group(1))) if match else 64
    size = elements * bits // 8
    memory = np.empty(max(1, size), dtype=np.uint8)
    return _core.HostBuffer(memory.ctypes.data, memory.ctypes.data, size, False, memory)
