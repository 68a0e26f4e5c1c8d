# SPDX-License-Identifier: MIT
"""Runs generated kernels, compares every byte with the oracle, and reduces kernels that differ."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fuzzing.generate import Generator
from fuzzing.narrow import FLOAT8
from fuzzing.tree import Buffer, For, If, Program, Undefined, While
from fuzzing.values import SCALARS


@dataclass
class Outcome:
    seed: int
    status: str  # "same", "refused", "differs" or "failed"
    detail: str = ""
    program: Program | None = None


def program_of(seed: int, without: frozenset[str] = frozenset()) -> Program:
    """The kernel for a seed: the first attempt whose oracle stays inside of its buffers."""
    for attempt in range(50):
        program = Generator(seed * 1009 + attempt, without).build()
        if len(program.parameters) > 28:
            continue
        with contextlib.suppress(Undefined):
            program.expected()
            return program
    raise AssertionError(f"seed {seed} gives no kernel")


class TorchMemory:
    """The buffers that share one storage, as views of one torch tensor."""

    def __init__(self, buffer: Buffer):
        import torch

        whole = torch.from_numpy(buffer.data.copy())
        own = {
            "bfloat16": torch.bfloat16,
            "float8e5": torch.float8_e5m2,
            "float8e4nv": torch.float8_e4m3fn,
            "float8e5b16": torch.float8_e5m2fnuz,
            "float8e4b8": torch.float8_e4m3fnuz,
        }
        self.held_as = whole.dtype
        self.whole = whole.to(own.get(buffer.dtype, whole.dtype))

    def argument(self, buffer: Buffer):
        return self.whole[buffer.origin :]

    def values(self) -> np.ndarray:
        return self.whole.to(self.held_as).numpy()


class NumpyMemory:
    def __init__(self, buffer: Buffer):
        self.whole = buffer.data.copy()

    def argument(self, buffer: Buffer):
        return self.whole[buffer.origin :]

    def values(self) -> np.ndarray:
        return self.whole


class MlxMemory:
    """An MLX array is lazy and has no memory before its first element, so that part is not passed."""

    def __init__(self, buffer: Buffer):
        import mlx.core as mx

        self.mx = mx
        self.before = buffer.data[: buffer.origin]
        data = buffer.data[buffer.origin :]
        # Without the type, float64 would become float32.
        array = mx.array(data, dtype=getattr(mx, data.dtype.name))
        self.array = array.astype(mx.bfloat16) if buffer.dtype == "bfloat16" else array * mx.ones_like(array)

    def argument(self, buffer: Buffer):
        return self.array

    def values(self) -> np.ndarray:
        array = self.array.astype(self.mx.float32) if self.array.dtype == self.mx.bfloat16 else self.array
        return np.concatenate([self.before, np.array(array)])


def memory_of(program: Program, rng: random.Random) -> dict[int, TorchMemory | NumpyMemory | MlxMemory]:
    """Chooses a library for each storage. MLX needs pointers to the first element in use."""
    held: dict = {}
    mixed = rng.random() < 0.3
    shared = {id(p.value.owner) for p in program.parameters if isinstance(p.value, Buffer) and p.value.owner}
    for parameter in program.parameters:
        buffer = parameter.value
        if not isinstance(buffer, Buffer) or id(buffer.owner or buffer) in held:
            continue
        kinds: list = [TorchMemory]
        numpy = SCALARS[buffer.dtype].numpy
        if mixed and (numpy is not np.float32 or buffer.dtype == "float32"):
            kinds.append(NumpyMemory)
        if (
            mixed
            and buffer.dtype not in FLOAT8
            and numpy is not np.bool_
            and id(buffer) not in shared
            and not buffer.owner
            and buffer.origin == buffer.start
        ):
            kinds.append(MlxMemory)
        held[id(buffer.owner or buffer)] = rng.choice(kinds)(buffer.owner or buffer)
    return held


def differences(want: Buffer, got: np.ndarray) -> np.ndarray:
    """Which elements are wrong: exact results are compared by bits, the others with their error bound."""
    wrong = want.data != got
    if SCALARS[want.dtype].kind != "f":
        return wrong
    wrong &= ~(np.isnan(want.data) & np.isnan(got))
    assert want.tolerance is not None
    exact = want.tolerance == 0
    signs = (want.data == 0) & (got == 0) & (np.signbit(want.data) != np.signbit(got))
    with np.errstate(all="ignore"):
        apart = np.abs(want.data.astype(np.float64) - got.astype(np.float64))
        # Where the bound itself is not finite, the result depends on the order of operations.
        open_ = ~np.isfinite(want.tolerance) | (~np.isfinite(want.data) & ~exact)
        step = {"float16": 2.0**-10, "bfloat16": 2.0**-7}.get(want.dtype, 2.0**-23)
        near = apart <= want.tolerance + step * np.abs(want.data) * (want.dtype != "float64")
    return (wrong & exact) | (wrong & ~exact & ~open_ & ~near) | (signs & exact)


def launch(program: Program, folder: Path) -> dict[str, np.ndarray]:
    """Compiles the kernel and runs it on copies of its buffers. Returns their whole storage afterwards."""
    import importlib.util

    path = folder / f"{program.name}_{abs(hash(program.source())):x}.py"
    path.write_text(program.source())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    # The interpreter takes only torch tensors; with seed 2, libraries are never mixed.
    rng = random.Random(2 if interpreted else program.name)
    memory = memory_of(program, rng)
    arguments = {}
    for parameter in program.parameters:
        held = parameter.value
        if isinstance(held, Buffer):
            arguments[parameter.name] = memory[id(held.owner or held)].argument(held)
        else:
            arguments[parameter.name] = held
    # The oracle rounds each product by itself.
    getattr(module, program.name)[program.grid](**arguments, enable_fp_fusion=False)
    return {
        p.name: memory[id(p.value.owner or p.value)].values()
        for p in program.parameters
        if isinstance(p.value, Buffer)
    }


def check(program: Program, folder: Path) -> str:
    """Returns an empty string when everything agrees, else a description of the difference."""
    want = program.expected()
    got = launch(program, folder)
    for name, buffer in want.items():
        wrong = differences(buffer, got[name])
        if wrong.any():
            at = np.flatnonzero(wrong)
            lines = [
                f"  {name}[{i - buffer.origin}] = {got[name][i]!r}, expected {buffer.data[i]!r}"
                + (f" (bound {buffer.tolerance[i]:.3g})" if buffer.tolerance[i] else "")
                for i in at[:4]
            ]
            zone = ((at < buffer.start) | (at >= buffer.stop)).any()
            note = ", outside the buffer" if zone else ""
            return (
                f"{wrong.sum()} of {wrong.size} {buffer.dtype} elements of {name} differ{note}\n"
                + "\n".join(lines)
            )
    return ""


def is_refusal(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ == "UnsupportedError":
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def refusal_text(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None and type(seen).__name__ != "UnsupportedError":
        seen = seen.__cause__ or seen.__context__
    return str(seen).split(": ", 1)[-1].splitlines()[0]


def run_seed(seed: int, folder: Path, without: frozenset[str] = frozenset()) -> Outcome:
    program = program_of(seed, without)
    try:
        detail = check(program, folder)
    except Exception as error:
        if is_refusal(error):
            return Outcome(seed, "refused", refusal_text(error), program)
        return Outcome(seed, "failed", "".join(traceback.format_exception(error))[-3000:], program)
    return Outcome(seed, "differs" if detail else "same", detail, program)


def blocks_of(program: Program) -> list[list]:
    found: list[list] = []

    def visit(body: list) -> None:
        found.append(body)
        for statement in body:
            if isinstance(statement, For | While | If):
                visit(statement.body)
            if isinstance(statement, If):
                visit(statement.orelse)

    visit(program.body)
    return found


def reduce_program(program: Program, folder: Path, status: str, budget: float = 30.0) -> Program:
    """Drops statements as long as the kernel is still wrong in the same way."""

    def kind(error: BaseException) -> tuple:
        cause = error.__cause__ or error
        return type(error), type(cause), str(cause).splitlines()[-1][:60] if str(cause) else ""

    failure = None
    if status == "failed":
        try:
            check(program, folder)
        except Exception as error:
            failure = kind(error)

    def wrong(candidate: Program) -> bool:
        try:
            return bool(check(candidate, folder)) and status == "differs"
        except Undefined:
            return False
        except Exception as error:
            return status == "failed" and kind(error) == failure

    started = time.monotonic()
    best = program
    progress = True
    while progress and time.monotonic() - started < budget:
        progress = False
        for number, body in enumerate(blocks_of(best)):
            for place in range(len(body)):
                candidate = copy.deepcopy(best)
                del blocks_of(candidate)[number][place]
                if wrong(candidate):
                    best, progress = candidate, True
                    break
            if progress or time.monotonic() - started > budget:
                break
    return prune_parameters(best)


def prune_parameters(program: Program) -> Program:
    """Drops the arguments that the text no longer mentions."""
    import re

    words = set(re.findall(r"\w+", program.source().split("):", 1)[1]))
    kept = [p for p in program.parameters if p.name in words]
    return Program(program.name, kept, program.grid, program.body, program.features, program.helpers)


def describe(outcome: Outcome, program: Program) -> str:
    lines = [
        f"# seed {outcome.seed}, grid {program.grid}",
        *(f"# {line}" for line in outcome.detail.splitlines()),
    ]
    for parameter in program.parameters:
        if isinstance(parameter.value, Buffer):
            held = parameter.value
            shown = f"{held.dtype} x {held.stop - held.start}, points at element {held.origin - held.start}"
        else:
            shown = repr(parameter.value)
        lines.append(f"# {parameter.name}: {shown}")
    return "\n".join(lines) + "\n" + program.source()
