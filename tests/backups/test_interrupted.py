"""Killed, without room, without its server: nothing runs on, nothing fills the disk, and again."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launchplane_lane_guard.backups_folder import read_backup
from launchplane_lane_guard.settings import SCRATCH_PREFIX
from tests.backups.conftest import Standing
from tests.backups.forging import copy_of
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused
from tests.guard.steps import held_before, steps_of
from tests.guard.volumes import full, root_only, small_volume

SECONDS_TO_END = 20.0
FEW = 5
"""How many steps of each command are killed where not all are."""


def command_for(what: str, standing: Standing, backups: Path) -> str:
    """One command of the guard, with its place for backups."""
    if what == "capture":
        return f"capture --workers 1 --backups {backups}"
    name = copy_of(standing.backup, backups).folder.name
    return f"prove --workers 1 --backups {backups} {name}"


def processes_at(folder: Path) -> list[str]:
    """Every process that has the folder in its words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in words:
                found.append(words)
    return found


def sessions(lane: Estate) -> int:
    """How many sessions of the guard or of its programs are left."""
    ((count,),) = lane.cluster.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lane-authority-guard'"
    )
    return int(count)


def until_nothing_runs(lane: Estate, backups: Path) -> None:
    """Wait for the end of all that was started; a test that waits in vain has failed."""
    limit = time.monotonic() + SECONDS_TO_END
    while sessions(lane) or processes_at(backups):
        assert time.monotonic() < limit, (sessions(lane), processes_at(backups))
        time.sleep(0.02)


def complete(backups: Path) -> list[Path]:
    """The backups in a folder, each of them whole."""
    found = [each for each in backups.iterdir() if not each.name.startswith(".")]
    for each in found:
        read_backup(each)
        for file in read_backup(each).manifest.dump.files:
            content = (each / "database" / file.name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file.sha256
    return found


def nothing_is_left(lane: Estate, backups: Path) -> None:
    """No half-made folder and no scratch database."""
    assert not [*backups.glob(".partial-*")]
    assert not [
        name for name in fingerprint.databases(lane.cluster) if name.startswith(SCRATCH_PREFIX)
    ]


@contextmanager
def unharmed(lane: Estate) -> Iterator[None]:
    """The lane's rows and files are the same afterwards."""
    before = lane.data()
    yield
    assert lane.data() == before


def kill_at(lane: Estate, command: str, backups: Path, number: int) -> str:
    """Kill a command before one of its steps; the step."""
    held = held_before(lane, command, "", number, reads=True)
    held.kill()
    until_nothing_runs(lane, backups)
    complete(backups)
    return held.step


@pytest.mark.slow
@pytest.mark.parametrize("what", ["capture", "prove"])
def test_killed_at_steps_all_over_it(standing: Standing, backups: Path, what: str) -> None:
    lane, command = standing.lane, command_for(what, standing, backups)
    with unharmed(lane):
        number = len(steps_of(lane, command, "", reads=True))
        for part in range(FEW):
            assert kill_at(lane, command, backups, number * part // FEW)
        assert lane.run(command).exit_code == 0
        nothing_is_left(lane, backups)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", ["capture", "prove"])
def test_killed_at_every_step(standing: Standing, backups: Path, what: str) -> None:
    lane, command = standing.lane, command_for(what, standing, backups)
    with unharmed(lane):
        number = 0
        while kill_at(lane, command, backups, number):
            number += 1
        assert number > 50
        assert lane.run(command).exit_code == 0
        nothing_is_left(lane, backups)


def test_what_a_killed_one_left_goes_and_what_another_makes_stays(
    standing: Standing, backups: Path
) -> None:
    lane, command = standing.lane, command_for("capture", standing, backups)
    names = steps_of(lane, command, "")
    last = max(number for number, name in enumerate(names) if name.startswith("sql"))
    working = held_before(lane, command, "", last)
    (mine,) = backups.glob(".partial-*")
    (backups / ".partial-left").mkdir()
    (backups / ".partial-left" / "database").mkdir()
    other = lane.run(command)
    assert other.exit_code == 0, other.words
    assert [*backups.glob(".partial-*")] == [mine]
    assert working.go_on().exit_code == 0
    nothing_is_left(lane, backups)


@root_only
def test_a_volume_without_room_refuses_before_it_starts(standing: Standing, tmp_path: Path) -> None:
    lane = standing.lane
    with small_volume(tmp_path / "small", "size=64k") as small:
        answer = lane.run(f"capture --backups {small}")
        refused(answer, "room_not_enough")
        assert [each.name for each in small.iterdir()] == [".lock"]


@root_only
def test_a_volume_that_fills_up_meanwhile_holds_nothing_afterwards(
    standing: Standing, tmp_path: Path
) -> None:
    lane = standing.lane
    with small_volume(tmp_path / "small", "size=8m") as small, unharmed(lane):
        command = f"capture --workers 1 --backups {small}"
        names = steps_of(lane, command, "")
        (whole,) = complete(small)
        for wanted in ("sql DECLARE", "file os.rename"):
            number = max(number for number, name in enumerate(names) if name.startswith(wanted))
            held = held_before(lane, command, "", number - 1)
            with full(small):
                answer = held.go_on()
                if wanted == "sql DECLARE":
                    assert answer.exit_code == 51, answer.words
                    assert "No space left" in answer.words
            until_nothing_runs(lane, small)
            nothing_is_left(lane, small)
        assert whole in complete(small)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["capture", "prove"])
def test_a_server_that_goes_half_way(standing: Standing, backups: Path, what: str) -> None:
    lane, command = standing.lane, command_for(what, standing, backups)
    names = steps_of(lane, command, "", reads=True)
    before = complete(backups)
    held = held_before(lane, command, "", len(names) // 2, reads=True)
    lane.cluster.crash()
    answer = held.go_on()
    lane.cluster.start()
    assert answer.exit_code == 51, answer.words
    assert complete(backups) == before
    assert not [*backups.glob(".partial-*")]
    until_nothing_runs(lane, backups)
    # A scratch that could not be dropped goes with the next proof.
    assert lane.run(command).exit_code == 0
    nothing_is_left(lane, backups)
