"""One distribution is built once, and installed into empty environments."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.parts import Distribution, EmptyEnvironment, copy_sources, run


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """A source distribution, and the wheel built from that and from nothing else."""
    folder = tmp_path_factory.mktemp("distribution")
    sources = copy_sources(folder / "sources")
    output = folder / "output"
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", output, sources),
        folder=folder,
    )
    (source,) = output.glob("*.tar.gz")
    (wheel,) = output.glob("*.whl")
    return Distribution(source, wheel)


@pytest.fixture
def empty_environment(tmp_path: Path) -> EmptyEnvironment:
    """An environment that has never seen this project."""
    folder = tmp_path / "environment"
    run(sys.executable, "-m", "venv", folder, folder=tmp_path)
    return EmptyEnvironment(folder)


@pytest.fixture
def sources(tmp_path: Path) -> Callable[[], Path]:
    """A copy of the sources that a test may change."""
    return lambda: copy_sources(tmp_path / "sources")
