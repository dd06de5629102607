"""What a database holds, read at one moment by one session or several. Changes nothing.

docs/fingerprint.md says what is seen and what is not seen.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field

import psycopg2
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_contracts.fingerprint import (
    ContentFingerprint,
    SequenceFingerprint,
    TableFingerprint,
)

from . import fingerprint_catalogue as catalogue
from .database import Query, first_line, query_through
from .fingerprint_rows import (
    OBJECTS_OF_A_PIECE,
    Piece,
    Total,
    large_objects_fingerprint,
    pieces_of,
    sum_large_objects,
    sum_rows,
    table_name,
)
from .snapshot import one_moment, passing_locks

DEFAULT_WORKERS = 2
MOST_WORKERS = 32
NAMES_OF_A_STATEMENT = 100

Connect = Callable[[], AbstractContextManager[Connection]]
"""Opens one more session in the database that is read: in autocommit mode, closed at the end."""


def read_with(
    connect: Connect,
    *,
    snapshot: str | None = None,
    workers: int = DEFAULT_WORKERS,
    oid: int | None = None,
) -> ContentFingerprint:
    """The fingerprint of the database that `connect` opens sessions in, one for each worker.

    `oid` is the database that is expected behind the name. Raises as `read_in` does.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise BadInput(f"The number of workers is 1 to {MOST_WORKERS}, not {workers}.")
    with ExitStack() as opened:
        sessions = [opened.enter_context(connect()) for _number in range(workers)]
        return read_in(sessions, snapshot=snapshot, oid=oid)


def read_in(
    sessions: Sequence[Connection], *, snapshot: str | None = None, oid: int | None = None
) -> ContentFingerprint:
    """The fingerprint of the database that these sessions, one or more, are connected to.

    They are idle and in autocommit mode, and are so again at the end; a door that is closed
    behind them does not matter. Raises BadInput for a snapshot that is no more, CouldNotTell for
    what cannot be read, psycopg2.Error.
    """
    with one_moment(sessions, snapshot) as snapshot_id:
        lead = sessions[0]
        query = query_through(lead)
        ((name, found, version),) = query(
            "SELECT datname::text, oid::bigint, current_setting('server_version_num')::int "
            "FROM pg_database WHERE datname = current_database()",
            (),
        )
        if oid is not None and found != oid:
            raise CouldNotTell(f"Another database took the name {name} while it was looked at.")
        relations = catalogue.read_relations(query)
        tables = [each for each in relations if each.kind in ("r", "p")]
        _hold(lead, query, tables)
        reading = _Reading(sessions)
        reading.plan(query, tables)
        reading.run()
        own = [table.oid for table in tables if table.ours]
        sequences = read_sequences(lead, own)
        return ContentFingerprint(
            database=DatabaseName(name),
            server_version=version,
            snapshot=snapshot_id,
            tables=tuple(reading.table(each) for each in tables if not each.ours),
            sequences=tuple(each for each, ours in sequences if not ours),
            large_objects=large_objects_fingerprint(reading.large_objects),
            definitions=catalogue.read_definitions(query, relations),
            own_tables=tuple(reading.table(each) for each in tables if each.ours),
            own_sequences=tuple(each for each, ours in sequences if ours),
        )


def read_sequences(
    session: Connection, own_tables: Sequence[int] = ()
) -> list[tuple[SequenceFingerprint, bool]]:
    """Where each sequence stands now, and whether it belongs to one of these tables.

    Sequences know no snapshots: this is their place at this moment. Raises psycopg2.Error.
    """
    query = query_through(session)
    known = catalogue.read_sequences(query, own_tables)
    places: list[tuple[int, bool]] = []
    for first in range(0, len(known), NAMES_OF_A_STATEMENT):
        some = known[first : first + NAMES_OF_A_STATEMENT]
        statement = " UNION ALL ".join(
            f"SELECT {place} AS place, last_value, is_called FROM "  # noqa: S608 - quoted names
            + table_name(session, each.schema_name, each.name)
            for place, each in enumerate(some)
        )
        with passing_locks(session):
            places += [(last, called) for _place, last, called in sorted(query(statement, ()))]
    return [
        (
            SequenceFingerprint(
                schema_name=each.schema_name,
                name=each.name,
                definition=each.definition,
                last_value=last,
                is_called=called,
            ),
            each.ours,
        )
        for each, (last, called) in zip(known, places, strict=True)
    ]


def _hold(session: Connection, query: Query, tables: Sequence[catalogue.Relation]) -> None:
    """Keep every table from being dropped, emptied or rewritten until the end."""
    names = [table_name(session, each.schema_name, each.name) for each in tables]
    for first in range(0, len(names), NAMES_OF_A_STATEMENT):
        some = ", ".join(f"ONLY {name}" for name in names[first : first + NAMES_OF_A_STATEMENT])
        query(f"LOCK TABLE {some} IN ACCESS SHARE MODE", ())


@dataclass
class _Reading:
    """The work that is left, the totals so far, and the sessions that share them."""

    sessions: Sequence[Connection]
    work: deque[Piece | list[int]] = field(default_factory=deque)
    totals: dict[int, Total] = field(default_factory=dict)
    large_objects: Total = field(default_factory=Total)
    failures: list[BaseException] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, query: Query, tables: Sequence[catalogue.Relation]) -> None:
        """Everything that holds rows, the heaviest first, so that no worker is left with it."""
        pieces = [piece for each in tables if each.kind == "r" for piece in pieces_of(each)]
        pieces.sort(key=lambda piece: piece.weight, reverse=True)
        oids = [oid for (oid,) in query("SELECT oid::bigint FROM pg_largeobject_metadata", ())]
        self.work.extend(
            oids[first : first + OBJECTS_OF_A_PIECE]
            for first in range(0, len(oids), OBJECTS_OF_A_PIECE)
        )
        self.work.extend(pieces)
        self.totals = {each.oid: Total() for each in tables}

    def run(self) -> None:
        """Read all of it. Raises the first thing that went wrong, and ends the others' work."""
        with ThreadPoolExecutor(len(self.sessions)) as pool:
            try:
                done = [pool.submit(self._work, session) for session in self.sessions]
                for each in done:
                    each.result()
            except BaseException as problem:
                # An interrupt comes to this thread alone.
                self._fail(problem)
                raise
        if self.failures:
            raise self.failures[0]

    def _work(self, session: Connection) -> None:
        query = query_through(session)
        while True:
            with self.lock:
                if self.failures or not self.work:
                    return
                piece = self.work.popleft()
            try:
                with passing_locks(session):
                    total = (
                        sum_rows(session, query, piece)
                        if isinstance(piece, Piece)
                        else sum_large_objects(query, piece)
                    )
            except BaseException as problem:
                self._fail(_named(problem, piece))
                return
            with self.lock:
                if isinstance(piece, Piece):
                    self.totals[piece.table.oid].add(total)
                else:
                    self.large_objects.add(total)

    def _fail(self, problem: BaseException) -> None:
        with self.lock:
            self.failures.append(problem)
            first = len(self.failures) == 1
        if first:
            for session in self.sessions:
                # One that is gone has nothing to end.
                with suppress(psycopg2.Error):
                    session.cancel()

    def table(self, relation: catalogue.Relation) -> TableFingerprint:
        """One table as the contract has it."""
        total = self.totals[relation.oid]
        return TableFingerprint(
            schema_name=relation.schema_name,
            name=relation.name,
            columns=relation.columns_digest(),
            structure=relation.structure_digest(),
            rows=total.count,
            row_sum=total.content_sum,
        )


def _named(problem: BaseException, piece: Piece | list[int]) -> BaseException:
    """The server's words with the table that they are about."""
    if not isinstance(problem, psycopg2.Error) or isinstance(problem, QueryCanceled):
        return problem
    what = (
        f"Table {piece.table.schema_name}.{piece.table.name}"
        if isinstance(piece, Piece)
        else "A large object"
    )
    return CouldNotTell(
        f"{what} could not be read: {first_line(problem)}. The role must own the data, or be a "
        "member of its owner."
    )
