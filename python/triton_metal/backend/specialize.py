# SPDX-License-Identifier: MIT
"""Makes NumPy and MLX arrays acceptable as kernel arguments, in one place.

For every launch Triton asks a native function for the type and the alignment of each argument. That function
accepts objects with `data_ptr()` and `dtype` and refuses everything else, including NumPy and MLX arrays.
These classes should not be changed for this purpose, because libraries take an object with `data_ptr()` for a
torch tensor. So kernels of the metal backend, and only those, call this module instead.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from triton_metal.backend import triton_internals
from triton_metal.backend.arguments import address_of, is_mlx_array
from triton_metal.backend.triton_internals import canonicalize_ptr_dtype, native_specialize_impl
from triton_metal.errors import ArgumentError

Specialization = tuple[Any, Any]


def install() -> None:
    """Makes Triton use `specialize` to bind the arguments of metal kernels."""
    triton_internals.bind_arguments_with(specialize, _with_named_errors)


def specialize(backend: Any, arg: Any, is_const: bool, specialize_value: bool, align: bool) -> Specialization:
    """The type of an argument, and the properties that a compiled variant depends on."""
    return _handlers[type(arg)](backend, arg, is_const, specialize_value, align)


def _specialize_numpy(
    backend: Any, arg: np.ndarray, is_const: bool, specialize_value: bool, align: bool
) -> Specialization:
    if not arg.dtype.isnative:
        raise TypeError(f"elements of type {arg.dtype.str} are not in the byte order of this machine")
    type_name = _pointer_type(arg.dtype, is_const)
    if not specialize_value:
        return type_name, None
    return type_name, "D" if align and address_of(arg) % 16 == 0 else ""


def _specialize_mlx(
    backend: Any, arg: Any, is_const: bool, specialize_value: bool, align: bool
) -> Specialization:
    # Reading the address would force evaluation, and MLX places data 8 bytes past a multiple of 16.
    return _pointer_type(arg.dtype, is_const), "" if specialize_value else None


def _specialize_tuple(
    backend: Any, arg: tuple, is_const: bool, specialize_value: bool, align: bool
) -> Specialization:
    if not arg:
        return arg, arg
    # Elements are specialised with the defaults, whatever applies to the tuple, as in Triton.
    types, keys = zip(*(specialize(backend, item, False, True, True) for item in arg), strict=True)
    if hasattr(arg, "_fields"):
        return type(arg)(*types), type(arg)(*keys)
    return types, keys


@functools.lru_cache(maxsize=256)
def _pointer_type(dtype: Any, is_const: bool) -> str:
    return canonicalize_ptr_dtype(dtype, is_const)


class _Handlers(dict):
    """Maps each type to the function that specialises arguments of it."""

    def __missing__(self, kind: type) -> Callable[..., Specialization]:
        if issubclass(kind, np.ndarray):
            handler = _specialize_numpy
        elif is_mlx_array(kind):
            handler = _specialize_mlx
        elif issubclass(kind, tuple):
            handler = _specialize_tuple
        else:
            handler = native_specialize_impl
        self[kind] = handler
        return handler


_handlers = _Handlers()


def _with_named_errors(bind: Callable, sig: inspect.Signature, kparams: list, backend: Any) -> Callable:
    """`bind`, with errors that name the argument."""

    def bind_arguments(*args: Any, **kwargs: Any) -> Any:
        try:
            return bind(*args, **kwargs)
        except (TypeError, KeyError, OverflowError, RuntimeError) as error:
            _name_argument(error, args, kwargs)
            raise

    def _name_argument(error: Exception, args: tuple, kwargs: dict) -> None:
        known = {name: value for name, value in kwargs.items() if name in sig.parameters}
        try:
            values = sig.bind_partial(*args, **known).arguments
        except TypeError:
            return  # too many, or one given twice: Triton's own message explains it
        for parameter in kparams:
            if parameter.name not in values or parameter.is_constexpr:
                continue
            value = values[parameter.name]
            try:
                specialize(backend, value, parameter.is_const, True, True)
            except Exception as reason:
                raise ArgumentError(f"[argument '{parameter.name}'] {_sentence(value, reason)}") from error

    return bind_arguments


def _sentence(value: Any, reason: Exception) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(reason, KeyError):
        return f"Elements of type {getattr(value, 'dtype', reason)} are not supported in kernels."
    if isinstance(reason, OverflowError):
        return f"The integer {value} does not fit in 64 bits."
    if isinstance(reason, TypeError) and "failed to specialize" in str(reason):
        return (
            f"An object of type {kind} cannot be passed to a kernel: pass a torch tensor, a NumPy array, an "
            "MLX array, or a Python number."
        )
    text = str(reason).strip().splitlines()
    return f"{kind} cannot be used: {text[0] if text else type(reason).__name__}."
