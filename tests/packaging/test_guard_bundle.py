"""One file brings the guard into a lane whose image has none, or an old one."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launchplane_lane_guard import bundle_main
from launchplane_lane_guard.bundle_main import PREFIX, unpack, write
from tests.guard.child import run_program
from tests.guard.doors import FOLDER
from tests.guard.estate import Estate
from tests.packaging.pythons import VERSIONS, find_python
from tests.real import PrivateCluster
from tests.real.environment import environment_for_pip

pytestmark = pytest.mark.slow

HOST = Path(sys.executable).with_name("lane-authority")
PLATFORM = f"manylinux_2_28_{os.uname().machine}"
EACH_PYTHON = pytest.mark.parametrize("version", VERSIONS)
SECONDS_TO_UNPACK = 60


@dataclass(frozen=True)
class Made:
    """A bundle, the Python that it is for, and what the host said of it."""

    python: Path
    path: Path
    said: dict[str, object]

    @property
    def program(self) -> tuple[str, ...]:
        """How it is run."""
        return (str(self.python), str(self.path))

    def unpack(self, folder: Path, *names: str) -> Path:
        """Install what it holds into a folder; with names, the wheels of these alone."""
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.path) as archive:
            if not names:
                unpack(archive, folder)
            for wheel in archive.namelist():
                if wheel.startswith(tuple(f"wheels/{name}-" for name in names)):
                    (folder / Path(wheel).name).write_bytes(archive.read(wheel))
                    with zipfile.ZipFile(folder / Path(wheel).name) as content:
                        content.extractall(folder)
        return folder


def host(*arguments: str | Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run `lane-authority` on the host."""
    return subprocess.run(
        [str(HOST), *map(str, arguments)],
        env={**environment_for_pip(), **changed},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Makes one bundle for each Python, once."""
    folder = tmp_path_factory.mktemp("bundles")
    made: dict[str, Made] = {}

    def bundle(version: str) -> Made:
        python = find_python(version)
        if python is None:
            pytest.skip(f"there is no Python {version} on this machine, so it was not tried")
        if version not in made:
            path = folder / f"guard-{version}.pyz"
            done = host(
                *("guard-bundle", "--python", version, "--platform", PLATFORM),
                *("--output", path, "--json"),
            )
            assert done.returncode == 0, done.stderr
            made[version] = Made(python, path, json.loads(done.stdout))
        return made[version]

    return bundle


@pytest.fixture(scope="module")
def cluster() -> Iterator[PrivateCluster]:
    """A private server for the lanes of these tests."""
    with PrivateCluster() as private:
        yield private


@pytest.fixture
def lane(cluster: PrivateCluster, tmp_path: Path) -> Iterator[Estate]:
    """An enrolled lane."""
    made = Estate(cluster, tmp_path / "lane", "lane", cluster.odoo).make().enrol()
    yield made
    for (name,) in cluster.execute("SELECT datname FROM pg_database WHERE datname LIKE 'lane%'"):
        cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
        cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def environment_with(made: Made, folder: Path, *wheels: str) -> Path:
    """A virtual environment in which nothing but these wheels is installed; its Python."""
    subprocess.run([made.python, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    if wheels:
        made.unpack(packages, *wheels)
    return folder / "bin" / "python"


def installed(python: Path) -> set[str]:
    """What can be imported in an environment, of all that the guard needs."""
    code = (
        "import importlib.util as util, json\n"
        "names = ('jwt', 'cryptography', 'psycopg2', 'pydantic', 'launchplane_lane_contracts')\n"
        "print(json.dumps([name for name in names if util.find_spec(name)]))"
    )
    told = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(told.stdout))


WHEELS = (
    *("psycopg2_binary", "pydantic", "pydantic_core"),
    *("annotated_types", "typing_extensions", "typing_inspection"),
)
ENVIRONMENTS = {
    "nothing": ((), set()),
    "what the devkit's scripts have": (WHEELS, {"psycopg2", "pydantic"}),
}


@pytest.mark.parametrize(
    ("version", "has"),
    [
        ("3.11", "nothing"),
        ("3.13", "what the devkit's scripts have"),
        pytest.param("3.13", "nothing", marks=pytest.mark.full),
        pytest.param("3.11", "what the devkit's scripts have", marks=pytest.mark.full),
    ],
)
def test_a_whole_rebuild_by_the_bundle(
    bundles: Callable[[str], Made], lane: Estate, tmp_path: Path, version: str, has: str
) -> None:
    made = bundles(version)
    wheels, importable = ENVIRONMENTS[has]
    python = environment_with(made, tmp_path / "environment", *wheels)
    assert installed(python) == importable
    program, environment = (str(python), str(made.path)), lane.environment()
    shown = run_program(["show"], b"", environment, program)
    assert shown.exit_code == 0, shown.words
    assert shown.receipt is not None
    assert shown.receipt.reading is not None
    assert shown.receipt.reading.database.marker_row == lane.show().database.marker_row
    permit, old = lane.permit(), lane.data()
    token = lane.sign(permit).encode()
    begun = run_program(["begin", "--order", "-"], token, environment, program)
    assert begun.exit_code == 0, begun.words
    assert begun.receipt is not None
    assert begun.receipt.nonce == permit.nonce
    assert lane.kept_data(permit.kept_name).rows == old.rows
    again = run_program(["begin", "--order", "-"], token, environment, program)
    assert (again.exit_code, again.codes) == (50, {"permit_already_begun"})
    lane.materialise()
    finished = run_program(["finish", "--order", "-"], token, environment, program)
    assert finished.exit_code == 0, finished.words
    order = lane.sign(lane.undo_order(permit)).encode()
    undone = run_program(["undo", "--order", "-"], order, environment, program)
    assert undone.exit_code == 0, undone.words
    assert lane.data() == old


@EACH_PYTHON
def test_the_folder_runs_on_each_python(
    bundles: Callable[[str], Made], lane: Estate, tmp_path: Path, version: str
) -> None:
    made = bundles(version)
    python = environment_with(made, tmp_path / "environment")
    path = made.unpack(tmp_path / "installed")
    environment = lane.environment(PYTHONPATH=str(path))
    answer = run_program(["show"], b"", environment, (str(python), str(FOLDER)))
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    assert answer.receipt.reading.database.marker_row == lane.show().database.marker_row
    bare = run_program(["show"], b"", lane.environment(), (str(python), str(FOLDER)))
    assert bare.exit_code == 51
    assert "cryptography" in bare.words


def test_another_python_is_told(bundles: Callable[[str], Made], lane: Estate) -> None:
    oldest, newest = (bundles(version) for version in VERSIONS)
    for made, other in ((oldest, newest), (newest, oldest)):
        answer = run_program(["show"], b"", lane.environment(), (str(other.python), str(made.path)))
        assert answer.exit_code == 51
        assert "This guard bundle is for Python" in answer.words
        assert "lane-authority guard-bundle" in answer.words
        assert "Traceback" not in answer.words


def test_the_same_wheels_give_the_same_bytes_without_the_network(
    bundles: Callable[[str], Made], tmp_path: Path
) -> None:
    made = bundles(VERSIONS[0])
    content = made.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == made.said["sha256"]
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(made.path) as archive:
        for name in archive.namelist():
            if name.startswith("wheels/"):
                (wheels / Path(name).name).write_bytes(archive.read(name))
    again = tmp_path / "again.pyz"
    done = host(
        *("guard-bundle", "--python", VERSIONS[0], "--platform", PLATFORM),
        *("--output", again, "--wheels", wheels),
        PIP_INDEX_URL="http://127.0.0.1:1/simple",
    )
    assert done.returncode == 0, done.stderr
    assert str(made.said["sha256"]) in done.stdout
    assert again.read_bytes() == content


@pytest.mark.parametrize("offline", [True, False])
def test_without_wheels_it_says_what_is_missing(tmp_path: Path, offline: bool) -> None:
    output, empty = tmp_path / "guard.pyz", tmp_path / "empty"
    empty.mkdir()
    done = host(
        *("guard-bundle", "--python", "3.13", "--platform", PLATFORM, "--output", output),
        *(() if offline else ("--wheels", empty)),
        PIP_INDEX_URL="http://127.0.0.1:1/simple",
    )
    assert done.returncode == 51, done.stdout
    assert "--wheels" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("python", "platform"),
    [
        ("3.13", "linux"),
        ("3.13", "win_amd64"),
        ("3.13", "manylinux_2_28"),
        ("3", PLATFORM),
        ("3.10", PLATFORM),
        ("2.7", PLATFORM),
        ("three", PLATFORM),
    ],
)
def test_a_target_that_makes_no_sense(tmp_path: Path, python: str, platform: str) -> None:
    output = tmp_path / "guard.pyz"
    done = host("guard-bundle", "--python", python, "--platform", platform, "--output", output)
    assert done.returncode == 2, done.stderr
    assert not output.exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    output = tmp_path / "nowhere" / "guard.pyz"
    done = host("guard-bundle", "--python", "3.13", "--platform", PLATFORM, "--output", output)
    assert done.returncode == 2, done.stderr
    assert "nowhere" in done.stderr


def blocked(made: Made, lane: Estate, temporary: Path) -> subprocess.Popen[bytes]:
    """A bundle that has unpacked itself and waits for its order."""
    before = set(temporary.iterdir())
    running = subprocess.Popen(
        [*made.program, "begin", "--order", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=lane.environment(TMPDIR=str(temporary)),
    )
    limit = time.monotonic() + SECONDS_TO_UNPACK
    while time.monotonic() < limit:
        made_now = set(temporary.iterdir()) - before
        if any((folder / "launchplane_lane_guard").is_dir() for folder in made_now):
            return running
        time.sleep(0.02)
    pytest.fail("the bundle did not unpack itself")


def test_its_folder_is_private_and_none_is_left(
    bundles: Callable[[str], Made], lane: Estate, tmp_path: Path
) -> None:
    made, temporary = bundles(VERSIONS[0]), tmp_path / "temporary"
    temporary.mkdir()
    killed = blocked(made, lane, temporary)
    (left,) = temporary.iterdir()
    assert left.name.startswith(PREFIX)
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.exists()
    in_use = blocked(made, lane, temporary)
    (used,) = temporary.iterdir()
    assert used != left
    # One more, which goes as it came, leaves the other's folder alone.
    environment = lane.environment(TMPDIR=str(temporary))
    answer = run_program(["show"], b"", environment, made.program)
    assert answer.exit_code == 0, answer.words
    assert list(temporary.iterdir()) == [used]
    in_use.communicate(b"")
    assert in_use.returncode == 2
    assert list(temporary.iterdir()) == []


def test_no_room_is_told(bundles: Callable[[str], Made], lane: Estate, tmp_path: Path) -> None:
    made = bundles(VERSIONS[0])
    code = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"sys.argv = [{str(made.path)!r}, 'show']\n"
        f"runpy.run_path({str(made.path)!r}, run_name='__main__')"
    )
    environment = lane.environment(TMPDIR=str(tmp_path))
    answer = run_program([], b"", environment, (str(made.python), "-c", code))
    assert answer.exit_code == 51, answer.words
    assert "TMPDIR" in answer.words
    assert "Traceback" not in answer.words
    assert not list(tmp_path.glob(f"{PREFIX}*"))


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(OSError, match="no name for a file"):
        write(folder, name, b"content")
    assert list(tmp_path.rglob("*")) == [folder]


def test_an_unfit_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {
        "python": list(sys.version_info[:2]),
        "platform": "manylinux_2_5_here",
        "machine": os.uname().machine,
        "glibc": [2, 5],
    }
    assert not bundle_main.unsuitable(here)
    assert "machine" in bundle_main.unsuitable({**here, "machine": "vax"})
    assert "glibc" in bundle_main.unsuitable({**here, "glibc": [99, 0]})
    assert "has glibc" in bundle_main.unsuitable({**here, "glibc": None})
    monkeypatch.setattr(os, "confstr", lambda _name: None)
    assert "no glibc" in bundle_main.unsuitable(here)
    assert not bundle_main.unsuitable({**here, "glibc": None})
