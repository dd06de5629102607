"""What every order to a lane's guard begins with."""

from datetime import timedelta
from typing import TypedDict

from launchplane_lane_contracts.contract import (
    RULEBOOK_VERSION,
    DatabaseName,
    FilestorePath,
    Nonce,
    UtcInstant,
)
from launchplane_lane_contracts.lane import Lane

from .lane_office import new_nonce, utc_now

ORDER_VALID_FOR = timedelta(minutes=15)
"""How long after it is signed an order may begin to be carried out."""


class OrderHead(TypedDict):
    """The fields that are the same in every kind of order."""

    lane: Lane
    nonce: Nonce
    database: DatabaseName
    filestore_path: FilestorePath
    issued_at: UtcInstant
    begin_before: UtcInstant
    rulebook_version: int


def order_head(lane: Lane, database: DatabaseName, filestore_path: FilestorePath) -> OrderHead:
    """For this place, from now on, with a nonce of its own."""
    now = utc_now()
    return OrderHead(
        lane=lane,
        nonce=new_nonce(),
        database=database,
        filestore_path=filestore_path,
        issued_at=now,
        begin_before=now + ORDER_VALID_FOR,
        rulebook_version=RULEBOOK_VERSION,
    )
