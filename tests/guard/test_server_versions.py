"""The guard's whole cycle on each major version, as plain owner with CREATEDB and as superuser."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from launchplane_lane_contracts.vocabulary import DatabaseState, DataSource, MarkerState
from tests.guard import fingerprint
from tests.guard.clones.verdict import seen
from tests.guard.conftest import LANE_DATABASE, clean
from tests.guard.estate import Estate, refused
from tests.real.postgres import PrivateCluster
from tests.real.server_binaries import WHEEL_FOLDERS, debian_binaries

VERSIONS = sorted({*debian_binaries(), *WHEEL_FOLDERS}, key=int)
"""What Debian has here (15 on Debian 12), and the two that the wheel brings everywhere."""


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[PrivateCluster]:
    with PrivateCluster(version=request.param) as private:
        private.create_role("odoo_superuser", "password", superuser=True)
        yield private


@pytest.fixture(params=["owner", "superuser"])
def whole(
    server: PrivateCluster, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Estate]:
    role = server.odoo
    if request.param == "superuser":
        role = type(role)("odoo_superuser", "password")
    yield Estate(server, tmp_path, LANE_DATABASE, role, protected=True).make().enrol()
    clean(server)


@pytest.mark.slow
def test_one_whole_life(whole: Estate) -> None:
    """Show, prepare, stamp, begin, finish; begin, undo; reopen; abort; open, release."""
    server = whole.show().database.server
    assert server is not None
    assert server.version // 10_000 == int(whole.cluster.version)
    assert server.role_is_superuser is (whole.role.name == "odoo_superuser")
    first = whole.data()

    permit = whole.permit(DataSource.BACKUP_RESTORE)
    whole.done("begin", whole.sign(permit))
    refused(whole.run("begin", whole.sign(permit)), "permit_already_begun")
    whole.materialise()
    whole.settle(permit)
    assert whole.kept_data(permit.kept_name) == first
    assert seen(whole).marker.state is MarkerState.BOUND

    second = whole.data()
    permit = whole.permit(DataSource.BACKUP_RESTORE)
    whole.done("begin", whole.sign(permit))
    whole.materialise("third")
    order = whole.undo_order(permit)
    whole.done("undo", whole.sign(order))
    assert whole.data() == second
    whole.stamp(whole.stamp_order(whole.show(), permit=permit, generation=order.generation))
    assert seen(whole).marker.state is MarkerState.BOUND

    whole.execute(f"ALTER DATABASE {whole.database} WITH ALLOW_CONNECTIONS false")
    assert seen(whole).database.state is DatabaseState.CLOSED
    whole.done("reopen")
    assert whole.takes_connections()
    for name, found in fingerprint.databases(whole.cluster).items():
        assert found.locked
        with pytest.raises(psycopg2.Error, match="template database"):
            whole.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    assert whole.data() == second

    permit = whole.permit(DataSource.BACKUP_RESTORE)
    whole.done("begin", whole.sign(permit))
    whole.done("abort", whole.sign(permit))
    assert whole.data() == second
    _permit, kept = whole.rebuild("fourth", DataSource.BACKUP_RESTORE)
    fourth = whole.data()
    assert whole.kept_data(kept.name) == second
    # The proof is read while the kept database is open, and it is dropped on that proof.
    whole.done("release", whole.sign(whole.release_order(kept, whole.proof_of(kept))))
    assert second.oid not in {each.oid for each in fingerprint.databases(whole.cluster).values()}
    assert whole.data() == fourth
