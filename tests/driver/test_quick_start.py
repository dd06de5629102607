"""The list of commands is there at once, and says what the commands say of themselves."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click

from launchplane_lane_driver import commands
from launchplane_lane_driver.commands.root import COMMANDS, lane_authority

HEAVY = ("sqlalchemy", "alembic", "psycopg", "requests", "cryptography", "rich")


def test_help_imports_no_command() -> None:
    program = f"""
import sys
from launchplane_lane_driver.command_line import main
code = main(["--help"])
print(code, *(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


def test_each_line_of_the_list_is_the_commands_own_first_sentence() -> None:
    for name, words in COMMANDS.items():
        command = lane_authority.commands[name]
        assert command.get_short_help_str(200) == words, name
    assert list(lane_authority.commands) == list(COMMANDS)
    assert len(lane_authority.commands) == len(COMMANDS)
    assert "no-such-command" not in lane_authority.commands


def test_no_command_is_forgotten() -> None:
    files = (each.stem for each in Path(commands.__file__).parent.glob("*.py"))
    made: set[click.Command] = set()
    for file in files:
        module = import_module(f"{commands.__name__}.{file}" if file != "__init__" else "click")
        for value in vars(module).values():
            made |= {
                each
                for each in (value if isinstance(value, tuple) else (value,))
                if isinstance(each, click.Command) and each is not lane_authority
            }
    below = {
        each for group in made if isinstance(group, click.Group) for each in group.commands.values()
    }
    assert {each.name for each in made - below} == set(COMMANDS)


def test_another_command_may_be_added_and_taken_away() -> None:
    lane_authority.add_command(click.Command("another"))
    assert list(lane_authority.commands)[-1] == "another"
    del lane_authority.commands["another"]
    assert "another" not in lane_authority.commands
