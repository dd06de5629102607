"""Whose files are served here, by the folder's tag and the signed marker in the database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launchplane_lane_contracts.errors import CouldNotTell, LaneAuthorityError, Refused
from launchplane_lane_contracts.judgement import judge_filestore
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import FilestoreTag
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.orders import LowerOrder, Permit, StampOrder
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reading import LaneReading, RuntimeWitness
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import FilestoreState, KeepState, TagState

from .keep import Keep
from .settings import GuardSettings
from .tokens import PublicKeys


@dataclass(frozen=True)
class SignedWords:
    """What the marker's signature vouches for; each is the protective value where it does not."""

    protected: bool = True
    """Whether the data may be the only true copy."""
    kept_for: timedelta | None = None
    """How long what is replaced is kept; None when nothing vouches for any time."""
    tag: FilestoreTag | None = None
    """The tag that the folder has, where the marker is settled and of this very database."""


def require_server(reading: LaneReading) -> Lane:
    """The lane of this environment, whose database can be read. Raises CouldNotTell."""
    database = reading.database
    if reading.lane is None:
        raise CouldNotTell(f"The lane of this environment is unknown: {reading.identity_problem}.")
    if database.entry is None or database.problem is not None or not database.holds_relations:
        detail = database.problem or (
            f"there is no initialised database {database.name} that takes connections"
        )
        raise CouldNotTell(f"It is unknown which files belong here: {detail}.")
    return reading.lane


def state_of_files(reading: LaneReading, lane: Lane) -> tuple[FilestoreState, str]:
    """Whose files stand in the folder, by its tag."""
    seen = judge_filestore(
        reading.filestore, reading.database, HostRecord(lane=lane), RuntimeWitness()
    )
    return seen.state, seen.detail


def not_ours(state: FilestoreState, detail: str) -> Refused:
    """The refusal to touch files that are not known as this lane's."""
    missing = state in (FilestoreState.ABSENT, FilestoreState.EMPTY)
    code = ReasonCode.FILESTORE_MISSING if missing else ReasonCode(f"filestore_{state.value}")
    return Refused.because(
        reason(
            code,
            f"The folder is not known as the one with this lane's files: {detail}.",
            "If the folder was emptied, `filestore repair` puts the files and the tag back. "
            "Otherwise correct ODOO_FILESTORE_PATH or the volume, and look with `show`.",
            detail=detail,
        )
    )


def ready_keep(settings: GuardSettings, reading: LaneReading, lane: Lane) -> Keep:
    """The lane's keep, made ready. Raises Refused when there is none that can be used."""
    codes = {
        KeepState.NOT_CONFIGURED: ReasonCode.KEEP_NOT_CONFIGURED,
        KeepState.UNUSABLE: ReasonCode.KEEP_UNUSABLE,
    }
    if settings.keep is None or reading.keep.state in codes:
        raise Refused.because(
            reason(
                codes.get(reading.keep.state, ReasonCode.KEEP_NOT_CONFIGURED),
                f"The keep cannot be used: {reading.keep.problem}.",
                "Give the lane's runtime a persistent folder outside the one that Odoo serves, on "
                "the same volume, as its keep (LANE_AUTHORITY_KEEP), and let the guard write to "
                "it.",
                detail=reading.keep.problem,
            )
        )
    keep = Keep(settings.keep)
    keep.prepare(lane)
    return keep


def signed_words(public_keys: Path | None, reading: LaneReading) -> SignedWords:
    """What the marker's signature vouches for. Never raises."""
    row, lane = reading.database.marker_row, reading.lane
    if row is None or public_keys is None:
        return SignedWords()
    try:
        order = PublicKeys.from_file(public_keys).judge_marker_token(row.token).order
    except LaneAuthorityError:
        return SignedWords()
    if order is None or order.lane != lane:
        return SignedWords()
    if isinstance(order, Permit):
        written, policy = order.pending_row(row.token), order.policy
    else:
        written, policy = order.marker.row(row.token), order.marker.policy
    if not row.says_the_same_as(written):
        return SignedWords()
    effective = effective_policy(
        policy, datetime.now(UTC), marker_authoritative=row.authoritative, claimed=row.claimed
    )
    return SignedWords(effective.authoritative, policy.replaced_kept_for, _tag(order, reading))


def _tag(order: Permit | StampOrder | LowerOrder, reading: LaneReading) -> FilestoreTag | None:
    """The tag that `stamp` wrote, where the marker is that of this very database."""
    if isinstance(order, Permit) or order.marker.identity != reading.database.identity():
        return None
    marker = order.marker
    return FilestoreTag(
        lane=marker.lane,
        generation=marker.generation,
        system_identifier=marker.identity.system_identifier,
        database_oid=marker.identity.database_oid,
        state=TagState.LIVE,
        permit_id=marker.lineage.permit_id if isinstance(order, LowerOrder) else order.permit_id,
    )
