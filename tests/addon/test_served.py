"""The route on a running Odoo: database pinned, nobody logged in, no session."""

import configparser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.reading import RuntimeReading
from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane, identity_json
from tests.addon.served_odoo import served
from tests.typed_pages import fenced

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
SYO = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
ROUTE = "/launchplane/lane-authority"

pytestmark = pytest.mark.slow


def ask(address: str, token: str | None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(address + ROUTE, headers=headers, timeout=60, allow_redirects=False)


def lane_environment(keys: Path) -> dict[str, str]:
    return {
        "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": identity_json(CM.product, CM.context, CM.instance),
        "LANE_AUTHORITY_PUBLIC_KEYS": str(keys),
    }


def with_keys_in_its_configuration(lane: OdooLane, keys: Path) -> Path:
    """A configuration file beside the lane's own, which names the control plane's keys."""
    path = lane.configuration.with_name("with-keys.conf")
    path.write_text(f"{lane.configuration.read_text()}launchplane_public_keys = {keys}\n")
    return path


def test_it_answers_the_control_plane_and_nobody_else(
    installation: Installation, tmp_path: Path
) -> None:
    """Its keys stand in the configuration file; the other tests have them in the environment."""
    keys = tmp_path / "keys.json"
    control_plane = ControlPlane(keys)
    lane = installation.lane
    environment = lane_environment(keys)
    del environment["LANE_AUTHORITY_PUBLIC_KEYS"]
    configured = ("--config", str(with_keys_in_its_configuration(lane, keys)))
    with served(lane, environment, *configured) as address:
        for token in (None, "nonsense", control_plane.question(SYO)):
            refused = ask(address, token)
            assert (refused.status_code, refused.content) == (401, b"")
            assert "Set-Cookie" not in refused.headers
        answer = ask(address, control_plane.question(CM))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    reading = RuntimeReading.from_json(answer.content)
    oid = lane.cluster.execute(f"SELECT oid FROM pg_database WHERE datname = '{lane.database}'")
    assert reading.identity is not None
    assert reading.identity.system_identifier == lane.cluster.system_identifier
    assert reading.identity.database_name == lane.database
    assert reading.identity.database_oid == oid[0][0]
    assert reading.identity.marker_table_oid == lane.table_oids()[0]
    assert reading.filestore_path == str(lane.folder / "filestore" / lane.database)
    assert reading.registry_loaded
    assert reading.stays_listed_when_locked
    assert reading.neutralised is False


def test_with_its_database_closed_it_still_says_so(
    installation: Installation, tmp_path: Path
) -> None:
    control_plane = ControlPlane(tmp_path / "keys.json")
    lane = installation.lane
    (example,) = fenced("setting-up.md", "ini")
    configured = configparser.ConfigParser()
    configured.read_string(example)
    server_wide = ("--load", configured["options"]["server_wide_modules"])
    with served(lane, lane_environment(tmp_path / "keys.json"), *server_wide) as address:
        before = RuntimeReading.from_json(ask(address, control_plane.question(CM)).content)
        with closed(lane):
            refused = ask(address, None)
            answer = ask(address, control_plane.question(CM))
        after = RuntimeReading.from_json(ask(address, control_plane.question(CM)).content)
    assert refused.status_code == 401
    assert answer.status_code == 200
    reading = RuntimeReading.from_json(answer.content)
    assert reading.identity is None
    assert not reading.registry_loaded
    assert reading.runtime_identity is not None
    assert reading.runtime_identity.lane == CM
    assert before.registry_loaded
    assert after == before


@contextmanager
def closed(lane: OdooLane) -> Iterator[None]:
    """The database takes no connections, as while it is set aside."""
    lane.cluster.execute(f"ALTER DATABASE {lane.database} ALLOW_CONNECTIONS false")
    lane.cluster.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{lane.database}'"
    )
    try:
        yield
    finally:
        lane.cluster.execute(f"ALTER DATABASE {lane.database} ALLOW_CONNECTIONS true")
