"""The lane's database as anybody sees it who may connect: the guard, and the host directly.

One reader for both, so that two roads to the same database can only differ where the facts do. It
opens nothing itself: whoever reads brings the way in.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from .catalogue import Query, read_databases, read_server, read_size
from .contents import read_contents
from .contract import DatabaseName
from .inside import read_inside
from .reading import DatabaseEntry, DatabaseReading
from .vocabulary import TagState

MAINTENANCE_DATABASE = "postgres"
"""What is connected to for looking at the others from outside."""

WayIn = Callable[[str], AbstractContextManager[Query]]
"""Opens the database of that name for as long as it is read."""

_OID_HERE = (
    "SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
)


def read_database(name: DatabaseName, way_in: WayIn, failure: type[Exception]) -> DatabaseReading:
    """From outside and, where it lets us in, from inside. Never raises.

    `failure` is what `way_in` and its statements raise when they fail.
    """
    try:
        with way_in(MAINTENANCE_DATABASE) as query:
            server = read_server(query)
            databases = read_databases(query)
            entry = next((each for each in databases if each.name == name), None)
            size = _size(query, entry.oid, failure) if entry is not None else None
            databases = tuple(_with_size(query, each, failure) for each in databases)
    except (failure, UnicodeError) as problem:
        return DatabaseReading(name=name, problem=first_line(problem))
    reading = DatabaseReading(
        name=name,
        server=server,
        entry=entry,
        neighbours=tuple(each for each in databases if each.name != name),
        size_bytes=size,
    )
    if entry is None or not entry.takes_connections:
        return reading
    return _with_inside(reading, entry, way_in, failure)


def _size(query: Query, oid: int, failure: type[Exception]) -> int | None:
    try:
        return read_size(query, oid)
    except failure:
        # The size is for people; without the right to see it all else is still known.
        return None


def _with_size(query: Query, entry: DatabaseEntry, failure: type[Exception]) -> DatabaseEntry:
    """Kept data is shown with its size; what else stands on the server is not looked into."""
    if entry.tag is None or entry.tag.state is not TagState.KEPT:
        return entry
    return entry.model_copy(update={"size_bytes": _size(query, entry.oid, failure)})


def _with_inside(
    reading: DatabaseReading, entry: DatabaseEntry, way_in: WayIn, failure: type[Exception]
) -> DatabaseReading:
    try:
        with way_in(entry.name) as query:
            ((found,),) = query(_OID_HERE, ())
            if found != entry.oid:
                return reading.model_copy(
                    update={"problem": "another database took the name while it was read"}
                )
            inside = read_inside(query)
            contents = read_contents(query, failure)
    except (failure, UnicodeError) as problem:
        return reading.model_copy(update={"problem": first_line(problem)})
    return reading.model_copy(
        update={
            "holds_relations": inside.holds_relations,
            "marker_table_oid": inside.marker_table_oid,
            "marker_row": inside.marker_row,
            "marker_problem": inside.marker_problem,
            "marker_digest": inside.marker_digest,
            "contents": contents,
        }
    )


def first_line(problem: BaseException) -> str:
    """What went wrong, in one line."""
    text = str(problem).strip() or type(problem).__name__
    return text.splitlines()[0]
