# SPDX-License-Identifier: MIT
"""The compiler: options, stages and the cache key."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from triton_metal.backend.device_names import mlx_device
from triton_metal.backend.triton_internals import (
    BaseBackend,
    GPUTarget,
    Language,
    check_triton_version,
    clean_up_ttir,
    knobs,
    parse_ttir,
)

# The stage that Triton passes to load_binary, like a cubin.
BINARY_STAGE = "bundle"
OVERRIDABLE = (".ttir", ".tt", ".tm", ".msl")
FLOAT8_TYPES = ("fp8e4b15", "fp8e4b8", "fp8e4nv", "fp8e5", "fp8e5b16")
DOT_PRECISIONS = ("ieee", "tf32", "tf32x3", "bf16x3", "bf16x6")


@dataclass(frozen=True)
class MetalOptions:
    """The options of a kernel. All of them are part of the cache key, even those
    that do not change the code."""

    num_warps: int = 4  # SIMD groups in a program, a power of two
    num_stages: int = 2  # accepted for compatibility; pipelining is up to the hardware
    num_ctas: int = 1  # only 1: Metal has no clusters of threadgroups
    warp_size: int = 32
    # Registers cannot be limited on Apple GPUs: the value is accepted and makes a separate variant.
    maxnreg: int | None = None
    enable_fp_fusion: bool = True
    launch_cooperative_grid: bool = False
    launch_pdl: bool = False
    # How programs are executed: "msl" as a Metal kernel, "mlx" as operations of MLX; "auto" chooses.
    engine: str = "auto"
    # Check modes of the msl engine, separated by commas: "address", "thread", "undefined".
    sanitize: str = ""
    device: str = "cpu"  # where launches run, which affects the choice of the engine
    has_compiler: bool = True  # clang, for "auto": without it kernels run as operations of MLX
    supported_fp8_dtypes: tuple[str, ...] = FLOAT8_TYPES
    deprecated_fp8_dot_operand_dtypes: tuple[str, ...] = ()
    default_dot_input_precision: str = "ieee"
    allowed_dot_input_precisions: tuple[str, ...] = DOT_PRECISIONS
    max_num_imprecise_acc_default: int = 0
    extern_libs: tuple[tuple[str, str], ...] = ()
    ir_override: str | None = None  # a file that replaces the stage that its ending names
    debug: bool = False
    sanitize_overflow: bool = True
    instrumentation_mode: str = ""
    fpsan_homomorphic_casts: bool = False
    backend_name: str = "metal"
    arch: str = "host"

    def __post_init__(self) -> None:
        libraries = self.extern_libs
        object.__setattr__(self, "extern_libs", tuple(dict(libraries or ()).items()))

    def target(self) -> Any:
        """The options in the form of the compiler. Raises ArgumentError or UnsupportedError."""
        from triton_metal import _core

        return _core.Target(
            arch=self.arch,
            device=self.device,
            engine=self.engine,
            simdgroups=self.num_warps,
            fp_fusion=self.enable_fp_fusion,
            has_compiler=self.has_compiler,
            sanitize=self.sanitize,
        )

    def hash(self) -> str:
        key = "_".join(f"{name}-{value}" for name, value in sorted(self.__dict__.items()))
        return hashlib.sha256(key.encode()).hexdigest()


class MetalBackend(BaseBackend):
    binary_ext = BINARY_STAGE

    def __init__(self, target: GPUTarget) -> None:
        check_triton_version()
        from triton_metal.backend import overrides
        from triton_metal.backend.device import arch_profile

        overrides.install()
        # Maps all names of a chip to one, so that they share cache entries.
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
        values.setdefault("sanitize", os.environ.get("TRITON_METAL_SANITIZE", ""))
        values["arch"] = self.target.arch
        values["device"] = mlx_device()
        values["has_compiler"] = values["engine"] != "auto" or _has_compiler()
        if "enable_fp_fusion" not in values:
            values["enable_fp_fusion"] = knobs.language.default_fp_fusion
        values["enable_fp_fusion"] = values["enable_fp_fusion"] and not knobs.language.force_disable_fp_fusion
        options = MetalOptions(**values)
        _check_options(options)
        # Equal sets of modes must have equal keys.
        return replace(options, sanitize=options.target().sanitize)

    def pack_metadata(self, metadata: Any) -> tuple[int, int, int]:
        return metadata.num_warps, metadata.num_ctas, metadata.shared

    def get_codegen_implementation(self, options: MetalOptions) -> dict[str, Any]:
        from triton_metal.backend.float8 import convert_fp8e4b15

        return {"min_dot_size": _min_dot_size, "convert_custom_types": convert_fp8e4b15}

    def get_module_map(self) -> dict[str, ModuleType]:
        from triton_metal.backend import libdevice

        return {"triton.language.extra.libdevice": libdevice}

    def load_dialects(self, ctx: Any) -> None:
        """Does nothing: our dialects live in a library of their own, which exchanges IR as text."""

    def add_stages(self, stages: dict[str, Any], options: MetalOptions, language: Any) -> None:
        from triton_metal import _core
        from triton_metal.errors import UnsupportedError

        if language != Language.TRITON:
            raise UnsupportedError(
                "[gluon] Gluon kernels name the layouts of another GPU; write the kernel in Triton."
            )
        if knobs.compilation.store_binary_only:
            raise UnsupportedError(
                "[TRITON_STORE_BINARY_ONLY] With this variable Triton keeps the binaries of NVIDIA and AMD "
                "only, and throws ours away: unset it."
            )
        compilation = _core.Compilation(options.target())
        stages["ttir"] = lambda module, metadata: clean_up_ttir(_widened(module))
        stages["tt"] = lambda module, metadata: _make_tt(compilation, module, metadata)
        stages["tm"] = lambda tt, metadata: _noted(compilation, compilation.tm(tt), metadata)
        stages["msl"] = lambda tm, metadata: _noted(compilation, compilation.msl(tm), metadata)
        stages[BINARY_STAGE] = lambda msl, metadata: compilation.bundle(msl).encode()
        if knobs.runtime.add_stages_inspection_hook is not None:
            knobs.runtime.add_stages_inspection_hook(self, stages, options, language, None)


def _widened(module: Any) -> Any:
    """The output of Triton's front end with arithmetic on 8-bit floats done in float32. Triton's passes would
    fold constants in 8 bits, where overflow gives NaN or infinity and not the largest number."""
    from triton_metal import _core

    text = str(module)
    if "f8E" not in text:
        return module
    widened = _core.widen_storage_arithmetic(text, f"{module.get_entry_func_name()}.ttir")
    return module if widened is None else parse_ttir(widened, module.context)


def _make_tt(compilation: Any, module: Any, metadata: dict[str, Any]) -> str:
    """Runs the passes that all engines share and chooses the engine. Returns the kernel as text."""
    metadata["name"] = module.get_entry_func_name()
    return _noted(compilation, compilation.tt(str(module), f"{metadata['name']}.ttir"), metadata)


def _noted(compilation: Any, text: str, metadata: dict[str, Any]) -> str:
    """Returns `text`, after telling Triton what the stages have decided; a replaced stage may change that."""
    metadata["shared"] = compilation.threadgroup_bytes
    metadata["chosen_engine"] = compilation.engine
    metadata["engine_reason"] = compilation.engine_reason
    return text


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
    for name in ("engine", "sanitize"):
        if not isinstance(getattr(options, name), str):
            raise ArgumentError(f"[{name}] {getattr(options, name)!r} is not a text.")
    if options.extern_libs:
        raise UnsupportedError(
            f"[extern_libs] Libraries of device code cannot be linked on Metal: {dict(options.extern_libs)}."
        )
    if options.instrumentation_mode:
        raise UnsupportedError(
            f"[instrumentation_mode] Triton's instrumentation '{options.instrumentation_mode}' needs an "
            "NVIDIA or AMD GPU."
        )
    if options.ir_override is not None and not str(options.ir_override).endswith(OVERRIDABLE):
        endings = ", ".join(OVERRIDABLE)
        raise ArgumentError(
            f"[ir_override] '{options.ir_override}' is no file of a stage: its ending is none of {endings}."
        )


def _has_compiler() -> bool:
    from triton_metal import _core

    return _core.has_cpu_compiler()


@functools.lru_cache(maxsize=1)
def _build_key() -> str:
    """Everything in this installation that affects what a kernel compiles to."""
    from triton_metal import _core

    modules = ("compiler.py", "libdevice.py", "float8.py", "triton_internals.py")
    digest = hashlib.sha256(Path(_core.__file__).read_bytes())
    for module in modules:
        digest.update(Path(__file__).with_name(module).read_bytes())
    versions = f"{_core.__version__}-mlir{_core.mlir_version()}-mlx{_core.mlx_version()}"
    return f"metal-{versions}-{digest.hexdigest()[:16]}"


def _check_cache_folder() -> None:
    """Explains what to do if Triton's cache folder cannot be created, or is empty and not writable."""
    folder = knobs.cache.dir
    if knobs.cache.manager_class is not None or not folder:
        return
    reason = None
    try:
        os.makedirs(folder, exist_ok=True)
        # A folder that is not writable may still contain all kernels that are needed.
        if not os.access(folder, os.W_OK) and not any(os.scandir(folder)):
            reason = "no permission to write"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason is not None:
        from triton_metal.errors import MetalError

        raise MetalError(
            f"[cache] Compiled kernels cannot be kept in '{folder}' ({reason}): set TRITON_CACHE_DIR to a "
            "folder that can be written."
        )
