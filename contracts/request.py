"""What somebody wants done."""

from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from .contract import (
    BackupIdField,
    Contract,
    DatabaseNameField,
    OperationIdField,
    PersonField,
    VersionedContract,
)
from .lane import Lane
from .policy import LiveTarget
from .vocabulary import REQUESTS_THAT_EXIST, DataSource, Operation

VolumeName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FreshVolumes(Contract):
    """The provider puts the lane on other volumes, and leaves the old ones as they are."""

    database_before: VolumeName
    """The volume of the database cluster that is there now."""
    database_after: VolumeName
    """The one that the new cluster is made on."""
    files_before: VolumeName | None = None
    """The volume of the files that are there now, where they move as well."""
    files_after: VolumeName | None = None
    """The one that the new files come to."""

    @model_validator(mode="after")
    def _are_others(self) -> Self:
        if self.database_before == self.database_after:
            raise ValueError("a fresh volume is another one than the old one")
        if (self.files_before is None) is not (self.files_after is None):
            raise ValueError("files_before and files_after are named together")
        if self.files_before is not None and self.files_before == self.files_after:
            raise ValueError("a fresh volume is another one than the old one")
        return self


class Request(VersionedContract):
    """One rebuild, asked for by one person."""

    lane: Lane
    """The lane."""
    operation: Operation
    """What is asked for."""
    data_source: DataSource
    """Where the data is to come from."""
    requester: PersonField
    """Who asks."""
    reason: Annotated[str, StringConstraints(max_length=2000)] = ""
    """Why, in that person's words."""
    backup_id: BackupIdField | None = None
    """The backup to restore; with `backup_restore` only."""
    kept_database: DatabaseNameField | None = None
    """The kept database to bring back; with `kept` only."""
    provider_target: LiveTarget | None = None
    """What Launchplane is about to act on, as it is live."""
    retries: OperationIdField | None = None
    """The unfinished operation that is to be done once more; None for any other rebuild."""
    fresh_volumes: FreshVolumes | None = None
    """The volumes that change, where the provider puts the lane on fresh ones; else None."""
    attest_runtime: bool = False
    """Whether the guard may attest for a runtime that is down. It is on the record."""

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if (self.operation, self.data_source) not in REQUESTS_THAT_EXIST:
            known = ", ".join(
                sorted(f"{operation}/{source}" for operation, source in REQUESTS_THAT_EXIST)
            )
            raise ValueError(
                f"{self.operation}/{self.data_source} is not a request; there are: {known}"
            )
        if (self.backup_id is None) is (self.data_source is DataSource.BACKUP_RESTORE):
            raise ValueError("backup_id goes with backup_restore, and only with that")
        if (self.kept_database is None) is (self.data_source is DataSource.KEPT):
            raise ValueError("kept_database goes with kept, and only with that")
        if self.fresh_volumes is not None and self.data_source in (
            DataSource.EXISTING,
            DataSource.KEPT,
        ):
            raise ValueError(f"{self.data_source} is data of the volumes that are there")
        return self
