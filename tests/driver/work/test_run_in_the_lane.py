"""A permit is handed out, and the guard's `run` in the lane does the whole rebuild with it."""

import subprocess
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_office import utc_now
from tests.driver.small_host import SmallHost, SmallLane, lane_begin, untouched
from tests.driver.typed import Typed
from tests.typed_pages import commands_of

SCRIPT = """\
# Stands in for the devkit's script: an empty lane, or an early failure.
import os, pathlib, sys
import psycopg2
if os.environ.get("FAILS"):
    sys.exit(20)
place = {"host": os.environ["ODOO_DB_HOST"], "port": os.environ["ODOO_DB_PORT"]}
who = {"user": os.environ["ODOO_DB_USER"], "password": os.environ["ODOO_DB_PASSWORD"]}
server = psycopg2.connect(dbname="postgres", **place, **who)
server.autocommit = True
server.cursor().execute(f'CREATE DATABASE "{os.environ["ODOO_DB_NAME"]}"')
made = psycopg2.connect(dbname=os.environ["ODOO_DB_NAME"], **place, **who)
made.autocommit = True
made.cursor().execute("CREATE TABLE res_partner AS SELECT 'new'::text AS name")
if os.environ.get("FAILS_LATE"):
    sys.exit(20)
"""


def run_in_the_lane(lane: SmallLane, permit: Path, **changed: str) -> int:
    """`lane-authority-guard run` in the lane's own environment."""
    script = permit.with_name("script.py")
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "launchplane_lane_guard", "run", "--permit", str(permit)]
    return subprocess.run(
        [*command, "--", sys.executable, str(script), "--bootstrap"],
        env={**lane.environment(), **changed},
        capture_output=True,
        check=False,
    ).returncode


def _the_guards_page(host: SmallHost, permit: Path, folder: Path) -> Typed:
    """docs/guard.md, with the script of this test where the page says that the devkit's lies."""
    script = folder / "run_odoo_data_workflows.py"
    script.write_text(SCRIPT)
    page = Typed(host, commands_of("guard.md"), FILE=str(permit), python3=sys.executable)
    page.known["/volumes/scripts/run_odoo_data_workflows.py"] = str(script)
    return page


def test_a_handed_out_permit_is_run_and_settled(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    before, permit = lane.data(), tmp_path / "permit"
    operation = host.authorize(lane)
    with untouched(lane):
        nowhere = str(tmp_path / "nowhere" / "permit")
        done = host.operate("start", operation.operation_id, "--permit", nowhere)
        assert (done.code, "Nothing was signed" in done.stderr) == (2, True)
        assert host.phase(operation) == "authorized"
        page = _the_guards_page(host, permit, tmp_path)
        page.known["OPERATION"] = operation.operation_id
        page.type("show")
        assert "permit_not_begun" in page.type("restore-source", 50)
        run_line = page.left.pop(0)
        assert "lane-authority-guard run" in page.type("start OPERATION --permit FILE")
        assert permit.stat().st_mode & 0o777 == 0o600
        # Nothing has begun, so there is nothing to finish.
        with pytest.raises(Refused):
            operations.finish(host.office, operation.operation_id, succeeded=True)
    assert host.phase(operation) == "started"
    page.left.insert(0, run_line)
    with page:
        page.type_all("run --permit FILE", "finish OPERATION")
        # The script of this test makes none of the files.
        page.type("filestore check")
    settled = host.office.store.operation(operation.operation_id)
    assert (settled.phase, settled.generation) == ("settled", 2)
    assert settled.kept_name is not None
    assert lane.kept_data(settled.kept_name) == before
    assert lane.data().oid != before.oid
    (kept,) = host.office.store.host_record(lane.lane).kept
    assert (kept.name, kept.database_oid) == (settled.kept_name, before.oid)
    host.office.store.verify_ledger()


def test_a_run_that_was_taken_back_is_given_up_on_the_host(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    before, permit = lane.data(), tmp_path / "permit"
    operation = host.authorize(lane)
    _started, token = operations.hand_out(host.office, operation.operation_id)
    permit.write_text(token)
    assert run_in_the_lane(lane, permit, FAILS="1") == 20
    assert lane.data() == before
    with pytest.raises(Refused):
        operations.finish(host.office, operation.operation_id, succeeded=True)
    operations.undo(host.office, operation.operation_id)
    assert lane.data() == before
    # The lane is free for the next one.
    assert host.authorize(lane).operation_id != operation.operation_id


def test_a_run_that_failed_late_is_done_once_more(
    host: SmallHost, lane: SmallLane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, permit = lane.data(), tmp_path / "permit"
    operation = host.authorize(lane)
    _started, token = operations.hand_out(host.office, operation.operation_id)
    permit.write_text(token)
    assert run_in_the_lane(lane, permit, FAILS_LATE="1") == 20
    left = lane.data()
    assert left.oid != before.oid
    # However late it is: the begin is seen in the lane.
    retrying = import_module("launchplane_lane_driver.operations.retry")
    monkeypatch.setattr(retrying, "utc_now", lambda: utc_now() + timedelta(minutes=20))
    again = operations.retry(host.office, operation.operation_id)
    assert again.permit_token != token
    lane.materialise("second")
    settled = operations.finish(host.office, operation.operation_id, succeeded=True)
    assert settled.kept_name is not None
    assert lane.kept_data(settled.kept_name) == before
    (remains,) = {each.name for each in host.office.store.host_record(lane.lane).kept} - {
        settled.kept_name
    }
    assert lane.kept_data(remains) == left


def test_a_begin_in_the_lane_that_nothing_followed_is_not_begun_twice(
    host: SmallHost, lane: SmallLane
) -> None:
    before = lane.data()
    operation = host.authorize(lane)
    _started, token = operations.hand_out(host.office, operation.operation_id)
    lane_begin(host, lane, token)
    with untouched(lane):
        again = operations.retry(host.office, operation.operation_id)
    assert (again.phase, again.permit_token) == ("begun", token)
    assert again.kept_name is not None
    assert lane.kept_data(again.kept_name) == before
