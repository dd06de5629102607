"""Making a restored copy quiet before Odoo is loaded on it: no mail goes out, no job runs."""

from psycopg2.extensions import connection as Connection

from .database import query_through

_THERE = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"
STATEMENTS = (
    ("public.ir_cron", "UPDATE public.ir_cron SET active = false"),
    ("public.ir_mail_server", "UPDATE public.ir_mail_server SET active = false"),
    ("public.fetchmail_server", "UPDATE public.fetchmail_server SET active = false"),
    (
        "public.ir_config_parameter",
        "INSERT INTO public.ir_config_parameter (key, value) "
        "VALUES ('database.is_neutralized', 'true') "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ),
)


def make_quiet(inside: Connection) -> None:
    """Switch off whatever would act by itself. Raises psycopg2.Error."""
    query = query_through(inside)
    for table, statement in STATEMENTS:
        ((there,),) = query(_THERE, (table,))
        if there:
            query(statement, ())
