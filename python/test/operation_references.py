# SPDX-License-Identifier: MIT
"""What exact element-wise operations give, computed apart from this project: by Python's integers and by
NumPy in float64, rounded once. Undefined results are marked."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from number_formats import FLOAT8, INTEGERS, NARROW, decode, encode, rounded_to_odd, width
from operation_kernels import Line
from reference import fused_multiply_add

# --- integers ----------------------------------------------------------------------------------------------


def truncated(x, y):
    return abs(x) // abs(y) * np.where((x < 0) == (y < 0), 1, -1)


counted = np.frompyfunc(lambda x: bin(int(x)).count("1"), 1, 1)
length = np.frompyfunc(lambda x: int(x).bit_length(), 1, 1)

# Of signed x and y, of the same without sign, and of the width.
INTEGER = {
    "arith.addi": lambda x, y, ux, uy, bits: x + y,
    "arith.subi": lambda x, y, ux, uy, bits: x - y,
    "arith.muli": lambda x, y, ux, uy, bits: x * y,
    "arith.divsi": lambda x, y, ux, uy, bits: truncated(x, y),
    "arith.remsi": lambda x, y, ux, uy, bits: x - truncated(x, y) * y,
    "arith.divui": lambda x, y, ux, uy, bits: ux // uy,
    "arith.remui": lambda x, y, ux, uy, bits: ux % uy,
    "arith.floordivsi": lambda x, y, ux, uy, bits: x // y,
    "arith.ceildivsi": lambda x, y, ux, uy, bits: -(-x // y),
    "arith.ceildivui": lambda x, y, ux, uy, bits: -(-ux // uy),
    "arith.andi": lambda x, y, ux, uy, bits: x & y,
    "arith.ori": lambda x, y, ux, uy, bits: x | y,
    "arith.xori": lambda x, y, ux, uy, bits: x ^ y,
    "arith.shli": lambda x, y, ux, uy, bits: ux << uy,
    "arith.shrsi": lambda x, y, ux, uy, bits: x >> uy,
    "arith.shrui": lambda x, y, ux, uy, bits: ux >> uy,
    "arith.maxsi": lambda x, y, ux, uy, bits: np.maximum(x, y),
    "arith.minsi": lambda x, y, ux, uy, bits: np.minimum(x, y),
    "arith.maxui": lambda x, y, ux, uy, bits: np.maximum(ux, uy),
    "arith.minui": lambda x, y, ux, uy, bits: np.minimum(ux, uy),
    "tt.mulhiui": lambda x, y, ux, uy, bits: ux * uy >> bits,
}
INTEGER_UNARY = {
    "math.absi": lambda x, ux, bits: abs(x),
    "math.ctpop": lambda x, ux, bits: counted(ux),
    "math.ctlz": lambda x, ux, bits: bits - length(ux),
    "math.cttz": lambda x, ux, bits: np.where(ux == 0, bits, length(ux & -ux) - 1),
}
EXTENDED = ("arith.mulsi_extended", "arith.mului_extended")
SIGNED_DIVISIONS = ("arith.divsi", "arith.remsi", "arith.floordivsi", "arith.ceildivsi")
UNSIGNED_DIVISIONS = ("arith.divui", "arith.remui", "arith.ceildivui")
SHIFTS = ("arith.shli", "arith.shrsi", "arith.shrui")
INTEGER_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
RELATIONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def wide_integers(kind: str, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed and unsigned, in a type that holds every product."""
    signed = decode(kind, bits).astype(np.int64 if width(kind) <= 16 else object)
    return signed, signed & ((1 << width(kind)) - 1)


# --- floats ------------------------------------------------------------------------------------------------


def maximum(x, y):
    """-0 is less than 0."""
    return np.where((x == 0) & (y == 0) & np.signbit(x), y, np.maximum(x, y))


def minimum(x, y):
    return np.where((x == 0) & (y == 0) & np.signbit(y), y, np.minimum(x, y))


def maximum_number(x, y):
    """The other operand for any NaN; NumPy's fmax keeps those that signal."""
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, maximum(x, y)))


def minimum_number(x, y):
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, minimum(x, y)))


FLOAT = {
    "arith.addf": lambda x, y: x + y,
    "arith.subf": lambda x, y: x - y,
    "arith.mulf": lambda x, y: x * y,
    "arith.divf": lambda x, y: x / y,
    "tt.approx_divf": lambda x, y: x / y,
    "tt.precise_divf": lambda x, y: x / y,
    "arith.remf": np.fmod,
    "arith.maximumf": maximum,
    "arith.minimumf": minimum,
    "arith.maxnumf": maximum_number,
    "arith.minnumf": minimum_number,
    "math.copysign": np.copysign,
}
FLOAT_UNARY = {
    "arith.negf": np.negative,
    "math.absf": np.abs,
    "math.ceil": np.ceil,
    "math.floor": np.floor,
    "math.round": lambda x: np.copysign(np.floor(np.abs(x)) + (np.abs(x) - np.floor(np.abs(x)) >= 0.5), x),
    "math.roundeven": np.rint,
    "math.trunc": np.trunc,
    "math.sqrt": np.sqrt,
    "tt.precise_sqrt": np.sqrt,
}
EITHER_ZERO = ("arith.maxnumf", "arith.minnumf", "tt.clampf")
FLOAT_PREDICATES = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)
CLAMPS = {"{propagateNan = 0 : i32}": False, "{propagateNan = 65535 : i32}": True}


def clamped(x, lower, upper, propagates):
    if propagates:
        value = np.minimum(np.maximum(x, lower), upper)
        return np.where(np.isnan(x), x, value)
    return minimum_number(maximum_number(x, lower), upper)


def exact_fma(kind: str, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    if kind in FLOAT8:  # computed in float32
        return fused_multiply_add(x, y, z).astype(np.float64)
    if kind in NARROW:  # products are exact in float64
        product = x * y
        total = product + z
        virtual = total - product
        return rounded_to_odd(total, (product - (total - virtual)) + (z - virtual))
    if kind == "f32":
        return fused_multiply_add(x, y, z)
    total = x * y + z  # right where something is not finite or zero
    total[np.isfinite(x) & np.isfinite(y) & np.isinf(z)] = z[np.isfinite(x) & np.isfinite(y) & np.isinf(z)]
    regular = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & np.isfinite(z) & (x != 0) & (y != 0))
    for at in regular:
        exact = Fraction(float(x[at])) * Fraction(float(y[at])) + Fraction(float(z[at]))
        if exact == 0:
            total[at] = -0.0 if z[at] == 0 and np.signbit(z[at]) and (x[at] < 0) != (y[at] < 0) else 0.0
            continue
        try:
            total[at] = exact.numerator / exact.denominator  # Python rounds the quotient of integers once
        except OverflowError:
            total[at] = np.inf if exact > 0 else -np.inf
        if total[at] == 0:
            total[at] = np.copysign(0.0, 1 if exact > 0 else -1)
    return total


def compared(predicate: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    unordered = np.isnan(x) | np.isnan(y)
    if predicate in ("true", "false"):
        return np.full(x.shape, predicate == "true")
    if predicate in ("ord", "uno"):
        return unordered == (predicate == "uno")
    related = RELATIONS[predicate[1:]](x, y)
    return related & ~unordered if predicate[0] == "o" else related | unordered


# --- the operations of a type ------------------------------------------------------------------------------


def lines_of(kind: str) -> list[Line]:
    """Every exact operation that exists on the type."""
    x, y, z, c = ("x", kind), ("y", kind), ("z", kind), ("c", "i1")
    lines = [Line("arith.select", (c, x, y), (kind,))]
    if kind in INTEGERS:
        lines += [Line(op, (x, y), (kind,)) for op in INTEGER]
        lines += [Line(op, (x,), (kind,)) for op in INTEGER_UNARY]
        lines += [Line(op, (x, y), (kind, kind)) for op in EXTENDED]
        for number in range(len(INTEGER_PREDICATES)):
            lines.append(Line("arith.cmpi", (x, y), ("i1",), f"{{predicate = {number} : i64}}"))
        return lines
    lines += [Line(op, (x, y), (kind,)) for op in FLOAT]
    lines += [Line(op, (x,), (kind,)) for op in FLOAT_UNARY]
    lines += [Line("tt.clampf", (x, y, z), (kind,), attributes) for attributes in CLAMPS]
    lines.append(Line("math.fma", (x, y, z), (kind,)))
    for number in range(len(FLOAT_PREDICATES)):
        lines.append(Line("arith.cmpf", (x, y), ("i1",), f"{{predicate = {number} : i64}}"))
    return lines


def expected(line: Line, values: dict[tuple[str, str], np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """The bits of each result, and where they are defined."""
    bits = [values[operand] for operand in line.operands]
    defined = np.ones(bits[0].shape, bool)
    kind = line.operands[-1][1]
    if line.op == "arith.select":
        return [np.where(bits[0] != 0, bits[1], bits[2])], defined
    if kind in INTEGERS:
        return _expected_integer(line, kind, bits, defined)
    with np.errstate(all="ignore"):
        decoded = [decode(kind, column) for column in bits]
        if line.op == "arith.cmpf":
            return [compared(FLOAT_PREDICATES[_predicate(line)], *decoded).astype(np.uint8)], defined
        if line.op == "math.fma":
            raw = exact_fma(kind, *decoded)
        elif line.op == "tt.clampf":
            x, lower, upper = decoded
            # Undefined for limits that are NaN or in the wrong order.
            defined = lower <= upper
            raw = clamped(x, lower, upper, CLAMPS[line.attributes])
        else:
            raw = (FLOAT | FLOAT_UNARY)[line.op](*decoded)
        return [encode(kind, raw)], defined


def _predicate(line: Line) -> int:
    return int(line.attributes.split("=")[1].split(":")[0])


def _expected_integer(line: Line, kind: str, columns: list[np.ndarray], defined: np.ndarray):
    bits = width(kind)
    x, ux = wide_integers(kind, columns[0])
    if line.op in INTEGER_UNARY:
        return [encode(kind, INTEGER_UNARY[line.op](x, ux, bits))], defined
    y, uy = wide_integers(kind, columns[1])
    if line.op == "arith.cmpi":
        predicate = INTEGER_PREDICATES[_predicate(line)]
        a, b = (ux, uy) if predicate[0] == "u" else (x, y)
        return [RELATIONS[predicate[-2:]](a, b).astype(np.uint8)], defined
    if line.op in EXTENDED:
        product = x * y if line.op == "arith.mulsi_extended" else ux * uy
        return [encode(kind, product), encode(kind, product >> bits)], defined
    if line.op in SIGNED_DIVISIONS + UNSIGNED_DIVISIONS:
        defined = uy != 0
        if line.op in SIGNED_DIVISIONS:
            defined &= ~((x == -(1 << bits - 1)) & (y == -1))
        y, uy = np.where(defined, y, 1), np.where(defined, uy, 1)
    if line.op in SHIFTS:
        defined = uy < bits
        uy = np.where(defined, uy, 0)
    return [encode(kind, INTEGER[line.op](x, y, ux, uy, bits))], defined.astype(bool)


# The sizes of operands and products between which `fma` of the mlx engine is exact, as in docs/numerics.md.
FMA_IN_MLX = {"bf16": (2.0**127, 2.0**-110), "f32": (2.0**115, 2.0**-102), "f64": (2.0**990, 2.0**-969)}


def is_promised(line: Line, engine: str, values: dict[tuple[str, str], np.ndarray]) -> np.ndarray:
    """Where the documents promise the exact result."""
    kind = line.operands[0][1]
    if line.op != "math.fma" or engine != "mlx" or kind not in FMA_IN_MLX:
        return np.ones(len(values[line.operands[0]]), bool)
    largest, smallest = FMA_IN_MLX[kind]
    with np.errstate(all="ignore"):
        x, y, z = (np.abs(decode(kind, values[operand]).astype(np.float64)) for operand in line.operands)
        product = x * y
        if kind == "bf16":  # the products are exact
            return (product < largest) & (z < largest) & ((product >= smallest) | (x * y == 0))
        inside = (np.maximum(np.maximum(x, y), np.maximum(z, product)) < largest) & (product >= smallest)
        return inside | (x == 0) | (y == 0) | ~(np.isfinite(x) & np.isfinite(y) & np.isfinite(z))
