# SPDX-License-Identifier: MIT
"""All casts between element types, and what they give."""

from __future__ import annotations

import numpy as np
from number_formats import (
    FLOAT8,
    INTEGERS,
    KINDS,
    NARROW,
    decode,
    encode,
    rounded_to_odd,
    specials,
    storage,
    width,
)
from operation_kernels import Line

BITCASTS = ("arith.bitcast", "tt.bitcast")
TO_INTEGER = ("arith.fptosi", "arith.fptoui")
FROM_INTEGER = ("arith.sitofp", "arith.uitofp")
TOWARD_ZERO, TO_NEAREST = "{rounding = 0 : i32}", "{rounding = 1 : i32}"


def lines_from(source: str) -> list[Line]:
    """Every cast from the type that the verifiers admit."""
    lines, bits, x = [], width(source), ("x", source)

    def add(op: str, target: str, attributes: str = "") -> None:
        lines.append(Line(op, (x,), (target,), attributes))

    for target in KINDS:
        if width(target) == bits:
            for op in BITCASTS:
                add(op, target)
        if source in INTEGERS and target in INTEGERS:
            for op in ("arith.extsi", "arith.extui") if width(target) > bits else ():
                add(op, target)
            if width(target) < bits:
                add("arith.trunci", target)
        elif source in INTEGERS:
            for op in FROM_INTEGER:
                add(op, target)
        elif target in INTEGERS:
            for op in TO_INTEGER:
                add(op, target)
        elif width(target) > bits:
            add("arith.extf", target)
            add("tt.fp_to_fp", target)
        elif width(target) < bits:
            add("arith.truncf", target)
            add("tt.fp_to_fp", target, TO_NEAREST)
            add("tt.fp_to_fp", target, TOWARD_ZERO)
    return lines


def values_of(source: str, rng: np.random.Generator) -> np.ndarray:
    """65,536 values: all of at most 16 bits; else extremes, middles between narrower numbers, random ones."""
    bits, dtype = width(source), storage(source)
    if bits <= 16:
        return (np.arange(65536) & (2**bits - 1)).astype(dtype)
    parts = [specials(source)]
    if source in INTEGERS:
        powers = np.array([1 << at for at in range(bits - 1)], np.uint64)
        for share in range(1, 16):  # between powers of two, and the middles between floats
            parts.append(powers + powers * np.uint64(share) // np.uint64(16))
            parts += [parts[-1] + np.uint64(1), parts[-1] - np.uint64(1)]
        steps = NARROW["bf16"].steps
        middles = ((steps[1:] + steps[:-1]) / 2)[steps[1:] > 300]
        middles = np.array([int(middle) for middle in middles if middle < 2.0**bits], np.uint64)
        parts += [middles[::3], middles - np.uint64(1), middles + np.uint64(1)]
        parts = [part.astype(dtype) for part in parts]
        parts += [np.uint64(0).astype(dtype) - part for part in parts]
        parts.append(encode(source, rng.integers(-(2**20), 2**20, 8192)))
    else:
        for form in NARROW.values():
            steps = form.steps[:: 1 + len(form.steps) // 1024]
            middles = (steps[1:] + steps[:-1]) / 2
            near = np.concatenate([steps, middles, middles * (1 + 2**-20), middles * (1 - 2**-20)])
            parts += [encode(source, near), encode(source, -near)]
        whole = np.ldexp(1.0, np.arange(0, 66))
        edges = np.concatenate(
            [whole, whole - 1, whole + 1, whole - 0.5, whole + 0.5, rng.uniform(0, 300, 2048)]
        )
        parts += [encode(source, edges), encode(source, -edges)]
    parts = np.concatenate(parts)[:40000]
    rest = rng.integers(0, 2**bits - 1, 65536 - len(parts), dtype, endpoint=True)
    return np.concatenate([parts, rest])


def _of_integers(target: str, values: np.ndarray) -> np.ndarray:
    """Whole numbers, rounded once."""
    if target in WIDE_DIRECT:
        return encode(target, values)
    near = values.astype(np.float64)
    lost = np.array(
        [int(value) - int(number) for value, number in zip(values, near, strict=True)], np.float64
    )
    return encode(target, rounded_to_odd(near, lost))


WIDE_DIRECT = ("f32", "f64")


def _to_integers(op: str, target: str, values: np.ndarray, saturates: bool) -> tuple[np.ndarray, np.ndarray]:
    bits = width(target)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if op == "arith.fptosi" else (0, (1 << bits) - 1)
    whole = np.trunc(values.astype(np.float64))
    defined = (whole >= low) & (whole < high + 1)
    inside = [int(number) for number in np.where(defined, whole, 0)]
    wanted = np.array(inside, object)
    wanted[~defined & (whole > 0)] = high
    wanted[~defined & (whole < 0)] = low
    return encode(target, wanted), np.ones(len(wanted), bool) if saturates else defined


def expected(line: Line, bits: np.ndarray, engine: str) -> tuple[np.ndarray, np.ndarray]:
    """The bits, and where they are defined."""
    source, target = line.operands[0][1], line.results[0]
    defined = np.ones(bits.shape, bool)
    if line.op in BITCASTS:
        return bits.view(storage(target)), defined
    with np.errstate(all="ignore"):
        values = decode(source, bits)
        if source in INTEGERS:
            if line.op in ("arith.extui", "arith.uitofp"):
                values = values.astype(object) & ((1 << width(source)) - 1) if width(source) < 8 else bits
            if target in INTEGERS:
                return encode(target, values.astype(np.uint64).view(np.int64)), defined
            values = values.astype(np.uint64 if line.op == "arith.uitofp" else np.int64)
            if target in FLOAT8:  # computed in float32
                values = values.astype(np.float32)
                return encode(target, values.astype(np.float64)), defined
            return _of_integers(target, values), defined
        if target in INTEGERS:
            return _to_integers(line.op, target, values, saturates=engine == "msl")
        if target in NARROW:
            form = NARROW[target]
            values = values.astype(np.float64)
            if form.saturates:  # a cast saturates infinity too
                limit = form.finite[-1]
                values = np.where(np.isnan(values), values, np.clip(values, -limit, limit))
            return form.encode(values, toward_zero=line.attributes == TOWARD_ZERO), defined
        if line.attributes == TOWARD_ZERO:  # f64 to f32
            near = values.astype(np.float32)
            beyond = np.abs(near.astype(np.float64)) > np.abs(values)
            return np.where(beyond, np.nextafter(near, np.float32(0)), near).view(np.uint32), defined
        return encode(target, values), defined
