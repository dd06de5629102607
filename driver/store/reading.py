"""From rows to contracts. What cannot be read is a refusal, never a guess."""

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.errors import CouldNotTell

Read = TypeVar("Read", bound=Contract)


def read_plain(kind: type[Read], plain: dict[str, Any], what: str) -> Read:
    """Read a contract from plain values.

    Raises CouldNotTell when the store holds something else; `what` names it for people.
    """
    return read_text(kind, json.dumps(plain), what)


def read_text(kind: type[Read], text: str, what: str) -> Read:
    """Read a contract from JSON text.

    Raises CouldNotTell when the store holds something else; `what` names it for people.
    """
    try:
        return kind.from_json(text)
    except ValidationError as error:
        raise CouldNotTell(
            f"The store's record of {what} cannot be read: it was changed by another program, or "
            "written by a newer one. Compare it with the ledger (`lane-authority audit`)."
        ) from error
