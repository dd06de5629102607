"""What a change of policy is called is true to `decide`, over every change of one or two fields."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import combinations, product

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.policy import Policy, ProviderTarget
from launchplane_lane_contracts.policy_change import loosening
from launchplane_lane_contracts.vocabulary import RolloutState

from .cases import NOW, TARGET, UPSTREAM, Case, a_policy, an_authoritative_policy, changed
from .second_opinion.built import build
from .second_opinion.situation import (
    CHANGE_UNDER_WAY,
    GIVEN_UP,
    HEALTHY,
    NOTHING_THERE,
    REMAINS,
    VARIANTS,
    Situation,
)

DAY = timedelta(days=1)
ANOTHER_SOURCE = changed(UPSTREAM, "host", "/something/else")
VALUES: dict[str, tuple[object, ...]] = {
    "rollout_state": tuple(RolloutState),
    "authoritative_data": (True, False),
    "bootstrap_empty_allowed": (True, False),
    "restore_from_upstream_allowed": (True, False),
    "upstream_source": (None, UPSTREAM, ANOTHER_SOURCE),
    "requires_backup_before_destroy": (True, False),
    "requires_restore_proof": (True, False),
    "requires_runtime_identity": (True, False),
    "backup_max_age": (timedelta(minutes=90), DAY, timedelta(days=2)),
    "replaced_kept_for": (timedelta(0), DAY, timedelta(days=7)),
    "provisional_until": (None, NOW - DAY, NOW, NOW + DAY, NOW + 30 * DAY),
    "provider_target": (
        None,
        TARGET,
        changed(TARGET, "domains", tuple(reversed(TARGET.domains))),
        ProviderTarget(target_id="app-1", name="cm-prod"),
        ProviderTarget(target_id="app-2", name="cm-prod"),
    ),
}
TESTING = Policy(
    lane=a_policy().lane,
    rollout_state=RolloutState.TESTING,
    authoritative_data=False,
    bootstrap_empty_allowed=True,
    restore_from_upstream_allowed=True,
    upstream_source=UPSTREAM,
    requires_backup_before_destroy=False,
    requires_restore_proof=False,
    requires_runtime_identity=False,
)
BASES = {
    "provisional": a_policy(),
    "production": an_authoritative_policy(),
    "testing": TESTING,
    "protected testing": Policy(lane=a_policy().lane, rollout_state=RolloutState.TESTING),
}
Fingerprint = tuple[bool, ...]


def test_every_field_of_a_policy_is_changed() -> None:
    assert set(VALUES) | {"lane", "schema_version"} == set(Policy.model_fields)


def variants_of(base: Policy, *, fields: int = 2) -> list[Policy]:
    """The base and every policy that validates and differs from it in so many fields at most."""
    found = [base]
    for count in range(1, fields + 1):
        for names in combinations(VALUES, count):
            for values in product(*(VALUES[field] for field in names)):
                update = dict(zip(names, values, strict=True))
                if any(getattr(base, field) == value for field, value in update.items()):
                    continue
                try:
                    found.append(Policy(**{**dict(base), **update}))
                except ValidationError:
                    continue
    return found


def situations() -> Iterator[Situation]:
    """Situations whose decision turns on the policy, each asked for from every source."""
    changes: tuple[dict[str, str], ...] = ({}, *({fact: variant} for fact, variant in TURNING))
    for request in VARIANTS["request"][1:]:
        for change in changes:
            yield {**HEALTHY, "request": request, **change}
        for base in (NOTHING_THERE, REMAINS, {**REMAINS, "found then": "authoritative"}, GIVEN_UP):
            yield {**base, "request": request}
    yield CHANGE_UNDER_WAY


TURNING = (
    ("gate", "none"),
    ("gate", "of other data: oid"),
    ("age of the gate", "fresh at the begin"),
    ("age of the gate", "stale"),
    ("data proof", "none"),
    ("runtime", "silent"),
    ("target", "not told"),
    ("target", "another: id"),
    ("target", "another: domains"),
    ("declared source", "another: host"),
    ("marker says", "authoritative"),
    ("claim", "made"),
    ("approvers", "none"),
    ("requester", "not signed"),
)
CASES: tuple[Case, ...] = tuple(build(each) for each in situations())


@cache
def allowed_under(policy: Policy) -> Fingerprint:
    """For each case whether the policy allows it."""
    return tuple([replace(case, policy=policy).decide().allowed for case in CASES])


def check_changes(pairs: Iterable[tuple[Policy, Policy]]) -> Counter[str]:
    """A tightening never allows what was refused, and two that both only tighten decide alike."""
    counts: Counter[str] = Counter()
    for old, new in pairs:
        there, back = loosening(old, new), loosening(new, old)
        before, after = allowed_under(old), allowed_under(new)
        for tightens, first, second in ((not there, before, after), (not back, after, before)):
            if tightens:
                counts["tightenings"] += 1
                assert all(was or not now for was, now in zip(first, second, strict=True)), (
                    old,
                    new,
                )
            else:
                counts["loosenings"] += 1
        if not there and not back:
            counts["alike"] += 1
            assert before == after, (old, new)
    return counts


@pytest.mark.slow
def test_every_change_of_a_few_fields_is_called_what_it_is() -> None:
    """Every change between any two of a base and what differs from it in one field or two."""
    counts: Counter[str] = Counter()
    for base in BASES.values():
        counts += check_changes(combinations(variants_of(base), 2))
    assert counts["tightenings"] > 2000
    assert counts["loosenings"] > 20_000
    assert counts["alike"] > 20


@pytest.mark.full
@pytest.mark.slow
def test_every_change_from_any_of_the_policies_to_any_other_is_called_what_it_is() -> None:
    policies = [policy for base in BASES.values() for policy in variants_of(base)]
    assert check_changes(combinations(policies, 2))["tightenings"] > 5000


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("name", BASES)
def test_every_change_between_policies_that_differ_in_more_fields(name: str) -> None:
    assert check_changes(combinations(variants_of(BASES[name], fields=3), 2))["tightenings"] > 1000


def test_the_cases_tell_policies_apart() -> None:
    """Else nothing could be found out: each base allows something that another refuses."""
    seen = {name: allowed_under(base) for name, base in BASES.items()}
    assert all(any(allowed) and not all(allowed) for allowed in seen.values())
    assert len(set(seen.values())) >= 3


def test_a_loosening_that_were_called_tightening_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{__name__}.loosening", lambda old, new: ())
    with pytest.raises(AssertionError):
        check_changes([(BASES["production"], BASES["testing"])])
