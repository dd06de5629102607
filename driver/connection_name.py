"""How a lane's `connection` is written: a libpq service name, or a URL; never with a secret."""

import re
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SERVICE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,63}")
SECRETS = ("password", "sslpassword")
"""What libpq would take from a URL and nobody should read in a configuration."""


def connection_fault(connection: str, database: str) -> str:
    """What is wrong with it, or nothing. What was written is not said again: it may be a secret."""
    if "://" not in connection:
        if SERVICE_NAME.fullmatch(connection):
            return ""
        return (
            "it is neither the name of a libpq service nor a URL such as "
            "postgresql://reader@db.example/cm"
        )
    try:
        found = conninfo_to_dict(connection)
        written = urlsplit(connection).netloc
    except (psycopg.Error, ValueError):
        return "it is no URL that libpq understands; write postgresql://reader@db.example/cm"
    if any(found.get(name) for name in SECRETS) or ":" in written.rpartition("@")[0]:
        return (
            "there is a password in it; leave it out, and give it in a pgpass file, in the "
            "variable that `password_variable` names, or by `password_command`"
        )
    named = found.get("dbname")
    if named not in (None, database):
        return f"it names another database than `database`, which is {database}"
    return ""


def libpq_text(connection: str, **more: str | int) -> str:
    """The same as libpq reads it, with `more` of its parameters. Raises psycopg.Error."""
    if "://" in connection:
        return make_conninfo(connection, **more)
    return make_conninfo("", service=connection, **more)
