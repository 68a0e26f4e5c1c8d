# SPDX-License-Identifier: MIT
"""The headers of kernels, compiled for the CPU, against SciPy, ml_dtypes and exact fractions."""

import ctypes
import itertools
import math
import re
import subprocess
from fractions import Fraction

import ml_dtypes
import mpmath
import numpy as np
import pytest
import scipy.special as special
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_library import HERE, SHIM, TYPES, build, caller, clang, flags, wrapper

from triton_metal.backend.libdevice import SYMBOLS

FORMATS = {
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
}
FLOATS = ("fp32", "fp16", "bf16", "fp64")


def signatures():
    """(name in the library, function, argument types, result type) of all functions that are called."""
    for symbol, uses in SYMBOLS.items():
        for use in uses:
            arguments, result = re.fullmatch(r"\((.*)\) -> (.*)", use).groups()
            arguments = arguments.split(", ")
            name = symbol.removeprefix("__tm_")
            yield f"{name}__{'_'.join(arguments)}", f"tm::{name}", arguments, result
            narrow = all(t == "fp32" for t in [*arguments, result])
            if narrow and len(arguments) == 1 and name in ("erf", "exp", "tanh", "lgamma", "expm1", "sqrt"):
                for kind in ("fp16", "bf16"):
                    yield f"{name}__{kind}", f"tm::{name}", [kind], kind
    for kind in ("fp16", "bf16"):
        yield f"fma__{kind}", "tm::fma", [kind] * 3, kind
        yield f"to_{kind}_rtz", f"tm::to_{TYPES[kind][1]}_rtz", ["fp32"], kind
        yield f"double_to_{kind}_rtz", f"tm::to_{TYPES[kind][1]}_rtz", ["fp64"], kind
        yield f"double_to_{kind}", f"tm::to_{TYPES[kind][1]}", ["fp64"], kind
    for form in FORMATS:
        for kind in FLOATS:
            yield f"from_{form}_{kind}", f"tm::from_{form}<{TYPES[kind][1]}>", ["uint8"], kind
            for suffix in ("", "_rtz"):
                yield f"to_{form}_{kind}{suffix}", f"tm::to_{form}{suffix}", [kind], "uint8"


@pytest.fixture(scope="session")
def functions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernel-headers")
    known = list(signatures())
    source = folder / "functions.cpp"
    source.write_text("#include <triton_metal.h>\n" + "".join(wrapper(*entry) for entry in known))
    library = build(source, folder / "functions.so", "-DTM_HAS_DOUBLE", "-DTM_HAS_ATOMIC64", "-O2")
    return {entry[0]: caller(library, entry[0], entry[2], entry[3]) for entry in known}


@pytest.fixture(scope="session")
def metal_functions(tmp_path_factory):
    """The functions whose text differs between Metal and the CPU, in the version for Metal."""
    folder = tmp_path_factory.mktemp("metal-text")
    known = [entry for entry in signatures() if entry[1] in DIFFERENT and "fp64" not in entry[2]]
    source = folder / "functions.cpp"
    headers = "".join(
        f"#include <triton_metal/{name}.h>\n" for name in ("math", "rounding", "special", "bits64")
    )
    source.write_text("#include <metal_stdlib>\n" + headers + "".join(wrapper(*entry) for entry in known))
    library = build(source, folder / "functions.so", "-O2")
    return {entry[0]: caller(library, entry[0], entry[2], entry[3]) for entry in known}


DIFFERENT = {f"tm::{name}" for name in ("fmod", "remainder", "mulhi", "umulhi", "clz", "popc", "ffs", "brev")}


def test_text_for_metal_gives_the_same(functions, metal_functions, rng):
    assert len(metal_functions) >= 12
    for name, function in metal_functions.items():
        types = name.split("__")[1].split("_")
        args = []
        for kind in types:
            bits = np.uint32 if kind.endswith("32") else np.uint64
            values = rng.integers(0, 2 * (np.iinfo(bits).max // 2), 20000, dtype=bits)
            values[:1000] >>= rng.integers(0, 31, 1000).astype(bits)
            args.append(values.view(TYPES[kind][0]))
        if len(args) == 2 and types[0] == "fp32":  # quotients of every size, also near multiples and zero
            args[1][5000:9000] = args[0][5000:9000] * rng.uniform(0.1, 3, 4000).astype(np.float32)
            args[0][:6] = [np.inf, np.nan, 0.0, -0.0, 1.0, 3.0]
            args[1][:6] = [1.0, 1.0, np.inf, 2.0, 0.0, -1.5]
        np.testing.assert_array_equal(function(*args), functions[name](*args), err_msg=name)


def every_float(count=1 << 18):
    """Floats spread evenly over all bit patterns, and those where functions change their behaviour."""
    bits = np.linspace(0, 2**32 - 1, count).astype(np.uint32).view(np.float32)
    near = np.concatenate([np.linspace(-10, 10, 40001), np.linspace(-200, 200, 40001)]).astype(np.float32)
    corners = np.float32(
        [0.0, -0.0, 1, -1, 0.5, 2, 3, 8, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3.4028235e38]
    )
    steps = [np.nextafter(corners, np.float32(np.inf)), np.nextafter(corners, np.float32(-np.inf))]
    return np.concatenate([bits, near, corners, *steps])


def units(got, expected):
    """Distance in ulps of the float32 that is nearest to the float64 `expected`."""
    with np.errstate(all="ignore"):
        nearest = expected.astype(np.float32)
        exponent = np.frexp(np.where(np.isfinite(expected), expected, 1.0))[1]
        error = np.abs(got.astype(np.float64) - expected) / np.ldexp(1.0, np.maximum(exponent - 24, -149))
        infinite = np.isinf(nearest) | np.isinf(got)
        limit = 2.0**128
        far = (
            np.abs(np.clip(got.astype(np.float64), -limit, limit) - np.clip(expected, -limit, limit))
            / 2.0**104
        )
    error = np.where(infinite, np.where(got == nearest, 0, far), error)
    both = np.isnan(got) & np.isnan(expected)
    return np.where(both, 0, np.where(np.isnan(got) | np.isnan(expected), np.inf, error))


def exactly(function):
    return lambda *args: np.array(
        [function(*values) for values in zip(*(a.tolist() for a in args), strict=True)]
    )


def half_turns(x, phase):
    r = np.remainder(x, 2.0) + phase
    return np.sin(np.pi * r)


def exponents(x):
    value = np.where(np.isinf(x), np.inf, np.frexp(x)[1] - 1.0)
    return np.where(np.isnan(x), x, np.where(x == 0, -np.inf, value))


# Largest error in ulps, reference, and the arguments for which the bound holds.
UNARY = {
    "exp": (1, np.exp, None),
    "exp2": (1, np.exp2, None),
    "expm1": (1.4, np.expm1, None),
    "log1p": (1.4, np.log1p, None),
    "cbrt": (0.6, np.cbrt, None),
    "rcbrt": (1.7, lambda x: 1 / np.cbrt(x), None),
    "erf": (1.5, special.erf, None),
    "erfc": (4, special.erfc, None),
    "erfcx": (4, special.erfcx, None),
    "erfinv": (3, special.erfinv, None),
    "erfcinv": (4, special.erfcinv, None),
    "normcdf": (5, special.ndtr, None),
    "normcdfinv": (5, special.ndtri, lambda x: np.abs(x - 0.5) > 1e-3),
    "tgamma": (4, special.gamma, None),
    "lgamma": (5, special.gammaln, lambda x: x > -0.5),
    "cyl_bessel_i0": (5, special.i0, None),
    "cyl_bessel_i1": (5, special.i1, None),
    "rsqrt": (1.5, lambda x: 1 / np.sqrt(x), None),
    "logb": (0, exponents, None),
    "saturatef": (0, lambda x: np.where(np.isnan(x), 0, np.clip(x, 0, 1)), None),
    "round": (0, lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x), lambda x: np.abs(x) < 2**22),
    "rint": (0, np.rint, None),
    "nearbyint": (0, np.rint, None),
}
# Absolute errors, in units of float32's spacing at 1.
OSCILLATING = {"j0": special.j0, "j1": special.j1, "y0": special.y0, "y1": special.y1}


@pytest.mark.parametrize("name", UNARY)
def test_error_in_units_of_the_last_place(name, functions):
    bound, reference, where = UNARY[name]
    x = every_float()
    if where:
        with np.errstate(all="ignore"):
            x = x[where(x.astype(np.float64)) | np.isinf(x) | np.isnan(x) | (x == 0)]
            if name == "lgamma":
                x = x[~(x < -0.5) | np.isinf(x)]
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64))
        if name == "tgamma":
            expected[(x < 0) & (x == np.floor(x))] = np.nan
    if name in ("lgamma", "cyl_bessel_i0"):  # SciPy has other conventions
        expected[np.isinf(x)] = np.inf
    if name == "cyl_bessel_i1":
        expected[np.isinf(x)] = x[np.isinf(x)]
    got = functions[f"{name}__fp32"](x)
    error = units(got, expected)
    worst = int(np.argmax(error))
    assert error[worst] <= bound, (x[worst], got[worst], expected[worst], error[worst])


@pytest.mark.parametrize("name", OSCILLATING)
def test_bessel_functions(name, functions):
    x = every_float()
    x = x[np.abs(x) < 1e5]
    with np.errstate(all="ignore"):
        expected = OSCILLATING[name](x.astype(np.float64))
        if name.startswith("y"):
            expected[x < 0] = np.nan
        expected = expected.astype(np.float32)
    got = functions[f"{name}__fp32"](x)
    np.testing.assert_allclose(got, expected, rtol=4e-6, atol=4e-7)
    assert got[x == 0].tolist() == expected[x == 0].tolist()


@pytest.mark.parametrize("order", [-3, 0, 1, 2, 5, 20, 60])
def test_bessel_functions_of_any_order(order, functions):
    x = np.concatenate([np.linspace(-50, 50, 2003), [0.0, -0.0]]).astype(np.float32)
    n = np.full(x.shape, order, np.int32)
    got = functions["jn__int32_fp32"](n, x)
    np.testing.assert_allclose(got, special.jv(order, x.astype(np.float64)), rtol=2e-5, atol=1e-6)
    y = x[x > 0.5]
    got = functions["yn__int32_fp32"](n[: len(y)], y)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            got, special.yn(order, y.astype(np.float64)).astype(np.float32), rtol=2e-4, atol=2e-6
        )


def test_gamma_of_negative_numbers(functions):
    x = np.linspace(-30, -0.01, 4001).astype(np.float32)
    x = x[np.abs(x - np.rint(x)) > 1e-3]
    got = functions["lgamma__fp32"](x)
    np.testing.assert_allclose(got, special.gammaln(x.astype(np.float64)), rtol=2e-6, atol=2e-6)


ROOTS = ["hypot", "rhypot", "norm3d", "rnorm3d", "norm4d", "rnorm4d"]


@pytest.mark.parametrize("name", ROOTS)
def test_lengths(name, functions, rng):
    count = {"hypot": 2, "rhypot": 2, "norm3d": 3, "rnorm3d": 3}.get(name, 4)
    bits = [rng.integers(0, 2**32, 50000, dtype=np.uint32).view(np.float32) for _ in range(count)]
    near = [rng.standard_normal(50000).astype(np.float32) for _ in range(count)]
    corner = np.array(
        list(itertools.product(np.float32([0, -0.0, 1, np.inf, -np.inf, np.nan, 1e-45, 3e38]), repeat=count))
    )
    args = [np.concatenate([b, n, c]) for b, n, c in zip(bits, near, corner.T, strict=True)]
    with np.errstate(all="ignore"):
        length = np.sqrt(sum(a.astype(np.float64) ** 2 for a in args))
        length[np.any([np.isinf(a) for a in args], axis=0)] = np.inf
        expected = 1 / length if name.startswith("r") else length
    got = functions[f"{name}__{'_'.join(['fp32'] * count)}"](*args)
    # A norm with NaN and without infinity is NaN.
    error = units(got, expected)
    worst = int(np.argmax(error))
    assert error[worst] <= 1, ([a[worst] for a in args], got[worst], expected[worst])


PAIRS = {
    "fmod": exactly(
        lambda x, y: math.fmod(x, y) if math.isfinite(x) and y != 0 and not math.isnan(y) else math.nan
    ),
    "remainder": exactly(
        lambda x, y: math.remainder(x, y) if math.isfinite(x) and y != 0 and not math.isnan(y) else math.nan
    ),
    "fdim": lambda x, y: np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(x <= y, 0.0, x - y)),
    "copysign": np.copysign,
    "nextafter": lambda x, y: np.nextafter(x.astype(np.float32), y.astype(np.float32)).astype(np.float64),
}


@pytest.mark.parametrize("name", PAIRS)
def test_exact_functions_of_pairs(name, functions, rng):
    corner = np.float32(
        [0, -0.0, 1, -1, 1.5, np.inf, -np.inf, np.nan, 1e-45, -3e-45, 2e-38, 3.4028235e38, -2e38]
    )
    x, y = (a.ravel() for a in np.meshgrid(corner, corner))
    random = rng.integers(0, 2**32, (2, 20000), dtype=np.uint32).view(np.float32)
    near = rng.standard_normal(20000).astype(np.float32) * 100
    x, y = np.concatenate([x, random[0], near]), np.concatenate([y, random[1], np.roll(near, 1)])
    with np.errstate(all="ignore"):
        expected = PAIRS[name](x.astype(np.float64), y.astype(np.float64)).astype(np.float32)
    got = functions[f"{name}__fp32_fp32"](x, y)
    np.testing.assert_array_equal(got, expected)
    keep = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[keep]), np.signbit(expected[keep]))


def test_powers_of_whole_numbers(functions, rng):
    x = np.concatenate([rng.uniform(-3, 3, 2000), [0.0, -0.0, 1, -1, np.inf, -np.inf]]).astype(np.float32)
    for n in (0, 1, -1, 2, 3, -3, 10, 33, -40, 2**24 + 1, -(2**31), 2**31 - 1):
        with np.errstate(all="ignore"):
            expected = np.power(x.astype(np.float64), float(n))
        got = functions["pow__fp32_int32"](x, np.full(x.shape, n, np.int32))
        assert units(got, expected).max() <= 2, n


@pytest.mark.parametrize("name", ["ldexp", "scalbn"])
def test_scaling_rounds_once(name, functions, rng):
    x = rng.integers(0, 2**32, 100000, dtype=np.uint32).view(np.float32)
    n = rng.integers(-300, 300, x.shape).astype(np.int32)
    n[:50] = np.int32(2**31 - 1)
    n[50:100] = np.int32(-(2**31))
    with np.errstate(all="ignore"):
        expected = np.ldexp(x.astype(np.float64), np.clip(n, -600, 600)).astype(np.float32)
    got = functions[f"{name}__fp32_int32"](x, n)
    np.testing.assert_array_equal(got, expected)


def test_conditions_and_exponents(functions):
    x = every_float(1 << 12)
    for kind, values in (("fp32", x), ("fp64", x.astype(np.float64))):
        np.testing.assert_array_equal(functions[f"isnan__{kind}"](values), np.isnan(x))
        np.testing.assert_array_equal(functions[f"isinf__{kind}"](values), np.isinf(x))
        np.testing.assert_array_equal(functions[f"signbit__{kind}"](values), np.signbit(x))
        got = functions[f"ilogb__{kind}"](values)
        plain = np.isfinite(x) & (x != 0)
        np.testing.assert_array_equal(got[plain], np.frexp(x[plain].astype(np.float64))[1] - 1)
        assert set(got[(x == 0) | np.isnan(x)]) == {-(2**31)} and set(got[np.isinf(x)]) == {2**31 - 1}
    np.testing.assert_array_equal(functions["finitef__fp32"](x), np.isfinite(x))
    np.testing.assert_array_equal(functions["isfinited__fp64"](x.astype(np.float64)), np.isfinite(x))


DOUBLES = {
    "erfcx": special.erfcx,
    "erfinv": special.erfinv,
    "erfcinv": special.erfcinv,
    "normcdf": special.ndtr,
    "normcdfinv": special.ndtri,
    "cyl_bessel_i0": special.i0,
    "cyl_bessel_i1": special.i1,
    "sinpi": special.sinpi if hasattr(special, "sinpi") else lambda x: half_turns(x, 0),
    "cbrt": np.cbrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "lgamma": special.gammaln,
}


@pytest.mark.parametrize("name", DOUBLES)
def test_double(name, functions):
    x = np.concatenate(
        [np.linspace(-0.9999, 0.9999, 2001), np.geomspace(1e-300, 0.1, 500), np.linspace(1, 30, 700)]
    )
    with np.errstate(all="ignore"):
        expected = DOUBLES[name](x)
    got = functions[f"{name}__fp64"](x)
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15 if name in ("lgamma", "sinpi") else 0)


def test_narrow_floats_go_by_way_of_float(functions):
    codes = np.arange(1 << 16, dtype=np.uint16)
    half = codes.view(np.float16)
    with np.errstate(all="ignore"):
        for name, reference in (("erf", special.erf), ("exp", np.exp), ("tanh", np.tanh), ("sqrt", np.sqrt)):
            expected = reference(half.astype(np.float64)).astype(np.float16)
            got = functions[f"{name}__fp16"](half)
            distance = np.abs(got.view(np.int16).astype(int) - expected.view(np.int16))
            assert distance[~np.isnan(expected)].max() <= 1
            np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))


def test_fma_of_narrow_floats_rounds_once(functions, rng):
    bits = rng.integers(0, 2**16, (3, 200000), dtype=np.uint16)
    # Addends that cause near-ties: small ones, which move the sum off the middle of two results.
    bits[2, :100000] = (bits[2, :100000] & 0x80FF) | 0x0100
    wide = [b.view(ml_dtypes.bfloat16).astype(np.float64) for b in bits]
    got = functions["fma__bf16"](*bits).view(ml_dtypes.bfloat16).astype(np.float64)
    for i in rng.integers(0, 200000, 4000):
        a, b, c = (w[i] for w in wide)
        if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
            continue
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        if abs(exact) > 2**120 or (exact != 0 and abs(exact) < Fraction(1, 2**120)):
            continue
        assert got[i] == float(nearest_multiple(exact, 8)), (a, b, c)


def nearest_multiple(exact, bits):
    """A fraction rounded to `bits` of precision, ties to even."""
    if exact == 0:
        return exact
    exponent = math.floor(mpmath.log(abs(exact.numerator), 2) - mpmath.log(exact.denominator, 2))
    while abs(exact) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(exact) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - bits + 1)
    return round(exact / unit) * unit


# ---- rounding modes ----


def order(exact, candidate):
    """The sign of exact - candidate for a candidate that may be infinite."""
    if np.isinf(candidate):
        return -1 if candidate > 0 else 1
    difference = exact - Fraction(float(candidate))
    return (difference > 0) - (difference < 0)


def directed(exact, mode, kind):
    """A fraction other than zero, rounded by mode."""
    try:
        candidate = kind(float(exact))
    except OverflowError:
        candidate = kind(math.inf if exact > 0 else -math.inf)
    if mode == "rz":
        mode = "rd" if exact > 0 else "ru"
    while mode == "rd" and order(exact, candidate) < 0:
        candidate = np.nextafter(candidate, kind(-np.inf))
    while mode == "ru" and order(exact, candidate) > 0:
        candidate = np.nextafter(candidate, kind(np.inf))
    # The nearest number may also be one step too far.
    while mode == "rd" and order(exact, np.nextafter(candidate, kind(np.inf))) >= 0:
        candidate = np.nextafter(candidate, kind(np.inf))
    while mode == "ru" and order(exact, np.nextafter(candidate, kind(-np.inf))) <= 0:
        candidate = np.nextafter(candidate, kind(-np.inf))
    return candidate


ANY_FLOAT = {
    "fp32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "fp64": st.floats(allow_nan=False, allow_infinity=False),
}
OPERATIONS = {
    "add": (2, lambda a, b: a + b),
    "sub": (2, lambda a, b: a - b),
    "mul": (2, lambda a, b: a * b),
    "div": (2, lambda a, b: a / b if b else None),
    "rcp": (1, lambda a: 1 / a if a else None),
    "fma": (3, lambda a, b, c: a * b + c),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", ["rz", "rd", "ru"])
@pytest.mark.parametrize("kind", ["fp32", "fp64"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_directed_rounding(operation, kind, mode, functions):
    count, exact_operation = OPERATIONS[operation]
    call = functions[f"{operation}_{mode}__{'_'.join([kind] * count)}"]
    number = TYPES[kind][0]

    @settings(max_examples=300, deadline=None)
    @given(st.tuples(*[ANY_FLOAT[kind]] * count), st.integers(-3, 3))
    def check(values, shift):
        if shift and count > 1:  # numbers of similar size, for sums that cancel
            values = (*values[:-1], float(np.ldexp(number(values[0]), shift)))
            if not math.isfinite(values[-1]):
                return
        exact = exact_operation(*(Fraction(v) for v in values))
        got = call(*(np.array([v], number) for v in values))[0]
        if exact is None:
            return
        if exact == 0:
            assert got == 0
            if operation in ("add", "fma") and all(v != 0 for v in values):
                assert np.signbit(got) == (mode == "rd")
            return
        expected = directed(exact, mode, number)
        assert got == expected, (values, got, expected)

    check()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", ["rz", "rd", "ru"])
@pytest.mark.parametrize("kind", ["fp32", "fp64"])
def test_directed_square_root(kind, mode, functions, rng):
    integer = np.uint32 if kind == "fp32" else np.uint64
    number = TYPES[kind][0]
    x = rng.integers(0, np.iinfo(integer).max // 2, 2000, dtype=integer).view(number)
    x = np.concatenate(
        [x, rng.integers(1, 50, 50).astype(number) ** 2, x[:100] * number(1e-30) * number(1e-9)]
    )
    x = x[np.isfinite(x) & (x > 0)]
    got = functions[f"sqrt_{mode}__{kind}"](x)
    for value, root in zip(x, got, strict=True):
        exact = Fraction(float(value))
        above = np.nextafter(root, number(np.inf))
        below = np.nextafter(root, number(0))
        if mode == "ru":
            assert Fraction(float(below)) ** 2 < exact <= Fraction(float(root)) ** 2
        else:
            assert Fraction(float(root)) ** 2 <= exact < Fraction(float(above)) ** 2


def test_directed_rounding_of_special_numbers(functions):
    with np.errstate(all="ignore"):
        for mode, kind in itertools.product(("rz", "rd", "ru"), ("fp32", "fp64")):
            number = TYPES[kind][0]
            x, y = (a.ravel() for a in np.meshgrid(*[number([0, -0.0, 1, -2, np.inf, -np.inf, np.nan])] * 2))
            special_result = ~np.isfinite(x) | ~np.isfinite(y)
            for name, reference in (
                ("add", np.add),
                ("sub", np.subtract),
                ("mul", np.multiply),
                ("div", np.divide),
            ):
                got, expected = functions[f"{name}_{mode}__{kind}_{kind}"](x, y), reference(x, y)
                keep = special_result | (x == 0) | (y == 0)
                np.testing.assert_array_equal(got[keep], expected[keep])
            zero = number([0.0])
            minus = -zero
            assert np.signbit(functions[f"add_{mode}__{kind}_{kind}"](zero, minus))[0] == (mode == "rd")
            assert not np.signbit(functions[f"add_{mode}__{kind}_{kind}"](zero, zero))[0]
            assert np.signbit(functions[f"add_{mode}__{kind}_{kind}"](minus, minus))[0]


ROUND = {"rn": np.rint, "rz": np.trunc, "rd": np.floor, "ru": np.ceil}
INTEGERS = {"int": np.int32, "uint": np.uint32, "ll": np.int64, "ull": np.uint64}


@pytest.mark.parametrize("mode", ROUND)
@pytest.mark.parametrize("integer", INTEGERS)
@pytest.mark.parametrize("kind", ["float", "double"])
def test_floats_to_integers(kind, integer, mode, functions, rng):
    number = {"float": np.float32, "double": np.float64}[kind]
    limits = np.iinfo(INTEGERS[integer])
    x = np.concatenate(
        [
            rng.uniform(-100, 100, 500),
            rng.standard_normal(500) * float(limits.max),
            [0.5, 1.5, -0.5, -2.5, np.inf],
        ]
    ).astype(number)
    got = functions[f"{kind}2{integer}_{mode}__{'fp32' if kind == 'float' else 'fp64'}"](x)
    got = got.view(INTEGERS[integer])
    expected = [
        min(max(int(v), limits.min), limits.max) if np.isfinite(v) else limits.max for v in ROUND[mode](x)
    ]
    assert got.tolist() == expected
    nan = functions[f"{kind}2{integer}_{mode}__{'fp32' if kind == 'float' else 'fp64'}"](number([np.nan]))[0]
    assert nan == (0 if "int" in integer else -(2**63))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", ["rn", "rz", "rd", "ru"])
@pytest.mark.parametrize("kind", ["float", "double"])
@pytest.mark.parametrize("integer", INTEGERS)
def test_integers_to_floats(integer, kind, mode, functions, rng):
    source = {"int": "int32", "uint": "uint32", "ll": "int64", "ull": "uint64"}[integer]
    name = f"{integer}2{kind}_{mode}__{source}"
    if name not in functions:  # 32-bit integers are exact in double
        assert kind == "double" and source.endswith("32")
        return
    limits = np.iinfo(INTEGERS[integer])
    x = rng.integers(limits.min, limits.max, 2000, dtype=INTEGERS[integer], endpoint=True)
    x >>= rng.integers(0, limits.bits - 1, 2000).astype(x.dtype)
    x = np.concatenate([x, np.array([limits.min, limits.max, limits.max - 1, 0, 1], x.dtype)])
    number = {"float": np.float32, "double": np.float64}[kind]
    for value, got in zip(x.tolist(), functions[name](x), strict=True):
        expected = number(0) if value == 0 else directed(Fraction(value), mode, number)
        if mode == "rn":
            expected = number(float(nearest_multiple(Fraction(value), 24 if kind == "float" else 53)))
        assert got == expected, value


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", ["rn", "rz", "rd", "ru"])
def test_double_to_float(mode, functions, rng):
    x = rng.standard_normal(2000) * 10.0 ** rng.integers(-46, 40, 2000)
    for value, got in zip(x, functions[f"double2float_{mode}__fp64"](x), strict=True):
        expected = np.float32(value) if mode == "rn" else directed(Fraction(value), mode, np.float32)
        assert got == expected, value


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", ["fp16", "bf16"])
def test_narrowing_toward_zero(kind, functions):
    narrow = np.float16 if kind == "fp16" else ml_dtypes.bfloat16
    x = every_float(1 << 16)
    codes = functions[f"to_{kind}_rtz"](x)
    got = codes.view(narrow).astype(np.float64)
    finite = np.isfinite(x)
    wide = np.abs(x[finite].astype(np.float64))
    size = np.abs(got[finite])
    after = (codes.view(np.uint16)[finite] + 1).astype(np.uint16).view(narrow)
    assert np.all(size <= wide)
    after = np.abs(after.astype(np.float64))
    assert np.all((after > wide) | ~np.isfinite(after))
    np.testing.assert_array_equal(np.signbit(got[finite]), np.signbit(x[finite]))
    np.testing.assert_array_equal(got[np.isinf(x)], x[np.isinf(x)])
    assert np.all(np.isnan(got[np.isnan(x)]))


@pytest.mark.parametrize("kind", ["fp16", "bf16"])
def test_doubles_narrow_in_one_rounding(kind, functions):
    step = 2.0 ** (-11 if kind == "fp16" else -8)
    x = np.array([1 + step + 2.0**-40, 1 + step - 2.0**-40, 1 + 3 * step - 2.0**-40, -1 - step - 2.0**-40])
    narrow = np.float16 if kind == "fp16" else ml_dtypes.bfloat16
    got = functions[f"double_to_{kind}"](x).view(narrow).astype(np.float64)
    assert got.tolist() == [1 + 2 * step, 1, 1 + 2 * step, -1 - 2 * step]
    got = functions[f"double_to_{kind}_rtz"](x).view(narrow).astype(np.float64)
    assert got.tolist() == [1, 1, 1 + 2 * step, -1]


# ---- 8-bit floats ----

CODES = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("kind", ["fp32", "fp16", "bf16", "fp64"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_code_widens_exactly(form, kind, functions):
    values = CODES.view(FORMATS[form]).astype(np.float64)
    got = functions[f"from_{form}_{kind}"](CODES)
    got = (got.view(ml_dtypes.bfloat16) if kind == "bf16" else got).astype(np.float64)
    np.testing.assert_array_equal(got, values)
    keep = ~np.isnan(values)
    np.testing.assert_array_equal(np.signbit(got[keep]), np.signbit(values[keep]))


def narrow_by_search(x, form, toward_zero):
    """The code of each value, by a search in the sorted list of all values of the format."""
    values = CODES[:128].view(FORMATS[form]).astype(np.float64)
    codes = CODES[:128][np.isfinite(values)]
    values = values[np.isfinite(values)]
    size = np.abs(x.astype(np.float64))
    below = np.clip(np.searchsorted(values, size, side="right") - 1, 0, len(values) - 1)
    above = np.minimum(below + 1, len(values) - 1)
    with np.errstate(all="ignore"):
        down, up = size - values[below], values[above] - size
    pick_up = (up < down) | ((up == down) & (codes[below] % 2 == 1))
    chosen = codes[np.where(pick_up & (not toward_zero), above, below)]
    fnuz = form.endswith("FNUZ")
    sign = np.where(np.signbit(x) & ~((chosen == 0) & fnuz), 0x80, 0).astype(np.uint8)
    return np.where(np.isnan(x), np.uint8(0x80) if fnuz else (0x7F | sign).astype(np.uint8), chosen | sign)


@pytest.mark.parametrize("toward_zero", [False, True])
@pytest.mark.parametrize("kind", ["fp32", "fp16", "bf16", "fp64"])
@pytest.mark.parametrize("form", FORMATS)
def test_narrowing(form, kind, toward_zero, functions, rng):
    number = {"fp16": np.float16, "bf16": ml_dtypes.bfloat16}.get(kind, TYPES[kind][0])
    values = CODES.view(FORMATS[form]).astype(np.float64)
    ordered = np.unique(values[np.isfinite(values)])
    middles = (ordered[1:] + ordered[:-1]) / 2
    random = rng.standard_normal(5000) * 2.0 ** rng.integers(-20, 18, 5000)
    x = np.concatenate([ordered, middles, middles * (1 + 2**-20), middles * (1 - 2**-20), random])
    if kind == "fp64":
        x = np.concatenate([x, middles * (1 + 2**-50), middles * (1 - 2**-50), [1e300, -1e-300]])
    x = np.concatenate([x, [np.inf, -np.inf, np.nan, -0.0, 1e30, -1e30, 1e-45]])
    with np.errstate(all="ignore"):
        x = x.astype(number)
    suffix = "_rtz" if toward_zero else ""
    got = functions[f"to_{form}_{kind}{suffix}"](x.view(np.uint16) if kind == "bf16" else x)
    expected = narrow_by_search(x.astype(np.float64), form, toward_zero)
    keep = ~np.isnan(x.astype(np.float64))
    np.testing.assert_array_equal(got[keep], expected[keep])
    assert np.all(np.isnan(got[~keep].view(FORMATS[form]).astype(np.float64)))
    if not toward_zero and kind == "fp32":
        inside = keep & (np.abs(x) <= ordered.max())
        np.testing.assert_array_equal(got[inside], x[inside].astype(FORMATS[form]).view(np.uint8))


# ---- integers ----


def signed(value, bits):
    value &= 2**bits - 1
    return value - 2**bits if value >> (bits - 1) else value


@given(*[st.integers(-(2**63), 2**63 - 1)] * 2)
@settings(max_examples=300, deadline=None)
def check_integers(functions, a, b):
    def call(name, kind, *values):
        dtype = TYPES[kind][0]
        bits = np.iinfo(dtype).bits
        wrap = [signed(v, bits) if np.iinfo(dtype).min else v % 2**bits for v in values]
        return int(
            functions[f"{name}__{'_'.join([kind] * len(values))}"](*(np.array([v], dtype) for v in wrap))[0]
        )

    for bits in (32, 64):
        x, y = signed(a, bits), signed(b, bits)
        u, v = x % 2**bits, y % 2**bits
        assert call("mulhi", f"int{bits}", x, y) == (x * y) >> bits
        assert call("umulhi", f"uint{bits}", u, v) == (u * v) >> bits
        assert call("popc", f"int{bits}", x) == u.bit_count()
        assert call("clz", f"int{bits}", x) == bits - u.bit_length()
        assert call("ffs", f"int{bits}", x) == (u & -u).bit_length()
        assert call("brev", f"int{bits}", x) == signed(int(f"{u:0{bits}b}"[::-1], 2), bits)
        assert call("abs", f"int{bits}", x) == signed(abs(x), bits)
    x, y = signed(a, 32), signed(b, 32)
    assert call("hadd", "int32", x, y) == (x + y) >> 1
    assert call("rhadd", "int32", x, y) == (x + y + 1) >> 1
    u, v = x % 2**32, y % 2**32
    assert call("uhadd", "uint32", u, v) == (u + v) >> 1
    assert call("urhadd", "uint32", u, v) == (u + v + 1) >> 1
    assert call("mul24", "int32", x, y) == signed(signed(x, 24) * signed(y, 24), 32)
    assert call("umul24", "uint32", u, v) == (u % 2**24) * (v % 2**24) % 2**32
    assert call("usad", "uint32", u, v, u) == (abs(u - v) + u) % 2**32
    got = functions["sad__int32_int32_uint32"](np.int32([x]), np.int32([y]), np.uint32([u]))[0]
    assert int(got) % 2**32 == (abs(x - y) + u) % 2**32


def test_integers(functions):
    check_integers(functions)


def test_byte_perm(functions, rng):
    x, y, s = rng.integers(-(2**31), 2**31, (3, 500)).astype(np.int32)
    got = functions["byte_perm__int32_int32_int32"](x, y, s)
    for a, b, selectors, value in zip(x.tolist(), y.tolist(), s.tolist(), got.tolist(), strict=True):
        source = (a % 2**32).to_bytes(4, "little") + (b % 2**32).to_bytes(4, "little")
        picked = []
        for i in range(4):
            selector = selectors >> (4 * i) & 15
            byte = source[selector & 7]
            picked.append((255 if byte & 128 else 0) if selector & 8 else byte)
        assert value % 2**32 == int.from_bytes(picked, "little")


def test_bits_as_another_type(functions):
    x = np.array([1.5, -0.0, np.pi, 1e300])
    low, high = functions["double2loint__fp64"](x), functions["double2hiint__fp64"](x)
    np.testing.assert_array_equal(functions["hiloint2double__int32_int32"](high, low), x)
    np.testing.assert_array_equal(functions["double_as_longlong__fp64"](x), x.view(np.int64))
    f = x[:3].astype(np.float32)
    np.testing.assert_array_equal(functions["float_as_int__fp32"](f), f.view(np.int32))
    np.testing.assert_allclose(functions["rcp64h__fp64"](x[[0, 2]]), 1 / x[[0, 2]], rtol=2e-6)


# ---- atomics ----


@pytest.mark.parametrize("flavour", ["cpu", "metal"])
def test_atomics_lose_nothing(flavour, tmp_path):
    """With the CPU's own operations, and with Metal's as the headers of the CPU device implement them."""
    extra = ["-DTM_HAS_DOUBLE", "-DTM_HAS_ATOMIC64"] if flavour == "cpu" else ["-DTM_TEST_METAL_TEXT"]
    library = build(
        HERE / "atomics.cpp", tmp_path / "atomics.so", *extra, str(HERE / "threads.cpp"), "-pthread"
    )
    library.check_atomics.restype = ctypes.c_int
    results = [library.check_atomics(case) for case in range(10 if flavour == "cpu" else 8)]
    assert results == [0] * len(results), [hex(r) for r in results]


# ---- functions of the CPU's Metal standard library ----


def test_accuracy_of_vector_math(tmp_path):
    program = tmp_path / "accuracy"
    command = [clang(), "-O2", *flags(), str(HERE / "accuracy.cpp"), "-o", str(program), "-pthread"]
    subprocess.run(command, check=True, capture_output=True)
    text = subprocess.run([program, "all", "2053"], check=True, capture_output=True, text=True).stdout
    errors = {line.split()[0]: float(line.split()[1]) for line in text.splitlines()}
    assert len(errors) == 25
    assert {name: error for name, error in errors.items() if error > 1.6} == {}


@pytest.mark.parametrize("machine", ["native", "x86-64-v3", "aarch64"])
def test_lane_loops_become_vector_code(machine, tmp_path):
    source = HERE / "loops.cpp"
    target = ["--target=aarch64-linux-gnu"] if machine == "aarch64" else [f"-march={machine}"]
    options = ["-std=c++20", "-O3", "-ffp-contract=off", "-fno-math-errno", "-nostdinc", "-I", str(SHIM)]
    done = subprocess.run(
        [
            clang(),
            *options,
            *target,
            "-Rpass=loop-vectorize",
            "-S",
            str(source),
            "-o",
            str(tmp_path / "loops.s"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = source.read_text().splitlines()
    wanted = {i for i, line in enumerate(lines, 1) if re.match(r"(ONE|TWO)\(", line)}
    found = {int(n) for n in re.findall(r"loops\.cpp:(\d+):\d+: remark: vectorized loop", done.stderr)}
    assert wanted <= found, [lines[i - 1] for i in wanted - found]
