"""A host with small lanes whose guards know a place for backups."""

import sys
from pathlib import Path

from tests.driver.small_host import SmallHost, SmallLane

LOADS = (
    "import os, psycopg2;"
    "c = psycopg2.connect(dbname=os.environ['PGDATABASE']);"
    "q = c.cursor();"
    "q.execute('SELECT count(*) FROM res_partner')"
)
LOAD_COMMAND = (sys.executable, "-c", LOADS)


def production_lane(host: SmallHost, backups: Path, context: str = "syo") -> SmallLane:
    """An enrolled production lane whose guard may write backups."""
    if host.snapshots is not None and context == "syo":
        made = host.snapshots.lane("production", host, SmallHost.add_production)
    else:
        made = host.add_production(context)
    made.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
    return made
