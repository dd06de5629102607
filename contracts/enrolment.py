"""Enrolling: a lane that has data and no marker gets one. What a signature under it covers."""

from typing import Annotated

from pydantic import Field

from .contract import DatabaseNameField, FilestorePathField, SystemIdentifierField
from .lives import LifeDocument
from .marker import ObjectId
from .vocabulary import Weight


class Enrolment(LifeDocument):
    """One database and one folder that are to be recorded as a lane's data."""

    system_identifier: SystemIdentifierField
    """The cluster."""
    database: DatabaseNameField
    """The database's name."""
    database_oid: ObjectId
    """The database's oid."""
    filestore_path: FilestorePathField
    """The folder of its files."""
    policy_revision: Annotated[int, Field(ge=1)]
    """The policy whose authority the data gets."""
    authoritative: bool
    """Whether it is to count as the only true copy."""

    @property
    def weight(self) -> Weight:
        """How many people must sign it. Protecting needs none."""
        return Weight.ROUTINE if self.authoritative else Weight.CONSEQUENTIAL
