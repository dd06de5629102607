"""Whether there is room for data beside the lane, or a scratch, before any of it is written."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psycopg2

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .database import MAINTENANCE_DATABASE, connected, query_through
from .moving import free_bytes
from .settings import GuardSettings

VOLUME_VARIABLE = "LANE_AUTHORITY_DATABASE_VOLUME"
"""A folder, as the guard sees it, on the volume that holds the server's data."""
SPARE_BYTES = 64 << 20
"""What must be left: a server whose volume is full stops, with the lane on it."""


def require_room(
    settings: GuardSettings,
    keep: Path,
    database_bytes: int,
    file_bytes: int | None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Raise Refused where it can be seen that database or files don't fit. Raises OSError."""
    volume = database_volume(settings, environment)
    reasons = tuple(
        _lacks(
            [
                ("the database", volume, _restored(database_bytes)),
                ("the files", keep, file_bytes + SPARE_BYTES if file_bytes is not None else None),
            ]
        )
    )
    if reasons:
        raise Refused.because(*reasons)


def require_room_for_scratch(
    settings: GuardSettings, database_bytes: int, environment: Mapping[str, str] = os.environ
) -> None:
    """Raise Refused where it can be seen that a scratch database doesn't fit. Raises OSError."""
    volume, needed = database_volume(settings, environment), _restored(database_bytes)
    if volume is None or (free := free_bytes(volume)) >= needed:
        return
    raise Refused.because(
        reason(
            ReasonCode.ROOM_NOT_ENOUGH,
            f"There is no room for a scratch database: {needed} bytes are needed and {free} are "
            f"free on the volume of {volume}. Nothing was restored, and nothing is known of the "
            "backup.",
            "Make room on that volume, or let the lane's `prove_command` run on another server; "
            "then do the same again.",
            needed_bytes=needed,
            free_bytes=free,
        )
    )


def _restored(database_bytes: int) -> int:
    """While it is restored, the server logs as much as it writes; a tenth for that."""
    return database_bytes + database_bytes // 10 + SPARE_BYTES


def _lacks(parts: list[tuple[str, Path | None, int | None]]) -> Iterator[Reason]:
    together: dict[int, int] = {}
    for what, folder, needed in parts:
        if folder is None or needed is None:
            continue
        device = folder.stat().st_dev
        together[device] = together.get(device, 0) + needed
        free = free_bytes(folder)
        if together[device] > free:
            yield reason(
                ReasonCode.ROOM_NOT_ENOUGH,
                f"There is no room beside the lane for {what}: {together[device]} bytes are needed "
                f"and {free} are free on the volume of {folder}.",
                "Make room on that volume, then do the same again. Nothing was written.",
                needed_bytes=together[device],
                free_bytes=free,
            )


def database_volume(
    settings: GuardSettings, environment: Mapping[str, str] = os.environ
) -> Path | None:
    """Where the server's data lies, if that can be seen from here."""
    named = environment.get(VOLUME_VARIABLE, "")
    if named and Path(named).is_dir():
        return Path(named)
    with suppress(psycopg2.Error, OSError):
        with connected(settings, MAINTENANCE_DATABASE) as server:
            query = query_through(server)
            ((folder,),) = query("SELECT current_setting('data_directory')", ())
            ((oid,),) = query("SELECT oid FROM pg_database WHERE datname = current_database()", ())
        if (Path(folder) / "base" / str(oid)).is_dir():
            return Path(folder)
    return None
