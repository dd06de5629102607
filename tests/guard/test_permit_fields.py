"""A permit with a good signature and one wrong field moves nothing, at the guard as well."""

from collections.abc import Callable
from typing import Any

import pytest

from launchplane_lane_contracts.contract import DatabaseName, Digest, FilestorePath, PermitId
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource
from tests.guard.estate import Estate, refused


def with_(**changes: Any) -> Callable[[Permit], Permit]:
    return lambda permit: permit.model_copy(update=changes)


def of_another_lane(permit: Permit) -> Permit:
    other = permit.lane.model_copy(update={"instance": "prod"})
    return permit.model_copy(update={"lane": other})


def in_the(part: str, **changes: Any) -> Callable[[Permit], Permit]:
    """Another value in one of the permit's parts."""

    def change(permit: Permit) -> Permit:
        return permit.model_copy(update={part: getattr(permit, part).model_copy(update=changes)})

    return change


def of_another_record(permit: Permit) -> Permit:
    """The observation of another lane, wrapped into this lane's order."""
    other = permit.lane.model_copy(update={"instance": "prod"})
    record = permit.observation.record.model_copy(update={"lane": other})
    return in_the("observation", record=record, lane=other)(permit)


def of_another_oid(permit: Permit) -> Permit:
    database = permit.observation.database.model_copy(update={"oid": 4242})
    return in_the("observation", database=database)(permit)


def of_another_cluster(permit: Permit) -> Permit:
    database = permit.observation.database.model_copy(update={"system_identifier": "4242"})
    return in_the("observation", database=database)(permit)


WRONG: dict[str, tuple[Callable[[Permit], Permit], str]] = {
    "lane": (of_another_lane, "environment_other_lane"),
    "database": (with_(database=DatabaseName("another")), "environment_other_database"),
    "filestore path": (
        with_(filestore_path=FilestorePath("/srv/another")),
        "environment_other_filestore",
    ),
    "the record's lane": (of_another_record, "order_refused"),
    "source": (in_the("request", data_source=DataSource.EXISTING), "order_refused"),
    "requester": (in_the("request", requester="somebody@example.com"), "order_refused"),
    "generation": (with_(generation=1), "order_refused"),
    "identity: oid": (of_another_oid, "order_refused"),
    "identity: cluster": (of_another_cluster, "order_refused"),
    "digest": (with_(plan_digest=Digest("0" * 64)), "order_refused"),
    "permit id": (with_(permit_id=PermitId("another-permit")), "order_refused"),
    "kept name": (with_(kept_name=DatabaseName("../../../elsewhere")), "order_refused"),
    "obligations": (in_the("obligations", authoritative=True), "order_refused"),
}


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_field_moves_nothing(standing: Estate, field: str) -> None:
    change, code = WRONG[field]
    permit = standing.permit()
    before = standing.everything()
    refused(standing.run("begin", standing.sign(change(permit))), code)
    assert standing.everything() == before
