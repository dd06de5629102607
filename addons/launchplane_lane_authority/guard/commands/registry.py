"""Every command of the guard, in the order in which help lists them.

A command is one entry in the COMMANDS of its group's file, and its name stands here: only the file
of the command that is run is read, so that a short one starts quickly.
"""

import importlib
from collections.abc import Iterator, Mapping

from .command import Command

GROUPS: dict[str, tuple[str, ...]] = {
    "looking": ("show", "attest"),
    "fingerprinting": ("fingerprint",),
    "backing_up": ("capture", "prove", "import", "backups", "prune"),
    "materialising": ("restore-source", "materialise", "sweep", "run"),
    "rebuilding": ("begin", "finish", "set-aside", "undo", "abort", "demote", "reopen"),
    "keeping": ("open", "release"),
    "marking": ("prepare", "stamp", "claim", "lower"),
    "files": ("filestore",),
}
"""The files, and the names of the commands in each."""

_FILES = {name: file for file, names in GROUPS.items() for name in names}


class _InTheirFiles(Mapping[str, Command]):
    """The commands by name, each imported when somebody asks for it."""

    def __getitem__(self, name: str) -> Command:
        """The command. Raises KeyError for a name that is none, ImportError."""
        group: tuple[Command, ...]
        group = importlib.import_module(f".{_FILES[name]}", __package__).COMMANDS
        return next(each for each in group if each.name == name)

    def __iter__(self) -> Iterator[str]:
        """All names, in their order."""
        return iter(_FILES)

    def __len__(self) -> int:
        """How many there are."""
        return len(_FILES)


COMMANDS: Mapping[str, Command] = _InTheirFiles()
"""The commands by name."""
