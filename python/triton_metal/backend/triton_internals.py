# SPDX-License-Identifier: MIT
"""All internals of Triton 3.9 that this package uses, and all changes that it makes to Triton.

Everything else imports these names from here, so that only this file changes for a new version
of Triton. Triton imports parts of this package while `import triton` is still running, so each
name is looked up on first use.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SUPPORTED_TRITON = "3.9"

_MODULES = {"core": "triton.language.core", "knobs": "triton.knobs"}
# Names, with the modules that define them.
_PLACES = {
    "ASTSource": "triton.compiler",
    "BaseBackend": "triton.backends.compiler",
    "CompilationError": "triton.compiler.errors",
    "DriverBase": "triton.backends.driver",
    "GPUTarget": "triton.backends.compiler",
    "JITFunction": "triton.runtime.jit",
    "Language": "triton.backends.compiler",
    "OutOfResources": "triton.runtime.errors",
    "TensorWrapper": "triton.runtime.jit",
    "canonicalize_dtype": "triton._utils",
    "canonicalize_ptr_dtype": "triton._utils",
    "decompose_descriptor": "triton.backends.driver",
    "do_bench": "triton.testing",
    "expand_signature": "triton.backends.driver",
    "get_cache_manager": "triton.runtime.cache",
    "get_dump_manager": "triton.runtime.cache",
    "get_primitive_bitwidth": "triton._utils",
    "native_specialize_impl": "triton._C.libtriton",
    "str_to_ty": "triton.language",
}

__all__ = ["SUPPORTED_TRITON", *_MODULES, *_PLACES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def check_triton_version() -> None:
    """Refuses versions of Triton that this package was not written for."""
    import triton

    if triton.__version__.split(".")[:2] != SUPPORTED_TRITON.split("."):
        from triton_metal.errors import UnsupportedError

        raise UnsupportedError(
            f"[triton] Triton {triton.__version__} is not supported by the metal backend, which works with "
            f"Triton {SUPPORTED_TRITON}.x only: install triton=={SUPPORTED_TRITON}.* or another release "
            "of triton-metal."
        )


def registered_backends() -> dict[str, Any]:
    """All backends that Triton has found, by name."""
    from triton.backends import backends

    return backends


def active_driver() -> Any:
    from triton.runtime.driver import driver

    return driver.active


def forget_compiled_kernels() -> None:
    """Drops the kernels that functions of this process hold, so that the next launch looks in the cache."""
    from triton.runtime.jit import _triton_jit_function_registry

    for function in list(_triton_jit_function_registry.values()):
        function.device_caches.clear()


# --- the compiler ---------------------------------------------------------------------------------


def clean_up_ttir(module: Any) -> Any:
    """Runs Triton's own passes on the output of its front end. Descriptors become pointers here too,
    because Triton's launch protocol takes descriptors apart in the same way in which this pass changes
    the signature of the kernel."""
    from triton._C.libtriton import ir, passes

    manager = ir.pass_manager(module.context)
    manager.enable_debug()
    passes.common.add_inliner(manager)
    passes.ttir.add_rewrite_tensor_descriptor_to_pointer(manager)
    passes.common.add_canonicalizer(manager)
    passes.ttir.add_combine(manager)
    passes.ttir.add_reorder_broadcast(manager)
    passes.common.add_cse(manager)
    passes.common.add_symbol_dce(manager)
    passes.ttir.add_loop_unroll(manager)
    manager.run(module, "make_ttir")
    return module


def parse_ttir(text: str, context: Any) -> Any:
    """A module of Triton IR from text. Triton reads files only."""
    from triton._C.libtriton import ir

    with tempfile.NamedTemporaryFile("w", suffix=".ttir") as file:
        file.write(text)
        file.flush()
        module = ir.parse_mlir_module(file.name, context)
    module.context = context
    return module


def read_overrides_with(read: Callable[[Path], Any], stages: tuple[str, ...]) -> None:
    """Makes Triton use `read` for files that replace our stages. Triton's own function only knows the stages
    of its own backends, and its error for malformed TTIR does not name the file."""
    from triton.compiler import compiler

    original = compiler.parse
    if getattr(original, "reads_metal_stages", False):
        return

    @functools.wraps(original)
    def parse(full_name: str, ext: str, context: Any) -> Any:
        if ext in stages:
            return read(Path(full_name))
        try:
            return original(full_name, ext, context)
        except RuntimeError as error:
            if ext != "ttir":
                raise
            from triton_metal.errors import CompileError

            raise CompileError(
                f"[override] '{full_name}' is not Triton IR that can be read; its parser has written the "
                "place and the reason to standard error."
            ) from error

    parse.reads_metal_stages = True
    compiler.parse = parse


# --- launches -------------------------------------------------------------------------------------


def bind_arguments_with(specialize: Callable[..., Any], wrap: Callable[..., Callable]) -> None:
    """Makes Triton inspect the arguments of metal kernels with `specialize` instead of its native function.

    Triton generates a function for each kernel to bind arguments, which finds the native function
    by name in its own namespace. Ours is put there, and `wrap(bind, signature, parameters,
    backend)` returns what is called."""
    from triton.runtime import jit

    create = jit.create_function_from_signature
    if getattr(create, "binds_for_metal", False):
        return

    @functools.wraps(create)
    def create_function_from_signature(sig: inspect.Signature, kparams: list, backend: Any) -> Callable:
        bind = create(sig, kparams, backend)
        if backend.target.backend != "metal":
            return bind
        bind.__globals__["specialize_impl"] = specialize
        return wrap(bind, sig, kparams, backend)

    create_function_from_signature.binds_for_metal = True
    jit.create_function_from_signature = create_function_from_signature
