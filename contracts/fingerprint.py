"""The content fingerprint: what a database holds, in a form that survives dump and restore.

The guard makes one from a database; what it sees and what it does not see stands in
docs/fingerprint.md. Two fingerprints are equal when their digests are.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, model_validator

from .contract import Contract, DatabaseNameField, Digest, DigestField, VersionedContract

RowSum = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A sum modulo 2^128 of the first 128 bits of SHA-256 values, in hexadecimal."""

NOTHING = "0" * 32
"""The sum over no rows."""

Count = Annotated[int, Field(ge=0)]
ObjectName = Annotated[str, StringConstraints(min_length=1)]


class DefinitionKind(StrEnum):
    """What holds no rows of its own, but is seen all the same."""

    EXTENSION = "extension"
    FOREIGN_TABLE = "foreign table"
    FUNCTION = "function"
    MATERIALIZED_VIEW = "materialized view"
    TYPE = "type"
    VIEW = "view"


class _Named(Contract):
    schema_name: ObjectName
    """The schema that it lies in."""
    name: ObjectName
    """Its name in that schema; of a function with the types of its arguments."""

    def key(self) -> tuple[str, ...]:
        """What tells it from the others, and puts them in order."""
        return (self.schema_name, self.name)


class TableFingerprint(_Named):
    """One table. A partition is a table of its own, and its parent is one without rows."""

    columns: DigestField
    """The digest over its columns: names, order, types, collations, not null, generated."""
    structure: DigestField
    """The digest over its kind, parents, constraints, indexes and triggers."""
    rows: Count
    """How many rows it holds; those of its partitions and heirs are theirs."""
    row_sum: RowSum
    """The sum over all rows. Order plays no part; a row that is there twice counts twice."""


class SequenceFingerprint(_Named):
    """One sequence, where it stood when it was read: sequences know no snapshots."""

    definition: DigestField
    """The digest over its type, start, bounds, step, cache and whether it begins again."""
    last_value: int
    """Where it stands."""
    is_called: bool
    """Whether that value was already handed out."""


class DefinitionFingerprint(_Named):
    """One thing that holds no rows of its own."""

    kind: DefinitionKind
    """What it is."""
    definition: DigestField
    """The digest over that part of its definition which is the same on every version."""

    def key(self) -> tuple[str, ...]:
        """What tells it from the others, and puts them in order."""
        return (self.kind, *super().key())


class LargeObjectsFingerprint(Contract):
    """All large objects together, with their oids, which a dump keeps."""

    count: Count = 0
    """How many."""
    size_bytes: Count = 0
    """Their bytes together, holes counted."""
    content_sum: RowSum = NOTHING
    """The sum over oid and content of each."""


class Difference(Contract):
    """One thing in which two databases differ."""

    what: str
    """Its kind in words, such as `table`."""
    name: str
    """Its name with its schema; empty where there is only one of it."""
    how: str
    """How the other database differs, in words."""

    def __str__(self) -> str:
        return f"{self.what} {self.name}".strip() + f": {self.how}"


class ContentFingerprint(VersionedContract):
    """What one database held at one moment."""

    method: Literal[1] = 1
    """The version of the way in which rows and definitions are written down and summed up."""
    database: DatabaseNameField
    """The database that was read; does not count."""
    server_version: int
    """`server_version_num` of its server; does not count."""
    snapshot: str
    """The snapshot that was read, empty where it was not exported; does not count."""
    tables: tuple[TableFingerprint, ...]
    """Every table but our own, in order."""
    sequences: tuple[SequenceFingerprint, ...]
    """Every sequence but our own, in order."""
    large_objects: LargeObjectsFingerprint
    """The large objects."""
    definitions: tuple[DefinitionFingerprint, ...]
    """Everything else that is seen, in order."""
    own_tables: tuple[TableFingerprint, ...] = ()
    """The tables of the marker and of our events; stamping changes them, so they don't count."""
    own_sequences: tuple[SequenceFingerprint, ...] = ()
    """Sequences that belong to those; they don't count."""

    @model_validator(mode="after")
    def _once_and_in_order(self) -> Self:
        for entries in (self.tables, self.sequences, self.definitions):
            keys = [each.key() for each in entries]
            if keys != sorted(set(keys)):
                raise ValueError("a fingerprint lists everything once and in order")
        return self

    def digest(self) -> Digest:
        """SHA-256 over all that counts: equal where the same data is, and nowhere else."""
        plain = self.model_dump(
            mode="json",
            include={"method", "tables", "sequences", "large_objects", "definitions"},
        )
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return Digest(hashlib.sha256(text.encode()).hexdigest())

    @property
    def rows(self) -> int:
        """How many rows all tables but our own hold."""
        return sum(table.rows for table in self.tables)

    def differences(self, other: "ContentFingerprint") -> tuple[Difference, ...]:
        """How `other` differs from this one; empty exactly where the digests are equal."""
        return (
            *_compare(self.tables, other.tables, lambda _table: "table", _of_tables),
            *_compare(self.sequences, other.sequences, lambda _each: "sequence", _of_sequences),
            *_of_large_objects(self.large_objects, other.large_objects),
            *_compare(
                self.definitions,
                other.definitions,
                lambda definition: definition.kind.value,
                lambda _this, _that: ["its definition differs"],
            ),
        )


_Entry = TypeVar("_Entry", bound=_Named)


def _compare(
    these: Iterable[_Entry],
    those: Iterable[_Entry],
    what: Callable[[_Entry], str],
    how: Callable[[_Entry, _Entry], list[str]],
) -> list[Difference]:
    here, there = ({each.key(): each for each in entries} for entries in (these, those))
    found = []
    for key, entry in sorted({**there, **here}.items()):
        if key not in there:
            ways = ["it is missing"]
        elif key not in here:
            ways = ["it is there as well"]
        elif here[key] == there[key]:
            continue
        else:
            ways = how(here[key], there[key])
        name = f"{entry.schema_name}.{entry.name}"
        found.append(Difference(what=what(entry), name=name, how="; ".join(ways)))
    return found


def _of_tables(this: TableFingerprint, that: TableFingerprint) -> list[str]:
    found = []
    if this.columns != that.columns:
        found.append("its columns differ")
    if this.structure != that.structure:
        found.append("its kind, parents, constraints, indexes or triggers differ")
    if this.rows != that.rows:
        found.append(f"{that.rows} rows instead of {this.rows}")
    elif this.row_sum != that.row_sum:
        found.append(f"{this.rows} rows as before, with other content")
    return found


def _of_sequences(this: SequenceFingerprint, that: SequenceFingerprint) -> list[str]:
    found = []
    if this.definition != that.definition:
        found.append("its definition differs")
    if (this.last_value, this.is_called) != (that.last_value, that.is_called):
        found.append(f"it stands at {_place(that)} instead of {_place(this)}")
    return found


def _place(sequence: SequenceFingerprint) -> str:
    return f"{sequence.last_value}{'' if sequence.is_called else ' (not handed out)'}"


def _of_large_objects(
    this: LargeObjectsFingerprint, that: LargeObjectsFingerprint
) -> list[Difference]:
    if this == that:
        return []
    if this.count != that.count:
        how = f"{that.count} instead of {this.count}"
    elif this.size_bytes != that.size_bytes:
        how = f"{that.size_bytes} bytes instead of {this.size_bytes}"
    else:
        how = f"{this.count} as before, with other oids or content"
    return [Difference(what="large objects", name="", how=how)]
