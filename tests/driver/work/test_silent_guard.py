"""A guard that does not answer as it must: 51, and the lane is where it was."""

from typing import Any

import pytest

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.read_model import Trust
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, Life, look
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.enrol import Enrol
from launchplane_lane_driver.lives.lost import DeclareLost
from launchplane_lane_driver.lives.retire import Retire
from tests.driver.small_host import RITA, SmallHost, SmallLane, untouched

EDITED = '"$GUARD" "$@" | sed '
GUARDS = {
    "hanging": "sleep 30",
    "garbage": "head -c 100000 /dev/urandom",
    "wordless": "exit 0",
    "another order's receipt": EDITED + """'s/"nonce":"[^"]*"/"nonce":"another-0000"/'""",
    "another command's receipt": 'exec "$GUARD" show',
    "another rule book": EDITED + r"""'s/\(.*\)"rulebook_version":1/\1"rulebook_version":2/'""",
}


def become(lane: SmallLane, kind: str) -> None:
    lane.guard_becomes(f'if [ "$1" = begin ]; then\n{GUARDS[kind]}\nelse exec "$GUARD" "$@"; fi')


@pytest.mark.parametrize(
    "kind",
    [
        *("hanging", "garbage"),
        *(
            pytest.param(each, marks=pytest.mark.full)
            for each in ("wordless", "another command's receipt")
        ),
    ],
)
def test_a_begin_that_did_not_run_touches_nothing(
    host: SmallHost, lane: SmallLane, kind: str
) -> None:
    host.configure(guard_timeout="2")
    operation = host.authorize(lane)
    become(lane, kind)
    with untouched(lane), pytest.raises(CouldNotTell) as silence:
        operations.start(host.office, operation.operation_id)
    assert int(silence.value.exit_code) == 51
    assert [each.code for each in silence.value.reasons] == [ReasonCode.GUARD_SILENT]
    assert host.phase(operation) == "started"
    lane.put_guard_back()
    assert operations.start(host.office, operation.operation_id).phase == "begun"


@pytest.mark.parametrize("kind", ["another order's receipt", "another rule book", "lost"])
def test_a_begin_whose_receipt_is_lost_goes_on(host: SmallHost, lane: SmallLane, kind: str) -> None:
    before = lane.data()
    operation = host.authorize(lane)
    if kind == "lost":
        lane.guard_becomes(
            'if [ "$1" = begin ]; then "$GUARD" "$@" >/dev/null 2>&1; kill -9 $$; fi; '
            'exec "$GUARD" "$@"'
        )
    else:
        become(lane, kind)
    with pytest.raises(CouldNotTell):
        operations.start(host.office, operation.operation_id)
    assert host.phase(operation) == "started"
    lane.put_guard_back()
    begun = operations.start(host.office, operation.operation_id)
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert kept.name == begun.kept_name
    assert (kept.database_oid, kept.generation, kept.has_filestore) == (before.oid, 1, True)
    assert lane.kept_data(kept.name) == before
    lane.materialise()
    assert operations.finish(host.office, begun.operation_id, succeeded=True).phase == "settled"


def test_a_lane_whose_guard_is_silent_can_be_looked_at(host: SmallHost, lane: SmallLane) -> None:
    for kind in ("missing", "garbage", "not executable"):
        if kind == "missing":
            lane.guard.unlink()
        else:
            lane.guard_becomes("head -c 5000 /dev/urandom")
            lane.guard.chmod(0o700 if kind == "garbage" else 0o600)
        view = lane_view(host.office, lane.lane)
        assert view.database.trust is Trust.MISSING
        assert view.database.detail
        codes = [each.code for each in host.plan(lane).decision.reasons]
        assert ReasonCode.DATABASE_UNREADABLE in codes
        assert host.operate("plan", str(lane.lane), "bootstrap/empty").code == 50
    # Whoever asks for a life is told that the guard is silent, and not what else that looks like.
    lives: tuple[Life[Any], ...] = (Enrol(), Adopt(), Retire())
    for life in lives:
        with pytest.raises(CouldNotTell) as silence:
            look(host.office, life, Asked(lane.lane, RITA, "as agreed"))
        assert [each.code for each in silence.value.reasons] == [ReasonCode.GUARD_SILENT]
    assert host.operate("enrol", str(lane.lane)).code == 51
    assert look(host.office, DeclareLost(), Asked(lane.lane, RITA, "it is gone")).digest
    lane.put_guard_back()
    assert host.plan(lane).decision.allowed


def test_a_guard_of_another_lane_is_refused(host: SmallHost, lane: SmallLane) -> None:
    other = host.add_lane("syo")
    before = other.everything()
    lane.guard_becomes(f"exec '{other.guard}' \"$@\"")
    planned = host.plan(lane)
    assert ReasonCode.RUNTIME_OTHER_LANE in [each.code for each in planned.decision.reasons]
    assert other.everything() == before


@pytest.mark.parametrize("how", ["failed", "report"])
def test_a_materialiser_that_failed_settles_nothing(
    host: SmallHost, lane: SmallLane, how: str
) -> None:
    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    with untouched(lane):
        done = host.operate("finish", begun.operation_id, "--failed", "--report", "disk full")
    assert done.code == 50
    assert ReasonCode.MATERIALISER_FAILED in done.stderr
    assert "disk full" in done.stderr
    if how == "failed":
        operations.undo(host.office, begun.operation_id)
        assert lane.data() == before
    else:
        assert host.operate("finish", begun.operation_id).code == 0
