"""The demo, run as people run it, and the effects of each of its steps checked from its facts.

The facts are what the demo read from the server and the disk before and after each step.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

NINE = "Order of nine o'clock"
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of the demo, with variables around it that must not steer it."""
    file = tmp_path_factory.mktemp("morning") / "report.json"
    misleading = {
        "PGHOST": "203.0.113.1",
        "PGPORT": "1",
        "PGDATABASE": "somebody_elses",
        "PGSERVICE": "production",
        "LANE_AUTHORITY_HOST_DIRECTORY": "/nonexistent",
        "LANE_AUTHORITY_DATABASE_URL": "postgresql://nobody@203.0.113.1/nothing",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.system.demo", "--headless", "--report", str(file)],
        cwd=CHECKOUT,
        env={**os.environ, **misleading},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert "Traceback" not in done.stdout
    report: dict[str, Any] = json.loads(file.read_text())
    report["output"] = done.stdout + done.stderr
    return report


def test_1_cm_is_rebuilt_and_its_old_data_is_kept(morning: dict[str, Any]) -> None:
    step = morning["rebuild_cm"]
    before, after, kept = step["before"], step["after"], step["kept"]
    assert before["orders"] == [NINE]
    assert after["oid"] != before["oid"]
    assert after["orders"] == []
    assert after["counts"]["ir_model"] > 100, "the new database is an initialised Odoo"
    assert kept["oid"] == before["oid"]
    assert kept["orders"] == [NINE]
    assert kept["counts"]["res_partner"] == before["counts"]["res_partner"]
    assert (kept["files"], kept["files_digest"]) == (before["files"], before["files_digest"])
    assert kept["locked"] and not kept["open"]
    assert step["lane"]["generation"]["value"] == 2
    assert step["lane"]["marker"]["value"] == "bound"
    assert step["lane"]["runtime"]["value"] == "agrees"


def test_2_nine_o_clock_is_back_by_restore_and_by_undo(morning: dict[str, Any]) -> None:
    step, first = morning["change_of_mind"], morning["rebuild_cm"]
    for facts in (step["back"], step["after"]):
        assert facts["oid"] == first["before"]["oid"]
        assert facts["orders"] == [NINE]
        assert facts["counts"]["res_partner"] == first["before"]["counts"]["res_partner"]
        assert facts["files_digest"] == first["before"]["files_digest"]
    assert step["restored_lane"]["generation"]["value"] == 3
    assert step["lane"]["generation"]["value"] == 5, "a generation is never used twice, used or not"
    assert step["lane"]["runtime"]["value"] == "agrees"
    assert len(step["lane"]["kept"]) == 2, "both replaced databases are kept"


def test_3_syo_is_refused_with_all_reasons_and_untouched(morning: dict[str, Any]) -> None:
    step = morning["refuse_syo"]
    assert step["before"] == step["after"]
    assert step["before"]["locked"]
    for code in ("source_not_allowed", "backup_gate_missing", "data_proof_missing"):
        assert code in step["plan"]
    assert step["plan"].count("Way on:") >= 4
    assert "no_operation_authorized" in step["error_message"]


def test_4_a_bare_devkit_cannot_drop_syo(morning: dict[str, Any]) -> None:
    step = morning["stale_job"]
    assert step["code"] == 20
    assert step["before"] == step["after"]
    assert step["after"]["orders"] == ["SYO's invoice 4711"]


def test_5_a_lane_that_nobody_recorded_is_refused(morning: dict[str, Any]) -> None:
    step = morning["refuse_nord"]
    assert "policy_unknown" in step["plan"]
    assert step["before"] == step["after"]
    assert step["after"]["orders"] == ["NORD's delivery note"]


@pytest.mark.parametrize(
    ("misuse", "code"),
    [
        ("twice", "permit_already_begun"),
        ("at_syo_database", "environment_other_database"),
        ("at_syo_files", "environment_other_filestore"),
        ("in_syo_runtime", "environment_other_lane"),
    ],
)
def test_6_a_permit_is_good_once_for_one_place(
    morning: dict[str, Any], misuse: str, code: str
) -> None:
    step = morning["misuse_permits"]
    answer = step["answers"][misuse]
    assert answer["exit_code"] == 50
    assert code in {each["code"] for each in answer["reasons"]}
    assert step["before"] == step["after"]


def test_7_a_copy_of_syo_under_cms_name_is_foreign(morning: dict[str, Any]) -> None:
    step = morning["careless_copy"]
    assert "marker_foreign" in step["plan"]
    assert step["copied"]["orders"] == ["SYO's invoice 4711"]
    assert step["lane"]["marker"]["value"] == "bound"


def test_the_table_tells_the_lanes_apart(morning: dict[str, Any]) -> None:
    lanes = {each["lane"]["context"]: each for each in morning["table"]["lanes"]}
    assert set(lanes) == {"cm", "syo", "nord"}
    assert "empty" in lanes["cm"]["allowed_sources"]["value"]
    assert lanes["syo"]["locked"]["value"]
    assert "empty" not in lanes["syo"]["allowed_sources"]["value"]
    assert lanes["nord"]["allowed_sources"]["trust"] == "missing"
    assert lanes["nord"]["rollout_state"]["trust"] == "missing"


def test_nothing_is_left_running_or_lying_about(morning: dict[str, Any]) -> None:
    folder = morning["processes"]["folder"]
    assert not Path(folder).exists()
    left = [
        process
        for process in Path("/proc").iterdir()
        if process.name.isdecimal() and _mentions(process, folder)
    ]
    assert left == []


def _mentions(process: Path, folder: str) -> bool:
    try:
        return folder.encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_no_secret_is_printed(morning: dict[str, Any]) -> None:
    assert "PRIVATE KEY" not in morning["output"]
    assert "eyJ" not in morning["output"], "no token either"
