"""Where a store under test is kept, and ways to it that go past the program."""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, make_url

from launchplane_lane_driver.store import Store
from tests.real.postgres import PrivateCluster


def new_database_for_a_store(cluster: PrivateCluster) -> str:
    """The address of an empty database on this server, as `LANE_AUTHORITY_DATABASE_URL` has it."""
    name = f"store_{secrets.token_hex(6)}"
    cluster.execute(f"CREATE DATABASE {name} OWNER {cluster.odoo.name}")
    url = URL.create(
        "postgresql",
        username=cluster.odoo.name,
        password=cluster.odoo.password,
        host=cluster.host,
        port=cluster.port,
        database=name,
    )
    return url.render_as_string(hide_password=False)


TABLES_OF_MORE = ("proposals", "operations", "kept_data", "lanes")
"""Tables of which some columns are written once, and others again."""


@dataclass(frozen=True)
class Place:
    """One empty database, and the head file that goes with it."""

    url: str
    head_file: Path

    def open(self) -> Store:
        """The store, opened as the program does."""
        return Store.open(self.url, self.head_file)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.startswith("sqlite")

    @contextmanager
    def raw(self) -> Iterator[Connection]:
        """A plain connection in a transaction of its own, without any of our safeguards."""
        url = make_url(self.url)
        if not self.is_sqlite:
            url = url.set(drivername="postgresql+psycopg")
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def execute(self, statement: str) -> Sequence[Any]:
        """Run one statement past the program."""
        with self.raw() as connection:
            result = connection.exec_driver_sql(statement)
            return result.all() if result.returns_rows else ()

    def without_triggers(self, *statements: str) -> None:
        """What somebody does who owns the database: switch the triggers off, and edit."""
        with self.triggers_off() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    @contextmanager
    def triggers_off(self) -> Iterator[Connection]:
        """The same for as long as the block runs."""
        tables = ("ledger", "policy_revisions", "approvals", *TABLES_OF_MORE)
        with self.raw() as connection:
            if self.is_sqlite:
                triggers = connection.exec_driver_sql(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                ).all()
                for name, _sql in triggers:
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            else:
                for table in tables:
                    connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield connection
            if self.is_sqlite:
                for _name, sql in triggers:
                    connection.exec_driver_sql(sql)
            else:
                for table in tables:
                    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    def save(self, copy: Path) -> None:
        """Copy a SQLite store as a backup does."""
        file = make_url(self.url).database
        assert file is not None
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    def put_back(self, copy: Path) -> None:
        """Put a saved SQLite store back in the place of the present one."""
        file = Path(make_url(self.url).database or "")
        for side in ("-wal", "-shm"):
            file.with_name(file.name + side).unlink(missing_ok=True)
        file.write_bytes(copy.read_bytes())
