# SPDX-License-Identifier: MIT
"""docs/numerics.md: its errors hold, its worst cases are as bad as it says, and nothing is missing."""

from __future__ import annotations

import warnings
from itertools import groupby

import numpy as np
import pytest
from numerics import casts, catalogue, measure, report, samples
from numerics.references import expected, reference_of

from triton_metal import ops

RESULTS = report.load()


def signature(function):
    return (function.result, function.arguments)


GROUPS = [list(group) for _, group in groupby(sorted(catalogue.functions(), key=signature), key=signature)]


def test_every_operation_has_a_place():
    for entry in ops.operations():
        assert catalogue.category(entry), entry["op"]
    for function in catalogue.functions():
        reference_of(function)
    assert set(RESULTS["functions"]) == {f.key for f in catalogue.functions()}
    assert set(RESULTS["casts"]) <= {cast.key for cast in casts.casts()}


def test_page_is_made_from_the_results():
    assert (report.DOCS / "numerics.md").read_text() == report.markdown(RESULTS)


def test_every_supported_type_was_measured():
    entries = {entry["op"]: entry for entry in ops.operations()}
    for function in catalogue.registry_functions():
        for engine in ops.ENGINES:
            able = entries[function.name]["types"][function.result][engine] in catalogue.SUPPORTED
            assert able == (RESULTS["functions"][function.key][engine] is not None), (function.key, engine)


@pytest.mark.parametrize("engine", ops.ENGINES)
@pytest.mark.parametrize(
    "group", GROUPS, ids=lambda group: f"{group[0].result}-{'-'.join(group[0].arguments)}"
)
def test_documented_errors_hold(group, engine, tmp_path):
    """A part of the measured arguments, and the worst ones."""
    documented = {f: RESULTS["functions"][f.key][engine] for f in group}
    functions = [f for f in group if documented[f]]
    if not functions:
        return
    columns = []
    for function in functions:
        worst = [documented[function]["at"]] if documented[function]["at"] else []
        columns.append(
            [
                np.concatenate([np.array([case[i] for case in worst], a.dtype) if worst else a[:0], a])
                for i, a in enumerate(samples.quick(function))
            ]
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        wrong = []
        results = measure.run_together(functions, engine, columns, tmp_path)
        for function, args, got in zip(functions, columns, results, strict=True):
            errors = measure.Errors()
            errors.add(function, args, got)
            record = documented[function]
            kinds = set(errors.differences) - set(record["differences"])
            if errors.ulp > report.rounded_up(record["ulp"]) or kinds:
                wrong.append((function.key, errors.ulp, errors.at, record["ulp"], errors.differences))
            elif errors.ulp < 0.99 * record["ulp"]:
                wrong.append((function.key, "is better than documented", errors.ulp, record["ulp"]))
    assert not wrong, wrong


@pytest.mark.parametrize("engine", ops.ENGINES)
def test_casts(engine, tmp_path):
    """All upper halves of a float, with lower halves at and next to the middle of two narrower numbers."""
    for cast in casts.casts():
        documented = RESULTS["casts"].get(cast.key, {}).get(engine)
        if cast.source != "f32" or documented is None:
            continue
        bits = np.arange(1 << 16, dtype=np.uint32) << 16
        x = (
            np.concatenate([bits + offset for offset in (0, 1, 0x7FFF, 0x8000)])
            .astype(np.uint32)
            .view(np.float32)
        )
        got = casts._Kernel(cast, engine, len(x), tmp_path)(x)
        assert casts.wrong(got, casts.expected(cast, x)).sum() <= documented["wrong"], cast.key


def test_errors_are_measured_right():
    add = next(f for f in catalogue.functions() if f.key == "arith.addf(f32, f32)")
    one, tiny, two = (
        np.float32([1, 1, 1, 1]),
        np.float32([2**-25, 2**-24, np.inf, np.nan]),
        np.spacing(np.float32(1)),
    )
    errors = measure.Errors()
    errors.add(add, [one, tiny], np.float32([1, 1 + two, 1, 1]))
    assert errors.ulp == 0.5 and errors.at == (1.0, 2.0**-24)
    assert errors.rounded == 1
    assert {kind: entry["count"] for kind, entry in errors.differences.items()} == {"infinity": 1, "nan": 1}
    high, low = expected(add, [one[:1], np.float32([2**-60])])
    assert measure.round_to(high, low, "f32", "ru") == 1 + two
    assert measure.round_to(high, low, "f32", "rz") == measure.round_to(high, low, "f32") == 1
