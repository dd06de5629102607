"""A real `pg_upgrade` from 16 to 18: the same rows, oid, tag and lock, and another cluster."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from launchplane_lane_contracts.vocabulary import MarkerState
from tests.guard import fingerprint
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.estate import Estate
from tests.real.postgres import PrivateCluster
from tests.real.server_user import as_server_user, give_to_server_user

OLD, NEW = "16", "18"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[PrivateCluster]:
    with PrivateCluster(version=OLD) as cluster:
        yield cluster


@pytest.fixture
def new() -> Iterator[PrivateCluster]:
    with PrivateCluster(version=NEW) as cluster:
        yield cluster


def upgrade(old: PrivateCluster, new: PrivateCluster) -> subprocess.CompletedProcess[str]:
    """Run pg_upgrade as it asks to be run: both servers stopped, the new one holding nothing."""
    if new.running:
        new.execute(f"DROP ROLE {new.odoo.name}")
        new.execute(f"ALTER ROLE {new.superuser.name} PASSWORD '{old.superuser.password}'")
    old.stop()
    new.stop()
    scratch = new.directory / "upgrade"
    scratch.mkdir(exist_ok=True)
    give_to_server_user(scratch)
    return subprocess.run(
        as_server_user(
            [
                str(new.binaries / "pg_upgrade"),
                *("--old-bindir", str(old.binaries), "--new-bindir", str(new.binaries)),
                *("--old-datadir", str(old.data_directory)),
                *("--new-datadir", str(new.data_directory)),
                *("--username", old.superuser.name, "--socketdir", str(new.socket_directory)),
            ]
        ),
        cwd=scratch,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PGPASSWORD": old.superuser.password},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_an_upgraded_lane_is_the_same_data_elsewhere(
    old: PrivateCluster, new: PrivateCluster, tmp_path: Path
) -> None:
    before = Estate(old, tmp_path, "lane", old.odoo, protected=True).make().enrol()
    token, data = signed_before(before), before.data()
    catalogue = fingerprint.databases(old)
    done = upgrade(old, new)
    assert done.returncode == 0, done.stdout + done.stderr
    new.superuser, new.odoo = old.superuser, old.odoo
    new.start()
    after = replace(before, cluster=new)
    after.record = before.record
    # Name, oid, tag and lock went along, and so did every row.
    assert fingerprint.databases(new) == catalogue
    assert after.data() == data
    assert new.system_identifier != old.system_identifier
    expect_refusal(after, token, marker=MarkerState.COPIED, code="marker_copied")
    # The old place is still the lane, as long as nobody has recorded a move.
    old.start()
    expect_bound(before)


@pytest.mark.slow
def test_kept_data_is_in_the_way_of_an_upgrade_until_it_is_opened(
    old: PrivateCluster, new: PrivateCluster, tmp_path: Path
) -> None:
    """It takes no connections, and pg_upgrade must connect to everything."""
    lane = Estate(old, tmp_path, "lane", old.odoo).make().enrol()
    _permit, kept = lane.rebuild()
    done = upgrade(old, new)
    assert done.returncode != 0
    assert "connections" in done.stdout + done.stderr
    old.start()
    expect_bound(lane)
    assert fingerprint.databases(old)[kept.name].oid == kept.database_oid
    # The way on: opened by order for the upgrade, and closed by the same order behind it.
    data, catalogue = lane.kept_data(kept.name), fingerprint.databases(old)
    order = lane.sign(lane.open_order(kept))
    lane.done("open", order)
    done = upgrade(old, new)
    assert done.returncode == 0, done.stdout + done.stderr
    new.superuser, new.odoo = old.superuser, old.odoo
    new.start()
    lane.cluster = new
    lane.done("open --close", order)
    assert fingerprint.databases(new) == catalogue
    assert lane.kept_data(kept.name) == data
