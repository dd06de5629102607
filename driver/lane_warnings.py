"""What an operator should know of a lane although nothing is refused for it."""

from collections.abc import Iterator
from datetime import timedelta

from launchplane_lane_contracts.read_model import WarningCode, WarningView
from launchplane_lane_contracts.rules.database_and_files import marker_reason
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    MarkerState,
    RolloutState,
    ShadowState,
)

from .lane_seen import LaneSeen

ENDS_SOON = timedelta(days=14)
"""How long before a provisional lane becomes protected it is said so."""

POSITIVE_EVIDENCE = frozenset(
    {
        MarkerState.FOREIGN,
        MarkerState.COPIED,
        MarkerState.TAMPERED,
        MarkerState.PENDING,
        MarkerState.ROLLED_BACK,
    }
)
"""What says that an Odoo there sits on data that is not the lane's present data."""


def warnings(seen: LaneSeen) -> tuple[WarningView, ...]:
    """All of them."""
    return (
        *_superuser(seen),
        *_unlocked(seen),
        *_without_shadow(seen),
        *_ends_soon(seen),
        *_quarantined(seen),
        *_without_quarantine(seen),
        *_neutralised(seen),
    )


def _superuser(seen: LaneSeen) -> Iterator[WarningView]:
    server = seen.witnessed.reading.database.server
    if server is not None and server.role_is_superuser:
        yield WarningView(
            code=WarningCode.SUPERUSER_ROLE,
            message=f"The lane's role {server.role} is superuser, whom no lock of ours stops.",
            remedy="Give it CREATEDB and the ownership of its database, then run: "
            f"ALTER ROLE {server.role} NOSUPERUSER.",
        )


def _protected_data_is_there(seen: LaneSeen) -> bool:
    effective = seen.effective
    return (
        effective is not None
        and effective.authoritative
        and seen.overview.record.generation is not None
        and seen.observation.database.state is DatabaseState.INITIALISED
    )


def _unlocked(seen: LaneSeen) -> Iterator[WarningView]:
    if not _protected_data_is_there(seen) or seen.observation.database.locked:
        return
    listed = seen.observation.runtime.stays_listed_when_locked
    yield WarningView(
        code=WarningCode.UNLOCKED,
        message="PostgreSQL would let the lane's authoritative database be dropped: it is not "
        "locked."
        + ("" if listed else " Odoo has not said that it goes on serving a locked database."),
        remedy="It is locked by the next stamp, once Odoo itself says that it goes on serving it: "
        "load the addon server-wide in odoo.conf (`server_wide_modules`).",
    )


def _without_shadow(seen: LaneSeen) -> Iterator[WarningView]:
    shadow = seen.witnessed.reading.shadow
    if not _protected_data_is_there(seen):
        return
    if shadow is not None and shadow.state is ShadowState.PRESENT:
        return
    why = f": {shadow.problem}" if shadow is not None and shadow.problem else ""
    yield WarningView(
        code=WarningCode.SHADOW_MISSING,
        message=f"The lane's files have no shadow in the keep{why}. Whoever empties the folder "
        "takes them.",
        remedy="Run `lane-authority-guard filestore refresh` in the lane's runtime, and let it be "
        "run as files arrive.",
    )


def _ends_soon(seen: LaneSeen) -> Iterator[WarningView]:
    policy = seen.revision.policy if seen.revision else None
    until = policy.provisional_until if policy else None
    if policy is None or until is None or policy.rollout_state is not RolloutState.PROVISIONAL:
        return
    if timedelta(0) < until - seen.now <= ENDS_SOON:
        yield WarningView(
            code=WarningCode.PROVISIONAL_ENDS_SOON,
            message=f"The lane is provisional until {until:%Y-%m-%d %H:%M} UTC; from then on it is "
            "treated as production.",
            remedy="Let it go live by a policy of state production, or propose a later "
            "provisional_until, which two approvers sign.",
        )


def _quarantined(seen: LaneSeen) -> Iterator[WarningView]:
    marker = seen.observation.marker
    found = marker_reason(marker) if marker.state in POSITIVE_EVIDENCE else None
    if found is None:
        return
    live = seen.overview.live
    yield WarningView(
        code=WarningCode.QUARANTINED,
        message=f"{found.message} An Odoo on it must send no mail and run no scheduled action.",
        remedy=(
            f"End operation {live.operation_id} by one of its ways on."
            if live is not None and marker.state is MarkerState.PENDING
            else found.remedy
        ),
    )


def _without_quarantine(seen: LaneSeen) -> Iterator[WarningView]:
    runtime = seen.witnessed.runtime.reading
    if runtime is None or runtime.quarantine_loaded is not False:
        return
    yield WarningView(
        code=WarningCode.QUARANTINE_NOT_LOADED,
        message="The lane's Odoo does not load the addon for every database, so on a copy of this "
        "data, or on another lane's, it would send mail and run scheduled actions.",
        remedy="Add launchplane_lane_authority to Odoo's `server_wide_modules` and restart it.",
    )


def _neutralised(seen: LaneSeen) -> Iterator[WarningView]:
    runtime = seen.witnessed.runtime.reading
    if runtime is None or not runtime.neutralised or not _protected_data_is_there(seen):
        return
    yield WarningView(
        code=WarningCode.NEUTRALISED,
        message="The lane's authoritative database was neutralised: Odoo has switched its mail "
        "servers and scheduled actions off.",
        remedy="If nobody meant to, switch them on again in Odoo and delete the system parameter "
        "database.is_neutralized, or restore the lane from a backup of before.",
    )
