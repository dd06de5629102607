"""What the catalogue says of a database's tables, sequences and definitions.

Only facts that a dump carries and that every version writes alike: no oid, no owner, no text of
an expression. Queries run in a session of `snapshot.one_moment`.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.fingerprint import DefinitionFingerprint, DefinitionKind
from launchplane_lane_contracts.marker import EVENT_TABLE, MARKER_TABLE

from .database import Query

_OURS = "n.nspname = 'public' AND c.relname IN %s"
_USERS = """
    n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp%%'
    AND NOT EXISTS (SELECT FROM pg_depend member WHERE member.classid = {catalogue}::regclass
                       AND member.objid = {oid} AND member.deptype IN ('e', 'i'){but})
"""
"""Neither the server's own, nor a part of an extension, nor made by the way for something else."""


def _users(catalogue: str, oid: str) -> str:
    # The sequence of an identity column is made by the way, and still has a place of its own.
    but = " AND member.deptype = 'e'" if catalogue == "pg_class" else ""
    return _USERS.format(catalogue=f"'pg_catalog.{catalogue}'", oid=oid, but=but)


_RELATIONS = f"""
    SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text,
           c.relpersistence::text, c.relispartition,
           ARRAY(SELECT pn.nspname || '.' || p.relname FROM pg_inherits i
                   JOIN pg_class p ON p.oid = i.inhparent
                   JOIN pg_namespace pn ON pn.oid = p.relnamespace
                  WHERE i.inhrelid = c.oid ORDER BY i.inhseqno),
           coalesce(pg_table_size(c.oid), 0)::bigint,
           (coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int)::bigint,
           {_OURS}
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't'
       AND {_users("pg_class", "c.oid")}
       AND (c.relkind <> 'c' OR {_users("pg_type", "c.reltype")})
"""  # noqa: S608 - constants, not input
_COLUMNS = """
    SELECT a.attrelid::bigint, a.attname::text, format_type(a.atttypid, a.atttypmod),
           a.attnotnull, a.atthasdef, a.attidentity::text, a.attgenerated::text,
           (SELECT n.nspname || '.' || l.collname FROM pg_collation l
              JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation)
      FROM pg_attribute a
     WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum
"""


def _names(numbers: str, relation: str, order: str = "k.place") -> str:
    """The names of a relation's columns; an expression in their place has none."""
    return f"""
        ARRAY(SELECT coalesce(a.attname::text, '')
                FROM unnest({numbers}) WITH ORDINALITY k (number, place)
                LEFT JOIN pg_attribute a ON a.attrelid = {relation} AND a.attnum = k.number
               ORDER BY {order})
    """  # noqa: S608 - constants, not input


_CONSTRAINTS = f"""
    SELECT t.conrelid::bigint, t.conname::text, t.contype::text, t.condeferrable, t.condeferred,
           t.convalidated, t.confupdtype::text, t.confdeltype::text, t.confmatchtype::text,
           (SELECT n.nspname || '.' || c.relname FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.confrelid),
           {_names("t.confkey", "t.confrelid")},
           CASE t.contype WHEN 'c' THEN {_names("t.conkey", "t.conrelid", "a.attname")}
                          ELSE {_names("t.conkey", "t.conrelid")} END
      FROM pg_constraint t
     WHERE t.conrelid = ANY (%s::oid[]) AND t.contype IN ('p', 'u', 'f', 'c', 'x')
       AND t.conparentid = 0
"""  # noqa: S608 - constants, not input
_INDEXES = f"""
    SELECT i.indrelid::bigint, c.relname::text, m.amname::text, i.indisunique, i.indisprimary,
           i.indpred IS NOT NULL, i.indnkeyatts::int,
           {_names("i.indkey::smallint[]", "i.indrelid")}
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid = ANY (%s::oid[]) AND i.indisvalid
"""  # noqa: S608 - constants, not input
_TRIGGERS = """
    SELECT t.tgrelid::bigint, t.tgname::text, n.nspname || '.' || p.proname, t.tgtype::int,
           t.tgenabled::text, t.tgdeferrable, t.tginitdeferred
      FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE t.tgrelid = ANY (%s::oid[]) AND NOT t.tgisinternal AND t.tgparentid = 0
"""
_SEQUENCES = f"""
    SELECT n.nspname::text, c.relname::text, c.relpersistence::text,
           format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
           s.seqcache, s.seqcycle,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                      AND d.deptype IN ('a', 'i') AND d.refobjid = ANY (%s::oid[]))
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relpersistence <> 't' AND {_users("pg_class", "c.oid")}
"""  # noqa: S608 - constants, not input
_FUNCTIONS = f"""
    SELECT n.nspname::text,
           p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
           p.prokind::text, l.lanname::text, pg_get_function_result(p.oid),
           p.provolatile::text, p.proisstrict, p.prosecdef, p.proleakproof, p.prosrc
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      JOIN pg_language l ON l.oid = p.prolang
     WHERE {_users("pg_proc", "p.oid")}
"""  # noqa: S608 - constants, not input
_TYPES = f"""
    SELECT n.nspname::text, t.typname::text, t.typtype::text,
           ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
                  ORDER BY e.enumsortorder),
           CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
           t.typnotnull, t.typdefault IS NOT NULL,
           ARRAY(SELECT k.conname::text FROM pg_constraint k
                  WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname),
           (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid)
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype IN ('e', 'd', 'r') AND {_users("pg_type", "t.oid")}
"""  # noqa: S608 - constants, not input
_EXTENSIONS = """
    SELECT n.nspname::text, e.extname::text
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname <> 'plpgsql'
"""
_DEFINED_BY_COLUMNS = {
    "v": DefinitionKind.VIEW,
    "m": DefinitionKind.MATERIALIZED_VIEW,
    "f": DefinitionKind.FOREIGN_TABLE,
    "c": DefinitionKind.TYPE,
}

Facts = tuple[Any, ...]


@dataclass
class Relation:
    """A relation as the catalogue has it."""

    oid: int
    schema_name: str
    name: str
    kind: str
    persistence: str
    is_partition: bool
    parents: list[str]
    size_bytes: int
    pages: int
    ours: bool
    columns: list[Facts] = field(default_factory=list)
    structure: list[Facts] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What it is sorted by."""
        return (self.schema_name, self.name)

    def stored_columns(self) -> list[str]:
        """The columns whose values a dump carries, in the order of their names."""
        return sorted(
            str(name) for name, *_facts, generated, _collation in self.columns if not generated
        )

    def columns_digest(self) -> Digest:
        """Over the columns in their order, which an heir does not keep when it is restored."""
        heir = bool(self.parents) and not self.is_partition
        return digest_of(sorted(self.columns) if heir else self.columns)

    def structure_digest(self) -> Digest:
        """Over all else that is seen of the table."""
        head = (self.kind, self.persistence, self.is_partition, self.parents)
        return digest_of([head, *sorted(self.structure, key=_text)])


@dataclass(frozen=True)
class Sequence:
    """A sequence as the catalogue has it; where it stands is read from itself."""

    schema_name: str
    name: str
    definition: Digest
    ours: bool


def digest_of(facts: Iterable[Facts]) -> Digest:
    """SHA-256 over facts in their order."""
    return Digest(hashlib.sha256(_text(list(facts)).encode()).hexdigest())


def _text(facts: object) -> str:
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False)


def read_relations(query: Query) -> list[Relation]:
    """Everything that has columns, with its columns and what hangs on it."""
    ours = (MARKER_TABLE, EVENT_TABLE)
    found = {int(row[0]): Relation(int(row[0]), *row[1:]) for row in query(_RELATIONS, (ours,))}
    oids = list(found)
    for oid, *facts in query(_COLUMNS, (oids,)):
        found[oid].columns.append(tuple(facts))
    for word, statement in (("c", _CONSTRAINTS), ("i", _INDEXES), ("t", _TRIGGERS)):
        for oid, *facts in query(statement, (oids,)):
            found[oid].structure.append((word, *facts))
    return sorted(found.values(), key=lambda relation: relation.key)


def read_sequences(query: Query, own_tables: Iterable[int]) -> list[Sequence]:
    """Every sequence; ours are the ones that belong to a table of ours."""
    rows = query(_SEQUENCES, (list(own_tables),))
    return sorted(
        (
            Sequence(schema, name, digest_of([tuple(facts)]), ours)
            for schema, name, *facts, ours in rows
        ),
        key=lambda sequence: (sequence.schema_name, sequence.name),
    )


def read_definitions(
    query: Query, relations: Iterable[Relation]
) -> tuple[DefinitionFingerprint, ...]:
    """What holds no rows of its own."""
    found = [
        _definition(_DEFINED_BY_COLUMNS[each.kind], each.schema_name, each.name, each.columns)
        for each in relations
        if each.kind in _DEFINED_BY_COLUMNS
    ]
    for kind, statement in (
        (DefinitionKind.FUNCTION, _FUNCTIONS),
        (DefinitionKind.TYPE, _TYPES),
        (DefinitionKind.EXTENSION, _EXTENSIONS),
    ):
        for schema, name, *facts in query(statement, ()):
            found.append(_definition(kind, schema, name, [tuple(facts)]))
    return tuple(sorted(found, key=lambda each: each.key()))


def _definition(
    kind: DefinitionKind, schema: str, name: str, facts: Iterable[Facts]
) -> DefinitionFingerprint:
    return DefinitionFingerprint(
        kind=kind, schema_name=schema, name=name, definition=digest_of(facts)
    )
