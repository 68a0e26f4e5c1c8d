# SPDX-License-Identifier: MIT
"""The tree of a generated kernel. Each node prints itself as Triton source and runs itself with NumPy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fuzzing.values import SCALARS, Value, error_of

Axes = tuple  # for each dimension of a block the logical axis it walks along, or None when its size is one


class Undefined(Exception):
    """The tree reads a variable before it is set, or leaves its buffers: a mistake of the generator."""


class Returned(Exception):
    """The program returned before its last statement."""


@dataclass
class Buffer:
    """The memory of a pointer argument: the oracle's copy, and how the kernel gets it."""

    name: str
    dtype: str
    data: np.ndarray  # the whole storage, with the zones before and after
    origin: int  # element that the pointer points to
    start: int  # first element between the zones
    stop: int
    output: bool = False
    tolerance: np.ndarray | None = None
    owner: Buffer | None = None  # the buffer whose storage this one shares, under another name

    def fresh(self, copies: dict[int, tuple[np.ndarray, np.ndarray]]) -> Buffer:
        """A copy to run on. Copies of buffers that share a storage share theirs too."""
        key = id(self.owner or self)
        if key not in copies:
            copies[key] = (self.data.copy(), np.zeros(self.data.shape))
        data, tolerance = copies[key]
        return Buffer(self.name, self.dtype, data, self.origin, self.start, self.stop, self.output, tolerance)

    def _where(self, offsets: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at, mask = np.broadcast_arrays(offsets.astype(np.int64) + self.origin, mask)
        active = at[mask]
        if active.size and (active.min() < self.start or active.max() >= self.stop):
            raise Undefined(f"{self.name} is left at {int(active.min())}..{int(active.max())}")
        return at, mask

    def load(self, offsets: np.ndarray, mask: np.ndarray, other: np.ndarray) -> Value:
        at, mask = self._where(offsets, mask)
        safe = np.where(mask, at, self.start)
        value = np.where(mask, self.data[safe], other)
        assert self.tolerance is not None
        error = np.where(mask, self.tolerance[safe], 0.0)
        return value.astype(self.data.dtype), (error if np.any(error) else None)

    def store(self, offsets: np.ndarray, mask: np.ndarray, value: Value) -> None:
        at, mask = self._where(offsets, mask)
        assert self.tolerance is not None
        self.data[at[mask]] = np.broadcast_to(value[0], at.shape)[mask]
        # A bound of zero would require that even the sign of a zero agrees.
        error = error_of(value) if value[1] is None else np.maximum(value[1], np.finfo(np.float64).tiny)
        self.tolerance[at[mask]] = np.broadcast_to(error, at.shape)[mask]

    def combine(self, offsets: np.ndarray, mask: np.ndarray, value: np.ndarray, function: np.ufunc) -> None:
        at, mask = self._where(offsets, mask)
        function.at(self.data, at[mask], np.broadcast_to(value, at.shape)[mask])


@dataclass
class State:
    """A running program: its ids and variables, and the buffers that all programs share."""

    ids: tuple[int, int, int]
    buffers: dict[str, Buffer]
    variables: dict[str, Value] = field(default_factory=dict)
    steps: int = 0

    def read(self, name: str) -> Value:
        if name not in self.variables:
            raise Undefined(name)
        return self.variables[name]


@dataclass
class Expression:
    source: str
    dtype: str
    axes: Axes
    run: Callable[[State], Value]
    exact: bool = True


@dataclass
class Assign:
    name: str
    value: Expression

    def emit(self, indent: str) -> list[str]:
        return [f"{indent}{self.name} = {self.value.source}"]

    def execute(self, state: State) -> None:
        state.variables[self.name] = self.value.run(state)


@dataclass
class AssignPair:
    """Two variables from an operation with two results."""

    first: str
    second: str
    source: str
    run: Callable[[State], tuple[Value, Value]]

    def emit(self, indent: str) -> list[str]:
        return [f"{indent}{self.first}, {self.second} = {self.source}"]

    def execute(self, state: State) -> None:
        state.variables[self.first], state.variables[self.second] = self.run(state)


@dataclass
class Update:
    """An assignment to a variable that lives across iterations, so its type must not change."""

    name: str
    value: Expression

    def emit(self, indent: str) -> list[str]:
        return [f"{indent}{self.name} = {self.value.source}"]

    def execute(self, state: State) -> None:
        old = state.read(self.name)
        new = self.value.run(state)
        shape = np.broadcast_shapes(np.shape(old[0]), np.shape(new[0]))
        if shape != np.shape(old[0]) or old[0].dtype != new[0].dtype:
            raise Undefined(f"{self.name} changes its type")
        value = np.broadcast_to(new[0], shape)
        state.variables[self.name] = (value, None if new[1] is None else np.broadcast_to(new[1], shape))


@dataclass
class Store:
    buffer: str
    offset: Expression
    value: Expression
    mask: Expression | None

    def emit(self, indent: str) -> list[str]:
        mask = f", mask={self.mask.source}" if self.mask else ""
        return [f"{indent}tl.store({self.buffer} + {self.offset.source}, {self.value.source}{mask})"]

    def execute(self, state: State) -> None:
        offsets = self.offset.run(state)[0]
        mask = self.mask.run(state)[0] if self.mask else np.ones(np.shape(offsets), bool)
        value = self.value.run(state)
        shape = np.broadcast_shapes(np.shape(offsets), np.shape(mask), np.shape(value[0]))
        state.buffers[self.buffer].store(np.broadcast_to(offsets, shape), np.broadcast_to(mask, shape), value)


ATOMIC_FUNCTIONS: dict[str, np.ufunc] = {
    "add": np.add,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


@dataclass
class Atomic:
    kind: str
    buffer: str
    offset: Expression
    value: Expression
    mask: Expression | None

    def emit(self, indent: str) -> list[str]:
        mask = f", mask={self.mask.source}" if self.mask else ""
        pointer = f"{self.buffer} + {self.offset.source}"
        return [f"{indent}tl.atomic_{self.kind}({pointer}, {self.value.source}{mask})"]

    def execute(self, state: State) -> None:
        offsets = self.offset.run(state)[0]
        mask = self.mask.run(state)[0] if self.mask else np.ones(np.shape(offsets), bool)
        value = self.value.run(state)[0]
        shape = np.broadcast_shapes(np.shape(offsets), np.shape(mask), np.shape(value))
        state.buffers[self.buffer].combine(
            np.broadcast_to(offsets, shape), np.broadcast_to(mask, shape), value, ATOMIC_FUNCTIONS[self.kind]
        )


@dataclass
class Return:
    def emit(self, indent: str) -> list[str]:
        return [f"{indent}return"]

    def execute(self, state: State) -> None:
        raise Returned


@dataclass
class Barrier:
    """Orders the stores and loads of the lanes of a program."""

    def emit(self, indent: str) -> list[str]:
        return [f"{indent}tl.debug_barrier()"]

    def execute(self, state: State) -> None:
        pass


def emit_block(body: list, indent: str) -> list[str]:
    lines = [line for statement in body for line in statement.emit(indent)]
    return lines or [f"{indent}pass"]


@dataclass
class For:
    variable: str
    start: Expression
    stop: Expression
    step: Expression
    body: list
    static: bool = False

    def emit(self, indent: str) -> list[str]:
        function = "tl.static_range" if self.static else "range"
        bounds = f"{self.start.source}, {self.stop.source}, {self.step.source}"
        if self.start.source == "0" and self.step.source == "1":
            bounds = self.stop.source
        return [
            f"{indent}for {self.variable} in {function}({bounds}):",
            *emit_block(self.body, indent + "    "),
        ]

    def execute(self, state: State) -> None:
        first, last, step = (int(e.run(state)[0]) for e in (self.start, self.stop, self.step))
        for index in range(first, last, step):
            state.variables[self.variable] = (np.array(index, np.int32), None)
            run_block(self.body, state)
        state.variables.pop(self.variable, None)


@dataclass
class If:
    condition: Expression
    body: list
    orelse: list

    def emit(self, indent: str) -> list[str]:
        lines = [f"{indent}if {self.condition.source}:", *emit_block(self.body, indent + "    ")]
        if self.orelse:
            lines += [f"{indent}else:", *emit_block(self.orelse, indent + "    ")]
        return lines

    def execute(self, state: State) -> None:
        run_block(self.body if bool(self.condition.run(state)[0]) else self.orelse, state)


@dataclass
class While:
    condition: Expression
    body: list

    def emit(self, indent: str) -> list[str]:
        return [f"{indent}while {self.condition.source}:", *emit_block(self.body, indent + "    ")]

    def execute(self, state: State) -> None:
        while bool(self.condition.run(state)[0]):
            state.steps += 1
            if state.steps > 10000:
                raise Undefined("a loop does not end")
            run_block(self.body, state)


def run_block(body: list, state: State) -> None:
    for statement in body:
        statement.execute(state)


@dataclass
class Parameter:
    name: str
    value: object  # a Buffer, an int or a float
    constexpr: bool = False


@dataclass
class Program:
    name: str
    parameters: list[Parameter]
    grid: tuple[int, ...]
    body: list
    features: set[str]
    helpers: list[str] = field(default_factory=list)  # functions that the kernel calls

    def source(self) -> str:
        arguments = ", ".join(p.name + (": tl.constexpr" if p.constexpr else "") for p in self.parameters)
        lines = ["import triton", "import triton.language as tl", "", "", *self.helpers, "@triton.jit"]
        lines += [f"def {self.name}({arguments}):", *emit_block(self.body, "    ")]
        return "\n".join(lines) + "\n"

    def expected(self) -> dict[str, Buffer]:
        """The contents of the buffers after all programs have run, one after the other."""
        buffers: dict[str, Buffer] = {}
        copies: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for parameter in self.parameters:
            if isinstance(parameter.value, Buffer):
                buffers[parameter.name] = parameter.value.fresh(copies)
        scalars: dict[str, Value] = {}
        for parameter in self.parameters:
            if not isinstance(parameter.value, Buffer):
                kind = np.float32 if isinstance(parameter.value, float) else np.int32
                scalars[parameter.name] = (np.array(parameter.value, kind), None)
        extents = (*self.grid, 1, 1)[:3]
        with np.errstate(all="ignore"):
            for z in range(extents[2]):
                for y in range(extents[1]):
                    for x in range(extents[0]):
                        with contextlib.suppress(Returned):
                            run_block(self.body, State((x, y, z), buffers, dict(scalars)))
        return buffers


def variable(name: str, dtype: str, axes: Axes, exact: bool = True) -> Expression:
    return Expression(name, dtype, axes, lambda state: state.read(name), exact)


def number(value: int) -> Expression:
    """A literal where Triton needs an int32 scalar."""
    constant = (np.array(value, np.int32), None)
    return Expression(str(value), "int32", (), lambda state: constant)


def element_size(dtype: str) -> int:
    return max(1, SCALARS[dtype].bits // 8)
