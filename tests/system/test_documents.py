"""What the documents tell people to type exists, and their examples are read as they are meant."""

import configparser
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
from tests.typed_pages import (
    CHECKOUT,
    DOCUMENTS,
    ELSEWHERE,
    FENCED,
    INDENTED,
    SHOWN_ONLY,
    TYPED_IN,
    commands_of,
    indented_lines,
    is_one_of,
)

VARIABLES = {DECLARATION_VARIABLE, KEEP_VARIABLE, PUBLIC_KEYS_VARIABLE}
INLINE = re.compile(r"`(lane-authority(?:-guard)? [^`]+)`")
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
    if "project" in plain:
        return
    lanes = plain.get("lanes", [plain])
    if "database" in lanes[0]:
        assert HostConfiguration.from_json(json.dumps(plain)).lanes
        return
    if "python_packages" in plain:
        assert plain["environment"].keys() <= VARIABLES, document
        configured = configparser.ConfigParser()
        configured.read_string(fenced("ini")[0][1])
        assert (
            ",".join(plain["server_wide_modules"]) == configured["options"]["server_wide_modules"]
        )
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


@pytest.mark.parametrize("page", [each.name for each in DOCUMENTS])
def test_every_line_is_typed_by_a_test_or_is_named_as_one_that_is_not(page: str) -> None:
    """Who types it sees at its end that no line of the page was left out."""
    for line in indented_lines(page):
        typed = line in commands_of(page)
        assert typed or is_one_of(line, ELSEWHERE) or is_one_of(line, SHOWN_ONLY), line
    if not commands_of(page):
        assert page not in TYPED_IN
        return
    test = (CHECKOUT / "tests" / TYPED_IN[page]).read_text()
    assert page in test or "commands_of(PAGE)" in test
    assert "Typed" in test or "InTheLane" in test


def test_no_exception_is_named_that_no_page_needs() -> None:
    lines = [line for each in DOCUMENTS for line in indented_lines(each.name)]
    for known in (ELSEWHERE, SHOWN_ONLY):
        for each in known:
            assert any(is_one_of(line, {each: ""}) for line in lines), each


FENCED_IN = {
    ("driver-descriptors.md", "python"): "driver/work/test_driver_descriptors_page.py",
    ("driver-descriptors.md", "toml"): "driver/work/test_driver_descriptors_page.py",
    ("guard.md", "python"): "guard/test_restore_source.py",
    ("hooks.md", "text"): "driver/work/test_hooks.py",
    ("policies.md", "json"): "driver/pages/test_policy_pages.py",
    ("policies.md", "toml"): "driver/pages/test_policy_pages.py",
    ("product-repo-contract.md", "dockerfile"): "packaging/test_install.py",
    ("product-repo-contract.md", "python"): "guard/test_product_repo_contract.py",
    ("product-repo-contract.md", "toml"): "driver/pages/test_policy_pages.py",
    ("product-repo-contract.md", "yaml"): "driver/test_tenant_check.py",
    ("rollout-states.md", "mermaid"): "system/test_diagrams.py",
    ("serving.md", "python"): "driver/work/test_serve.py",
    ("setting-up.md", "ini"): "addon/test_served.py",
    ("setting-up.md", "python"): "driver/pages/test_setting_up_page.py",
    ("setting-up.md", "toml"): "driver/pages/policy_files.py",
}
"""Which file runs the examples of a page; TOML is read below as well, wherever it stands."""


def test_every_example_has_a_test() -> None:
    found = {
        (page.name, language)
        for page in DOCUMENTS
        for language, _body in FENCED.findall(page.read_text())
    }
    assert found - {("backups.md", "toml")} == set(FENCED_IN)
    for (page, _language), file in FENCED_IN.items():
        test = (CHECKOUT / "tests" / file).read_text()
        assert page in test or "diagrams()" in test, (page, file)


def test_there_is_something_to_check() -> None:
    assert len(commands("lane-authority")) > 8
    assert commands("make")
    assert fenced("toml")
    assert fenced("python")
