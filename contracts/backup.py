"""What a backup holds: its manifest, whose digest is its name. docs/backups.md shows its folder."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from .contract import (
    BackupId,
    Contract,
    DatabaseNameField,
    DigestField,
    FilestorePathField,
    SystemIdentifierField,
    UtcInstant,
    VersionedContract,
)
from .evidence import BackupGate
from .fingerprint import ContentFingerprint, Difference, SequenceFingerprint
from .lane import Lane
from .marker import Generation, MarkerRow, ObjectId
from .snapshot_place import SnapshotPlace

MANIFEST = "manifest.json"
"""The manifest's file: its canonical bytes and nothing else."""
DATABASE_FOLDER = "database"
"""The folder of the dump; what lies in it is `dump.files`."""
DUMP_ARCHIVE = "archive.dump"
"""The one file in that folder, where the dump is a single archive."""
FILESTORE_FOLDER = "filestore"
"""The folder of the attachments' files, each under the name that `ir_attachment` has for it."""
FILE_LIST = "filestore.list"
"""The list of those files: one `FilestoreFile` a line, canonical, in the order of their paths."""
PARTIAL_PREFIX = ".partial-"
"""How the name of a folder begins that is no backup yet, and never becomes one by itself."""

Count = Annotated[int, Field(ge=0)]
Sha1 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Name = Annotated[str, StringConstraints(min_length=1)]


class BackupSource(StrEnum):
    """What was captured."""

    LIVE = "live"
    KEPT = "kept"
    IMPORTED = "imported"


class DumpFormat(StrEnum):
    """How the dump was written; `pg_restore` reads both."""

    DIRECTORY = "directory"
    CUSTOM = "custom"


class DumpFile(Contract):
    """One file of the dump."""

    name: Name
    """Its name in the folder of the dump."""
    size_bytes: Count
    """Its size."""
    sha256: DigestField
    """Of its content."""


class FilestoreFile(Contract):
    """One file of an attachment: one line of the list."""

    path: Name
    """Its name, as `ir_attachment` stores it: below the folder of the files."""
    size_bytes: Count
    """Its size."""
    sha1: Sha1
    """Of its content; it is the last part of the name, where Odoo gave the name."""
    sha256: DigestField
    """Of its content."""


class DatabaseDump(Contract):
    """The database, dumped."""

    format: DumpFormat
    """How it is written."""
    files: Annotated[tuple[DumpFile, ...], Field(min_length=1)]
    """Every file of it, in the order of their names."""
    database: DatabaseNameField
    """The database that was dumped."""
    database_size_bytes: Count | None
    """How large it was on its server; None where nobody could ask."""

    @property
    def size_bytes(self) -> int:
        """The files together."""
        return sum(each.size_bytes for each in self.files)


class FilestoreContent(Contract):
    """The files that the dumped `ir_attachment` names."""

    count: Count
    """How many."""
    size_bytes: Count
    """Together."""
    list_sha256: DigestField
    """Of the list."""
    files_digest: DigestField
    """The filestore digest (the guard's `filestore_digest`) over these files and no others."""
    source_digest: DigestField | None = None
    """The same over all that lay in the folder, named or not; only of kept data, which rests."""
    lacking: tuple[str, ...] = ()
    """Named, but already missing or damaged where they were captured, and accepted as such."""


class AddonVersion(Contract):
    """One installed addon."""

    name: Name
    """Its technical name."""
    version: str
    """The version that the database was last brought to; empty where it names none."""


class BackupVersions(Contract):
    """What wrote the data and what dumped it."""

    server: Annotated[int, Field(ge=1)]
    """`server_version_num` of the server."""
    dump_program: Name
    """The version that `pg_dump` says of itself."""
    odoo: str | None = None
    """The version of Odoo, as its addon `base` has it; None where there is no Odoo."""
    addons: tuple[AddonVersion, ...] = ()
    """Every installed addon, in the order of their names."""


class SequenceSpan(Contract):
    """A sequence that moved while it was dumped: it is dumped somewhere between two places."""

    schema_name: Name
    """The schema that it lies in."""
    name: Name
    """Its name in that schema."""
    lowest: int
    """The lowest value that it may have been dumped with."""
    highest: int
    """The highest."""


class BackupManifest(VersionedContract):
    """All that is said of a backup. Its digest is the backup's id and the name of its folder."""

    lane: Lane
    """The lane whose data it is."""
    source: BackupSource
    """What was captured."""
    marker: MarkerRow | None
    """The marker's row, as the dump has it; kept remains may never have had one."""
    generation: Generation
    """The generation of the data."""
    system_identifier: SystemIdentifierField
    """The cluster that it was taken from."""
    database_oid: ObjectId
    """The database that it was taken from."""
    filestore_path: FilestorePathField
    """The folder that its files were taken from."""
    captured_at: UtcInstant
    """The moment that it holds (UTC), by the server's clock."""
    snapshot: SnapshotPlace | None
    """The same as the server counts; None where others made the backup and did not say it."""
    versions: BackupVersions
    """What wrote it."""
    dump: DatabaseDump
    """The database."""
    fingerprint: ContentFingerprint
    """What the database held, table for table."""
    moved_sequences: tuple[SequenceSpan, ...] = ()
    """Sequences that moved meanwhile. They know no snapshot, so they may stand elsewhere."""
    filestore: FilestoreContent
    """The files."""
    guard_version: str
    """The guard that made it."""

    @model_validator(mode="after")
    def _the_marker_is_of_the_lane(self) -> Self:
        if self.marker is not None and self.marker.lane != str(self.lane):
            raise ValueError("the marker in a backup names the lane of the backup")
        return self

    @property
    def backup_id(self) -> BackupId:
        """The backup's name, which nothing else can have."""
        return BackupId(self.digest())

    def gate(self) -> BackupGate:
        """The record that it was captured."""
        return BackupGate(
            backup_id=self.backup_id,
            lane=self.lane,
            generation=self.generation,
            system_identifier=self.system_identifier,
            database_oid=self.database_oid,
            filestore_path=self.filestore_path,
            snapshot_at=self.captured_at,
            manifest_digest=self.digest(),
            snapshot=self.snapshot,
        )

    def expected_from(self, found: ContentFingerprint) -> ContentFingerprint:
        """The fingerprint that restored data must have, given the one that it was found with.

        Differs from the manifest's only in sequences that moved, and only within their span.
        """
        spans: dict[tuple[str, ...], SequenceSpan] = {
            (each.schema_name, each.name): each for each in self.moved_sequences
        }
        restored = {each.key(): each for each in found.sequences}

        def expected(sequence: SequenceFingerprint) -> SequenceFingerprint:
            span, there = spans.get(sequence.key()), restored.get(sequence.key())
            if span is None or there is None or there.definition != sequence.definition:
                return sequence
            return there if span.lowest <= there.last_value <= span.highest else sequence

        sequences = tuple(expected(each) for each in self.fingerprint.sequences)
        return self.fingerprint.model_copy(update={"sequences": sequences})

    def differences(self, found: ContentFingerprint) -> tuple[Difference, ...]:
        """How restored data differs from what was captured; empty where it is the same."""
        return self.expected_from(found).differences(found)


def spans_between(
    before: tuple[SequenceFingerprint, ...], after: tuple[SequenceFingerprint, ...]
) -> Iterator[SequenceSpan]:
    """The sequences that stood elsewhere after a dump than before it."""
    later = {each.key(): each for each in after}
    for each in before:
        there = later.get(each.key())
        if there is None:
            continue
        places = (each.last_value, there.last_value)
        if (each.last_value, each.is_called) != (there.last_value, there.is_called):
            yield SequenceSpan(
                schema_name=each.schema_name,
                name=each.name,
                lowest=min(places),
                highest=max(places),
            )
