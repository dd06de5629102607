"""What the guard's `filestore` commands answer: the files that are named, and their shadow."""

from typing import Annotated

from pydantic import Field

from .contract import Contract, Duration, FilestorePathField, VersionedContract
from .reading import ByteCount, ShadowReading

NAMES_LISTED_AT_MOST = 100
"""How many names an answer lists; the counts beside them are always whole."""

Count = Annotated[int, Field(ge=0)]


class FilesCounted(Contract):
    """Some files: how many there are, and the first of them by name."""

    count: Count = 0
    """How many there are."""
    names: tuple[str, ...] = ()
    """The first of them in the order of their names, as `ir_attachment` stores names."""


class FilestoreCheck(VersionedContract):
    """What the database names, compared with what lies in the folder."""

    path: FilestorePathField
    """The folder."""
    named: Count
    """Files that the database names."""
    missing: FilesCounted
    """Named, and not there."""
    damaged: FilesCounted
    """Named and there, but the content is not the one whose SHA-1 is the name, or no plain file."""
    not_verifiable: FilesCounted
    """Named and there, but the name is no SHA-1, so the content could not be compared."""
    extra: FilesCounted
    """There, and not named. Harmless: Odoo's own collection takes them away in time."""
    extra_bytes: ByteCount
    """The size of those."""
    shadow: ShadowReading
    """The shadow of these files."""

    @property
    def complete(self) -> bool:
        """Whether every file that the database names is there and good."""
        return not self.missing.count and not self.damaged.count


class FilestoreRepair(VersionedContract):
    """What was put back."""

    path: FilestorePathField
    """The folder."""
    named: Count
    """Files that the database names."""
    from_shadow: Count
    """Put back from the shadow, as links that take no space."""
    from_kept: Count
    """Put back from folders that are kept, as copies."""
    not_repaired: FilesCounted
    """Named, missing or damaged, and lying nowhere in the keep with the right content."""
    tag_written: bool
    """Whether the folder lacked its tag and has it again."""


class ShadowRefresh(VersionedContract):
    """What a refresh did to the shadow."""

    path: FilestorePathField
    """The folder."""
    protected: bool
    """Whether this lane's data has a shadow at all; data that may be made anew has none."""
    linked: Count = 0
    """Files that were new in the folder, and are in the shadow now."""
    exchanged: Count = 0
    """Files of the shadow that were replaced by the folder's own good file of the same name."""
    damaged: FilesCounted = FilesCounted()
    """Files of the folder whose content is wrong; the shadow kept what it had."""
    gone: Count = 0
    """Files of the shadow that neither the folder has nor the database names, and that wait."""
    left: Count = 0
    """Files that had waited long enough and have left the shadow."""
    kept_for: Duration | None = None
    """How long such files wait; None when the signed marker could not tell: then nothing leaves."""
    shadow: ShadowReading
    """The shadow afterwards."""
