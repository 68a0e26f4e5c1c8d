# SPDX-License-Identifier: MIT
"""How the backend is chosen, and what `import triton` costs because of it."""

import pytest

PRINT_BACKEND = """
import triton
print(triton.runtime.driver.active.get_current_target().backend)
"""

# Another active backend, like NVIDIA's on a machine with its GPU.
WITH_OTHER = """
import os, triton
from triton.backends import backends, Backend
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase

class OtherDriver(DriverBase):
    @classmethod
    def is_active(cls): return True
    def map_python_to_cpp_type(self, ty): return ty
    def get_current_target(self): return GPUTarget("other", 1, 32)
    def get_active_torch_device(self): return None
    def get_benchmarker(self): return None

metal = backends["metal"]
backends.clear()
for name in {order}:
    backends[name] = metal if name == "metal" else Backend(metal.compiler, OtherDriver)
{then}
print(triton.runtime.driver.active.get_current_target().backend)
"""

ORDERS = (["metal", "other"], ["other", "metal"])


@pytest.fixture(params=ORDERS, ids=lambda order: order[0] + " first")
def with_other(request):
    return lambda then="": WITH_OTHER.format(order=request.param, then=then)


def test_chosen_before_the_import(run_python):
    result = run_python(PRINT_BACKEND, TRITON_BACKEND="metal")
    assert result.stdout.strip() == "metal", result.stderr


def test_chosen_after_the_import(run_python):
    source = PRINT_BACKEND.replace(
        "import triton", "import os, triton\nos.environ['TRITON_BACKEND'] = 'metal'"
    )
    result = run_python(source)
    assert result.stdout.strip() == "metal", result.stderr


def test_chosen_by_tritons_own_variable(run_python):
    result = run_python(PRINT_BACKEND, TRITON_DEFAULT_BACKEND="metal")
    assert result.stdout.strip() == "metal", result.stderr


def test_active_by_itself_where_nothing_else_is(run_python):
    source = PRINT_BACKEND.replace(
        "import triton",
        "import triton\nfrom triton.backends import backends\n"
        "for name in list(backends):\n    if name != 'metal': del backends[name]",
    )
    result = run_python(source)
    assert result.stdout.strip() == "metal", result.stderr


def test_leaves_the_machine_to_another_active_backend(run_python, with_other):
    result = run_python(with_other())
    assert result.stdout.strip() == "other", result.stderr


def test_inactive_when_another_backend_is_named(run_python, with_other):
    result = run_python(with_other(), TRITON_BACKEND="other")
    assert result.stdout.strip() == "other", result.stderr


def test_not_active_when_only_another_backend_is_named(run_python):
    result = run_python(PRINT_BACKEND, TRITON_BACKEND="other", TRITON_DEFAULT_BACKEND="metal")
    assert result.returncode != 0
    assert "'metal' is not active" in result.stderr


def test_wins_over_another_active_backend_when_chosen_before_the_import(run_python, with_other):
    result = run_python(with_other(), TRITON_BACKEND="metal")
    assert result.stdout.strip() == "metal", result.stderr


def test_wins_by_tritons_own_variable(run_python, with_other):
    result = run_python(with_other(), TRITON_DEFAULT_BACKEND="metal")
    assert result.stdout.strip() == "metal", result.stderr


def test_says_what_to_do_when_chosen_too_late_for_two_backends(run_python, with_other):
    then = """
os.environ["TRITON_BACKEND"] = "metal"
try:
    triton.runtime.driver.active
except RuntimeError as error:
    print(error)
os.environ["TRITON_DEFAULT_BACKEND"] = "metal"
"""
    result = run_python(with_other(then))
    message, backend = result.stdout.strip().splitlines()
    assert "set TRITON_DEFAULT_BACKEND=metal" in message
    assert "other" in message
    assert backend == "metal"


def test_two_plugins_that_ask_each_other_do_not_recurse(run_python):
    source = WITH_OTHER.replace(
        "def is_active(cls): return True",
        "def is_active(cls): return not any("
        "b.driver.is_active() for b in backends.values() if b.driver is not cls)",
    ).format(order=ORDERS[0], then="")
    result = run_python(source, TRITON_BACKEND="metal")
    assert result.stdout.strip() == "metal", result.stderr


@pytest.mark.parametrize("version", ["3.8.1", "3.10.0", "4.0.0", "3.90.0"])
def test_other_triton_versions_are_refused_by_name(monkeypatch, version):
    import triton
    from triton.backends.compiler import GPUTarget

    from triton_metal.backend.compiler import MetalBackend
    from triton_metal.backend.driver import MetalDriver
    from triton_metal.errors import UnsupportedError

    monkeypatch.setattr(triton, "__version__", version)
    for construct in (MetalDriver, lambda: MetalBackend(GPUTarget("metal", "host", 32))):
        with pytest.raises(UnsupportedError, match=rf"Triton {version}.*3\.9"):
            construct()


@pytest.mark.parametrize("version", ["3.9.0", "3.9.1", "3.9.0+git1234"])
def test_supported_triton_versions(monkeypatch, version):
    import triton

    from triton_metal.backend.driver import MetalDriver

    monkeypatch.setattr(triton, "__version__", version)
    assert MetalDriver().get_current_target().backend == "metal"


def test_import_triton_loads_nothing_heavy(run_python):
    result = run_python(
        "import sys, triton\n"
        "print([m for m in ('triton_metal._core', 'mlx.core', 'torch', 'rich') if m in sys.modules])",
        TRITON_BACKEND="metal",
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_works_without_torch(run_python):
    source = """
import sys

class NoTorch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'")

sys.meta_path.insert(0, NoTorch)
import numpy as np
import triton, triton.language as tl

@triton.jit
def double(x_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n) * 2, mask=offsets < n)

x = np.arange(100, dtype=np.float32)
double[(1,)](x, 100, BLOCK=128)
assert (x == 2 * np.arange(100)).all()
print(triton.testing.do_bench(lambda: double[(1,)](x, 100, BLOCK=128), warmup=1, rep=1) > 0)
"""
    result = run_python(source, TRITON_BACKEND="metal")
    assert result.stdout.strip() == "True", result.stderr


def test_exactly_one_backend_and_driver_class():
    """Triton refuses a plug-in with two of either."""
    from triton.backends import _find_concrete_subclasses
    from triton.backends.compiler import BaseBackend
    from triton.backends.driver import DriverBase

    from triton_metal.backend import compiler, driver

    assert _find_concrete_subclasses(compiler, BaseBackend) is compiler.MetalBackend
    assert _find_concrete_subclasses(driver, DriverBase) is driver.MetalDriver
