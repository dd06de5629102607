"""One changed fact, and exactly the reason for it."""

import re
from pathlib import Path

import pytest

from launchplane_lane_contracts import rulebook
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .provocations import EMPTY, PROVOCATIONS, Provocation


@pytest.mark.parametrize("provocation", PROVOCATIONS, ids=str)
def test_one_fact_gives_exactly_its_reason(provocation: Provocation) -> None:
    assert provocation.case.decide().allowed
    decision = provocation.provoked().decide()
    assert not decision.allowed
    assert {found.code for found in decision.reasons} == provocation.codes
    for found in decision.reasons:
        assert_is_told_in_sentences(found)


def assert_is_told_in_sentences(found: Reason) -> None:
    for text in (found.message, found.remedy):
        assert text[0].isupper() or text[0].isdigit() or text.startswith(("cm", "another")), text
        assert text.endswith("."), text
        assert not text.endswith(".."), text
        assert "None" not in text, text
        assert "  " not in text, text
        assert len(text.split()) >= 4, text
    assert found.message != found.remedy
    assert "--force" not in found.remedy
    assert all(isinstance(value, str) for value in found.facts.values())


def codes_named_in(path: Path) -> set[ReasonCode]:
    return {
        ReasonCode[name] for name in re.findall(r"ReasonCode\.([A-Z_]+)", path.read_text("utf-8"))
    }


def test_every_reason_of_the_rule_book_is_provoked() -> None:
    contracts = Path(rulebook.__file__).parent
    # What the tenant declares is compared in a file of its own, for the guard asks it as well.
    rules = (*(contracts / "rules").glob("*.py"), contracts / "tenant_declaration.py")
    named = set().union(*(codes_named_in(file) for file in rules))
    assert len(named) > 40
    provoked = {code for provocation in PROVOCATIONS for code in provocation.codes}
    assert named == provoked


def test_a_refusal_carries_all_its_reasons() -> None:
    by_part = {
        provocation.path.split(".")[1]: provocation
        for provocation in PROVOCATIONS
        if provocation.case is EMPTY
        and provocation.path.startswith("observation.")
        and len(provocation.codes) == 1
    }
    del by_part["lane"]
    assert len(by_part) > 7
    case = EMPTY.change_all({each.path: each.value for each in by_part.values()})
    expected = {code for each in by_part.values() for code in each.codes}
    assert {found.code for found in case.decide().reasons} == expected


def test_an_unknown_lane_still_says_when_store_and_clock_cannot_be_trusted() -> None:
    case = EMPTY.change_all(
        {"policy": None, "observation.store_trusted": False, "observation.clock_trusted": False}
    )
    decision = case.decide()
    assert [each.code for each in decision.reasons] == [
        ReasonCode.POLICY_UNKNOWN,
        ReasonCode.STORE_ROLLED_BACK,
        ReasonCode.CLOCK_UNRELIABLE,
    ]
    assert decision.obligations is None
    assert decision.approvers_required == 0


def test_facts_that_are_not_known_are_left_out() -> None:
    made = reason(ReasonCode.LANE_BUSY, "It is busy.", "Wait for it.", known=1, unknown=None)
    assert made.facts == {"known": "1"}
