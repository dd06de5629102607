"""A database that looks like a small Odoo's, with files, on whatever server."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_guard.fingerprint import read_in
from tests.guard import fingerprint
from tests.real.postgres import PrivateCluster

NEUTRALISE_BASE = """
-- what Odoo's own addon does
UPDATE res_users SET password = '' WHERE login = 'admin';
INSERT INTO ir_config_parameter (key, value) VALUES ('database.is_neutralized', 'true')
    ON CONFLICT (key) DO UPDATE SET value = 'true';
"""
NEUTRALISE_MAIL = "UPDATE ir_mail_server SET smtp_host = 'localhost', active = false;\n"
SCHEMA = """
CREATE TABLE res_partner (id serial PRIMARY KEY, name text, parent_id int REFERENCES res_partner);
CREATE TABLE res_users (id serial PRIMARY KEY, login text UNIQUE, password text);
CREATE TABLE ir_module_module (id serial PRIMARY KEY, name text, state text, latest_version text);
CREATE TABLE ir_config_parameter (id serial PRIMARY KEY, key text UNIQUE, value text);
CREATE TABLE ir_mail_server (id serial PRIMARY KEY, smtp_host text, active bool);
CREATE TABLE ir_attachment (id serial PRIMARY KEY, name text, store_fname text, file_size int);
CREATE INDEX ON ir_attachment (store_fname);
CREATE VIEW partners AS SELECT id, name FROM res_partner;
INSERT INTO ir_module_module (name, state, latest_version) VALUES
    ('base', 'installed', '19.0.1.3'), ('mail', 'installed', '19.0.1.19'), ('x', 'uninstalled', '');
INSERT INTO res_users (login, password) VALUES ('admin', 'a secret');
INSERT INTO ir_mail_server (smtp_host, active) VALUES ('mail.example', true);
SELECT lo_from_bytea(4711, 'a large object');
"""


@dataclass(frozen=True)
class SmallOdoo:
    """One such database and its folder."""

    cluster: PrivateCluster
    database: str
    filestore: Path

    def make(self, whose: str, *, partners: int = 20, files: int = 3) -> "SmallOdoo":
        """Make both."""
        self.execute(
            f"CREATE DATABASE \"{self.database}\" TEMPLATE template0 ENCODING 'UTF8' "
            "LC_COLLATE 'C' LC_CTYPE 'C'",
            "postgres",
        )
        self.execute(SCHEMA)
        self.execute(
            f"INSERT INTO res_partner (name) SELECT '{whose} ' || n "
            f"FROM generate_series(1, {partners}) n"
        )
        self.filestore.mkdir(parents=True, exist_ok=True)
        for number in range(files):
            self.attach(f"{whose} file {number}".encode())
        return self

    def attach(self, content: bytes) -> str:
        """Add an attachment; the name of its file."""
        name = name_of(content)
        path = self.filestore / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.execute(
            f"INSERT INTO ir_attachment (name, store_fname, file_size) "
            f"VALUES ('{name}', '{name}', {len(content)})"
        )
        return name

    def execute(self, statement: str, database: str | None = None) -> None:
        """Run a statement as the role that owns the data."""
        opened = self.cluster.connect(database or self.database, self.cluster.odoo, autocommit=True)
        try:
            with opened.cursor() as cursor:
                cursor.execute(statement)
        finally:
            opened.close()

    def data(self) -> fingerprint.Data:
        """Rows and files."""
        return fingerprint.data_of(self.cluster, self.database, self.filestore)

    def content(self) -> ContentFingerprint:
        """The content fingerprint."""
        return content_of(self.cluster, self.database)


def content_of(cluster: PrivateCluster, database: str) -> ContentFingerprint:
    """The content fingerprint of a database; a closed one is opened for the moment."""
    closed = not fingerprint.databases(cluster)[database].takes_connections
    if closed:
        cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS true')
    opened = cluster.connect(database, cluster.superuser, autocommit=True)
    try:
        return read_in((opened,))
    finally:
        opened.close()
        if closed:
            cluster.execute(f'ALTER DATABASE "{database}" WITH ALLOW_CONNECTIONS false')


def name_of(content: bytes) -> str:
    """The name that Odoo gives to this content."""
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return f"{digest[:2]}/{digest}"


def write_addons(folder: Path) -> Path:
    """An addons folder with what neutralises."""
    for name, script in (("base", NEUTRALISE_BASE), ("mail", NEUTRALISE_MAIL), ("x", "broken;")):
        path = folder / name / "data" / "neutralize.sql"
        path.parent.mkdir(parents=True)
        path.write_text(script)
    return folder
