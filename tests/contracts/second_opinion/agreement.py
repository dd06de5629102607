"""Asks the rule book and the tables the same question, and says where they differ."""

from collections.abc import Iterable

from .built import build
from .opinion import Opinion, as_opinion, second_opinion
from .situation import HEALTHY, Situation, words_of

FEW = 5


def rule_book_on(situation: Situation) -> Opinion:
    """The rule book's answer."""
    case = build(situation)
    return as_opinion(case.decide(), case.policy.replaced_kept_for if case.policy else None)


def told(situation: Situation) -> str:
    """The situation by what sets it apart from a healthy lane."""
    return "; ".join(
        f"{fact}: {variant}" for fact, variant in situation.items() if variant != HEALTHY[fact]
    )


def check_agreement(situations: Iterable[Situation]) -> int:
    """Compare both on all of them; how many they were. Fails with the first few differences."""
    count = 0
    differences: list[str] = []
    for situation in situations:
        count += 1
        first, second = rule_book_on(situation), second_opinion(words_of(situation))
        if first != second and len(differences) < FEW:
            differences.append(f"{told(situation)}\n  decide: {first}\n  tables: {second}")
    assert not differences, "\n".join(differences)
    return count
