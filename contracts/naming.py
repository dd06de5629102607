"""Names for what is set aside, and for what is made beside it. They fit PostgreSQL's 63 bytes."""

import re

from .contract import DatabaseName
from .vocabulary import Operation

LONGEST_NAME = 63
REMAINS = "remains"
SIDE = re.compile(r".*__side_[0-9a-f]{16}", re.DOTALL)
"""What a side database is called: nothing else may be dropped as one."""


def kept_name(
    database: DatabaseName, generation: int, what: Operation | str, distinguish: str
) -> DatabaseName:
    """The name under which a database is set aside.

    `generation` is the one handed out to the operation that sets it aside; `distinguish` is the
    tail of the permit's id. The database's own name is shortened where that is needed, and the
    permit's tail keeps two shortened names apart.
    """
    tail = f"__kept_g{generation}_{what}_{distinguish[-6:].lower()}"
    room = LONGEST_NAME - len(tail.encode())
    head = database.encode()[:room].decode(errors="ignore")
    return DatabaseName(head + tail)


def side_name(database: DatabaseName, distinguish: str) -> DatabaseName:
    """The name of a database beside the lane's own, into which what comes is restored first.

    `distinguish` is 16 hexadecimal digits that nobody can guess.
    """
    tail = f"__side_{distinguish}"
    head = database.encode()[: LONGEST_NAME - len(tail)].decode(errors="ignore")
    return DatabaseName(head + tail)


def is_side_name(name: str) -> bool:
    """Whether a database of this name is one that was made to be restored into."""
    return SIDE.fullmatch(name) is not None
