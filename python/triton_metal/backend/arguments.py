# SPDX-License-Identifier: MIT
"""Converts the arrays of a launch for the executor: to host buffers, or MLX arrays as they are."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from triton_metal import _core
from triton_metal.backend.device import note_unfinished
from triton_metal.backend.triton_internals import TensorWrapper, canonicalize_dtype, get_primitive_bitwidth
from triton_metal.errors import ArgumentError


class PointerParameter:
    """A parameter of a kernel that takes an array."""

    __slots__ = ("accepted", "element", "name", "stored")

    def __init__(self, name: str, element: str, stored: bool) -> None:
        self.name = name
        self.element = element  # Triton's short name, such as "fp32"; empty if unknown
        self.stored = stored
        self.accepted: set[Any] = set()  # element types that have been checked

    def convert(self, value: Any) -> Any:
        """The host buffer or MLX array for an argument."""
        return converters[type(value)](value, self)

    def error(self, sentence: str) -> ArgumentError:
        return ArgumentError(f"[argument '{self.name}'] {sentence}")

    def check_element(self, dtype: Any) -> None:
        """Refuses an array whose elements differ from those that the kernel was compiled for."""
        try:
            element = canonicalize_dtype(dtype)
        except KeyError:
            raise self.error(f"Elements of type {dtype} are not supported in kernels.") from None
        if self.element and _storage_class(element) != _storage_class(self.element):
            raise self.error(
                f"This variant of the kernel was compiled for elements of type {self.element}, the array "
                f"has {dtype}."
            )
        self.accepted.add(dtype)


def _storage_class(element: str) -> tuple[str, int]:
    """Elements of one class are interchangeable: integers of either sign, and all 8-bit types."""
    bits = max(get_primitive_bitwidth(element), 8)
    is_float = element.startswith(("fp", "bf")) and bits > 8
    return (element if is_float else "bits", bits)


def is_mlx_array(kind: type) -> bool:
    mlx = sys.modules.get("mlx.core")
    return mlx is not None and issubclass(kind, mlx.array)


# --- NumPy ----------------------------------------------------------------------------------------

# The data pointer is the first field after the object header. Reading it there takes 0.1 us, while
# `__array_interface__` takes 1 us or more. The test below makes sure that it is there.
_DATA_OFFSET = object.__basicsize__
_pointer_at = ctypes.c_void_p.from_address


def _address_in_struct(array: np.ndarray) -> int:
    return _pointer_at(id(array) + _DATA_OFFSET).value or 0


def _address_in_interface(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _pick_address_of() -> Callable[[np.ndarray], int]:
    probe = np.zeros(4, dtype=np.uint8)
    same = all(_address_in_struct(a) == _address_in_interface(a) for a in (probe, probe[1:], probe[::-1]))
    return _address_in_struct if same else _address_in_interface


address_of = _pick_address_of()


def _from_numpy(array: np.ndarray, parameter: PointerParameter) -> Any:
    if array.dtype not in parameter.accepted:
        if not array.dtype.isnative:
            raise parameter.error(
                f"Elements of type {array.dtype.str} are not in the byte order of this machine."
            )
        parameter.check_element(array.dtype)
    flags = array.flags
    readonly = not flags.writeable
    if readonly and parameter.stored:
        raise parameter.error("The kernel stores to this array, which is read-only.")
    if not flags.aligned:
        raise parameter.error(f"The array is not aligned to its elements of type {array.dtype}.")
    address = address_of(array)
    if array.base is None:
        return _core.HostBuffer(address, address, array.nbytes, readonly, array)
    start, size = _numpy_storage(array)
    return _core.HostBuffer(address, start, size, readonly, array)


def _numpy_storage(array: np.ndarray) -> tuple[int, int]:
    """Address and size of the whole allocation behind a view."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    low, high = np.lib.array_utils.byte_bounds(owner)
    foreign = _foreign_storage(owner.base)
    if foreign is not None and foreign[0] <= low and high <= foreign[0] + foreign[1]:
        return foreign
    # A view may reach beyond the array that it was made from (as_strided); then the
    # memory that it spans counts.
    mine = np.lib.array_utils.byte_bounds(array)
    low, high = min(low, mine[0]), max(high, mine[1])
    return low, high - low


def _foreign_storage(base: Any) -> tuple[int, int] | None:
    """The memory of the object that an array was made from without a copy: bytes,
    mmap, a torch tensor, ..."""
    if base is None:
        return None
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(base, torch.Tensor):
        storage = base.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    try:
        whole = np.frombuffer(base, dtype=np.uint8)
    except (TypeError, ValueError, AttributeError, BufferError):
        return None
    return address_of(whole), whole.nbytes


# --- torch ----------------------------------------------------------------------------------------


def _from_torch(tensor: Any, parameter: PointerParameter) -> Any:
    if tensor.dtype not in parameter.accepted:
        parameter.check_element(tensor.dtype)
    return _torch_buffer(tensor, parameter)


def _torch_buffer(tensor: Any, parameter: PointerParameter) -> Any:
    if not tensor.is_cpu:
        raise parameter.error(f"The tensor is on device {tensor.device}: only CPU tensors are supported.")
    if tensor.is_neg():
        raise parameter.error("The tensor is a lazily negated view: call resolve_neg() first.")
    try:
        storage = tensor.untyped_storage()
        address = tensor.data_ptr()
        start, size = storage.data_ptr(), storage.nbytes()
    except (RuntimeError, NotImplementedError):
        raise parameter.error(f"The tensor has no memory of its own (layout {tensor.layout}).") from None
    # PyTorch gives tensors without elements the address 0.
    if address == 0:
        start = size = 0
    return _core.HostBuffer(address, start, size, False, tensor)


def _from_wrapper(wrapper: TensorWrapper, parameter: PointerParameter) -> Any:
    """A tensor reinterpreted with another element type (triton.reinterpret)."""
    if wrapper.dtype not in parameter.accepted:
        parameter.check_element(wrapper.dtype)
    return _torch_buffer(wrapper.base, parameter)


# --- MLX ------------------------------------------------------------------------------------------


def _from_mlx(array: Any, parameter: PointerParameter) -> Any:
    if array.dtype not in parameter.accepted:
        parameter.check_element(array.dtype)
    if parameter.stored:
        note_unfinished(array)
    return array


# --- dispatch -------------------------------------------------------------------------------------


def _refuse(value: Any, parameter: PointerParameter) -> Any:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, np.ma.MaskedArray):
        raise parameter.error("A masked array has a mask that the kernel would not see: pass its .data.")
    if hasattr(value, "data_ptr"):
        raise parameter.error(
            f"An object of type {kind} has a data_ptr(), but nothing says where its memory is and how large: "
            "pass a torch tensor, a NumPy array or an MLX array."
        )
    raise parameter.error(f"An array is expected here, not an object of type {kind}.")


class _Converters(dict):
    """Maps each type to the function that converts arrays of it."""

    def __missing__(self, kind: type) -> Callable[[Any, PointerParameter], Any]:
        torch = sys.modules.get("torch")
        if issubclass(kind, np.ndarray) and not issubclass(kind, np.ma.MaskedArray):
            converter = _from_numpy
        elif torch is not None and issubclass(kind, torch.Tensor):
            converter = _from_torch
        elif is_mlx_array(kind):
            # The class must be the same object that the extension module uses.
            _core.self_test()
            converter = _from_mlx
        elif issubclass(kind, TensorWrapper):
            converter = _from_wrapper
        else:
            converter = _refuse
        self[kind] = converter
        return converter


converters = _Converters()
