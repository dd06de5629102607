"""Every command of the guard, in the order in which help lists them.

A command is one entry in the COMMANDS of its group's file; a new group is one line here.
"""

from . import (
    backing_up,
    files,
    fingerprinting,
    keeping,
    looking,
    marking,
    materialising,
    rebuilding,
)
from .command import Command

GROUPS = (
    looking,
    fingerprinting,
    backing_up,
    materialising,
    rebuilding,
    keeping,
    marking,
    files,
)

COMMANDS: dict[str, Command] = {
    command.name: command for group in GROUPS for command in group.COMMANDS
}
"""The commands by name."""
