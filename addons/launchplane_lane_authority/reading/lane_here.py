"""The marker as this running Odoo judges it: against where it runs, not against a host's record."""

import os
from dataclasses import dataclass

from odoo.sql_db import BaseCursor

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.judgement import TokenVerdict, judge_marker
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord, MarkerObservation
from launchplane_lane_contracts.orders import LowerOrder, Permit, StampOrder
from launchplane_lane_contracts.reading import DatabaseReading

from ..guard.settings import runtime_identity
from .database_here import read_database_or_not
from .public_keys import configured_public_keys

# Stands in where neither the environment nor a good signature names a lane. No judgement that
# compares lanes is reached then.
_NO_LANE = Lane(product="unknown", context="unknown", instance="unknown")


@dataclass(frozen=True)
class LaneHere:
    """What this Odoo knows of its lane."""

    reading: DatabaseReading
    marker: MarkerObservation
    order: Permit | StampOrder | LowerOrder | None
    """The signed order behind the marker, where its signature is good."""
    runtime_lane: Lane | None
    """The lane that the environment says this Odoo runs for."""
    could_not_read: bool = False
    """Whether PostgreSQL refused a part of it, so that what is missing proves nothing."""
    neutralised: bool = False
    """Whether Odoo's neutralisation ran here; asked for the screen alone."""
    neutralised_copy_of: str = ""
    """The lane whose marker went off with it."""


def read_lane_here(cursor: BaseCursor) -> LaneHere:
    """Read and judge. Never raises over what is broken; problems stand in the answer."""
    reading, complete = read_database_or_not(cursor)
    identity, _problem = runtime_identity(os.environ)
    lane = identity.lane if identity else None
    verdict = _verify(reading)
    return LaneHere(
        reading=reading,
        marker=judge_here(reading, verdict, lane),
        order=verdict.order if verdict else None,
        runtime_lane=lane,
        could_not_read=not complete,
    )


def _verify(reading: DatabaseReading) -> TokenVerdict | None:
    if reading.marker_row is None:
        return None
    try:
        return configured_public_keys().judge_marker_token(reading.marker_row.token)
    except CouldNotTell as problem:
        return TokenVerdict(key_is_unknown=True, detail=problem.message)


def judge_here(
    reading: DatabaseReading, verdict: TokenVerdict | None, lane: Lane | None
) -> MarkerObservation:
    """Judge the marker as the host does, less the questions that only its record can answer.

    The record is made of the marker itself, so older or newer generations cannot be told here.
    """
    order = verdict.order if verdict else None
    tag = reading.entry.tag if reading.entry else None
    # Without a lane of its own this Odoo has nothing to hold against what the data says of itself.
    said = order.lane if order else tag.lane if tag and reading.marker_row is None else _NO_LANE
    record = HostRecord(lane=lane or said)
    if isinstance(order, StampOrder | LowerOrder):
        record = record.model_copy(
            update={
                "generation": order.marker.generation,
                "nonce": order.marker.nonce,
                "identity": order.marker.identity,
            }
        )
    return judge_marker(reading, verdict, record)
