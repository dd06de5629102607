"""A decision for a person: every reason with its facts and way on, what must be true, who signs."""

from .decision import Decision, Obligations
from .policy_words import duration_words
from .reasons import Reason


def explain(decision: Decision) -> str:
    """The whole decision as text, for a terminal or a ticket."""
    lines = [_verdict(decision)]
    lines += reason_lines(decision.reasons)
    if decision.obligations is not None:
        lines += ["", "Afterwards:" if decision.allowed else "Were it allowed, then afterwards:"]
        lines += [f"  {each}" for each in obligation_sentences(decision.obligations)]
        lines += ["", signers(decision)]
    return "\n".join(lines)


def _verdict(decision: Decision) -> str:
    if decision.allowed:
        return f"ALLOWED (rule book {decision.rulebook_version})."
    return f"REFUSED, for {reason_count(decision.reasons)} (rule book {decision.rulebook_version})."


def reason_count(reasons: tuple[Reason, ...]) -> str:
    """How many reasons there are."""
    return "one reason" if len(reasons) == 1 else f"{len(reasons)} reasons"


def reason_lines(reasons: tuple[Reason, ...]) -> list[str]:
    """Each reason: its code, what is wrong, the facts, and the lawful way on."""
    lines: list[str] = []
    for each in reasons:
        lines += ["", f"  {each.code}", f"    {each.message}"]
        if each.facts:
            facts = "; ".join(
                f"{name.replace('_', ' ')}: {value or 'none'}" for name, value in each.facts.items()
            )
            lines.append(f"    Facts: {facts}")
        lines.append(f"    Way on: {each.remedy}")
    return lines


def obligation_sentences(obligations: Obligations) -> list[str]:
    """What must be true when the operation is over."""
    kind = "authoritative" if obligations.authoritative else "replaceable"
    return [
        sentence
        for holds, sentence in (
            (
                obligations.new_generation,
                "What was there is set aside, locked, and kept for "
                f"{duration_words(obligations.keep_for)} after the end at least; nothing is "
                "dropped.",
            ),
            (obligations.same_database, "The very same database and marker table are there."),
            (
                obligations.neutralise,
                "What came is neutralised, because it is not this lane's own data.",
            ),
            (obligations.lock, "PostgreSQL itself refuses to drop the result."),
            (True, f"Its data counts as {kind}."),
        )
        if holds
    ]


def signers(decision: Decision) -> str:
    """Who must sign."""
    number = decision.approvers_required
    people = ["the requester"] if decision.requester_signs else []
    if number:
        people.append("one approver" if number == 1 else f"{number} approvers")
    if not people:
        return "Nobody besides the requester need agree, and no signature is asked for."
    return f"Signatures asked for under the plan: {' and '.join(people)}."
