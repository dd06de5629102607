"""What the guard answers when it captures, proves, lists and removes backups."""

from typing import Annotated

from pydantic import Field

from .backup import BackupSource
from .contract import (
    BackupIdField,
    Contract,
    Duration,
    FilestorePathField,
    UtcInstant,
    VersionedContract,
)
from .evidence import BackupGate, DataProof, LoadProof
from .filestore_check import FilesCounted
from .reading import ByteCount

DIFFERENCES_LISTED_AT_MOST = 100
"""How many differences an answer lists; the count beside them is always whole."""

Count = Annotated[int, Field(ge=0)]


class BackupCaptured(VersionedContract):
    """A backup was made."""

    gate: BackupGate
    """The record of it, for the host's store."""
    source: BackupSource
    """What was captured."""
    folder: FilestorePathField
    """The backup's folder, as the guard sees it."""
    database_bytes: ByteCount
    """The dump's files together."""
    filestore_bytes: ByteCount
    """The attachments' files together."""
    files: Count
    """How many of those."""
    rows: Count
    """How many rows all tables hold."""
    lacking: FilesCounted
    """Files that were missing or damaged already, and accepted as such."""
    took: Duration
    """How long it took."""


class LoadAttempt(Contract):
    """What came of the load command."""

    loaded: bool
    """Whether it ended well and was seen to work in the restored database."""
    words: str
    """What it said last, where it failed."""
    took: Duration
    """How long it took."""


class BackupProven(VersionedContract):
    """A backup was restored and compared, with or without success."""

    backup_id: BackupIdField
    """The backup."""
    data_proof: DataProof | None
    """Given when rows, sequences, large objects and files are what was captured."""
    load_proof: LoadProof | None
    """Given when an Odoo registry loaded on it as well."""
    differences: tuple[str, ...] = ()
    """What differs, in words: the first of them."""
    differences_count: Count = 0
    """How many things differ."""
    load: LoadAttempt | None = None
    """What came of the load command; None where none was run."""
    restore_took: Duration
    """How long the bare restore took, of the time that all of it took."""


class BackupListed(Contract):
    """One backup in the folder."""

    gate: BackupGate
    """The record that it makes."""
    source: BackupSource
    """What was captured."""
    size_bytes: ByteCount
    """All of it."""


class BackupsListed(VersionedContract):
    """What lies in the folder of the backups."""

    folder: FilestorePathField
    """The folder, as the guard sees it."""
    backups: tuple[BackupListed, ...] = ()
    """This lane's, the newest first."""
    damaged: tuple[str, ...] = ()
    """Folders that are no backup under their name, each with what is wrong."""
    others: Count = 0
    """How many are of other lanes."""
    free_bytes: ByteCount
    """Room on that volume."""
    listed_at: UtcInstant
    """When (UTC)."""
