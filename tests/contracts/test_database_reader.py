"""What each row of the statements means, and that every failure is a value."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from launchplane_lane_contracts.catalogue import Query
from launchplane_lane_contracts.database_reader import first_line, read_database
from launchplane_lane_contracts.marker import MarkerRow
from launchplane_lane_contracts.reading import ContentsReading, DatabaseReading
from launchplane_lane_contracts.vocabulary import TagState

from .cases import DATABASE, DATABASE_OID, KEPT_DATABASE, KEPT_OID, MARKER_TABLE_OID, NOW, SERVER
from .readings import DATABASE_READING, an_engine_tag

SERVER_ROW = (SERVER, 150000, NOW, False, "odoo", False, True, "0/15B2C98", "731:735:731")
TAG, KEPT_TAG = an_engine_tag(), an_engine_tag(oid=KEPT_OID, state=TagState.KEPT)
COLUMNS = tuple(MarkerRow.model_fields)


class Failure(Exception):
    """What the statements of this server raise."""


class Server:
    """Answers each statement from what a test says; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        row = DATABASE_READING.marker_row
        assert row is not None
        self.answers: dict[str, Any] = {
            "pg_control_system": [SERVER_ROW],
            "datallowconn": [
                (DATABASE.encode(), DATABASE_OID, True, True, True, TAG.text().encode()),
                (KEPT_DATABASE.encode(), KEPT_OID, True, True, False, KEPT_TAG.text().encode()),
                (b"another", 3, False, False, True, memoryview(b"a w\xf6rd")),
            ],
            "pg_database_size": [(1000,)],
            "current_database": [(DATABASE_OID,)],
            "pg_largeobject_metadata": [(True,)],
            "relkind": [(MARKER_TABLE_OID, "r")],
            "SELECT attname": [(name,) for name in COLUMNS],
            "SELECT token": [tuple(vars(row)[name] for name in COLUMNS)],
            "row_to_json": [("the row",)],
            "'create_date'": [("res_users",), ("res_users_log",)],
            "SELECT count": [(3,)],
            "SELECT max": [(NOW.replace(tzinfo=None),)],
            **answers,
        }
        self.opened: list[str] = []

    @contextmanager
    def way_in(self, name: str) -> Iterator[Query]:
        """One database of it."""
        self.opened.append(name)
        yield self.query

    def query(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """One statement, known by a word of it."""
        answer = next(found for word, found in self.answers.items() if word in statement)
        if isinstance(answer, Exception):
            raise answer
        rows: list[tuple[Any, ...]] = answer
        return rows

    def read(self) -> DatabaseReading:
        """The reading."""
        return read_database(DATABASE, self.way_in, Failure)


def test_everything_is_read() -> None:
    server = Server()
    found, healthy = server.read(), DATABASE_READING
    assert server.opened == ["postgres", DATABASE]
    assert found.problem is None
    assert found.server == healthy.server
    assert found.entry is not None
    assert (found.entry.locked, found.entry.tag, found.size_bytes) == (True, TAG, 1000)
    kept, another = found.neighbours
    assert (kept.tag, kept.size_bytes, kept.takes_connections) == (KEPT_TAG, 1000, False)
    assert (another.tag, another.size_bytes, another.owned) == (None, None, False)
    assert (found.holds_relations, found.marker_table_oid) == (True, MARKER_TABLE_OID)
    assert found.marker_row == healthy.marker_row
    assert found.marker_digest == hashlib.sha256(b"the row").hexdigest()
    assert found.contents == ContentsReading(users=3, last_activity=NOW)


@pytest.mark.parametrize(
    ("answers", "contents"),
    [
        ({"'create_date'": []}, None),
        ({"'create_date'": [("res_users",)]}, ContentsReading(users=3)),
        ({"SELECT max": [(None,)]}, ContentsReading(users=3)),
        ({"SELECT count": Failure("permission denied")}, None),
    ],
)
def test_what_is_in_there_is_told_as_far_as_it_can_be_read(
    answers: dict[str, Any], contents: ContentsReading | None
) -> None:
    found = Server(**answers).read()
    assert (found.problem, found.contents) == (None, contents)


@pytest.mark.parametrize("word", ["pg_control_system", "datallowconn"])
def test_a_server_that_fails_is_a_reading_with_a_problem(word: str) -> None:
    found = Server(**{word: Failure("no\nsecond line")}).read()
    assert (found.problem, found.server, found.entry) == ("no", None, None)


@pytest.mark.parametrize("word", ["current_database", "pg_largeobject_metadata", "SELECT token"])
def test_an_inside_that_fails_leaves_the_outside(word: str) -> None:
    found = Server(**{word: Failure()}).read()
    assert found.problem == "Failure"
    assert found.entry is not None
    assert found.holds_relations is None


def test_a_size_that_may_not_be_seen_is_unknown() -> None:
    found = Server(pg_database_size=Failure("permission denied")).read()
    assert (found.problem, found.size_bytes) == (None, None)
    assert found.marker_row is not None


def test_absent_and_closed_databases_are_not_entered() -> None:
    absent = Server(datallowconn=[])
    assert absent.read().entry is None
    closed = Server(datallowconn=[(DATABASE.encode(), DATABASE_OID, True, False, False, None)])
    assert closed.read().holds_relations is None
    assert absent.opened == closed.opened == ["postgres"]


def test_a_name_that_another_database_took_meanwhile() -> None:
    found = Server(current_database=[(DATABASE_OID + 1,)]).read()
    assert found.problem == "another database took the name while it was read"


@pytest.mark.parametrize(
    ("answers", "problem", "table"),
    [
        ({"relkind": []}, None, None),
        ({"relkind": [(7, "v")]}, "is not a plain table", None),
        ({"SELECT attname": [("token",)]}, "lacks authoritative, claimed", 7),
        ({"SELECT token": [], "row_to_json": []}, None, 7),
        ({"SELECT token": [(), ()]}, "holds more than one row", 7),
        (
            {"SELECT token": [("t", "odd", "l", "testing", True, 1, "n", False)]},
            "cannot be understood",
            7,
        ),
    ],
)
def test_markers_that_are_none(
    answers: dict[str, Any], problem: str | None, table: int | None
) -> None:
    found = Server(**{"relkind": [(7, "r")], **answers}).read()
    assert (found.marker_row, found.marker_table_oid) == (None, table)
    assert problem in (None, found.marker_problem) or problem in str(found.marker_problem)
    assert (problem is None) is (found.marker_problem is None)


@pytest.mark.parametrize("on_record", [True, False])
def test_a_claim_that_is_on_record_and_not_in_the_row(on_record: bool) -> None:
    columns = [(name,) for name in (*COLUMNS, "id", "kind", "document")]
    answers = {"SELECT attname": columns, "c.kind = 'claim'": [(on_record,)]}
    found = Server(**answers).read()
    assert found.marker_row is not None
    assert found.marker_row.claimed is on_record
    assert ("claim of protection" in str(found.marker_problem)) is on_record


def test_a_failure_is_told_in_one_line() -> None:
    assert first_line(ValueError("a\nb")) == "a"
    assert first_line(ValueError()) == "ValueError"
