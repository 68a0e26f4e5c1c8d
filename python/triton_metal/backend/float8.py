# SPDX-License-Identifier: MIT
"""Conversions of fp8e4b15, which Triton leaves to backends. They use integer arithmetic only, so
all engines support them."""

from __future__ import annotations

from typing import Any

from triton_metal.backend.triton_internals import core

# fp8e4b15 has 4 exponent bits with the same bias as float16, 3 mantissa bits, and neither infinity nor NaN.
# Shifted into place, its bits are the float16 with the same value. Larger values saturate at 1.75.
_LARGEST = 0x3F00


@core.builtin
def convert_fp8e4b15(arg: Any, dst_ty: Any, fp_downcast_rounding: Any = None, _semantic: Any = None) -> Any:
    """Converts between fp8e4b15 and another floating-point type, to nearest with ties away from zero."""
    if arg.type.scalar.is_fp8e4b15():
        bits = arg.to(core.uint8, bitcast=True, _semantic=_semantic).to(core.uint16, _semantic=_semantic)
        sign = _op("shl", _op("and_", bits, 0x80, _semantic), 8, _semantic)
        magnitude = _op("shl", _op("and_", bits, 0x7F, _semantic), 7, _semantic)
        half = _op("or_", sign, magnitude, _semantic).to(core.float16, bitcast=True, _semantic=_semantic)
        return half.to(dst_ty.scalar, _semantic=_semantic)

    half = arg
    if arg.type.scalar.is_fp32() or arg.type.scalar.is_fp64():
        half = arg.to(core.float32, _semantic=_semantic)
        half = half.to(core.float16, fp_downcast_rounding="rtz", _semantic=_semantic)
    elif not arg.type.scalar.is_fp16():
        half = arg.to(core.float16, _semantic=_semantic)
    bits = half.to(core.uint16, bitcast=True, _semantic=_semantic)
    sign = _op("lshr", _op("and_", bits, 0x8000, _semantic), 8, _semantic)
    magnitude = core.minimum(
        _op("and_", bits, 0x7FFF, _semantic),
        _constant(_LARGEST, _semantic),
        _semantic=_semantic,
    )
    rounded = _op("lshr", _op("add", magnitude, 0x40, _semantic), 7, _semantic)
    byte = _op("or_", rounded, sign, _semantic).to(core.uint8, _semantic=_semantic)
    return byte.to(core.float8e4b15, bitcast=True, _semantic=_semantic)


def _constant(value: int, semantic: Any) -> Any:
    return semantic.scalar_constant(value, core.uint16)


def _op(name: str, lhs: Any, value: Any, semantic: Any) -> Any:
    rhs = _constant(value, semantic) if isinstance(value, int) else value
    if name == "add":
        return semantic.add(lhs, rhs, False)
    return getattr(semantic, name)(lhs, rhs)
