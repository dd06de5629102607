"""A host with small lanes whose guards know a place for backups."""

import sys
from pathlib import Path

from tests.driver.small_host import SmallHost, SmallLane, production_policy

LOADS = (
    "import os, psycopg2;"
    "c = psycopg2.connect(dbname=os.environ['PGDATABASE']);"
    "q = c.cursor();"
    "q.execute('SELECT count(*) FROM res_partner')"
)
LOAD_COMMAND = (sys.executable, "-c", LOADS)


def production_lane(host: SmallHost, backups: Path, context: str = "syo") -> SmallLane:
    """An enrolled production lane whose guard may write backups."""
    made = host.add_lane(context)
    made.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
    host.record_policy(production_policy(made.lane))
    host.enrol(made)
    return made
