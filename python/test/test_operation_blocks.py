# SPDX-License-Identifier: MIT
"""The operations that are not element by element, on every element type; and that no cell of the registry is
left out by the tests of operations."""

from __future__ import annotations

import pytest
from number_formats import KINDS
from operation_blocks import CASES, PARENTS, POINTER, POINTERS_ONLY, PRINTED, Builder
from operation_kernels import ABLE, ENGINES, registry, state
from test_operations import TOLERANCE, cast_lines, exact_lines, function_lines, refused_lines

from triton_metal.errors import UnsupportedError

GROUPS = ("view", "combination", "memory", "control", "others")
TYPES = (*KINDS, POINTER)


def group_of(op):
    kind = registry()[op]["kind"]
    return kind if kind in GROUPS else "others"


def is_computed(op, kind, engine):
    return all(state(name, kind, engine) in ABLE for name in (op, PARENTS.get(op, op)))


def computed_cases(kind, engine):
    return [
        op
        for op in CASES
        if is_computed(op, kind, engine)
        and (kind == POINTER or op not in POINTERS_ONLY or op == "arith.select")
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("group", GROUPS)
def test_blocks(group, kind, engine, rng, monkeypatch, capfd):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    names = [op for op in computed_cases(kind, engine) if group_of(op) == group and op not in PARENTS]
    # The time to compile many scans of bf16 in one kernel grows faster than their number.
    is_slow = (group, kind, engine) == ("combination", "bf16", "msl")
    assert_computed(names, kind, engine, rng, (0, 6) if is_slow else (0, 1))
    if "tt.print" in names:
        assert PRINTED in capfd.readouterr().out


def assert_computed(names, kind, engine, rng, part):
    builder, done = Builder(kind, engine, rng), set()
    builder.part = part
    for op in names:
        if CASES[op] not in done:
            done.add(CASES[op])
            builder.label = op
            CASES[op](builder)
    wrong = builder.run() if done else []
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
@pytest.mark.parametrize("part", range(1, 6))
def test_other_combiners_of_bf16(part, rng, msl_engine):
    assert_computed(["tt.reduce", "tt.scan"], "bf16", "msl", rng, (part, 6))


def refused_cases(kind, engine):
    return [op for op in CASES if state(op, kind, engine).startswith("refused: ")]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", TYPES)
def test_refused_blocks(kind, engine, rng, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    for op in refused_cases(kind, engine):
        builder = Builder(kind, engine, rng)
        builder.is_refused = True
        try:
            CASES[op](builder)
            builder.run()
        except UnsupportedError as refusal:
            error = refusal
        else:
            pytest.fail(f"{op} is not refused")
        reason = state(op, kind, engine).removeprefix("refused: ")
        first = str(error).splitlines()[0]
        assert reason in first, f"{op}: {first}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_atomic_exchange(kind, engine, rng, monkeypatch):
    """Types that are refused by the other atomic operations are exchanged."""
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    if state("tt.atomic_rmw", kind, engine).startswith("refused: "):
        builder = Builder(kind, engine, rng)
        CASES["tt.atomic_rmw"](builder)
        assert not builder.run()


def tested_cells():
    cells = set()
    for engine in ENGINES:
        for kind in TYPES:
            for op in {*CASES}:
                is_followed = op in PARENTS and state(PARENTS[op], kind, engine).startswith("refused: ")
                if op in computed_cases(kind, engine) or op in refused_cases(kind, engine) or is_followed:
                    cells.add((op, kind, engine))
        for kind in KINDS:
            lines = exact_lines(kind, engine) + refused_lines(kind, engine)
            if kind in TOLERANCE:
                lines += function_lines(kind, engine)
            cells |= {(line.op, kind, engine) for line in lines}
            for line in cast_lines(kind, engine):
                cells |= {(line.op, kind, engine), (line.op, line.results[0], engine)}
            for line in exact_lines(kind, engine):
                cells.add(("arith.constant", kind, engine))
                cells |= {(line.op, of, engine) for of in line.results if of == kind}
    return cells


def is_without_form(entry):
    return not entry["msl"] and not entry["mlx"] and "has no form" in entry["note"]


def test_no_cell_is_left_out():
    """Operations that neither engine has any form of, whatever the type, are in the tests of the registry."""
    tested = tested_cells()
    missing = [
        f"{op} {kind} {engine}: {state(op, kind, engine)}"
        for op, entry in registry().items()
        if not is_without_form(entry)
        for kind in entry["types"]
        for engine in ENGINES
        if state(op, kind, engine) != "not admitted" and (op, kind, engine) not in tested
    ]
    assert not missing, f"{len(missing)}\n" + "\n".join(missing)
