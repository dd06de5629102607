"""A capture holds one moment: the rows, and exactly the files that those rows name."""

import hashlib
import shutil
import stat
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from launchplane_lane_contracts.backup import BackupManifest, BackupSource
from launchplane_lane_contracts.errors import Busy, CouldNotTell, LaneAuthorityError, Refused
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_guard.backups_folder import read_backup
from launchplane_lane_guard.capture import capture
from launchplane_lane_guard.captured_files import named_in_order
from launchplane_lane_guard.database import query_through
from launchplane_lane_guard.filestore_digest import filestore_digest
from launchplane_lane_guard.lane_fingerprint import fingerprint_lane
from launchplane_lane_guard.settings import GuardSettings
from tests.backups.conftest import STANDING_LANE, Standing, settings_of
from tests.guard.attachments import attach, collect, name_of
from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster


def refused_for(problem: pytest.ExceptionInfo[LaneAuthorityError]) -> set[ReasonCode]:
    return {each.code for each in problem.value.reasons}


def names_in(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


def test_what_a_backup_holds(standing: Standing) -> None:
    lane, backup = standing.lane, standing.backup
    manifest = backup.manifest
    assert read_backup(backup.folder).manifest == manifest
    assert backup.folder.name == hashlib.sha256(manifest.canonical()).hexdigest()
    found = fingerprint_lane(standing.settings)
    assert manifest.differences(found) == ()
    assert manifest.fingerprint.digest() == found.digest()
    assert manifest.moved_sequences == ()
    assert manifest.source is BackupSource.LIVE
    assert manifest.marker is not None
    assert manifest.marker.nonce == lane.record.nonce
    assert lane.record.identity is not None
    gate = manifest.gate()
    assert gate.database_oid == lane.record.identity.database_oid
    assert gate.system_identifier == lane.record.identity.system_identifier
    assert gate.generation == lane.record.generation
    assert gate.filestore_path == str(lane.filestore)
    dumped = {each.name: each for each in manifest.dump.files}
    assert names_in(backup.database) == set(dumped)
    for name, each in dumped.items():
        content = (backup.database / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (each.size_bytes, each.sha256)


def test_exactly_the_files_that_the_database_names(standing: Standing) -> None:
    lane, backup = standing.lane, standing.backup
    rows = lane.cluster.execute("SELECT store_fname FROM ir_attachment", lane.database)
    named = {name for (name,) in rows if name}
    assert names_in(backup.filestore) == named == {each.path for each in backup.files()}
    assert names_in(lane.filestore) > named
    for each in backup.files():
        content = (backup.filestore / each.path).read_bytes()
        assert name_of(content) == each.path == f"{each.sha1[:2]}/{each.sha1}"
    assert backup.manifest.filestore.files_digest == filestore_digest(backup.filestore)
    assert backup.manifest.filestore.count == len(named)


def test_a_table_of_files_that_lies_elsewhere_is_not_no_files(standing: Standing) -> None:
    lane = standing.lane
    with closing(lane.cluster.connect(lane.database)) as session:
        query = query_through(session)
        query("CREATE SCHEMA odoo", ())
        query("ALTER TABLE ir_attachment SET SCHEMA odoo", ())
        with pytest.raises(CouldNotTell, match=r"names Odoo's files is odoo\.ir_attachment"):
            list(named_in_order(query))
        session.rollback()


def test_nobody_else_may_read_it(standing: Standing) -> None:
    folder = standing.backup.folder
    modes = {
        (path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (folder, *folder.rglob("*"))
    }
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize("change", ["renamed", "edited", "senseless", "without"])
def test_a_backup_is_what_its_name_says(standing: Standing, backups: Path, change: str) -> None:
    folder = backups / standing.backup.folder.name
    shutil.copytree(standing.backup.folder, folder)
    manifest = folder / "manifest.json"
    if change == "renamed":
        folder = folder.rename(backups / ("0" * 64))
    elif change == "edited":
        manifest.write_bytes(manifest.read_bytes().replace(b'"generation":1', b'"generation":2'))
    elif change == "senseless":
        manifest.write_bytes(b"{}")
    else:
        manifest.unlink()
    with pytest.raises(Refused) as problem:
        read_backup(folder)
    assert refused_for(problem) == {ReasonCode.BACKUP_DAMAGED}
    if change in ("renamed", "edited"):
        assert f"it speaks of lane {STANDING_LANE}" in problem.value.message


def changed_meanwhile(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the lane's data go on in the moment in which the dump starts; a file that then goes."""
    started = subprocess.Popen.__init__

    def meanwhile(self: "subprocess.Popen[bytes]", *given: object, **named: object) -> None:
        if "--format=directory" in str(given[0]):
            lane.execute("INSERT INTO res_partner (name) VALUES ('too late')", lane.database)
            collect(lane, gone)
            attach(lane, 2, "too late")
        started(self, *given, **named)  # type: ignore[arg-type]

    ((gone,),) = lane.cluster.execute("SELECT min(store_fname) FROM ir_attachment", lane.database)
    monkeypatch.setattr(subprocess.Popen, "__init__", meanwhile)
    return str(gone)


def test_the_rows_and_files_are_of_one_moment(
    production: Estate, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written, taken away and collected after the snapshot changes nothing in it."""
    settings = settings_of(production, backups)
    captured = fingerprint_lane(settings)
    production.done("filestore refresh")
    gone = changed_meanwhile(production, monkeypatch)
    backup = capture(settings).backup
    assert not (production.filestore / gone).exists()
    assert gone in names_in(backup.filestore)
    assert backup.manifest.filestore.count == 12
    assert backup.manifest.fingerprint.tables == captured.tables
    spans = {each.name: each for each in backup.manifest.moved_sequences}
    assert set(spans) == {"res_partner_id_seq", "ir_attachment_id_seq"}
    assert (spans["res_partner_id_seq"].lowest, spans["res_partner_id_seq"].highest) == (50, 51)


def test_a_file_that_goes_in_that_moment_asks_for_another_capture(
    lane: Estate, settings: GuardSettings, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed_meanwhile(lane, monkeypatch)
    with pytest.raises(Busy, match="Capture again"):
        capture(settings)
    assert [each.name for each in backups.iterdir()] == [".lock"]
    monkeypatch.undo()
    assert capture(settings).backup.manifest.filestore.count == 13


def test_kept_data_is_captured_when_it_is_open(lane: Estate, settings: GuardSettings) -> None:
    was = fingerprint_lane(settings)
    _permit, kept = lane.rebuild()
    with pytest.raises(Refused) as closed:
        capture(settings, kept.name)
    assert refused_for(closed) == {ReasonCode.DATABASE_CLOSED}
    lane.done("open", lane.sign(lane.open_order(kept)))
    manifest = capture(settings, kept.name).backup.manifest
    assert manifest.source is BackupSource.KEPT
    assert (manifest.generation, manifest.database_oid) == (kept.generation, kept.database_oid)
    assert manifest.fingerprint.digest() == was.digest()
    folder = lane.keep / "filestores" / kept.name
    assert manifest.filestore_path == str(folder)
    assert manifest.filestore.source_digest == filestore_digest(folder)


def test_another_database_is_not_captured(standing: Standing, cluster: PrivateCluster) -> None:
    before = names_in(standing.backup.folder.parent)
    cluster.execute("CREATE DATABASE somebody_elses OWNER odoo")
    with pytest.raises(Refused) as other:
        capture(standing.settings, "somebody_elses")
    assert refused_for(other) == {ReasonCode.KEPT_UNKNOWN}
    assert names_in(standing.backup.folder.parent) == before
    cluster.execute("DROP DATABASE somebody_elses")


@pytest.mark.parametrize("damage", ["missing", "damaged", "a link"])
def test_files_that_are_not_whole_refuse_until_they_are_accepted(
    lane: Estate, settings: GuardSettings, backups: Path, damage: str
) -> None:
    ((name,),) = lane.cluster.execute("SELECT max(store_fname) FROM ir_attachment", lane.database)
    path = lane.filestore / name
    path.unlink()
    if damage == "damaged":
        path.write_bytes(b"other content")
    elif damage == "a link":
        path.symlink_to("/etc/hostname")
    with pytest.raises(Refused) as lacking:
        capture(settings)
    assert refused_for(lacking) == {ReasonCode.FILES_INCOMPLETE}
    assert name in lacking.value.message
    assert [each.name for each in backups.iterdir()] == [".lock"]
    manifest = capture(settings, accept_lacking=True).backup.manifest
    assert manifest.filestore.lacking == (name,)
    assert manifest.filestore.count == 11


def test_the_place_has_to_be_another_volume(
    standing: Standing, tmp_path: Path, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, words in (
        (None, "LANE_AUTHORITY_BACKUPS is not set"),
        (tmp_path / "nothing", "is not a folder"),
        (tmp_path, "is on the same volume as"),
    ):
        with pytest.raises(Refused, match=words) as problem:
            capture(replace(standing.settings, backups=place))
        assert refused_for(problem) == {ReasonCode.BACKUPS_UNUSABLE}
    assert list(tmp_path.iterdir()) == []
    # Nor may one broken disk take them and the server's data.
    monkeypatch.setenv("LANE_AUTHORITY_DATABASE_VOLUME", str(backups))
    with pytest.raises(Refused, match=f"is on the same volume as {backups}"):
        capture(replace(standing.settings, backups=backups))
    assert list(backups.iterdir()) == []


def test_the_command_answers_with_the_gate(standing: Standing, backups: Path) -> None:
    lane = standing.lane
    answer = lane.run("capture", LANE_AUTHORITY_BACKUPS=str(backups))
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.result is not None
    (folder,) = (each for each in backups.iterdir() if each.is_dir())
    manifest = BackupManifest.from_json((folder / "manifest.json").read_bytes())
    assert answer.receipt.result["gate"] == manifest.gate().to_plain()
    assert manifest.backup_id in answer.words
    assert lane.run("capture --workers 99", LANE_AUTHORITY_BACKUPS=str(backups)).exit_code == 2
