"""What others captured becomes provable here; by itself it proves nothing."""

import gzip
import json
import secrets
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver.backups.prove import prove
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_guard.unpacking import take_dump, take_files
from tests.backups.hosts import production_lane
from tests.driver.small_host import SmallHost, SmallLane, untouched
from tests.guard.attachments import name_of

EXISTING = (Operation.RECREATE, DataSource.EXISTING)
CONTENT = b"a picture"
NAME = name_of(CONTENT)


def codes(made: Plan) -> set[ReasonCode]:
    """Why not."""
    return {each.code for each in made.decision.reasons}


def lane_with_a_picture(host: SmallHost, backups: Path) -> SmallLane:
    """A production lane whose one file has a name that Odoo gave."""
    made = production_lane(host, backups)
    made.execute(f"UPDATE ir_attachment SET store_fname = '{NAME}'", made.database)
    (made.filestore / NAME).parent.mkdir()
    (made.filestore / NAME).write_bytes(CONTENT)
    return made


@pytest.fixture
def lane(host: SmallHost, backups: Path) -> SmallLane:
    """A production lane whose one file has a name that Odoo gave."""
    return lane_with_a_picture(host, backups)


def launchplane_record(lane: SmallLane, dump: Path, files: Path) -> dict[str, object]:
    """What Launchplane has on record of a backup that others made."""
    return {
        "record_id": "gate-0001",
        "context": lane.lane.context,
        "instance": lane.lane.instance,
        "created_at": utc_now().isoformat(),
        "source": "launchplane",
        "required": True,
        "status": "pass",
        "evidence": {"database_dump_path": str(dump), "filestore_archive_path": str(files)},
    }


def dumped(lane: SmallLane, folder: Path, form: str) -> Path:
    """A dump as others make it."""
    path = folder / f"dump-{form}"
    subprocess.run(
        [lane.cluster.binaries / "pg_dump", f"-F{form[0]}", "-f", path, lane.database],
        check=True,
        env=lane.cluster.environment(lane.cluster.odoo),
    )
    if form != "c.gz":
        return path
    with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    return Path(f"{path}.gz")


def packed(lane: SmallLane, folder: Path, form: str) -> Path:
    """The files as others pack them."""
    if form == "folder":
        return lane.filestore
    path = folder / f"files.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"filestore/{NAME}", CONTENT)
            archive.writestr(f"../../{NAME}", b"somebody's own content")
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(lane.filestore, "data/filestore/syo")
    return path


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("c.gz", "tar.gz"),
        pytest.param("d", "zip", marks=pytest.mark.full),
        pytest.param("c", "folder", marks=pytest.mark.full),
    ],
)
def test_an_imported_backup_counts_once_it_is_proven(
    host: SmallHost, lane: SmallLane, tmp_path: Path, form: str, files: str
) -> None:
    record = tmp_path / "record.json"
    made = launchplane_record(lane, dumped(lane, tmp_path, form), packed(lane, tmp_path, files))
    record.write_text(json.dumps(made))
    with untouched(lane):
        made = host.operate("backup", "import", str(lane.lane), "--record", str(record), "--json")
        assert made.code == 0, made.stderr
        assert (json.loads(made.stdout)["source"], json.loads(made.stdout)["files"]) == (
            "imported",
            1,
        )
        assert codes(host.plan(lane, *EXISTING)) == {ReasonCode.DATA_PROOF_MISSING}
        (gate,) = host.office.store.evidence(lane.lane).gates
        prove(host.office, gate.backup_id, workers=1)
        assert host.plan(lane, *EXISTING).decision.allowed


def test_what_cannot_be_unpacked_is_bad_input(tmp_path: Path) -> None:
    whole, target = tmp_path / "whole.zip", tmp_path / "target"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(NAME, CONTENT)
    content = whole.read_bytes()
    entry = content.index(b"PK\x01\x02")
    packed = gzip.compress(b"PGDMP" + bytes(range(256)) * 400 + secrets.token_bytes(50_000))

    def changed(bits: int, *places: int) -> bytes:
        made = bytearray(content)
        for place in places:
            made[place] ^= bits
        return bytes(made)

    for name, bad in {
        "flipped.zip": changed(1, content.index(CONTENT)),
        "encrypted.zip": changed(1, 6, entry + 8),
        "another method.zip": changed(99, 8, entry + 10),
        "cut off.tar.gz": cut_off(tmp_path),
        "cut off": packed[:-5000],
        "damaged": packed[:10] + bytes(4) + packed[14:],
    }.items():
        (tmp_path / name).write_bytes(bad)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        take = take_files if "." in name else take_dump
        with pytest.raises(BadInput, match=f"{name} can't be unpacked"):
            take(tmp_path / name, target)


def cut_off(folder: Path) -> bytes:
    """A tar whose end is not there."""
    path = folder / "whole.tar.gz"
    (folder / NAME).parent.mkdir()
    (folder / NAME).write_bytes(secrets.token_bytes(100_000))
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / NAME, NAME)
    return path.read_bytes()[:50_000]


@pytest.mark.full
def test_what_is_not_this_lanes_or_not_whole_is_not_imported(
    host: SmallHost, lane: SmallLane, backups: Path, tmp_path: Path
) -> None:
    name, files = str(lane.lane), str(lane.filestore)
    good = str(dumped(lane, tmp_path, "c"))
    now = utc_now().isoformat()

    def imported(dump: str, *more: str, at: str = now) -> tuple[int, str]:
        done = host.operate("backup", "import", name, "--dump", dump, "--taken-at", at, *more)
        return done.code, done.stderr

    code, said = imported(good)
    assert (code, "files_incomplete" in said) == (50, True), said
    plain = tmp_path / "plain.sql"
    plain.write_text("SELECT 1;")
    assert imported(str(plain), "--files", files)[0] == 2
    assert imported(str(tmp_path / "nothing"), "--files", files)[0] == 51
    assert imported(good, "--files", str(plain))[0] == 2
    assert imported(good, "--files", files, at="2999-01-01T00:00:00Z")[0] == 2
    damaged = tmp_path / "damaged"
    damaged.write_bytes(Path(good).read_bytes()[:-50])
    assert imported(str(damaged), "--files", files)[0] == 2
    for column, value, reason in (
        ("lane", "odoo-tenant-opw/opw/prod", "backup_other_lane"),
        ("generation", "99", "marker_tampered"),
        ("token", "nobody signed it", "marker_unverifiable"),
        (None, None, "marker_absent"),
    ):
        other = tmp_path / f"other-{reason}"
        copy = f"copy_{reason}"
        host.cluster.execute(f'CREATE DATABASE "{copy}" OWNER odoo')
        subprocess.run(
            [host.cluster.binaries / "pg_restore", "--no-owner", "-d", copy, good],
            check=True,
            env=host.cluster.environment(host.cluster.odoo),
        )
        table = "launchplane_lane_marker"
        lane.execute(
            f"UPDATE {table} SET {column} = '{value}'" if column else f"DELETE FROM {table}", copy
        )
        subprocess.run(
            [host.cluster.binaries / "pg_dump", "-Fc", "-f", other, copy],
            check=True,
            env=host.cluster.environment(host.cluster.odoo),
        )
        code, said = imported(str(other), "--files", files)
        assert (code, reason in said) == (50, True), said
    assert host.office.store.evidence(lane.lane).gates == ()
    assert [each.name for each in backups.iterdir()] == [".lock"]


def test_a_record_that_does_not_fit_is_refused(host: SmallHost, lane: SmallLane) -> None:
    record = host.folder / "record.json"
    whole = {
        "record_id": "gate-0001",
        "context": lane.lane.context,
        "instance": lane.lane.instance,
        "created_at": utc_now().isoformat(),
        "status": "pass",
        "evidence": {"dump": "/nowhere", "filestore": "/nowhere"},
    }
    for change in (
        {"context": "opw"},
        {"status": "fail"},
        {"evidence": {"dump": "/a", "old_dump": "/b", "filestore": "/c"}},
        {"evidence": {}},
        {"created_at": "yesterday"},
    ):
        record.write_text(json.dumps({**whole, **change}))
        done = host.operate("backup", "import", str(lane.lane), "--record", str(record))
        assert done.code == 2, (change, done.stderr)
    assert host.operate("backup", "import", str(lane.lane)).code == 2
