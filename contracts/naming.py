"""Names for what is set aside. They fit PostgreSQL's 63 bytes and cannot collide."""

from .contract import DatabaseName
from .vocabulary import Operation

LONGEST_NAME = 63
REMAINS = "remains"


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
