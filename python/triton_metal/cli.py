# SPDX-License-Identifier: MIT
"""The command `triton-metal`: shows the installation, operations and compiled kernels, and runs the demo."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.syntax import Syntax
from rich.table import Table

from triton_metal import kernel_file
from triton_metal.kernel_file import UsageError
from triton_metal.terminal import console

STAGES = ("ttir", "tt", "tm", "msl", "mlx")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. A failure is one line on standard error."""
    options = _parser().parse_args(arguments)
    os.environ.setdefault("TRITON_BACKEND", "metal")
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the pipe has gone, so nobody would see a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if options.traceback:
            raise
        file = Path(getattr(options, "kernel", "").rpartition(":")[0])
        print(f"triton-metal: {_one_line(error, file)}", file=sys.stderr)
        return 1


def _one_line(error: BaseException, file: Path = Path()) -> str:
    """The error without its traceback. Triton's errors nest, and the innermost one tells the cause."""
    from triton_metal.backend.triton_internals import CompilationError

    root, place = error, ""
    while isinstance(root, CompilationError):
        place = kernel_file.kernel_line(root, file)
        if not isinstance(root.__cause__, Exception):
            break
        root = root.__cause__
    text = getattr(root, "error_message", None) or str(root)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if place:
        return f"{place}{first or type(root).__name__}"
    # Our own sentences need no class name in front; "list index out of range" does.
    known = isinstance(root, UsageError | OSError) or type(root).__module__.startswith("triton_metal")
    return first if first and (known or first.startswith("[")) else f"{type(root).__name__}: {first}"


# --- parser ------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="triton-metal", description="A Metal backend for Triton.")
    parser.add_argument("--version", action="version", version=metadata.version("triton-metal"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.add_argument("--traceback", action="store_true", help="show where an error came from")
        sub.set_defaults(command=command)
        return sub

    info = add("info", _info, "show versions, the device, its limits, and test the installation")
    info.add_argument("--arch", help="show this hardware profile (default: TRITON_METAL_ARCH or host)")

    compile_parser = add("compile", _compile, "compile a kernel and show a stage as text")
    compile_parser.add_argument(
        "--emit", choices=STAGES, default="tt", help="the stage (default: %(default)s)"
    )
    compile_parser.add_argument("-o", "--output", type=Path, help="write the text to this file")
    explain = add("explain", _explain, "show what a launch of a kernel becomes, and why")
    for sub in (compile_parser, explain):
        sub.add_argument("kernel", metavar="FILE:KERNEL", help="a Python file and the name of a kernel in it")
        sub.add_argument(
            "--signature",
            required=True,
            help="types of the arguments that are not constexpr, in order: '*fp32,*fp32,i32'; "
            "':16' after a type means divisible by 16, ':1' the constant 1",
        )
        sub.add_argument("--constexpr", action="append", default=[], metavar="NAME=VALUE")
        sub.add_argument("--num-warps", type=int, default=4, help="SIMD groups of a program (default: 4)")
        sub.add_argument(
            "--engine",
            choices=("auto", "msl", "mlx"),
            default=os.environ.get("TRITON_METAL_ENGINE") or "auto",
            help="default: TRITON_METAL_ENGINE or auto",
        )
        sub.add_argument("--arch", help="hardware profile (default: TRITON_METAL_ARCH or host)")
        sub.add_argument("--grid", help="extents of the launch grid: 8 or 8,1,1 (for the mlx engine)")
        sub.add_argument(
            "--arg",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="an integer argument's value, or a pointer's number of elements",
        )
        sub.add_argument(
            "--elements",
            type=int,
            default=1 << 20,
            help="elements behind each pointer that --arg does not name (default: %(default)s)",
        )

    ops = add("ops", _ops, "list the operations and what each engine makes of them")
    ops.add_argument("--markdown", action="store_true", help="print docs/operations.md")
    demo = add("demo", _demo, "run the examples, check them and time them")
    demo.add_argument("--small", action="store_true", help="small sizes")
    demo.add_argument("--no-interpreter", action="store_true", help="do not time TRITON_INTERPRET=1")
    demo.add_argument("--timeout", type=float, default=60, help="seconds for each interpreted example")
    demo.add_argument("--only", action="append", metavar="EXAMPLE", help="run this example only (repeatable)")
    return parser


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def _arch(options: argparse.Namespace) -> str:
    """The profile's canonical name; an unknown one is an error that lists the known ones."""
    from triton_metal import _core

    return _core.profile(options.arch or os.environ.get("TRITON_METAL_ARCH") or "host")["name"]


# --- info --------------------------------------------------------------------------------------------------


def _version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _active_backend() -> str:
    """The target that Triton would launch on now, or why there is none."""
    from triton_metal.backend.triton_internals import active_driver

    try:
        target = active_driver().get_current_target()
    except Exception as error:
        return f"none: {_one_line(error)}"
    return f"{target.backend} ({target.arch})"


def _self_test() -> str:
    from triton_metal import _core

    try:
        _core.self_test()
    except ImportError as error:
        return f"failed: {error}"
    return "passed"


def _cpu_compiler() -> str:
    """The compiler of the CPU device."""
    from triton_metal import _core

    return _core.cpu_compiler() or "not found: kernels in Metal text cannot run"


def _info(options: argparse.Namespace) -> int:
    import triton  # noqa: F401  before the driver, which must be loaded by Triton itself

    from triton_metal import _core
    from triton_metal.backend.device_names import mlx_device
    from triton_metal.host import cpu_name

    self_test = _self_test()
    sections: dict[str, dict[str, Any]] = {
        "versions": {
            "triton-metal": _core.__version__,
            "triton": _version_of("triton"),
            "MLIR": _core.mlir_version(),
            "MLX, compiled with": _core.mlx_version(),
            "MLX, installed": _version_of("mlx"),
            "PyTorch": _version_of("torch"),
            "NumPy": _version_of("numpy"),
            "Python": platform.python_version(),
        },
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": cpu_name(),
            "device": mlx_device(),
            "CPU compiler": _cpu_compiler(),
            "active backend": _active_backend(),
            "self-test": self_test,
        },
        "profile": _core.profile(_arch(options)),
    }
    if options.json:
        _print_json(sections)
    else:
        for title, values in sections.items():
            table = Table(title=title, title_justify="left", show_header=False, min_width=60)
            for key, value in values.items():
                text = ", ".join(value) if isinstance(value, list) else str(value)
                table.add_row(key.replace("_", " "), "not known" if value is None else text)
            console().print(table)
    return 0 if self_test == "passed" else 1


# --- compile, explain --------------------------------------------------------------------------------------


def _compiled_kernel(options: argparse.Namespace, engine: str) -> Any:
    """Triton's compiled kernel; its `asm` has the stages that do not depend on a launch."""
    kernel = kernel_file.load_kernel(options.kernel)
    constants = kernel_file.parse_pairs(options.constexpr, "--constexpr")
    signature = kernel_file.make_signature(kernel, options.signature, constants)
    return kernel_file.compile_kernel(
        kernel, signature, _arch(options), num_warps=options.num_warps, engine=engine
    )


def _executable(compiled: Any, options: argparse.Namespace) -> Any:
    from triton_metal import _core
    from triton_metal.backend.device_names import mlx_device

    text = kernel_file.stage_text(compiled, "bundle")
    return _core.Kernel(text, arch=_arch(options), device=mlx_device())


def _launch(executable: Any, options: argparse.Namespace) -> tuple[tuple[int, int, int], list[Any]]:
    grid = kernel_file.parse_grid(options.grid)
    values = kernel_file.parse_pairs(options.arg, "--arg")
    return grid, kernel_file.launch_arguments(executable.parameters, values, options.elements)


def _compiled_text(options: argparse.Namespace, stage: str) -> str:
    """Compiles the kernel and returns the text of a stage; `mlx` also needs the launch."""
    if stage == "mlx" and not options.grid:
        raise UsageError("the mlx text belongs to one launch: --grid is missing")
    if options.grid:
        kernel_file.parse_grid(options.grid)
    engine = {"mlx": "mlx", "tm": "msl", "msl": "msl"}.get(stage, options.engine)
    compiled = _compiled_kernel(options, engine)
    if stage in ("ttir", "tt"):
        return kernel_file.stage_text(compiled, stage)
    if stage == "msl":
        return kernel_file.stage_text(compiled, stage)
    executable = _executable(compiled, options)
    if stage == "tm":  # in the stage itself every line has a source location
        return executable.tm_text()
    return executable.raise_text(*_launch(executable, options))


def _compile(options: argparse.Namespace) -> int:
    text = _compiled_text(options, options.emit)
    if options.json:
        text = json.dumps(
            {"kernel": options.kernel, "stage": options.emit, "arch": _arch(options), "text": text}, indent=2
        )
    if options.output is not None:
        options.output.write_text(text.rstrip("\n") + "\n")
    elif sys.stdout.isatty() and not options.json:
        language = "cpp" if options.emit == "msl" else "llvm"
        console().print(Syntax(text, language, background_color="default", word_wrap=False))
    else:
        print(text)
    return 0


def _explain(options: argparse.Namespace) -> int:
    from triton_metal.explain import explain

    executable = _executable(_compiled_kernel(options, options.engine), options)
    grid, arguments = _launch(executable, options) if options.grid else (None, [])
    explanation = explain(executable, grid, arguments)
    if options.json:
        _print_json({"kernel": options.kernel, "arch": _arch(options), **asdict(explanation)})
        return 0
    out = console()
    out.print(f"{options.kernel}", highlight=False, markup=False)
    out.print(f"engine: {explanation.engine} ({explanation.reason})", highlight=False, markup=False)
    table = Table(title="as a Metal kernel (engine msl)", title_justify="left")
    table.add_column("in the text")
    table.add_column("count", justify="right")
    if explanation.msl is None:
        out.print(f"msl: refused, {explanation.msl_refusal}", highlight=False, markup=False)
    else:
        rows = {
            "SIMD groups": explanation.msl.simdgroups,
            "bytes of threadgroup memory": explanation.msl.threadgroup_bytes,
            "lines": explanation.msl.lines,
            **explanation.msl.counts,
        }
        for name, count in rows.items():
            table.add_row(name, str(count))
        out.print(table)
    if explanation.mlx_refusal:
        out.print(f"mlx: refused, {explanation.mlx_refusal}", highlight=False, markup=False)
    elif grid is None:
        out.print("mlx: needs a launch; give --grid", highlight=False, markup=False)
    else:
        table = Table(title=f"as MLX operations on grid {options.grid} (engine mlx)", title_justify="left")
        table.add_column("operations")
        table.add_column("count", justify="right")
        for category, count in explanation.categories.items():
            table.add_row(category, str(count))
        out.print(table)
        for remark in explanation.remarks:
            out.print(f"- {remark}")
    return 0


# --- ops, demo ---------------------------------------------------------------------------------------------


def _ops(options: argparse.Namespace) -> int:
    from triton_metal import ops

    if options.json:
        _print_json(ops.operations())
    elif options.markdown:
        print(ops.operations_markdown(), end="")
    else:
        console().print(ops.operations_table())
    return 0


def _demo(options: argparse.Namespace) -> int:
    from triton_metal import demo

    return demo.run(
        small=options.small,
        interpreter_timeout=None if options.no_interpreter else options.timeout,
        only=options.only,
        as_json=options.json,
    )
