"""What `begin` does with data that waits beside the lane: check it, mark it, forget the rest."""

import dataclasses
from collections.abc import Iterator
from contextlib import suppress

import psycopg2

from launchplane_lane_contracts.errors import Busy, CouldNotTell, Refused
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import DatabaseReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .arrival import write_pending
from .database import first_line
from .keep import Keep
from .lane_reading import read_database
from .settings import GuardSettings
from .side import Sides, behind_its_door, opened_for_a_while


def side_is_gone(permit: Permit, keep: Keep, database: DatabaseReading) -> Iterator[Reason]:
    """Whether what the permit says was restored beside the lane is not there, or another."""
    side = permit.observation.incoming.side
    if side is None:
        return
    noted = Sides(keep.folder).found(side.name)
    entry = next((each for each in database.neighbours if each.name == side.name), None)
    if noted != side:
        detail = "the keep does not say that it was verified"
    elif entry is None:
        detail = "there is no such database"
    elif entry.oid != side.database_oid:
        detail = f"it has oid {entry.oid} and not {side.database_oid}"
    elif entry.tag is not None:
        detail = "it was tagged since"
    else:
        return
    yield reason(
        ReasonCode.SIDE_GONE,
        f"What was restored beside the lane as {side.name} is not there as it was verified: "
        f"{detail}.",
        "Undo the operation, which changes nothing of the lane, and plan again; or do it once more "
        "(`lane-authority retry`) after `lane-authority materialise`.",
        side=side.name,
        detail=detail,
    )


def mark_side(
    settings: GuardSettings, permit: Permit, token: str, keep: Keep, database: DatabaseReading
) -> None:
    """Put the pending row over a marker that came, before the data has the lane's name.

    So nobody who loads it there takes it for another lane's, or for settled. Raises Refused, Busy,
    CouldNotTell; nothing of the lane was changed then.
    """
    side = permit.observation.incoming.side
    entry = next(
        (
            each
            for each in database.neighbours
            if side is not None and (each.name, each.oid) == (side.name, side.database_oid)
        ),
        None,
    )
    if side is None or entry is None:
        return
    gone = tuple(side_is_gone(permit, keep, database))
    if gone:
        raise Refused.because(*gone)
    beside = dataclasses.replace(settings, database=side.name)
    try:
        with opened_for_a_while(settings, entry):
            reading = read_database(beside)
        if reading.problem is not None:
            raise CouldNotTell(f"What waits beside the lane could not be read: {reading.problem}.")
        with behind_its_door(settings, entry, 1) as (connection,):
            write_pending(connection, permit, token, reading)
    except psycopg2.Error as problem:
        raise CouldNotTell(
            f"The marker could not be written beside the lane: {first_line(problem)}. Nothing of "
            "the lane was changed."
        ) from None


def forget_sides(settings: GuardSettings, keep: Keep) -> None:
    """Drop what was brought and is not needed: what took the name has another name now.

    What fails here is done by the next run that brings something.
    """
    sides = Sides(keep.folder)
    if not sides.names():
        return
    with suppress(Busy, CouldNotTell, OSError), sides.at_work():
        sides.sweep(settings)
