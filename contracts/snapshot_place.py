"""Where a server stood at one moment, as it counts itself; and how far it has come since."""

from typing import Annotated

from pydantic import Field, StringConstraints

from .contract import Contract

Count = Annotated[int, Field(ge=0)]


class SnapshotPlace(Contract):
    """The moment that is seen, as the server counts."""

    wal_position: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$")]
    """Where the write-ahead log stood."""
    transactions: Annotated[str, StringConstraints(pattern=r"^[0-9]+:[0-9]+:[0-9,]*$")]
    """The transactions that are seen (`pg_current_snapshot()`)."""

    def wal_bytes(self) -> int:
        """The position as a number of bytes since the cluster was made."""
        high, low = self.wal_position.split("/")
        return (int(high, 16) << 32) + int(low, 16)

    def next_transaction(self) -> int:
        """The first transaction that had not begun yet."""
        return int(self.transactions.split(":")[1])


class NewSince(Contract):
    """What a server has written since a moment: all of its databases together."""

    wal_bytes: Count
    """Bytes of write-ahead log. A little is written even where nobody works."""
    transactions: Count
    """Transactions that were given a number, which is those that write."""


def new_since(then: SnapshotPlace, now: SnapshotPlace) -> NewSince | None:
    """What came between two moments of one server; None where it stands before the first one."""
    written = now.wal_bytes() - then.wal_bytes()
    transactions = now.next_transaction() - then.next_transaction()
    if written < 0 or transactions < 0:
        return None
    return NewSince(wal_bytes=written, transactions=transactions)
