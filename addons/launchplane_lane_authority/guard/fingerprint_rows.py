"""Rows and large objects summed up inside the server, piece by piece.

A row is written as the text of a PostgreSQL row value over its stored columns in the order of
their names: NULL is nothing between two commas, the empty string a pair of quotes. Its hash is the
first 128 bits of SHA-256 over that text in UTF-8; a table's sum is that of all rows, modulo 2^128.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import quote_ident

from launchplane_lane_contracts.fingerprint import LargeObjectsFingerprint

from .database import Query
from .fingerprint_catalogue import Relation

MODULUS = 2**128
BYTES_OF_A_HASH = 16
BYTES_OF_A_PIECE = 64 * 1024 * 1024
"""How much of a table one statement reads, so that all workers share a large one."""
BYTES_OF_A_PART = 1024 * 1024
"""How much of a large object is read at once."""
OBJECTS_OF_A_PIECE = 100
NAMES_OF_A_STATEMENT = 100

_BYTE_SUMS = ", ".join(f"sum(get_byte(h, {place}))" for place in range(BYTES_OF_A_HASH))
_PARTS = """
    SELECT oid::bigint, octet_length(part), sha256(part)
      FROM (SELECT oid, lo_get(oid, %s, %s) AS part FROM unnest(%s::oid[]) AS oid OFFSET 0) AS parts
"""


@dataclass(frozen=True)
class Piece:
    """Some pages of one table."""

    table: Relation
    first_page: int
    end_page: int | None
    """The page after the last one; None for all that follow."""

    @property
    def weight(self) -> int:
        """About how many bytes it is."""
        return min(self.table.size_bytes, BYTES_OF_A_PIECE)


@dataclass
class Total:
    """Rows and their sum; the exact sum, before the modulus."""

    count: int = 0
    size_bytes: int = 0
    content: int = 0

    def add(self, other: "Total") -> None:
        """Put the total of another piece to this one."""
        self.count += other.count
        self.size_bytes += other.size_bytes
        self.content += other.content

    @property
    def content_sum(self) -> str:
        """The sum as fingerprints write it."""
        return f"{self.content % MODULUS:032x}"


def pieces_of(table: Relation) -> Iterator[Piece]:
    """The table in pieces of about equal size."""
    wanted = -(-table.size_bytes // BYTES_OF_A_PIECE)
    number = max(1, min(wanted, table.pages))
    first_pages = [table.pages * piece // number for piece in range(number)]
    for first, end in zip(first_pages, [*first_pages[1:], None], strict=True):
        yield Piece(table, first, end)


def row_expression(connection: Connection, alias: str, columns: Iterable[str]) -> str:
    """The text of one row."""
    values = ", ".join(f"{alias}.{_quoted(connection, name)}" for name in columns)
    return f"ROW({values})::text"


def table_name(connection: Connection, schema_name: str, name: str) -> str:
    """A name for a statement."""
    return f"{_quoted(connection, schema_name)}.{_quoted(connection, name)}"


def _quoted(connection: Connection, name: str) -> str:
    # The percent sign is psycopg2's own.
    return str(quote_ident(name, connection)).replace("%", "%%")


def sum_rows(connection: Connection, query: Query, piece: Piece) -> Total:
    """Sum up one piece of a table. Raises psycopg2.Error."""
    table = piece.table
    name = table_name(connection, table.schema_name, table.name)
    row = row_expression(connection, "r", table.stored_columns())
    pages = []
    if piece.first_page:
        pages.append(f"r.ctid >= '({piece.first_page},0)'::tid")
    if piece.end_page is not None:
        pages.append(f"r.ctid < '({piece.end_page},0)'::tid")
    where = f"WHERE {' AND '.join(pages)}" if pages else ""
    # OFFSET 0 keeps the planner from hashing each row once for every byte.
    statement = (
        f"SELECT count(*), {_BYTE_SUMS} FROM "  # noqa: S608 - names are quoted
        f"(SELECT sha256(textsend({row})) AS h FROM ONLY {name} AS r {where} OFFSET 0) AS hashed"
    )
    ((count, *sums),) = query(statement, ())
    content = 0
    for each in sums:
        content = content * 256 + int(each or 0)
    return Total(count=int(count), content=content)


def sum_large_objects(query: Query, oids: Sequence[int]) -> Total:
    """Sum up some large objects, never holding more than a part of each. Raises psycopg2.Error."""
    digests: dict[int, Any] = {oid: hashlib.sha256() for oid in oids}
    sizes = dict.fromkeys(oids, 0)
    left, offset = list(oids), 0
    while left:
        longer = []
        for oid, length, digest in query(_PARTS, (offset, BYTES_OF_A_PART, left)):
            sizes[oid] += length
            digests[oid].update(bytes(digest))
            if length == BYTES_OF_A_PART:
                longer.append(oid)
        left, offset = longer, offset + BYTES_OF_A_PART
    total = Total()
    for oid in oids:
        head = oid.to_bytes(4, "big") + sizes[oid].to_bytes(8, "big")
        hashed = hashlib.sha256(head + digests[oid].digest()).digest()
        content = int.from_bytes(hashed[:BYTES_OF_A_HASH], "big")
        total.add(Total(1, sizes[oid], content))
    return total


def large_objects_fingerprint(total: Total) -> LargeObjectsFingerprint:
    """As the contract has it."""
    return LargeObjectsFingerprint(
        count=total.count, size_bytes=total.size_bytes, content_sum=total.content_sum
    )
