"""The key was revoked under an unfinished rebuild: its permit counts no more, and it goes on."""

import pytest

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver.operations.steps import permit_of
from tests.driver.lives.test_keys_of_lanes import reopen, rotate
from tests.driver.nights.night import in_order
from tests.driver.small_host import SmallHost, SmallLane, untouched


def revoked(host: SmallHost) -> None:
    """Go over to another key, and revoke the old one at once."""
    old, _new = rotate(host)
    assert host.operate("keys", "revoke", old, "--now").code == 0
    reopen(host)


def test_an_unfinished_rebuild_outlives_the_key_of_its_permit(
    host: SmallHost, lane: SmallLane
) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise("half")
    revoked(host)
    for way in ("finish", "undo"):
        with untouched(lane):
            refused = host.operate(way, begun.operation_id)
            assert (refused.code, "order_refused" in refused.stderr) == (50, True)
    assert f"lane-authority retry {begun.operation_id}" in refused.stderr
    for command in ("retry", "finish"):
        done = host.operate(command, begun.operation_id)
        assert done.code == 0, done.stderr
        if command == "retry":
            lane.materialise("second")
    assert in_order(host, lane)
    # The old data, which was wanted back, comes back as every kept data does.
    kept = next(
        each
        for each in host.office.store.host_record(lane.lane).kept
        if lane.kept_data(each.name) == before
    )
    back = host.begin(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept.name)
    assert host.operate("finish", back.operation_id).code == 0
    found = lane.data()
    assert (found.rows, found.files, in_order(host, lane)) == (before.rows, before.files, True)


def test_a_permit_that_nobody_signed_is_none(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane)
    revoked(host)
    record = host.office.store.operation(begun.operation_id)
    assert record.permit_token is not None
    header, _claims, signature = record.permit_token.split(".")
    for token in ("no token", f"{header}.e30.{signature}", f"{header}.bm90IGpzb24.{signature}"):
        forged = record.model_copy(update={"permit_token": token})
        with pytest.raises(CouldNotTell, match="neither by its signature nor by the ledger"):
            permit_of(host.office, forged)
