"""What the keep remembers of the release of one kept database, so that a crash is carried on from.

It lies in the keep's folder `released`, in a folder named after the kept database.
"""

import secrets
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.contract import (
    DatabaseName,
    DatabaseNameField,
    SystemIdentifier,
    SystemIdentifierField,
    UtcInstant,
    VersionedContract,
)
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.orders import KeptReference, ReleaseOrder

from . import durable

RELEASED = "released"
DROPPING = "dropping"
"""All that had to be seen was seen; from here on the database may be gone."""
DONE = "done"
"""Database and files are gone."""
PARTING = "__parting_"


class ReleaseIntent(VersionedContract):
    """Written before the first change."""

    kept: KeptReference
    """What is dropped."""
    parting_name: DatabaseNameField
    """The name that it has for the moment of the drop, which nobody else can guess."""
    order: ReleaseOrder
    """The order."""
    noted_at: UtcInstant
    """When (UTC)."""
    system_identifier: SystemIdentifierField | None = None
    """The cluster that it is kept on; None in a note of an earlier version."""


class ReleaseNotes:
    """The notes of one release."""

    def __init__(self, keep: Path, kept: KeptReference) -> None:
        self.folder = keep / RELEASED / kept.name
        self.kept = kept

    @property
    def files(self) -> Path:
        """Where the kept folder goes to be removed: no half of one is taken for kept files."""
        return self.folder / "filestore"

    def intent(self) -> ReleaseIntent | None:
        """What was noted of a release of this very data.

        Raises CouldNotTell when it cannot be understood, or is of other data.
        """
        path = self._intent_file()
        try:
            found = ReleaseIntent.from_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise CouldNotTell(f"{path} cannot be understood; it was changed by hand.") from None
        if found.kept != self.kept:
            raise CouldNotTell(f"{path} is about other data: {found.kept.canonical().decode()}.")
        return found

    def note_intent(
        self, order: ReleaseOrder, cluster: SystemIdentifier, now: UtcInstant
    ) -> ReleaseIntent:
        """Remember what is about to be done; a later order takes the place of an earlier one.

        Raises OSError.
        """
        before = self.intent()
        if before is not None and before.system_identifier not in (None, cluster):
            # What an earlier run had come to was on another server.
            self.forget(DROPPING)
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        durable.sync_folder(self.folder.parent.parent)
        durable.sync_folder(self.folder.parent)
        intent = ReleaseIntent(
            kept=order.kept,
            parting_name=before.parting_name if before else _parting_name(order.kept.name),
            order=order,
            noted_at=now,
            system_identifier=cluster,
        )
        durable.replace(self._intent_file(), intent.canonical())
        return intent

    def note(self, step: str) -> None:
        """Remember that a step is done; noting it twice does no harm. Raises OSError."""
        with suppress(FileExistsError):
            durable.write_new(self.folder / step, b"")

    def forget(self, step: str) -> None:
        """Remember that a step is not done after all. Raises OSError."""
        with suppress(FileNotFoundError):
            (self.folder / step).unlink()
            durable.sync_folder(self.folder)

    def has(self, step: str) -> bool:
        """Whether a step is done."""
        return (self.folder / step).exists()

    def _intent_file(self) -> Path:
        return self.folder / "release.json"


def _parting_name(kept_name: str) -> DatabaseName:
    tail = PARTING + secrets.token_hex(8)
    head = kept_name.encode()[: 63 - len(tail)].decode(errors="ignore")
    return DatabaseName(head + tail)
