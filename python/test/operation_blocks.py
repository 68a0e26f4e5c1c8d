# SPDX-License-Identifier: MIT
"""Kernels of the operations that are not element by element: a case for each operation of the registry, which
writes text for any type and says what the kernel stores. Values are exact by construction."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import numpy as np
import torch
from number_formats import FLOAT8, FLOATS, INTEGERS, decode, encode, is_nan, storage, width
from operation_kernels import compiled, tensor
from operation_references import maximum_number, minimum_number

COUNT = 256
FULL = str(COUNT)
POINTER = "ptr"
PRINTED = "first of x"


class Builder:
    """One kernel. `x` and `y` are blocks of any bits of the type. Of pointers, the bits are those of the i32
    that they point to."""

    def __init__(self, kind: str, engine: str, rng: np.random.Generator):
        self.kind, self.engine, self.rng = kind, engine, rng
        self.stored = "i32" if kind == POINTER else kind
        self.element = "!tt.ptr<i32>" if kind == POINTER else kind
        self.arguments: list[tuple[str, str, np.ndarray, np.ndarray | None]] = []
        self.text: list[str] = []
        self.functions: list[str] = []
        self.rows: list[tuple[str, str, np.ndarray, bool]] = []
        self.labels: list[str] = []
        self.label = ""
        self.part = (0, 1)  # of the combiners
        self.is_refused = False  # the case writes what is refused, where that is a part of the operation
        self.next = 0
        for size in (1, 16, 128, COUNT):
            self.text.append(
                f"  %range{size} = tt.make_range {{start = 0 : i32, end = {size} : i32}} : tensor<{size}xi32>"
            )
        dtype = storage(self.stored)
        top = 2 ** width(self.stored) - 1
        self.bits: dict[str, np.ndarray] = {}
        self.starts = {"x": "%x_ptr", "y": "%y_ptr"}
        for name in "xy":
            bits = rng.integers(0, top, 2 * COUNT, dtype, endpoint=True)
            self.bits[name] = bits[:COUNT]
            self.argument(name, self.stored, bits)
            if (
                kind == POINTER and name == "x"
            ):  # of one argument: the mlx engine has no others to choose from
                self.bits["y"] = bits[COUNT:]
                self.starts["y"] = self.op("tt.addptr %x_ptr, %half : !tt.ptr<i32>, i32")
                break
        self.bits["c"] = rng.integers(0, 2, COUNT).astype(np.uint8)
        self.argument("c", "i1", self.bits["c"])
        self.c = self.load("c", "i1")
        self.x, self.y = (self.block(name) for name in "xy")

    # text

    def name(self) -> str:
        self.next += 1
        return f"%v{self.next}"

    def t(self, shape: object = COUNT, element: str = "") -> str:
        return f"tensor<{shape}x{element or self.element}>"

    def emit(self, text: str) -> None:
        self.text.append(f"  {text}")

    def op(self, text: str) -> str:
        name = self.name()
        self.emit(f"{name} = {text}")
        return name

    def argument(self, name: str, kind: str, before: np.ndarray, after: np.ndarray | None = None) -> str:
        """Memory of the kernel; compared with `after` if that is given."""
        self.arguments.append((name, kind, before, after))
        return f"%{name}_ptr"

    def addresses(self, pointer: str, kind: str, size: int = COUNT, at: str = "") -> str:
        many = self.t(size, f"!tt.ptr<{kind}>")
        base = self.op(f"tt.splat {pointer} : !tt.ptr<{kind}> -> {many}")
        return self.op(f"tt.addptr {base}, {at or f'%range{size}'} : {many}, {self.t(size, 'i32')}")

    def load(self, name: str, kind: str, size: int = COUNT) -> str:
        at = self.addresses(f"%{name}_ptr", kind, size)
        return self.op(f"tt.load {at} : {self.t(size, f'!tt.ptr<{kind}>')}")

    def block(self, name: str, size: int = COUNT) -> str:
        """The first elements of x or y."""
        if self.kind == POINTER:
            return self.addresses(self.starts[name], "i32", size)
        return self.load(name, self.kind, size)

    def scalar(self, name: str) -> str:
        if self.kind == POINTER:
            return self.op(f"tt.addptr {self.starts[name]}, %zero : !tt.ptr<i32>, i32")
        return self.op(f"tt.load %{name}_ptr : !tt.ptr<{self.kind}>")

    def values(self, bits: np.ndarray, kind: str = "") -> str:
        """A block of these bits, from memory of its own."""
        kind, name = kind or self.stored, f"m{len(self.arguments)}"
        self.argument(name, kind, bits)
        return self.load(name, kind)

    def reshape(self, value: str, before: object, after: object, element: str = "") -> str:
        return self.op(f"tt.reshape {value} : {self.t(before, element)} -> {self.t(after, element)}")

    def splat(self, value: str, element: str = "") -> str:
        element = element or self.element
        return self.op(f"tt.splat {value} : {element} -> {self.t(COUNT, element)}")

    def row(self, value: str, expected: np.ndarray, kind: str = "", zero_sign: bool = True) -> None:
        kind = kind or self.kind
        if kind == POINTER:
            value, kind = self.op(f"tt.load {value} : {self.t(COUNT, '!tt.ptr<i32>')}"), "i32"
        self.rows.append((value, kind, np.broadcast_to(expected, COUNT), zero_sign))
        self.labels.append(self.label)

    # launch

    def run(self) -> list[str]:
        """What is wrong."""
        kinds = sorted({kind for _, kind, _, _ in self.rows})
        places = dict.fromkeys(kinds, 0)
        for value, kind, _, _ in self.rows:
            start = self.op(f"arith.constant {places[kind] * COUNT} : i32")
            pointer = self.op(f"tt.addptr %out_{kind}_ptr, {start} : !tt.ptr<{kind}>, i32")
            at = self.addresses(pointer, kind)
            self.emit(f"tt.store {at}, {value} : {self.t(COUNT, f'!tt.ptr<{kind}>')}")
            places[kind] += 1
        arguments = [(name, kind) for name, kind, _, _ in self.arguments] + [(f"out_{k}", k) for k in kinds]
        head = ", ".join(f"%{name}_ptr: !tt.ptr<{kind}>" for name, kind in arguments)
        constants = ["  %zero = arith.constant 0 : i32", f"  %half = arith.constant {COUNT} : i32"]
        body = [*constants, *self.text, "  tt.return", "}"]
        text = "\n".join([*self.functions, f"tt.func public @k({head}) {{", *body, ""])
        memory = [tensor(kind, before) for _, kind, before, _ in self.arguments]
        outputs = {
            kind: torch.zeros(rows * COUNT, dtype=tensor(kind, np.zeros(1, storage(kind))).dtype)
            for kind, rows in places.items()
        }
        compiled(text, len(arguments), self.engine)[(1, 1, 1)](*memory, *outputs.values())
        wrong = []
        rows = {
            kind: iter(out.numpy().view(storage(kind)).reshape(-1, COUNT)) for kind, out in outputs.items()
        }
        for number, (_, kind, expected, zero_sign) in enumerate(self.rows):
            wrong += self._compared(
                f"{self.labels[number]}, row {number} of {kind}", kind, next(rows[kind]), expected, zero_sign
            )
        for (name, kind, _, after), held in zip(self.arguments, memory, strict=True):
            if after is not None:
                wrong += self._compared(f"memory {name}", kind, held.numpy().view(storage(kind)), after, True)
        return wrong

    def _compared(self, what: str, kind: str, got, want, zero_sign: bool) -> list[str]:
        same = (got == want) | (is_nan(kind, got) & is_nan(kind, want))
        if not zero_sign:
            same |= (decode(kind, got) == 0) & (decode(kind, want) == 0)
        at = np.flatnonzero(~same)[:4]
        return [f"{what}: {len(np.flatnonzero(~same))}: {at} {got[at]} not {want[at]}"] if len(at) else []


# --- shapes ------------------------------------------------------------------------------------------------


def splat(b: Builder) -> None:
    b.row(b.splat(b.scalar("x")), b.bits["x"][0])


def unsplat(b: Builder) -> None:
    one = b.block("y", 1)
    b.row(b.splat(b.op(f"tt.unsplat {one} : {b.t(1)}")), b.bits["y"][0])


def expand_dims(b: Builder) -> None:
    wide = b.op(f"tt.expand_dims {b.x} {{axis = 0 : i32}} : {b.t()} -> {b.t('1x256')}")
    b.row(b.reshape(wide, "1x256", FULL), b.bits["x"])


def broadcast(b: Builder) -> None:
    column = b.op(f"tt.expand_dims {b.block('x', 16)} {{axis = 1 : i32}} : {b.t(16)} -> {b.t('16x1')}")
    square = b.op(f"tt.broadcast {column} : {b.t('16x1')} -> {b.t('16x16')}")
    b.row(b.reshape(square, "16x16", FULL), np.repeat(b.bits["x"][:16], 16))


def trans(b: Builder) -> None:
    square = b.reshape(b.x, FULL, "16x16")
    turned = b.op(f"tt.trans {square} {{order = array<i32: 1, 0>}} : {b.t('16x16')} -> {b.t('16x16')}")
    b.row(b.reshape(turned, "16x16", FULL), b.bits["x"].reshape(16, 16).T.ravel())


def cat(b: Builder) -> None:
    parts = f"{b.block('x', 128)}, {b.block('y', 128)}"
    b.row(
        b.op(f"tt.cat {parts} : {b.t(128)} -> {b.t()}"),
        np.concatenate([b.bits["x"][:128], b.bits["y"][:128]]),
    )


def join(b: Builder) -> None:
    parts = f"{b.block('x', 128)}, {b.block('y', 128)}"
    joined = b.op(f"tt.join {parts} : {b.t(128)} -> {b.t('128x2')}")
    b.row(b.reshape(joined, "128x2", FULL), np.stack([b.bits["x"][:128], b.bits["y"][:128]], 1).ravel())


def split(b: Builder) -> None:
    pairs = b.reshape(b.x, FULL, "128x2")
    low, high = b.name(), b.name()
    b.emit(f"{low}, {high} = tt.split {pairs} : {b.t('128x2')} -> {b.t(128)}")
    for half, start in ((low, 0), (high, 1)):
        column = b.op(f"tt.expand_dims {half} {{axis = 1 : i32}} : {b.t(128)} -> {b.t('128x1')}")
        wide = b.op(f"tt.broadcast {column} : {b.t('128x1')} -> {b.t('128x2')}")
        b.row(b.reshape(wide, "128x2", FULL), np.repeat(b.bits["x"][start::2], 2))


def gather(b: Builder) -> None:
    at = b.rng.integers(0, COUNT, COUNT).astype(np.uint32)
    index = b.values(at, "i32")
    value = b.op(f"tt.gather {b.x}[{index}] {{axis = 0 : i32}} : ({b.t()}, {b.t(COUNT, 'i32')}) -> {b.t()}")
    b.row(value, b.bits["x"][at])


def make_range(b: Builder) -> None:
    value = b.op(f"tt.make_range {{start = 128 : i32, end = 384 : i32}} : {b.t(COUNT, 'i32')}")
    b.row(value, np.arange(128, 384), "i32")


def program(b: Builder) -> None:
    at, count = b.op("tt.get_program_id x : i32"), b.op("tt.get_num_programs x : i32")
    b.row(b.splat(at, "i32"), np.zeros(COUNT, np.uint32), "i32")
    b.row(b.splat(count, "i32"), np.ones(COUNT, np.uint32), "i32")


# --- across elements ---------------------------------------------------------------------------------------

INTEGER_COMBINERS: dict[str, Callable] = {
    "arith.addi": lambda a, b: a + b,
    "arith.muli": lambda a, b: a * b,
    "arith.andi": lambda a, b: a & b,
    "arith.ori": lambda a, b: a | b,
    "arith.xori": lambda a, b: a ^ b,
    "arith.maxsi": max,
    "arith.minsi": min,
    "arith.maxui": max,
    "arith.minui": min,
}
FLOAT_COMBINERS: dict[str, Callable] = {
    "arith.addf": lambda a, b: a + b,
    "arith.mulf": lambda a, b: a * b,
    "arith.maximumf": np.maximum,
    "arith.minimumf": np.minimum,
    "arith.maxnumf": maximum_number,
    "arith.minnumf": minimum_number,
}


def sparse(b: Builder) -> np.ndarray:
    """Sums of these, in any order, are exact in every format."""
    values = np.zeros(COUNT)
    values[b.rng.choice(COUNT, 6, replace=False)] = [1, 1, 1, -1, 1, -1]
    return values


def combined(b: Builder, op: str, bits: np.ndarray) -> np.ndarray:
    """The bits of all partial results."""
    if b.kind in FLOATS:
        with np.errstate(all="ignore"):
            partial = accumulate(decode(b.kind, bits), FLOAT_COMBINERS[op])
            return encode(b.kind, np.array(list(partial)))
    values = [int(value) for value in decode(b.kind, bits)]
    if op.endswith("ui"):
        values = [value % (1 << width(b.kind)) for value in values]
    return encode(b.kind, np.array(list(accumulate(values, INTEGER_COMBINERS[op])), object))


def combine(b: Builder, op: str) -> None:
    """Every combiner of the type, and those that choose an operand, whatever the type."""

    def made(value: str, combiner: str, reverse: bool = False) -> str:
        choice = {"first": "%a", "last": "%b"}.get(combiner, "%r")
        inner = (
            f'    %r = "{combiner}"(%a, %b) : ({b.element}, {b.element}) -> {b.element}\n'
            if choice == "%r"
            else ""
        )
        attributes = "axis = 0 : i32" + ("" if op == "tt.reduce" else f", reverse = {str(reverse).lower()}")
        result = b.element if op == "tt.reduce" else b.t()
        text = (
            f'"{op}"({value}) <{{{attributes}}}> ({{\n  ^bb0(%a: {b.element}, %b: {b.element}):\n{inner}'
            f"    {op}.return {choice} : {b.element}\n  }}) : ({b.t()}) -> {result}"
        )
        value = b.op(text)
        return b.splat(value) if op == "tt.reduce" else value

    whole = op == "tt.reduce"
    x = b.bits["x"]
    b.row(made(b.x, "first"), x[0])
    b.row(made(b.x, "last"), x[-1] if whole else x)
    if b.kind == POINTER:
        return
    part, parts = b.part
    for combiner in list(FLOAT_COMBINERS if b.kind in FLOATS else INTEGER_COMBINERS)[part::parts]:
        value, bits = b.x, x
        if combiner == "arith.addf":
            bits = encode(b.kind, sparse(b))
        elif combiner == "arith.mulf":
            bits = encode(b.kind, np.where(sparse(b) == 0, 1.0, -1.0))
        if bits is not x:
            value = b.values(bits)
        for reverse in (False,) if whole else (False, True):
            want = combined(b, combiner, bits[::-1] if reverse else bits)
            want = want[-1] if whole else want[::-1] if reverse else want
            b.row(made(value, combiner, reverse), want, zero_sign=False)


def histogram(b: Builder) -> None:
    largest = min(2 ** (width(b.kind) - 1), COUNT) if b.kind != "i1" else 2
    bits = b.rng.integers(0, largest, COUNT).astype(storage(b.kind))
    value = b.op(f'"tt.histogram"({b.values(bits)}) : ({b.t()}) -> {b.t(COUNT, "i32")}')
    b.row(value, np.bincount(bits.astype(int), minlength=COUNT), "i32")


def accumulators(kind: str) -> tuple[str, ...]:
    if kind in INTEGERS:
        return ("i64",) if kind == "i64" else ("i32",)
    return {"f64": ("f64",), "f16": ("f32", "f16")}.get(kind, ("f32",))


def dot(b: Builder) -> None:
    low, high = (0, 2) if b.kind == "i1" else (-2, 3)
    left, right = b.rng.integers(low, high, (2, COUNT))
    a, c = (b.reshape(b.values(encode(b.kind, v)), FULL, "16x16") for v in (left, right))
    for kind in accumulators(b.kind):
        start = b.rng.integers(-8, 9, COUNT)
        if b.kind == "i1":
            start = np.abs(start)
        begun = b.reshape(b.values(encode(kind, start), kind), FULL, "16x16", kind)
        square = b.t("16x16")
        value = b.op(f"tt.dot {a}, {c}, {begun} : {square} * {square} -> {b.t('16x16', kind)}")
        want = (left.reshape(16, 16) @ right.reshape(16, 16)).ravel() + start
        b.row(b.reshape(value, "16x16", FULL, kind), encode(kind, want), kind, zero_sign=False)


def map_elementwise(b: Builder) -> None:
    text = (
        f'"tt.map_elementwise"({b.x}, {b.y}) <{{pack = 1 : i32}}> ({{\n'
        f"  ^bb0(%a: {b.element}, %b: {b.element}):\n"
        f"    tt.map_elementwise.return %b, %a : {b.element}, {b.element}\n  }}) : ({b.t()}, {b.t()}) -> "
        f"({b.t()}, {b.t()})"
    )
    first, second = b.name(), b.name()
    b.emit(f"{first}, {second} = {text}")
    b.row(first, b.bits["y"])
    b.row(second, b.bits["x"])


# --- memory ------------------------------------------------------------------------------------------------


def load(b: Builder) -> None:
    at = b.addresses("%x_ptr", b.kind)
    value = b.op(f"tt.load {at}, {b.c}, {b.y} : {b.t(COUNT, f'!tt.ptr<{b.kind}>')}")
    b.row(value, np.where(b.bits["c"] != 0, b.bits["x"], b.bits["y"]))


def store(b: Builder) -> None:
    after = np.where(b.bits["c"] != 0, b.bits["x"], b.bits["y"])
    at = b.addresses(b.argument("stored", b.kind, b.bits["y"], after), b.kind)
    b.emit(f"tt.store {at}, {b.x}, {b.c} : {b.t(COUNT, f'!tt.ptr<{b.kind}>')}")


def addptr(b: Builder) -> None:
    numbers = np.arange(2 * COUNT, dtype=np.uint32)
    kind = "i32" if b.kind == POINTER else b.kind
    low, high = {"i1": (-1, 1), "i8": (-128, 128)}.get(kind, (-COUNT, COUNT))
    offsets = b.rng.integers(low, high, COUNT)
    middle = b.op(f"arith.constant {COUNT} : i32")
    pointer = b.op(f"tt.addptr {b.argument('numbers', 'i32', numbers)}, {middle} : !tt.ptr<i32>, i32")
    many = b.t(COUNT, "!tt.ptr<i32>")
    base = b.op(f"tt.splat {pointer} : !tt.ptr<i32> -> {many}")
    at = b.op(f"tt.addptr {base}, {b.values(encode(kind, offsets), kind)} : {many}, {b.t(COUNT, kind)}")
    b.row(b.op(f"tt.load {at} : {many}"), COUNT + offsets, "i32")


def ptr_to_int(b: Builder) -> None:
    at = b.addresses("%c_ptr", "i1")
    many = b.t(COUNT, "i64")
    numbers = b.op(f"tt.ptr_to_int {at} : {b.t(COUNT, '!tt.ptr<i1>')} -> {many}")
    start = b.splat(b.op("tt.ptr_to_int %c_ptr : !tt.ptr<i1> -> i64"), "i64")
    b.row(b.op(f"arith.subi {numbers}, {start} : {many}"), np.arange(COUNT), "i64")


ATOMICS = {
    "add": "arith.addi",
    "and": "arith.andi",
    "or": "arith.ori",
    "xor": "arith.xori",
    "max": "arith.maxsi",
    "min": "arith.minsi",
    "umax": "arith.maxui",
    "umin": "arith.minui",
}


def atomic_rmw(b: Builder) -> None:
    """On addresses of its own for each element, some masked out."""
    many, mask = b.t(COUNT, f"!tt.ptr<{b.kind}>"), b.bits["c"] != 0

    def update(op: str, before: np.ndarray, value: str, after: np.ndarray) -> None:
        name = f"atomic{len(b.arguments)}"
        at = b.addresses(b.argument(name, b.kind, before, np.where(mask, after, before)), b.kind)
        types = f"({many}, {b.t()}, {b.t(COUNT, 'i1')}) -> {b.t()}"
        was = b.op(f"tt.atomic_rmw {op}, relaxed, gpu, {at}, {value}, {b.c} : {types}")
        if b.engine == "msl":  # the result of a masked element is undefined
            zero = b.op(f"arith.select {b.c}, {was}, {b.x} : {b.t(COUNT, 'i1')}, {b.t()}")
            b.row(zero, np.where(mask, before, b.bits["x"]))

    x, y = b.bits["x"], b.bits["y"]
    if b.is_refused:
        update("fadd" if b.kind in FLOATS else "add", y, b.x, x)
        return
    if b.kind == "i1" or b.kind in FLOAT8:
        update("exch", y, b.x, x)
        return
    if b.kind in FLOATS:
        first, second = b.rng.integers(-8, 9, (2, COUNT)).astype(np.float64)
        value = b.values(encode(b.kind, second))
        update("fadd", encode(b.kind, first), value, encode(b.kind, first + second))
        return
    for op, combiner in ATOMICS.items():
        update(
            op,
            y,
            b.x,
            np.array([combined(b, combiner, np.array(pair))[1] for pair in zip(y, x, strict=True)]),
        )
    update("exch", y, b.x, x)


def atomic_cas(b: Builder) -> None:
    held, other = b.bits["y"], b.bits["x"]
    compared = np.where(b.bits["c"] != 0, held, other)
    after = np.where(held == compared, other, held)
    at = b.addresses(b.argument("cas", b.kind, held, after), b.kind)
    types = f"({b.t(COUNT, f'!tt.ptr<{b.kind}>')}, {b.t()}, {b.t()}) -> {b.t()}"
    b.row(b.op(f"tt.atomic_cas relaxed, gpu, {at}, {b.values(compared)}, {b.x} : {types}"), held)


def atomic_load(b: Builder) -> None:
    many = b.t(COUNT, f"!tt.ptr<{b.kind}>")
    at = b.addresses("%x_ptr", b.kind)
    b.row(b.op(f"tt.atomic_load relaxed, gpu, {at} : ({many}) -> {b.t()}"), b.bits["x"])


def atomic_store(b: Builder) -> None:
    after = np.where(b.bits["c"] != 0, b.bits["x"], b.bits["y"])
    at = b.addresses(b.argument("released", b.kind, b.bits["y"], after), b.kind)
    b.emit(f"tt.atomic_store relaxed, gpu, {at}, {b.x}, {b.c} : {b.t(COUNT, f'!tt.ptr<{b.kind}>')}")


def atomic_poll(b: Builder) -> None:
    value = b.op(f"tt.load %x_ptr : !tt.ptr<{b.kind}>")
    done = b.op(f"tt.atomic_poll relaxed, gpu, %x_ptr, {value} : !tt.ptr<{b.kind}>, {b.kind} -> i1")
    b.row(b.splat(done, "i1"), np.ones(COUNT, np.uint8), "i1")


def described(b: Builder, pointer: str, shape: str) -> str:
    sizes, strides = ["arith.constant 16 : i32"] * 2, ["arith.constant 16 : i64", "arith.constant 1 : i64"]
    names = [b.op(text) for text in sizes + strides]
    return b.op(
        f"tt.make_tensor_descriptor {pointer}, [{names[0]}, {names[1]}], [{names[2]}, {names[3]}] : "
        f"<{b.kind}>, <{shape}x{b.kind}>"
    )


def descriptor_load(b: Builder) -> None:
    d = described(b, "%x_ptr", "16x16")
    value = b.op(f"tt.descriptor_load {d}[%zero, %zero] : !tt.tensordesc<16x16x{b.kind}> -> {b.t('16x16')}")
    b.row(b.reshape(value, "16x16", FULL), b.bits["x"])


def descriptor_store(b: Builder) -> None:
    d = described(b, b.argument("described", b.kind, b.bits["y"], b.bits["x"]), "16x16")
    square = b.reshape(b.x, FULL, "16x16")
    b.emit(
        f"tt.descriptor_store {d}[%zero, %zero], {square} : !tt.tensordesc<16x16x{b.kind}>, {b.t('16x16')}"
    )


def descriptor_reduce(b: Builder) -> None:
    first, second = b.rng.integers(-8, 9, (2, COUNT))
    after = encode(b.kind, first + second)
    d = described(b, b.argument("reduced", b.kind, encode(b.kind, first), after), "16x16")
    square = b.reshape(b.values(encode(b.kind, second)), FULL, "16x16")
    b.emit(
        f"tt.descriptor_reduce add, {d}[%zero, %zero], {square} : "
        f"!tt.tensordesc<16x16x{b.kind}>, {b.t('16x16')}"
    )


def descriptor_gather(b: Builder) -> None:
    lines = b.rng.permutation(16).astype(np.uint32)
    d = described(b, "%x_ptr", "1x16")
    at = _lines(b, lines)
    types = f"(!tt.tensordesc<1x16x{b.kind}>, tensor<16xi32>, i32) -> {b.t('16x16')}"
    value = b.op(f"tt.descriptor_gather {d}[{at}, %zero] : {types}")
    b.row(b.reshape(value, "16x16", FULL), b.bits["x"].reshape(16, 16)[lines].ravel())


def _lines(b: Builder, lines: np.ndarray) -> str:
    name = f"lines{len(b.arguments)}"
    b.argument(name, "i32", lines)
    return b.load(name, "i32", 16)


def descriptor_scatter(b: Builder) -> None:
    lines = b.rng.permutation(16).astype(np.uint32)
    after = np.empty_like(b.bits["x"]).reshape(16, 16)
    after[lines] = b.bits["x"].reshape(16, 16)
    d = described(b, b.argument("scattered", b.kind, b.bits["y"], after.ravel()), "1x16")
    square = b.reshape(b.x, FULL, "16x16")
    types = f"!tt.tensordesc<1x16x{b.kind}>, tensor<16xi32>, i32, {b.t('16x16')}"
    b.emit(f"tt.descriptor_scatter {d}[{_lines(b, lines)}, %zero], {square} : {types}")


# --- control -----------------------------------------------------------------------------------------------


def loop(b: Builder) -> None:
    """Three exchanges, of blocks and of scalars."""
    step, last = b.op("arith.constant 1 : i32"), b.op("arith.constant 3 : i32")
    values = [b.x, b.y, b.scalar("x"), b.scalar("y")]
    names = [b.name() for _ in values]
    types = f"{b.t()}, {b.t()}, {b.element}, {b.element}"
    carried = ", ".join(f"%c{at} = {value}" for at, value in enumerate(values))
    b.emit(
        f"{names[0]}F:4 = scf.for %i = %zero to {last} step {step} iter_args({carried}) -> ({types}) "
        f": i32 {{\n    scf.yield %c1, %c0, %c3, %c2 : {types}\n  }}"
    )
    _exchanged(b, f"{names[0]}F")


def _exchanged(b: Builder, name: str) -> None:
    x, y = b.bits["x"], b.bits["y"]
    b.row(f"{name}#0", y)
    b.row(f"{name}#1", x)
    b.row(b.splat(f"{name}#2"), y[0])
    b.row(b.splat(f"{name}#3"), x[0])


def while_loop(b: Builder) -> None:
    one, last = b.op("arith.constant 1 : i32"), b.op("arith.constant 3 : i32")
    values = [b.x, b.y, b.scalar("x"), b.scalar("y")]
    types = f"{b.t()}, {b.t()}, {b.element}, {b.element}, i32"
    name = f"{b.name()}W"
    carried = ", ".join(f"%c{at} = {value}" for at, value in enumerate([*values, "%zero"]))
    inner = ", ".join(f"%d{at}: {kind}" for at, kind in enumerate(types.split(", ")))
    b.emit(
        f"{name}:5 = scf.while ({carried}) : ({types}) -> ({types}) {{\n"
        f"    %more = arith.cmpi slt, %c4, {last} : i32\n"
        f"    scf.condition(%more) %c0, %c1, %c2, %c3, %c4 : {types}\n  }} do {{\n  ^bb0({inner}):\n"
        f"    %next = arith.addi %d4, {one} : i32\n    scf.yield %d1, %d0, %d3, %d2, %next : {types}\n  }}"
    )
    _exchanged(b, name)


def branch(b: Builder) -> None:
    condition = b.op("tt.load %c_ptr : !tt.ptr<i1>")
    values = [b.x, b.y, b.scalar("x"), b.scalar("y")]
    types = f"{b.t()}, {b.t()}, {b.element}, {b.element}"
    name = f"{b.name()}I"
    b.emit(
        f"{name}:4 = scf.if {condition} -> ({types}) {{\n"
        f"    scf.yield {', '.join(values)} : {types}\n  }} else {{\n"
        f"    scf.yield {values[1]}, {values[0]}, {values[3]}, {values[2]} : {types}\n  }}"
    )
    x, y = b.bits["x"], b.bits["y"]
    if b.bits["c"][0]:
        x, y = y, x
    for at, (value, scalar) in enumerate(((y, False), (x, False), (y, True), (x, True))):
        b.row(b.splat(f"{name}#{at}") if scalar else f"{name}#{at}", value[0] if scalar else value)


def call(b: Builder) -> None:
    types = f"{b.t()}, {b.t()}"
    b.functions.append(
        f"tt.func private @exchange(%a: {b.t()}, %b: {b.t()}) -> ({types}) {{\n"
        f"  tt.return %b, %a : {types}\n}}"
    )
    name = f"{b.name()}C"
    b.emit(f"{name}:2 = tt.call @exchange({b.x}, {b.y}) : ({types}) -> ({types})")
    b.row(f"{name}#0", b.bits["y"])
    b.row(f"{name}#1", b.bits["x"])


def poison(b: Builder) -> None:
    """Any value, where none is chosen; the other operand is kept."""
    no = b.op(f"arith.constant dense<false> : {b.t(COUNT, 'i1')}")
    never = b.op(f"arith.andi {b.c}, {no} : {b.t(COUNT, 'i1')}")
    unknown = b.op(f"ub.poison : {b.t()}")
    if b.is_refused:
        b.row(unknown, b.bits["x"])
    b.row(b.op(f"arith.select {never}, {unknown}, {b.x} : {b.t(COUNT, 'i1')}, {b.t()}"), b.bits["x"])


def select(b: Builder) -> None:
    value = b.op(f"arith.select {b.c}, {b.x}, {b.y} : {b.t(COUNT, 'i1')}, {b.t()}")
    b.row(value, np.where(b.bits["c"] != 0, b.bits["x"], b.bits["y"]))


def bitcast(b: Builder) -> None:
    """Of pointers; of numbers with the casts. A pointer to floats reads the same bits."""
    many = b.t(COUNT, "!tt.ptr<f32>")
    value = b.op(f"tt.load {b.op(f'tt.bitcast {b.x} : {b.t()} -> {many}')} : {many}")
    b.row(value, b.bits["x"], "f32")


def extern(b: Builder) -> None:
    symbol = '{libname = "", libpath = "", pure = true, symbol = "__tm_abs"}'
    value = b.op(f"tt.extern_elementwise {b.x} {symbol} : ({b.t()}) -> {b.t()}")
    b.row(value, encode(b.stored, np.abs(decode(b.stored, b.bits["x"]))))


def assume(b: Builder) -> None:
    b.emit("ttg.barrier all")
    b.emit(f"llvm.intr.assume {b.op('arith.constant true')} : i1")
    b.row(b.c, b.bits["c"], "i1")


def check(b: Builder) -> None:
    many = b.t(COUNT, "i1")
    both = b.op(f"arith.ori {b.c}, {b.op(f'arith.constant dense<true> : {many}')} : {many}")
    b.emit(f'tt.assert {both}, "holds" : {many}')
    b.row(b.c, b.bits["c"], "i1")


def reduce(b: Builder) -> None:
    combine(b, "tt.reduce")


def scan(b: Builder) -> None:
    combine(b, "tt.scan")


def print_one(b: Builder) -> None:
    value = b.scalar("x")
    b.emit(f'tt.print " {PRINTED}: " {{hex = true, isSigned = array<i32: 1>}} : {value} : {b.element}')
    b.row(b.c, b.bits["c"], "i1")


def int_to_ptr(b: Builder) -> None:
    many = b.t(COUNT, "!tt.ptr<i1>")
    numbers = b.op(f"tt.ptr_to_int {b.addresses('%c_ptr', 'i1')} : {many} -> {b.t(COUNT, 'i64')}")
    if b.engine == "mlx":  # has no numbers of addresses
        numbers = b.values(np.arange(COUNT, dtype=np.uint64), "i64")
    at = b.op(f"tt.int_to_ptr {numbers} : {b.t(COUNT, 'i64')} -> {many}")
    b.row(b.op(f"tt.load {at} : {many}"), b.bits["c"], "i1")


def inline_asm(b: Builder) -> None:
    attributes = '{constraints = "=r,r", packed_element = 1 : i32, pure = true}'
    b.row(
        b.op(f'tt.elementwise_inline_asm "mov $0, $1;" {attributes} {b.x} : {b.t()} -> {b.t()}'), b.bits["x"]
    )


SCALED = {"f8E5M2": "e5m2", "f8E4M3FN": "e4m3", "f16": "fp16", "bf16": "bf16", "i8": "e2m1"}
HALVES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])  # e2m1 without sign


def dot_scaled(b: Builder) -> None:
    """32 products with scales that are powers of two; f32 is the type of the sums."""
    kind = "f16" if b.kind == "f32" else b.kind
    depth = 32
    if kind == "i8":  # two numbers in each byte
        codes = b.rng.integers(0, 8, (2, 16, depth))
        left, right = HALVES[codes[0]], HALVES[codes[1]].T
        packed = codes[:, :, 0::2] | codes[:, :, 1::2] << 4
        bits = packed[0].astype(np.uint8), packed[1].T.astype(np.uint8)
    else:
        left, right = (
            b.rng.integers(-2, 3, shape).astype(np.float64) for shape in ((16, depth), (depth, 16))
        )
        bits = encode(kind, left), encode(kind, right)
    for at, block in enumerate(bits):
        b.argument(f"scaled{at}", kind, block.ravel())
    size = bits[0].size
    if size not in (1, 16, 128, COUNT):
        b.text.append(
            f"  %range{size} = tt.make_range {{start = 0 : i32, end = {size} : i32}} : tensor<{size}xi32>"
        )
    shapes = ["x".join(map(str, block.shape)) for block in bits]
    a, c = (b.reshape(b.load(f"scaled{at}", kind, size), size, shapes[at], kind) for at in (0, 1))
    scales = [b.rng.integers(124, 131, 16).astype(np.uint8) for _ in "ab"]
    scaled = kind not in ("f16", "bf16")
    names = []
    for at, codes in enumerate(scales):
        b.argument(f"scale{at}", "i8", codes)
        names.append(b.reshape(b.load(f"scale{at}", "i8", 16), 16, "16x1", "i8") if scaled else "")
    sums = b.t("16x16", "f32")
    zeros = b.op(f"arith.constant dense<0.0> : {sums}")
    left_text = f"{a} scale {names[0]}, {c} scale {names[1]}" if scaled else f"{a}, {c}"
    types = [f"tensor<{shape}x{kind}>" for shape in shapes]
    many = f"{types[0]}, tensor<16x1xi8> * {types[1]}, tensor<16x1xi8>" if scaled else " * ".join(types)
    value = b.op(
        f"tt.dot_scaled {left_text}, {zeros} lhs = {SCALED[kind]} rhs = {SCALED[kind]} "
        f"{{fastMath = false}} : "
        f"{many} -> {sums}"
    )
    want = left @ right
    if scaled:
        factors = [2.0 ** (codes.astype(int) - 127) for codes in scales]
        want = want * factors[0][:, None] * factors[1][None, :]
    b.row(b.reshape(value, "16x16", FULL, "f32"), encode("f32", want.ravel()), "f32", zero_sign=False)


CASES: dict[str, Callable[[Builder], None]] = {
    "tt.splat": splat,
    "tt.unsplat": unsplat,
    "tt.expand_dims": expand_dims,
    "tt.broadcast": broadcast,
    "tt.reshape": trans,
    "tt.trans": trans,
    "tt.cat": cat,
    "tt.join": join,
    "tt.split": split,
    "tt.gather": gather,
    "tt.make_range": make_range,
    "tt.get_program_id": program,
    "tt.get_num_programs": program,
    "tt.reduce": reduce,
    "tt.reduce.return": reduce,
    "tt.scan": scan,
    "tt.scan.return": scan,
    "tt.histogram": histogram,
    "tt.dot": dot,
    "tt.map_elementwise": map_elementwise,
    "tt.map_elementwise.return": map_elementwise,
    "tt.load": load,
    "tt.store": store,
    "tt.addptr": addptr,
    "tt.ptr_to_int": ptr_to_int,
    "tt.atomic_rmw": atomic_rmw,
    "tt.atomic_cas": atomic_cas,
    "tt.atomic_load": atomic_load,
    "tt.atomic_store": atomic_store,
    "tt.atomic_poll": atomic_poll,
    "tt.make_tensor_descriptor": descriptor_load,
    "tt.descriptor_load": descriptor_load,
    "tt.descriptor_store": descriptor_store,
    "tt.descriptor_reduce": descriptor_reduce,
    "tt.descriptor_gather": descriptor_gather,
    "tt.descriptor_scatter": descriptor_scatter,
    "scf.for": loop,
    "scf.yield": loop,
    "scf.while": while_loop,
    "scf.condition": while_loop,
    "scf.if": branch,
    "tt.call": call,
    "tt.func": call,
    "ub.poison": poison,
    "arith.select": select,
    "tt.bitcast": bitcast,
    "tt.extern_elementwise": extern,
    "llvm.intr.assume": assume,
    "tt.assert": check,
    "tt.print": print_one,
    "tt.int_to_ptr": int_to_ptr,
    "tt.elementwise_inline_asm": inline_asm,
    "tt.dot_scaled": dot_scaled,
}
# A terminator comes with its operation, which says what is refused.
PARENTS = {
    "tt.reduce.return": "tt.reduce",
    "tt.scan.return": "tt.scan",
    "tt.map_elementwise.return": "tt.map_elementwise",
}
# Numbers are cast in test_operations.py.
POINTERS_ONLY = ("arith.select", "tt.bitcast")
