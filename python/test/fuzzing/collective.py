# SPDX-License-Identifier: MIT
"""Random operations along the axes of a block: transposes, reductions, scans, sorts, gathers, dots."""

from __future__ import annotations

import numpy as np

from fuzzing.narrow import FLOAT8
from fuzzing.tree import Assign, AssignPair, Axes, Expression, Value, variable
from fuzzing.values import EPSILON, NARROW_FLOATS, SCALARS, convert, error_of, settle


class CollectiveMixin:
    """Operations whose elements depend on other elements of a block."""

    def moved(self, axes: Axes, dtype: str, depth: int, inexact: bool) -> Expression:
        """The value after a transpose, or after reshaping to a longer shape and back."""
        rank = len(axes)
        if rank > 1 and self.chance(0.6):
            order = list(range(rank))
            self.rng.shuffle(order)
            inner_axes = tuple(axes[order.index(i)] for i in range(rank))
            inner = self.expression(inner_axes, dtype, depth - 1, inexact)
            self.features.add("transpose")

            def turn(array: np.ndarray) -> np.ndarray:
                return np.transpose(array, order)

            source = f"tl.permute({inner.source}, {tuple(order)})"
        elif self.chance(0.5) and max(self.shape(axes)) > 1:
            inner = self.expression(axes, dtype, depth - 1, inexact)
            place = self.rng.choice([i for i, size in enumerate(self.shape(axes)) if size > 1])
            self.features.add("flip")

            def turn(array: np.ndarray) -> np.ndarray:
                return np.flip(array, place)

            source = f"tl.flip({inner.source}, {place})"
        else:
            inner = self.expression(axes, dtype, depth - 1, inexact)
            shape = self.shape(axes)
            count = int(np.prod(shape))
            if count == 1:
                return inner
            other = self.rng.choice([2**i for i in range(1, count.bit_length())])
            self.features.add("reshape")
            shape_source = self.shape_source(axes)

            def turn(array: np.ndarray) -> np.ndarray:
                return array.reshape(count // other, other)[:, ::-1].reshape(shape)

            flat = f"tl.reshape({inner.source}, ({count // other}, {other}))"
            source = f"tl.reshape(tl.flip({flat}, 1), {shape_source})"

        def run(state) -> Value:
            value, error = inner.run(state)
            return turn(value), None if error is None else turn(error)

        return Expression(source, dtype, axes, run, inner.exact)

    def reduce(self, x: Expression, place: int, sum_only: bool = False, keep: bool = False) -> Expression:
        kind = SCALARS[x.dtype].kind
        names = ["sum"] if sum_only else ["max", "min", "sum"] + (["xor_sum"] if kind in "iu" else [])
        if not x.exact or x.dtype in ("float64", *NARROW_FLOATS):
            # The order of a sum of narrow floats is unspecified, so its rounding is not reproducible.
            sums = ["sum"] if x.dtype == "float32" else []
            names = sums if sum_only and sums else ["max", "min", *sums]
        name = self.rng.choice(names)
        narrow = SCALARS[x.dtype].bits < 32
        if x.dtype in NARROW_FLOATS:
            self.features.add("narrow reduction")
        axes = (
            tuple(None if i == place else a for i, a in enumerate(x.axes))
            if keep
            else x.axes[:place] + x.axes[place + 1 :]
        )
        dtype = x.dtype
        if kind in "iu" and narrow:
            # Triton widens before it reduces; an explicit cast restores the type.
            x = self.cast(x, "int32" if kind == "i" else "uint32")
        inner = x
        keep_source = ", keep_dims=True" if keep else ""
        source = f"tl.{name}({inner.source}, axis={place}{keep_source})"
        if inner.dtype != dtype or dtype in NARROW_FLOATS:
            source = f"tl.cast({source}, tl.{dtype})"
        if kind == "f" and name in ("max", "min"):
            source = f"({source} + 0.0)"
        exact = inner.exact and not (name == "sum" and kind == "f")

        def run(state) -> Value:
            value, error = inner.run(state)
            if name == "sum" and kind == "f":
                total = value.astype(np.float64).sum(place, keepdims=keep)
                weight = np.abs(value).astype(np.float64).sum(place, keepdims=keep)
                count = value.shape[place]
                bound = EPSILON * (count + 2) * weight + (
                    0 if error is None else error.sum(place, keepdims=keep)
                )
                return total.astype(np.float32), np.asarray(bound)
            function = {
                "sum": np.add,
                "xor_sum": np.bitwise_xor,
                "max": np.fmax if kind == "f" else np.maximum,
                "min": np.fmin if kind == "f" else np.minimum,
            }[name]
            result = function.reduce(value, axis=place, keepdims=keep)
            if name == "sum":
                result = value.sum(place, dtype=value.dtype, keepdims=keep)
            result = (
                convert(np.asarray(result), inner.dtype, dtype)
                if inner.dtype != dtype or dtype in FLOAT8
                else np.asarray(result)
            )
            if kind == "f":
                result = settle(result + result.dtype.type(0), dtype)
            return result, None if error is None else error.max(place, keepdims=keep)

        return Expression(source, dtype, axes, run, exact)

    def largest(self, x: Expression, place: int) -> Expression:
        """The maximum of an int32 block along one axis."""
        axes = x.axes[:place] + x.axes[place + 1 :]

        def run(state) -> Value:
            return np.asarray(x.run(state)[0].max(place)), None

        return Expression(f"tl.max({x.source}, axis={place})", x.dtype, axes, run)

    def comparable(self, x: Expression) -> Expression:
        """The value without NaN and negative zero, whose order is unspecified."""
        if SCALARS[x.dtype].kind != "f":
            return x
        x = self.select(self.compare("==", x, x), x, self.literal(x.dtype, 0.0))
        return self.arithmetic("+", x, self.literal(x.dtype, 0.0))

    def ordered(self, x: Expression) -> Expression:
        """sort, gather, a running maximum, or the index of the largest element."""
        form = self.rng.choice(["sort", "gather", "argmax", "argmin", "running maximum"])
        last = len(x.axes) - 1
        place = self.rng.randrange(len(x.axes))
        if form == "sort" and self.shape(x.axes)[last] == 1:
            form = "gather"  # sorting one element changes the type of narrow integers
        self.features.add(form)
        if form == "gather":
            size = self.shape(x.axes)[place]
            index = self.expression(x.axes, "int32", 1, False)
            index = self.full(self.arithmetic("&", index, self.literal("int32", size - 1)), x.axes)

            def gather(state) -> Value:
                return np.take_along_axis(x.run(state)[0], index.run(state)[0], place), None

            return Expression(f"tl.gather({x.source}, {index.source}, {place})", x.dtype, x.axes, gather)
        x = self.full(self.comparable(x), x.axes)
        if form == "sort":
            descending = self.chance(0.5)

            def sort(state) -> Value:
                value = np.sort(x.run(state)[0], axis=last)
                return np.flip(value, last) if descending else value, None

            return Expression(f"tl.sort({x.source}, descending={descending})", x.dtype, x.axes, sort)
        if form == "running maximum":
            helper = self.name()
            self.helpers += ["@triton.jit", f"def {helper}(left, right):"]
            self.helpers += ["    return tl.maximum(left, right)", "", ""]

            def run(state) -> Value:
                return np.maximum.accumulate(x.run(state)[0], place), None

            return Expression(f"tl.associative_scan({x.source}, {place}, {helper})", x.dtype, x.axes, run)
        function = np.argmax if form == "argmax" else np.argmin

        def find(state) -> Value:
            return function(x.run(state)[0], axis=place, keepdims=True).astype(np.int32), None

        axes = tuple(None if i == place else a for i, a in enumerate(x.axes))
        found = Expression(f"tl.{form}({x.source}, axis={place}, keep_dims=True)", "int32", axes, find)
        return self.cast(found, x.dtype)

    def counted(self, axes: Axes, dtype: str, depth: int) -> Expression:
        """The number of elements that meet a condition, as a float: its sums are exact in every order."""
        place = self.rng.randrange(len(axes))
        limit = {"float16": 2048, "bfloat16": 256}.get(dtype, 2**24)
        if dtype in FLOAT8:
            limit = 8 if dtype in ("float8e5", "float8e5b16") else 16
        if self.shape(axes)[place] > limit:
            return self.leaf(axes, dtype, False)
        self.features.add("exact float sum")
        one, zero = self.constant(axes, dtype, zero=True), self.constant(axes, dtype, zero=True)
        one = self.arithmetic("+", one, self.literal(dtype, 1.0))
        terms = self.full(self.select(self.condition(axes, depth - 1), one, zero), axes)

        def run(state) -> Value:
            total = terms.run(state)[0].astype(np.float64).sum(place, keepdims=True)
            return settle(total, dtype), None

        kept = tuple(None if i == place else a for i, a in enumerate(axes))
        return Expression(f"tl.sum({terms.source}, axis={place}, keep_dims=True)", dtype, kept, run)

    def pair_of_reductions(self, axes: Axes) -> list:
        """A reduction with two results: an extremum with its index, or a combine function of two values."""
        place = self.rng.randrange(len(axes))
        kept = tuple(None if i == place else a for i, a in enumerate(axes))
        dtype = self.scalar_type()
        if dtype == "int1":
            dtype = "int32"
        first, second = self.name(), self.name()
        x = self.full(self.comparable(self.expression(axes, dtype, 2, inexact=False)), axes)
        if self.chance(0.5):
            self.features.add("extremum with its index")
            form = self.rng.choice(["max", "min"])
            find = {"max": np.argmax, "min": np.argmin}[form]
            other_type = "int32"

            def run(state) -> tuple[Value, Value]:
                value = x.run(state)[0]
                at = find(value, axis=place, keepdims=True)
                return (np.take_along_axis(value, at, place), None), (at.astype(np.int32), None)

            source = f"tl.{form}({x.source}, axis={place}, return_indices=True, keep_dims=True)"
        else:
            self.features.add("reduction of a tuple")
            other_type = self.rng.choice(["int32", "int64", "uint8", "int16"])
            y = self.expression(axes, other_type, 2, inexact=False)
            helper = self.name()
            self.helpers += ["@triton.jit", f"def {helper}(a, b, c, d):"]
            self.helpers += ["    return tl.maximum(a, c), b + d", "", ""]

            def run(state) -> tuple[Value, Value]:
                left = np.max(x.run(state)[0], axis=place, keepdims=True)
                right = y.run(state)[0]
                return (left, None), (right.sum(place, dtype=right.dtype, keepdims=True), None)

            source = f"tl.reduce(({x.source}, {y.source}), {place}, {helper}, keep_dims=True)"
        # The reduced axis has one element; full values can be read by other statements.
        lines: list = [AssignPair(first, second, source, run)]
        for name, kind in ((first, dtype), (second, other_type)):
            wide = self.name()
            lines.append(Assign(wide, self.full(variable(name, kind, kept), axes)))
            self.scopes[-1].append(variable(wide, kind, axes))
        return lines

    def histogram(self, axes: Axes) -> list:
        """Counts the elements of a vector in bins, and stores the bins."""
        self.features.add("histogram")
        bins = 2 ** self.rng.randint(0, 6)
        axis = f"bins{len(self.extents)}"
        self.blocks[axis] = self.extents[axis] = bins
        self.covered.add(axis)
        x = self.expression(axes, "int32", 2, inexact=False)
        x = self.full(self.arithmetic("&", x, self.literal("int32", bins - 1)), axes)
        mask = self.full(self.condition_of_coordinates(axes), axes) if self.chance(0.5) else None

        def run(state) -> Value:
            value = x.run(state)[0]
            if mask is not None:
                value = value[mask.run(state)[0]]
            return np.bincount(value.ravel(), minlength=bins).astype(np.int32), None

        given = f", mask={mask.source}" if mask is not None else ""
        name, vector = self.name(), self.name()
        places = np.arange(bins, dtype=np.int32)
        source = f"tl.histogram({x.source}, {bins}{given})"
        lines = [
            Assign(name, Expression(source, "int32", (axis,), run)),
            Assign(vector, Expression(f"tl.arange(0, {bins})", "int32", (axis,), lambda s: (places, None))),
        ]
        self.coordinates[axis] = variable(vector, "int32", (axis,))
        lines += self.store_value((axis,), variable(name, "int32", (axis,)))
        del self.coordinates[axis]
        return lines

    def reduced(self, axes: Axes, dtype: str, depth: int, inexact: bool) -> Expression:
        """A block combined with a reduction of itself, as in x - max(x)."""
        self.features.add("reduction")
        value = self.expression(axes, dtype, depth - 1, inexact)
        exact_only = not inexact
        place = self.rng.randrange(len(axes))
        if exact_only and SCALARS[dtype].kind == "f":
            total = self.extremum(value, place)
        else:
            total = self.reduce(value, place, keep=True)
        operator = self.rng.choice(["-", "+", "*"])
        return self.arithmetic(operator, value, total)

    def extremum(self, x: Expression, place: int) -> Expression:
        """max or min, which is exact for floats too."""
        saved = self.rng.choice
        try:
            self.rng.choice = lambda names: "max" if "max" in names else names[0]  # type: ignore[method-assign]
            return self.reduce(x, place, keep=True)
        finally:
            self.rng.choice = saved  # type: ignore[method-assign]

    def scan(self, x: Expression, place: int) -> Expression:
        self.features.add("scan")
        reverse = self.chance(0.3)

        def run(state) -> Value:
            value = x.run(state)[0]
            value = np.flip(value, place) if reverse else value
            total = np.cumsum(value, place, dtype=value.dtype)
            return np.flip(total, place) if reverse else total, None

        return Expression(f"tl.cumsum({x.source}, {place}, reverse={reverse})", x.dtype, x.axes, run)

    def dot(self, x: Expression, y: Expression, result: str, exact: bool) -> Expression:
        """A product of matrices. It is exact where the elements are small integers."""

        def run(state) -> Value:
            a, b = x.run(state), y.run(state)
            left, right = a[0].astype(np.float64), b[0].astype(np.float64)
            if exact:
                return (left @ right).astype(SCALARS[result].numpy), None
            weight = np.abs(left) @ np.abs(right)
            bound = 2 * EPSILON * (left.shape[1] + 2) * weight
            if a[1] is not None or b[1] is not None:
                ea, eb = error_of(a), error_of(b)
                bound = bound + ea @ (np.abs(right) + eb) + np.abs(left) @ eb
            return (left @ right).astype(np.float32), bound

        form = "" if result in ("float32", "int32", "float64") else f", out_dtype=tl.{result}"
        source = f"tl.dot({x.source}, {y.source}, input_precision='ieee'{form})"
        return Expression(source, result, (x.axes[0], y.axes[1]), run, exact)
