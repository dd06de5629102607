"""A permit that contradicts itself was put together wrongly, whoever signed it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.naming import kept_name
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.permit_check import permit_disagreements
from launchplane_lane_contracts.plan import plan_target
from launchplane_lane_contracts.vocabulary import DataSource, Operation, OperationPhase

from .cases import UNFINISHED, allowed_case, changed, unfinished
from .readings import a_permit


def a_whole_permit(
    operation: Operation = Operation.RECREATE, source: DataSource = DataSource.EMPTY
) -> Permit:
    """One that was put together rightly."""
    case, permit = allowed_case(operation, source), a_permit()
    decision = case.decide()
    assert decision.obligations is not None
    generation = case.observation.record.generation
    assert generation is not None
    generation += source is not DataSource.EXISTING
    target = plan_target(
        case.request, case.policy, case.observation, decision, database=permit.database
    )
    return permit.model_copy(
        update={
            "request": case.request,
            "observation": case.observation,
            "obligations": decision.obligations,
            "generation": generation,
            "kept_name": kept_name(permit.database, generation, operation, permit.permit_id),
            "plan_digest": target.digest(),
            "filestore_path": case.observation.filestore.path,
        }
    )


@pytest.mark.parametrize(
    ("operation", "source"),
    [
        (Operation.RECREATE, DataSource.EMPTY),
        (Operation.RECREATE, DataSource.EXISTING),
        (Operation.RESTORE, DataSource.KEPT),
        (Operation.RESTORE, DataSource.UPSTREAM_RESTORE),
        (Operation.RESTORE, DataSource.BACKUP_RESTORE),
    ],
)
def test_a_permit_that_agrees_with_itself(operation: Operation, source: DataSource) -> None:
    assert list(permit_disagreements(a_whole_permit(operation, source))) == []


def with_(**changes: Any) -> Callable[[Permit], Permit]:
    def change(permit: Permit) -> Permit:
        return permit.model_copy(update=changes)

    return change


def of_another_lane(permit: Permit) -> Permit:
    return permit.model_copy(
        update={"lane": permit.lane.model_copy(update={"instance": "another"})}
    )


def an_older_generation(permit: Permit) -> Permit:
    return permit.model_copy(update={"generation": permit.generation - 1})


def of_another_obligation(permit: Permit) -> Permit:
    return changed(permit, "obligations.authoritative", not permit.obligations.authoritative)


def of_another_operation(permit: Permit) -> Permit:
    return changed(permit, "request.operation", Operation.BOOTSTRAP)


def of_another_requester(permit: Permit) -> Permit:
    return changed(permit, "request.requester", "somebody@example.org")


def that_saw_another_oid(permit: Permit) -> Permit:
    return changed(permit, "observation.database.oid", 4242)


def that_saw_another_database(permit: Permit) -> Permit:
    return changed(permit, "observation.database.identity.database_name", DatabaseName("another"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_another_lane, "speaks of others as well"),
        (with_(filestore_path=FilestorePath("/srv/another")), "were looked at"),
        (with_(database=DatabaseName("another")), "was looked at"),
        (that_saw_another_database, "was looked at"),
        (an_older_generation, "does not follow on generation"),
        (with_(kept_name=DatabaseName("../../another")), "would be called"),
        (with_(permit_id="another-permit"), "would be called"),
        (of_another_obligation, "obligations are not those"),
        (of_another_operation, "the plan that was reviewed is another one"),
        (of_another_requester, "the plan that was reviewed is another one"),
        (that_saw_another_oid, "the plan that was reviewed is another one"),
        (with_(plan_digest="0" * 64), "the plan that was reviewed is another one"),
    ],
)
def test_each_contradiction_is_told(change: Callable[[Permit], Permit], words: str) -> None:
    found = list(permit_disagreements(change(a_whole_permit())))
    assert any(words in each for each in found), found


@pytest.mark.parametrize("step", [-1, 1])
def test_data_that_stays_keeps_its_generation(step: int) -> None:
    permit = a_whole_permit(Operation.RECREATE, DataSource.EXISTING)
    moved = permit.model_copy(update={"generation": permit.generation + step})
    assert any("does not follow" in each for each in permit_disagreements(moved))


def test_a_first_rebuild_may_have_any_generation() -> None:
    permit = changed(a_whole_permit(), "observation.record.generation", None)
    assert not any("does not follow" in each for each in permit_disagreements(permit))


def test_a_permit_without_an_identity_that_was_seen() -> None:
    permit = changed(a_whole_permit(), "observation.database.identity", None)
    assert not any("was looked at" in each for each in permit_disagreements(permit))


def test_the_permits_own_time_decides_and_not_the_readers() -> None:
    """What expires later was in force when the permit was signed."""
    permit = a_whole_permit()
    late = permit.policy.provisional_until
    assert late is not None
    after = permit.model_copy(update={"issued_at": late + timedelta(days=1)})
    assert any("obligations" in each for each in permit_disagreements(after))


def a_retry(*earlier: str, last: str | None = "permit-last") -> Permit:
    """A permit whose request retries an operation for which these were signed before."""
    permit = changed(a_whole_permit(), "request.retries", UNFINISHED)
    under_way = unfinished(OperationPhase.BEGUN).model_copy(
        update={"permit_id": last, "earlier_permits": earlier}
    )
    return changed(permit, "observation.record.unfinished", under_way)


@pytest.mark.parametrize(
    ("permit", "right"),
    [
        (a_retry(), ("permit-last",)),
        (a_retry("permit-1", "permit-2"), ("permit-1", "permit-2", "permit-last")),
        (a_retry(last=None), ()),
        (a_whole_permit(), ()),
        (changed(a_retry(), "observation.record.unfinished", None), ()),
    ],
    ids=["first retry", "third retry", "nothing was signed", "no retry", "nothing unfinished"],
)
def test_a_retry_takes_the_place_of_every_permit_before_it(
    permit: Permit, right: tuple[str, ...]
) -> None:
    words = "does not take the place"
    for given in (right, (*right, "another-permit")):
        found = permit_disagreements(permit.model_copy(update={"retries_permits": given}))
        assert any(words in each for each in found) is (given != right)
