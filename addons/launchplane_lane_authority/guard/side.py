"""Data beside the lane: a side database and its folder of files, until they take the lane's place.

They are made, listed and dropped here alone. What is dropped has a side database's name, which
holds 64 random bits and was noted in the keep before the database was made; no other can be.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pydantic import ValidationError

from launchplane_lane_contracts.catalogue import read_databases
from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import Busy, CouldNotTell
from launchplane_lane_contracts.evidence import SideData
from launchplane_lane_contracts.naming import is_side_name, side_name
from launchplane_lane_contracts.orders import MaterialiseOrder
from launchplane_lane_contracts.reading import DatabaseEntry

from . import durable, filestore
from .database import MAINTENANCE_DATABASE, connected, first_line, query_through
from .one_at_a_time import one_at_a_time
from .sessions import end_sessions
from .settings import GuardSettings
from .swap import allow_connections, close, send_away, set_locked

SIDES = "sides"
ORDER = "order.json"
VERIFIED = "side.json"
FILES = "filestore"
SECONDS_TO_END = 30.0
SECONDS_BETWEEN_LOOKS = 0.05
WORDS = "Launchplane lane authority: being restored beside its lane; may be dropped"
"""The comment on a side database, for people who meet one. It is no tag of ours."""


class Sides:
    """The side data of one lane, in its keep."""

    def __init__(self, keep: Path) -> None:
        self.folder = keep / SIDES

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """One who brings data at a time. Raises Busy when another one is at it, OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with one_at_a_time(
            self.folder,
            "Another guard is bringing data for this lane. Wait until it has ended, then look at "
            "the lane again.",
        ):
            yield

    def files(self, name: DatabaseName) -> Path:
        """Where the files of a side database lie."""
        return self.folder / name / FILES

    def note(self, database: DatabaseName, order: MaterialiseOrder) -> DatabaseName:
        """Remember, before it is made, what a side database will be called. Raises OSError."""
        name = side_name(database, secrets.token_hex(8))
        (self.folder / name).mkdir(mode=0o700)
        durable.sync_folder(self.folder)
        durable.write_new(self.folder / name / ORDER, order.canonical())
        self.files(name).mkdir(mode=0o700)
        return name

    def verified(self, side: SideData) -> None:
        """Remember that it is whole: from now on it may take the lane's name. Raises OSError."""
        durable.write_new(self.folder / side.name / VERIFIED, side.canonical())

    def names(self) -> tuple[DatabaseName, ...]:
        """Every side database that was noted. Raises OSError."""
        if not self.folder.is_dir():
            return ()
        return tuple(
            DatabaseName(each.name) for each in sorted(self.folder.iterdir()) if is_side(each)
        )

    def found(self, name: DatabaseName) -> SideData | None:
        """What was verified under a name. Raises CouldNotTell, OSError."""
        path = self.folder / name / VERIFIED
        try:
            return SideData.from_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise CouldNotTell(f"{path} cannot be understood; it was changed by hand.") from None

    def ready(self) -> tuple[SideData, ...]:
        """All that was verified and waits. Raises CouldNotTell, OSError."""
        return tuple(each for each in map(self.found, self.names()) if each is not None)

    def forget(self, settings: GuardSettings, name: DatabaseName) -> None:
        """Drop one side database, and its files and notes after it.

        One that has taken the lane's name has this name no longer, and stays. Raises CouldNotTell.
        """
        try:
            # First that it may be used: what is half gone must not be.
            (self.folder / name / VERIFIED).unlink(missing_ok=True)
            drop_side_database(settings, name)
            remove_side_folder(self.folder / name)
        except OSError as problem:
            raise CouldNotTell(
                f"What was restored beside the lane could not be removed: {problem}. Run the same "
                "command again when the keep can be written to."
            ) from None

    def sweep(self, settings: GuardSettings, *, but: DatabaseName | None = None) -> None:
        """Drop every one but that. Raises CouldNotTell, OSError."""
        for name in self.names():
            if name != but:
                self.forget(settings, name)


def is_side(folder: Path) -> bool:
    """Whether a folder of the keep is the one of a side database."""
    return is_side_name(folder.name) and folder.is_dir() and not folder.is_symlink()


def make_side_database(
    settings: GuardSettings, name: DatabaseName, *, encoding: str, collate: str, character_type: str
) -> DatabaseEntry:
    """Make an empty one, with the source's locale where this server knows it.

    It is a template from its first moment: an Odoo that serves whatever it finds on this server
    leaves templates out, and would else send the source's mail.

    Raises psycopg2.Error, CouldNotTell.
    """
    made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 IS_TEMPLATE true ENCODING {}").format(
        sql.Identifier(name), sql.Literal(encoding)
    )
    locale = sql.SQL(" LC_COLLATE {} LC_CTYPE {}").format(
        sql.Literal(collate), sql.Literal(character_type)
    )
    with connected(settings, MAINTENANCE_DATABASE) as server, server.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        try:
            cursor.execute(made + locale)
        except (psycopg2.errors.WrongObjectType, psycopg2.errors.InvalidParameterValue):
            # The locale's name is unknown here, as between Debian and Alpine.
            cursor.execute(made)
        cursor.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(WORDS))
        )
        entry = _standing(server, name)
    if entry is None:
        raise CouldNotTell(f"The side database {name} was made and is not there.")
    return entry


def find_side_database(settings: GuardSettings, name: DatabaseName) -> DatabaseEntry | None:
    """What stands under the name of a side database. Raises psycopg2.Error."""
    with connected(settings, MAINTENANCE_DATABASE) as server:
        return _standing(server, name)


def _standing(server: Connection, name: DatabaseName) -> DatabaseEntry | None:
    databases = read_databases(query_through(server))
    return next((each for each in databases if each.name == name), None)


@contextmanager
def behind_its_door(
    settings: GuardSettings, side: DatabaseEntry, sessions: int
) -> Iterator[list[Connection]]:
    """So many sessions in a side database, and nobody else in there or let in any more.

    It stays closed: what was compared must be what takes the lane's name, and an Odoo that serves
    every database that it finds would work in it. Raises Busy where somebody stays, psycopg2.Error.
    """
    with ExitStack() as opened:
        server = opened.enter_context(connected(settings, MAINTENANCE_DATABASE))
        with _door_open(server, side.name):
            inside = [
                opened.enter_context(connected(settings, side.name)) for _number in range(sessions)
            ]
        _alone(server, side, [each.get_backend_pid() for each in inside])
        yield inside


@contextmanager
def opened_for_a_while(settings: GuardSettings, side: DatabaseEntry) -> Iterator[None]:
    """A side database that takes connections until the end of the block, and is empty then.

    Raises Busy where somebody stays, psycopg2.Error.
    """
    with connected(settings, MAINTENANCE_DATABASE) as server:
        with _door_open(server, side.name):
            yield
        _alone(server, side, [])


@contextmanager
def _door_open(server: Connection, name: DatabaseName) -> Iterator[None]:
    allow_connections(server, name)
    try:
        yield
    finally:
        close(server, name)


def _alone(server: Connection, side: DatabaseEntry, own: list[int]) -> None:
    obstacle = end_sessions(server, side.oid, spare=own)
    if obstacle is not None:
        raise Busy(
            f"Somebody is in {side.name}, which was restored beside the lane: {obstacle.detail}. "
            f"{obstacle.remedy}"
        )


def drop_side_database(settings: GuardSettings, name: DatabaseName) -> None:
    """Drop a side database, if it is there. It can drop nothing else.

    Raises ValueError for any other name, CouldNotTell.
    """
    if not is_side_name(name) or name == settings.database:
        raise ValueError(f"{name} is not the name of a side database")
    try:
        with connected(settings, MAINTENANCE_DATABASE) as server, server.cursor() as cursor:
            _end_who_makes_it(server, name)
            entry = _standing(server, name)
            if entry is None:
                return
            if entry.tag is not None:
                raise CouldNotTell(
                    f"Database {name} has a tag of lane {entry.tag.lane}, which no side database "
                    "has, so it is not dropped. Look at what it is, and give it another name."
                )
            cursor.execute("SET statement_timeout = 0")
            if entry.locked:
                set_locked(server, name, locked=False)
            if (obstacle := send_away(server, name)) is not None:
                raise CouldNotTell(
                    f"The side database {name} could not be dropped: {obstacle.detail}. "
                    f"{obstacle.remedy}"
                )
            cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    except psycopg2.Error as problem:
        raise CouldNotTell(
            f"The side database {name} could not be dropped: {first_line(problem)}. The next run "
            "of `materialise` tries again."
        ) from None


def _end_who_makes_it(server: Connection, name: DatabaseName) -> None:
    """End a statement that is still making it for a guard that was killed. Raises psycopg2.Error.

    Else it would be there only after we have looked, and nobody would know of it any more.
    """
    query, until = query_through(server), time.monotonic() + SECONDS_TO_END
    while True:
        at_work = query(
            "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
            "AND query LIKE 'CREATE DATABASE%%' AND position(%s in query) > 0",
            (name,),
        )
        if not at_work:
            return
        for (pid,) in at_work:
            query("SELECT pg_terminate_backend(%s)", (pid,))
        if time.monotonic() > until:
            raise CouldNotTell(f"The side database {name} is still being made. Try again later.")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def remove_side_folder(folder: Path) -> None:
    """Remove the files and notes of one side database, the notes last. Raises OSError."""
    if not is_side(folder):
        raise ValueError(f"{folder} is not the folder of a side database")
    shutil.rmtree(folder)
    durable.sync_folder(folder.parent)


def own_files_like(folder: Path, model: Path) -> None:
    """Give all that came to the one who owns the served folder. Raises OSError."""
    like = filestore_model(model)
    for place, _folders, names in os.walk(folder):
        filestore.owned_like(Path(place), like)
        for name in names:
            filestore.owned_like(Path(place) / name, like)
    folder.chmod(like.stat().st_mode & 0o7777)


def filestore_model(served: Path) -> Path:
    """The served folder, or the one above it where there is none."""
    return served if served.exists() else served.parent
