"""Which changes of people and numbers let somebody in."""

from datetime import UTC, datetime

import pytest

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.clock_correction import ClockCorrection
from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.people import People, loosening_of_people, weight_of_people
from launchplane_lane_contracts.vocabulary import Weight

ANNA, BERT = "anna ssh-ed25519 AAAA", "bert ssh-ed25519 BBBB"
USUAL = Thresholds()


def people(*lines: str, thresholds: Thresholds = USUAL) -> People:
    """A file of these lines."""
    return People(approvers="".join(f"{line}\n" for line in lines), thresholds=thresholds)


@pytest.mark.parametrize(
    ("before", "after", "loosens"),
    [
        (people(ANNA), people(ANNA), False),
        (people(ANNA), people("# said so", "", f"  {ANNA} "), False),
        (people(ANNA, BERT), people(ANNA), False),
        (people(ANNA), people(ANNA, BERT), True),
        (people(ANNA), people(ANNA.replace("A", "C")), True),
        (people(f"{ANNA} valid"), people(ANNA), True),
        (people(ANNA), people(ANNA, thresholds=Thresholds(consequential=0)), True),
        (people(ANNA), people(ANNA, thresholds=Thresholds(grave=1)), True),
        (people(ANNA, thresholds=Thresholds(grave=1)), people(ANNA), False),
    ],
)
def test_what_lets_somebody_in(before: People, after: People, loosens: bool) -> None:
    assert bool(loosening_of_people(before, after)) is loosens
    assert weight_of_people(before, after) is (Weight.GRAVE if loosens else Weight.ROUTINE)


def test_it_is_told_who_and_what() -> None:
    told = loosening_of_people(people(ANNA), people(BERT))
    assert told == ("a signature of bert counts by a new or changed line",)
    fewer = loosening_of_people(
        people(ANNA), people(ANNA, thresholds=Thresholds(consequential=0, grave=0))
    )
    assert fewer == (
        "consequential asks for 0 approvers instead of 1",
        "grave asks for 0 approvers instead of 2",
    )


def test_a_correction_of_the_clock_is_signed_by_somebody_else_too() -> None:
    now = datetime(2027, 1, 31, tzinfo=UTC)
    found = ClockCorrection(requester=Person("anna"), reason="x", entry=7, written_at=now)
    assert found.weight is Weight.CONSEQUENTIAL
