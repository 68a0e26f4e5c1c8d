# SPDX-License-Identifier: MIT
"""The compiler: options, stages and the cache key."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from triton import knobs
from triton.backends.compiler import BaseBackend, GPUTarget

from triton_metal.backend.device_names import mlx_device
from triton_metal.backend.versions import check_triton_version

ENGINES = ("auto", "msl", "mlx")
SANITIZERS = ("address", "thread", "undefined")
MATH_MODES = ("ieee", "tf32")
FLOAT8_TYPES = ("fp8e4b15", "fp8e4b8", "fp8e4nv", "fp8e5", "fp8e5b16")
DOT_PRECISIONS = ("ieee", "tf32", "tf32x3", "bf16x3", "bf16x6")


@dataclass(frozen=True)
class MetalOptions:
    """The options of a kernel. What changes the compiled code is part of the cache key, and so is the
    rest."""

    num_warps: int = 4  # SIMD groups of a program, a power of two
    num_stages: int = 2  # accepted as everywhere; pipelining is up to the hardware
    num_ctas: int = 1  # only 1: Metal has no clusters of threadgroups
    warp_size: int = 32
    # Registers are not limited by hand on Apple GPUs: the value is accepted and makes a variant of its own.
    maxnreg: int | None = None
    enable_fp_fusion: bool = True
    launch_cooperative_grid: bool = False
    launch_pdl: bool = False
    # How a program is executed: "msl" as one Metal kernel, "mlx" as operations of MLX, "auto" as suits it.
    engine: str = "auto"
    # Check modes of the msl engine, separated by commas: "address", "thread", "undefined".
    sanitize: str = ""
    device: str = "cpu"  # of launches: the choice of the engine depends on it
    has_compiler: bool = True  # clang, for "auto": without it kernels become operations of MLX
    # "ieee": dots of float32 are computed in float32, whatever precision the kernel would be content with.
    # "tf32": a dot that permits TF32 may use it, where the device has it.
    math: str = "ieee"
    supported_fp8_dtypes: tuple[str, ...] = FLOAT8_TYPES
    deprecated_fp8_dot_operand_dtypes: tuple[str, ...] = ()
    default_dot_input_precision: str = "ieee"
    allowed_dot_input_precisions: tuple[str, ...] = DOT_PRECISIONS
    max_num_imprecise_acc_default: int = 0
    extern_libs: tuple[tuple[str, str], ...] = ()
    ir_override: str | None = None  # a .ttir or .tt file to use instead of that stage
    debug: bool = False
    sanitize_overflow: bool = True
    instrumentation_mode: str = ""
    fpsan_homomorphic_casts: bool = False
    backend_name: str = "metal"
    arch: str = "host"

    def __post_init__(self) -> None:
        libraries = self.extern_libs
        object.__setattr__(self, "extern_libs", tuple(dict(libraries or ()).items()))

    def hash(self) -> str:
        key = "_".join(f"{name}-{value}" for name, value in sorted(self.__dict__.items()))
        return hashlib.sha256(key.encode()).hexdigest()


class MetalBackend(BaseBackend):
    binary_ext = "tt"

    def __init__(self, target: GPUTarget) -> None:
        check_triton_version()
        from triton_metal.backend import overrides
        from triton_metal.backend.device import arch_profile

        overrides.install()
        # One name per chip, so that its other names do not make other cache entries.
        arch = arch_profile(str(target.arch))["name"]
        if arch != target.arch:
            target = GPUTarget(target.backend, arch, target.warp_size)
        super().__init__(target)

    @staticmethod
    def supports_target(target: GPUTarget) -> bool:
        return target.backend == "metal"

    def hash(self) -> str:
        _check_cache_folder()
        return f"{_build_key()}-{self.target.arch}"

    def parse_options(self, opts: dict[str, Any]) -> MetalOptions:
        values = {
            name: opts[name] for name in MetalOptions.__dataclass_fields__ if opts.get(name) is not None
        }
        values.setdefault("engine", os.environ.get("TRITON_METAL_ENGINE") or MetalOptions.engine)
        values.setdefault("math", os.environ.get("TRITON_METAL_MATH") or MetalOptions.math)
        sanitize = values.get("sanitize", os.environ.get("TRITON_METAL_SANITIZE", ""))
        values["sanitize"] = _sorted_modes(sanitize)
        values["arch"] = self.target.arch
        values["device"] = mlx_device()
        values["has_compiler"] = values["engine"] != "auto" or _has_compiler()
        if "enable_fp_fusion" not in values:
            values["enable_fp_fusion"] = knobs.language.default_fp_fusion
        values["enable_fp_fusion"] = values["enable_fp_fusion"] and not knobs.language.force_disable_fp_fusion
        options = MetalOptions(**values)
        _check_options(options)
        return options

    def pack_metadata(self, metadata: Any) -> tuple[int, int, int]:
        return metadata.num_warps, metadata.num_ctas, metadata.shared

    def get_codegen_implementation(self, options: MetalOptions) -> dict[str, Any]:
        from triton_metal.backend.float8 import convert_fp8e4b15

        return {"min_dot_size": _min_dot_size, "convert_custom_types": convert_fp8e4b15}

    def get_module_map(self) -> dict[str, ModuleType]:
        from triton_metal.backend import libdevice

        return {"triton.language.extra.libdevice": libdevice}

    def load_dialects(self, ctx: Any) -> None:
        """Nothing to load: our dialects live in a library of their own, and IR crosses to it as text."""

    def add_stages(self, stages: dict[str, Any], options: MetalOptions, language: Any) -> None:
        from triton.backends.compiler import Language

        from triton_metal.errors import UnsupportedError

        if language != Language.TRITON:
            raise UnsupportedError(
                "[gluon] Gluon kernels name the layouts of another GPU; write the kernel in Triton."
            )
        if knobs.compilation.store_binary_only:
            raise UnsupportedError(
                "[TRITON_STORE_BINARY_ONLY] With this variable Triton keeps the binaries of NVIDIA and "
                "AMD only, and "
                "throws ours away: unset it."
            )
        stages["ttir"] = lambda src, metadata: _make_ttir(src)
        stages["tt"] = lambda src, metadata: _make_tt(src, metadata, options)
        if knobs.runtime.add_stages_inspection_hook is not None:
            knobs.runtime.add_stages_inspection_hook(self, stages, options, language, None)


def _make_ttir(module: Any) -> Any:
    """Triton's own clean-up. Descriptors become pointers here too, because Triton's launch protocol for
    them takes descriptors apart in just the way that this pass changes the signature of the kernel."""
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


def _make_tt(module: Any, metadata: dict[str, Any], options: MetalOptions) -> bytes:
    """The kernel after the passes that all engines share, as text."""
    from triton_metal import _core

    name = module.get_entry_func_name()
    compiled = _core.compile_kernel(
        str(module),
        arch=options.arch,
        device=options.device,
        engine=options.engine,
        simdgroups=options.num_warps,
        fp_fusion=options.enable_fp_fusion,
        sanitize=options.sanitize,
        has_compiler=options.has_compiler,
        file_name=f"{name}.ttir",
    )
    metadata["name"] = name
    metadata["shared"] = compiled["threadgroup_bytes"]
    metadata["chosen_engine"] = compiled["engine"]
    metadata["engine_reason"] = compiled["reason"]
    return compiled["text"].encode()


def _sorted_modes(sanitize: Any) -> str:
    """The check modes in one order, so that equal sets make equal keys."""
    if not isinstance(sanitize, str):
        return sanitize
    return ",".join(sorted({mode.strip() for mode in sanitize.split(",") if mode.strip()}))


def _min_dot_size(lhs_type: Any, rhs_type: Any) -> tuple[int, int, int]:
    return (1, 1, 1)


def _check_options(options: MetalOptions) -> None:
    from triton_metal.errors import ArgumentError, UnsupportedError

    warps = options.num_warps
    if not isinstance(warps, int) or warps < 1 or warps & (warps - 1):
        raise ArgumentError(f"[num_warps] {warps!r} is not a power of two.")
    if options.num_ctas != 1:
        raise UnsupportedError(
            f"[num_ctas] Metal has no clusters of threadgroups: num_ctas={options.num_ctas} is refused, "
            "use 1."
        )
    if options.launch_cooperative_grid:
        raise UnsupportedError(
            "[launch_cooperative_grid] Metal does not keep all programs of a grid resident: cooperative "
            "grids are refused."
        )
    if options.launch_pdl:
        raise UnsupportedError(
            "[launch_pdl] Metal has no programmatic dependent launch: launch_pdl is refused."
        )
    if options.warp_size != 32:
        raise ArgumentError(f"[warp_size] A SIMD group has 32 lanes, not {options.warp_size}.")
    registers = options.maxnreg
    if registers is not None and (not isinstance(registers, int) or registers < 1):
        raise ArgumentError(f"[maxnreg] {registers!r} is not a positive number of registers.")
    if options.engine not in ENGINES:
        raise UnsupportedError(
            f"[engine] '{options.engine}' is not an engine of this version: use {_either(ENGINES)}."
        )
    if not isinstance(options.sanitize, str):
        raise ArgumentError(f"[sanitize] {options.sanitize!r} is not a text.")
    for mode in filter(None, options.sanitize.split(",")):
        if mode not in SANITIZERS:
            raise ArgumentError(f"[sanitize] '{mode}' is not a check mode: use {_either(SANITIZERS)}.")
    if options.sanitize and options.engine == "mlx":
        raise UnsupportedError("[sanitize] The check modes belong to the msl engine, not to mlx.")
    if options.math not in MATH_MODES:
        raise ArgumentError(f"[math] '{options.math}' is not a math mode: use {_either(MATH_MODES)}.")
    if options.extern_libs:
        raise UnsupportedError(
            f"[extern_libs] Libraries of device code cannot be linked on Metal: {dict(options.extern_libs)}."
        )
    if options.instrumentation_mode:
        raise UnsupportedError(
            f"[instrumentation_mode] Triton's instrumentation '{options.instrumentation_mode}' needs an "
            "NVIDIA or AMD GPU."
        )
    if options.ir_override is not None and not str(options.ir_override).endswith((".ttir", ".tt")):
        raise ArgumentError(f"[ir_override] '{options.ir_override}' is not a .ttir or .tt file.")


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _has_compiler() -> bool:
    from triton_metal import _core

    return _core.has_cpu_compiler()


@functools.lru_cache(maxsize=1)
def _build_key() -> str:
    """Everything in this installation that decides what a kernel compiles to."""
    from triton_metal import _core

    sources = [Path(_core.__file__), Path(__file__), Path(__file__).with_name("libdevice.py")]
    digest = hashlib.sha256()
    for source in [*sources, Path(__file__).with_name("float8.py")]:
        digest.update(source.read_bytes())
    versions = f"{_core.__version__}-mlir{_core.mlir_version()}-mlx{_core.mlx_version()}"
    return f"metal-{versions}-{digest.hexdigest()[:16]}"


def _check_cache_folder() -> None:
    """Says what to do when Triton's cache folder cannot be made or has nothing in it and cannot be
    written."""
    folder = knobs.cache.dir
    if knobs.cache.manager_class is not None or not folder:
        return
    reason = None
    try:
        os.makedirs(folder, exist_ok=True)
        # A folder that cannot be written may still hold every kernel that is asked for.
        if not os.access(folder, os.W_OK) and not any(os.scandir(folder)):
            reason = "no permission to write"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason is not None:
        from triton_metal.errors import MetalError

        raise MetalError(
            f"[cache] Compiled kernels cannot be kept in '{folder}' ({reason}): set TRITON_CACHE_DIR to a "
            "folder that "
            "can be written."
        )
