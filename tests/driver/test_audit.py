"""`audit verify`: every signature that was used is held against the people on record then."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, Refused
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.vocabulary import OperationPhase
from launchplane_lane_driver.approvals import record_approval, sign
from launchplane_lane_driver.audit import Verified, read_anchor, verify_record
from launchplane_lane_driver.keys import PublicKeys
from launchplane_lane_driver.ledger_head import LedgerHead
from launchplane_lane_driver.store import Store
from tests.driver.places import Place
from tests.driver.sample import CM, NOW, OTHER_DIGEST, plan_for, record_open_policy

NO_KEYS = PublicKeys({})


def make_key(folder: Path, name: str) -> str:
    """A key, and the approvers file's line for it."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)],
        check=True,
    )
    public = (folder / f"{name}.pub").read_text().split()[:2]
    return f"{name.split('-')[0]} {' '.join(public)}\n"


class Record:
    """A store in which a plan was claimed with the signatures of two people."""

    def __init__(self, store: Store, place: Place, folder: Path) -> None:
        self.store, self.place, self.folder = store, place, folder
        self.lines = {name: make_key(folder, name) for name in ("alice", "bob", "mallory")}
        self.people("alice", "bob")
        record_open_policy(store)
        plan = plan_for(store.host_record(CM))
        for name in ("alice", "bob"):
            record_approval(
                self.on_record(),
                store,
                plan.plan_digest,
                sign(plan.plan_digest, folder / name),
                NOW,
            )
        store.claim(plan, now=NOW)

    def on_record(self) -> People:
        """Whose signatures count."""
        found = self.store.people()
        assert found is not None
        return found

    def people(self, *names: str) -> None:
        """Record these people from now on."""
        self.store.record_people(
            People(approvers="".join(self.lines[name] for name in names), thresholds=Thresholds()),
            now=NOW,
            change_digest=None if self.store.people() is None else OTHER_DIGEST,
            approvals_used=(),
        )

    def verify(self, anchor: LedgerHead | None = None) -> Verified:
        """Check it all again."""
        return verify_record(self.store, NO_KEYS, anchor)

    def is_refused(self, said: str) -> None:
        """The check finds it."""
        with pytest.raises(Refused, match=said):
            self.verify()


@pytest.fixture
def record(store: Store, place: Place, tmp_path: Path) -> Iterator[Record]:
    folder = tmp_path / "people"
    folder.mkdir()
    yield Record(store, place, folder)


def test_who_was_removed_since_still_stands_for_what_was_used(record: Record) -> None:
    assert (record.verify().used, record.verify().free) == (2, 0)
    record.people("bob")
    assert record.verify().used == 2


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("UPDATE approvals SET person = 'mallory' WHERE person = 'alice'", "is not the one"),
        ("UPDATE approvals SET signature = 'none' WHERE person = 'alice'", "is not the one"),
        ("UPDATE approvals SET used_by = NULL WHERE person = 'alice'", "marked as used otherwise"),
        ("DELETE FROM approvals WHERE person = 'alice'", "is not the one"),
        (
            "INSERT INTO approvals (id, digest, person, key_fingerprint, signature, signed_at) "
            f"SELECT 99, '{OTHER_DIGEST}', person, key_fingerprint, signature, signed_at "
            "FROM approvals "
            "WHERE person = 'alice'",
            "not in the ledger",
        ),
    ],
)
def test_an_edit_of_the_signatures_is_found(record: Record, edit: str, said: str) -> None:
    record.place.without_triggers(edit)
    record.is_refused(said)


def test_a_row_of_signatures_that_cannot_be_read(record: Record) -> None:
    record.place.without_triggers("UPDATE approvals SET digest = 'none' WHERE person = 'alice'")
    with pytest.raises(CouldNotTell, match="signature 1 cannot be read"):
        record.verify()


def test_a_signature_that_no_approver_gave_is_found_though_the_ledger_is_whole(
    record: Record,
) -> None:
    """Somebody who can write the store goes through the program with a signature of her own."""
    store, plan = record.store, plan_for(record.store.host_record(CM), reason="once more")
    (held,) = store.operations(CM)
    store.advance(
        held.operation_id,
        expected=frozenset({OperationPhase.AUTHORIZED}),
        to=OperationPhase.ABORTED,
        now=NOW,
    )
    store.add_approval(
        digest=plan.plan_digest,
        person=Person("mallory"),
        key_fingerprint="SHA256:made-up",
        signature=sign(plan.plan_digest, record.folder / "mallory"),
        now=NOW,
    )
    assert record.verify().free == 1
    store.claim(plan, now=NOW)
    store.verify_ledger()
    record.is_refused("mallory was used .* does not stand by the people on record then")
    # That she is put on record afterwards makes nothing good.
    record.people("alice", "bob", "mallory")
    record.is_refused("mallory was used")


def test_an_anchor_kept_elsewhere_finds_a_ledger_that_was_written_anew(
    record: Record, tmp_path: Path
) -> None:
    # An end that changed a table is found without an anchor; this one changes none.
    record.store.note("earlier", CM, {}, NOW)
    kept = tmp_path / "anchor.json"
    kept.write_bytes(record.store.ledger_head().canonical() + b"\n")
    anchor = read_anchor(kept)
    assert record.verify(anchor).entries == anchor.sequence
    record.store.note("later", CM, {}, NOW + timedelta(hours=1))
    assert record.verify(anchor).entries == anchor.sequence + 1
    # Whoever owns the host cuts the end off, head file and all, and writes another one.
    record.place.without_triggers(f"DELETE FROM ledger WHERE sequence >= {anchor.sequence}")
    record.place.head_file.unlink()
    record.place.head_file.write_bytes(record.store.ledger_head().canonical())
    record.store.note("something else", CM, {}, NOW + timedelta(hours=1))
    record.store.verify_ledger()
    with pytest.raises(Refused, match=f"its entry {anchor.sequence} is not the one"):
        record.verify(anchor)


def test_an_anchor_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "anchor.json"
    with pytest.raises(CouldNotTell):
        read_anchor(file)
    for text in ("", "{}", "7"):
        file.write_text(text)
        with pytest.raises(BadInput, match="audit anchor"):
            read_anchor(file)


def test_the_whole_is_walked_a_few_at_a_time(record: Record) -> None:
    assert tuple(record.store.walk_ledger()) == record.store.ledger_entries()
    assert tuple(record.store.walk_ledger(CM)) == record.store.ledger_entries(CM)
