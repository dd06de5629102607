"""`policy check` and `policy diff`: on files alone, without a host."""

import json
from pathlib import Path

import pytest

from launchplane_lane_driver.command_line import main

OLD = """\
[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "provisional"
authoritative_data = false
bootstrap_empty_allowed = true
provisional_until = 2026-04-30T00:00:00Z

[[lanes]]
lane = "odoo-tenant-syo/syo/prod"
rollout_state = "production"
"""
NEW = """\
[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "production"

[[lanes]]
lane = "odoo-tenant-syo/syo/prod"
rollout_state = "production"
backup_max_age = "48h"
"""
AT = ("--at", "2026-03-01T00:00:00Z")
Said = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an old and a new file, and no host directory anywhere."""
    monkeypatch.setenv("LANE_AUTHORITY_HOST_DIRECTORY", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.toml").write_text(OLD)
    (tmp_path / "new.toml").write_text(NEW)
    return tmp_path


def test_check_says_what_each_policy_means(files: Path, capsys: Said) -> None:
    assert main(["policy", "check", "old.toml", *AT]) == 0
    said = capsys.readouterr().out
    assert "2 lanes, no mistake. At 2026-03-01 00:00 UTC" in said
    assert "It may be rebuilt from: existing, empty, backup_restore, kept." in said
    assert "In 60 days it becomes treated as production" in said
    assert main(["policy", "check", "old.toml", "--at", "2026-05-01T00:00:00Z"]) == 0
    assert "That has passed" in capsys.readouterr().out


def test_check_answers_in_json(files: Path, capsys: Said) -> None:
    assert main(["policy", "check", "old.toml", *AT, "--json"]) == 0
    answered = json.loads(capsys.readouterr().out)
    assert answered["at"] == "2026-03-01T00:00:00Z"
    ((cm, syo),) = [each["lanes"] for each in answered["files"]]
    assert cm["effective"]["allowed_sources"] == ["existing", "empty", "backup_restore", "kept"]
    assert syo["effective"]["authoritative"] is True
    assert syo["lane"] == "odoo-tenant-syo/syo/prod"


def test_check_tells_every_mistake_of_every_file(files: Path, capsys: Said) -> None:
    (files / "bad.toml").write_text("colour = 1\n" + NEW.replace("[[lanes]]", "[[lane]]"))
    (files / "bad.json").write_text('{"lane": "x"}')
    named = ["bad.toml", "old.toml", "bad.json", "new.toml", "gone.toml"]
    assert main(["policy", "check", *named, *AT]) == 2
    said = capsys.readouterr().out
    assert "line 1: colour: there is no such field" in said
    assert "line 1: lane: it is no lane" in said
    assert "gone.toml could not be read" in said
    assert "lane odoo-tenant-cm/cm/prod stands in old.toml already" in said
    assert main(["policy", "check", *named, *AT, "--json"]) == 2
    answered = json.loads(capsys.readouterr().out)
    found = {
        each["file"]: (len(each["mistakes"]), len(each["lanes"])) for each in answered["files"]
    }
    assert found["old.toml"] == (0, 2)
    assert all(lanes == 0 for file, (_, lanes) in found.items() if file != "old.toml")
    assert all(mistakes for file, (mistakes, _) in found.items() if file != "old.toml")


def test_check_knows_what_could_not_be_recorded(files: Path, capsys: Said) -> None:
    assert main(["policy", "check", "old.toml", "--at", "2026-01-01T00:00:00Z"]) == 2
    assert "more than 90 days after 2026-01-01" in capsys.readouterr().out


@pytest.mark.parametrize("at", ["tomorrow", "2026-03-01", "2026-03-01T00:00:00", "1", ""])
def test_an_instant_has_a_zone(files: Path, capsys: Said, at: str) -> None:
    assert main(["policy", "check", "old.toml", "--at", at]) == 2
    assert "2027-01-31T00:00:00Z" in capsys.readouterr().err


def test_diff_says_what_tightens_what_loosens_and_who_approves(files: Path, capsys: Said) -> None:
    assert main(["policy", "diff", "old.toml", "new.toml"]) == 0
    said = capsys.readouterr().out
    assert "odoo-tenant-cm/cm/prod: tightened; nobody else need sign it" in said
    assert "tightens  bootstrap_empty_allowed: true -> false" in said
    assert "odoo-tenant-syo/syo/prod: loosened; 2 approvers sign it" in said
    assert 'loosens   backup_max_age: "P1D" -> "P2D"' in said
    assert "backups may be older" in said
    assert "Lanes: 1 loosened, 1 tightened" in said


def test_diff_against_nothing_and_against_itself(files: Path, capsys: Said) -> None:
    for old in ([], ["-"]):
        assert main(["policy", "diff", *old, "new.toml"]) == 0
        assert "Lanes: 2 added" in capsys.readouterr().out
    assert main(["policy", "diff", "new.toml", "new.toml"]) == 0
    assert "Lanes: 2 unchanged" in capsys.readouterr().out
    (files / "one.toml").write_text(NEW.split("\n\n", maxsplit=1)[0])
    assert main(["policy", "diff", "new.toml", "one.toml"]) == 0
    assert "syo/prod: removed; nothing would be allowed" in capsys.readouterr().out


def test_diff_answers_in_json(files: Path, capsys: Said) -> None:
    assert main(["policy", "diff", "old.toml", "new.toml", "--json"]) == 0
    cm, syo = json.loads(capsys.readouterr().out)["lanes"]
    assert (cm["lane"], cm["change"], cm["approvers_required"]) == (
        "odoo-tenant-cm/cm/prod",
        "tightened",
        0,
    )
    assert (syo["change"], syo["approvers_required"]) == ("loosened", 2)
    assert syo["differences"][0]["field"] == "backup_max_age"


def test_diff_takes_at_most_two_files_and_only_good_ones(files: Path, capsys: Said) -> None:
    assert main(["policy", "diff", "old.toml", "new.toml", "old.toml"]) == 2
    assert "Name the old file and the new one" in capsys.readouterr().err
    (files / "bad.toml").write_text("lane = 1")
    assert main(["policy", "diff", "old.toml", "bad.toml"]) == 2
    assert "bad.toml has 2 mistakes" in capsys.readouterr().err
    assert main(["policy", "diff", "gone.toml", "new.toml", "--json"]) == 2
    assert "could not be read" in json.loads(capsys.readouterr().out)["error"]


PROFILE = {
    "product": "odoo-tenant-cm",
    "lanes": [
        {
            "instance": "prod",
            "context": "cm",
            "odoo_data_policy": {
                "data_authority": "resettable",
                "allowed_rebuild_sources": ["empty"],
            },
        }
    ],
}
MAPPING = """\
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "provisional"
provisional_until = 2026-04-30T00:00:00Z
"""


def test_what_is_translated_is_a_policy_file(files: Path, capsys: Said) -> None:
    (files / "profile.json").write_text(json.dumps(PROFILE))
    (files / "mapping.toml").write_text(MAPPING)
    assert main(["policy", "translate", "profile.json", "mapping.toml"]) == 0
    (files / "policies.json").write_text(capsys.readouterr().out)
    assert main(["policy", "diff", "policies.json", "old.toml"]) == 0
    assert "odoo-tenant-cm/cm/prod: unchanged" in capsys.readouterr().out
    named = ["--lane", "odoo-tenant-cm/cm/prod", "--original"]
    assert main(["policy", "translate", "profile.json", "mapping.toml", *named]) == 0
    assert "data_authority" in json.loads(capsys.readouterr().out)["originals"][0]


def test_what_cannot_be_translated_gives_nothing(files: Path, capsys: Said) -> None:
    (files / "profile.json").write_text(json.dumps(PROFILE))
    (files / "mapping.toml").write_text(MAPPING.replace("provisional_until", "# "))
    assert main(["policy", "translate", "profile.json", "mapping.toml"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "mapping.provisional_until" in said.err
    assert main(["policy", "translate", "gone.json", "mapping.toml"]) == 2
