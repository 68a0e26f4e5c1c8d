# SPDX-License-Identifier: MIT
"""Random loads, stores, atomics and their buffers."""

from __future__ import annotations

import numpy as np

from fuzzing.tree import (
    Assign,
    Atomic,
    Axes,
    Buffer,
    Expression,
    Parameter,
    Store,
    Update,
    Value,
    number,
    variable,
)
from fuzzing.values import SCALARS, convert, settle

ZONE = 24  # elements before and after each buffer that nothing may touch


class MemoryMixin:
    """Loads and stores whose addresses are sums of coordinates times strides, or come from memory."""

    # Buffers

    def contents(self, dtype: str, count: int) -> np.ndarray:
        scalar = SCALARS[dtype]
        numbers = self.numbers
        if scalar.kind == "b":
            return numbers.integers(0, 2, count).astype(np.bool_)
        if scalar.kind == "f":
            values = numbers.standard_normal(count) * 2.0 ** self.rng.randint(-1, 3)
            if self.wild and self.chance(0.5):
                special = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-3, -65504.0])
                at = numbers.random(count) < 0.15
                values = np.where(at, numbers.choice(special, count), values)
            values = convert(values.astype(np.float32), "float32", dtype)
            if self.wild and dtype == "float8e5":
                # A cast never gives infinity in this format, but memory may hold it.
                infinite = numbers.random(count) < 0.05
                values = np.where(infinite, np.float32(np.inf) * numbers.choice([-1, 1], count), values)
            return values.astype(scalar.numpy)
        limits = np.iinfo(scalar.numpy)
        if self.chance(0.5):
            low, high = (max(int(limits.min), -20), 20)
        else:
            low, high = int(limits.min), int(limits.max)
        values = numbers.integers(low, high, count, dtype=scalar.numpy, endpoint=True)
        extreme = np.array([limits.min, limits.max, 0, 1], scalar.numpy)
        if self.chance(0.3):
            values = np.where(numbers.random(count) < 0.1, numbers.choice(extreme, count), values)
        return values.astype(scalar.numpy)

    def buffer(
        self, dtype: str, span: int, origin: int, data: np.ndarray | None = None, output: bool = False
    ) -> Expression:
        """A new pointer argument over `span` elements, which points to element `origin`."""
        total = span + 2 * ZONE
        values = self.contents(dtype, total)
        if data is not None:
            values[ZONE : ZONE + span] = data
        name = self.name()
        held = Buffer(name, dtype, values, ZONE + origin, ZONE, ZONE + span, output)
        self.parameters.append(Parameter(name, held))
        return Expression(name, dtype, (), lambda state: (np.array(0), None))

    def alias(self, base: Expression) -> Expression:
        """Another argument for the same memory."""
        held = next(p.value for p in self.parameters if p.name == base.source)
        name = self.name()
        owner = held.owner or held
        twin = Buffer(
            name, held.dtype, held.data, held.origin, held.start, held.stop, held.output, None, owner
        )
        self.parameters.append(Parameter(name, twin))
        self.features.add("aliased arguments")
        return Expression(name, held.dtype, (), lambda state: (np.array(0), None))

    # Addresses

    def affine(
        self, coordinates: list[tuple[Expression, int]], axes: Axes, injective: bool
    ) -> tuple[Expression, int, int]:
        """An offset that is affine in the coordinates, with the span and the origin that it needs."""
        order = list(range(len(coordinates)))
        self.rng.shuffle(order)
        stride = self.rng.choice([1, 1, 1, 2, 3])
        terms: list[Expression] = []
        low = high = 0
        for place in order:
            coordinate, extent = coordinates[place]
            used = stride
            if not injective and self.chance(0.08):
                used = 0
                self.features.add("stride zero")
            index = self.along(coordinate, axes)
            if used and self.chance(0.08):
                index = self.arithmetic("-", number(extent - 1), index)
                self.features.add("reversed coordinate")
            if used and self.chance(0.06):
                low -= used * (extent - 1)
                terms.append(self.arithmetic("*", index, self.integer_argument(-used)))
                self.features.add("negative stride")
            else:
                high += used * (extent - 1)
                if used == 1 and self.chance(0.6):
                    terms.append(index)
                else:
                    terms.append(self.arithmetic("*", index, self.integer_argument(used)))
            stride *= extent + self.rng.choice([0, 0, 1, 3])
        offset = terms[0] if terms else number(0)
        for term in terms[1:]:
            offset = self.arithmetic("+", offset, term)
        if self.chance(0.15):
            shift = self.rng.randint(1, 9)
            offset = self.arithmetic("+", offset, number(shift))
            high += shift
            low += shift
        span_low, span_high = min(low, 0), max(high, 0)
        return offset, span_high - span_low + 1, -span_low

    def inside(self, axes: list, block: Axes) -> Expression | None:
        """The mask of the coordinates that exist; None when all do."""
        mask = None
        for axis in axes:
            if axis in self.covered or not self.coordinates[axis].axes:
                continue
            extent = self.integer_argument(self.extents[axis])
            term = self.compare("<", self.along(self.coordinates[axis], block), extent)
            mask = term if mask is None else self.both(mask, term)
        return mask

    def walked(self, axes: Axes) -> list:
        return [axis for axis in axes if axis is not None]

    # Loads

    def load(self, axes: Axes, dtype: str) -> Expression:
        rng = self.rng
        form = rng.random()
        walked = self.walked(axes)
        if not walked:
            return self.full(self.load_scalar_of(dtype), axes)
        if form < 0.12:
            return self.load_through_index(axes, dtype)
        if form < 0.18:
            return self.load_by_hash(axes, dtype)
        used = [axis for axis in walked if self.chance(0.85)] or walked[:1]
        place = [(self.coordinates[axis], self.reach(axis)) for axis in used]
        place += [(self.coordinates[b], self.extents[b]) for b in self.batch_axes if self.chance(0.6)]
        place += [(loop, bound) for loop, bound in self.loops if self.chance(0.6)]
        place = [changed for pair in place for changed in self.changed_coordinate(*pair)]
        offset, span, origin = self.affine(place, axes, injective=False)
        if self.chance(0.1):
            offset = self.cast(offset, "int64")
        base = self.buffer(dtype, span, origin)
        if self.chance(0.06):
            base = self.alias(base)
        mask = self.inside(used, axes)
        if self.chance(0.2):
            extra = self.condition_of_coordinates(axes)
            mask = extra if mask is None else self.both(mask, extra)
            self.features.add("odd mask")
        return self.loaded(base, offset, mask, axes, dtype)

    def changed_coordinate(self, index: Expression, extent: int) -> list[tuple[Expression, int]]:
        """The coordinate, or something that kernels compute from it, with the number of values it takes."""
        if not self.chance(0.25):
            return [(index, extent)]
        form = self.rng.choice(
            ["divide", "remainder", "both", "clamp", "exclusive or", "shift right", "move"]
        )
        self.features.add("computed coordinate")
        width = self.rng.randint(1, 5)
        if form == "divide":
            return [(self.arithmetic("//", index, self.integer_argument(width)), -(-extent // width))]
        if form == "remainder":
            return [(self.arithmetic("%", index, self.integer_argument(width)), width)]
        if form == "both":
            by = self.integer_argument(width)
            row, column = self.arithmetic("//", index, by), self.arithmetic("%", index, by)
            return [(row, -(-extent // width)), (column, width)]
        if form == "clamp":
            low = self.arithmetic("tl.maximum", self.arithmetic("-", index, number(width)), number(0))
            return [(self.arithmetic("tl.minimum", low, number(extent - 1)), extent)]
        if form == "exclusive or":
            whole = 1 << max(extent - 1, 1).bit_length()
            return [(self.arithmetic("^", index, number(self.rng.randint(1, whole - 1))), whole)]
        if form == "shift right":
            return [(self.arithmetic(">>", index, number(1)), (extent + 1) // 2)]
        return [(self.arithmetic("+", index, number(width)), extent + width)]

    def reach(self, axis: object) -> int:
        """The number of coordinates that a masked access may touch."""
        return self.extents[axis]

    def condition_of_coordinates(self, axes: Axes) -> Expression:
        axis = self.rng.choice(self.walked(axes))
        index = self.along(self.coordinates[axis], axes)
        form = self.rng.random()
        if form < 0.4:
            part = self.arithmetic("%", index, number(self.rng.randint(2, 4)))
            return self.compare(self.rng.choice(["==", "!="]), part, number(1))
        if form < 0.55 and len(self.walked(axes)) > 1:
            first, second = self.rng.sample(self.walked(axes), 2)
            left, right = (self.along(self.coordinates[a], axes) for a in (first, second))
            if self.chance(0.5):
                return self.compare(self.rng.choice(["<", "<=", ">", ">=", "=="]), left, right)
            total = self.arithmetic("+", self.arithmetic("*", left, number(self.rng.randint(1, 3))), right)
            return self.compare(self.rng.choice(["<", ">="]), total, number(self.extents[first]))
        if form < 0.7:
            return self.compare(
                self.rng.choice(["<", ">="]), index, number(self.rng.randint(0, self.extents[axis]))
            )
        return self.condition(axes, 1)

    def loaded(
        self, base: Expression, offset: Expression, mask: Expression | None, axes: Axes, dtype: str
    ) -> Expression:
        scalar = SCALARS[dtype]
        other: float | int = 0
        if mask is not None and self.chance(0.5):
            numbers: list = {"f": [1.0, -2.0, 0.5], "b": [1]}.get(scalar.kind, [1, 5, 100])
            other = self.rng.choice(numbers)
        held = settle(np.array(other), dtype)
        arguments = ""
        if mask is not None:
            literal = repr(float(other)) if scalar.kind == "f" else str(other)
            arguments = f", mask={mask.source}, other={literal}"
        # In a block of pointers, the offset must have every dimension of the mask.
        shape_axes = self.joined(offset.axes, mask.axes) if mask is not None else offset.axes
        if mask is not None and offset.axes != shape_axes:
            offset = self.full(offset, shape_axes)
        name = base.source

        def run(state) -> Value:
            offsets = offset.run(state)[0]
            on = mask.run(state)[0] if mask is not None else np.ones(np.shape(offsets), bool)
            return state.buffers[name].load(offsets, on, held)

        source = f"tl.load({name} + {offset.source}{arguments})"
        return Expression(source, dtype, offset.axes, run)

    def load_scalar(self, low: int, high: int) -> Expression:
        """An int32 in the given range that depends on the program."""
        place = [(self.coordinates[b], self.extents[b]) for b in self.batch_axes]
        place += [
            (self.coordinates["tile of " + a], self.extents["tile of " + a])
            for a in self.main_axes
            if self.chance(0.7)
        ]
        offset, span, origin = self.affine(place, (), injective=False)
        data = self.numbers.integers(low, high, span, endpoint=True).astype(np.int32)
        base = self.buffer("int32", span, origin, data)
        return self.loaded(base, offset, None, (), "int32")

    def load_scalar_of(self, dtype: str) -> Expression:
        place = [(self.coordinates[b], self.extents[b]) for b in self.batch_axes]
        place += [(loop, bound) for loop, bound in self.loops if self.chance(0.6)]
        offset, span, origin = self.affine(place, (), injective=False)
        return self.loaded(self.buffer(dtype, span, origin), offset, None, (), dtype)

    def load_float_scalar(self) -> Expression:
        return self.load_scalar_of("float32")

    def load_through_index(self, axes: Axes, dtype: str) -> Expression:
        """x[index[i]], where the index array holds numbers in range."""
        self.features.add("gather")
        used = self.walked(axes)
        place = [(self.coordinates[axis], self.reach(axis)) for axis in used]
        offset, span, origin = self.affine(place, axes, injective=False)
        count = self.rng.randint(1, 40)
        index_type = self.rng.choice(["int32", "int32", "int64", "uint8"])
        data = self.numbers.integers(0, count, span).astype(SCALARS[index_type].numpy)
        index_base = self.buffer(index_type, span, origin, data)
        mask = self.inside(used, axes)
        saved, self.chance = (
            self.chance,
            lambda probability: False,
        )  # where the mask is off, the index must be 0
        index = self.loaded(index_base, offset, mask, axes, index_type)
        self.chance = saved
        index = self.cast(index, "int32") if index_type == "uint8" else index
        if index.dtype == "int32" and self.chance(0.5):
            index = self.arithmetic("*", index, number(2))
            count = count * 2
        base = self.buffer(dtype, count, 0)
        return self.loaded(base, index, mask if self.chance(0.5) else None, axes, dtype)

    def load_by_hash(self, axes: Axes, dtype: str) -> Expression:
        """x[hash(i) % n] with a hash that wraps around in 32 bits."""
        self.features.add("hash index")
        axis = self.rng.choice(self.walked(axes))
        index = self.along(self.coordinates[axis], axes)
        mixed = self.arithmetic("*", index, number(self.rng.choice([1664525, 22695477, 1103515245])))
        mixed = self.arithmetic("+", mixed, number(self.rng.choice([1013904223, 12345])))
        if self.chance(0.5):
            mixed = self.arithmetic("^", mixed, self.arithmetic("<<", index, number(13)))
        if self.chance(0.5):
            mixed = self.arithmetic("*", mixed, number(1103515245))
        count = self.rng.randint(1, 50)
        positive = self.arithmetic("&", mixed, number(0x7FFFFFFF))
        at = self.arithmetic("%", positive, self.integer_argument(count))
        return self.loaded(self.buffer(dtype, count, 0), at, None, axes, dtype)

    def moving_pointer(
        self, name: str, axes: Axes, dtype: str, bound: int
    ) -> tuple[Expression, Assign, Update]:
        """A load through a variable of pointers, with the first assignment and the step of the variable."""
        place = [(self.coordinates[axis], self.reach(axis)) for axis in self.walked(axes)]
        place += [(self.coordinates[b], self.extents[b]) for b in self.batch_axes if self.chance(0.5)]
        offset, span, origin = self.affine(place, axes, injective=False)
        offset = self.full(offset, axes)
        stride = self.rng.choice([1, 2, 5, 16, -1, -3])
        # One step more than there are iterations, for loops that advance before they load.
        room = abs(stride) * (bound + 1)
        base = self.buffer(dtype, span + room, origin + (room if stride < 0 else 0))
        mask = self.inside(self.walked(axes), axes)
        zero = settle(np.array(0), dtype)
        buffer = base.source

        def run(state) -> Value:
            offsets = state.read(name)[0]
            on = mask.run(state)[0] if mask is not None else np.ones(np.shape(offsets), bool)
            return state.buffers[buffer].load(offsets, on, zero)

        other = "0.0" if SCALARS[dtype].kind == "f" else "0"
        arguments = f", mask={mask.source}, other={other}" if mask is not None else ""
        load = Expression(f"tl.load({name}{arguments})", dtype, axes, run)
        begin = Assign(name, Expression(f"{buffer} + {offset.source}", "int32", axes, offset.run))
        step = self.integer_argument(stride)

        def moved(state) -> Value:
            return state.read(name)[0] + step.run(state)[0], None

        return load, begin, Update(name, Expression(f"{name} + {step.source}", "int32", axes, moved))

    def dot_operand(self, axes: Axes, dtype: str, small: bool) -> Expression:
        """A block of a matrix, zero outside of it, sometimes read transposed; perhaps of small integers."""
        if self.chance(0.25):
            inner = self.dot_operand((axes[1], axes[0]), dtype, small)

            def run(state) -> Value:
                return inner.run(state)[0].T, None

            return Expression(f"tl.trans({inner.source})", dtype, axes, run)
        place = [(self.coordinates[axis], self.extents[axis]) for axis in axes]
        place += [(self.coordinates[b], self.extents[b]) for b in self.batch_axes if self.chance(0.5)]
        offset, span, origin = self.affine(place, axes, injective=False)
        offset = self.full(offset, axes)
        wild, self.wild = self.wild, False
        data = self.numbers.integers(-3, 3, span, endpoint=True) if small else None
        base = self.buffer(dtype, span, origin, data)
        self.wild = wild
        mask = self.inside(list(axes), axes)
        saved, self.chance = self.chance, lambda probability: False
        result = self.loaded(base, offset, mask, axes, dtype)
        self.chance = saved
        return result

    # Stores

    def target(self, axes: Axes, dtype: str) -> tuple[Expression, Expression, Expression | None]:
        """Base, offset and mask of a new output with one element for each program and lane."""
        walked = self.walked(axes)
        place = [(self.coordinates[axis], self.extents[axis]) for axis in walked]
        # Programs that differ in no other axis must not write to the same place.
        for axis in self.main_axes:
            if axis not in walked:
                place.append((self.coordinates["tile of " + axis], self.extents["tile of " + axis]))
        place += [(self.coordinates[b], self.extents[b]) for b in self.batch_axes]
        place += [(loop, bound) for loop, bound in self.loops if self.chance(0.5)]
        if self.chance(0.15):
            # A coordinate in two parts still distinguishes all elements.
            self.features.add("computed coordinate")
            at = self.rng.randrange(len(place))
            index, extent = place[at]
            width = self.rng.randint(1, 5)
            by = self.integer_argument(width)
            row, column = self.arithmetic("//", index, by), self.arithmetic("%", index, by)
            place[at : at + 1] = [(row, -(-extent // width)), (column, width)]
        offset, span, origin = self.affine(place, axes, injective=True)
        base = self.buffer(dtype, span, origin, output=True)
        return base, offset, self.inside(walked, axes)

    def store_value(self, axes: Axes, value: Expression) -> list:
        base, offset, mask = self.target(axes, value.dtype)
        if self.chance(0.2) and self.walked(axes):
            extra = self.condition_of_coordinates(axes)
            mask = extra if mask is None else self.both(mask, extra)
            self.features.add("odd mask")
        if mask is not None:
            whole = self.joined(offset.axes, mask.axes)
            offset = self.full(offset, whole) if offset.axes != whole else offset
        if len(offset.axes) < len(axes) or any(
            a is None and b is not None for a, b in zip(offset.axes, axes, strict=False)
        ):
            offset = self.full(offset, axes)
        return [Store(base.source, offset, value, mask)]

    def store_now(self, axes: Axes) -> list:
        if self.depth:
            self.features.add("store inside")
        return self.store_value(axes, self.expression(axes, self.scalar_type(), self.rng.randint(1, 3)))

    def final_stores(self, axes: Axes) -> list:
        """Stores of the variables in scope, of a reduction, and of a permuted copy."""
        body: list = []
        known = [e for e in self.scopes[0] if e.axes == axes]
        self.rng.shuffle(known)
        for value in known[:3]:
            body += self.store_value(axes, value)
        if not known or self.chance(0.3):
            body += self.store_now(axes)
        if self.chance(0.3):
            self.features.add("stored reduction")
            dtype = self.rng.choice(["float32", "int32", "int64", "float16", "uint8"])
            value = self.expression(axes, dtype, 2)
            place = self.rng.randrange(len(axes))
            if self.inside([axes[place]], axes) is not None:
                mask = self.inside([axes[place]], axes)
                value = self.select(mask, value, self.constant(axes, dtype, zero=True))
            total = self.reduce(value, place)
            body += self.store_value(total.axes, total)
        if len(axes) == 1 and not self.batch_axes and self.chance(0.2):
            body += self.store_through_permutation(axes)
        return body

    def store_through_permutation(self, axes: Axes) -> list:
        self.features.add("scatter")
        axis = axes[0]
        count = self.extents[axis]
        order = self.numbers.permutation(count).astype(np.int32)
        mask = self.inside([axis], axes)
        base = self.buffer("int32", count, 0, order)
        saved, self.chance = self.chance, lambda probability: False
        index = self.loaded(base, self.coordinates[axis], mask, axes, "int32")
        self.chance = saved
        value = self.expression(axes, self.scalar_type(), 2)
        out = self.buffer(value.dtype, count, 0, output=True)
        return [Store(out.source, index, value, mask)]

    def update_in_place(self, axes: Axes) -> list:
        """y[i] = f(y[i]): each lane reads and writes its own element."""
        self.features.add("in place")
        dtype = self.scalar_type()
        saved_loops, self.loops = self.loops, []
        base, offset, mask = self.target(axes, dtype)
        self.loops = saved_loops
        offset = self.full(offset, axes)
        source = self.alias(base) if self.chance(0.3) else base
        old = self.loaded(source, offset, mask, axes, dtype)
        name = self.name()
        held = variable(name, dtype, axes)
        change = self.expression(axes, dtype, 2, inexact=False)
        if dtype == "int1":
            new = self.both(held, change, self.rng.choice("&|^"))
        else:
            new = self.arithmetic(self.rng.choice(["+", "-", "*"]), held, change)
        return [Assign(name, old), Store(base.source, offset, new, mask)]

    def atomic(self, axes: Axes) -> list:
        """Atomic additions and the like to a few elements that all programs share."""
        self.features.add("atomic")
        count = self.rng.randint(1, 6)
        dtype = self.rng.choice(["int32", "int32", "int64", "uint32", "float32"])
        kinds = ["add", "add"] if dtype == "float32" else ["add", "max", "min", "and", "or", "xor"]
        kind = self.rng.choice(kinds)
        axis = self.rng.choice(self.walked(axes))
        index = self.along(self.coordinates[axis], axes)
        at = self.arithmetic("%", index, number(count))
        if dtype == "float32":
            # Small integers, so that the sum is the same in every order.
            value = self.cast(self.cast(self.expression(axes, "int8", 1, False), "int8"), "float32")
            data = self.numbers.integers(-9, 9, count).astype(np.float32)
        else:
            value, data = self.expression(axes, dtype, 2, False), None
        base = self.buffer(dtype, count, 0, data, output=True)
        mask = self.inside(self.walked(axes), axes)
        return [Atomic(kind, base.source, self.full(at, axes), self.full(value, axes), mask)]
