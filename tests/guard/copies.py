"""A lane's database, copied once and made again from that copy for each test that starts from it.

The marker binds to the oid of the database and of its own table. A copy by TEMPLATE has the same
tables under the same oids, and a superuser may choose the database's: so it is the recorded one.
"""

from tests.guard.fingerprint import SNAPSHOT_OF, DatabaseRow, databases
from tests.real.postgres import QUICKLY, PrivateCluster


def save(cluster: PrivateCluster, database: str, name: str) -> DatabaseRow:
    """Copy it under this name. Nobody may be connected to it."""
    cluster.execute(f'CREATE DATABASE "{SNAPSHOT_OF}{name}" TEMPLATE "{database}" {QUICKLY}')
    return databases(cluster)[database]


def make_again(cluster: PrivateCluster, database: str, name: str, row: DatabaseRow) -> None:
    """Make the database as it was when it was saved, its oid, its tag and its lock included."""
    cluster.execute(
        f'CREATE DATABASE "{database}" TEMPLATE "{SNAPSHOT_OF}{name}" OID {row.oid} '
        f"IS_TEMPLATE {row.locked} OWNER {cluster.odoo.name} {QUICKLY}"
    )
    cluster.execute(f"COMMENT ON DATABASE \"{database}\" IS '{row.comment}'")
    # Somebody has to connect, or PostgreSQL 15 breaks down where it is dropped next: it still has
    # the statistics of the database that had this oid before.
    cluster.execute("SELECT", database)
