"""What the documents tell people to type exists, and their examples are read as they are meant."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from launchplane_lane_contracts.lane_file import read_lanes
from launchplane_lane_contracts.launchplane_record import LaneMapping
from launchplane_lane_contracts.tenant_declaration import read_declarations
from launchplane_lane_contracts.text_file import TextFormat
from launchplane_lane_driver.commands.policy_review import read_file
from launchplane_lane_driver.commands.root import lane_authority
from launchplane_lane_driver.lane_configuration import HostConfiguration
from launchplane_lane_guard.commands.registry import COMMANDS
from launchplane_lane_guard.settings import (
    DECLARATION_VARIABLE,
    KEEP_VARIABLE,
    PUBLIC_KEYS_VARIABLE,
)

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *CHECKOUT.glob("docs/**/*.md")]
)
VARIABLES = {DECLARATION_VARIABLE, KEEP_VARIABLE, PUBLIC_KEYS_VARIABLE}
INDENTED = re.compile(r"^    (\S.*)$", re.MULTILINE)
INLINE = re.compile(r"`(lane-authority(?:-guard)? [^`]+)`")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)\)")


def commands(program: str) -> list[tuple[str, str]]:
    """Every command line of a program that a document shows."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text()
        shown = [match.split("  #")[0] for match in INDENTED.findall(text)]
        shown += [match.replace("\n", " ") for match in INLINE.findall(text)]
        found += [(document.name, line) for line in shown if line.split()[0] == program]
    return found


def fenced(language: str) -> list[tuple[str, str]]:
    """Every example in a language."""
    return [
        (document.name, body)
        for document in DOCUMENTS
        for found, body in FENCED.findall(document.read_text())
        if found == language
    ]


@pytest.mark.parametrize(("document", "line"), commands("lane-authority"))
def test_commands_of_the_host_exist(document: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = lane_authority
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"{document}: {line}"
        command = command.commands[name]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    used = {word.split("=")[0] for word in words if word.startswith("--")}
    assert used <= known | {"--help"}, f"{document}: {line}"


@pytest.mark.parametrize(("document", "line"), commands("lane-authority-guard"))
def test_commands_of_the_guard_exist(document: str, line: str) -> None:
    assert line.split()[1] in COMMANDS, f"{document}: {line}"


def test_the_guards_page_knows_every_command_and_no_other() -> None:
    page = (CHECKOUT / "docs" / "guard.md").read_text()
    named = re.findall(r"^### `([a-z-]+)`$", page, re.MULTILINE)
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize(("document", "line"), commands("make"))
def test_make_targets_exist(document: str, line: str) -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    target = line.split()[1]
    assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: {line}"


@pytest.mark.parametrize(("document", "body"), fenced("toml"))
def test_toml_examples_are_read(document: str, body: str, tmp_path: Path) -> None:
    plain = tomllib.loads(body)
    lanes = plain.get("lanes", [plain])
    if "database" in lanes[0]:
        assert HostConfiguration.from_json(json.dumps(plain)).lanes
        return
    if "python_packages" in plain:
        assert plain["environment"].keys() <= VARIABLES, document
        return
    if "schema_version" in lanes[0]:
        assert len(read_declarations(body.encode())) == len(lanes), document
        return
    if "target_id" in lanes[0]:
        assert read_lanes(body.encode(), TextFormat.TOML, LaneMapping), document
        return
    file = tmp_path / "policy.toml"
    file.write_text(body)
    assert len(read_file(file)) == len(lanes), document


@pytest.mark.parametrize(("document", "body"), fenced("python"))
def test_python_examples_run(document: str, body: str) -> None:
    exec(compile(body, document, "exec"), {})  # noqa: S102 - our own documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = [each for each in LINK.findall(document.read_text()) if "://" not in each]
    missing = [each for each in targets if not (document.parent / each).exists()]
    assert missing == []


def test_there_is_something_to_check() -> None:
    assert len(commands("lane-authority")) > 8
    assert commands("make")
    assert fenced("toml")
    assert fenced("python")
