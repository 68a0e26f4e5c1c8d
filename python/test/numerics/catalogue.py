# SPDX-License-Identifier: MIT
"""Every function to measure, from the registry of operations and from libdevice: none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from triton_metal import ops
from triton_metal.backend.libdevice import FUNCTIONS

FLOATS = ("f16", "bf16", "f32", "f64")
KINDS = {
    "fp32": "f32",
    "fp64": "f64",
    "int1": "i1",
    "int32": "i32",
    "int64": "i64",
    "uint32": "u32",
    "uint64": "u64",
}
# The references have these names for the operands of an operation.
ARITY = {2: r"add|sub|mul|div|rem|max|min|pow|atan2|copysign", 3: r"fma|clampf"}
# Conversions between float types are measured for all of their values (casts.py).
CASTS = re.compile(r"arith\.(extf|truncf)|tt\.fp_to_fp")
# They keep bits, choose an operand, or give an integer or a truth value: there is no error. Tests of
# the language compare them for equality.
EXACT = re.compile(r"arith\.(constant|select|bitcast|cmpf|fpto[su]i)|tt\.(bitcast|addptr)|ub\.poison")
# Rounded once from an integer; tests of the language compare them for equality.
FROM_INTEGERS = re.compile(r"arith\.[su]itofp")
# What an operation of the registry computes, where its name does not say so. Triton admits some on f32 only.
# What the registry says of a type that an engine computes with.
SUPPORTED = ("right", "software", "cpu only")
FLOAT32_ONLY = ("tt.approx_divf", "tt.precise_divf", "tt.precise_sqrt")


@dataclass(frozen=True)
class Function:
    """A function on one list of argument types."""

    name: str  # of the operation, or libdevice.NAME
    arguments: tuple[str, ...]
    result: str
    symbol: str = ""  # of libdevice

    @property
    def base(self) -> str:
        """The name of the reference."""
        name = self.name.split(".")[1].removeprefix("approx_").removeprefix("precise_")
        name = re.sub(r"^fast_(.*?)f$", r"\1", name).replace("divide", "div")
        if not self.symbol:
            name = re.sub(r"^(add|sub|mul|div|rem|neg|pow|abs)f$", r"\1", name)
        return name

    @property
    def key(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def mode(self) -> str:
        """The rounding of the result, if it is a directed one."""
        found = re.search(r"_(r[zdu])$", self.name)
        return found[1] if found and self.symbol else ""


def _is_float(kind: str) -> bool:
    return kind in FLOATS


def category(entry: dict) -> str:
    """What an operation of the registry is for this document: measured, cast, integer, exact, none."""
    name, types = entry["op"], entry["types"]
    if entry["kind"] != "elementwise" or not (entry["msl"] or entry["mlx"]):
        return "none"
    if CASTS.match(name):
        return "cast"
    if FROM_INTEGERS.match(name):
        return "from integer"
    if EXACT.match(name):
        return "exact"
    admitted = {kind for kind in types if types[kind]["msl"] != "not admitted"}
    if not admitted & set(FLOATS):
        return "integer"
    if name == "tt.extern_elementwise":
        return "none"  # one entry for all of libdevice
    return "measured" if not admitted & {"i32", "i64"} else "integer"


@cache
def registry_functions() -> tuple[Function, ...]:
    found = []
    for entry in ops.operations():
        if category(entry) != "measured":
            continue
        stem = entry["op"].split(".")[1]
        arity = next(
            (n for n, names in ARITY.items() if re.search(rf"^(approx_|precise_)?({names})", stem)), 1
        )
        for kind in FLOATS:
            if kind != "f32" and entry["op"] in FLOAT32_ONLY:
                continue
            if any(entry["types"][kind][engine] in SUPPORTED for engine in ops.ENGINES):
                found.append(Function(entry["op"], (kind,) * arity, kind))
    return tuple(found)


def _libdevice() -> Iterator[Function]:
    for name, overloads in FUNCTIONS.items():
        for arguments, (symbol, result) in overloads.items():
            kinds = tuple(KINDS[str(kind)] for kind in arguments)
            yield Function(f"libdevice.{name}", kinds, KINDS[str(result)], symbol)


@cache
def libdevice_functions() -> tuple[Function, ...]:
    """Those that compute a float: from floats, or rounded from an integer."""
    return tuple(
        f for f in _libdevice() if _is_float(f.result) and "_as_" not in f.name and "hilo" not in f.name
    )


@cache
def exact_libdevice_functions() -> tuple[Function, ...]:
    """Their results are integers, truth values, or bits."""
    return tuple(f for f in _libdevice() if f not in libdevice_functions())


def functions() -> tuple[Function, ...]:
    return registry_functions() + libdevice_functions()
