"""What would stop a rebuild half-way is seen before the first change, and the lane stays open."""

from pathlib import Path

import pytest

from launchplane_lane_contracts.vocabulary import DataSource
from launchplane_lane_guard import sessions
from tests.guard.estate import Estate, refused
from tests.guard.test_set_aside import order_for
from tests.guard.transaction_pooler import TransactionPooler
from tests.guard.volumes import mounted, root_only
from tests.real.postgres import PrivateCluster
from tests.real.server_user import give_to_server_user


def refuses_and_leaves_everything(
    lane: Estate, token: str, *codes: str, **environment: str | None
) -> None:
    before = lane.everything()
    refused(lane.run("begin", token, **environment), *codes)
    assert lane.everything() == before
    assert lane.takes_connections()


def test_a_prepared_transaction(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    opened = lane.cluster.connect(lane.database)
    opened.tpc_begin(opened.xid(1, "payment", "1"))
    opened.cursor().execute("INSERT INTO res_partner (name) VALUES ('paid')")
    opened.tpc_prepare()
    opened.close()
    refuses_and_leaves_everything(lane, token, "set_aside_impossible")
    gid = lane.cluster.execute("SELECT gid FROM pg_prepared_xacts")[0][0]
    lane.execute(f"COMMIT PREPARED '{gid}'", lane.database)
    # The way on: the same permit begins now, and the payment is kept.
    before = lane.data()
    receipt = lane.done("begin", token)
    assert receipt.set_aside is not None
    assert lane.kept_data(receipt.set_aside.name) == before


def test_a_replication_slot(tmp_path: Path) -> None:
    """In a closed database nobody reads from it, and the server's log would grow for ever."""
    settings = {"wal_level": "logical", "max_wal_senders": "1"}
    with PrivateCluster(settings=settings) as cluster:
        lane = Estate(cluster, tmp_path, "lane", cluster.odoo).make().enrol()
        make = "SELECT pg_create_logical_replication_slot('reports', 'pgoutput')"
        drop = "SELECT pg_drop_replication_slot('reports')"
        old, permit = lane.data(), lane.permit()
        cluster.execute(make, lane.database)
        before = lane.everything()
        refused(lane.run("set-aside", lane.sign(order_for(lane))), "set_aside_impossible")
        assert lane.everything() == before
        assert lane.takes_connections()
        refuses_and_leaves_everything(lane, lane.sign(permit), "set_aside_impossible")
        cluster.execute(drop)
        lane.done("begin", lane.sign(permit))
        lane.materialise()
        cluster.execute(make, lane.database)
        before = lane.everything()
        undo = lane.sign(lane.undo_order(permit))
        refused(lane.run("undo", undo), "set_aside_impossible")
        assert lane.everything() == before
        cluster.execute(drop)
        lane.done("undo", undo)
        assert lane.data() == old


def test_an_enabled_subscription(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    run = lane.cluster.execute
    run(
        "CREATE SUBSCRIPTION news CONNECTION 'host=127.0.0.1 port=1' PUBLICATION news "
        "WITH (connect = false, slot_name = 'news')",
        lane.database,
    )
    try:
        run("ALTER SUBSCRIPTION news ENABLE", lane.database)
        refuses_and_leaves_everything(lane, token, "set_aside_impossible")
        run("ALTER SUBSCRIPTION news DISABLE", lane.database)
    finally:
        run("ALTER SUBSCRIPTION news DISABLE", lane.database)
        run("ALTER SUBSCRIPTION news SET (slot_name = NONE)", lane.database)
        run("DROP SUBSCRIPTION news", lane.database)
    lane.done("begin", token)


def test_a_superusers_session(lane: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.5)
    token = lane.sign(lane.permit())
    held = lane.cluster.connect(lane.database, lane.cluster.superuser)
    refuses_and_leaves_everything(lane, token, "set_aside_impossible")
    # It was not this session that was ended, and the next ones get in as well.
    held.cursor().execute("SELECT count(*) FROM res_partner")
    held.close()
    lane.done("begin", token)


def test_a_superuser_as_the_lanes_role_ends_such_a_session(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    held = lane.cluster.connect(lane.database, lane.cluster.superuser)
    before = lane.data()
    boss = lane.cluster.superuser
    answer = lane.run("begin", token, ODOO_DB_USER=boss.name, ODOO_DB_PASSWORD=boss.password)
    assert answer.exit_code == 0
    assert answer.receipt is not None
    assert answer.receipt.set_aside is not None
    assert lane.kept_data(answer.receipt.set_aside.name) == before
    held.close()


def test_a_pooler_that_gives_each_statement_another_session(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    token = lane.sign(lane.permit())
    orders = {
        "release": lane.sign(lane.release_order(kept)),
        "open": lane.sign(lane.open_order(kept)),
        "open --close": lane.sign(lane.open_order(kept)),
    }
    with TransactionPooler((lane.cluster.host, lane.cluster.port)) as pooler:
        port = str(pooler.port)
        # The guard sees its lane through it all the same.
        reading = lane.run("show", ODOO_DB_PORT=port).receipt
        assert reading is not None
        assert reading.reading is not None
        assert reading.reading.database.problem is None
        refuses_and_leaves_everything(lane, token, "connection_pooled", ODOO_DB_PORT=port)
        before = lane.everything()
        for command, order in orders.items():
            refused(lane.run(command, order, ODOO_DB_PORT=port), "connection_pooled")
            assert lane.everything() == before
    # The way on: the server itself.
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    before = lane.everything()
    undo, abort = lane.sign(lane.undo_order(permit)), lane.sign(permit)
    with TransactionPooler((lane.cluster.host, lane.cluster.port)) as pooler:
        for command, order in (("undo", undo), ("abort", abort)):
            answer = lane.run(command, order, ODOO_DB_PORT=str(pooler.port))
            refused(answer, "connection_pooled")
            assert lane.everything() == before
    lane.done("undo", undo)
    assert lane.takes_connections()


def test_a_pooler_that_leaves_each_client_its_session_is_in_nobodys_way(lane: Estate) -> None:
    old, permit = lane.data(), lane.permit()
    server = (lane.cluster.host, lane.cluster.port)
    with TransactionPooler(server, shares=False) as pooler:
        answer = lane.run("begin", lane.sign(permit), ODOO_DB_PORT=str(pooler.port))
    assert answer.exit_code == 0, answer.words
    assert lane.kept_data(permit.kept_name) == old


def test_a_role_without_createdb(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    lane.cluster.execute("ALTER ROLE odoo NOCREATEDB")
    refuses_and_leaves_everything(lane, token, "role_may_not_rename")


def test_a_role_that_does_not_own_the_database(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    lane.cluster.execute(f"ALTER DATABASE {lane.database} OWNER TO postgres")
    refuses_and_leaves_everything(lane, token, "role_may_not_rename")


def test_a_kept_name_that_is_taken(lane: Estate) -> None:
    permit = lane.permit()
    lane.create_database(permit.kept_name, "somebody else")
    refuses_and_leaves_everything(lane, lane.sign(permit), "set_aside_impossible")


def test_a_kept_folder_that_is_taken(lane: Estate) -> None:
    permit = lane.permit()
    folder = lane.keep / "filestores" / permit.kept_name
    folder.mkdir(parents=True)
    (folder / "somebody else").write_text("file")
    refuses_and_leaves_everything(lane, lane.sign(permit), "set_aside_impossible")


def test_kept_data_without_its_files(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    permit = lane.permit(DataSource.KEPT, kept=kept)
    (lane.keep / "filestores" / kept.name).rename(lane.folder / "away")
    refuses_and_leaves_everything(lane, lane.sign(permit), "kept_changed")


def test_kept_data_that_was_dropped_and_made_anew(lane: Estate) -> None:
    _permit, kept = lane.rebuild("second")
    permit = lane.permit(DataSource.KEPT, kept=kept)
    lane.execute(f'ALTER DATABASE "{kept.name}" WITH IS_TEMPLATE false')
    lane.execute(f'DROP DATABASE "{kept.name}"')
    lane.create_database(kept.name, "somebody else")
    refuses_and_leaves_everything(lane, lane.sign(permit), "kept_changed")


def test_no_keep(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    refuses_and_leaves_everything(lane, token, "keep_not_configured", LANE_AUTHORITY_KEEP=None)


@pytest.mark.parametrize("name", ["nowhere", "public-keys.json", "filestore/lane/keep"])
def test_a_keep_that_is_none(lane: Estate, name: str) -> None:
    token = lane.sign(lane.permit())
    if name.endswith("keep"):
        (lane.folder / name).mkdir()
    keep = str(lane.folder / name)
    refuses_and_leaves_everything(lane, token, "keep_unusable", LANE_AUTHORITY_KEEP=keep)


def test_a_keep_inside_the_served_folder_by_a_detour(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    (lane.filestore / "keep").mkdir()
    (lane.folder / "link").symlink_to(lane.filestore)
    keep = str(lane.folder / "link" / "keep")
    refuses_and_leaves_everything(lane, token, "keep_unusable", LANE_AUTHORITY_KEEP=keep)


def test_a_note_in_the_keep_that_was_changed_by_hand(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    (lane.keep / "begun" / "some-permit").mkdir(parents=True)
    (lane.keep / "begun" / "some-permit" / "begun.json").write_text("{")
    refuses_and_leaves_everything(lane, token, "keep_unusable")


def test_a_symlinked_filestore(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    lane.filestore.rename(lane.folder / "elsewhere")
    lane.filestore.symlink_to(lane.folder / "elsewhere")
    refuses_and_leaves_everything(lane, token, "filestore_unreadable")


@root_only
def test_a_volume_that_is_mounted_over_the_filestore(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    with mounted("-t", "tmpfs", "tmpfs", str(lane.filestore)):
        refuses_and_leaves_everything(lane, token, "filestore_missing")
    lane.done("begin", token)


@root_only
def test_a_keep_beside_the_filestore_on_one_mount_is_good(lane: Estate) -> None:
    with mounted("--bind", str(lane.folder), str(lane.folder)):
        before = lane.data()
        permit = lane.permit()
        lane.done("begin", lane.sign(permit))
        assert lane.kept_data(permit.kept_name) == before


def undo_refuses_and_leaves_everything(
    lane: Estate, token: str, *codes: str, **environment: str | None
) -> None:
    before = lane.everything()
    refused(lane.run("undo", token, **environment), *codes)
    assert lane.everything() == before


def begun_and_materialised(lane: Estate) -> str:
    """A rebuild that can be undone; the order for it."""
    permit = lane.permit()
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    return lane.sign(lane.undo_order(permit))


def test_undo_with_a_prepared_transaction_in_what_came(lane: Estate) -> None:
    old = lane.data()
    token = begun_and_materialised(lane)
    opened = lane.cluster.connect(lane.database)
    opened.tpc_begin(opened.xid(1, "payment", "1"))
    opened.cursor().execute("INSERT INTO res_partner (name) VALUES ('paid')")
    opened.tpc_prepare()
    opened.close()
    undo_refuses_and_leaves_everything(lane, token, "set_aside_impossible")
    gid = lane.cluster.execute("SELECT gid FROM pg_prepared_xacts")[0][0]
    lane.execute(f"ROLLBACK PREPARED '{gid}'", lane.database)
    lane.done("undo", token)
    assert lane.data() == old


def test_undo_with_a_superusers_session_in_what_came(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.3)
    old = lane.data()
    token = begun_and_materialised(lane)
    held = lane.cluster.connect(lane.database, lane.cluster.superuser)
    undo_refuses_and_leaves_everything(lane, token, "set_aside_impossible")
    held.close()
    lane.done("undo", token)
    assert lane.data() == old


@pytest.mark.parametrize("taken", ["CREATEDB", "ownership"])
def test_undo_by_a_role_that_may_not_rename(lane: Estate, taken: str) -> None:
    old = lane.data()
    token = begun_and_materialised(lane)
    if taken == "CREATEDB":
        lane.cluster.execute("ALTER ROLE odoo NOCREATEDB")
    else:
        lane.cluster.execute(f"ALTER DATABASE {lane.database} OWNER TO postgres")
    undo_refuses_and_leaves_everything(lane, token, "set_aside_impossible")
    lane.cluster.execute("ALTER ROLE odoo CREATEDB")
    lane.cluster.execute(f"ALTER DATABASE {lane.database} OWNER TO odoo")
    lane.done("undo", token)
    assert lane.data() == old


def test_a_replica_changes_nothing(tmp_path: Path) -> None:
    with PrivateCluster(settings={"wal_level": "replica"}) as cluster:
        lane = Estate(cluster, tmp_path, "lane", cluster.odoo).make().enrol()
        settled, kept = lane.rebuild("second")
        permit = lane.permit()
        orders = {
            "begin": lane.sign(permit),
            "undo": lane.sign(lane.undo_order(settled)),
            "abort": lane.sign(permit),
            "open": lane.sign(lane.open_order(kept)),
            "release": lane.sign(lane.release_order(kept)),
        }
        before = lane.everything()
        # The server as it is once it was told to follow another one.
        follows = cluster.data_directory / "standby.signal"
        cluster.stop()
        follows.touch()
        give_to_server_user(follows)
        cluster.start()
        assert cluster.execute("SELECT pg_is_in_recovery()") == [(True,)]
        for command, token in orders.items():
            refused(lane.run(command, token))
            if command != "undo":
                refused(lane.run(command, token), "role_may_not_rename")
        cluster.stop()
        follows.unlink()
        cluster.start()
        assert lane.everything() == before
        # The way on: the primary.
        lane.done("begin", orders["begin"])
