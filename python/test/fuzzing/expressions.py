# SPDX-License-Identifier: MIT
"""Random expressions over blocks and scalars."""

from __future__ import annotations

import numpy as np

from fuzzing.tree import Axes, Expression, Value, number
from fuzzing.values import (
    COMPARISONS,
    EPSILON,
    FLOAT_OPERATIONS,
    INTEGER_OPERATIONS,
    SCALARS,
    bounded,
    convert,
    error_of,
    settle,
)

FLOATS = ("float16", "bfloat16", "float32", "float64")


class ExpressionMixin:
    """Builds typed expressions. All operands of an operation have the same type; conversions are explicit."""

    # Shapes

    def shape(self, axes: Axes) -> tuple[int, ...]:
        return tuple(1 if axis is None else self.blocks[axis] for axis in axes)

    def shape_source(self, axes: Axes) -> str:
        sizes = ", ".join(str(size) for size in self.shape(axes))
        return f"({sizes},)" if len(axes) == 1 else f"({sizes})"

    def along(self, vector: Expression, axes: Axes) -> Expression:
        """A vector along one axis, or a scalar, broadcast to a block with the given axes."""
        if not vector.axes or len(axes) == 1:
            return vector
        place = axes.index(vector.axes[0])
        index = ", ".join(":" if i == place else "None" for i in range(len(axes)))
        shape = tuple(-1 if i == place else 1 for i in range(len(axes)))
        placed = tuple(axis if i == place else None for i, axis in enumerate(axes))

        def run(state) -> Value:
            value, error = vector.run(state)
            return value.reshape(shape), None if error is None else error.reshape(shape)

        return Expression(f"{vector.source}[{index}]", vector.dtype, placed, run, vector.exact)

    def joined(self, *axes: Axes) -> Axes:
        """The axes of the result of an element-wise operation."""
        rank = max(len(a) for a in axes)
        result: list = [None] * rank
        for one in axes:
            for place, axis in enumerate(one):
                if axis is not None:
                    result[place] = axis
        return tuple(result)

    # Leaves

    def constant(self, axes: Axes, dtype: str, zero: bool = False) -> Expression:
        scalar = SCALARS[dtype]
        if zero:
            value: float | int = 0
        elif scalar.kind == "f":
            value = self.rng.choice([0.5, 1.0, 2.0, -1.0, -2.5, 3.0, 0.25, 7.0])
        else:
            limits = np.iinfo(scalar.numpy)
            choices = [1, 2, 3, 5, 7, 100, int(limits.max), int(limits.max) // 3]
            choices += [-1, -2, -7, int(limits.min)] if scalar.kind == "i" else []
            value = self.rng.choice(choices)
        literal = repr(float(value)) if scalar.kind == "f" else str(value)
        shape = self.shape(axes)
        held = (np.full(shape, value, scalar.numpy), None)
        if not axes:
            return Expression(f"tl.full([], {literal}, tl.{dtype})", dtype, axes, lambda state: held)
        return Expression(
            f"tl.full({self.shape_source(axes)}, {literal}, tl.{dtype})", dtype, axes, lambda s: held
        )

    def literal(self, dtype: str, value: float | int) -> Expression:
        """A Python number that takes on the type of the other operand."""
        scalar = SCALARS[dtype]
        held = (np.array(value, scalar.numpy), None)
        source = repr(float(value)) if scalar.kind == "f" else str(value)
        return Expression(f"({source})" if value < 0 else source, dtype, (), lambda state: held)

    def full(self, value: Expression, axes: Axes) -> Expression:
        """The value, broadcast to exactly the given axes."""
        if value.axes == axes:
            return value
        shape = self.shape(axes)

        def run(state) -> Value:
            v, e = value.run(state)
            return np.broadcast_to(v, shape), None if e is None else np.broadcast_to(e, shape)

        inner = value.source if value.axes else f"tl.to_tensor({value.source})"
        source = f"tl.broadcast_to({inner}, {self.shape_source(axes)})"
        return Expression(source, value.dtype, axes, run, value.exact)

    def leaf(self, axes: Axes, dtype: str, inexact: bool) -> Expression:
        rng = self.rng
        known = [
            e
            for scope in self.scopes
            for e in scope
            if e.axes == axes and (e.exact or (inexact and dtype == "float32"))
        ]
        form = rng.random()
        if known and form < 0.35:
            return self.cast(rng.choice(known), dtype)
        if form < 0.45:
            return self.constant(axes, dtype)
        if form < 0.6 and SCALARS[dtype].kind in "iu":
            axis = rng.choice([a for a in axes if a is not None and a in self.coordinates] or [None])
            if axis is not None:
                return self.cast(self.along(self.coordinates[axis], axes), dtype)
        if form < 0.68 and self.scalars and SCALARS[dtype].kind in "iu":
            return self.cast(rng.choice(self.scalars), dtype)
        return self.load(axes, dtype)

    # Operations

    def arithmetic(self, operator: str, x: Expression, y: Expression) -> Expression:
        assert x.dtype == y.dtype, (operator, x.dtype, y.dtype)
        dtype = x.dtype
        is_float = SCALARS[dtype].kind == "f"
        table = FLOAT_OPERATIONS if is_float else INTEGER_OPERATIONS
        function = table[operator]
        narrow = dtype in ("float16", "bfloat16")
        # Division of narrow floats is done in float32.
        result = "float32" if operator == "/" and narrow else dtype
        source = (
            f"{operator}({x.source}, {y.source})"
            if operator[0] == "t"
            else f"({x.source} {operator} {y.source})"
        )
        if is_float and operator[0] == "t":
            # The sign of min(-0, 0) is unspecified; adding zero makes it positive.
            source = f"({source} + 0.0)"

        named = x.source.isidentifier() and y.source.isidentifier()
        if named and not is_float and self.chance(0.05):
            helper = self.name()
            text = f"{operator}(left, right)" if operator[0] == "t" else f"left {operator} right"
            self.helpers += ["@triton.jit", f"def {helper}(left, right):", f"    return {text}", "", ""]
            source = f"{helper}({x.source}, {y.source})"
            self.features.add("helper function")

        def run(state) -> Value:
            a, b = x.run(state), y.run(state)
            if is_float:
                wide = np.float64 if dtype == "float64" else np.float32
                value = settle(function(a[0].astype(wide), b[0].astype(wide)), result)
                if operator[0] == "t":
                    value = settle(value + value.dtype.type(0), result)
                return value, bounded(operator, a, b, value)
            return settle(function(a[0], b[0]), result), None

        return Expression(source, result, self.joined(x.axes, y.axes), run, x.exact and y.exact)

    def call(self, function: str, x: Expression, y: Expression) -> Expression:
        operation = {"min": np.minimum, "max": np.maximum}[function]

        def run(state) -> Value:
            return operation(x.run(state)[0], y.run(state)[0]), None

        return Expression(f"{function}({x.source}, {y.source})", x.dtype, self.joined(x.axes, y.axes), run)

    def compare(self, operator: str, x: Expression, y: Expression) -> Expression:
        function = COMPARISONS[operator]

        def run(state) -> Value:
            return np.asarray(function(x.run(state)[0], y.run(state)[0])), None

        return Expression(f"({x.source} {operator} {y.source})", "int1", self.joined(x.axes, y.axes), run)

    def both(self, x: Expression, y: Expression, operator: str = "&") -> Expression:
        function = {"&": np.logical_and, "|": np.logical_or, "^": np.logical_xor}[operator]

        def run(state) -> Value:
            return np.asarray(function(x.run(state)[0], y.run(state)[0])), None

        return Expression(f"({x.source} {operator} {y.source})", "int1", self.joined(x.axes, y.axes), run)

    def select(self, condition: Expression, x: Expression, y: Expression) -> Expression:
        def run(state) -> Value:
            chosen = condition.run(state)[0]
            a, b = x.run(state), y.run(state)
            value = np.where(chosen, a[0], b[0]).astype(a[0].dtype)
            if a[1] is None and b[1] is None:
                return value, None
            return value, np.where(chosen, error_of(a), error_of(b))

        source = f"tl.where({condition.source}, {x.source}, {y.source})"
        return Expression(
            source, x.dtype, self.joined(condition.axes, x.axes, y.axes), run, x.exact and y.exact
        )

    def cast(self, x: Expression, dtype: str) -> Expression:
        if x.dtype == dtype:
            return x
        source_kind, kind = SCALARS[x.dtype].kind, SCALARS[dtype].kind
        if x.dtype == "float64" and dtype == "bfloat16":
            return self.cast(self.cast(x, "float32"), dtype)
        if source_kind in "iu" and dtype in ("float16", "bfloat16") and SCALARS[x.dtype].bits > 16:
            # NumPy would round longer integers twice.
            return self.cast(self.cast(x, "int16"), dtype)
        if source_kind == "f" and kind in "iu":
            # Only values that every integer type holds; NaN fails both comparisons.
            low = self.compare(">", x, self.literal(x.dtype, -1.0 if kind == "u" else -100.0))
            high = self.compare("<", x, self.literal(x.dtype, 100.0))
            x = self.select(self.both(low, high), x, self.literal(x.dtype, 0.0))
        if not x.exact:
            assert dtype == "float32"

        def run(state) -> Value:
            value, error = x.run(state)
            return convert(value, x.dtype, dtype), error

        return Expression(f"tl.cast({x.source}, tl.{dtype})", dtype, x.axes, run, x.exact)

    def unary(self, form: str, x: Expression) -> Expression:
        functions = {
            "tl.abs": np.abs,
            "-": np.negative,
            "~": np.invert,
            "tl.floor": np.floor,
            "tl.ceil": np.ceil,
        }
        function = functions[form]
        source = f"({form}{x.source})" if form in "-~" else f"{form}({x.source})"

        def run(state) -> Value:
            value, error = x.run(state)
            return settle(function(value), x.dtype), error

        return Expression(source, x.dtype, x.axes, run, x.exact)

    def transcendental(self, x: Expression) -> Expression:
        """exp, log, sqrt, ... of a float32, for arguments where the error is relative."""
        name = self.rng.choice(
            ["tl.exp", "tl.exp2", "tl.sqrt", "tl.log", "tl.sin", "tl.cos", "tl.sigmoid", "tl.erf"]
        )
        if name in ("tl.sqrt", "tl.log"):
            x = self.arithmetic("+", self.unary("tl.abs", x), self.literal("float32", 0.25))
        else:
            x = self.arithmetic("tl.minimum", x, self.literal("float32", 8.0))
            x = self.arithmetic("tl.maximum", x, self.literal("float32", -8.0))
        self.features.add("transcendental")
        import math

        functions = {
            "tl.exp": np.exp,
            "tl.exp2": np.exp2,
            "tl.sqrt": np.sqrt,
            "tl.log": np.log,
            "tl.sin": np.sin,
            "tl.cos": np.cos,
            "tl.sigmoid": lambda v: 1 / (1 + np.exp(-v)),
            "tl.erf": np.vectorize(math.erf, otypes=[np.float64]),
        }

        def run(state) -> Value:
            value, error = x.run(state)
            exact = functions[name](value.astype(np.float64))
            # The derivative of each function is at most exp(8) in its domain.
            slope = np.abs(exact) + 1 if name in ("tl.exp", "tl.exp2") else 4.0
            bound = 8 * EPSILON * (np.abs(exact) + 1) + slope * (0 if error is None else error) * 1.1
            return exact.astype(np.float32), np.broadcast_to(bound, exact.shape)

        return Expression(f"{name}({x.source})", "float32", x.axes, run, False)

    # Whole trees

    def condition(self, axes: Axes, depth: int) -> Expression:
        dtype = self.rng.choice(["int32", "int32", "float32", "int64", "uint8", "float16"])
        x = self.expression(axes, dtype, depth - 1, inexact=False)
        y = self.expression(axes, dtype, depth - 1, inexact=False)
        result = self.compare(self.rng.choice(list(COMPARISONS)), x, y)
        if depth > 1 and self.chance(0.3):
            result = self.both(result, self.condition(axes, depth - 1), self.rng.choice("&|^"))
        return result

    def scalar_condition(self) -> Expression:
        left = self.rng.choice(self.scalars) if self.scalars and self.chance(0.7) else self.load_scalar(-5, 5)
        if self.chance(0.4):
            left = self.arithmetic("%", left, number(self.rng.randint(2, 3)))
        right = number(self.rng.randint(-1, 3))
        result = self.compare(self.rng.choice(list(COMPARISONS)), left, right)
        if self.chance(0.2) and self.scalars:
            other = self.compare("<", self.rng.choice(self.scalars), number(2))
            result = self.both(result, other, self.rng.choice("&|"))
        return result

    def expression(self, axes: Axes, dtype: str, depth: int, inexact: bool = True) -> Expression:
        """A value with exactly the given axes and type."""
        return self.full(self.tree(axes, dtype, depth, inexact), axes)

    def tree(self, axes: Axes, dtype: str, depth: int, inexact: bool) -> Expression:
        rng = self.rng
        if depth <= 0 or self.chance(0.1):
            return self.leaf(axes, dtype, inexact)
        inexact = inexact and dtype == "float32"
        kind = SCALARS[dtype].kind
        form = rng.random()
        if form < 0.12:
            hidden = self.without | {"int1"} | (frozenset() if self.float64 else {"float64"})
            other = rng.choice([name for name in SCALARS if name not in hidden])
            return self.cast(self.expression(axes, other, depth - 1, inexact=False), dtype)
        if form < 0.25:
            condition = self.condition(axes, min(depth, 2))
            x, y = (self.expression(axes, dtype, depth - 1, inexact) for _ in range(2))
            return self.select(condition, x, y)
        if form < 0.33 and len(axes) > 0 and depth > 1:
            return self.moved(axes, dtype, depth, inexact)
        if form < 0.40 and inexact:
            return self.transcendental(self.expression(axes, dtype, depth - 1, inexact))
        if form < 0.47 and len(axes) > 0:
            return self.reduced(axes, dtype, depth, inexact)
        if form < 0.51 and len(axes) > 0 and dtype in ("int32", "int64", "uint32"):
            return self.scan(self.expression(axes, dtype, depth - 1, False), rng.randrange(len(axes)))
        if form < 0.55 and len(axes) > 0 and dtype in ("int32", "int64", "int16", "int8", "uint32"):
            return self.ordered(self.expression(axes, dtype, depth - 1, False))
        if form < 0.64:
            operand = self.expression(axes, dtype, depth - 1, inexact)
            if kind == "f":
                forms = ["-", "tl.abs"] + (
                    ["tl.floor", "tl.ceil"] if dtype == "float32" and operand.exact else []
                )
            else:
                forms = ["~", "-"] + (["tl.abs"] if kind == "i" else [])
            return self.unary(rng.choice(forms), operand)
        x = self.expression(axes, dtype, depth - 1, inexact)
        if kind == "f":
            operator = rng.choice(["+", "-", "*", "+", "-", "*", "tl.minimum", "tl.maximum", "/"])
            y = self.literal(dtype, rng.choice([0.5, 2.0, -1.5, 3.0])) if self.chance(0.3) else None
            y = y or self.expression(axes, dtype, depth - 1, inexact and operator != "/")
            return self.cast(self.arithmetic(operator, x, y), dtype)
        operator = rng.choice(
            ["+", "-", "*", "+", "-", "&", "|", "^", "//", "%", "<<", ">>", "tl.minimum", "tl.maximum"]
        )
        if operator in ("//", "%"):
            return self.arithmetic(operator, x, self.divisor(axes, dtype, depth))
        if operator in ("<<", ">>"):
            return self.arithmetic(operator, x, self.literal(dtype, rng.randint(0, SCALARS[dtype].bits - 1)))
        if self.chance(0.3):
            choices = [1, 2, 3, 5, 64, 100] + ([-1, -3] if kind == "i" else [])
            return self.arithmetic(operator, x, self.literal(dtype, rng.choice(choices)))
        return self.arithmetic(operator, x, self.expression(axes, dtype, depth - 1, False))

    def divisor(self, axes: Axes, dtype: str, depth: int) -> Expression:
        """A divisor that is neither zero nor minus one."""
        if self.chance(0.5):
            choices = [1, 2, 3, 7, 10, 64] + ([-2, -3, -7] if SCALARS[dtype].kind == "i" else [])
            return self.literal(dtype, self.rng.choice(choices))
        operand = self.expression(axes, dtype, min(depth - 1, 1), False)
        low = self.arithmetic("&", operand, self.literal(dtype, 7))
        return self.arithmetic("+", low, self.literal(dtype, 2))

    # Operations along axes

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
        if not x.exact or x.dtype in ("float16", "bfloat16", "float64"):
            # The order of a sum of narrow floats is unspecified, so its rounding is not reproducible.
            sums = ["sum"] if x.dtype == "float32" else []
            names = sums if sum_only and sums else ["max", "min", *sums]
        name = self.rng.choice(names)
        narrow = SCALARS[x.dtype].bits < 32
        if x.dtype in ("float16", "bfloat16"):
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
        if inner.dtype != dtype or (dtype in ("float16", "bfloat16")):
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
                if inner.dtype != dtype
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

    def ordered(self, x: Expression) -> Expression:
        """sort, gather or the index of the largest element, of integers."""
        form = self.rng.choice(["sort", "gather", "argmax", "argmin"])
        last = len(x.axes) - 1
        place = self.rng.randrange(len(x.axes))
        self.features.add(form)
        if form == "sort" and self.shape(x.axes)[last] == 1:
            form = "gather"  # sorting one element changes the type of narrow integers
        if form == "sort":
            descending = self.chance(0.5)

            def sort(state) -> Value:
                value = np.sort(x.run(state)[0], axis=last)
                return np.flip(value, last) if descending else value, None

            return Expression(f"tl.sort({x.source}, descending={descending})", x.dtype, x.axes, sort)
        if form == "gather":
            size = self.shape(x.axes)[place]
            index = self.expression(x.axes, "int32", 1, False)
            index = self.full(self.arithmetic("&", index, self.literal("int32", size - 1)), x.axes)

            def gather(state) -> Value:
                return np.take_along_axis(x.run(state)[0], index.run(state)[0], place), None

            return Expression(f"tl.gather({x.source}, {index.source}, {place})", x.dtype, x.axes, gather)
        function = np.argmax if form == "argmax" else np.argmin

        def find(state) -> Value:
            return function(x.run(state)[0], axis=place, keepdims=True).astype(np.int32), None

        axes = tuple(None if i == place else a for i, a in enumerate(x.axes))
        found = Expression(f"tl.{form}({x.source}, axis={place}, keep_dims=True)", "int32", axes, find)
        return self.cast(found, x.dtype)

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

    def dot(self, x: Expression, y: Expression) -> Expression:
        def run(state) -> Value:
            a, b = x.run(state), y.run(state)
            left, right = a[0].astype(np.float64), b[0].astype(np.float64)
            weight = np.abs(left) @ np.abs(right)
            bound = 2 * EPSILON * (left.shape[1] + 2) * weight
            if a[1] is not None or b[1] is not None:
                ea, eb = error_of(a), error_of(b)
                bound = bound + ea @ (np.abs(right) + eb) + np.abs(left) @ eb
            return (left @ right).astype(np.float32), bound

        source = f"tl.dot({x.source}, {y.source}, input_precision='ieee')"
        return Expression(source, "float32", (x.axes[0], y.axes[1]), run, False)
