"""What the tables say of a case, in the same shape as what the rule book says of it."""

from dataclasses import dataclass
from datetime import timedelta

from launchplane_lane_contracts.decision import Decision

from .tables import NO_REASON, REASONS, Words, read_tables

TABLES = read_tables()
LOOKED_AT_WITHOUT_A_POLICY = frozenset({("policy",), ("store",), ("clock",)})
OBLIGATIONS = (
    "new generation",
    "same database",
    "neutralise",
    "lock",
    "result is authoritative",
    "keep for",
)


@dataclass(frozen=True)
class Opinion:
    """An answer: allowed or not, all reasons, who must sign, what is owed."""

    allowed: bool
    codes: tuple[str, ...]
    """Sorted; a code that is found twice stands there twice."""
    approvers_required: int
    requester_signs: bool
    obligations: tuple[str, ...] | None


def conclude(words: Words) -> tuple[Words, tuple[str, ...]]:
    """All that follows from the facts, and the reasons against."""
    known = dict(words)
    codes: list[str] = []
    without_policy = words["policy"] == "none"
    for table in TABLES:
        if without_policy and table.facts not in LOOKED_AT_WITHOUT_A_POLICY:
            continue
        found = table.answer(known)
        if table.result != REASONS:
            known[table.result] = found
        elif found != NO_REASON:
            codes += found.split(", ")
    return known, tuple(sorted(codes))


def second_opinion(words: Words) -> Opinion:
    """What the tables answer."""
    known, codes = conclude(words)
    if words["policy"] == "none":
        return Opinion(not codes, codes, 0, requester_signs=False, obligations=None)
    return Opinion(
        allowed=not codes,
        codes=codes,
        approvers_required=int(known["approvers required"]),
        requester_signs=known["requester signs"] == "yes",
        obligations=tuple([known[each] for each in OBLIGATIONS]),
    )


def as_opinion(decision: Decision, kept_for: timedelta | None) -> Opinion:
    """The rule book's own answer in this shape; `kept_for` is what the policy says."""
    owed = decision.obligations
    words = None
    if owed is not None:
        words = tuple(
            [
                "yes" if holds else "no"
                for holds in (
                    owed.new_generation,
                    owed.same_database,
                    owed.neutralise,
                    owed.lock,
                    owed.authoritative,
                )
            ]
        )
        kept = "as the policy says" if owed.keep_for == kept_for else _length(owed.keep_for)
        words = (*words, kept)
    return Opinion(
        allowed=decision.allowed,
        codes=tuple(sorted([each.code.value for each in decision.reasons])),
        approvers_required=decision.approvers_required,
        requester_signs=decision.requester_signs,
        obligations=words,
    )


def _length(duration: timedelta) -> str:
    return "a day" if duration == timedelta(days=1) else str(duration)
