"""What a signature under a plan covers, and what may move without touching it."""

from typing import Any

import pytest

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.plan import plan_target
from launchplane_lane_contracts.vocabulary import DataSource, KeepState, Operation

from .cases import DATABASE, OTHER_LANE, UPSTREAM, Case, allowed_case

KEPT = allowed_case(Operation.RESTORE, DataSource.KEPT)
FROM_UPSTREAM = allowed_case(Operation.RESTORE, DataSource.UPSTREAM_RESTORE)


def digest(case: Case) -> Digest:
    """The digest of the case's plan."""
    return plan_target(
        case.request, case.policy, case.observation, case.decide(), database=DATABASE
    ).digest()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request.lane", OTHER_LANE),
        ("request.requester", "eve@example.org"),
        ("request.reason", "another reason"),
        ("request.attest_runtime", True),
        ("observation.record.generation", 8),
        ("observation.database.oid", 99),
        ("observation.database.system_identifier", "1"),
        ("observation.filestore.path", "/elsewhere"),
        ("observation.incoming.kept.database_oid", 99),
        ("observation.incoming.kept.authoritative", True),
        ("observation.marker.authoritative", True),
    ],
)
def test_what_is_covered(path: str, value: Any) -> None:
    assert digest(KEPT.change(path, value)) != digest(KEPT)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("observation.approvals", ()),
        ("observation.present.gate.backup_id", "a-fresher-backup"),
        ("observation.keep.state", KeepState.UNUSABLE),
        ("observation.clock_detail", "another second"),
        ("observation.database.detail", "the same in other words"),
    ],
)
def test_what_is_not(path: str, value: Any) -> None:
    assert digest(KEPT.change(path, value)) == digest(KEPT)


def test_the_source_is_covered_where_it_is_read() -> None:
    changed = FROM_UPSTREAM.change(
        "policy.upstream_source", UPSTREAM.model_copy(update={"host": "new.example.org"})
    )
    assert digest(changed) != digest(FROM_UPSTREAM)


def test_an_unknown_lane_has_a_plan_too() -> None:
    assert digest(KEPT.change("policy", None)) != digest(KEPT)
