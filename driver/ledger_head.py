"""The ledger's head, kept in a file of its own beside the signing key.

Whoever puts an old store back does not put this file back with it, and that shows.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from launchplane_lane_contracts.contract import Contract, Digest, DigestField
from launchplane_lane_contracts.errors import CouldNotTell

from .durable import write_durably

_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class LedgerHead(Contract):
    """The newest entry of a ledger."""

    sequence: Annotated[int, Field(ge=0)]
    """The number of the entry; 0 before there is one."""
    entry_digest: DigestField
    """The digest of the entry."""


GENESIS = LedgerHead(sequence=0, entry_digest=Digest("0" * 64))
"""The head of a ledger without entries."""


class LedgerHeadFile:
    """The file. It only ever moves forward."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> LedgerHead | None:
        """What the file says; None when there is no file.

        Raises CouldNotTell when it cannot be read.
        """
        try:
            return LedgerHead.from_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise CouldNotTell(
                f"The ledger's head in {self.path} cannot be read. Without it nobody can tell "
                "whether the store is the newest one. Put the file back from where it was saved."
            ) from error

    def move_forward(self, head: LedgerHead) -> None:
        """Write `head` unless the file is at least that far; returns when it is on disk.

        The caller has seen that `head` follows on what the file says.
        """
        with self.lock():
            present = self.read()
            if present is not None and present.sequence >= head.sequence:
                return
            try:
                write_durably(self.path, head.canonical() + b"\n")
            except OSError as error:
                raise CouldNotTell(
                    f"The store was written, but the ledger's head in {self.path} was not: "
                    f"{error.strerror}. Nothing was done to the lane. Make room or give the right "
                    "to write there, and ask again."
                ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the file against other processes of this host."""
        try:
            opened = os.open(self.path.with_name(f"{self.path.name}.lock"), _LOCK_FLAGS, 0o600)
        except OSError as error:
            raise CouldNotTell(
                f"The folder {self.path.parent} cannot be written: {error.strerror}. Give this "
                "user the right to write there."
            ) from error
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            yield
        finally:
            os.close(opened)
