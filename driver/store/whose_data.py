"""Whose data a database is on record as, whatever it says of itself: asked for every other lane."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.contract import SystemIdentifier
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .reading import read_text
from .schema import KeptRow, LaneRow


@dataclass(frozen=True)
class AnothersData:
    """What another lane has on record."""

    lane: Lane
    kept_as: str | None
    """The name under which it was set aside; None where it is that lane's live data."""

    @property
    def words(self) -> str:
        """Whose it is, in a few words."""
        whose = f"the data of lane {self.lane}"
        return f"{whose}, kept as {self.kept_as}" if self.kept_as is not None else whose


def anothers_data(
    session: Session, lane: Lane, *, system_identifier: str, database_oid: int, name: str
) -> AnothersData | None:
    """What lane has this very database on record, where it is not `lane`; None where none has.

    Where nobody knows on which cluster kept data is, only its name tells it from another database
    with that oid.
    """
    live = select(LaneRow).where(
        LaneRow.lane != str(lane),
        # The canonical text has no spaces and sorted keys. It is read below all the same.
        LaneRow.identity.contains(f'"database_oid":{database_oid},', autoescape=True),
        LaneRow.identity.contains(f'"{system_identifier}"', autoescape=True),
        LaneRow.declared_lost.is_(False),
    )
    for row in session.scalars(live):
        stood = _stood(row)
        if stood is not None and (
            (stood.system_identifier, stood.database_oid) == (system_identifier, database_oid)
        ):
            return AnothersData(Lane.parse(row.lane), None)
    kept = select(KeptRow).where(
        KeptRow.lane != str(lane),
        KeptRow.database_oid == database_oid,
        KeptRow.released_at.is_(None),
        KeptRow.gone_back_at.is_(None),
    )
    for each in session.scalars(kept):
        where = kept_on(session, each)
        if where == system_identifier or (where is None and each.name == name):
            return AnothersData(Lane.parse(each.lane), each.name)
    return None


def others_stand_on(session: Session, lane: Lane, system_identifier: str) -> bool:
    """Whether any other lane's data was ever recorded on this cluster."""
    found = select(LaneRow.lane).where(
        LaneRow.lane != str(lane),
        LaneRow.identity.contains(f'"{system_identifier}"', autoescape=True),
    )
    return session.scalars(found.limit(1)).first() is not None


def kept_on(session: Session, row: KeptRow) -> SystemIdentifier | None:
    """On which cluster kept data is; where that was not recorded, where the lane's data stood."""
    if row.system_identifier is not None:
        return SystemIdentifier(row.system_identifier)
    return stood_on(session.get(LaneRow, row.lane))


def stood_on(row: LaneRow | None) -> SystemIdentifier | None:
    """On which cluster a lane's data stood last."""
    stood = _stood(row)
    return stood.system_identifier if stood is not None else None


def _stood(row: LaneRow | None) -> PhysicalIdentity | None:
    if row is None or row.identity is None:
        return None
    return read_text(PhysicalIdentity, row.identity, f"where the data of lane {row.lane} stood")


def refuse_anothers_data(
    session: Session, lane: Lane, *, system_identifier: str, database_oid: int, name: str
) -> None:
    """Raise Refused where another lane has this very database on record."""
    found = anothers_data(
        session,
        lane,
        system_identifier=system_identifier,
        database_oid=database_oid,
        name=name,
    )
    if found is None:
        return
    raise Refused.because(
        reason(
            ReasonCode.MARKER_FOREIGN,
            f"Database {name} (oid {database_oid}) on cluster {system_identifier} is on record as "
            f"{found.words}, so nothing of it was recorded for lane {lane}.",
            f"Correct the connection of lane {lane}: it must have a database of its own. What lane "
            f"{found.lane} lost of its marker is written again there (`lane-authority adopt "
            f"{found.lane}`).",
            lane=lane,
            found=found.lane,
        )
    )
