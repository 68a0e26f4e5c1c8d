# SPDX-License-Identifier: MIT
"""triton.language.extra.libdevice on Metal.

Each function becomes one `tt.extern_elementwise` whose symbol the engines know; the tables of this file list
all symbols. A symbol is `__tm_` and the name of the function, for all element types. Only where signed and
unsigned integers give different results, unsigned ones have a symbol of their own, `__tm_u` and the name. An
engine without a counterpart for a symbol refuses it by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triton_metal.backend.triton_internals import core

_TYPES = {
    "i1": "int1",
    "i32": "int32",
    "i64": "int64",
    "u32": "uint32",
    "u64": "uint64",
    "f32": "fp32",
    "f64": "fp64",
}


def _of(*signatures: str, then: str = "") -> tuple[str, ...]:
    """Signatures for float32 and float64, where F stands for either."""
    both = [s.replace("F", kind) for s in signatures for kind in ("f32", "f64")]
    return (*both, *then.split(";")) if then else tuple(both)


# Functions with the types that they take and return.
_TABLE: dict[tuple[str, ...], str] = {
    _of("F -> F"): """
        floor ceil trunc rint nearbyint round sqrt rsqrt cbrt rcbrt
        exp exp2 exp10 expm1 log log2 log10 log1p logb
        sin cos tan sinpi cospi asin acos atan sinh cosh tanh asinh acosh atanh
        erf erfc erfcx erfinv erfcinv normcdf normcdfinv lgamma tgamma j0 j1 y0 y1 cyl_bessel_i0 cyl_bessel_i1
        rcp_rn rcp_rz rcp_rd rcp_ru sqrt_rn sqrt_rz sqrt_rd sqrt_ru
    """,
    _of("F, F -> F"): """
        atan2 copysign fdim fmod hypot rhypot nextafter remainder
        add_rn add_rz add_rd add_ru sub_rn sub_rz sub_rd sub_ru
        mul_rn mul_rz mul_rd mul_ru div_rn div_rz div_rd div_ru
    """,
    _of("F, F, F -> F"): "fma fma_rn fma_rz fma_rd fma_ru norm3d rnorm3d",
    _of("F, F, F, F -> F"): "norm4d rnorm4d",
    _of("F, F -> F", "F, i32 -> F"): "pow",
    _of("F, i32 -> F"): "ldexp scalbn",
    _of("i32, F -> F"): "jn yn",
    _of("F -> i1"): "isinf isnan",
    _of("F -> i32"): "signbit ilogb",
    _of("F -> i64"): "llrint llround",
    _of("F -> F", then="i32 -> i32;i64 -> i64"): "abs",
    ("f32 -> f32",): """
        saturatef rsqrt_rn fast_sinf fast_cosf fast_tanf fast_tanhf
        fast_expf fast_exp10f fast_logf fast_log2f fast_log10f
    """,
    ("f32, f32 -> f32",): "fast_dividef fast_powf",
    ("f32 -> i1",): "finitef",
    ("f64 -> i1",): "isfinited",
    ("f64 -> f64",): "rcp64h",
    ("f32 -> i32",): """
        float2int_rn float2int_rz float2int_rd float2int_ru
        float2uint_rn float2uint_rz float2uint_rd float2uint_ru float_as_int float_as_uint
    """,
    ("f32 -> i64",): """
        float2ll_rn float2ll_rz float2ll_rd float2ll_ru float2ull_rn float2ull_rz float2ull_rd float2ull_ru
    """,
    ("f64 -> i32",): """
        double2int_rn double2int_rz double2int_rd double2int_ru
        double2uint_rn double2uint_rz double2uint_rd double2uint_ru double2loint double2hiint
    """,
    ("f64 -> i64",): """
        double2ll_rn double2ll_rz double2ll_rd double2ll_ru
        double2ull_rn double2ull_rz double2ull_rd double2ull_ru double_as_longlong
    """,
    ("f64 -> f32",): "double2float_rn double2float_rz double2float_rd double2float_ru",
    ("i32 -> f32",): "int2float_rn int2float_rz int2float_rd int2float_ru int_as_float",
    ("u32 -> f32",): "uint2float_rn uint2float_rz uint2float_rd uint2float_ru uint_as_float",
    ("i64 -> f32",): "ll2float_rn ll2float_rz ll2float_rd ll2float_ru",
    ("u64 -> f32",): "ull2float_rn ull2float_rz ull2float_rd ull2float_ru",
    ("i32 -> f64",): "int2double_rn",
    ("u32 -> f64",): "uint2double_rn",
    ("i64 -> f64",): "ll2double_rn ll2double_rz ll2double_rd ll2double_ru longlong_as_double",
    ("u64 -> f64",): "ull2double_rn ull2double_rz ull2double_rd ull2double_ru",
    ("i32, i32 -> f64",): "hiloint2double",
    ("i32 -> i32", "i64 -> i32"): "clz ffs popc",
    ("i32 -> i32", "i64 -> i64"): "brev",
    ("i32, i32, i32 -> i32",): "byte_perm",
}

# The same, for functions that distinguish signed and unsigned integers.
_SIGNED_TABLE: dict[tuple[str, ...], str] = {
    ("i32, i32 -> i32", "u32, u32 -> u32"): "mul24 hadd rhadd",
    ("i32, i32 -> i32", "i64, i64 -> i64", "u32, u32 -> u32", "u64, u64 -> u64"): "mulhi",
    ("i32, i32, u32 -> i32", "u32, u32, u32 -> u32"): "sad",
}

Overloads = dict[tuple[core.dtype, ...], tuple[str, core.dtype]]


def _overloads(name: str, signatures: tuple[str, ...], tells_signs: bool) -> Overloads:
    result: Overloads = {}
    for signature in signatures:
        arguments, returned = signature.split(" -> ")
        prefix = "__tm_u" if tells_signs and arguments.startswith("u") else "__tm_"
        types = tuple(core.dtype(_TYPES[kind]) for kind in arguments.split(", "))
        result[types] = (prefix + name, core.dtype(_TYPES[returned]))
    return result


def _all_overloads() -> dict[str, Overloads]:
    result = {}
    for tells_signs, table in ((False, _TABLE), (True, _SIGNED_TABLE)):
        for signatures, names in table.items():
            for name in names.split():
                result[name] = _overloads(name, signatures, tells_signs)
    return result


FUNCTIONS = _all_overloads()

# All symbols that may occur in kernels, with the argument and result types that they are used for.
SYMBOLS: dict[str, list[str]] = {}
for _overload_set in FUNCTIONS.values():
    for _arguments, (_symbol, _result) in _overload_set.items():
        SYMBOLS.setdefault(_symbol, []).append(f"({', '.join(map(str, _arguments))}) -> {_result}")


def _define(name: str, overloads: Overloads) -> Callable[..., Any]:
    arity = len(next(iter(overloads)))

    def function(*args: Any, _semantic: Any = None) -> Any:
        if len(args) != arity:
            raise TypeError(f"libdevice.{name} takes {arity} arguments, {len(args)} were given.")
        tensors = [_semantic.to_tensor(arg) for arg in args]
        types = tuple(tensor.dtype for tensor in tensors)
        if types not in overloads:
            accepted = " or ".join(f"({', '.join(map(str, types))})" for types in overloads)
            given = ", ".join(map(str, types))
            raise TypeError(f"libdevice.{name} takes {accepted}, not ({given}).")
        return core.extern_elementwise("", "", tensors, overloads, is_pure=True, _semantic=_semantic)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"libdevice.{name}: one of {sorted({symbol for symbol, _ in overloads.values()})}."
    return core.extern(function)


globals().update({name: _define(name, overloads) for name, overloads in FUNCTIONS.items()})
__all__ = ["FUNCTIONS", "SYMBOLS", *sorted(FUNCTIONS)]
