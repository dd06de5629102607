"""`tenant check` alone, as a tenant's own CI runs it; and the pre-commit hook of the same."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_driver.command_line import main
from tests.declarations import declaration_text
from tests.driver.sample import CM
from tests.typed_pages import fenced

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
SOURCE = UpstreamSource(
    name="the old server",
    host="old.example",
    database=DatabaseName("production"),
    filestore_path=FilestorePath("/srv/odoo/filestore"),
)
Said = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good declaration, and no host anywhere."""
    monkeypatch.delenv("LANE_AUTHORITY_HOST_DIRECTORY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    found = tmp_path / "lane-declaration.toml"
    found.write_text(declaration_text(CM, SOURCE))
    return found


def test_a_good_one(file: Path, capsys: Said) -> None:
    assert main(["tenant", "check", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"lane {CM} declares the old server: production on old.example" in said
    assert "compared with no record" in said
    assert main(["tenant", "check", str(file), "--json"]) == 0
    answered = json.loads(capsys.readouterr().out)
    assert answered["compared_with_the_record"] is False
    assert answered["files"][0]["declarations"][0]["upstream_source"]["host"] == "old.example"


def test_a_broken_one_is_told_with_lines_and_ways_on(file: Path, capsys: Said) -> None:
    file.write_text(file.read_text().replace("host =", "hots =").replace(str(CM), "cm"))
    assert main(["tenant", "check", str(file)]) == 2
    said = capsys.readouterr().out
    assert "line 2: lane: it is no lane" in said
    assert "line 6: upstream_source.hots: there is no such field (is host meant?)" in said
    assert main(["tenant", "check", str(file), str(file.parent / "missing.toml"), "--json"]) == 2
    broken, missing = json.loads(capsys.readouterr().out)["files"]
    assert {each["line"] for each in broken["mistakes"]} >= {2, 6}
    assert "could not be read" in missing["mistakes"][0]["problem"]
    assert main(["tenant", "record", str(file)]) == 2
    assert main(["tenant", "record", str(file.parent / "missing.toml")]) == 2


def test_the_hook_runs_what_is_there(file: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS)], check=True
    )
    (example,) = fenced("product-repo-contract.md", "yaml")
    configured = file.with_name(".pre-commit-config.yaml")
    configured.write_text(example)
    subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(configured)], check=True
    )
    text = HOOKS.read_text()
    ids = re.compile(r"- id: (\S+)")
    assert ids.findall(example) == ids.findall(text)
    entry = re.search(r"^  entry: lane-authority (.*)$", text, re.MULTILINE)
    files = re.search(r"^  files: (.*)$", text, re.MULTILINE)
    assert entry
    assert files
    assert re.search(files[1], f"a/{file.name}")
    assert main([*entry[1].split(), str(file)]) == 0
    file.write_text("lane = 3\n")
    assert main([*entry[1].split(), str(file)]) == 2
