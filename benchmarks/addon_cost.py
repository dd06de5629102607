"""What the addon costs an Odoo: loading a registry with it and without, and queries of requests.

`python -m benchmarks.addon_cost [--loads 30]` makes two databases that differ in the addon alone,
loads the registry of each in turn in one process, then asks one Odoo that loads the addon
server-wide and one that does not for the same pages, and counts the queries.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from launchplane_lane_contracts.lane import Lane
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import ADDON, OdooLane, identity_json, make_lane
from tests.addon.stamping import policy, stamp
from tests.real import PrivateCluster
from tests.real.template import copy_database

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
ALLOWED_SECONDS = 0.05
LOAD = """
import json, sys, time
from odoo.modules.registry import Registry
from odoo.tools import config
config.parse_config(json.loads(sys.argv[1]))
names, loads = json.loads(sys.argv[2]), int(sys.argv[3])
spent = {name: [] for name in names}
for name in names:
    assert ("launchplane.lane.marker" in Registry.new(name)) == (name == "with_it")
for turn in range(loads):
    for name in (names if turn % 2 else names[::-1]):
        Registry.delete(name)
        began = time.perf_counter(), time.process_time()
        Registry.new(name)
        spent[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
print("SPENT", json.dumps(spent))
"""
ASK = """
import json, sys
from odoo.service.server import load_server_wide_modules
from odoo.tools import config
config.parse_config(json.loads(sys.argv[1]))
load_server_wide_modules()
import odoo.http
from odoo import sql_db
from werkzeug.test import Client
client = Client(odoo.http.root)
HERE = {"REMOTE_ADDR": "127.0.0.1"}
counted = {}
login = {"params": {"db": sys.argv[2], "login": "admin", "password": "admin"}}
call = {"params": {"model": "res.partner", "method": "search_read", "args": [],
                   "kwargs": {"limit": 5}}}
for turn in range(3):
    for name, ask in (
        ("/web/login", lambda: client.get("/web/login", environ_base=HERE)),
        ("/web/session/authenticate", lambda: client.post(
            "/web/session/authenticate", json=login, environ_base=HERE)),
        ("/odoo", lambda: client.get("/odoo", environ_base=HERE)),
        ("res.partner search_read", lambda: client.post(
            "/web/dataset/call_kw/res.partner/search_read", json=call, environ_base=HERE)),
    ):
        before = sql_db.sql_counter
        answer = ask()
        assert answer.status_code == 200, (name, answer.status)
        assert '"error"' not in answer.text, (name, answer.text[-1000:])
        counted[name] = sql_db.sql_counter - before
print("COUNTED", json.dumps(counted))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=30, help="of each registry")
    loads = parser.parse_args().loads
    with tempfile.TemporaryDirectory(prefix="addon-cost-") as scratch, PrivateCluster() as cluster:
        without = make_lane(cluster, Path(scratch), "without")
        copy_database(cluster, without.database, "with_it")
        with_it = OdooLane(cluster, without.odoo, without.folder, "with_it")
        with_it.run("--init", ADDON, "--stop-after-init", "--no-http")
        stamp(with_it, ControlPlane(without.folder / "keys.json"), policy(CM))
        spent = in_odoo(without, LOAD, "SPENT", json.dumps(["without", "with_it"]), str(loads))
        print(f"{loads} loads of a registry, in turn, median seconds:")
        for kind, place in (("by the clock", 0), ("of the processor", 1)):
            bare, more = (
                statistics.median(times[place] for times in spent[name])
                for name in ("without", "with_it")
            )
            print(
                f"    {kind:18} without {bare:.4f}, with it {more:.4f}, extra {more - bare:.4f} "
                f"(allowed: {ALLOWED_SECONDS})"
            )
        print("queries of a request, the third time:")
        plain = in_odoo(without, ASK, "COUNTED", "without")
        wide = in_odoo(without, ASK, "COUNTED", "without", server_wide=True)
        installed = in_odoo(with_it, ASK, "COUNTED", "with_it", server_wide=True)
        print(f"    {'':28} {'without':>8} {'loaded':>8} {'installed':>10}")
        for name, queries in plain.items():
            print(f"    {name:28} {queries:8} {wide[name]:8} {installed[name]:10}")


def in_odoo(
    lane: OdooLane, script: str, word: str, *arguments: str, server_wide: bool = False
) -> dict[str, Any]:
    """Run a script with Odoo's modules, and read what it says after the word."""
    options = [*lane.options(), "--log-level", "critical"]
    if server_wide:
        options += ["--load", f"base,rpc,web,{ADDON}"]
    identity = identity_json(CM.product, CM.context, CM.instance)
    run = lane.child(
        [
            *("env", f"LAUNCHPLANE_RUNTIME_IDENTITY_JSON={identity}"),
            f"LANE_AUTHORITY_PUBLIC_KEYS={lane.folder / 'keys.json'}",
            *(str(lane.odoo.python), "-P", "-c", script, json.dumps(options), *arguments),
        ]
    )
    found = [line for line in run.stdout.splitlines() if line.startswith(word)]
    if not found:
        raise RuntimeError(run.stdout[-2000:])
    answer: dict[str, Any] = json.loads(found[0].removeprefix(word))
    return answer


if __name__ == "__main__":
    main()
