# SPDX-License-Identifier: MIT
"""Random kernels against their oracle. The seeds are fixed; `python -m fuzzing` takes others."""

import collections
import random

import numpy as np
import pytest
from fuzzing.narrow import FLOAT8
from fuzzing.run import check, describe, program_of, reduce_program, run_seed
from fuzzing.tree import Expression, Store
from fuzzing.values import SCALARS

KERNELS = 1000
# Few, because each is compiled by a C++ compiler; `python -m fuzzing --engine msl --count 2000` runs more.
MSL_KERNELS = 200
CHUNK = 20


@pytest.mark.parametrize(
    "engine, first",
    [
        *(("msl", first) for first in range(0, MSL_KERNELS, CHUNK)),
        *(("mlx", first) for first in range(0, KERNELS, CHUNK)),
    ],
    indirect=["engine"],
)
def test_random_kernels(engine, first, tmp_path):
    compare_kernels(first, tmp_path)


def compare_kernels(first, tmp_path):
    for seed in range(first, first + CHUNK):
        outcome = run_seed(seed, tmp_path)
        assert outcome.status != "refused", outcome.detail
        if outcome.status != "same":
            small = reduce_program(outcome.program, tmp_path, outcome.status, budget=10)
            pytest.fail(describe(outcome, small), pytrace=False)


@pytest.mark.parametrize(
    "engine, first", [("mlx", first) for first in range(5000, 5100, CHUNK)], indirect=["engine"]
)
def test_random_kernels_in_slabs(engine, first, tmp_path, monkeypatch):
    """With a budget of a few kilobytes, the grid is cut into slabs that run one after the other."""
    monkeypatch.setenv("TRITON_METAL_MEMORY_BUDGET", "8000")
    compare_kernels(first, tmp_path)


def test_the_generator_covers_the_language():
    """Each feature, rank, grid and type occurs often enough among the seeds of this file."""
    features: collections.Counter = collections.Counter()
    grids, types = collections.Counter(), collections.Counter()
    for seed in range(KERNELS):
        program = program_of(seed)
        features.update(program.features)
        grids[len(program.grid)] += 1
        types.update({p.value.dtype for p in program.parameters if hasattr(p.value, "dtype")})
    wanted = {
        "loop", "nested loop", "branch", "while loop", "trip count by program", "trip count by data",
        "streamed axis", "dot", "gather", "hash index", "scatter", "atomic", "in place", "reduction",
        "scan", "grouped ids", "divided ids", "reversed ids", "transpose", "reshape", "flip", "odd mask",
        "store inside", "negative stride", "reversed coordinate", "stride zero", "transcendental",
        "arithmetic of 8-bit floats", "rounding toward zero", "fp8e4b15", "exact float sum", "sort", "argmax",
        "argmin", "running maximum", "extremum with its index", "reduction of a tuple", "histogram",
        "dot with an accumulator", "dot of float32 to float32", "dot of float16 to float32",
        "dot of bfloat16 to float32", "dot of float8e5 to float32", "dot of float8e4nv to float32",
        "dot of int8 to int32", "dot of float16 to float16", "dot of float64 to float64",
    }  # fmt: skip
    assert not {name for name in wanted if features[name] < 3}
    assert set(grids) == {1, 2, 3}
    assert set(types) == set(SCALARS)


def stores_of(program):
    return [statement for statement in program.body if isinstance(statement, Store)]


def mutate(program, rng):
    """Changes the text of a store at the outermost level, which the oracle does not see."""
    stores = [store for store in stores_of(program) if store.value.dtype in ("float32", "int32", "int64")]
    if not stores:
        return False
    store = rng.choice(stores)
    old = store.value
    store.value = Expression(f"({old.source} + 1)", old.dtype, old.axes, old.run, old.exact)
    return True


def test_the_comparison_notices_a_wrong_result(tmp_path):
    """The comparison must fail when the kernel is not the one that the oracle interprets."""
    rng = random.Random(5)
    noticed = tried = 0
    for seed in range(40):
        program = program_of(seed, frozenset(FLOAT8))
        if not mutate(program, rng):
            continue
        tried += 1
        noticed += bool(check(program, tmp_path))
    # Adding one may have no effect on large floats and NaN, and with a mask that is off everywhere.
    assert tried >= 10
    assert noticed >= 0.7 * tried


def test_the_comparison_notices_a_stray_write(tmp_path):
    program = program_of(3, frozenset(FLOAT8))
    store = next(iter(stores_of(program)))
    buffer = next(p.value for p in program.parameters if p.name == store.buffer)
    place = buffer.stop - buffer.origin + 2
    constant = Expression(f"tl.full([], 3, tl.{buffer.dtype})", buffer.dtype, (), lambda state: None)
    at = Expression(str(place), "int32", (), lambda state: None)

    class Stray(Store):
        def execute(self, state) -> None:
            pass

    program.body.append(Stray(store.buffer, at, constant, None))
    assert "outside the buffer" in check(program, tmp_path)


def test_the_oracle_runs_without_triton():
    """The oracle uses only NumPy, is deterministic, and does not change the buffers of the program."""
    program = program_of(11)
    before = [p.value.data.copy() for p in program.parameters if hasattr(p.value, "data")]
    first, second = program.expected(), program.expected()
    for name in first:
        assert np.array_equal(
            first[name].data, second[name].data, equal_nan=first[name].data.dtype.kind == "f"
        )
    after = [p.value.data for p in program.parameters if hasattr(p.value, "data")]
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
