"""Whether a connection is a session of its own, or one that a connection pooler shares out.

A pooler in transaction mode gives each statement whatever session is free. What the guard does (it
closes a database, ends the sessions in it, looks who is left) then means nothing. Asked before
anything is changed, and told by what happens, not by a product's name.
"""

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .database import MAINTENANCE_DATABASE, connected, query_through
from .settings import GuardSettings

STATEMENTS_COMPARED = 4


def require_own_session(settings: GuardSettings) -> None:
    """Raise Refused when a pooler in transaction mode stands before the server.

    Raises psycopg2.Error when the server does not answer.
    """
    with connected(settings, MAINTENANCE_DATABASE) as first:
        # PostgreSQL itself tells at login which process serves the session; whatever stands in
        # between can only make a number up.
        if _process(first) == first.info.backend_pid:
            return
        with connected(settings, MAINTENANCE_DATABASE) as second:
            # By turns, so that each may get the session that the other has just given back; then
            # the second holds one in a transaction, so that the first cannot get that.
            turns = [(_process(first), _process(second)) for _ in range(STATEMENTS_COMPARED)]
            second.autocommit = False
            held = _process(second)
            turns += [(_process(first), held) for _ in range(STATEMENTS_COMPARED)]
            second.rollback()
        # Two sessions of their own: one process each, all the time.
        shared = len(set(turns)) != 1 or turns[0][0] == turns[0][1]
        ((path,),) = query_through(first)("SHOW search_path", ())
    if shared:
        raise Refused.because(_pooled("it gives one connection's statements to several sessions"))
    if path != "pg_catalog":
        raise Refused.because(_pooled("it does not pass on what the guard sets for its session"))


def _process(connection: Connection) -> int:
    ((process,),) = query_through(connection)("SELECT pg_catalog.pg_backend_pid()", ())
    return int(process)


def _pooled(detail: str) -> Reason:
    return reason(
        ReasonCode.CONNECTION_POOLED,
        f"A connection pooler stands between the guard and PostgreSQL: {detail}. Nothing was "
        "changed.",
        "Let ODOO_DB_HOST and ODOO_DB_PORT name PostgreSQL itself for the guard, then run the same "
        "command again.",
        detail=detail,
    )
