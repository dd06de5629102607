"""Connections to the store's database: SQLite and PostgreSQL behave the same behind this."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from launchplane_lane_contracts.errors import BadInput, Busy, CouldNotTell

PATIENCE_SECONDS = 30
_WRITES = "lane_authority_writes"


class StoreDatabase:
    """The database that holds the store."""

    def __init__(self, url: str) -> None:
        self._url = _read_url(url)
        # Whatever else is asked for in the address may be a password too.
        self.place = self._url.set(query={}).render_as_string(hide_password=True)
        """Where it is, without its password."""
        self._engine = _make_engine(self._url)
        self._writer = self._engine.execution_options(**{_WRITES: True})
        self._reader = self._engine
        if not self.is_sqlite:
            # All that one question reads must be of one moment, as it is in SQLite.
            self._reader = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads."""
        with self._in_words(), Session(self._reader) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that writes; the next one waits until this one is over.

        Raises Busy when others write for too long.
        """
        with (
            self._in_words(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            if not self.is_sqlite:
                session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
                session.execute(text("SET LOCAL synchronous_commit = on"))
                session.execute(text("LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE"))
            yield session

    @contextmanager
    def changing_the_schema(self) -> Iterator[Connection]:
        """One transaction for migrations; only one process is in it at a time."""
        with self._in_words(), self._writer.begin() as connection:
            if not self.is_sqlite:
                # There may be no table to lock yet.
                connection.execute(text("SELECT pg_advisory_xact_lock(706172646)"))
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            # What was to be written stands in the text of the error itself, and not in its cause.
            cause = error.orig if isinstance(error, StatementError) else error
            if _is_waiting_too_long(cause):
                raise Busy(
                    f"Others have been writing to the store {self.place} for more than "
                    f"{PATIENCE_SECONDS} seconds. Nothing was changed. Try again."
                ) from error
            raise CouldNotTell(
                f"The store {self.place} could not be used: {self._without_secrets(cause)}. "
                "Nothing was changed. See that it is there and that this user may use it, and try "
                "again."
            ) from error

    def _without_secrets(self, cause: BaseException | None) -> str:
        told = str(cause).strip()
        for secret in _secrets_of(self._url):
            told = told.replace(secret, "***")
        return told


def _read_url(text_of_url: str) -> URL:
    try:
        url = make_url(text_of_url)
    except (ArgumentError, ValueError):
        # Neither the text nor what is said of it is repeated: it may hold a password.
        raise _no_address() from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        if "@" in f"{url.host}{url.database}":
            # What stands before it is the rest of a password, and would be shown.
            raise _no_address()
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url
    raise BadInput(
        f"The store cannot be kept in {backend}: it needs a SQLite file "
        "(sqlite:////absolute/path) or PostgreSQL (postgresql://user@host/database)."
    )


def _secrets_of(url: URL) -> Iterator[str]:
    if url.password:
        yield str(url.password)
    for name, value in url.query.items():
        if "pass" in name.lower():
            yield from (value,) if isinstance(value, str) else value


def _no_address() -> BadInput:
    return BadInput(
        "The store's address is not a database address. Write sqlite:////absolute/path or "
        "postgresql://user:password@host/database, with the signs @ : / ? # % of a password "
        "percent-encoded: %40 %3A %2F %3F %23 %25."
    )


def _make_engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            return _make_sqlite_engine(url)
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"},
        )
    except (ImportError, NoSuchModuleError) as error:
        raise CouldNotTell(
            "The library that talks to PostgreSQL is not installed. "
            "Install launchplane-lane-authority[driver]."
        ) from error


def _make_sqlite_engine(url: URL) -> Engine:
    file = Path(url.database or "")
    try:
        # It holds permits, so others must not read it; SQLite gives its side files the same mode.
        # Never open one that is there: closing it again would take away the locks of every other
        # connection of this process to it, and two writers would then ruin the file.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise CouldNotTell(
            f"The store {file} cannot be opened: {error.strerror}. Make its folder, and let this "
            "user write there."
        ) from error
    engine = create_engine(url, connect_args={"timeout": PATIENCE_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Python's module would begin transactions by itself, and too late.
    connection.isolation_level = None
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _use_write_ahead_log(connection: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except Exception as error:
            # SQLite does not wait by itself when two connections change the mode at once.
            if not _is_waiting_too_long(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_waiting_too_long(cause: BaseException | None) -> bool:
    if getattr(cause, "sqlstate", None) == "55P03":
        return True
    return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
