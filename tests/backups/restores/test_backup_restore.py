"""An older backup comes back from the command line, while a fresh proven one is the gate."""

from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.backup_answers import BackupCaptured
from launchplane_lane_contracts.contract import OperationId
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.reasons import ReasonCode as Code
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.recording_evidence import record_evidence
from tests.driver.small_host import production_policy, untouched
from tests.guard import fingerprint

from .books import Books
from .small_odoo import content_of


def test_an_older_backup_comes_back_and_the_newer_data_is_kept(books: Books) -> None:
    older = books.captured()
    books.proven(older)
    then = content_of(books.lane.cluster, books.lane.database)
    books.write("after the older backup")
    fresh = books.captured()
    books.proven(fresh, loads=False)
    told = books.plan(older, code=50)["forecast"]["new_since"]
    assert told["transactions"] >= 1
    assert told["wal_bytes"] > 0
    view = books.run("lane", str(books.lane.lane))["evidence"]["new_since"]
    assert view["trust"] == "verified"
    operation = books.authorized(older)
    side = books.run("materialise", operation)
    books.write("between capture and begin")
    newer, files = content_of(books.lane.cluster, books.lane.database), books.lane.data().files
    begun = books.run("start", operation)
    kept = begun["kept_name"]
    found = content_of(books.lane.cluster, books.lane.database)
    assert found.digest() == then.digest() == side["fingerprint_digest"]
    assert content_of(books.lane.cluster, kept).digest() == newer.digest()
    assert books.lane.kept_data(kept).files == files == books.lane.data().files
    assert books.run("finish", operation)["phase"] == "settled"
    assert fingerprint.databases(books.lane.cluster)[books.lane.database].locked
    assert content_of(books.lane.cluster, books.lane.database).digest() == then.digest()
    assert {"after the older backup", "between capture and begin"} <= books.partners(kept)
    assert "after the older backup" not in books.partners(books.lane.database)


def test_what_the_product_owner_refuses(books: Books) -> None:
    host = books.host
    older = books.captured()
    other = host.add_lane("cm")
    host.record_policy(production_policy(other.lane))
    host.enrol(other)
    # Nothing is proven of it, neither that it is whole nor that Odoo loads on it.
    books.refused(older, Code.DATA_PROOF_MISSING, Code.LOAD_PROOF_MISSING)
    books.proven(older)
    plan = books.plan(older, code=50)
    assert {each["code"] for each in plan["decision"]["reasons"]} == {"approvals_missing"}
    # A backup of another lane never comes here.
    foreign = Books(host, other, books.backups).captured()
    books.refused(foreign, Code.BACKUP_OTHER_LANE, Code.LOAD_PROOF_MISSING)
    # The gate must be of the generation that is there.
    settled(books, older)
    books.refused(older, Code.BACKUP_GATE_OTHER_DATA)


def settled(books: Books, gate: BackupGate) -> OperationId:
    """One whole restore; the operation."""
    operation = books.authorized(gate)
    books.run("materialise", operation)
    books.run("start", operation)
    books.run("finish", operation)
    return OperationId(operation)


def test_no_gate_a_stale_one_and_a_failed_proof(books: Books) -> None:
    office = books.host.office
    gate = BackupCaptured.from_plain(books.guard("capture")).gate
    books.refused(gate, Code.BACKUP_GATE_MISSING, Code.DATA_PROOF_MISSING, Code.BACKUP_UNKNOWN)
    damaged(books.backups / gate.backup_id, 0)
    with pytest.raises(AssertionError, match="differ"):
        books.proven(gate)
    old = gate.model_copy(update={"snapshot_at": utc_now() - timedelta(hours=25)})
    record_evidence(office, old)
    books.refused(old, Code.BACKUP_GATE_STALE, Code.DATA_PROOF_MISSING, Code.LOAD_PROOF_MISSING)
    fresh = books.captured()
    books.refused(fresh, Code.DATA_PROOF_MISSING, Code.LOAD_PROOF_MISSING)


def damaged(folder: Path, how: int) -> None:
    """Damage a backup in one of four ways."""
    file = next(each for each in (folder / "filestore").rglob("*") if each.is_file())
    if how == 0:
        flip(next((folder / "database").glob("*.dat*")))
    elif how == 1:
        flip(file)
    elif how == 2:
        file.unlink()
    else:
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace("syo", "cmo"))


def flip(path: Path) -> None:
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("ways", [(0,), pytest.param((1, 2, 3), marks=pytest.mark.full)])
def test_a_backup_that_was_damaged_since_it_was_proven_never_comes(
    books: Books, ways: tuple[int, ...]
) -> None:
    gate = books.captured()
    books.proven(gate)
    operation = books.authorized(gate)
    folder = books.backups / gate.backup_id
    for how in ways:
        saved = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
        damaged(folder, how)
        with untouched(books.lane):
            done = books.host.operate("materialise", operation)
        assert done.code == 50, done.stderr
        assert "backup_damaged" in done.stderr
        for path, content in saved.items():
            path.write_bytes(content)
    assert books.run("materialise", operation)["files"] == 2


def test_kept_goes_the_same_way(books: Books) -> None:
    older = books.captured()
    books.proven(older)
    before = content_of(books.lane.cluster, books.lane.database)
    operation = settled(books, older)
    kept = books.host.office.store.operation(operation).kept_name
    books.write("in what came")
    came = content_of(books.lane.cluster, books.lane.database)
    books.proven(books.captured())
    digest = books.run("plan", str(books.lane.lane), "restore/kept", "--kept", str(kept), code=50)[
        "digest"
    ]
    books.host.sign(digest, "rita", "ann")
    back = str(books.run("authorize", digest)["operation_id"])
    begun = books.run("start", back)
    assert content_of(books.lane.cluster, books.lane.database).digest() == before.digest()
    assert content_of(books.lane.cluster, begun["kept_name"]).digest() == came.digest()
    assert books.run("finish", back)["phase"] == "settled"
