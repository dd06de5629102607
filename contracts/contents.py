"""What an Odoo database holds, in two figures: enough for people to know it again."""

from datetime import UTC, datetime

from .catalogue import Query
from .reading import ContentsReading

_COLUMNS = """
    SELECT c.relname::text FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND NOT a.attisdropped
       AND (c.relname, a.attname) IN (('res_users', 'active'), ('res_users_log', 'create_date'))
"""
_USERS = "SELECT count(*) FROM public.res_users WHERE active"
_LAST_LOGIN = "SELECT max(create_date) FROM public.res_users_log"


def read_contents(query: Query, failure: type[Exception]) -> ContentsReading | None:
    """Users and last login; None where they cannot be read, since nothing is decided on them.

    To be asked last: what fails here may end the transaction. `failure` is what `query` raises.
    """
    try:
        tables = {name for (name,) in query(_COLUMNS, ())}
        if "res_users" not in tables:
            return None
        ((users,),) = query(_USERS, ())
        last = None
        if "res_users_log" in tables:
            ((last,),) = query(_LAST_LOGIN, ())
    except failure:
        return None
    return ContentsReading(
        users=int(users),
        last_activity=last.replace(tzinfo=UTC) if isinstance(last, datetime) else None,
    )
