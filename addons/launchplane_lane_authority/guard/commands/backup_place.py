"""`--backups`: where the lane's backups lie, for the commands that look into one."""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

from ..settings import BACKUPS_VARIABLE, GuardSettings
from .command import Call


def add_place(parser: ArgumentParser) -> None:
    """The option."""
    parser.add_argument(
        "--backups",
        type=Path,
        metavar="FOLDER",
        help=f"where backups lie (else {BACKUPS_VARIABLE})",
    )


def settings_with_place(call: Call) -> GuardSettings:
    """The lane's environment, with the place for backups that was named, if one was."""
    named = call.arguments.backups
    return call.settings if named is None else replace(call.settings, backups=named)
