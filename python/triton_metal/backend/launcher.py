# SPDX-License-Identifier: MIT
"""Launches a compiled kernel: checks the grid, converts the arguments, calls hooks and the executor."""

from __future__ import annotations

import hashlib
import operator
import os
from pathlib import Path
from typing import Any

from triton_metal import _core
from triton_metal.backend.arguments import PointerParameter
from triton_metal.backend.compiler import BINARY_STAGE
from triton_metal.backend.triton_internals import (
    active_driver,
    decompose_descriptor,
    expand_signature,
    get_cache_manager,
    get_dump_manager,
    knobs,
)
from triton_metal.errors import ArgumentError, MetalError, UnsupportedError

MAX_GRID = 2**31 - 1


class MetalLauncher:
    """Launches one compiled kernel. What all launches have in common is computed once, by the first."""

    def __init__(self, src: Any, metadata: Any) -> None:
        names = getattr(getattr(src, "fn", None), "arg_names", None)
        self._names = [str(key) for key in src.signature] if names is None else list(names)
        # The signature of a kernel that was read from a file has less information than the compiled kernel.
        self._signature = tuple(src.signature.values()) if names is not None else None
        self._metadata = metadata
        self._source = src
        self._plan: Any = None
        self._parameters: list[tuple[int, PointerParameter | None]] = []  # positions and pointers of the plan
        self._nested = self._signature is not None and any(
            isinstance(ty, tuple) or ty.startswith("tensordesc") for ty in self._signature
        )
        self._dump = get_dump_manager(src.hash()) if knobs.compilation.dump_ir else None
        self._saved = os.environ.get("TRITON_METAL_SAVE_LAUNCHES")
        self._observed = self._dump is not None or bool(self._saved)

    def __call__(
        self,
        grid_x: int,
        grid_y: int,
        grid_z: int,
        stream: int,
        kernel: Any,
        packed_metadata: Any,
        launch_metadata: Any,
        enter_hook: Any,
        exit_hook: Any,
        *arguments: Any,
    ) -> None:
        if kernel is None:
            kernel = self._load()
        plan = self._plan
        if plan is None:
            plan = self._plan = self._make_plan(kernel)
        if not (
            type(grid_x) is int
            and type(grid_y) is int
            and type(grid_z) is int
            and 0 < grid_x <= MAX_GRID
            and 0 < grid_y <= MAX_GRID
            and 0 < grid_z <= MAX_GRID
        ):
            grid_x, grid_y, grid_z = _check_grid((grid_x, grid_y, grid_z))
        if self._nested:
            arguments = _flatten(arguments, self._signature)
        # Usually the chain of hooks is empty.
        if enter_hook is not None and getattr(enter_hook, "calls", True):
            enter_hook(launch_metadata)
        if self._observed:
            self._launch_observed(kernel, (grid_x, grid_y, grid_z), arguments)
        else:
            kernel.launch_planned(plan, grid_x, grid_y, grid_z, arguments)
        if exit_hook is not None and getattr(exit_hook, "calls", True):
            exit_hook(launch_metadata)

    def _make_plan(self, kernel: Any) -> Any:
        """Plans how the arguments of a launch become those of the kernel."""
        parameters, stored = kernel.parameters, kernel.stored
        if self._signature is None:
            leaves = [(i, name, "") for i, (name, _) in enumerate(parameters)]
        else:
            leaves = self._leaves()
        if len(leaves) != len(parameters):
            raise MetalError(
                f"[{self._metadata.name}] The compiled kernel has {len(parameters)} parameters, "
                f"its signature {len(leaves)}."
            )
        plan = _core.LaunchPlan(len(self._names))
        self._parameters = []
        for (index, name, element), (_, kind), is_stored in zip(leaves, parameters, stored, strict=True):
            parameter = PointerParameter(name, element, is_stored) if kind.startswith("!tt.ptr") else None
            self._parameters.append((index, parameter))
            if parameter is None:
                plan.add_scalar(index)
            else:
                plan.add_pointer(index, parameter.accepted, parameter.convert)
        return plan

    def _leaves(self) -> list[tuple[int, str, str]]:
        """Position, name and element type of every argument that reaches the kernel. With tuples or
        descriptors, positions refer to the flattened arguments, as `_flatten` lists them."""
        leaves: list[tuple[int, str, str]] = []
        place = 0

        def visit(ty: Any, name: str) -> None:
            nonlocal place
            if isinstance(ty, tuple):
                for i, item in enumerate(ty):
                    visit(item, f"{name}[{i}]")
                return
            if ty.startswith("tensordesc"):
                for item in expand_signature((ty,), None, ""):
                    visit(item, name)
                return
            if ty == "nvTmaDesc":
                raise UnsupportedError(
                    f"[argument '{name}'] Descriptors of NVIDIA's hardware are not supported."
                )
            if ty != "constexpr":
                leaves.append((place, name, ty[1:].removeprefix("k") if ty.startswith("*") else ""))
            if ty != "constexpr" or not self._nested:
                place += 1

        for name, ty in zip(self._names, self._signature, strict=True):
            visit(ty, name)
        return leaves

    def _load(self) -> Any:
        """The kernel, if Triton has not passed it: its first load failed, or another thread is loading it."""
        name = self._source.name[:150]
        path = get_cache_manager(self._metadata.hash).get_file(f"{name}.{BINARY_STAGE}")
        if path is None:
            raise MetalError(f"[{self._metadata.name}] The compiled kernel is no longer in the cache folder.")
        return active_driver().utils.reload(self._metadata.name, Path(path).read_bytes())

    def _launch_observed(self, kernel: Any, grid: tuple[int, int, int], arguments: tuple[Any, ...]) -> None:
        """Launches; also saves a launch of a new kind, or writes its operations to the dump folder."""
        values = [
            arguments[i] if parameter is None else parameter.convert(arguments[i])
            for i, parameter in self._parameters
        ]
        if self._saved:
            kernel.save_launch(self._saved, grid, values)
            return
        raised = kernel.statistics()["raised"]
        kernel.launch(grid, values)
        if kernel.statistics()["raised"] == raised:
            return
        text = kernel.raise_text(grid, values)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        extents = "x".join(map(str, grid))
        self._dump.put(text, f"{self._source.name[:150]}.{extents}.{digest}.mlx")


def _check_grid(grid: tuple[Any, Any, Any]) -> tuple[int, int, int]:
    extents = []
    for axis, extent in zip("xyz", grid, strict=True):
        try:
            value = operator.index(extent)
        except TypeError:
            raise ArgumentError(f"[grid] Extent {axis} is {extent!r}, which is not an integer.") from None
        if not 0 < value <= MAX_GRID:
            raise ArgumentError(f"[grid] Extent {axis} is {value}; it must be from 1 to {MAX_GRID}.")
        extents.append(value)
    return tuple(extents)


def _flatten(arguments: tuple, signature: tuple) -> tuple[Any, ...]:
    """The arguments that reach the kernel, with tuples and descriptors flattened."""
    flat: list[Any] = []

    def visit(ty: Any, value: Any) -> None:
        if isinstance(ty, tuple):
            for item_type, item in zip(ty, value, strict=True):
                visit(item_type, item)
        elif ty.startswith("tensordesc"):
            flat.extend(decompose_descriptor(value))
        elif ty != "constexpr":
            flat.append(value)

    for ty, value in zip(signature, arguments, strict=True):
        visit(ty, value)
    return tuple(flat)
