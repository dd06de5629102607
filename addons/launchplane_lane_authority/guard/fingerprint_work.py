"""The rows of many tables, read by several sessions at the same time."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg2
from psycopg2.errors import InsufficientPrivilege, LockNotAvailable, QueryCanceled
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.fingerprint import TableFingerprint

from .database import Query, first_line, query_through
from .fingerprint_catalogue import Relation
from .fingerprint_rows import (
    OBJECTS_OF_A_PIECE,
    Piece,
    Total,
    pieces_of,
    sum_large_objects,
    sum_rows,
)
from .snapshot import passing_locks


@dataclass
class Work:
    """What is left to be read, the totals so far, and the sessions that share them."""

    sessions: Sequence[Connection]
    left: deque[Piece | list[int]] = field(default_factory=deque)
    totals: dict[int, Total] = field(default_factory=dict)
    large_objects: Total = field(default_factory=Total)
    failures: list[BaseException] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, query: Query, tables: Sequence[Relation]) -> None:
        """Everything that holds rows, the heaviest first, so that no worker is left with it."""
        pieces = [piece for each in tables if each.kind == "r" for piece in pieces_of(each)]
        pieces.sort(key=lambda piece: piece.weight, reverse=True)
        oids = [oid for (oid,) in query("SELECT oid::bigint FROM pg_largeobject_metadata", ())]
        self.left.extend(
            oids[first : first + OBJECTS_OF_A_PIECE]
            for first in range(0, len(oids), OBJECTS_OF_A_PIECE)
        )
        self.left.extend(pieces)
        self.totals = {each.oid: Total() for each in tables}

    def run(self) -> None:
        """Read all of it. Raises the first thing that went wrong, and ends the others' work."""
        with ThreadPoolExecutor(len(self.sessions)) as pool:
            try:
                done = [pool.submit(self._read, session) for session in self.sessions]
                for each in done:
                    each.result()
            except BaseException as problem:
                # An interrupt comes to this thread alone.
                self._fail(problem)
                raise
        if self.failures:
            raise self.failures[0]

    def _read(self, session: Connection) -> None:
        query = query_through(session)
        while True:
            with self.lock:
                if self.failures or not self.left:
                    return
                piece = self.left.popleft()
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

    def table(self, relation: Relation) -> TableFingerprint:
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
    if not isinstance(problem, psycopg2.Error) or isinstance(
        problem, (QueryCanceled, LockNotAvailable)
    ):
        return problem
    what = (
        f"Table {piece.table.schema_name}.{piece.table.name}"
        if isinstance(piece, Piece)
        else "A large object"
    )
    may_not = isinstance(problem, InsufficientPrivilege)
    way_on = " The role must own the data, or be a member of its owner." if may_not else ""
    return CouldNotTell(f"{what} could not be read: {first_line(problem)}.{way_on}")
