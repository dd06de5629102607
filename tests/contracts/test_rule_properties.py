"""What holds for every combination of states: worse never helps, and names never decide."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from launchplane_lane_contracts.evidence import IncomingData, PresentEvidence
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    OperationPhase,
    RuntimeState,
)

from .cases import NOW, Case, allowed_cases, unfinished

CASES = tuple(allowed_cases())
FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

GOOD_STATES: dict[str, set[StrEnum]] = {
    "database": {DatabaseState.ABSENT, DatabaseState.UNINITIALISED, DatabaseState.INITIALISED},
    "marker": {MarkerState.NOT_APPLICABLE, MarkerState.BOUND},
    "filestore": {FilestoreState.ABSENT, FilestoreState.EMPTY, FilestoreState.OURS},
    "runtime": {RuntimeState.AGREES, RuntimeState.ATTESTED, RuntimeState.SILENT},
    "keep": {KeepState.READY},
}
"""Every other state is a refusal by itself, whatever else is true.

But a keep on another volume will do where no files would have to be copied into it.
"""

STATES: dict[str, tuple[StrEnum, ...]] = {
    "database": tuple(DatabaseState),
    "marker": tuple(MarkerState),
    "filestore": tuple(FilestoreState),
    "runtime": tuple(RuntimeState),
    "keep": tuple(KeepState),
}


def seen_as(observation: Observation, **states: object) -> Observation:
    """The observation with other states."""
    return observation.model_copy(
        update={
            part: getattr(observation, part).model_copy(update={"state": state})
            for part, state in states.items()
        }
    )


def is_good(case: Case, part: str, state: object) -> bool:
    """Whether the state does not refuse by itself."""
    if state is KeepState.OTHER_VOLUME:
        copied = case.observation.filestore.state not in (
            FilestoreState.ABSENT,
            FilestoreState.EMPTY,
        )
        return case.request.data_source is DataSource.EXISTING or not copied
    return state in GOOD_STATES[part]


def all_good(case: Case, states: dict[str, StrEnum]) -> bool:
    """The same of several states together."""
    together = replace(case, observation=seen_as(case.observation, **states))
    return all(is_good(together, part, state) for part, state in states.items())


def one_for_each_source() -> list[Case]:
    """The first case of every data source."""
    found: dict[DataSource, Case] = {}
    for case in CASES:
        found.setdefault(case.request.data_source, case)
    return list(found.values())


@pytest.mark.parametrize("case", one_for_each_source(), ids=lambda case: case.request.data_source)
def test_every_combination_of_database_marker_and_filestore(case: Case) -> None:
    check_combinations(case, "database", "marker", "filestore")


@pytest.mark.parametrize("case", one_for_each_source(), ids=lambda case: case.request.data_source)
def test_every_combination_of_database_runtime_and_keep(case: Case) -> None:
    check_combinations(case, "database", "runtime", "keep")


def check_combinations(case: Case, *parts: str) -> None:
    """Decide all; none raises, and an allow holds nothing that must refuse by itself."""
    for states in itertools.product(*(STATES[part] for part in parts)):
        named = dict(zip(parts, states, strict=True))
        decision = decide(case.policy, case.request, seen_as(case.observation, **named), case.now)
        assert decision.allowed is not bool(decision.reasons)
        if decision.allowed:
            assert all_good(case, named), named


def test_all_states_together_are_decided() -> None:
    """Every combination of all five parts, for one bootstrap: 7 x 11 x 8 x 6 x 4."""
    case = next(each for each in CASES if each.request.data_source is DataSource.EMPTY)
    allowed = 0
    for states in itertools.product(*STATES.values()):
        named = dict(zip(STATES, states, strict=True))
        decision = decide(case.policy, case.request, seen_as(case.observation, **named), case.now)
        assert decision.allowed is not bool(decision.reasons)
        if decision.allowed:
            allowed += 1
            assert all_good(case, named), named
            assert named["runtime"] is RuntimeState.AGREES
            if named["database"] is DatabaseState.INITIALISED:
                assert named["marker"] is MarkerState.BOUND
                assert named["filestore"] is FilestoreState.OURS
    assert 0 < allowed < 30


@some.composite
def any_case(draw: some.DrawFn) -> Case:
    """A case with any states and any of its evidence."""
    case = draw(some.sampled_from(CASES))
    states = {part: draw(some.sampled_from(values)) for part, values in STATES.items()}
    # Mostly healthy, or else nothing would ever be allowed.
    broken = draw(some.sets(some.sampled_from(sorted(STATES)), max_size=2))
    seen = seen_as(case.observation, **{part: states[part] for part in broken})
    marker = seen.marker.model_copy(
        update={"authoritative": draw(some.booleans()), "claimed": draw(some.booleans())}
    )
    phase = draw(some.sampled_from([None, None, None, *OperationPhase]))
    seen = seen.model_copy(
        update={
            "marker": marker if draw(some.booleans()) else seen.marker,
            "approvals": draw(some.sampled_from([seen.approvals, seen.approvals[:1], ()])),
            "present": draw(some.sampled_from([seen.present, PresentEvidence()])),
            "record": seen.record.model_copy(
                update={"unfinished": unfinished(phase) if phase else None}
            ),
            "store_trusted": draw(some.sampled_from([True, True, False])),
        }
    )
    return replace(case, observation=seen)


@FAST
@given(any_case())
def test_an_allow_has_no_reason_and_a_refusal_has_one(case: Case) -> None:
    decision = case.decide()
    assert decision.allowed is (not decision.reasons)
    assert decision == case.decide()


@FAST
@given(any_case(), some.from_regex(r"^[a-z0-9][a-z0-9._-]{0,20}\Z"))
def test_the_name_of_the_instance_decides_nothing(case: Case, instance: str) -> None:
    renamed = with_instance(case, instance)
    before, after = case.decide(), renamed.decide()
    assert after.allowed is before.allowed
    assert [each.code for each in after.reasons] == [each.code for each in before.reasons]
    assert after.obligations == before.obligations
    assert after.approvers_required == before.approvers_required


def with_instance(case: Case, instance: str) -> Case:
    """The same case in which the lane is called otherwise, everywhere."""
    old = case.request.lane
    new = Lane(product=old.product, context=old.context, instance=instance)
    swapped = (f'"instance":"{old.instance}"', f'"instance":"{new.instance}"')
    assert case.policy is not None
    return replace(
        case,
        policy=type(case.policy).from_json(case.policy.canonical().decode().replace(*swapped)),
        request=type(case.request).from_json(case.request.canonical().decode().replace(*swapped)),
        observation=Observation.from_json(case.observation.canonical().decode().replace(*swapped)),
    )


Worsening = Callable[[Observation], Observation]
TAKEN_AWAY: tuple[Worsening, ...] = (
    lambda seen: seen.model_copy(update={"approvals": ()}),
    lambda seen: seen.model_copy(update={"approvals": seen.approvals[:1]}),
    lambda seen: seen.model_copy(update={"present": PresentEvidence()}),
    lambda seen: seen.model_copy(
        update={"present": seen.present.model_copy(update={"data_proof": None})}
    ),
    lambda seen: seen.model_copy(update={"incoming": IncomingData()}),
    lambda seen: seen.model_copy(
        update={"marker": seen.marker.model_copy(update={"claimed": True})}
    ),
    lambda seen: seen.model_copy(
        update={"marker": seen.marker.model_copy(update={"authoritative": True})}
    ),
    lambda seen: seen.model_copy(update={"store_trusted": False}),
    lambda seen: seen.model_copy(update={"clock_trusted": False}),
)


@FAST
@given(any_case(), some.sampled_from(TAKEN_AWAY))
def test_taking_evidence_away_never_allows(case: Case, worsen: Worsening) -> None:
    if not case.decide().allowed:
        assert not replace(case, observation=worsen(case.observation)).decide().allowed


@FAST
@given(any_case(), some.data())
def test_worsening_one_state_never_allows(case: Case, data: some.DataObject) -> None:
    part = data.draw(some.sampled_from(sorted(STATES)))
    worse = data.draw(
        some.sampled_from([each for each in STATES[part] if not is_good(case, part, each)])
    )
    assert (
        not replace(case, observation=seen_as(case.observation, **{part: worse})).decide().allowed
    )


@FAST
@given(any_case(), some.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_time_only_removes_permission(case: Case, later: timedelta) -> None:
    if not case.decide().allowed:
        assert not replace(case, now=NOW + later).decide().allowed


def test_instants_and_durations_at_the_ends_of_the_calendar_do_not_crash() -> None:
    for case in CASES:
        assert case.policy is not None
        endless = case.policy.model_copy(update={"backup_max_age": timedelta.max})
        for now in (NOW.replace(year=1), NOW.replace(year=9999)):
            replace(case, policy=endless, now=now).decide()
        signed = [
            each.model_copy(update={"signed_at": NOW.replace(year=9999, month=12, day=31)})
            for each in case.observation.approvals
        ]
        replace(
            case, observation=case.observation.model_copy(update={"approvals": tuple(signed)})
        ).decide()
