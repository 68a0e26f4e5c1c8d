# SPDX-License-Identifier: MIT
"""The scalar types of generated kernels, and arithmetic on (value, error bound) pairs.

A value is exact when its error bound is None; then every bit must agree. Sums that an implementation may
reorder, and functions that it may approximate, have an absolute bound, which later operations propagate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fuzzing.narrow import FLOAT8, to_bfloat16, to_float8, to_float16

Value = tuple[np.ndarray, "np.ndarray | None"]


@dataclass(frozen=True)
class Scalar:
    """A Triton scalar type and the NumPy type that holds its values."""

    name: str
    numpy: type
    bits: int
    kind: str  # "i", "u", "f" or "b"; "b" only for int1


SCALARS: dict[str, Scalar] = {
    "int1": Scalar("int1", np.bool_, 1, "b"),
    "bfloat16": Scalar("bfloat16", np.float32, 16, "f"),
    "float16": Scalar("float16", np.float16, 16, "f"),
    "float32": Scalar("float32", np.float32, 32, "f"),
    "float64": Scalar("float64", np.float64, 64, "f"),
}
# Values of bfloat16 and of the 8-bit floats are held as float32.
for _name in FLOAT8:
    SCALARS[_name] = Scalar(_name, np.float32, 8, "f")
for _bits in (8, 16, 32, 64):
    SCALARS[f"int{_bits}"] = Scalar(f"int{_bits}", getattr(np, f"int{_bits}"), _bits, "i")
    SCALARS[f"uint{_bits}"] = Scalar(f"uint{_bits}", getattr(np, f"uint{_bits}"), _bits, "u")

EPSILON = 2.0**-23
# Floats that are shorter than the float32 in which their arithmetic is done.
NARROW_FLOATS = ("float16", "bfloat16", *FLOAT8)


def settle(values: np.ndarray, dtype: str) -> np.ndarray:
    """The result of an operation, converted to the type that it has in the kernel."""
    values = np.asarray(values)
    if dtype == "bfloat16":
        return to_bfloat16(values)
    if dtype in FLOAT8:
        # Casts make the largest number of an infinity; arithmetic keeps it, where the format has one.
        keeps = np.isinf(values) & (dtype == "float8e5")
        return np.where(keeps, values, to_float8(values, dtype)).astype(np.float32)
    return values.astype(SCALARS[dtype].numpy, copy=False)


def convert(values: np.ndarray, source: str, target: str, to_zero: bool = False) -> np.ndarray:
    """A cast as Triton does it; floats that become integers must be in range."""
    if target == "int1":
        return values != 0
    if target == "bfloat16":
        return to_bfloat16(values.astype(np.float32), to_zero)
    if target in FLOAT8:
        return to_float8(values, target, to_zero)
    if to_zero:
        assert target == "float16"
        return to_float16(values, to_zero)
    return np.asarray(values).astype(SCALARS[target].numpy)


def truncated_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Quotient rounded towards zero. A zero divisor, which only masked-off lanes have, gives zero."""
    safe = np.where(y == 0, np.array(1, y.dtype), y)
    quotient = x // safe
    inexact = (x - quotient * safe != 0) & ((x < 0) != (safe < 0))
    return (quotient + inexact).astype(x.dtype)


def truncated_remainder(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    safe = np.where(y == 0, np.array(1, y.dtype), y)
    return (x - truncated_divide(x, safe) * safe).astype(x.dtype)


INTEGER_OPERATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "//": truncated_divide,
    "%": truncated_remainder,
    "<<": np.left_shift,
    ">>": np.right_shift,
    "tl.minimum": np.minimum,
    "tl.maximum": np.maximum,
}
FLOAT_OPERATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "tl.minimum": np.fmin,
    "tl.maximum": np.fmax,
}
COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def error_of(value: Value) -> np.ndarray:
    return np.zeros(np.shape(value[0])) if value[1] is None else value[1]


def bounded(operator: str, x: Value, y: Value, result: np.ndarray) -> np.ndarray | None:
    """The error bound of a float operation; None when both operands are exact."""
    if x[1] is None and y[1] is None:
        return None
    ex, ey = error_of(x), error_of(y)
    ax, ay = np.abs(x[0]).astype(np.float64), np.abs(y[0]).astype(np.float64)
    if operator in ("+", "-"):
        return ex + ey + 4 * EPSILON * (ax + ay + ex + ey)
    if operator == "*":
        return ax * ey + ay * ex + ex * ey + 4 * EPSILON * np.abs(result)
    if operator == "/":
        return np.where(ey > 0, np.inf, ex / ay) + 4 * EPSILON * np.abs(result)
    return np.maximum(ex, ey) + np.zeros(np.shape(result))
