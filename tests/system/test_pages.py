"""The documents as a whole: pages are led to, names are explained, diagrams are diagrams."""

import configparser
import re
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import ExitCode
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import RolloutState
from tests import pages

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
EVERYTHING = "\n".join(TEXTS.values())
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ARROW = re.compile(r"^(\[\*\]|\w+) --> (\[\*\]|\w+)( : .+)?$")
OTHERS = {"LANE_AUTHORITY_COMPLETE", "LANE_AUTHORITY_DEBIAN_MIRROR", "LANE_AUTHORITY_CACHE"}
"""Variables of the shell's completion and of this checkout's own tools."""


def test_every_page_stands_in_the_navigation_and_no_other() -> None:
    named = re.findall(r": ([\w-]+\.md)$", (CHECKOUT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(TEXTS)


def test_every_page_begins_with_a_title_and_what_to_type() -> None:
    for name in ("operations", "records", "driver-descriptors", "product-repo-contract"):
        lines = [line for line in TEXTS[f"{name}.md"].splitlines() if line]
        assert lines[0].startswith("# ")
        assert lines[1].startswith("    lane-authority"), name


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_its_paragraph(code: ReasonCode) -> None:
    assert f"## `{code.value}`" in TEXTS["reasons.md"]


def test_codes_in_the_tables_are_codes() -> None:
    told = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ", TEXTS["operations.md"], re.MULTILINE)
    codes = {each for row in told for each in re.findall(r"\w+", row)}
    assert codes
    assert codes <= {code.value for code in ReasonCode}


def test_every_exit_code_stands_on_its_page() -> None:
    for code in ExitCode:
        assert f"| {int(code)} | `{code.name}` |" in TEXTS["exit-codes.md"]


def test_every_entry_point_is_told_of() -> None:
    declared = configparser.ConfigParser()
    declared.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    for text in declared["options.entry_points"].values():
        for line in filter(None, text.splitlines()):
            assert line.partition("=")[0].strip() in EVERYTHING


def test_every_variable_of_ours_is_told_of() -> None:
    sources = [
        path
        for folder in ("contracts", "driver", "addons/launchplane_lane_authority")
        for path in (CHECKOUT / folder).rglob("*.py")
    ]
    pattern = re.compile(r'"((?:LANE_AUTHORITY|LAUNCHPLANE)_[A-Z_]+[A-Z])"')
    named = {name for path in sources for name in pattern.findall(path.read_text())}
    assert len(named) > 5
    assert sorted(name for name in named - OTHERS if name not in EVERYTHING) == []


def diagrams() -> list[tuple[str, str]]:
    return [
        (name, body)
        for name, text in TEXTS.items()
        for language, body in FENCED.findall(text)
        if language == "mermaid"
    ]


@pytest.mark.parametrize(("name", "body"), diagrams())
def test_diagrams_are_state_diagrams(name: str, body: str) -> None:
    first, *lines = (line.strip() for line in body.splitlines())
    assert first == "stateDiagram-v2", name
    for line in lines:
        assert line == "direction LR" or line.startswith("state ") or ARROW.match(line), line


def test_the_diagram_of_states_knows_every_state() -> None:
    ((_name, body),) = [each for each in diagrams() if each[0] == "rollout-states.md"]
    for state in RolloutState:
        assert re.search(rf"\b{state.value}\b", body)


@pytest.mark.full
def test_the_pages_are_built_without_a_warning() -> None:
    assert pages.main() == 0
    assert (CHECKOUT / "site" / "rollout-states" / "index.html").exists()
