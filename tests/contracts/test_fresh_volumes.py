"""Volumes that a request names: others than the old ones, and only for data that comes."""

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.request import FreshVolumes, Request
from launchplane_lane_contracts.vocabulary import DataSource, Operation

from .cases import a_request

DATABASE = {"database_before": "old", "database_after": "new"}


@pytest.mark.parametrize(
    "more",
    [
        {"database_after": "old"},
        {"files_before": "old"},
        {"files_after": "new"},
        {"files_before": "same", "files_after": "same"},
        {"database_before": ""},
    ],
)
def test_what_is_no_change_of_volumes(more: dict[str, str]) -> None:
    assert FreshVolumes.from_plain(DATABASE).database_after == "new"
    with pytest.raises(ValidationError):
        FreshVolumes.from_plain({**DATABASE, **more})


@pytest.mark.parametrize(
    ("operation", "source", "good"),
    [
        (Operation.RECREATE, DataSource.EMPTY, True),
        (Operation.RECREATE, DataSource.UPSTREAM_RESTORE, True),
        (Operation.RESTORE, DataSource.BACKUP_RESTORE, True),
        (Operation.RECREATE, DataSource.EXISTING, False),
        (Operation.RESTORE, DataSource.KEPT, False),
    ],
)
def test_only_data_that_comes_goes_to_fresh_volumes(
    operation: Operation, source: DataSource, good: bool
) -> None:
    plain = {**a_request(operation, source).to_plain(), "fresh_volumes": DATABASE}
    if good:
        assert Request.from_plain(plain).fresh_volumes == FreshVolumes.from_plain(DATABASE)
        return
    with pytest.raises(ValidationError, match="data of the volumes that are there"):
        Request.from_plain(plain)
