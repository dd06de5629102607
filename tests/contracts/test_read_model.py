"""Facts with their trust, and views that hold every choice with its full reasons."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.read_model import (
    ChoiceView,
    CountFact,
    FlagFact,
    LaneView,
    MarkerFact,
    TextFact,
    Trust,
)
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation

from .cases import NOW, PAIRS, allowed_cases, changed
from .provocations import PROVOCATIONS
from .views import ENABLED, RECORDED, VERIFIED, VIEW


@pytest.mark.parametrize("trust", list(Trust))
def test_what_is_known_has_a_value_and_an_instant_and_the_rest_has_neither(trust: Trust) -> None:
    known = trust in (Trust.VERIFIED, Trust.RECORDED, Trust.STALE)
    whole: dict[str, Any] = {"value": 1, "as_of": NOW}
    for given in ({}, {"value": 1}, {"as_of": NOW}, whole):
        fits = given == (whole if known else {})
        if fits:
            assert CountFact(trust=trust, **given).trust is trust
        else:
            with pytest.raises(ValidationError, match="a fact that is"):
                CountFact(trust=trust, **given)


def test_no_and_nothing_are_values() -> None:
    assert FlagFact(**VERIFIED, value=False).value is False
    assert CountFact(**VERIFIED, value=0).value == 0
    assert TextFact(**VERIFIED, value="").value == ""


def test_what_is_not_known_says_why() -> None:
    missing = MarkerFact.missing("the server did not answer")
    assert (missing.trust, missing.value, missing.as_of) == (Trust.MISSING, None, None)
    assert missing.detail == "the server did not answer"
    assert MarkerFact.unsupported("x").trust is Trust.UNSUPPORTED


@pytest.mark.parametrize(
    ("later", "trust"),
    [
        (timedelta(0), Trust.VERIFIED),
        (timedelta(minutes=5), Trust.VERIFIED),
        (timedelta(minutes=5, microseconds=1), Trust.STALE),
        (timedelta(microseconds=-1), Trust.STALE),
    ],
)
def test_a_fact_grows_stale(later: timedelta, trust: Trust) -> None:
    fact = MarkerFact(**VERIFIED, value=MarkerState.BOUND)
    seen = fact.seen_at(NOW + later, stale_after=timedelta(minutes=5))
    assert seen == fact.model_copy(update={"trust": trust})
    unknown = MarkerFact.missing("x")
    assert unknown.seen_at(NOW + later, stale_after=timedelta(0)) == unknown


def test_a_choice_is_what_the_rule_book_says() -> None:
    cases = [*allowed_cases(), *(each.provoked() for each in PROVOCATIONS)]
    for case in cases:
        decision = case.decide()
        choice = ChoiceView.of(case.request, decision)
        assert choice.enabled is decision.allowed
        assert choice.reasons == decision.reasons
        assert choice.approvers_required == decision.approvers_required


def test_a_choice_that_is_refused_has_its_reasons() -> None:
    for enabled, reasons in ((True, VIEW.choices[0].reasons or refused().reasons), (False, ())):
        with pytest.raises(ValidationError, match="reasons why not"):
            ChoiceView(**{**dict(ENABLED), "enabled": enabled, "reasons": reasons})


def refused() -> ChoiceView:
    """One that is not enabled."""
    return next(each for each in VIEW.choices if not each.enabled)


def test_a_view_holds_every_request_that_exists_once() -> None:
    for choices in ((), VIEW.choices[1:], (*VIEW.choices, VIEW.choices[0])):
        with pytest.raises(ValidationError, match="each once"):
            changed(VIEW, "choices", choices)
    for pair in PAIRS:
        choice = VIEW.choice(*pair)
        assert (choice.operation, choice.data_source) == pair
    with pytest.raises(KeyError):
        VIEW.choice(Operation.BOOTSTRAP, DataSource.KEPT)


def test_a_protected_lane_shows_why_it_may_not_be_emptied() -> None:
    choice = VIEW.choice(Operation.BOOTSTRAP, DataSource.EMPTY)
    assert not choice.enabled
    assert "source_not_allowed" in [each.code for each in choice.reasons]
    assert all(each.remedy for each in choice.reasons)
    assert VIEW.choice(Operation.RESTORE, DataSource.KEPT).enabled


def test_a_view_comes_back_as_it_went() -> None:
    assert LaneView.from_json(VIEW.canonical()) == VIEW
    plain = VIEW.to_plain()
    assert plain["marker"] == {
        "trust": "verified",
        "as_of": "2026-03-01T02:00:00Z",
        "detail": "",
        "value": "bound",
    }
    assert plain["time_left"]["trust"] == "unsupported"
    assert RECORDED["as_of"] < NOW
