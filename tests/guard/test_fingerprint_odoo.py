"""The content fingerprint of a real Odoo's database, restored on a newer server."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing

import pytest
from psycopg2.extensions import connection as Connection

from launchplane_lane_guard.fingerprint import read_with
from tests.guard.dumping import restore_into
from tests.real.postgres import PrivateCluster
from tests.real.template import odoo_template

DATABASE, RESTORED = "odoo_read", "odoo_restored"


def sessions(
    cluster: PrivateCluster, database: str
) -> Callable[[], AbstractContextManager[Connection]]:
    return lambda: closing(cluster.connect(database, autocommit=True))


@pytest.mark.slow
def test_a_real_odoo_is_the_same_on_a_newer_server(cluster: PrivateCluster) -> None:
    try:
        odoo_template().restore(cluster, DATABASE)
        before = read_with(sessions(cluster, DATABASE))
        assert len(before.tables) > 100
        assert before.rows > 10_000
        with PrivateCluster(version="18") as newest:
            restore_into(cluster, newest, DATABASE, RESTORED)
            after = read_with(sessions(newest, RESTORED))
            assert before.differences(after) == ()
            assert before.digest() == after.digest()
            newest.execute("UPDATE res_partner SET name = name || ' ' WHERE id = 1", RESTORED)
            damaged = read_with(sessions(newest, RESTORED))
        assert [each.name for each in before.differences(damaged)] == ["public.res_partner"]
    finally:
        cluster.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
