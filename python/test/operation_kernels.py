# SPDX-License-Identifier: MIT
"""Kernels of single operations: text, launch and the bits that come back."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import triton
from number_formats import FLOATS, INTEGERS, decode, storage
from triton.backends.compiler import GPUTarget

from triton_metal import ops

HOST = GPUTarget("metal", "host", 32)
ENGINES = ("msl", "mlx")
ABLE = ("right", "in float32", "software", "cpu only")
BLOCK = 512


@cache
def registry() -> dict[str, dict]:
    return {entry["op"]: entry for entry in ops.operations()}


def state(op: str, kind: str, engine: str) -> str:
    return registry()[op]["types"][kind][engine]


def is_able(op: str, kind: str, engine: str) -> bool:
    return state(op, kind, engine) in ABLE


# --- a kernel that Triton did not read ---------------------------------------------------------------------


class _Text:
    """A module as Triton's passes hand it on, of which only the text is used."""

    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return self.text

    def get_entry_func_name(self) -> str:
        return "k"


def compiled(text: str, arguments: int, engine: str, warps: int = 4):
    """Compiles text that Triton's own parser may reject: it knows fewer element types and operations than the
    registry."""
    digest = hashlib.sha256(f"{text} {engine}".encode()).hexdigest()

    def hook(backend=None, stages=None, *_):
        if stages is None:
            return digest, digest
        make_tt = stages["tt"]
        stages["tt"] = lambda module, metadata: make_tt(_Text(text), metadata)
        return None

    pointers = ", ".join(f"%a{number}: !tt.ptr<i8>" for number in range(arguments))
    folder = Path(tempfile.mkdtemp(prefix="operations-"))
    path = folder / "k.ttir"
    path.write_text(f"tt.func public @k({pointers}) {{\n  tt.return\n}}\n")
    with triton.knobs.runtime.scope():
        triton.knobs.runtime.add_stages_inspection_hook = hook
        return triton.compile(str(path), target=HOST, options={"num_warps": warps})


def tensor(kind: str, bits: np.ndarray) -> torch.Tensor:
    if kind == "i1":
        return torch.from_numpy(bits.astype(bool))
    return torch.from_numpy(bits.view(bits.dtype.str.replace("u", "i")).copy())


# --- element-wise operations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """`op` on operands that are named by a letter and an element type."""

    op: str
    operands: tuple[tuple[str, str], ...]
    results: tuple[str, ...]
    attributes: str = ""

    @property
    def label(self) -> str:
        kinds = " ".join(kind for _, kind in self.operands)
        return f"{self.op}{self.attributes} {kinds} -> {self.results[0]}"


class Program:
    """All `lines` in one kernel: `form` is "block", or "scalar" with one program for each element."""

    def __init__(self, lines: list[Line], count: int, form: str):
        self.lines, self.count, self.form = lines, count, form
        self.inputs = sorted({operand for line in lines for operand in line.operands})
        kinds = [kind for line in lines for kind in line.results]
        self.outputs = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        self.text = self._text()

    def _text(self) -> str:
        is_block = self.form == "block"
        block = min(BLOCK, self.count)

        def shaped(element: str) -> str:
            return f"tensor<{block}x{element}>" if is_block else element

        arguments = [(f"{letter}_{kind}", kind) for letter, kind in self.inputs]
        arguments += [(f"out_{kind}", kind) for kind in self.outputs]
        head = ", ".join(f"%{name}_ptr: !tt.ptr<{kind}>" for name, kind in arguments)
        text = [f"tt.func public @k({head}) {{", "  %pid = tt.get_program_id x : i32"]
        at = "%pid"
        if is_block:
            text += [
                f"  %range = tt.make_range {{start = 0 : i32, end = {block} : i32}} : {shaped('i32')}",
                f"  %size = arith.constant {block} : i32",
                "  %start = arith.muli %pid, %size : i32",
                f"  %starts = tt.splat %start : i32 -> {shaped('i32')}",
                f"  %at = arith.addi %starts, %range : {shaped('i32')}",
            ]
            at = "%at"

        def address(name: str, pointer: str, kind: str) -> list[str]:
            many = shaped(f"!tt.ptr<{kind}>")
            if is_block:
                text = [f"  %{name}s = tt.splat {pointer} : !tt.ptr<{kind}> -> {many}"]
                return [*text, f"  %{name} = tt.addptr %{name}s, {at} : {many}, {shaped('i32')}"]
            return [f"  %{name} = tt.addptr {pointer}, {at} : {many}, i32"]

        for letter, kind in self.inputs:
            name = f"{letter}_{kind}"
            text += address(f"{name}p", f"%{name}_ptr", kind)
            text.append(f"  %{name} = tt.load %{name}p : {shaped(f'!tt.ptr<{kind}>')}")
        rows = dict.fromkeys(self.outputs, 0)
        for number, line in enumerate(self.lines):
            values = ", ".join(f"%{letter}_{kind}" for letter, kind in line.operands)
            types = ", ".join(shaped(kind) for _, kind in line.operands)
            results = ", ".join(f"%r{number}_{at}" for at in range(len(line.results)))
            made = ", ".join(shaped(kind) for kind in line.results)
            made = made if len(line.results) == 1 else f"({made})"
            attributes = f" {line.attributes}" if line.attributes else ""
            text.append(f'  {results} = "{line.op}"({values}){attributes} : ({types}) -> {made}')
            for which, kind in enumerate(line.results):
                name = f"{number}_{which}"
                text += [
                    f"  %o{name} = arith.constant {rows[kind] * self.count} : i32",
                    f"  %b{name} = tt.addptr %out_{kind}_ptr, %o{name} : !tt.ptr<{kind}>, i32",
                    *address(f"p{name}", f"%b{name}", kind),
                    f"  tt.store %p{name}, %r{name} : {shaped(f'!tt.ptr<{kind}>')}",
                ]
                rows[kind] += 1
        return "\n".join([*text, "  tt.return", "}", ""])

    def run(self, values: dict[tuple[str, str], np.ndarray], engine: str) -> list[tuple[np.ndarray, ...]]:
        """The bits of the results of each line."""
        return self.launch(self.compile(engine), values)

    def compile(self, engine: str):
        return compiled(self.text, len(self.inputs) + len(self.outputs), engine)

    def launch(self, kernel, values: dict[tuple[str, str], np.ndarray]) -> list[tuple[np.ndarray, ...]]:
        inputs = [tensor(kind, values[letter, kind]) for letter, kind in self.inputs]
        outputs = {
            kind: torch.zeros(rows * self.count, dtype=tensor(kind, np.zeros(1, storage(kind))).dtype)
            for kind, rows in self.outputs.items()
        }
        programs = self.count // min(BLOCK, self.count) if self.form == "block" else self.count
        kernel[(programs, 1, 1)](*inputs, *outputs.values())
        rows = {
            kind: iter(out.numpy().view(storage(kind)).reshape(-1, self.count))
            for kind, out in outputs.items()
        }
        return [tuple(next(rows[kind]) for kind in line.results) for line in self.lines]


# --- operations on constants -------------------------------------------------------------------------------


def literal(kind: str, bits: int, block: bool) -> str:
    """An attribute of that value."""
    if kind == "i1":
        value = "true" if bits else "false"
    elif kind in INTEGERS:
        value = str(int(decode(kind, np.array([bits], storage(kind)))[0]))
    else:
        value = f"0x{int(bits):0{2 * storage(kind).itemsize}X}"
    if block:
        return f"dense<{value}> : tensor<2x{kind}>"
    return value if kind == "i1" else f"{value} : {kind}"


class ConstantProgram:
    """Each line on each row of constants, as scalars and as blocks of two."""

    def __init__(self, lines: list[Line], values: dict[tuple[str, str], np.ndarray], count: int):
        self.lines, self.count = lines, count
        kinds = [kind for line in lines for kind in line.results]
        self.outputs = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        head = ", ".join(f"%out_{kind}: !tt.ptr<{kind}>" for kind in self.outputs)
        text = [
            f"tt.func public @k({head}) {{",
            "  %two = tt.make_range {start = 0 : i32, end = 2 : i32} : tensor<2xi32>",
        ]
        for (letter, kind), column in values.items():
            for row in range(count):
                for form in (0, 1):
                    made = literal(kind, column[row], bool(form))
                    text.append(f"  %{letter}_{kind}_{row}_{form} = arith.constant {made}")
        rows = dict.fromkeys(self.outputs, 0)
        for number, line in enumerate(lines):
            for row in range(count):
                for form in (0, 1):
                    self._operation(text, line, f"{number}_{row}_{form}", row, form, rows)
            for kind in line.results:
                rows[kind] += 3 * count
        self.text = "\n".join([*text, "  tt.return", "}", ""])

    def _operation(self, text: list[str], line: Line, name: str, row: int, form: int, rows: dict) -> None:
        def shaped(element: str) -> str:
            return f"tensor<2x{element}>" if form else element

        values = ", ".join(f"%{letter}_{kind}_{row}_{form}" for letter, kind in line.operands)
        types = ", ".join(shaped(kind) for _, kind in line.operands)
        results = ", ".join(f"%r{name}_{at}" for at in range(len(line.results)))
        made = ", ".join(shaped(kind) for kind in line.results)
        made = made if len(line.results) == 1 else f"({made})"
        text.append(f'  {results} = "{line.op}"({values}) {line.attributes} : ({types}) -> {made}')
        start = dict(rows)
        for which, kind in enumerate(line.results):
            one, many = f"!tt.ptr<{kind}>", shaped(f"!tt.ptr<{kind}>")
            text += [
                f"  %o{name}_{which} = arith.constant {start[kind] + 3 * row + form} : i32",
                f"  %b{name}_{which} = tt.addptr %out_{kind}, %o{name}_{which} : {one}, i32",
            ]
            start[kind] += 3 * self.count
            address = f"%b{name}_{which}"
            if form:
                text += [
                    f"  %s{name}_{which} = tt.splat {address} : {one} -> {many}",
                    f"  %p{name}_{which} = tt.addptr %s{name}_{which}, %two : {many}, tensor<2xi32>",
                ]
                address = f"%p{name}_{which}"
            text.append(f"  tt.store {address}, %r{name}_{which} : {many}")

    def run(self, engine: str) -> list[tuple[np.ndarray, ...]]:
        """For each line its results: a row for each row of constants, of a scalar and a block of two."""
        outputs = {
            kind: torch.zeros(rows * 3 * self.count, dtype=tensor(kind, np.zeros(1, storage(kind))).dtype)
            for kind, rows in self.outputs.items()
        }
        compiled(self.text, len(outputs), engine, warps=1)[(1, 1, 1)](*outputs.values())
        rows = {
            kind: iter(out.numpy().view(storage(kind)).reshape(-1, self.count, 3))
            for kind, out in outputs.items()
        }
        return [tuple(next(rows[kind]) for kind in line.results) for line in self.lines]


def is_float(kind: str) -> bool:
    return kind in FLOATS
