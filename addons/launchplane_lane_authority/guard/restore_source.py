"""What may be materialised now: the permit that has begun, the live lane and the source agree.

For scripts and `odoo shell` it is one call, which reads the environment as the commands do:

    from launchplane_lane_guard.restore_source import restore_source_here
    source = restore_source_here()   # raises Refused with all its reasons, or CouldNotTell
"""

import os
from collections.abc import Iterator, Mapping

from launchplane_lane_contracts.errors import BadInput, CouldNotTell, Refused
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.restore_source import (
    OfferedUpstream,
    RestoreSource,
    permitted_source,
    source_differs,
    source_is_target,
)
from launchplane_lane_contracts.rulebook import source_reasons
from launchplane_lane_contracts.vocabulary import DataSource, TagState

from .begin import open_keep
from .declaration import as_declared_here
from .finish import begun
from .keep import ENDED, BeginIntent, Keep
from .kept_data import stayed_kept
from .lane_reading import read_lane
from .order_check import check_environment
from .others_own import others_own
from .settings import GuardSettings, settings_from_environment
from .tokens import PublicKeys

PUT_BACK = (
    "Undo the operation: what was set aside goes back, and what stands there now is kept as well."
)


def restore_source_here(
    permit_token: str | None = None, environment: Mapping[str, str] = os.environ
) -> RestoreSource:
    """What may be materialised in the lane of this environment.

    Without a token it is about the permit that has begun here. Raises Refused with all reasons
    why nothing may be, CouldNotTell when that can't be known, BadInput when the environment makes
    no sense.
    """
    settings = settings_from_environment(environment)
    token = begun_permit(settings) if permit_token is None else permit_token
    keys = PublicKeys.from_file(settings.public_keys)
    permit = keys.order(token, kind="permit", heed_time=False)
    assert isinstance(permit, Permit)
    return restore_source(settings, permit, token, offered_upstream(environment))


def offered_upstream(environment: Mapping[str, str] = os.environ) -> OfferedUpstream:
    """The upstream that the devkit's script would read."""
    return OfferedUpstream(
        host=environment.get("ODOO_UPSTREAM_HOST", ""),
        database=environment.get("ODOO_UPSTREAM_DB_NAME", ""),
        filestore_path=environment.get("ODOO_UPSTREAM_FILESTORE_PATH", ""),
    )


def begun_permit(settings: GuardSettings) -> str:
    """The token of the permit that was begun last and has not ended, from the lane's keep.

    Raises BadInput when there is no keep to look into, Refused when no such permit is in it.
    """
    if settings.keep is None:
        raise BadInput("LANE_AUTHORITY_KEEP is not set, so name the permit with --permit.")
    keep = Keep(settings.keep)
    going_on = [each for each in keep.records() if each.set_aside and not each.ended]
    if not going_on:
        raise Refused.because(
            reason(
                ReasonCode.PERMIT_NOT_BEGUN,
                "No rebuild of this lane has begun and not ended, so nothing may be materialised.",
                "Run `begin` with a permit first.",
            )
        )
    newest = max(going_on, key=lambda each: each.begun_at)
    intent = keep.intent(newest.permit_id)
    assert intent is not None
    return intent.token


def restore_source(
    settings: GuardSettings,
    permit: Permit,
    token: str,
    offered: OfferedUpstream,
) -> RestoreSource:
    """What may be materialised under a permit whose begin is on record.

    `offered` is what the materialiser is about to read. Raises Refused with all reasons,
    CouldNotTell, Busy.
    """
    check_environment(permit, settings)
    keep = open_keep(settings, permit)
    intent = begun(keep, permit)
    if intent.token != token or keep.has(permit.permit_id, ENDED):
        raise Refused.because(_over(permit))
    reading = read_lane(settings)
    if reading.database.server is None:
        raise CouldNotTell(f"The server did not answer: {reading.database.problem}.")
    source = permitted_source(permit)
    observation = permit.observation.model_copy(
        update={"incoming": as_declared_here(permit, reading.declaration)}
    )
    reasons = (
        # The instant that counts is that of the begin: its time to begin was all that ran out.
        *source_reasons(permit.policy, permit.request, observation, intent.begun_at),
        *source_differs(source, offered),
        *source_is_target(source, offered, settings.host),
        *_moved(permit, intent, reading, keep),
    )
    if reasons:
        raise Refused.because(*reasons)
    return source


def _over(permit: Permit) -> Reason:
    return reason(
        ReasonCode.PERMIT_NOT_BEGUN,
        f"The rebuild of permit {permit.permit_id} is over, or was begun under another token.",
        "Plan and authorize again for another rebuild.",
        permit_id=permit.permit_id,
    )


def _moved(
    permit: Permit, intent: BeginIntent, reading: LaneReading, keep: Keep
) -> Iterator[Reason]:
    """What no longer is as `begin` left it."""
    server, before = reading.database.server, permit.observation.database.system_identifier
    if permit.request.fresh_volumes is not None:
        if server is not None and server.system_identifier == before:
            yield _changed("The cluster, which should be a fresh one,", before, before)
        return
    if server is not None and server.system_identifier != before:
        yield _changed("The cluster", f"{before} at the begin", server.system_identifier)
    source, kept = permit.request.data_source, permit.observation.incoming.kept
    oid = reading.database.entry.oid if reading.database.entry else None
    if source is DataSource.EXISTING:
        if oid != intent.database_oid:
            yield _changed("The database's oid", f"{intent.database_oid} at the begin", oid)
        return
    if source is DataSource.KEPT:
        if kept is not None and oid != kept.database_oid:
            yield _changed("The database's oid", f"{kept.database_oid} as kept", oid)
    else:
        yield from _somebodys_data(permit, intent, reading)
    yield from _kept_is_missing(permit, intent, reading, keep)
    tag = reading.filestore.tag
    # The devkit's rsync deletes the tag, so that none is no sign of anything.
    if tag is not None and tag.lane != permit.lane:
        yield reason(
            ReasonCode.FILESTORE_FOREIGN,
            f"The files in {reading.filestore.path} are those of lane {tag.lane}.",
            "Give that lane its folder back; this lane's is an empty one now.",
            path=reading.filestore.path,
        )
    elif tag is not None and tag.permit_id != permit.permit_id:
        yield reason(
            ReasonCode.FILESTORE_STALE,
            f"The files in {reading.filestore.path} are of generation {tag.generation} and not "
            "what this begin left there.",
            PUT_BACK,
            path=reading.filestore.path,
        )


def _somebodys_data(permit: Permit, intent: BeginIntent, reading: LaneReading) -> Iterator[Reason]:
    """What stands under the name may be dropped only where this rebuild left it there."""
    entry = reading.database.entry
    if entry is None:
        return
    if entry.oid == intent.database_oid:
        yield _changed("The database's oid", "set aside by the begin", f"{entry.oid} once more")
        return
    tag, owner = entry.tag, others_own(reading.database, permit.lane)
    if owner is not None:
        # By its marker as well: it may have lost its tag.
        yield _changed(
            "What stands under the name", "nothing at the begin", f"lane {owner}'s own database"
        )
    elif (
        tag is not None
        and tag.database_oid == entry.oid
        and (tag.lane, tag.state, tag.permit_id)
        != (permit.lane, TagState.PENDING, permit.permit_id)
    ):
        yield _changed(
            "What stands under the name",
            "nothing at the begin",
            f"data of lane {tag.lane}, generation {tag.generation}",
        )


def _kept_is_missing(
    permit: Permit, intent: BeginIntent, reading: LaneReading, keep: Keep
) -> Iterator[Reason]:
    """What the begin set aside must be there before anything is made in its place."""
    if intent.database_oid is not None and not any(
        each.oid == intent.database_oid
        and each.name == intent.kept_name
        and stayed_kept(each, permit.lane)
        for each in reading.database.neighbours
    ):
        yield _not_kept(f"{intent.kept_name} (oid {intent.database_oid})", intent)
    folder = keep.filestore(intent.kept_name)
    if intent.had_filestore and not folder.exists():
        yield _not_kept(str(folder), intent)


def _not_kept(what: str, intent: BeginIntent) -> Reason:
    return reason(
        ReasonCode.KEPT_CHANGED,
        f"What was set aside as {what} is not there as it was left.",
        "Look for it on the lane's server and in the keep, and give it its name back.",
        kept_database=intent.kept_name,
    )


def _changed(what: str, then: object, now: object) -> Reason:
    return reason(
        ReasonCode.READINGS_MOVED,
        f"{what} was {then} and is {now or 'not there'} now.",
        "Look at what stands there. If it belongs elsewhere, give it its own name back; then undo "
        "the operation.",
        fact=what,
        then=then,
        now=now,
    )
