"""Production was restored by hand, or by one who is alone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplane_lane_contracts.approval import COOLING_OFF
from launchplane_lane_contracts.contract import Digest
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from tests.driver.behind import clock_behind
from tests.driver.nights.night import Night, in_order
from tests.driver.nights.test_host_lost import POLICY
from tests.driver.nights.test_promotion import proven_backup
from tests.driver.small_host import (
    RITA,
    SmallHost,
    SmallLane,
    production_policy,
    resettable_policy,
    untouched,
)
from tests.driver.work.conftest import Around, clean
from tests.guard import fingerprint
from tests.system.people import make_people

YESTERDAY = 25 * 60 * 60.0
"""How many seconds ago that was."""


def client(lane: SmallLane, program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, as whoever owns the lane's data types it."""
    role = lane.cluster.odoo
    subprocess.run(
        [program, *arguments],
        env={
            **lane.cluster.environment(),
            "PGHOST": lane.cluster.host,
            "PGPORT": str(lane.cluster.port),
            "PGUSER": role.name,
            "PGPASSWORD": role.password,
        },
        check=True,
        capture_output=True,
    )


def test_last_nights_dump_was_restored_in_place_by_hand(
    host: SmallHost, production: SmallLane, tmp_path: Path
) -> None:
    name, dump = production.database, str(tmp_path / "last-night.dump")
    client(production, "pg_dump", "-Fc", "-f", dump, name)
    before = production.data()
    production.execute("DELETE FROM res_partner", name)
    # Whoever restores by hand unlocks, drops and creates; the files are there still.
    production.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
    production.execute(f'DROP DATABASE "{name}"')
    production.execute(f'CREATE DATABASE "{name}"')
    client(production, "pg_restore", "--no-owner", "-d", name, dump)
    assert production.data().rows == before.rows
    with Night(host, "Last night's dump was restored in place by hand") as night:
        with untouched(production):
            assert "marker_copied" in night.type("lane")
            said = night.type("adopt")
            assert "Differs: the marker was written for another database" in said
            assert (
                host.operate("adopt", str(production.lane), "--digest", night.known["DIGEST"]).code
                == 50
            )
            night.type_all(*["approve DIGEST"] * 2)
        night.type("adopt")
        assert "marker bound" in night.type("lane")
    assert (production.data().rows, in_order(host, production)) == (before.rows, True)
    assert fingerprint.databases(production.cluster)[name].locked


@pytest.fixture
def alone(around: Around, tmp_path: Path) -> Iterator[SmallHost]:
    """A company of one, since yesterday: one approver, and the numbers that she put beside it."""
    people = make_people(tmp_path / "keys", tmp_path / "approvers", (RITA,))
    approvers = (tmp_path / "approvers").read_text()
    with clock_behind(YESTERDAY):
        made = SmallHost(
            around.cluster,
            around.forks,
            tmp_path,
            people,
            approvers,
            thresholds="consequential = 0\ngrave = 0\n",
        )
    yield made
    made.close()
    clean(around.cluster)


def test_a_company_of_one_restores_its_own_production_tonight(alone: SmallHost) -> None:
    lane = alone.add_lane("syo")
    with clock_behind(YESTERDAY):
        proposed = propose_policy(
            alone.office, resettable_policy(lane.lane), proposer=RITA, why="before it is live"
        )
        alone.sign(proposed.digest, RITA)
    apply_policy(alone.office, proposed.digest)
    alone.enrol(lane)
    wanted = lane.data()
    kept = alone.rebuild(lane, "mistake").kept_name
    alone.record_policy(production_policy(lane.lane))
    mistake = lane.data()
    proven_backup(alone, lane)
    assert kept is not None
    heading = "The approver is on holiday in a company of one: tonight"
    with Night(alone, heading, KEPT=kept) as night:
        with untouched(lane):
            said = night.type("plan", 50)
            assert "Signatures: no approver and the requester rita" in said
            assert alone.operate("authorize", night.known["DIGEST"]).code == 50
            night.type_all("approve DIGEST", "authorize DIGEST")
        night.type_all("start OPERATION", "finish OPERATION")
    found = lane.data()
    assert (found.rows, found.files, in_order(alone, lane)) == (wanted.rows, wanted.files, True)
    (set_aside,) = alone.office.store.host_record(lane.lane).kept
    assert lane.kept_data(set_aside.name) == mistake
    assert fingerprint.databases(lane.cluster)[lane.database].locked


def test_a_company_of_one_waits_a_day_for_what_is_grave(alone: SmallHost) -> None:
    lane = alone.add_lane("cm")
    (alone.folder / "cm.toml").write_text(POLICY.format(lane=lane.lane))
    with Night(alone, "The approver is on holiday in a company of one: what is grave") as night:
        assert "It may be applied from" in night.type("policy propose", ago=YESTERDAY)
        night.type("approve DIGEST", ago=YESTERDAY)
        proposal = alone.office.store.proposal(Digest(night.known["DIGEST"]))
        until = proposal.proposed_at + COOLING_OFF
        said = night.type("policy apply", 50, ago=YESTERDAY)
        assert f"{until:%Y-%m-%d %H:%M} UTC" in said, said
        assert alone.office.store.policy(lane.lane) is None
        night.type("policy apply")
    alone.enrol(lane)
    before = lane.data()
    settled = alone.rebuild(lane)
    assert in_order(alone, lane)
    assert settled.kept_name is not None
    assert lane.kept_data(settled.kept_name) == before
