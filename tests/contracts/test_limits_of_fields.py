"""The shortest, longest, smallest and largest values that a field takes, and the ones beyond."""

from typing import Any

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.approval import Demand, Thresholds
from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.evidence import IncomingData
from launchplane_lane_contracts.observation import DatabaseObservation, UnfinishedOperation
from launchplane_lane_contracts.policy import Policy, PolicyRevision, ProviderTarget, UpstreamSource

from .cases import NOW, PLAN_DIGEST, REQUESTER, TARGET, UPSTREAM, an_authoritative_policy, changed

REVISION = PolicyRevision(
    policy=an_authoritative_policy(),
    number=1,
    recorded_at=NOW,
    recorded_by=REQUESTER,
    reason="The lane goes live.",
    change_digest=PLAN_DIGEST,
)
DEMAND = Demand.from_plain({"approvers": 1, "requester_signs": True, "cooling_off": "PT0S"})


@pytest.mark.parametrize(
    ("model", "field", "shortest", "longest"),
    [
        (UPSTREAM, "name", 1, 200),
        (UPSTREAM, "host", 1, 253),
        (TARGET, "target_id", 1, 200),
        (TARGET, "name", 1, 200),
        (REVISION, "reason", 1, 2000),
    ],
)
def test_a_text(model: Contract, field: str, shortest: int, longest: int) -> None:
    for length in (shortest, longest):
        assert len(getattr(changed(model, field, "x" * length), field)) == length
    for length in (shortest - 1, longest + 1):
        with pytest.raises(ValidationError):
            changed(model, field, "x" * length)


@pytest.mark.parametrize(
    ("model", "field", "smallest", "largest"),
    [
        (Thresholds(), "consequential", 0, 1),
        (Thresholds(), "grave", 0, 2),
        (DEMAND, "approvers", 0, 2),
        (REVISION, "number", 1, None),
    ],
)
def test_a_number(model: Contract, field: str, smallest: int, largest: int | None) -> None:
    for number in (smallest, smallest + 1 if largest is None else largest):
        assert getattr(changed(model, field, number), field) == number
    for number in (smallest - 1, *(() if largest is None else (largest + 1,))):
        with pytest.raises(ValidationError):
            changed(model, field, number)


@pytest.mark.parametrize(
    ("kept_for", "lawful"), [("PT24H", True), ("PT23H59M59S", False), ("P8D", True)]
)
def test_what_authoritative_data_is_kept_for(kept_for: str, lawful: bool) -> None:
    plain: dict[str, Any] = {**an_authoritative_policy().to_plain(), "replaced_kept_for": kept_for}
    if lawful:
        assert Policy.from_plain(plain).authoritative_data
    else:
        with pytest.raises(ValidationError):
            Policy.from_plain(plain)


@pytest.mark.parametrize("model", [UpstreamSource, ProviderTarget])
def test_a_text_that_is_asked_for_cannot_be_left_out(model: type[Contract]) -> None:
    with pytest.raises(ValidationError):
        model.from_plain({})


def test_what_nobody_said_of_an_operation_or_a_database_protects() -> None:
    unfinished = UnfinishedOperation.from_plain(
        {
            "operation_id": "operation-9",
            "phase": "begun",
            "operation": "recreate",
            "data_source": "empty",
        }
    )
    assert unfinished.authoritative
    assert not DatabaseObservation.from_plain({"state": "absent"}).locked
    assert not IncomingData().kept_is_unchanged
