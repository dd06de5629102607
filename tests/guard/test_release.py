"""Kept data goes by a release alone: exactly the data that the order names, or nothing at all."""

import shutil
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from launchplane_lane_contracts.contract import BackupId, Person, SystemIdentifier
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME, EngineTag
from launchplane_lane_contracts.orders import GivenUp, ReleaseOrder
from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard import release as release_module
from launchplane_lane_guard import sessions
from launchplane_lane_guard.release_notes import DONE, DROPPING, ReleaseNotes
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused

GIVEN_UP = GivenUp(by=(Person("anna@example.com"), Person("bert@example.com")))


def folder_of(lane: Estate, kept: KeptData) -> Path:
    return lane.keep / "filestores" / kept.name


def cluster_of(lane: Estate) -> SystemIdentifier:
    return SystemIdentifier(lane.cluster.system_identifier)


def is_gone(lane: Estate, kept: KeptData) -> bool:
    """Whether neither the database nor a file of it is left anywhere."""
    left = fingerprint.databases(lane.cluster)
    oids = {each.oid for each in left.values()}
    files = [str(path) for path in lane.keep.rglob("*") if kept.name in str(path)]
    files = [path for path in files if not path.startswith(str(lane.keep / "released"))]
    files += [str(path) for path in (lane.keep / "released").rglob("filestore")]
    return kept.name not in left and kept.database_oid not in oids and not files


def refuses(lane: Estate, order: ReleaseOrder, *codes: str, **environment: str | None) -> None:
    """A refusal by its effect: every database, row and file stays, closed and locked as it was."""
    before = lane.everything()
    refused(lane.run("release", lane.sign(order), **environment), *codes)
    assert lane.everything() == before


def test_it_drops_what_the_order_names_and_nothing_else(lane: Estate) -> None:
    _first, first = lane.rebuild("second")
    _second, second = lane.rebuild("third")
    live, other = lane.data(), lane.kept_data(second.name)
    order = lane.release_order(first)
    lane.done("release", lane.sign(order))
    assert is_gone(lane, first)
    assert lane.data() == live
    assert lane.kept_data(second.name) == other
    # Asked again it says the same, and the lane goes on.
    lane.done("release", lane.sign(order))
    lane.rebuild("fourth")
    assert lane.kept_data(second.name) == other


def test_remains_of_an_undone_rebuild(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    undo = lane.undo_order(permit)
    receipt = lane.done("undo", lane.sign(undo))
    assert receipt.set_aside is not None
    assert receipt.set_aside.database_oid is not None
    remains = KeptData(
        lane=lane.lane,
        name=receipt.set_aside.name,
        database_oid=receipt.set_aside.database_oid,
        generation=permit.generation,
        permit_id=permit.permit_id,
        set_aside_at=permit.issued_at,
        authoritative=False,
        has_filestore=receipt.set_aside.has_filestore,
    )
    refuses(lane, lane.release_order(remains), "operation_unfinished")
    lane.stamp(lane.stamp_order(lane.show(), permit=permit, generation=undo.generation, lock=False))
    lane.done("release", lane.sign(lane.release_order(remains)))
    assert is_gone(lane, remains)
    assert lane.data() == old


def test_nothing_is_released_while_a_rebuild_is_unfinished(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    refuses(lane, lane.release_order(kept), "operation_unfinished")
    lane.materialise("third")
    refuses(lane, lane.release_order(kept), "operation_unfinished")
    lane.settle(permit)
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)


def test_an_order_for_other_data_or_for_a_name_that_leads_out_of_the_keep(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    others: tuple[dict[str, Any], ...] = (
        {"database_oid": 4_000_000},
        {"generation": 77},
        {"permit_id": "another-permit"},
        *({"name": name} for name in ("..", "../../filestore/lane", "a/b", ".")),
    )
    for each in others:
        refuses(lane, lane.release_order(kept.model_copy(update=each)), "kept_changed")


def test_the_live_database_is_never_kept_data(lane: Estate) -> None:
    permit, kept = lane.rebuild("second")
    tag = lane.show().database.entry
    assert tag is not None
    live = kept.model_copy(
        update={
            "name": lane.database,
            "database_oid": tag.oid,
            "generation": permit.generation,
        }
    )
    refuses(lane, lane.release_order(live), "kept_changed")


def test_another_database_under_the_kept_name(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    lane.execute(f'ALTER DATABASE "{kept.name}" RENAME TO elsewhere')
    refuses(lane, lane.release_order(kept), "kept_changed")
    lane.create_database(kept.name, "somebody else")
    refuses(lane, lane.release_order(kept), "kept_changed")
    lane.execute(f'DROP DATABASE "{kept.name}"')
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{kept.name}"')
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)


def test_a_copy_of_kept_data_with_its_tag(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    tag = fingerprint.databases(lane.cluster)[kept.name].comment
    lane.execute(f'ALTER DATABASE "{kept.name}" RENAME TO elsewhere')
    lane.create_database(kept.name, "somebody else")
    lane.execute(f"COMMENT ON DATABASE \"{kept.name}\" IS '{tag}'")
    refuses(lane, lane.release_order(kept), "kept_changed")


def test_files_that_the_order_does_not_know_of(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    refuses(
        lane, lane.release_order(kept.model_copy(update={"has_filestore": False})), "kept_changed"
    )


def test_files_that_are_not_there(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    away = folder_of(lane, kept).rename(lane.folder / "away")
    refuses(lane, lane.release_order(kept), "kept_changed")
    away.rename(folder_of(lane, kept))
    lane.done("release", lane.sign(lane.release_order(kept)))


def test_the_folder_of_other_data(lane: Estate) -> None:
    _permit, first = lane.rebuild("second")
    _permit, second = lane.rebuild("third")
    folder_of(lane, first).rename(lane.folder / "away")
    folder_of(lane, second).rename(folder_of(lane, first))
    refuses(lane, lane.release_order(first), "kept_changed")


def test_a_link_in_the_place_of_the_folder(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    folder_of(lane, kept).rename(lane.folder / "away")
    folder_of(lane, kept).symlink_to(lane.filestore)
    refuses(lane, lane.release_order(kept), "kept_changed")


def test_links_inside_the_kept_files_are_not_followed(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    (folder_of(lane, kept) / "link").symlink_to(lane.filestore)
    live = lane.data()
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)
    assert lane.data() == live


def test_data_whose_own_marker_is_authoritative_needs_more(production: Estate) -> None:
    lane = production
    _permit, kept = lane.rebuild("second", DataSource.BACKUP_RESTORE)
    refuses(lane, lane.release_order(kept), "release_needs_proof")
    lane.done("release", lane.sign(lane.release_order(kept, GIVEN_UP)))
    assert is_gone(lane, kept)


def test_data_that_somebody_protected_inside_needs_more(lane: Estate) -> None:
    lane.done("claim --reason=precious --by=anna")
    _permit, kept = lane.rebuild("second", DataSource.BACKUP_RESTORE)
    refuses(lane, lane.release_order(kept), "release_needs_proof")


def test_a_marker_that_cannot_be_understood_speaks_against_it(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    open_again(lane, kept, "ALTER TABLE public.launchplane_lane_marker DROP COLUMN nonce")
    refuses(lane, lane.release_order(kept), "release_needs_proof")


def open_again(lane: Estate, kept: KeptData, statement: str) -> None:
    """What an operator who opens a kept database by hand can do in it."""
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS true')
    lane.execute(statement, kept.name)
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS false')


def test_a_session_that_cannot_be_ended(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.3)
    _permit, kept = lane.rebuild("second")
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS true')
    held = lane.cluster.connect(kept.name, lane.cluster.superuser)
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS false')
    refuses(lane, lane.release_order(kept), "release_impossible")
    held.cursor().execute("SELECT count(*) FROM res_partner")
    held.close()
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)


def test_a_prepared_transaction(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS true')
    opened = lane.cluster.connect(kept.name)
    opened.tpc_begin(opened.xid(1, "payment", "1"))
    opened.cursor().execute("INSERT INTO res_partner (name) VALUES ('paid')")
    opened.tpc_prepare()
    opened.close()
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS false')
    refuses(lane, lane.release_order(kept), "release_impossible")


@pytest.mark.parametrize("taken", ["CREATEDB", "ownership"])
def test_a_role_that_may_not(lane: Estate, taken: str) -> None:
    _permit, kept = lane.rebuild("second")
    if taken == "CREATEDB":
        lane.cluster.execute("ALTER ROLE odoo NOCREATEDB")
    else:
        lane.cluster.execute(f'ALTER DATABASE "{kept.name}" OWNER TO postgres')
    refuses(lane, lane.release_order(kept), "release_impossible")


def test_without_the_keep(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    order = lane.release_order(kept)
    refuses(lane, order, "keep_not_configured", LANE_AUTHORITY_KEEP=None)
    refuses(lane, order, "keep_unusable", LANE_AUTHORITY_KEEP=str(lane.folder / "nowhere"))


def test_a_server_that_does_not_answer(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    order = lane.release_order(kept)
    before = lane.everything()
    refused(lane.run("release", lane.sign(order), ODOO_DB_PORT="1"), exit_codes=(51,))
    assert lane.everything() == before


def test_a_drop_that_the_server_refuses_puts_name_and_lock_back(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    _permit, kept = lane.rebuild("second")
    refusing = "SELECT 1/0"
    real = release_module._drop_database

    def drop(server: Any, name: Any) -> None:
        with server.cursor() as cursor:
            cursor.execute(refusing)

    monkeypatch.setattr(release_module, "_drop_database", drop)
    refuses(lane, lane.release_order(kept), "release_impossible")
    monkeypatch.setattr(release_module, "_drop_database", real)
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)


def parted(lane: Estate, kept: KeptData) -> str:
    """What a kill just before the drop leaves; the name that it stands under."""
    order = lane.release_order(kept)
    notes = ReleaseNotes(lane.keep, order.kept)
    intent = notes.note_intent(order, cluster_of(lane), order.issued_at)
    notes.note(DROPPING)
    lane.execute(f'ALTER DATABASE "{kept.name}" RENAME TO "{intent.parting_name}"')
    lane.execute(f'ALTER DATABASE "{intent.parting_name}" IS_TEMPLATE false')
    return intent.parting_name


def test_a_release_that_was_killed_before_the_drop_looks_again(lane: Estate) -> None:
    lane.done("claim --reason=precious --by=anna")
    _permit, kept = lane.rebuild("second", DataSource.BACKUP_RESTORE)
    before = lane.everything()
    parted(lane, kept)
    # It does not go on where it was: it locks, looks, and puts the name back.
    refused(lane.run("release", lane.sign(lane.release_order(kept))), "release_needs_proof")
    assert lane.everything() == before
    lane.done("release", lane.sign(lane.release_order(kept, GIVEN_UP)))
    assert is_gone(lane, kept)


def test_the_name_is_taken_meanwhile(lane: Estate) -> None:
    lane.done("claim --reason=precious --by=anna")
    _permit, kept = lane.rebuild("second", DataSource.BACKUP_RESTORE)
    old = lane.kept_data(kept.name)
    name = parted(lane, kept)
    lane.create_database(kept.name, "somebody else")
    other = lane.data(kept.name)
    refused(lane.run("release", lane.sign(lane.release_order(kept))), "release_needs_proof")
    # Neither is lost: the kept one is locked and closed again under the name that it has.
    assert fingerprint.databases(lane.cluster)[name].locked
    assert lane.data(name, folder_of(lane, kept)) == old
    assert lane.data(kept.name) == other
    lane.done("release", lane.sign(lane.release_order(kept, GIVEN_UP)))
    assert lane.data(kept.name) == other
    assert kept.database_oid not in {
        each.oid for each in fingerprint.databases(lane.cluster).values()
    }


SUBSCRIBED = (
    "CREATE SUBSCRIPTION away CONNECTION 'host=nowhere' PUBLICATION p "
    "WITH (connect = false, slot_name = NONE)"
)


def as_superuser_inside(lane: Estate, kept: KeptData, statement: str) -> None:
    """The same by a superuser, for what a lane's role may not do."""
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS true')
    lane.execute(statement, kept.name, lane.cluster.superuser)
    lane.execute(f'ALTER DATABASE "{kept.name}" ALLOW_CONNECTIONS false')


def test_the_backup_is_looked_for_again_after_a_drop_that_failed(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    as_superuser_inside(lane, kept, SUBSCRIBED)
    basis = lane.proof_of(kept)
    order = lane.release_order(kept, basis)
    refuses(lane, order, "release_impossible")
    assert not ReleaseNotes(lane.keep, order.kept).has(DROPPING)
    as_superuser_inside(lane, kept, "SET transaction_read_only = off; DROP SUBSCRIPTION away")
    # Meanwhile the place for backups is known here, and that backup is not in it.
    backups = lane.folder / "backups"
    backups.mkdir()
    others = order.model_copy(
        update={"basis": basis.model_copy(update={"backup_id": BackupId("another")})}
    )
    for each in (order, others):
        refuses(lane, each, "backup_unknown", LANE_AUTHORITY_BACKUPS=str(backups))
    # A kill just before the drop leaves the note, and it is looked for all the same.
    parted(lane, kept)
    before = lane.everything()
    answer = lane.run("release", lane.sign(order), LANE_AUTHORITY_BACKUPS=str(backups))
    refused(answer, "backup_unknown")
    assert lane.everything() == before
    lane.done("release", lane.sign(order))
    assert is_gone(lane, kept)


def test_what_is_not_on_this_server_was_not_dropped_on_another_one(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    order = lane.release_order(kept)
    notes = ReleaseNotes(lane.keep, order.kept)
    # As it looks from a server that is not the one on which the release was begun.
    notes.note_intent(order, SystemIdentifier("1"), order.issued_at)
    notes.note(DROPPING)
    lane.execute(f'ALTER DATABASE "{kept.name}" IS_TEMPLATE false')
    lane.execute(f'DROP DATABASE "{kept.name}"')
    refuses(lane, order, "release_impossible")
    assert folder_of(lane, kept).exists()
    assert not notes.has(DONE)
    # A note of an earlier version does not name the server, the files' tag does.
    note = notes.folder / "release.json"
    text = note.read_text()
    note.write_text(text.replace('"system_identifier":"1"', '"system_identifier":null'))
    tag = folder_of(lane, kept) / FILESTORE_TAG_NAME
    own = tag.read_text()
    tag.write_text(own.replace(cluster_of(lane), "1"))
    refuses(lane, order, "release_impossible")
    tag.write_text(own)
    lane.done("release", lane.sign(order))
    assert is_gone(lane, kept)


def test_a_drop_in_whose_middle_the_server_crashed(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    name = parted(lane, kept)
    # What PostgreSQL leaves: a database that it calls invalid.
    lane.cluster.execute(f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{name}'")
    with pytest.raises(psycopg2.Error):
        lane.execute("SELECT 1", name)
    lane.done("release", lane.sign(lane.release_order(kept)))
    assert is_gone(lane, kept)


def test_files_that_were_half_removed(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    order = lane.release_order(kept)
    notes = ReleaseNotes(lane.keep, order.kept)
    lane.done("release", lane.sign(order))
    # What a kill in the middle of the removal leaves.
    (notes.folder / DONE).unlink()
    (notes.files / "ab").mkdir(parents=True)
    (notes.files / "ab" / "abcdef").write_text("half")
    lane.done("release", lane.sign(order))
    assert is_gone(lane, kept)


def test_a_note_that_was_changed_by_hand(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    order = lane.release_order(kept)
    notes = ReleaseNotes(lane.keep, order.kept)
    notes.note_intent(order, cluster_of(lane), order.issued_at)
    for text in ("{", notes._intent_file().read_text().replace(kept.permit_id, "x" * 32)):
        notes._intent_file().write_text(text)
        before = lane.everything()
        refused(lane.run("release", lane.sign(order)), exit_codes=(51,))
        assert lane.everything() == before


def test_data_that_vanished_without_us_is_not_said_to_be_released(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    order = lane.release_order(kept)
    ReleaseNotes(lane.keep, order.kept).note_intent(order, cluster_of(lane), order.issued_at)
    lane.execute(f'ALTER DATABASE "{kept.name}" IS_TEMPLATE false')
    lane.execute(f'DROP DATABASE "{kept.name}"')
    refuses(lane, order, "kept_changed")
    assert folder_of(lane, kept).exists()


def test_the_proof_of_other_files(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    basis = lane.proof_of(kept)
    (folder_of(lane, kept) / "whose").write_text("changed since")
    refuses(lane, lane.release_order(kept, basis), "kept_not_as_proven")


@pytest.mark.parametrize("where", ["inside", "missing"])
def test_the_proof_of_other_links(lane: Estate, where: str) -> None:
    _permit, kept = lane.rebuild("second")
    basis = lane.proof_of(kept)
    if where == "inside":
        (folder_of(lane, kept) / "link").symlink_to("whose")
    else:
        shutil.rmtree(folder_of(lane, kept) / "checklist")
    refuses(lane, lane.release_order(kept, basis), "kept_not_as_proven")


def test_proven_data_goes(production: Estate) -> None:
    lane = production
    _permit, kept = lane.rebuild("second", DataSource.BACKUP_RESTORE)
    live = lane.data()
    lane.done("release", lane.sign(lane.release_order(kept, lane.proof_of(kept))))
    assert is_gone(lane, kept)
    assert lane.data() == live


def test_the_proof_of_other_rows(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    for statement in (
        "UPDATE res_partner SET name = 'changed' WHERE id = 1",
        "DELETE FROM res_partner WHERE id = 1",
        "CREATE TABLE another (one integer)",
        "ALTER TABLE res_partner ADD COLUMN more text",
        "SELECT nextval('res_partner_id_seq')",
        "SELECT lo_create(77)",
    ):
        basis = lane.proof_of(kept)
        open_again(lane, kept, statement)
        refuses(lane, lane.release_order(kept, basis), "kept_not_as_proven")


def test_kept_data_whose_comment_was_overwritten_is_known_by_its_name_and_oid(
    lane: Estate,
) -> None:
    old = lane.data()
    _permit, kept = lane.rebuild("second")
    without = f"COMMENT ON DATABASE \"{kept.name}\" IS 'our nightly copy'"
    tag = EngineTag.from_comment(fingerprint.databases(lane.cluster)[kept.name].comment)
    assert tag is not None
    lane.execute(without)
    # A release by a proof, an opening and a restore all go by what the host has on record.
    refuses(lane, lane.release_order(kept.model_copy(update={"database_oid": 9})), "kept_changed")
    lane.done("open", lane.sign(lane.open_order(kept)))
    lane.done("open --close", lane.sign(lane.open_order(kept)))
    again = EngineTag.from_comment(fingerprint.databases(lane.cluster)[kept.name].comment)
    assert again == tag.model_copy(update={"set_aside_at": None})
    lane.execute(without)
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.done("begin", lane.sign(permit))
    lane.settle(permit)
    assert lane.data() == old
    second = KeptData(
        lane=lane.lane,
        name=permit.kept_name,
        database_oid=next(
            each.oid
            for name, each in fingerprint.databases(lane.cluster).items()
            if name == permit.kept_name
        ),
        generation=_permit.generation,
        permit_id=permit.permit_id,
        set_aside_at=permit.issued_at,
        authoritative=False,
        has_filestore=True,
    )
    lane.execute(f'COMMENT ON DATABASE "{second.name}" IS NULL')
    lane.done("release", lane.sign(lane.release_order(second)))
    assert is_gone(lane, second)
    assert lane.data() == old
