"""What may be done to one lane's data, and what of that is still in force at an instant."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from .contract import (
    Contract,
    DatabaseNameField,
    DigestField,
    Duration,
    FilestorePathField,
    PersonField,
    UtcInstant,
    VersionedContract,
)
from .lane import Lane
from .vocabulary import DataSource, RolloutState, TargetOrigin

LONGEST_PROVISIONAL = timedelta(days=90)
SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA = timedelta(hours=24)
LONGEST_DURATION = timedelta(days=36500)
"""About a hundred years: what is counted from any day of today stays inside the calendar."""


class Contradiction(NamedTuple):
    """Two fields of a policy that cannot both be meant."""

    fields: tuple[str, ...]
    """The fields, the one to change first."""
    words: str
    """What contradicts what."""
    accepted: str
    """What would be accepted."""


class PolicyContradicts(ValueError):
    """Every contradiction in one policy."""

    def __init__(self, contradictions: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(each.words for each in contradictions))
        self.contradictions = contradictions


class UpstreamSource(Contract):
    """One database on one server that a lane may be restored from."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """What people call it."""
    host: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Host name of its server."""
    database: DatabaseNameField
    """Database name on that server."""
    filestore_path: FilestorePathField
    """Folder of its filestore on that server."""
    lane: Lane | None = None
    """The Launchplane lane that it is, where it is one."""


class ProviderTarget(Contract):
    """What the provider calls the place that is about to be changed."""

    target_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """The provider's own identifier."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """The provider's name for it."""
    domains: tuple[str, ...] = ()
    """The domains that it serves; their order means nothing."""

    def same_as(self, other: "ProviderTarget") -> bool:
        """Whether id, name and the set of domains are all equal."""
        return (self.target_id, self.name, frozenset(self.domains)) == (
            other.target_id,
            other.name,
            frozenset(other.domains),
        )


class LiveTarget(ProviderTarget):
    """What the provider says is about to be changed, as the host read it for this request."""

    read_from: TargetOrigin
    """Where it was read; a record proves nothing about what is live, and what was typed is no more
    than what somebody said.
    """


class Policy(VersionedContract):
    """The recorded policy of one lane. Every omitted field has its protective value."""

    lane: Lane
    """The lane that it is for."""
    rollout_state: RolloutState
    """How far the lane has come."""
    authoritative_data: bool = True
    """Whether the data that is there is the only true copy of somebody's books."""
    bootstrap_empty_allowed: bool = False
    """Whether the lane may be rebuilt from nothing."""
    restore_from_upstream_allowed: bool = False
    """Whether the lane may be rebuilt from its upstream source."""
    upstream_source: UpstreamSource | None = None
    """The one source that a restore from upstream may read."""
    requires_backup_before_destroy: bool = True
    """Whether a recent backup of the data that is there is asked for."""
    requires_restore_proof: bool = True
    """Whether that backup must have been restored and compared."""
    requires_runtime_identity: bool = True
    """Whether the lane's runtime must say the same as its database."""
    backup_max_age: Duration = timedelta(hours=24)
    """How old the backup may be, counted from its snapshot."""
    replaced_kept_for: Duration = timedelta(days=7)
    """How long what a rebuild replaces is kept, counted from the end of the rebuild."""
    provisional_until: UtcInstant | None = None
    """The instant (UTC) from which a provisional lane is treated as production."""
    provider_target: ProviderTarget | None = None
    """What the provider must call the place that is acted on."""

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        found = tuple(self._contradictions())
        if found:
            raise PolicyContradicts(found)
        return self

    def _contradictions(self) -> Iterator[Contradiction]:
        if self.rollout_state is RolloutState.PRODUCTION and not self.authoritative_data:
            yield Contradiction(
                ("authoritative_data", "rollout_state"),
                "production must have authoritative_data",
                "authoritative_data = true, or another rollout_state",
            )
        if self.authoritative_data:
            yield from self._contradicts_authority()
        if self.restore_from_upstream_allowed and self.upstream_source is None:
            yield Contradiction(
                ("upstream_source", "restore_from_upstream_allowed"),
                "restore_from_upstream_allowed demands an upstream_source",
                "an upstream_source, or restore_from_upstream_allowed = false",
            )
        if self.upstream_source is not None and self.upstream_source.lane == self.lane:
            yield Contradiction(
                ("upstream_source", "lane"),
                "upstream_source must not be the lane itself",
                "another lane, or none",
            )
        if self.rollout_state is RolloutState.PROVISIONAL and self.provisional_until is None:
            yield Contradiction(
                ("provisional_until", "rollout_state"),
                "provisional demands provisional_until",
                "an instant in UTC, at most 90 days after it is recorded",
            )
        if self.rollout_state is not RolloutState.PROVISIONAL and self.provisional_until:
            yield Contradiction(
                ("provisional_until", "rollout_state"),
                "provisional_until belongs to rollout_state provisional only",
                'no provisional_until, or rollout_state = "provisional"',
            )
        if not self.requires_runtime_identity and self.rollout_state is not RolloutState.TESTING:
            yield Contradiction(
                ("requires_runtime_identity", "rollout_state"),
                "requires_runtime_identity may only be off for testing",
                "requires_runtime_identity = true",
            )
        if self.backup_max_age <= timedelta(0):
            yield Contradiction(
                ("backup_max_age",), "backup_max_age must be longer than nothing", "24h, say"
            )
        if self.replaced_kept_for < timedelta(0):
            yield Contradiction(
                ("replaced_kept_for",), "replaced_kept_for must not be negative", "7d, say"
            )
        for name in ("backup_max_age", "replaced_kept_for"):
            if getattr(self, name) > LONGEST_DURATION:
                yield Contradiction(
                    (name,),
                    f"{name} must not be longer than 36500 days",
                    "36500d at most",
                )

    def _contradicts_authority(self) -> Iterator[Contradiction]:
        for name in ("bootstrap_empty_allowed", "restore_from_upstream_allowed"):
            if getattr(self, name):
                yield Contradiction(
                    (name, "authoritative_data"),
                    f"authoritative data excludes {name}",
                    f"{name} = false, or authoritative_data = false",
                )
        for name in (
            "requires_backup_before_destroy",
            "requires_restore_proof",
            "requires_runtime_identity",
        ):
            if not getattr(self, name):
                yield Contradiction(
                    (name, "authoritative_data"),
                    f"authoritative data demands {name}",
                    f"{name} = true, or authoritative_data = false",
                )
        if self.replaced_kept_for < SHORTEST_KEEPING_OF_AUTHORITATIVE_DATA:
            yield Contradiction(
                ("replaced_kept_for", "authoritative_data"),
                "authoritative data demands replaced_kept_for of 24 hours or more",
                "24h or more, or authoritative_data = false",
            )


class PolicyRevision(VersionedContract):
    """One recorded version of a lane's policy. Revisions are added, never changed."""

    policy: Policy
    """What was recorded."""
    number: Annotated[int, Field(ge=1)]
    """Counts up from 1 for each lane."""
    recorded_at: UtcInstant
    """When it was recorded (UTC)."""
    recorded_by: PersonField
    """Who recorded it."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    """Why, in that person's words."""
    change_digest: DigestField
    """What the approvers signed."""

    @model_validator(mode="after")
    def _provisional_is_not_for_ever(self) -> Self:
        until = self.policy.provisional_until
        if until is not None and until - self.recorded_at > LONGEST_PROVISIONAL:
            raise ValueError(
                "provisional_until must not be more than 90 days after the revision is recorded"
            )
        return self


class EffectivePolicy(Contract):
    """What a policy permits at one instant, once expiry and the marker have been heard."""

    authoritative: bool
    """Whether the data that is there counts as the only true copy."""
    allowed_sources: tuple[DataSource, ...]
    """The data sources that may be asked for, in the order of the vocabulary."""
    requires_backup_before_destroy: bool
    """As in the policy, or on because something made the data authoritative."""
    requires_restore_proof: bool
    """As in the policy, or on because something made the data authoritative."""
    requires_runtime_identity: bool
    """As in the policy, or on because something made the data authoritative."""
    expired: bool
    """Whether `provisional_until` has passed."""
    protected_by: tuple[str, ...]
    """What makes the data authoritative: policy, expiry, marker, claim."""


def effective_policy(
    policy: Policy, now: UtcInstant, *, marker_authoritative: bool, claimed: bool
) -> EffectivePolicy:
    """The stricter of the recorded policy, the passing of time, and what the database says.

    Time only ever removes permission, and so does the marker.
    """
    expired = policy.provisional_until is not None and now >= policy.provisional_until
    protected_by = tuple(
        name
        for name, holds in (
            ("policy", policy.authoritative_data),
            ("expiry", expired),
            ("marker", marker_authoritative),
            ("claim", claimed),
        )
        if holds
    )
    authoritative = bool(protected_by)
    allowed = [DataSource.EXISTING]
    if policy.bootstrap_empty_allowed and not authoritative:
        allowed.append(DataSource.EMPTY)
    # A policy validates only with a source where this is allowed; nothing is built on that here.
    from_upstream = policy.restore_from_upstream_allowed and policy.upstream_source is not None
    if from_upstream and not authoritative:
        allowed.append(DataSource.UPSTREAM_RESTORE)
    allowed += [DataSource.BACKUP_RESTORE, DataSource.KEPT]
    return EffectivePolicy(
        authoritative=authoritative,
        allowed_sources=tuple(allowed),
        requires_backup_before_destroy=authoritative or policy.requires_backup_before_destroy,
        requires_restore_proof=authoritative or policy.requires_restore_proof,
        requires_runtime_identity=authoritative or policy.requires_runtime_identity,
        expired=expired,
        protected_by=protected_by,
    )
