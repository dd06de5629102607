"""docs/policies.md: its files are run through its commands, and its tables are complete."""

import json
import re
from pathlib import Path

import pytest

from launchplane_lane_contracts.launchplane_record import LaneMapping, LaunchplaneDataPolicy
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_driver.command_line import main

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Said = pytest.CaptureFixture[str]


def test_its_files_and_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    policies, profile, mapping = (body for _, body in FENCED.findall(PAGE))
    Path("policies.toml").write_text(policies, encoding="utf-8")
    Path("profile.json").write_text(profile, encoding="utf-8")
    Path("mapping.toml").write_text(mapping, encoding="utf-8")
    before, after = ("--at", "2027-01-01T00:00:00Z"), ("--at", "2027-02-01T00:00:00Z")
    assert main(["policy", "check", "policies.toml", *before]) == 0
    assert "upstream_restore (opw's old server: odoo.opw.example/opw)" in capsys.readouterr().out
    assert main(["policy", "check", "policies.toml", *after]) == 0
    assert "it is treated as production" in capsys.readouterr().out
    assert main(["policy", "diff", "-", "policies.toml"]) == 0
    assert "2 approvers sign it" in capsys.readouterr().out
    assert main(["policy", "translate", "profile.json", "mapping.toml"]) == 0
    Path("opw.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["policy", "check", "opw.json", *before]) == 0
    capsys.readouterr()
    # What was translated is what the first file says of the same lane.
    assert main(["policy", "diff", "policies.toml", "opw.json", "--json"]) == 0
    compared = {
        each["lane"]: each["change"] for each in json.loads(capsys.readouterr().out)["lanes"]
    }
    assert compared["odoo-tenant-opw/opw/prod"] == "unchanged"


def test_every_field_is_in_its_tables() -> None:
    rows = {
        name for row in re.findall(r"^\| (.*?) \|", PAGE, re.M) for name in row.split("`")[1::2]
    }
    assert rows >= set(Policy.model_fields) - {
        "schema_version",
    }
    told = set(re.findall(r"`(\w+)`", PAGE)) | set(re.findall(r"^(\w+) = ", PAGE, re.M))
    assert told >= set(LaneMapping.model_fields)
    assert told >= {
        name for name in LaunchplaneDataPolicy.model_fields if not name.startswith("requires_")
    }
