# SPDX-License-Identifier: MIT
"""Common set-up: chooses the backend before Triton is imported, separates the caches, fixes the seeds."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# This run has caches of its own, which all its processes share.
_own_caches = []
for variable in ("TRITON_CACHE_DIR", "TRITON_METAL_CACHE_DIR"):
    if variable not in os.environ:
        os.environ[variable] = tempfile.mkdtemp(prefix="triton-metal-test-")
        _own_caches.append(os.environ[variable])
if os.environ.get("TRITON_INTERPRET") != "1":
    os.environ.setdefault("TRITON_BACKEND", "metal")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np  # noqa: E402
import pytest  # noqa: E402

# Modules whose tests run once on each engine.
ON_BOTH_ENGINES = ("test_language_", "test_hazards", "test_memory", "test_backend_libdevice_values")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=("both", "msl", "mlx"),
        default="both",
        help="the engine of the tests that run on each",
    )
    parser.addoption("--long", action="store_true", help="also run the tests that are marked long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in set(long)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not metafunc.module.__name__.startswith(ON_BOTH_ENGINES) or "engine" not in metafunc.fixturenames:
        return
    if any("engine" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")):
        return
    chosen = metafunc.config.getoption("--engine")
    engines = ("msl", "mlx") if chosen == "both" else (chosen,)
    metafunc.parametrize("engine", engines, indirect=True, scope="module")


@pytest.fixture(autouse=True, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine of all launches in a test."""
    wanted = getattr(request, "param", None)
    if wanted is None or os.environ.get("TRITON_INTERPRET") == "1":
        yield "auto"
        return
    before = os.environ.get("TRITON_METAL_ENGINE")
    os.environ["TRITON_METAL_ENGINE"] = wanted
    forget_compiled_kernels()
    yield wanted
    if before is None:
        del os.environ["TRITON_METAL_ENGINE"]
    else:
        os.environ["TRITON_METAL_ENGINE"] = before
    forget_compiled_kernels()


@pytest.fixture
def mlx_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs the launches of this test on the mlx engine."""
    yield from _only(monkeypatch, "mlx")


@pytest.fixture
def msl_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs the launches of this test on the msl engine."""
    yield from _only(monkeypatch, "msl")


def _only(monkeypatch: pytest.MonkeyPatch, engine: str) -> Iterator[None]:
    monkeypatch.setenv("TRITON_METAL_ENGINE", engine)
    forget_compiled_kernels()
    yield
    monkeypatch.undo()
    forget_compiled_kernels()


def forget_compiled_kernels() -> None:
    """Needed after a change of the environment, which Triton reads only when it compiles a kernel."""
    from triton_metal.backend.triton_internals import forget_compiled_kernels as forget

    forget()


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1234)


def pytest_unconfigure() -> None:
    for folder in _own_caches:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for one test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRITON_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def run_python(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess]]:
    """Runs a program in a process of its own: `run_python(source, NAME="value")`. Of the variables that
    choose a backend, only those given are set."""

    def run(source: str, **environment: str) -> subprocess.CompletedProcess:
        script = tmp_path / "program.py"
        script.write_text(source)
        chosen = ("TRITON_BACKEND", "TRITON_DEFAULT_BACKEND")
        env = {name: value for name, value in os.environ.items() if name not in chosen}
        env["TRITON_CACHE_DIR"] = str(tmp_path / "cache")
        return subprocess.run(
            [sys.executable, str(script)],
            env={**env, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    yield run
