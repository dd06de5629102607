"""The main road: enrol, begin, materialise, finish, stamp; and what stands where afterwards."""

import psycopg2
import pytest

from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, TagState
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused
from tests.guard.test_set_aside import order_for


def test_enrolling_changes_no_row_and_no_file(bare: Estate) -> None:
    before = bare.data()
    bare.enrol()
    assert bare.data() == before
    reading = bare.show()
    assert reading.database.marker_row is not None
    assert reading.database.entry is not None
    assert reading.database.entry.tag is not None
    assert reading.database.entry.tag.state is TagState.LIVE
    assert reading.filestore.tag is not None
    seen = bare.observe(
        reading, bare.request(DataSource.EMPTY), bare.incoming(DataSource.EMPTY, None)
    )
    assert seen.marker.state is MarkerState.BOUND


def test_a_rebuild_keeps_the_old_data_and_settles_the_new(lane: Estate) -> None:
    before = lane.data()
    permit = lane.permit()
    receipt = lane.done("begin", lane.sign(permit))
    assert receipt.set_aside is not None
    assert receipt.set_aside.database_oid == before.oid
    assert lane.kept_data(permit.kept_name) == before
    assert lane.database not in fingerprint.databases(lane.cluster)
    lane.materialise()
    lane.settle(permit)
    assert lane.kept_data(permit.kept_name) == before
    assert lane.data().files == {"whose": lane.data().files["whose"]}
    kept = fingerprint.databases(lane.cluster)[permit.kept_name]
    assert kept.locked
    assert not kept.takes_connections
    assert lane.takes_connections()
    # The lane is bound again: the next permit can be had.
    lane.permit()


def test_a_production_lane_is_restored_and_locked_again(production: Estate) -> None:
    before = production.data()
    permit = production.permit(DataSource.BACKUP_RESTORE)
    production.done("begin", production.sign(permit))
    assert production.kept_data(permit.kept_name) == before
    production.materialise()
    production.settle(permit)
    assert fingerprint.databases(production.cluster)[production.database].locked
    assert production.kept_data(permit.kept_name) == before


def test_begin_where_nothing_is_sets_nothing_aside(bare: Estate) -> None:
    bare.drop_like_the_devkit()
    for path in sorted(bare.filestore.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    bare.filestore.rmdir()
    permit = bare.permit()
    receipt = bare.done("begin", bare.sign(permit))
    assert receipt.set_aside is None
    assert fingerprint.databases(bare.cluster) == {}
    bare.materialise()
    bare.settle(permit)
    assert bare.takes_connections()


def test_an_empty_database_is_set_aside_as_well(bare: Estate) -> None:
    bare.drop_like_the_devkit()
    bare.execute(f"CREATE DATABASE {bare.database}")
    for path in sorted(bare.filestore.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    oid = fingerprint.databases(bare.cluster)[bare.database].oid
    permit = bare.permit()
    bare.done("begin", bare.sign(permit))
    assert fingerprint.databases(bare.cluster)[permit.kept_name].oid == oid
    bare.materialise()
    bare.settle(permit)


def test_the_devkits_drop_finds_nothing_after_a_begin(lane: Estate) -> None:
    before = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    for _ in range(2):
        lane.drop_like_the_devkit()
    assert lane.kept_data(permit.kept_name) == before


def test_kept_and_locked_databases_cannot_be_dropped(production: Estate) -> None:
    before = production.data()
    permit = production.permit(DataSource.BACKUP_RESTORE)
    for role in (production.cluster.odoo, production.cluster.superuser):
        with pytest.raises(psycopg2.Error, match="template"):
            production.execute(f"DROP DATABASE {production.database} WITH (FORCE)", user=role)
    production.done("begin", production.sign(permit))
    for role in (production.cluster.odoo, production.cluster.superuser):
        with pytest.raises(psycopg2.Error, match="template"):
            production.execute(f'DROP DATABASE "{permit.kept_name}" WITH (FORCE)', user=role)
    assert production.kept_data(permit.kept_name) == before


def test_existing_data_does_not_move(production: Estate) -> None:
    before = production.data()
    permit = production.permit(DataSource.EXISTING)
    receipt = production.done("begin", production.sign(permit))
    assert receipt.set_aside is None
    assert production.data() == before
    # An image that does not know the lock must still find its database.
    assert not fingerprint.databases(production.cluster)[production.database].locked
    production.settle(permit)
    assert production.data() == before
    assert fingerprint.databases(production.cluster)[production.database].locked


def test_finish_demands_that_existing_data_stayed(lane: Estate) -> None:
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    before = lane.everything()
    refused(lane.run("finish", lane.sign(permit)), "result_not_as_permitted")
    assert lane.everything() == before


def test_finish_demands_that_the_marker_table_stayed_as_well(lane: Estate) -> None:
    permit = lane.permit(DataSource.EXISTING)
    lane.done("begin", lane.sign(permit))
    # Another dump was loaded into the very same database.
    lane.execute(
        "CREATE TABLE other (LIKE launchplane_lane_marker INCLUDING ALL);"
        "INSERT INTO other SELECT * FROM launchplane_lane_marker;"
        "DROP TABLE launchplane_lane_marker; ALTER TABLE other RENAME TO launchplane_lane_marker",
        lane.database,
    )
    before = lane.everything()
    refused(lane.run("finish", lane.sign(permit)), "result_not_as_permitted")
    assert lane.everything() == before


def test_kept_data_comes_back_and_what_stood_there_is_kept(lane: Estate) -> None:
    old = lane.data()
    _first, kept = lane.rebuild("second")
    second = lane.data()
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.done("begin", lane.sign(permit))
    assert lane.data() == old
    assert lane.kept_data(permit.kept_name) == second
    assert not fingerprint.databases(lane.cluster)[lane.database].locked
    lane.settle(permit)
    assert lane.data() == old
    assert lane.kept_data(permit.kept_name) == second


def test_finish_without_begin_is_refused(lane: Estate) -> None:
    permit = lane.permit()
    before = lane.everything()
    refused(lane.run("finish", lane.sign(permit)), "permit_not_begun")
    assert lane.everything() == before
    assert lane.takes_connections()


def test_finish_misses_a_file_that_the_database_names(lane: Estate) -> None:
    old = lane.data()
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.make_data("new")
    (lane.filestore / "ab/abcdef").unlink()
    refused(lane.run("finish", lane.sign(permit)), "result_not_as_permitted")
    assert lane.kept_data(permit.kept_name) == old
    lane.make_files(lane.filestore, "new")
    lane.settle(permit)


def test_finish_again_does_nothing_more(lane: Estate) -> None:
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    lane.done("finish", lane.sign(permit))
    before = lane.everything()
    lane.done("finish", lane.sign(permit))
    assert lane.everything() == before


def test_a_stamp_over_another_identity_is_refused(lane: Estate) -> None:
    reading = lane.show()
    order = lane.stamp_order(reading)
    for fact, value in (
        ("database_oid", 1),
        ("marker_table_oid", 1),
        ("system_identifier", "1"),
    ):
        identity = order.marker.identity.model_copy(update={fact: value})
        wrong = order.model_copy(
            update={"marker": order.marker.model_copy(update={"identity": identity})}
        )
        before = lane.everything()
        refused(lane.run("stamp", lane.sign(wrong)), "readings_moved")
        assert lane.everything() == before


def test_prepare_for_another_oid_is_refused(bare: Estate) -> None:
    before = bare.everything()
    refused(bare.run("prepare", bare.sign(bare.prepare_order(1))), "readings_moved")
    assert bare.everything() == before


def test_another_lanes_own_database_is_left_alone_by_its_tag_and_by_its_marker(
    lane: Estate,
) -> None:
    # Its host is another one, whose key is not known here.
    neighbour = Estate(
        lane.cluster,
        lane.folder / "neighbour",
        "neighbour",
        lane.role,
        lane=lane.lane.model_copy(update={"instance": "prod"}),
    )
    neighbour.make().enrol()
    permit = lane.permit()
    token = lane.sign(permit)
    # Somebody gives the lane's name to it, and it loses its tag.
    lane.execute("ALTER DATABASE lane RENAME TO mine")
    lane.execute("ALTER DATABASE neighbour RENAME TO lane")
    lane.execute("COMMENT ON DATABASE lane IS NULL")
    order = lane.sign(order_for(lane))
    before = lane.everything()
    refused(lane.run("set-aside", order), "marker_foreign")
    assert lane.everything() == before
    lane.execute("ALTER DATABASE lane RENAME TO neighbour")
    lane.execute("ALTER DATABASE mine RENAME TO lane")
    lane.done("begin", token)
    lane.execute("ALTER DATABASE neighbour RENAME TO lane")
    undo = lane.sign(lane.undo_order(permit))
    oid = fingerprint.databases(lane.cluster)["lane"].oid
    live = (lane.show().database.neighbours[0].tag or pytest.fail("no tag")).model_copy(
        update={"lane": neighbour.lane, "database_oid": oid, "state": TagState.LIVE}
    )
    for tag in ("NULL", f"'{live.text()}'"):
        lane.execute(f"COMMENT ON DATABASE lane IS {tag}")
        before = lane.everything()
        # The devkit drops what stands there after a yes to this.
        answer = lane.start_with(["restore-source", "--permit", "-"], token).wait()
        refused(answer, "readings_moved")
        refused(lane.run("demote", token), "result_not_as_permitted")
        refused(lane.run("finish", token), "result_not_as_permitted")
        refused(lane.run("undo", undo), "undo_impossible")
        assert lane.everything() == before
