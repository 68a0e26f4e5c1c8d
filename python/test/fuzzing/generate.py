# SPDX-License-Identifier: MIT
"""Builds random kernels. Never generates what has no defined result: out-of-range reads, races between
programs, signed division overflow, NaN converted to an integer, shifts beyond the width."""

from __future__ import annotations

import random
import string

import numpy as np

from fuzzing.collective import CollectiveMixin
from fuzzing.expressions import ExpressionMixin
from fuzzing.memory import MemoryMixin
from fuzzing.narrow import FLOAT8
from fuzzing.tree import (
    Assign,
    Barrier,
    Expression,
    For,
    If,
    Parameter,
    Program,
    Return,
    Store,
    Update,
    Value,
    While,
    number,
    variable,
)
from fuzzing.values import SCALARS

RESERVED = {
    "tl",
    "triton",
    "min",
    "max",
    "range",
    "if",
    "in",
    "is",
    "or",
    "as",
    "for",
    "and",
    "not",
    "def",
    "int",
    "abs",
}


class Generator(ExpressionMixin, CollectiveMixin, MemoryMixin):
    """One kernel per instance."""

    def __init__(self, seed: int, without: frozenset[str] = frozenset()):
        self.without = without  # scalar types that are never used
        self.rng = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.names: set[str] = set(RESERVED)
        self.parameters: list[Parameter] = []
        self.features: set[str] = set()
        self.helpers: list[str] = []
        self.scopes: list[list[Expression]] = [[]]  # block values that may be read, innermost last
        self.scalars: list[Expression] = []  # int32 scalars that may be read
        self.extents: dict[object, int] = {}  # logical axis: number of valid coordinates
        self.blocks: dict[object, int] = {}  # logical axis: size of the block along it
        self.coordinates: dict[object, Expression] = {}  # logical axis: int32 vector or scalar of coordinates
        self.covered: set[object] = set()  # axes whose block never reaches beyond the extent
        self.loops: list[tuple[Expression, int]] = []  # running loop variable and bound of its values
        self.depth = 0
        self.wild = self.rng.random() < 0.3
        self.float64 = self.rng.random() < 0.15
        # 8-bit floats come together: the engines differ in which of their formats they know.
        formats = ["float8e5", "float8e4nv"] if self.chance(0.8) else ["float8e5b16", "float8e4b8"]
        formats = [name for name in formats if name not in without]
        self.float8 = formats if self.chance(0.25) else []
        self.hidden = without | {"int1"} | {name for name in FLOAT8 if name not in self.float8}
        if not self.float64:
            self.hidden |= {"float64"}

    # Names and small decisions

    def name(self) -> str:
        while True:
            length = self.rng.randint(1, 9)
            first = self.rng.choice(string.ascii_letters + "_")
            rest = "".join(self.rng.choices(string.ascii_letters + string.digits + "_", k=length - 1))
            candidate = first + rest
            if candidate not in self.names and not candidate.startswith("__") and candidate.strip("_"):
                import keyword

                if keyword.iskeyword(candidate):
                    continue
                self.names.add(candidate)
                return candidate

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def scalar_type(self) -> str:
        weights = {
            "float32": 8, "int32": 6, "float16": 2, "bfloat16": 1, "int64": 2, "int8": 1, "int16": 1,
            "uint8": 1, "uint16": 1, "uint32": 2, "uint64": 1, "float64": 6 if self.float64 else 0, "int1": 1,
        }  # fmt: skip
        weights |= dict.fromkeys(self.float8, 6)
        return self.pick({name: weight for name, weight in weights.items() if name not in self.without})

    def pick(self, weights: dict[str, int]) -> str:
        return self.rng.choices(list(weights), weights=list(weights.values()))[0]

    # Parameters

    def integer_argument(self, value: int) -> Expression:
        """An int32 scalar that reaches the kernel as a literal, a compile-time value or an argument."""
        form = self.rng.random()
        if form < 0.3:
            return number(value)
        for parameter in self.parameters:
            if parameter.value == value and type(parameter.value) is int and self.chance(0.7):
                return variable(parameter.name, "int32", ())
        parameter = Parameter(self.name(), value, constexpr=form < 0.45)
        self.parameters.append(parameter)
        return variable(parameter.name, "int32", ())

    def scalar_argument(self, value: int) -> list:
        """An integer for expressions, as a tensor, because Python's rules of division apply to literals."""
        argument = self.integer_argument(value)
        name = self.name()
        self.scalars.append(variable(name, "int32", ()))
        return [Assign(name, Expression(f"tl.to_tensor({argument.source})", "int32", (), argument.run))]

    # Program ids

    def program_ids(self, counts: list[int]) -> tuple[tuple[int, ...], list, list[Expression]]:
        """Spreads ids with the given counts over a grid. Returns the grid, statements and the ids."""
        body: list = []
        rng = self.rng

        def raw(axis: int) -> Expression:
            def run(state, axis=axis) -> Value:
                return np.array(state.ids[axis], np.int32), None

            return Expression(f"tl.program_id({axis})", "int32", (), run)

        def let(value: Expression) -> Expression:
            name = self.name()
            body.append(Assign(name, value))
            return variable(name, "int32", ())

        order = list(range(len(counts)))
        rng.shuffle(order)
        form = rng.random()
        ids: list[Expression] = [number(0)] * len(counts)
        if len(counts) <= 3 and form < 0.5 and counts:
            grid = [counts[i] for i in order]
            for axis, i in enumerate(order):
                ids[i] = let(raw(axis))
        elif len(counts) == 2 and form < 0.75:
            self.features.add("grouped ids")
            group = rng.randint(1, 4)
            rows, columns = counts
            grid = [rows * columns]
            pid = let(raw(0))
            width = self.integer_argument(columns)
            in_group = let(self.arithmetic("*", width, number(group)))
            first = let(self.arithmetic("*", let(self.arithmetic("//", pid, in_group)), number(group)))
            left = self.arithmetic("-", self.integer_argument(rows), first)
            size = let(self.call("min", left, number(group)))
            inner = let(self.arithmetic("%", pid, in_group))
            ids[0] = let(self.arithmetic("+", first, self.arithmetic("%", inner, size)))
            ids[1] = let(self.arithmetic("//", inner, size))
        else:
            total = int(np.prod(counts)) if counts else 1
            grid = [total]
            rest = let(raw(0))
            for i in order[:-1]:
                count = self.integer_argument(counts[i])
                ids[i] = let(self.arithmetic("%", rest, count))
                rest = let(self.arithmetic("//", rest, count))
            if order:
                ids[order[-1]] = rest
            self.features.add("divided ids")
        for i, count in enumerate(counts):
            if count > 1 and self.chance(0.12):
                ids[i] = let(self.arithmetic("-", number(count - 1), ids[i]))
                self.features.add("reversed ids")
        while len(grid) < 3 and self.chance(0.2):
            grid.insert(len(grid), 1)
        return tuple(grid), body, ids

    # Whole kernels

    def build(self) -> Program:
        rng = self.rng
        rank = rng.choices([1, 2, 3], weights=[5, 5, 1])[0]
        limit = {1: 512, 2: 32, 3: 8}[rank]
        counts: list[int] = []
        axes = tuple(f"axis{i}" for i in range(rank))
        for axis in axes:
            self.blocks[axis] = 2 ** rng.randint(0, int(np.log2(limit)))
            tiles = rng.choices([1, 2, 3, 5], weights=[4, 3, 2, 1])[0]
            counts.append(tiles)
            full = tiles * self.blocks[axis]
            exact = self.chance(0.25)
            self.extents[axis] = full if exact else rng.randint(full - self.blocks[axis] + 1, full)
            if self.extents[axis] == full and self.chance(0.5):
                self.covered.add(axis)
        batches = tuple(f"batch{i}" for i in range(rng.choices([0, 1, 2], weights=[5, 3, 1])[0]))
        for batch in batches:
            self.extents[batch] = rng.randint(1, 4)
            counts.append(self.extents[batch])
        grid, body, ids = self.program_ids(counts)
        for axis, tile in zip(axes, ids, strict=False):
            body += self.coordinate(axis, tile)
            self.extents["tile of " + axis] = counts[axes.index(axis)]
            self.coordinates["tile of " + axis] = tile
        for batch, index in zip(batches, ids[rank:], strict=True):
            self.coordinates[batch] = index
            self.covered.add(batch)
        self.scalars += [i for i in ids if not i.source.isdigit()]
        for _ in range(rng.randint(0, 2)):
            body += self.scalar_argument(rng.choice([1, 2, 3, 7, 16, 100, -5, -1, 0]))
        self.main_axes, self.batch_axes = axes, batches
        for _ in range(rng.randint(1, 4)):
            body += self.statement(axes)
            if self.chance(0.05):
                self.features.add("early return")
                body.append(If(self.scalar_condition(), [Return()], []))
        body += self.final_stores(axes)
        rng.shuffle(self.parameters)
        return Program(self.name(), self.parameters, grid, body, self.features, self.helpers)

    def coordinate(self, axis: str, tile: Expression) -> list:
        """The vector of coordinates along an axis: tile * BLOCK + arange(0, BLOCK)."""
        block = self.blocks[axis]
        size = self.integer_argument(block) if self.chance(0.5) else number(block)
        parameter = next((p for p in self.parameters if p.name == size.source), None)
        if parameter is not None and not parameter.constexpr:
            size = number(block)
        name = self.name()
        steps = np.arange(block, dtype=np.int32)

        def run(state) -> Value:
            return tile.run(state)[0] * np.int32(block) + steps, None

        source = f"{tile.source} * {size.source} + tl.arange(0, {size.source})"
        self.coordinates[axis] = variable(name, "int32", (axis,))
        return [Assign(name, Expression(source, "int32", (axis,), run))]

    # Statements

    def statement(self, axes: tuple) -> list:
        forms = [
            (self.let_value, 5),
            (self.for_loop, 4 if self.depth < 2 else 0),
            (self.branch, 2 if self.depth < 3 else 0),
            (self.while_loop, 1 if self.depth < 2 else 0),
            (self.stream_loop, 2 if self.depth == 0 else 0),
            (self.dot_loop, 4 if self.depth == 0 and len(axes) == 2 else 0),
            (self.store_now, 1),
            (self.atomic, 1),
            (self.update_in_place, 1),
            (self.exchange_lanes, 1),
            (self.walking_pointer, 2 if self.depth < 2 else 0),
            (self.lane_loop, 1 if self.depth == 0 else 0),
            (self.pair_of_reductions, 1),
            (self.histogram, 1 if len(axes) == 1 else 0),
        ]
        chosen = self.rng.choices([f for f, _ in forms], weights=[w for _, w in forms])[0]
        return chosen(axes)

    def let_value(self, axes: tuple) -> list:
        value = self.expression(axes, self.scalar_type(), self.rng.randint(1, 4))
        name = self.name()
        self.scopes[-1].append(variable(name, value.dtype, axes, value.exact))
        return [Assign(name, value)]

    def scoped(self, build) -> list:
        self.scopes.append([])
        scalars = len(self.scalars)
        self.depth += 1
        body = build()
        self.depth -= 1
        del self.scalars[scalars:]
        self.scopes.pop()
        return body

    def trip_count(self, bound: int) -> Expression:
        form = self.rng.random()
        if self.loops and self.chance(0.3) and self.loops[-1][1] <= bound:
            self.features.add("trip count by outer loop")
            outer = self.loops[-1][0]
            return self.arithmetic("+", outer, number(1)) if self.chance(0.5) else outer
        if form < 0.35:
            return self.integer_argument(self.rng.randint(0, bound))
        tiles = [s for s in self.scalars if s.source in {c.source for c in self.coordinates.values()}]
        if form < 0.65 and tiles:
            self.features.add("trip count by program")
            return self.arithmetic("%", self.rng.choice(tiles), number(bound + 1))
        self.features.add("trip count by data")
        return self.load_scalar(0, bound)

    def accumulator(self, axes: tuple, reordered: bool = True) -> tuple[list, Expression]:
        """A loop-carried variable. A float32 or float64 sum may be reordered, so it is not exact."""
        types = ["float32", "float32", "int32", "int32", "int64", "uint32", "float16", "bfloat16", "int8"]
        types += self.float8 * 3
        dtype = self.rng.choice([name for name in types if name not in self.without])
        name = self.name()
        start = self.constant(axes, dtype, zero=self.chance(0.6))
        exact = not (dtype == "float32" and reordered)
        if not exact:
            plain = start.run
            shape = self.shape(axes)
            start = Expression(
                start.source,
                dtype,
                axes,
                lambda s: (np.broadcast_to(plain(s)[0], shape), np.zeros(shape)),
                False,
            )
        return [Assign(name, start)], variable(name, dtype, axes, exact)

    def accumulate(self, total: Expression, axes: tuple) -> list:
        term = self.expression(axes, total.dtype, self.rng.randint(1, 3), inexact=not total.exact)
        if SCALARS[total.dtype].kind == "f":
            operator = self.rng.choice(["+", "+", "-", "+"])
        else:
            operator = self.rng.choice(["+", "+", "-", "^", "&", "|", "tl.maximum", "*"])
        return [Update(total.source, self.arithmetic(operator, total, term))]

    def for_loop(self, axes: tuple) -> list:
        bound = self.rng.randint(1, 5)
        stop = self.trip_count(bound)
        index = self.name()
        body, totals = [], []
        for _ in range(self.rng.randint(1, 2)):
            start, total = self.accumulator(axes)
            body += start
            totals.append(total)
        self.features.add("nested loop" if self.depth else "loop")

        def inner() -> list:
            loop = variable(index, "int32", ())
            self.loops.append((loop, bound))
            self.scalars.append(loop)
            self.scopes[-1] += totals
            lines: list = []
            for _ in range(self.rng.randint(0, 2)):
                lines += self.statement(axes)
            for total in totals:
                lines += self.accumulate(total, axes)
            self.loops.pop()
            return lines

        if stop.source == index:
            stop = number(bound)
        static = stop.source.isdigit() and self.chance(0.3)
        first, step = number(0), number(1)
        if self.chance(0.3):
            first, step = number(self.rng.randint(0, 2)), number(self.rng.randint(1, 3))
            self.features.add("loop with a step")
        loop = For(index, first, stop, step, self.scoped(inner), static)
        self.scopes[-1] += totals
        return [*body, loop]

    def stream_loop(self, axes: tuple) -> list:
        """A loop that goes along another axis in blocks, as in a row-wise sum."""
        self.features.add("streamed axis")
        axis = f"stream{len(self.extents)}"
        block = 2 ** self.rng.randint(0, 4)
        steps = self.rng.randint(1, 3)
        extent = self.rng.randint((steps - 1) * block + 1, steps * block)
        self.blocks[axis], self.extents[axis] = block, extent
        keep = self.rng.randrange(len(axes) + 1)
        inner_axes = axes[:keep] + (axis,) + axes[keep:]
        start, total = self.accumulator(axes)
        index, vector = self.name(), self.name()
        by_step = self.chance(0.5)
        stop = self.integer_argument(steps if by_step else extent)
        loop = variable(index, "int32", ())
        offsets = np.arange(block, dtype=np.int32)

        def run(state) -> Value:
            at = state.read(index)[0]
            return (at * np.int32(block) if by_step else at) + offsets, None

        source = (
            f"{index} * {block} + tl.arange(0, {block})" if by_step else f"{index} + tl.arange(0, {block})"
        )

        def inner() -> list:
            lines: list = [Assign(vector, Expression(source, "int32", (axis,), run))]
            self.coordinates[axis] = variable(vector, "int32", (axis,))
            self.scalars.append(loop)
            term = self.expression(inner_axes, total.dtype, self.rng.randint(1, 3), inexact=not total.exact)
            # Elements beyond the extent must not be summed.
            mask = self.inside([axis], inner_axes)
            zero = self.constant(inner_axes, total.dtype, zero=True)
            term = self.select(mask, term, zero) if mask else term
            reduced = self.reduce(term, keep, sum_only=True)
            lines.append(Update(total.source, self.arithmetic("+", total, reduced)))
            del self.coordinates[axis]
            return lines

        step = number(1) if by_step else number(block)
        self.scopes[-1].append(total)
        return [*start, For(index, number(0), stop, step, self.scoped(inner))]

    def dot_loop(self, axes: tuple) -> list:
        """A matrix product accumulated along a streamed axis, with optional scales and masks."""
        self.features.add("dot")
        axis = f"stream{len(self.extents)}"
        block = 2 ** self.rng.randint(2, 4)
        steps = self.rng.randint(1, 3)
        extent = self.rng.randint((steps - 1) * block + 1, steps * block)
        self.blocks[axis], self.extents[axis] = block, extent
        name, index, vector = self.name(), self.name(), self.name()
        shape = self.shape(axes)
        forms = [
            ("float32", "float32"),
            ("float32", "float32"),
            ("float16", "float32"),
            ("bfloat16", "float32"),
        ]
        forms += [("int8", "int32"), ("float16", "float16")]
        forms += [("float64", "float64")] * 4 if self.float64 else []
        forms += [(form, "float32") for form in self.float8] * 3
        dtype, result = self.rng.choice([form for form in forms if not self.without & set(form)])
        exact = result != "float32"
        self.features.add(f"dot of {dtype} to {result}")
        error = None if exact else np.zeros(shape)
        zero = Expression(
            f"tl.zeros({self.shape_source(axes)}, dtype=tl.{result})",
            result, axes, lambda s: (np.zeros(shape, SCALARS[result].numpy), error), exact,
        )  # fmt: skip
        total = variable(name, result, axes, exact)
        loop = variable(index, "int32", ())
        offsets = np.arange(block, dtype=np.int32)
        stop = self.integer_argument(steps)

        def run(state) -> Value:
            return state.read(index)[0] * np.int32(block) + offsets, None

        def inner() -> list:
            source = f"{index} * {block} + tl.arange(0, {block})"
            lines: list = [Assign(vector, Expression(source, "int32", (axis,), run))]
            self.coordinates[axis] = variable(vector, "int32", (axis,))
            self.loops.append((loop, steps))
            left = self.dot_operand((axes[0], axis), dtype, exact)
            right = self.dot_operand((axis, axes[1]), dtype, exact)
            product = self.dot(left, right, result, exact)
            if self.chance(0.4) and not exact:
                factor = self.load_float_scalar()
                product = self.arithmetic("*", product, factor)
                self.features.add("dot with a scale")
            added = self.arithmetic("+", total, product)
            if product.source.startswith("tl.dot(") and self.chance(0.5):
                self.features.add("dot with an accumulator")
                added.source = product.source.replace(", input_precision", f", {name}, input_precision")
            lines.append(Update(name, added))
            self.loops.pop()
            del self.coordinates[axis]
            return lines

        self.scopes[-1].append(total)
        return [Assign(name, zero), For(index, number(0), stop, number(1), self.scoped(inner))]

    def walking_pointer(self, axes: tuple) -> list:
        """A block of pointers that a loop advances, as in matrix kernels."""
        self.features.add("walking pointer")
        bound = self.rng.randint(1, 4)
        stop = self.trip_count(bound)
        start, total = self.accumulator(axes)
        name, index = self.name(), self.name()
        pointer, begin, advance = self.moving_pointer(name, axes, total.dtype, bound)

        def inner() -> list:
            self.scalars.append(variable(index, "int32", ()))
            loaded = self.name()
            value = variable(loaded, total.dtype, axes)
            self.scopes[-1].append(value)
            term = value
            if self.chance(0.5):
                term = self.expression(axes, total.dtype, 2, inexact=not total.exact)
            operator = "+" if SCALARS[total.dtype].kind == "f" else self.rng.choice(["+", "-", "^"])
            lines = [Assign(loaded, pointer), Update(total.source, self.arithmetic(operator, total, term))]
            return [advance, *lines] if self.chance(0.2) else [*lines, advance]

        body = self.scoped(inner)
        self.scopes[-1].append(total)
        return [begin, *start, For(index, number(0), stop, number(1), body)]

    def lane_loop(self, axes: tuple) -> list:
        """A loop that runs until no lane has work left; each lane counts its own steps."""
        self.features.add("loop until no lane is left")
        left, count = self.name(), self.name()
        low = self.arithmetic("&", self.expression(axes, "int32", 2, False), self.literal("int32", 15))
        remaining, steps = variable(left, "int32", axes), variable(count, "int32", axes)
        zero, one = self.constant(axes, "int32", zero=True), self.literal("int32", 1)
        active = self.compare(">", remaining, self.literal("int32", 0))
        halved = self.arithmetic("//", remaining, number(2))
        flat: Expression = remaining
        for _ in axes:
            flat = self.largest(flat, len(flat.axes) - 1)
        body = [
            Update(count, self.select(active, self.arithmetic("+", steps, one), steps)),
            Update(left, self.select(active, halved, remaining)),
        ]
        self.scopes[-1].append(steps)
        loop = While(self.compare(">", flat, number(0)), body)
        return [Assign(left, self.full(low, axes)), Assign(count, zero), loop]

    def exchange_lanes(self, axes: tuple) -> list:
        """Stores a block and reads it back with its lanes in another order."""
        self.features.add("exchange through memory")
        axis = self.rng.choice(axes)
        block = self.blocks[axis]
        tile = self.coordinates["tile of " + axis]
        old, name = self.coordinates[axis], self.name()
        first = self.arithmetic("*", tile, number(2 * block))
        turned = self.arithmetic("-", self.arithmetic("+", first, number(block - 1)), old)
        dtype = self.scalar_type()
        value = self.expression(axes, dtype, 2, inexact=False)
        self.coordinates[axis] = variable(name, "int32", (axis,))
        base, offset, mask = self.target(axes, dtype)
        offset = self.full(offset, axes)
        result = self.name()
        lines = [Assign(name, old), Store(base.source, offset, value, mask), Barrier(), Assign(name, turned)]
        lines += [Assign(result, self.loaded(base, offset, mask, axes, dtype)), Barrier()]
        self.coordinates[axis] = old
        self.scopes[-1].append(variable(result, dtype, axes))
        return lines

    def branch(self, axes: tuple) -> list:
        self.features.add("branch")
        before: list = []
        condition = self.scalar_condition()
        target = None
        if self.chance(0.7):
            start, target = self.accumulator(axes, reordered=False)
            before += start

        def inner() -> list:
            lines: list = []
            for _ in range(self.rng.randint(0, 1)):
                lines += self.statement(axes)
            if target is not None:
                value = self.expression(axes, target.dtype, self.rng.randint(1, 3), inexact=False)
                lines.append(Update(target.source, value))
            return lines

        body = self.scoped(inner)
        orelse = self.scoped(inner) if self.chance(0.5) else []
        if target is not None:
            self.scopes[-1].append(target)
        return [*before, If(condition, body, orelse)]

    def while_loop(self, axes: tuple) -> list:
        """A loop that counts or shifts a loaded number down to zero."""
        self.features.add("while loop")
        counter = self.name()
        shifts = self.chance(0.5)
        start = self.load_scalar(0, 200 if shifts else 9)
        left = variable(counter, "int32", ())
        begin, total = self.accumulator(axes, reordered=True)

        def inner() -> list:
            self.scalars.append(left)
            self.scopes[-1].append(total)
            lines = self.statement(axes) if self.chance(0.4) and self.depth < 3 else []
            lines = [*lines, *self.accumulate(total, axes)]
            down = self.arithmetic(">>", left, number(1)) if shifts else self.arithmetic("-", left, number(2))
            return [*lines, Update(counter, down)]

        condition = self.compare(">", left, number(0))
        self.scopes[-1].append(total)
        return [Assign(counter, start), *begin, While(condition, self.scoped(inner))]
