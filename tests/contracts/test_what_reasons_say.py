"""The facts and the turns of phrase that a reason chooses by the case."""

from typing import Any

import pytest

from launchplane_lane_contracts.policy import LiveTarget, ProviderTarget
from launchplane_lane_contracts.reasons import Reason, ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation, TargetOrigin

from .cases import APPROVER, NOW, REQUESTER, Case, allowed_case, an_approval, authoritative_case

EMPTY = allowed_case(Operation.RECREATE, DataSource.EMPTY)
FROM_BACKUP = authoritative_case(Operation.RESTORE, DataSource.BACKUP_RESTORE)


def the_reason(case: Case, code: ReasonCode) -> Reason:
    """The one reason of this code."""
    (found,) = (each for each in case.decide().reasons if each.code is code)
    return found


@pytest.mark.parametrize(
    ("facts", "words", "not_words", "protected_by"),
    [
        ({"policy.bootstrap_empty_allowed": False}, "policy does not allow it", "true copy", None),
        ({"observation.marker.claimed": True}, "(said by: claim)", "does not allow", "claim"),
        (
            {"observation.marker.claimed": True, "observation.marker.authoritative": True},
            "(said by: marker, claim)",
            "does not allow",
            "marker, claim",
        ),
    ],
)
def test_a_source_is_refused_by_the_policy_or_by_what_protects_the_data(
    facts: dict[str, Any], words: str, not_words: str, protected_by: str | None
) -> None:
    found = the_reason(EMPTY.change_all(facts), ReasonCode.SOURCE_NOT_ALLOWED)
    assert words in found.message
    assert not_words not in found.message
    assert found.facts.get("protected_by") == protected_by
    assert "upstream_restore" in found.facts["allowed"] or protected_by


@pytest.mark.parametrize(
    ("signed", "words", "not_words", "approvers"),
    [
        ((), "1 more approver(s) and the requester", "0 more", "none"),
        ((REQUESTER,), "1 more approver(s).", "requester", "none"),
        ((APPROVER,), "to sign: the requester", "approver(s)", APPROVER),
    ],
)
def test_who_is_still_to_sign(
    signed: tuple[Any, ...], words: str, not_words: str, approvers: str
) -> None:
    case = FROM_BACKUP.change("observation.approvals", tuple(an_approval(each) for each in signed))
    found = the_reason(case, ReasonCode.APPROVALS_MISSING)
    assert words in found.message
    assert not_words not in found.message
    assert found.facts["approvers"] == approvers
    assert found.facts["required"] == "1"


def test_a_target_is_named_with_its_domains_or_with_none() -> None:
    bare = LiveTarget(target_id="app-2", name="bare", read_from=TargetOrigin.PROVIDER)
    case = EMPTY.change("request.provider_target", bare)
    message = the_reason(case, ReasonCode.PROVIDER_TARGET_DIFFERS).message
    assert "bare (app-2, no domains)" in message
    assert "cm-prod (app-1, cm.example.org, www.cm.example.org)" in message
    case = EMPTY.change("policy.provider_target", ProviderTarget(target_id="app-1", name="bare"))
    message = the_reason(case, ReasonCode.PROVIDER_TARGET_DIFFERS).message
    assert "cm-prod (app-1, cm.example.org, www.cm.example.org)" in message
    assert "bare (app-1, no domains)" in message


def test_nothing_unknown_is_told_as_a_fact() -> None:
    found = the_reason(
        EMPTY.change("observation.present.gate", None), ReasonCode.DATA_PROOF_MISSING
    )
    assert found.facts == {}
    found = the_reason(
        EMPTY.change("observation.present.data_proof", None), ReasonCode.DATA_PROOF_MISSING
    )
    assert found.facts == {"backup_id": "backup-of-generation-7"}
    retry = EMPTY.change("request.retries", "operation-8")
    found = the_reason(retry, ReasonCode.RETRY_OTHER_OPERATION)
    assert found.facts == {"retries": "operation-8"}
    assert "is: none." in found.message


def test_a_backup_that_no_record_can_be_compared_with_says_so() -> None:
    never = EMPTY.change("observation.record.generation", None)
    found = the_reason(never, ReasonCode.BACKUP_GATE_OTHER_DATA)
    assert "(generation none)" in found.message
    found = the_reason(
        EMPTY.change("observation.present.gate.generation", 6), ReasonCode.BACKUP_GATE_OTHER_DATA
    )
    assert "(generation 7)" in found.message


def test_a_lane_without_a_policy_asks_nobody_to_sign() -> None:
    decision = EMPTY.change("policy", None).decide()
    assert not decision.allowed
    assert not decision.requester_signs
    assert decision.approvers_required == 0


def test_a_proof_counts_from_the_instant_that_it_was_made() -> None:
    assert EMPTY.change("observation.present.data_proof.proven_at", NOW).decide().allowed
    assert (
        FROM_BACKUP.change("observation.incoming.backup_load_proof.proven_at", NOW).decide().allowed
    )


@pytest.mark.parametrize("authoritative", [True, False])
def test_what_comes_back_is_as_authoritative_as_it_was(authoritative: bool) -> None:
    case = allowed_case(Operation.RESTORE, DataSource.KEPT).change(
        "observation.incoming.kept.authoritative", authoritative
    )
    obligations = case.decide().obligations
    assert obligations is not None
    assert (obligations.authoritative, obligations.lock) == (authoritative, authoritative)
