# SPDX-License-Identifier: MIT
"""Random expressions over blocks and scalars."""

from __future__ import annotations

import numpy as np

from fuzzing.narrow import FLOAT8, float8e4b15_codes, float8e4b15_from_codes
from fuzzing.tree import Axes, Expression, Value, number
from fuzzing.values import (
    COMPARISONS,
    EPSILON,
    FLOAT_OPERATIONS,
    INTEGER_OPERATIONS,
    NARROW_FLOATS,
    SCALARS,
    bounded,
    convert,
    error_of,
    settle,
)


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
        elif scalar.kind == "b":
            value = self.rng.randint(0, 1)
        elif scalar.kind == "f":
            value = self.rng.choice([0.5, 1.0, 2.0, -1.0, -2.5, 3.0, 0.25, 7.0])
        else:
            limits = np.iinfo(scalar.numpy)
            choices = [1, 2, 3, 5, 7, 100, int(limits.max), int(limits.max) // 3]
            choices += [-1, -2, -7, int(limits.min)] if scalar.kind == "i" else []
            value = self.rng.choice(choices)
        literal = repr(float(value)) if scalar.kind == "f" else str(value)
        held = (
            settle(np.full(self.shape(axes), value, np.float64 if dtype in FLOAT8 else scalar.numpy), dtype),
            None,
        )
        made = "float32" if dtype in FLOAT8 else dtype  # tl.full makes no 8-bit floats
        source = f"tl.full({self.shape_source(axes) if axes else '[]'}, {literal}, tl.{made})"
        if made != dtype:
            source = f"tl.cast({source}, tl.{dtype})"
        return Expression(source, dtype, axes, lambda state: held)

    def literal(self, dtype: str, value: float | int) -> Expression:
        """A Python number that takes on the type of the other operand."""
        scalar = SCALARS[dtype]
        held = (settle(np.array(value, scalar.numpy), dtype), None)
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
        # Division of narrow floats is done in float32.
        result = "float32" if operator == "/" and dtype in NARROW_FLOATS else dtype
        if dtype in FLOAT8:
            self.features.add("arithmetic of 8-bit floats")
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
        if (dtype in FLOAT8 and (x.dtype in FLOAT8 or source_kind != "f")) or (
            x.dtype in FLOAT8 and kind != "f"
        ):
            # Triton has no such casts.
            return self.cast(self.cast(x, "float32"), dtype)
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

        shorter = source_kind == "f" and SCALARS[dtype].bits < SCALARS[x.dtype].bits
        to_zero = shorter and dtype in NARROW_FLOATS and self.chance(0.25)
        if to_zero:
            self.features.add("rounding toward zero")

        def run(state) -> Value:
            value, error = x.run(state)
            return convert(value, x.dtype, dtype, to_zero), error

        rounding = ", fp_downcast_rounding='rtz'" if to_zero else ""
        return Expression(f"tl.cast({x.source}, tl.{dtype}{rounding})", dtype, x.axes, run, x.exact)

    def through_codes(self, x: Expression) -> Expression:
        """A float16 that was rounded to fp8e4b15, a format that only conversions know."""
        self.features.add("fp8e4b15")
        # NaN has no code in this format.
        x = self.select(self.compare("==", x, x), x, self.literal(x.dtype, 0.0))

        def run(state) -> Value:
            return float8e4b15_from_codes(float8e4b15_codes(x.run(state)[0])), None

        return Expression(f"tl.cast(tl.cast({x.source}, tl.float8e4b15), tl.float16)", "float16", x.axes, run)

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
        dtype = self.rng.choice(["int32", "int32", "float32", "int64", "uint8", "float16", *self.float8])
        if self.chance(0.1):
            return self.boolean_leaf(axes)
        x = self.expression(axes, dtype, depth - 1, inexact=False)
        y = self.expression(axes, dtype, depth - 1, inexact=False)
        result = self.compare(self.rng.choice(list(COMPARISONS)), x, y)
        if depth > 1 and self.chance(0.3):
            result = self.both(result, self.condition(axes, depth - 1), self.rng.choice("&|^"))
        return result

    def boolean_leaf(self, axes: Axes) -> Expression:
        known = [e for scope in self.scopes for e in scope if e.axes == axes and e.dtype == "int1"]
        return self.rng.choice(known) if known and self.chance(0.5) else self.load(axes, "int1")

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
        if dtype == "int1":
            return self.boolean_leaf(axes) if depth <= 0 else self.condition(axes, depth)
        if depth <= 0 or self.chance(0.1):
            return self.leaf(axes, dtype, inexact)
        inexact = inexact and dtype == "float32"
        kind = SCALARS[dtype].kind
        form = rng.random()
        if form < 0.12:
            other = rng.choice([name for name in SCALARS if name not in self.hidden])
            value = self.expression(axes, other, depth - 1, inexact=False)
            if other in ("float16", "float32", "float64") and self.float8 and self.chance(0.2):
                value = self.through_codes(value)
            return self.cast(value, dtype)
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
        if form < 0.55 and len(axes) > 0:
            return self.ordered(self.expression(axes, dtype, depth - 1, False))
        if form < 0.57 and len(axes) > 0 and kind == "f":
            return self.counted(axes, dtype, depth)
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
