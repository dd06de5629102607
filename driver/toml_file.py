"""A TOML file that somebody wrote by hand, as plain values."""

import tomllib
from pathlib import Path
from typing import Any

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.mistakes import Mistakes
from launchplane_lane_contracts.text_file import TextFormat, read_text


def read_toml(file: Path) -> dict[str, Any]:
    """What it says, dates as they are; nothing where it is empty or not there.

    Raises BadInput with what is wrong in it, CouldNotTell when it is unreadable.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CouldNotTell(
            f"{file} cannot be read: {error.strerror}. Let this user read it."
        ) from error
    if not content.strip():
        return {}
    try:
        read = read_text(content, TextFormat.TOML)
    except Mistakes as problem:
        raise Mistakes(problem.mistakes, where=str(file)) from None
    if read.mistakes:
        raise Mistakes(read.mistakes, where=str(file))
    # Once more, now that it is known to be readable: there a date is a text like any other.
    return tomllib.loads(content.decode("utf-8-sig"))
