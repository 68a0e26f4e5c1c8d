# SPDX-License-Identifier: MIT
"""libdevice functions, with special values, against references computed in float64.

A function that the mlx engine lacks is refused by name. The list of those may only shrink.
"""

import importlib.util
import math
import os

import numpy as np
import pytest
import torch

from triton_metal.backend import libdevice
from triton_metal.errors import UnsupportedError

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    1e-30,
    -1e-30,
    1e30,
    -1e30,
    math.inf,
    -math.inf,
    math.nan,
]


def floats(low=-4.0, high=4.0, special=True):
    random = np.random.default_rng(7).uniform(low, high, 200)
    return np.concatenate([random, SPECIAL if special else []]).astype(np.float32)


def on_torch(function):
    return lambda *args: function(*(torch.from_numpy(a.astype(np.float64)) for a in args)).numpy()


def each(function):
    """Applies a function of Python to every element; NaN where it is undefined."""

    def call(*args):
        result = []
        for values in zip(*(a.astype(np.float64).tolist() for a in args), strict=True):
            try:
                result.append(function(*values))
            except (ValueError, OverflowError):
                result.append(math.nan)
        return np.array(result)

    return call


UNARY = {
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "nearbyint": np.rint,
    "round": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "abs": np.abs,
    "sqrt": np.sqrt,
    "sqrt_rn": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "rsqrt_rn": lambda x: 1 / np.sqrt(x),
    "cbrt": np.cbrt,
    "rcbrt": lambda x: 1 / np.cbrt(x),
    "rcp_rn": lambda x: 1 / x,
    "exp": np.exp,
    "exp2": np.exp2,
    "exp10": lambda x: np.power(10.0, x),
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": on_torch(torch.erf),
    "erfc": on_torch(torch.erfc),
    "erfinv": on_torch(torch.erfinv),
    "normcdf": on_torch(torch.special.ndtr),
    "sinpi": on_torch(lambda x: torch.sin(math.pi * torch.remainder(x, 2))),
    "cospi": on_torch(lambda x: torch.cos(math.pi * torch.remainder(x, 2))),
    "saturatef": lambda x: np.where(np.isnan(x), 0.0, np.clip(x, 0.0, 1.0)),
    "isnan": np.isnan,
    "isinf": np.isinf,
    "finitef": np.isfinite,
    "signbit": np.signbit,
    "lgamma": on_torch(torch.lgamma),
    "tgamma": each(math.gamma),
    "j0": on_torch(torch.special.bessel_j0),
    "j1": on_torch(torch.special.bessel_j1),
    "y0": on_torch(torch.special.bessel_y0),
    "y1": on_torch(torch.special.bessel_y1),
    "cyl_bessel_i0": on_torch(torch.special.i0),
    "cyl_bessel_i1": on_torch(torch.special.i1),
    "erfcx": on_torch(torch.special.erfcx),
    "normcdfinv": on_torch(torch.special.ndtri),
    "erfcinv": on_torch(lambda x: torch.erfinv(1 - x)),
    "ilogb": lambda x: np.floor(np.log2(np.abs(x))),
    "logb": lambda x: np.floor(np.log2(np.abs(x))),
    "fast_sinf": np.sin,
    "fast_cosf": np.cos,
    "fast_tanf": np.tan,
    "fast_expf": np.exp,
    "fast_logf": np.log,
    "fast_log2f": np.log2,
    "fast_log10f": np.log10,
    "fast_exp10f": lambda x: np.power(10.0, x),
    "fast_tanhf": np.tanh,
}

BINARY = {
    "atan2": np.arctan2,
    "copysign": np.copysign,
    "fmod": np.fmod,
    "hypot": np.hypot,
    "fdim": lambda x, y: np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(x <= y, 0.0, x - y)),
    "rhypot": lambda x, y: 1 / np.hypot(x, y),
    "pow": np.power,
    "remainder": each(math.remainder),
    "nextafter": lambda x, y: np.nextafter(x.astype(np.float32), y.astype(np.float32)).astype(np.float64),
    "add_rn": np.add,
    "sub_rn": np.subtract,
    "mul_rn": np.multiply,
    "div_rn": np.divide,
    "fast_dividef": np.divide,
    "fast_powf": np.power,
}

# The mlx engine does not have these yet.
REFUSED = {
    "lgamma",
    "tgamma",
    "j0",
    "j1",
    "y0",
    "y1",
    "cyl_bessel_i0",
    "cyl_bessel_i1",
    "erfcx",
    "erfcinv",
    "normcdfinv",
    "ilogb",
    "logb",
    "nextafter",
    "remainder",
}

INTEGERS = {
    "popc": lambda x: np.bitwise_count(x.view(np.uint32)),
    "clz": lambda x: np.array([32 - int(v).bit_length() for v in x.view(np.uint32)]),
    "ffs": lambda x: np.array([(int(v) & -int(v)).bit_length() for v in x.view(np.uint32)]),
    "abs": np.abs,
}

TEMPLATE = """
import triton, triton.language as tl
from triton.language.extra import libdevice

@triton.jit
def kernel({pointers}, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
{loads}
    tl.store(out_ptr + offsets, libdevice.{name}({values}), mask=mask)
"""


@pytest.fixture
def call(tmp_path):
    def run(name, *arrays, result=np.float32):
        count = len(arrays)
        text = TEMPLATE.format(
            name=name,
            pointers=", ".join(f"p{i}" for i in range(count)),
            values=", ".join(f"x{i}" for i in range(count)),
            loads="\n".join(f"    x{i} = tl.load(p{i} + offsets, mask=mask)" for i in range(count)),
        )
        path = tmp_path / f"kernel_{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        n = len(arrays[0])
        out = np.zeros(n, result)
        module.kernel[(-(-n // 128),)](*arrays, out, n, BLOCK=128)
        return out

    return run


def check(name, call, reference, *arrays):
    refused = name in REFUSED
    if refused and os.environ.get("TRITON_METAL_ENGINE") == "mlx":
        with pytest.raises(UnsupportedError, match=f"__tm_{name}"):
            call(name, *arrays)
        return
    with np.errstate(all="ignore"):
        expected = np.asarray(reference(*(a.astype(np.float64) for a in arrays)), np.float64).astype(
            np.float32
        )
    got = call(name, *arrays)
    if refused:
        # Only the msl engine has these. test_kernel_headers.py bounds their errors and tests
        # poles and infinities.
        ordinary = np.isfinite(expected) & np.isfinite(got)
        assert ordinary.sum() >= 8
        np.testing.assert_allclose(got[ordinary], expected[ordinary], rtol=3e-5, atol=1e-6)
        return
    np.testing.assert_allclose(got, expected, rtol=3e-6, atol=1e-6 if name in WIDE else 1e-37)
    exact_zero = (expected == 0) & (got == 0)
    if name in SIGNED_ZERO:
        np.testing.assert_array_equal(np.signbit(got[exact_zero]), np.signbit(expected[exact_zero]))


# These lose relative precision near their zeros on every GPU.
WIDE = {"sin", "cos", "tan", "fast_sinf", "fast_cosf", "fast_tanf", "sinpi", "cospi", "log", "log2", "log10"}
WIDE |= {"fast_logf", "fast_log2f", "fast_log10f", "acosh", "fmod"}
SIGNED_ZERO = {
    "floor",
    "ceil",
    "trunc",
    "rint",
    "nearbyint",
    "round",
    "abs",
    "sqrt",
    "copysign",
    "asin",
}
SIGNED_ZERO |= {"atan", "sinh", "tanh", "asinh", "atanh", "erf", "cbrt", "expm1", "log1p", "fmod"}


@pytest.mark.parametrize("name", UNARY)
def test_unary(name, call):
    x = floats()
    # Reducing an angle of 1e30 takes more precision than float32 has, so engines may differ.
    if name in {"sin", "cos", "tan", "fast_sinf", "fast_cosf", "fast_tanf"}:
        x = x[~(np.abs(x) > 1e6)]
    check(name, call, UNARY[name], x)


@pytest.mark.parametrize("name", BINARY)
def test_binary(name, call):
    values = floats(special=False)
    x, y = (a.ravel() for a in np.meshgrid(np.float32(SPECIAL), np.float32(SPECIAL)))
    x, y = np.concatenate([x, values]), np.concatenate([y, np.roll(values, 1)])
    if name in {"fmod", "remainder"}:
        # The quotient of the two must fit a single division.
        near = ~(np.abs(x) > 1e20) | ~np.isfinite(x)
        x, y = x[near], y[near]
    if name.startswith("fast_"):
        finite = (
            np.isfinite(x) & np.isfinite(y) & (np.abs(x) < 1e10) & (np.abs(y) < 1e10) & (np.abs(y) > 1e-10)
        )
        if name == "fast_powf":
            finite &= x > 1e-10
        x, y = x[finite], y[finite]
    check(name, call, BINARY[name], x, y)


@pytest.mark.parametrize("name", INTEGERS)
def test_integers(name, call):
    x = np.concatenate([np.random.default_rng(3).integers(-(2**31), 2**31, 100), [0, 1, -1, 2**31 - 1, 16]])
    x = x.astype(np.int32)
    np.testing.assert_array_equal(call(name, x, result=np.int32), INTEGERS[name](x))


@pytest.mark.parametrize("kind", [np.int32, np.uint32, np.int64, np.uint64])
def test_high_half_of_a_product(kind, call):
    info = np.iinfo(kind)
    rng = np.random.default_rng(5)
    x = np.concatenate(
        [rng.integers(info.min, info.max, 100, kind), np.array([0, 1, info.min, info.max], kind)]
    )
    y = np.concatenate(
        [
            rng.integers(info.min, info.max, 100, kind),
            np.array([info.max, info.max, info.min, info.max], kind),
        ]
    )
    expected = [(int(a) * int(b)) >> info.bits for a, b in zip(x, y, strict=True)]
    np.testing.assert_array_equal(call("mulhi", x, y, result=kind), np.array(expected, kind))


@pytest.mark.parametrize(
    "name, rounding",
    [
        ("float2int_rn", np.rint),
        ("float2int_rz", np.trunc),
        ("float2int_rd", np.floor),
        ("float2int_ru", np.ceil),
    ],
)
def test_rounding_to_integers(name, rounding, call):
    x = floats(-1000, 1000, special=False)
    np.testing.assert_array_equal(call(name, x, result=np.int32), rounding(x).astype(np.int32))


def test_bits(call):
    x = floats()
    np.testing.assert_array_equal(call("float_as_int", x, result=np.int32), x.view(np.int32))
    np.testing.assert_array_equal(call("int_as_float", x.view(np.int32)).view(np.int32), x.view(np.int32))


@pytest.mark.parametrize("exponent", [-140, -126, -20, 0, 1, 20, 120, 140])
def test_scaling_by_a_power_of_two(exponent, call):
    x = np.array([0.0, -0.0, 1.0, -1.5, 1e-30, 1e30, math.inf, math.nan], np.float32)
    with np.errstate(over="ignore"):
        expected = np.ldexp(x, exponent)
    got = call("ldexp", x, np.full(len(x), exponent, np.int32))
    np.testing.assert_array_equal(got, expected)


def test_fused_multiply_add(call):
    rng = np.random.default_rng(11)
    x, y = (rng.uniform(-2, 2, 500).astype(np.float32) for _ in range(2))
    z = -(x * y)
    # The product of two float32 is exact in float64, so the result is the rounding error that fma keeps.
    expected = (x.astype(np.float64) * y + z).astype(np.float32)
    np.testing.assert_array_equal(call("fma", x, y, z), expected)


def test_every_function_runs_or_is_refused_by_name(call):
    kinds = {
        "fp32": np.float32,
        "int32": np.int32,
        "int64": np.int64,
        "uint32": np.uint32,
        "uint64": np.uint64,
    }
    kinds |= {"fp64": np.float64, "int1": np.bool_}
    refused = []
    for name, overloads in libdevice.FUNCTIONS.items():
        types, (symbol, returned) = next(iter(overloads.items()))
        arrays = [np.ones(16, kinds[str(ty)]) for ty in types]
        try:
            call(name, *arrays, result=kinds[str(returned)])
        except UnsupportedError as error:
            assert symbol in str(error) or name in str(error)
            refused.append(name)
    assert len(refused) < len(libdevice.FUNCTIONS) / 2
