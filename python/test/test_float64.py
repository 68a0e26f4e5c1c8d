# SPDX-License-Identifier: MIT
"""f64 on chips without double: the header's functions, and kernels for a chip that run on the CPU device."""

import platform
import re
import subprocess

import ml_dtypes
import mpmath
import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from kernel_library import HERE, TYPES, build, caller, clang, flags, wrapper
from shim import types
from triton.backends.compiler import GPUTarget
from triton.language.extra import libdevice
from triton.runtime import driver as runtime_driver

from triton_metal.backend.driver import MetalDriver
from triton_metal.backend.libdevice import SYMBOLS
from triton_metal.errors import UnsupportedError

# ---- the header ----


def header_program(folder, *more):
    program = folder / "float64"
    command = [clang(), "-O2", *flags(), "-DTM_HAS_DOUBLE", *more, str(HERE / "float64.cpp")]
    done = subprocess.run([*command, "-o", str(program), "-lm"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return program


def differences(program, count, seed):
    text = subprocess.run(
        [program, str(count), str(seed)], capture_output=True, text=True, check=False
    ).stdout
    lines = [line.split() for line in text.splitlines()]
    assert sum(len(line) == 3 for line in lines) >= 120, text[-2000:]
    return [line for line in lines if len(line) != 3 or line[2] != "0"]


@pytest.mark.parametrize("flavour", ["cpu", "metal"])
def test_exact_operations(flavour, tmp_path):
    more = ["-DTM_TEST_METAL_TEXT"] if flavour == "metal" else []
    if platform.machine() == "x86_64":
        more.append("-mno-avx512bf16")  # its conversions of the reference flush subnormal numbers
    assert differences(header_program(tmp_path, *more), 10_000, 1) == []


@pytest.mark.long
def test_exact_operations_on_many_operands(tmp_path):
    assert differences(header_program(tmp_path), 20_000_000, 2) == []


def test_header_follows_the_rules_of_metal():
    text = "#include <triton_metal.h>\n#include <triton_metal/float64_math.h>\n"
    assert types.errors(text) == []
    wrong = text + "kernel void k(device tm::float64 *p [[buffer(0)]]) { p[0] = p[1] + 1.0; }\n"
    assert types.errors(wrong)


def scaled_erfc(x):
    if x < 1e5:
        return mpmath.exp(x * x) * mpmath.erfc(x)
    u = 1 / (2 * x * x)
    return (1 - u + 3 * u**2 - 15 * u**3) / (x * mpmath.sqrt(mpmath.pi))


REFERENCES = {
    **{f: getattr(mpmath, f) for f in ("exp", "expm1", "log", "log10", "log1p")},
    **{
        f: getattr(mpmath, f)
        for f in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinpi", "cospi")
    },
    **{f: getattr(mpmath, f) for f in ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")},
    **{f: getattr(mpmath, f) for f in ("erf", "erfc", "hypot")},
    "exp2": lambda x: mpmath.power(2, x),
    "exp10": lambda x: mpmath.power(10, x),
    "log2": lambda x: mpmath.log(x, 2),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "rcbrt": lambda x: mpmath.sign(x) / mpmath.cbrt(abs(x)),
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "rhypot": lambda x, y: 1 / mpmath.hypot(x, y),
    "norm3d": lambda x, y, z: mpmath.sqrt(x * x + y * y + z * z),
    "rnorm3d": lambda x, y, z: 1 / mpmath.sqrt(x * x + y * y + z * z),
    "norm4d": lambda x, y, z, w: mpmath.sqrt(x * x + y * y + z * z + w * w),
    "rnorm4d": lambda x, y, z, w: 1 / mpmath.sqrt(x * x + y * y + z * z + w * w),
    "erfcx": scaled_erfc,
    "normcdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "pow": mpmath.power,
}
NOT_IN_SOFTWARE = (
    *("cyl_bessel_i0", "cyl_bessel_i1", "j0", "j1", "jn", "y0", "y1", "yn"),
    *("lgamma", "tgamma", "erfinv", "erfcinv", "normcdfinv"),
)


def library_uses():
    """(name of the wrapper, function, argument types, result type) of all functions of f64 in libdevice."""
    for symbol, uses in SYMBOLS.items():
        for use in uses:
            arguments, result = re.fullmatch(r"\((.*)\) -> (.*)", use).groups()
            arguments = arguments.split(", ")
            name = symbol.removeprefix("__tm_")
            if "fp64" in [*arguments, result] and name not in NOT_IN_SOFTWARE:
                yield f"{name}__{'_'.join(arguments)}", name, arguments, result


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Each function of libdevice: (argument types, the one of double, the one of float64)."""
    folder = tmp_path_factory.mktemp("float64")
    text = "#include <triton_metal.h>\n#include <triton_metal/float64_math.h>\n"
    for wrapped, name, arguments, result in library_uses():
        text += wrapper(wrapped, f"tm::{name}", arguments, result)
        suffix = "" if "fp64" in arguments else "_float64"
        pointers = [f"const {'ulong' if t == 'fp64' else TYPES[t][1]} *p{i}" for i, t in enumerate(arguments)]
        values = ", ".join(
            f"tm::float64{{p{i}[i]}}" if t == "fp64" else f"p{i}[i]" for i, t in enumerate(arguments)
        )
        stored, bits = ("ulong", ".bits") if result == "fp64" else (TYPES[result][1], "")
        text += (
            f'extern "C" void soft_{wrapped}(long n, {stored} *out, {", ".join(pointers)}) {{\n'
            f"  for (long i = 0; i < n; ++i)\n    out[i] = tm::{name}{suffix}({values}){bits};\n}}\n"
        )
    (folder / "functions.cpp").write_text(text)
    library = build(folder / "functions.cpp", folder / "functions.so", "-DTM_HAS_DOUBLE", "-O1")
    return {
        wrapped: (
            arguments,
            caller(library, wrapped, arguments, result),
            caller(library, f"soft_{wrapped}", arguments, result),
        )
        for wrapped, _, arguments, result in library_uses()
    }


def sample(rng, n, kind):
    """Operands of all sizes, and those near which functions are hard."""
    if kind != "fp64":
        limits = np.iinfo(TYPES[kind][0])
        small = rng.integers(-40 if limits.min else 0, 40, n).astype(TYPES[kind][0])
        return np.where(rng.random(n) < 0.7, small, rng.integers(limits.min, limits.max, n, TYPES[kind][0]))
    x = rng.standard_normal(n) * 10.0 ** rng.integers(-3, 3, n)
    for part, values in enumerate(
        (
            rng.integers(0, 2**64, n, np.uint64).view(np.float64),
            1 + rng.standard_normal(n) * 2.0 ** -rng.integers(0, 53, n).astype(float),
            np.nextafter(rng.integers(1, 10**6, n) * (np.pi / 2), rng.choice([-np.inf, np.inf], n)),
            rng.integers(-2000, 2000, n) * 0.25,
        )
    ):
        x[part::8] = values[part::8]
    return x


def ulps(got, want):
    """Of the exact result, which must be an ordinary number."""
    exponent = max(int(mpmath.floor(mpmath.log(abs(want), 2))), -1022)
    return abs(mpmath.mpf(float(got)) - want) / mpmath.mpf(2) ** (exponent - 52)


def largest_error(functions, name, rng, n):
    arguments, native, soft = functions[name]
    columns = [sample(rng, n, kind) for kind in arguments]
    with np.errstate(all="ignore"):
        got, near = soft(*columns), native(*columns)
    if name.startswith("erfcx"):  # that of double gives NaN where e^(x^2) overflows
        near = np.where(columns[0] < -27, np.inf, near)
    # The other results: a NaN, infinity or zero where the native function has one.
    assert np.array_equal(np.isnan(got), np.isnan(near)), columns
    special = np.isinf(near) | (near == 0)
    hard = special & ~same_bits_each(got, near)
    # Where it overflows or underflows, a native function may be wrong by an ulp.
    assert all(abs(v) < 1e-322 or abs(v) > 1.79e308 for v in got[hard]), (got[hard], near[hard])
    worst = 0
    with mpmath.workprec(240):
        for i in np.flatnonzero(np.isfinite(got) & (got != 0) & ~special):
            exact = REFERENCES[name.split("__")[0]](*(mpmath.mpf(c[i].item()) for c in columns))
            worst = max(worst, ulps(got[i], mpmath.re(exact)))
    return float(worst)


ELEMENTARY = [wrapped for wrapped, name, *_ in library_uses() if name in REFERENCES]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions(name, functions, rng):
    assert largest_error(functions, name, rng, 240) < 0.6


@pytest.mark.long
@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions_on_many_operands(name, functions, rng):
    assert largest_error(functions, name, rng, 8_000) < 0.6


# The values where the functions are, or seem, exact.
@pytest.mark.parametrize(
    "name,arguments,want",
    [
        ("exp2__fp64", np.arange(-1074.0, 1024.0), 2.0 ** np.arange(-1074.0, 1024.0)),
        ("exp10__fp64", np.arange(23.0), np.array([float(10**k) for k in range(23)])),
        ("log2__fp64", 2.0 ** np.arange(-1074.0, 1024.0), np.arange(-1074.0, 1024.0)),
        ("log10__fp64", np.array([float(10**k) for k in range(23)]), np.arange(23.0)),
        ("cbrt__fp64", np.arange(-500.0, 500.0) ** 3, np.arange(-500.0, 500.0)),
        ("sinpi__fp64", np.arange(8.0) / 2, np.array([0.0, 1, 0, -1, 0, 1, 0, -1])),
        ("cospi__fp64", np.arange(8.0) / 2, np.array([1.0, 0, -1, 0, 1, 0, -1, 0])),
    ],
)
def test_exact_results(name, arguments, want, functions):
    assert same_bits(functions[name][2](arguments), want)


def test_all_functions_of_libdevice(functions, rng):
    """Those with a rounding mode and those of bits have the results of double; float64.cpp has more."""
    assert len(functions) > 100
    for name, (arguments, native, soft) in functions.items():
        if name in ELEMENTARY:
            continue
        columns = [sample(rng, 2000, kind) for kind in arguments]
        got, want = soft(*columns), native(*columns)
        if name.startswith("ll"):  # open where the integer type has no such number
            inside = ~(abs(columns[0]) >= 2.0**63) if columns[0].dtype.kind == "f" else slice(None)
            got, want = got[inside], want[inside]
        if name.startswith("remainder"):
            got, want = got + 0.0, want + 0.0  # the C library's zeros may have the wrong sign
        assert same_bits(got, want), name


CALL = """
tt.func public @calls(%p: !tt.ptr<f64>, %n: i32, %x: f64) {{
  %y = tt.extern_elementwise {operands} {{libname = "", libpath = "", pure = true, symbol = "__tm_{name}"}} :
    ({types}) -> f64 loc("user.py":7:3)
  tt.store %p, %y : !tt.ptr<f64>
  tt.return
}}
"""


@pytest.mark.parametrize("name", NOT_IN_SOFTWARE)
def test_other_functions_are_refused(name, tmp_path):
    operands, types = ("%n, %x", "i32, f64") if name in ("jn", "yn") else ("%x", "f64")
    (tmp_path / "calls.ttir").write_text(CALL.format(name=name, operands=operands, types=types))
    with pytest.raises(UnsupportedError, match=rf"user\.py:7.*'{name}' is not computed for f64"):
        triton.compile(str(tmp_path / "calls.ttir"), target=GPUTarget("metal", "m3", 32))


# ---- kernels ----


@pytest.fixture
def on_arch(monkeypatch):
    """Runs a kernel for a hardware profile, and returns the compiled kernel."""
    before = runtime_driver.active
    monkeypatch.setenv("TRITON_METAL_ENGINE", "auto")
    monkeypatch.setenv("TRITON_METAL_FLOAT64_NOTICE", "0")

    def run(arch, kernel, *arguments, grid=(1,), **options):
        monkeypatch.setenv("TRITON_METAL_ARCH", arch)
        runtime_driver.set_active(MetalDriver())
        kernel.device_caches.clear()  # they remember the target
        compiled = kernel[grid](*arguments, **options)
        kernel.device_caches.clear()
        return compiled

    yield run
    runtime_driver.set_active(before)


def run_both(on_arch, kernel, arguments, results, rtol=0.0, **options):
    """The results of a kernel for an M3, after checking that one for a device with double gives the same
    bits (or values close to them), and that its text follows Metal's rules."""
    out = {}
    for arch in ("m3", "host"):
        given = [torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in arguments]
        compiled = on_arch(arch, kernel, *given, **options)
        assert compiled.metadata.chosen_engine == "msl"
        text = compiled.asm["msl"]
        assert ("tm::float64" in text) == (arch == "m3") and bool(re.search(r"\bdouble\b", text)) == (
            arch == "host"
        )
        if arch == "m3":
            assert types.errors(text) == []
        out[arch] = [given[i].numpy() for i in results]
    for soft, native in zip(out["m3"], out["host"], strict=True):
        if rtol:
            np.testing.assert_allclose(soft, native, rtol)
        else:
            assert same_bits(soft, native)
    return out["m3"]


def same_bits(a, b):
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    numbers = ~(np.isnan(a) & np.isnan(b))
    return np.array_equal(a[numbers].view(f"i{a.itemsize}"), b[numbers].view(f"i{b.itemsize}"))


def same_bits_each(a, b):
    return (a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b))


def operands(rng, n):
    special = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        np.inf,
        -np.inf,
        np.nan,
        5e-324,
        -2.5,
        2.2e-308,
        1.7e308,
        0.1,
        1e300,
        2**53 + 2,
    ]
    x = rng.standard_normal(n) * 10.0 ** rng.integers(-9, 9, n)
    y = rng.standard_normal(n) * 10.0 ** rng.integers(-9, 9, n)
    pairs = np.array(np.meshgrid(special, special)).reshape(2, -1)
    x[: pairs.shape[1]], y[: pairs.shape[1]] = pairs
    return x, y


@triton.jit
def arithmetic(x_ptr, y_ptr, out_ptr, s: tl.float64, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    y = tl.load(y_ptr + i, mask=i < n, other=1.0)
    tl.store(out_ptr + i, x + y, mask=i < n)
    tl.store(out_ptr + n + i, x - y, mask=i < n)
    tl.store(out_ptr + 2 * n + i, x * y, mask=i < n)
    tl.store(out_ptr + 3 * n + i, x / y, mask=i < n)
    tl.store(out_ptr + 4 * n + i, tl.fma(x, y, s), mask=i < n)
    tl.store(out_ptr + 5 * n + i, tl.sqrt(x), mask=i < n)
    tl.store(out_ptr + 6 * n + i, x % y, mask=i < n)
    tl.store(out_ptr + 7 * n + i, tl.maximum(x, y, tl.PropagateNan.ALL), mask=i < n)
    tl.store(out_ptr + 8 * n + i, tl.where(x < y, -x, tl.abs(y)), mask=i < n)
    tl.store(out_ptr + 9 * n + i, tl.floor(x) + tl.ceil(y), mask=i < n)
    tl.store(out_ptr + 10 * n + i, tl.clamp(x, -0.1, 1e3), mask=i < n)


def test_arithmetic(on_arch, rng):
    n = 1000
    x, y = operands(rng, n)
    out = np.zeros((11, n))
    (got,) = run_both(on_arch, arithmetic, [x, y, out, 0.1, n], [2], grid=(4,), B=256, enable_fp_fusion=False)
    with np.errstate(all="ignore"):
        wanted = [x + y, x - y, x * y, x / y, None, np.sqrt(x), np.fmod(x, y), np.maximum(x, y)]
        wanted += [np.where(x < y, -x, abs(y)), np.floor(x) + np.ceil(y)]
    for row, want in enumerate(wanted):
        if want is not None:
            assert same_bits(got[row] + 0.0 if row == 7 else got[row], want + 0.0 if row == 7 else want), row


CASTS = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
}


@triton.jit
def cast_there_and_back(
    x_ptr, bits_ptr, back_ptr, n, KIND: tl.constexpr, STORED: tl.constexpr, B: tl.constexpr
):
    i = tl.arange(0, B)
    narrow = tl.load(x_ptr + i, mask=i < n).to(KIND)
    tl.store(bits_ptr + i, narrow.to(STORED, bitcast=True), mask=i < n)
    tl.store(back_ptr + i, narrow.to(tl.float64), mask=i < n)


@pytest.mark.parametrize("kind", CASTS)
def test_casts(kind, on_arch, rng):
    x, _ = operands(rng, 1000)
    is_float = "float" in kind
    width = np.dtype(CASTS[kind]).itemsize
    if is_float:  # midpoints between neighbours, and just beside them
        x[:500] = rng.standard_normal(500).astype(np.float32).astype(CASTS[kind]).astype(np.float64)
        x[:500] *= 1 + 2.0 ** -(12 if kind == "float16" else 9 if kind == "bfloat16" else 25)
        x[250:500] = np.nextafter(x[250:500], np.inf)
    bits, back = np.zeros(1000, f"i{width}"), np.zeros(1000)
    got, returned = run_both(
        on_arch,
        cast_there_and_back,
        [x, bits, back, 1000],
        [1, 2],
        KIND=getattr(tl, kind),
        STORED=tl.dtype(f"int{8 * width}"),
        B=1024,
    )
    with np.errstate(all="ignore"):
        if is_float:
            want = x.astype(CASTS[kind])
            assert same_bits(got.view(CASTS[kind]).astype(np.float64), want.astype(np.float64))
            assert same_bits(returned, want.astype(np.float64))
            return
        limits = np.iinfo(CASTS[kind])
        inside = (x > float(limits.min) - 1) & (x < float(limits.max))
        want = np.trunc(x[inside]).astype(CASTS[kind])
        assert np.array_equal(got.view(CASTS[kind])[inside], want)
        assert same_bits(returned[inside], want.astype(np.float64))
        assert (got.view(CASTS[kind])[x == np.inf] == limits.max).all() and (got[np.isnan(x)] == 0).all()


def nearest(kind, x):
    """Rounded once, saturating: ml_dtypes goes through float32 and rounds twice."""
    values = np.arange(128, dtype=np.uint8).view(kind).astype(np.float64)
    values = values[np.isfinite(values)]
    above = np.clip(np.searchsorted(values, x), 1, len(values) - 1)
    middle = (values[above - 1] + values[above]) / 2
    up = (x > middle) | ((x == middle) & (above % 2 == 0))
    return np.where(up, values[above], values[above - 1])


@triton.jit
def float8_casts(x_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, x.to(tl.float8e5).to(tl.float64))
    tl.store(out_ptr + B + i, x.to(tl.float8e4nv).to(tl.float64))


def test_casts_to_float8(on_arch, rng):
    x = rng.standard_normal(1024) * 2.0 ** rng.integers(-12, 8, 1024)
    x[:256] = np.arange(256) / 16 * (1 + 2**-40)  # beside midpoints
    (got,) = run_both(on_arch, float8_casts, [x, np.zeros((2, 1024))], [1], B=1024)
    for row, kind in enumerate((ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn)):
        assert same_bits(got[row], np.copysign(nearest(kind, abs(x)), x))


@triton.jit
def reductions(x_ptr, sum_ptr, max_ptr, at_ptr, scan_ptr, sorted_ptr, M: tl.constexpr, N: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    x = tl.load(x_ptr + at)
    tl.store(sum_ptr + tl.arange(0, M), tl.sum(x, 1))
    tl.store(max_ptr + tl.arange(0, M), tl.max(x, 1))
    tl.store(at_ptr + tl.arange(0, N), tl.argmin(x, 0))
    tl.store(scan_ptr + at, tl.cumsum(x, 1))
    tl.store(sorted_ptr + at, tl.sort(x, 1))


@pytest.mark.parametrize("warps", [1, 4])
def test_reductions_scans_sorts(warps, on_arch, rng):
    x = rng.standard_normal((8, 32))
    zeros = [np.zeros(8), np.zeros(8), np.zeros(32, np.int32), np.zeros((8, 32)), np.zeros((8, 32))]
    total, largest, at, scan, ordered = run_both(
        on_arch, reductions, [x, *zeros], [1, 2, 3, 4, 5], M=8, N=32, num_warps=warps
    )
    np.testing.assert_allclose(total, x.sum(1), rtol=1e-13)
    assert np.array_equal(largest, x.max(1)) and np.array_equal(at, x.argmin(0))
    np.testing.assert_allclose(scan, x.cumsum(1), rtol=0, atol=1e-13)
    assert np.array_equal(ordered, np.sort(x, 1))


@triton.jit
def products(a_ptr, b_ptr, c_ptr, t_ptr, K, B: tl.constexpr):
    i = tl.arange(0, B)[:, None]
    j = tl.arange(0, B)[None, :]
    total = tl.zeros((B, B), tl.float64)
    for k in range(0, K, B):
        a = tl.load(a_ptr + i * K + k + j)
        total = tl.dot(a, tl.load(b_ptr + (k + i) * B + j), total, out_dtype=tl.float64)
    tl.store(c_ptr + i * B + j, total)
    tl.store(t_ptr + i * B + j, tl.trans(total))


def test_products(on_arch, rng):
    a, b = rng.standard_normal((16, 64)), rng.standard_normal((64, 16))
    c, t = run_both(on_arch, products, [a, b, np.zeros((16, 16)), np.zeros((16, 16)), 64], [2, 3], B=16)
    np.testing.assert_allclose(c, a @ b, rtol=1e-12, atol=1e-13)
    assert np.array_equal(c.T, t)


@triton.jit
def moves(x_ptr, at_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x, at = tl.load(x_ptr + i), tl.load(at_ptr + i)
    taken = tl.gather(x, at, 0)
    high, low = tl.split(tl.reshape(tl.flip(taken, 0), (B // 2, 2)))
    bits = tl.join(high, low).to(tl.int64, bitcast=True) ^ 1
    both = tl.reshape(bits.to(tl.float64, bitcast=True), (B,))
    largest = x_ptr + tl.argmax(x, 0)
    while tl.load(largest) > 0.5:
        tl.store(largest, tl.load(largest) * 0.5)
    tl.debug_barrier()
    tl.store(out_ptr + i, both)


def test_gathers_shapes_and_loops(on_arch, rng):
    x, at = rng.standard_normal(128), rng.integers(0, 128, 128).astype(np.int32)
    got, changed = run_both(on_arch, moves, [x, at, np.zeros(128)], [2, 0], B=128)
    assert np.array_equal(got.view(np.int64), x[at][::-1].copy().view(np.int64) ^ 1)
    largest = x.argmax()
    while x[largest] > 0.5:
        x[largest] *= 0.5
    assert np.array_equal(changed, x)


@triton.jit
def mathematics(x_ptr, out_ptr, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, tl.exp(x))
    tl.store(out_ptr + B + i, tl.log(tl.abs(x)))
    tl.store(out_ptr + 2 * B + i, tl.sin(x) * tl.cos(x))
    tl.store(out_ptr + 3 * B + i, tl.exp2(x) + tl.log2(tl.abs(x)))
    tl.store(out_ptr + 4 * B + i, tl.erf(x))
    tl.store(out_ptr + 5 * B + i, tl.rsqrt(tl.abs(x)))
    tl.store(out_ptr + 6 * B + i, tl.sigmoid(x))
    tl.store(out_ptr + 7 * B + i, libdevice.tanh(x))
    tl.store(out_ptr + 8 * B + i, libdevice.pow(tl.abs(x), x))
    tl.store(out_ptr + 9 * B + i, libdevice.atan2(x, x + 1))
    tl.store(out_ptr + 10 * B + i, libdevice.add_rd(x, x) + libdevice.ll2double_ru(libdevice.llrint(x)))


def test_mathematics(on_arch, rng):
    x = rng.standard_normal(256) * 5
    (got,) = run_both(on_arch, mathematics, [x, np.zeros((11, 256))], [1], rtol=2e-15, B=256)
    for row, want in ((0, np.exp(x)), (1, np.log(abs(x))), (5, 1 / np.sqrt(abs(x))), (7, np.tanh(x))):
        np.testing.assert_allclose(got[row], want, 1e-15)


@triton.jit
def softmax(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + tl.program_id(0) * n + i, mask=i < n, other=-float("inf"))
    e = tl.exp(x - tl.max(x, 0))
    tl.store(out_ptr + tl.program_id(0) * n + i, e / tl.sum(e, 0), mask=i < n)


def test_softmax(on_arch, rng):
    x = rng.standard_normal((4, 200)) * 10
    (got,) = run_both(on_arch, softmax, [x, np.zeros_like(x), 200], [1], rtol=2e-15, grid=(4,), B=256)
    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(got, e / e.sum(1, keepdims=True), 5e-15)


@triton.jit
def layer_norm(x_ptr, w_ptr, b_ptr, out_ptr, n, eps: tl.float64, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + tl.program_id(0) * n + i, mask=i < n, other=0.0)
    mean = tl.sum(x, 0) / n
    centred = tl.where(i < n, x - mean, 0.0)
    scale = 1 / tl.sqrt(tl.sum(centred * centred, 0) / n + eps)
    y = centred * scale * tl.load(w_ptr + i, mask=i < n) + tl.load(b_ptr + i, mask=i < n)
    tl.store(out_ptr + tl.program_id(0) * n + i, y, mask=i < n)


def test_layer_norm(on_arch, rng):
    x, w, b = rng.standard_normal((4, 200)), rng.standard_normal(200), rng.standard_normal(200)
    (got,) = run_both(on_arch, layer_norm, [x, w, b, np.zeros_like(x), 200, 1e-9], [3], grid=(4,), B=256)
    want = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-9) * w + b
    np.testing.assert_allclose(got, want, 1e-11, 1e-14)


@triton.jit
def printing(x_ptr):
    tl.device_print("x", tl.load(x_ptr) + 0.1)


def test_print(on_arch, capsys):
    on_arch("m3", printing, torch.tensor([2.0], dtype=torch.float64))
    assert "x: 2.1" in capsys.readouterr().out


@triton.jit
def checked(x_ptr, out_ptr, n, B: tl.constexpr):
    i = tl.arange(0, B)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, (x * 2).to(tl.int32), mask=i < n)
    tl.store(out_ptr + B, tl.sum(tl.where(i < n, x, 0.0), 0).to(tl.int32))


@pytest.mark.parametrize("mode", ["address", "thread", "undefined"])
def test_check_modes(mode, on_arch):
    x, out = torch.arange(50, dtype=torch.float64), torch.zeros(65, dtype=torch.int32)
    on_arch("m3", checked, x, out, 50, B=64, sanitize=mode)
    assert out[:50].tolist() == [2 * i for i in range(50)] and out[64] == 1225


@pytest.mark.parametrize(
    "mode,n,message", [("address", 60, "x_ptr"), ("undefined", 50, "integer type cannot hold")]
)
def test_check_modes_find_faults(mode, n, message, on_arch):
    x, out = torch.full((50,), 1e300, dtype=torch.float64), torch.zeros(65, dtype=torch.int32)
    with pytest.raises(Exception, match=rf"test_float64\.py:\d+.*{message}"):
        on_arch("m3", checked, x, out, n, B=64, sanitize=mode)


# ---- what is refused, and the notice ----


@triton.jit
def adds_atomically(x_ptr):
    tl.atomic_add(x_ptr, 1.0)


def test_atomics_are_refused(on_arch):
    with pytest.raises(UnsupportedError, match=r"test_float64\.py:\d+.*f64"):
        on_arch("m3", adds_atomically, torch.zeros(1, dtype=torch.float64))


NOTICE = """
import torch, triton, triton.language as tl

@triton.jit
def halves(x_ptr, out_ptr):
    i = tl.arange(0, 8)
    x = tl.load(x_ptr + i)
    tl.store(out_ptr + i, x * 0.5)

for kind in (torch.float32, torch.float64, torch.float64):
    out = torch.zeros(8, dtype=kind)
    halves[(1,)](torch.ones(8, dtype=kind), out, num_warps=2 if kind == torch.float32 else 4)
    assert out.tolist() == [0.5] * 8
"""


@pytest.mark.parametrize("wanted", [True, False])
def test_notice_of_the_cost(wanted, run_python):
    done = run_python(
        NOTICE,
        TRITON_BACKEND="metal",
        TRITON_METAL_ARCH="m3",
        **({} if wanted else {"TRITON_METAL_FLOAT64_NOTICE": "0"}),
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\[f64\] .*program\.py:8, halves:", done.stderr)) == int(wanted), done.stderr
