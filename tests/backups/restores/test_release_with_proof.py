"""Authoritative kept data goes when a backup of exactly it was proven, and never before."""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_driver.backups import prune
from launchplane_lane_driver.backups.pins import GIVEN_UP, pinned_backups
from launchplane_lane_driver.lives.kept_proof import proof_of_kept
from launchplane_lane_driver.store.ledger import EntryKind
from launchplane_lane_driver.store.records import LedgerEntry
from tests.driver.small_host import (
    SmallHost,
    SmallLane,
    production_policy,
    resettable_policy,
    untouched,
)
from tests.guard import fingerprint
from tests.guard.estate import Estate
from tests.guard.rounds import ReleaseRound
from tests.guard.steps import held_before
from tests.guard.test_every_step import count_of_steps

from .books import Books


@dataclass
class Due:
    """Authoritative kept data whose time is over."""

    books: Books
    kept: KeptData

    @property
    def name(self) -> str:
        """The kept database."""
        return self.kept.name

    def capture(self) -> str:
        """Captured as it is kept; the backup."""
        made = self.books.run("backup", "capture", str(self.books.lane.lane), "--kept", self.name)
        return str(made["gate"]["backup_id"])

    def proven(self) -> str:
        """Captured and proven; the backup."""
        backup = self.capture()
        self.books.run("backup", "prove", backup)
        return backup

    def release_due(self) -> str:
        """What cron gets to read."""
        done = self.books.host.operate("release", "--due")
        return done.stdout + done.stderr

    def is_gone(self) -> bool:
        """Dropped, and its files with it."""
        folder = self.books.lane.keep / "filestores" / self.name
        return self.name not in fingerprint.databases(self.books.lane.cluster) and (
            not folder.exists()
        )

    def refused(self, code: str) -> None:
        """The release that is due is refused, and all stays."""
        lane = self.books.lane
        before = lane.kept_data(self.name)
        assert code in self.release_due()
        assert lane.kept_data(self.name) == before
        row = fingerprint.databases(lane.cluster)[self.name]
        assert row.locked
        assert not row.takes_connections

    def write(self, statement: str) -> None:
        """What somebody does who opens the kept database by hand."""
        cluster = self.books.lane.cluster
        cluster.execute(f'ALTER DATABASE "{self.name}" WITH ALLOW_CONNECTIONS true')
        self.books.lane.execute(f"SET default_transaction_read_only = off; {statement}", self.name)
        cluster.execute(f'ALTER DATABASE "{self.name}" WITH ALLOW_CONNECTIONS false')


def kept_for_no_time(host: SmallHost) -> SmallLane:
    """A lane whose replaced data is due at once."""
    lane = host.add_lane("cm")
    host.record_policy(resettable_policy(lane.lane, replaced_kept_for=timedelta(0)))
    host.enrol(lane)
    return lane


@pytest.fixture
def due(host: SmallHost, backups: Path) -> Due:
    """Set aside while the lane was resettable; since then the policy calls it authoritative."""
    assert host.snapshots is not None
    lane = host.snapshots.lane("kept-for-no-time", host, kept_for_no_time)
    made = Books(host, lane, backups)
    host.rebuild(lane)
    host.record_policy(production_policy(lane.lane), signed=False)
    (kept,) = host.office.store.host_record(lane.lane).kept
    return Due(made, kept)


def test_what_is_due_waits_for_a_proof_and_goes_with_it(due: Due) -> None:
    lane, store = due.books.lane, due.books.host.office.store
    with untouched(lane):
        assert "waits" in due.release_due()
    backup = due.capture()
    with untouched(lane):
        assert f"backup capture {lane.lane} --kept {due.name}" in due.release_due()
    present = lane.data()
    due.books.run("backup", "prove", backup)
    assert "released" in due.release_due()
    assert due.is_gone()
    assert lane.data() == present
    store.verify_ledger()
    assert pinned_backups(store, lane.lane) == {backup: (due.name,)}
    (released,) = (each for each in store.walk_ledger(lane.lane) if each.kind == "kept_released")
    assert released.document["particulars"]["basis"]["backup_id"] == backup
    # Two people may give it up; then it goes as soon as another one is proven.
    books, host, pinned = due.books, due.books.host, (str(lane.lane), backup)
    books.proven(books.captured())
    assert "released on its proof" in why_it_stays(books)[backup]
    asked = ("backup", "give-up", *pinned)
    books.run(*asked, "--as", "rita", code=2)
    digest = books.run(*asked, "--as", "rita", "--reason", "no room")["digest"]
    host.sign(digest, "rita", "ann")
    books.run(*asked, "--digest", digest, code=50)
    assert backup in pinned_backups(store, lane.lane)
    host.sign(digest, "ben")
    books.run(*asked, "--digest", digest)
    assert pinned_backups(store, lane.lane) == {}
    assert why_it_stays(books)[backup] == ""
    assert (books.backups / backup).is_dir()
    (entry,) = (each for each in store.walk_ledger(lane.lane) if is_given_up(each))
    assert entry.document["particulars"]["held"] == [due.name]
    assert entry.document["particulars"]["by"] == ["ann", "ben", "rita"]
    # Once is enough.
    books.run(*asked, "--as", "rita", "--reason", "no room", code=50)


def is_given_up(entry: LedgerEntry) -> bool:
    """Whether an entry says that people gave up what a backup holds."""
    return entry.kind == EntryKind.NOTED and entry.document["what"] == GIVEN_UP


def why_it_stays(books: Books) -> dict[str, str]:
    """Each backup in the folder, and what leans on it; nothing where it would go by its age."""
    found = prune.in_the_folder(books.host.office, books.lane.lane)
    there = [each.gate for each in found.backups]
    reasons = prune._leaned_on(books.host.office, books.lane.lane, there)
    return {str(each.backup_id): reasons.get(each.backup_id, "") for each in there}


def test_what_was_written_since_the_capture_is_not_dropped(due: Due) -> None:
    due.proven()
    due.write("INSERT INTO res_partner (name) VALUES ('written into what is kept')")
    due.refused("kept_not_as_proven")
    due.proven()
    file = due.books.lane.keep / "filestores" / due.name / "late"
    file.write_bytes(b"came later")
    due.refused("kept_not_as_proven")


def test_a_backup_that_is_no_longer_there_is_no_ground(due: Due) -> None:
    backup = due.proven()
    folder = due.books.backups / backup
    dump = next((folder / "database").glob("*.dat*"))
    content = dump.read_bytes()
    dump.write_bytes(content[:-1])
    due.refused("backup_damaged")
    dump.write_bytes(content)
    shutil.move(folder, due.books.backups / "elsewhere")
    due.refused("backup_unknown")
    shutil.move(due.books.backups / "elsewhere", folder)
    assert "released" in due.release_due()


@pytest.mark.full
def test_a_backup_of_the_live_lane_is_no_ground(due: Due) -> None:
    lane, store = due.books.lane, due.books.host.office.store
    due.books.proven(due.books.captured())
    assert proof_of_kept(store, lane.lane, due.kept.name) is None
    with untouched(lane):
        assert "waits" in due.release_due()


def release_broken_off(lane: Estate, number: int) -> None:
    """A release on a proof that is killed before a step, and comes to its end after that."""
    broken = ReleaseRound(lane)
    held = held_before(lane, broken.command, broken.token, number)
    _answer = held.kill() if held.step else held.go_on()
    broken.is_nothing_lost()
    broken.back()
    broken.clear()


@pytest.mark.slow
def test_a_release_on_a_proof_is_killed_at_some_steps(production: Estate) -> None:
    for number in range(20, count_of_steps(production, ReleaseRound), 40):
        release_broken_off(production, number)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_release_on_a_proof_is_killed_at_every_step(production: Estate) -> None:
    for number in range(count_of_steps(production, ReleaseRound)):
        release_broken_off(production, number)
