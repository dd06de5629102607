"""What somebody wants done."""

from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from .contract import (
    BackupIdField,
    DatabaseNameField,
    OperationIdField,
    PersonField,
    VersionedContract,
)
from .lane import Lane
from .policy import LiveTarget
from .vocabulary import REQUESTS_THAT_EXIST, DataSource, Operation


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
        return self
