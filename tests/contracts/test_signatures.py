"""How many people must sign what, who counts, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.approval import (
    APPROVAL_VALID_FOR,
    COOLING_OFF,
    Approval,
    ApprovalTally,
    Thresholds,
    demand_for,
    tally_approvals,
)
from launchplane_lane_contracts.contract import Person, later
from launchplane_lane_contracts.policy import LONGEST_DURATION
from launchplane_lane_contracts.vocabulary import Weight

from .cases import APPROVER, NOW, REQUESTER, an_approval, changed
from .every_model import PLAN

PROPOSED_AT = NOW - timedelta(hours=1)
AS_RECOMMENDED = Thresholds()


def tally_of(
    approvals: tuple[Approval, ...],
    weight: Weight,
    thresholds: Thresholds = AS_RECOMMENDED,
    at: datetime = NOW,
) -> ApprovalTally:
    """The count for a step of this weight that was proposed an hour ago."""
    return tally_approvals(
        approvals,
        requester=REQUESTER,
        demand=demand_for(weight, thresholds),
        proposed_at=PROPOSED_AT,
        now=at,
    )


def test_people_are_counted_and_not_signatures() -> None:
    twice = (an_approval(APPROVER), an_approval(APPROVER), an_approval(REQUESTER))
    tally = tally_of(twice, Weight.GRAVE)
    assert tally.approvers == (APPROVER,)
    assert tally.requester_signed
    assert not tally.met
    more = (*twice, an_approval(Person("carla@example.org")))
    assert tally_of(more, Weight.GRAVE).met
    assert not tally_of(more[:1] + more[3:], Weight.GRAVE).met


def test_nothing_asked_is_nothing_missing() -> None:
    assert tally_of((), Weight.ROUTINE).met


def test_a_company_of_one_signs_for_itself_and_waits_for_what_is_grave() -> None:
    alone = Thresholds(consequential=0, grave=0)
    mine = (an_approval(REQUESTER),)
    assert not tally_of((), Weight.CONSEQUENTIAL, alone).met
    assert tally_of(mine, Weight.CONSEQUENTIAL, alone).met
    early = tally_of(mine, Weight.GRAVE, alone)
    assert not early.met
    assert early.cooling_off_until == PROPOSED_AT + COOLING_OFF
    # The signature is good for the day after the waiting, and not for longer.
    for after, met in ((timedelta(0), True), (APPROVAL_VALID_FOR, False)):
        at = PROPOSED_AT + COOLING_OFF + after
        assert tally_of(mine, Weight.GRAVE, alone, at).met is met
    assert not tally_of((), Weight.GRAVE, alone, PROPOSED_AT + COOLING_OFF).met


def test_what_each_weight_asks_for() -> None:
    nobody = {"approvers": 0, "requester_signs": False, "cooling_off": timedelta(0)}
    assert dict(demand_for(Weight.ROUTINE, AS_RECOMMENDED)) == nobody
    signs = {**nobody, "requester_signs": True}
    one, two = {**signs, "approvers": 1}, {**signs, "approvers": 2}
    assert dict(demand_for(Weight.CONSEQUENTIAL, AS_RECOMMENDED)) == one
    assert dict(demand_for(Weight.GRAVE, AS_RECOMMENDED)) == two
    waits = {**one, "cooling_off": timedelta(hours=24)}
    assert dict(demand_for(Weight.GRAVE, Thresholds(grave=1))) == waits


def test_who_waited_for_longer_than_the_cooling_off_need_not_wait_again() -> None:
    alone, signed = Thresholds(grave=0), changed(an_approval(REQUESTER), "signed_at", PROPOSED_AT)
    for after in (timedelta(seconds=-1), timedelta(0), timedelta(hours=1)):
        tally = tally_of((signed,), Weight.GRAVE, alone, PROPOSED_AT + COOLING_OFF + after)
        assert (tally.cooling_off_until is None) is (after >= timedelta(0))
        assert tally.met is (after >= timedelta(0))


def test_who_lacks_one_approver_waits_as_well() -> None:
    two = Thresholds(grave=1)
    both = (an_approval(REQUESTER), an_approval(APPROVER))
    assert not tally_of(both, Weight.GRAVE, two).met
    assert tally_of(both, Weight.GRAVE, two, PROPOSED_AT + COOLING_OFF).met
    assert not tally_of(both[:1], Weight.GRAVE, two, PROPOSED_AT + COOLING_OFF).met


def test_numbers_can_be_lowered_and_never_raised() -> None:
    for wrong in ({"consequential": 2}, {"grave": 3}, {"grave": -1}, {"routine": 0}):
        with pytest.raises(ValidationError):
            Thresholds.from_plain(wrong)


def test_a_cooling_off_at_the_end_of_the_calendar_has_no_end() -> None:
    last = NOW.replace(year=9999, month=12, day=31)
    tally = tally_approvals(
        (),
        requester=REQUESTER,
        demand=demand_for(Weight.GRAVE, Thresholds(grave=0)),
        proposed_at=last,
        now=last,
    )
    assert tally.cooling_off_until == last.max.replace(tzinfo=UTC)


def test_what_is_counted_from_an_instant_never_leaves_the_calendar() -> None:
    assert later(NOW, LONGEST_DURATION) == NOW + LONGEST_DURATION
    assert later(NOW, timedelta.max) == NOW.max.replace(tzinfo=UTC)
    assert later(NOW.max.replace(tzinfo=UTC), timedelta(0)) == NOW.max.replace(tzinfo=UTC)


def test_an_approval_counts_for_24_hours() -> None:
    approval = an_approval(APPROVER)
    assert approval.counts_at(approval.signed_at)
    assert approval.counts_at(approval.signed_at + timedelta(hours=24, seconds=-1))
    for hours in (24, 25):
        assert not approval.counts_at(approval.signed_at + timedelta(hours=hours))
    assert not approval.counts_at(approval.signed_at - timedelta(seconds=1))
    late = changed(approval, "signed_at", NOW.replace(year=9999, month=12, day=31))
    assert late.counts_at(late.signed_at)


def test_who_counts() -> None:
    demand = demand_for(Weight.GRAVE, Thresholds())
    approvals = (an_approval(REQUESTER), an_approval(APPROVER))
    for signed, counts in ((approvals, {REQUESTER, APPROVER}), (approvals[1:], {APPROVER})):
        tally = tally_approvals(
            signed, requester=REQUESTER, demand=demand, proposed_at=PROPOSED_AT, now=NOW
        )
        assert tally.who_counts(REQUESTER) == counts


def test_who_signed_a_plan_is_whose_signature_counts() -> None:
    late = an_approval(REQUESTER).model_copy(update={"signed_at": NOW - APPROVAL_VALID_FOR})
    observation = PLAN.observation.model_copy(update={"approvals": (late, an_approval(APPROVER))})
    signed = PLAN.model_copy(update={"observation": observation, "planned_at": NOW})
    assert signed.signed_by == {APPROVER}
