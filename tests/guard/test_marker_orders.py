"""`demote`, `claim` and `lower`: the marker's row changes by what may change it, alone."""

from datetime import UTC, datetime, timedelta

import pytest

from launchplane_lane_contracts.contract import Nonce
from launchplane_lane_contracts.marker import MarkerRow
from launchplane_lane_contracts.vocabulary import DataSource, RowState
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused


def row_of(lane: Estate) -> MarkerRow:
    row = lane.show().database.marker_row
    assert row is not None
    return row


def events(lane: Estate) -> list[str]:
    rows = lane.cluster.execute(
        "SELECT kind FROM launchplane_lane_event ORDER BY id", lane.database
    )
    return [str(kind) for (kind,) in rows]


def restore_into(lane: Estate) -> None:
    """What a restore of a dump leaves: rows, marker and all, in a database of its own."""
    kept = next(iter(name for name in fingerprint.databases(lane.cluster) if "__kept_" in name))
    lane.cluster.execute(f'CREATE DATABASE "{lane.database}" TEMPLATE "{kept}" OWNER odoo')


# -- demote ------------------------------------------------------------------------


def test_a_marker_that_came_with_a_restore_is_demoted(production: Estate) -> None:
    lane = production
    permit = lane.permit(DataSource.BACKUP_RESTORE)
    lane.done("begin", lane.sign(permit))
    restore_into(lane)
    assert row_of(lane).state is RowState.SETTLED
    data = lane.data()
    for _ in range(2):
        lane.done("demote", lane.sign(permit))
        row = row_of(lane)
        assert (row.state, row.generation, row.nonce) == (
            RowState.PENDING,
            permit.generation,
            permit.nonce,
        )
    assert events(lane).count("demoted") == 1
    tag = fingerprint.databases(lane.cluster)[lane.database].comment
    assert tag is not None
    assert "pending" in tag
    # The files may still be on their way; `finish` then finds the row as it is.
    assert lane.data() == data
    lane.make_files(lane.filestore)
    lane.settle(permit)
    assert events(lane).count("demoted") == 1


def test_only_under_a_begun_permit_that_has_not_ended(lane: Estate) -> None:
    permit = lane.permit()
    before = lane.everything()
    refused(lane.run("demote", lane.sign(permit)), "permit_not_begun")
    assert lane.everything() == before
    lane.done("begin", lane.sign(permit))
    refused(lane.run("demote", lane.sign(permit)), "result_not_as_permitted")
    lane.materialise()
    lane.settle(permit)
    before = lane.everything()
    refused(lane.run("demote", lane.sign(permit)), "permit_not_begun")
    assert lane.everything() == before


# -- claim -------------------------------------------------------------------------


def test_a_claim_protects_and_is_made_once(lane: Estate) -> None:
    lane.done("claim --reason=invoices --by=anna")
    assert row_of(lane).claimed
    lane.done("claim --reason=another --by=bert")
    found = lane.cluster.execute(
        "SELECT claim_reason, claimed_by FROM launchplane_lane_marker", lane.database
    )
    assert found == [("invoices", "anna")]
    assert events(lane).count("claim") == 1
    with pytest.raises(AssertionError, match="source_not_allowed"):
        lane.permit()


@pytest.mark.parametrize("words", ["--reason= --by=anna", "--reason=x --by="])
def test_a_claim_says_who_and_why(lane: Estate, words: str) -> None:
    before = lane.everything()
    assert lane.run(f"claim {words}").exit_code == 2
    assert lane.everything() == before


def test_a_lane_without_a_marker_has_nothing_to_claim(bare: Estate) -> None:
    before = bare.everything()
    refused(bare.run("claim --reason=x --by=anna"), "marker_absent")
    assert bare.everything() == before
    bare.drop_like_the_devkit()
    refused(bare.run("claim --reason=x --by=anna"), "marker_absent")
    refused(bare.run("claim --reason=x --by=anna", ODOO_DB_PORT="1"), exit_codes=(51,))


# -- lower -------------------------------------------------------------------------


def enrolled_as_authoritative(lane: Estate) -> None:
    """Stamp it as the only true copy, locked, whatever its policy says."""
    order = lane.stamp_order(lane.show(), generation=lane.record.generation, lock=True)
    marker = order.marker.model_copy(update={"authoritative": True})
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    lane.done("finish", lane.sign(permit))
    lane.stamp(order.model_copy(update={"marker": marker, "permit_id": permit.permit_id}))


@pytest.mark.parametrize("lock", [False, True])
def test_an_authoritative_marker_is_lowered_with_its_claim(lane: Estate, lock: bool) -> None:
    enrolled_as_authoritative(lane)
    lane.done("claim --reason=precious --by=anna")
    data, before = lane.data(), row_of(lane)
    assert before.authoritative
    order = lane.lower_order(lock=lock)
    for _ in range(2):
        lane.done("lower", lane.sign(order))
        row = row_of(lane)
        assert (row.authoritative, row.claimed, row.generation) == (
            False,
            False,
            before.generation,
        )
        assert row.nonce == order.marker.nonce
        assert fingerprint.databases(lane.cluster)[lane.database].locked is lock
    assert events(lane).count("lowered") == 1
    assert lane.data() == data
    # Bound, as the host then records it: and so it may be rebuilt from empty again.
    lane.record = lane.record.model_copy(update={"nonce": order.marker.nonce})
    lane.rebuild("second")


def lowering_refuses(lane: Estate, token: str, *codes: str) -> None:
    before = lane.everything()
    refused(lane.run("lower", token), *codes)
    assert lane.everything() == before


def test_only_the_marker_with_that_nonce(lane: Estate) -> None:
    enrolled_as_authoritative(lane)
    order = lane.lower_order()
    wrong = order.model_copy(update={"lowers_nonce": Nonce("another-nonce")})
    lowering_refuses(lane, lane.sign(wrong), "marker_rolled_back")


@pytest.mark.parametrize("part", ["database_oid", "marker_table_oid"])
def test_only_the_place_that_was_read(lane: Estate, part: str) -> None:
    enrolled_as_authoritative(lane)
    order = lane.lower_order()
    identity = order.marker.identity.model_copy(update={part: 4_000_000})
    marker = order.marker.model_copy(update={"identity": identity})
    wrong = order.model_copy(update={"marker": marker})
    lowering_refuses(lane, lane.sign(wrong), "readings_moved")


def test_a_copy_is_not_lowered(lane: Estate) -> None:
    enrolled_as_authoritative(lane)
    token = lane.sign(lane.lower_order())
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO original")
    lane.execute(f"CREATE DATABASE {lane.database} TEMPLATE original")
    lowering_refuses(lane, token, "marker_copied")


def test_a_tampered_or_missing_marker_is_not_lowered(lane: Estate) -> None:
    enrolled_as_authoritative(lane)
    token = lane.sign(lane.lower_order())
    lane.execute("UPDATE launchplane_lane_marker SET generation = 99", lane.database)
    lowering_refuses(lane, token, "marker_tampered")
    lane.execute("DELETE FROM launchplane_lane_marker", lane.database)
    lowering_refuses(lane, token, "marker_absent")


def test_a_claim_that_nobody_who_signed_has_seen_stays(lane: Estate) -> None:
    enrolled_as_authoritative(lane)
    order = lane.lower_order()
    early = order.model_copy(update={"issued_at": datetime.now(UTC) - timedelta(minutes=1)})
    lane.done("claim --reason=precious --by=anna")
    lowering_refuses(lane, lane.sign(early), "readings_moved")
    assert row_of(lane).claimed
    lane.done("lower", lane.sign(lane.lower_order()))
    assert not row_of(lane).claimed


def test_nothing_is_lowered_while_a_change_is_under_way(lane: Estate) -> None:
    enrolled_as_authoritative(lane)
    order = lane.lower_order()
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    lowering_refuses(lane, lane.sign(order), "operation_unfinished")
