"""The upstream source: a database on another server, read at one moment, and the files it names.

Where it is the lane's environment says, in the variables that the devkit's script reads too; what
may be read stands in the order, and the two must agree.
"""

import dataclasses
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.backup import spans_between
from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_contracts.evidence import SourcePlace
from launchplane_lane_contracts.fingerprint import (
    ContentFingerprint,
    Difference,
    SequenceFingerprint,
)
from launchplane_lane_contracts.policy import UpstreamSource

from .attached_files import named_files
from .client_programs import PLAIN_DATA, fitting, server_environment
from .database import connected, first_line, query_through
from .fetching import fetch
from .fingerprint import read_sequences, read_with
from .program_chain import Step, run_chain
from .settings import GuardSettings

USER_VARIABLE = "ODOO_UPSTREAM_DB_USER"
PORT_VARIABLE = "LANE_AUTHORITY_UPSTREAM_PORT"
PASSWORD_VARIABLE = "LANE_AUTHORITY_UPSTREAM_PASSWORD"  # noqa: S105 - a name
FILES_VARIABLE = "LANE_AUTHORITY_UPSTREAM_FILES"
"""The command that is given names, each ended by a zero byte, and writes those files as a tar."""
_SIZE_OF_FILES = (
    "SELECT coalesce(sum(size), 0)::bigint FROM (SELECT max(file_size) AS size "
    "FROM public.ir_attachment WHERE store_fname IS NOT NULL GROUP BY store_fname) AS files"
)
_KNOWS_SIZES = (
    "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = "
    "pg_catalog.to_regclass('public.ir_attachment') AND attname = 'file_size' AND NOT attisdropped)"
)


@dataclass(frozen=True)
class Place:
    """How the source is reached."""

    server: GuardSettings
    """Its server and database, in the form in which the guard reaches its own."""
    fetch_files: tuple[str, ...]
    """The command that fetches files."""


def place_from(
    settings: GuardSettings, upstream: UpstreamSource, environment: Mapping[str, str] = os.environ
) -> Place:
    """How the lane's environment reaches the source. Raises BadInput for what is not set."""
    faults = []
    user = environment.get(USER_VARIABLE, "")
    if not user:
        faults.append(f"{USER_VARIABLE} is not set")
    port = environment.get(PORT_VARIABLE, "") or "5432"
    if not (port.isdecimal() and len(port) <= 5):
        faults.append(f"{PORT_VARIABLE} must be a number, not {port[:20]!r}")
    try:
        command = tuple(shlex.split(environment.get(FILES_VARIABLE, "")))
    except ValueError as problem:
        command = ()
        faults.append(f"{FILES_VARIABLE} is no command ({problem})")
    if not command:
        faults.append(
            f"{FILES_VARIABLE} is not set: the command that fetches the source's files, such as "
            f"`ssh {upstream.host} tar -C FOLDER --null -T - -cf -`"
        )
    if faults:
        raise BadInput("The upstream source cannot be read: " + "; ".join(faults) + ".")
    return Place(
        dataclasses.replace(
            settings,
            host=upstream.host,
            port=int(port),
            user=user,
            password=environment.get(PASSWORD_VARIABLE, ""),
            database=DatabaseName(upstream.database),
        ),
        command,
    )


@dataclass
class Upstream:
    """The source while it is read: every reading is of one moment."""

    place: Place
    lead: Connection
    """Holds the moment for all others."""
    snapshot: str
    where: SourcePlace
    version: int
    encoding: str
    collate: str
    character_type: str
    database_bytes: int
    files: list[str]
    file_bytes: int | None
    """The size of those files together, where the rows say it."""
    words: str
    before: tuple[SequenceFingerprint, ...] = ()
    _content: ContentFingerprint | None = field(default=None, init=False)

    @property
    def file_count(self) -> int:
        """How many files its rows name."""
        return len(self.files)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Every file has to be there."""
        return ()

    def restore_into(self, target: GuardSettings, target_version: int, workers: int) -> None:
        """Dump it, and restore that as it comes. Raises CouldNotTell."""
        del workers
        source = self.place.server
        dump = fitting("pg_dump", max(self.version, target_version))
        restore = fitting("pg_restore", target_version, not_older_than=dump.major)
        with connected(source, source.database) as session:
            self.before = read_sequences(session)
        run_chain(
            f"Restoring {self.words} beside the lane",
            Step(
                [str(dump.path), "-Fc", "-Z0", *PLAIN_DATA, f"--snapshot={self.snapshot}"],
                server_environment(source, source.database),
            ),
            Step(
                [str(restore.path), "--exit-on-error", *PLAIN_DATA, f"--dbname={target.database}"],
                server_environment(target, target.database),
            ),
        )

    def fetch_files(self, folder: Path) -> None:
        """Fetch every file that its rows name. Raises CouldNotTell, Refused."""
        fetch(self.place.fetch_files, self.files, folder, self.words)

    def differences(self, found: ContentFingerprint, workers: int) -> tuple[Difference, ...]:
        """In what the restored content differs from the source's at that moment."""
        server = self.place.server
        content = read_with(
            lambda: connected(server, server.database),
            snapshot=self.snapshot,
            workers=workers,
            oid=self.where.database_oid,
        )
        return _as_dumped(content, self.before, found).differences(found)


@contextmanager
def opened(place: Place, upstream: UpstreamSource) -> Iterator[Upstream]:
    """The source at one moment, which lasts until the end. Raises CouldNotTell."""
    server = place.server
    try:
        with connected(server, server.database) as lead:
            yield _read(place, upstream, lead)
    except psycopg2.Error as problem:
        raise CouldNotTell(
            f"The upstream source {upstream.name} ({server.host}:{server.port}/{server.database}) "
            f"could not be read: {first_line(problem)}. Nothing of the lane was changed."
        ) from None


def _read(place: Place, upstream: UpstreamSource, lead: Connection) -> Upstream:
    query = query_through(lead)
    query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())
    ((snapshot,),) = query("SELECT pg_export_snapshot()", ())
    ((identifier, oid, version, encoding, collate, character_type, size),) = query(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()), oid::bigint, "
        "current_setting('server_version_num')::int, pg_encoding_to_char(encoding), "
        "datcollate::text, datctype::text, pg_database_size(oid) "
        "FROM pg_database WHERE datname = current_database()",
        (),
    )
    ((knows_sizes,),) = query(_KNOWS_SIZES, ())
    file_bytes = int(query(_SIZE_OF_FILES, ())[0][0]) if knows_sizes else None
    return Upstream(
        place=place,
        lead=lead,
        snapshot=snapshot,
        where=SourcePlace(system_identifier=identifier, database_oid=oid),
        version=version,
        encoding=encoding,
        collate=collate,
        character_type=character_type,
        database_bytes=int(size),
        files=named_files(query),
        file_bytes=file_bytes,
        words=f"upstream source {upstream.name} ({upstream.host}/{upstream.database})",
    )


def _as_dumped(
    content: ContentFingerprint,
    before: tuple[SequenceFingerprint, ...],
    found: ContentFingerprint,
) -> ContentFingerprint:
    """The source's content with its sequences where the dump may have seen them.

    Sequences know no snapshot: a source at work hands numbers out while it is dumped. What was
    restored must lie between what was read before the dump and after it.
    """
    spans = {
        (each.schema_name, each.name): each for each in spans_between(before, content.sequences)
    }
    restored = {each.key(): each for each in found.sequences}

    def dumped(after: SequenceFingerprint) -> SequenceFingerprint:
        span, there = spans.get((after.schema_name, after.name)), restored.get(after.key())
        if span is None or there is None or there.definition != after.definition:
            return after
        return there if span.lowest <= there.last_value <= span.highest else after

    return content.model_copy(update={"sequences": tuple(map(dumped, content.sequences))})
