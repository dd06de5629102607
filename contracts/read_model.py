"""What an operator's screen shows of a lane: every fact with how far it can be trusted."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from .contract import (
    Contract,
    DatabaseNameField,
    Duration,
    OperationIdField,
    PersonField,
    UtcInstant,
    VersionedContract,
)
from .decision import Decision
from .lane import Lane
from .marker import Generation
from .reasons import Reason
from .request import Request
from .vocabulary import (
    REQUESTS_THAT_EXIST,
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    Operation,
    OperationPhase,
    RolloutState,
    RuntimeState,
)


class Trust(StrEnum):
    """How far a fact can be trusted."""

    VERIFIED = "verified"
    """Read from the thing itself, at the instant that is named."""
    RECORDED = "recorded"
    """Written down by the host, at the instant that is named; not looked at since."""
    STALE = "stale"
    """Once verified or recorded, and older than it may be."""
    MISSING = "missing"
    """It should be known and is not."""
    UNSUPPORTED = "unsupported"
    """There is no such thing on this lane, or nothing there that could tell."""


KNOWN = frozenset({Trust.VERIFIED, Trust.RECORDED, Trust.STALE})
"""What has a value and an instant; the others have neither."""


class _Fact(Contract):
    """How far the value beside it can be trusted. Each kind of fact adds its `value`."""

    trust: Trust
    """How far."""
    as_of: UtcInstant | None = None
    """When it was read or recorded (UTC)."""
    detail: str = ""
    """What was seen, or why nothing is known, for people."""

    @model_validator(mode="after")
    def _known_or_not(self) -> Self:
        known = self.trust in KNOWN
        if known is (self.as_of is None):
            raise ValueError(f"a fact that is {self.trust} has {'an' if known else 'no'} as_of")
        if known is (vars(self)["value"] is None):
            raise ValueError(f"a fact that is {self.trust} has {'a' if known else 'no'} value")
        return self

    @classmethod
    def missing(cls, detail: str) -> Self:
        """A fact that should be known, and why it is not."""
        return cls(trust=Trust.MISSING, detail=detail)

    @classmethod
    def unsupported(cls, detail: str) -> Self:
        """A fact that this lane does not have, and why."""
        return cls(trust=Trust.UNSUPPORTED, detail=detail)

    def seen_at(self, now: UtcInstant, *, stale_after: timedelta) -> Self:
        """The same fact as it is worth at `now`: stale once it is older than that.

        A fact from the future is stale too, since one of two clocks is wrong.
        """
        if self.as_of is None or timedelta(0) <= now - self.as_of <= stale_after:
            return self
        return self.model_copy(update={"trust": Trust.STALE})


class TextFact(_Fact):
    """A text."""

    value: str | None = None
    """The text."""


class FlagFact(_Fact):
    """Yes or no."""

    value: bool | None = None
    """Whether it is so."""


class CountFact(_Fact):
    """A number of things or bytes."""

    value: Annotated[int, Field(ge=0)] | None = None
    """How many."""


class InstantFact(_Fact):
    """A point in time."""

    value: UtcInstant | None = None
    """When (UTC)."""


class DurationFact(_Fact):
    """A length of time."""

    value: Duration | None = None
    """How long."""


class RolloutFact(_Fact):
    """How far the lane has come."""

    value: RolloutState | None = None
    """The state; missing where nobody recorded a policy."""


class AuthorityFact(_Fact):
    """Whether the data that is there is the only true copy."""

    value: bool | None = None
    """Whether it is; missing where nobody recorded a policy."""
    protected_by: tuple[str, ...] = ()
    """What says so: policy, expiry, marker, claim."""


class SourcesFact(_Fact):
    """What the lane may be rebuilt from. It is derived, never stored."""

    value: tuple[DataSource, ...] | None = None
    """The data sources, in the order of the vocabulary."""


class DatabaseFact(_Fact):
    """What stands under the lane's database name."""

    value: DatabaseState | None = None
    """The state."""


class MarkerFact(_Fact):
    """What the marker in it is worth."""

    value: MarkerState | None = None
    """The state."""


class FilestoreFact(_Fact):
    """Whose files stand in the lane's folder."""

    value: FilestoreState | None = None
    """The state."""


class RuntimeFact(_Fact):
    """What the second witness said of its identity."""

    value: RuntimeState | None = None
    """The state."""


class RequirementsView(Contract):
    """What is asked for before a rebuild, by the policy as it is in force."""

    backup_before_destroy: FlagFact
    """Whether a recent backup is."""
    backup_max_age: DurationFact
    """How old it may be."""
    restore_proof: FlagFact
    """Whether a proof of it is."""
    runtime_identity: FlagFact
    """Whether the runtime must say the same as the database."""


class EvidenceView(Contract):
    """What is known of backups of the data that is there."""

    snapshot_at: InstantFact
    """The moment that the newest backup holds."""
    age: DurationFact
    """How old that is."""
    data_proof_at: InstantFact
    """When that backup was restored and compared."""
    load_proof_at: InstantFact
    """When an Odoo registry was loaded on it."""
    new_since: TextFact
    """What the lane's server has written since that moment."""


class KeptView(Contract):
    """What one rebuild set aside."""

    name: DatabaseNameField
    """The name that it is kept under."""
    generation: Generation
    """The generation of that data."""
    set_aside_at: UtcInstant
    """When (UTC)."""
    authoritative: bool
    """Whether it counts as the only true copy."""
    size_bytes: CountFact
    """The room that database and files take."""
    release_due: InstantFact
    """From when it may be released; missing while its rebuild is not settled."""
    still_there: FlagFact
    """Whether it was seen with the oid, the tag and the files that were recorded."""


class WayOn(Contract):
    """One command for the operation that holds the lane."""

    command: str
    """What is typed."""
    possible: bool
    """Whether it can be given now, as far as that is known."""
    words: str
    """What it does, or why it cannot be given now."""


class OperationView(Contract):
    """The operation that holds the lane."""

    operation_id: OperationIdField
    """The operation."""
    operation: Operation
    """What was asked for."""
    data_source: DataSource
    """Where the data comes from."""
    phase: OperationPhase
    """How far it came."""
    since: UtcInstant
    """When it came that far (UTC)."""
    requester: PersonField
    """Who asked."""
    lapses_at: UtcInstant | None = None
    """When it lapses by itself (UTC), because nobody has started it."""
    ways_on: tuple[WayOn, ...]
    """The commands that take it on or end it; first those that can be given now."""


class ChoiceView(Contract):
    """One request that could be made of the lane, and whether it may."""

    operation: Operation
    """What would be asked for."""
    data_source: DataSource
    """Where the data would come from."""
    enabled: bool
    """Whether the rule book allows it."""
    reasons: tuple[Reason, ...]
    """Why not, in full; empty exactly when it is enabled."""
    approvers_required: int
    """Approvers asked for besides the requester."""
    requester_signs: bool
    """Whether the requester's own signature is asked for too."""

    @model_validator(mode="after")
    def _enabled_or_reasons(self) -> Self:
        if self.enabled is bool(self.reasons):
            raise ValueError("a choice is enabled, or it has the reasons why not")
        return self

    @classmethod
    def of(cls, request: Request, decision: Decision) -> Self:
        """What the rule book said of a request."""
        return cls(
            operation=request.operation,
            data_source=request.data_source,
            enabled=decision.allowed,
            reasons=decision.reasons,
            approvers_required=decision.approvers_required,
            requester_signs=decision.requester_signs,
        )


class WarningCode(StrEnum):
    """What an operator should know although nothing is refused for it."""

    SUPERUSER_ROLE = "superuser_role"
    SHADOW_MISSING = "shadow_missing"
    PROVISIONAL_ENDS_SOON = "provisional_ends_soon"
    UNLOCKED = "unlocked"
    QUARANTINED = "quarantined"
    QUARANTINE_NOT_LOADED = "quarantine_not_loaded"
    NEUTRALISED = "neutralised"


class WarningView(Contract):
    """One warning."""

    code: WarningCode
    """The stable code."""
    message: str
    """What is so."""
    remedy: str
    """What to do about it."""


class LaneView(VersionedContract):
    """One lane as an operator sees it."""

    lane: Lane
    """The lane."""
    viewed_at: UtcInstant
    """When this was put together (UTC)."""
    rollout_state: RolloutFact
    """How far the lane has come."""
    authority: AuthorityFact
    """Whether its data is the only true copy."""
    time_left: DurationFact
    """How long the lane stays provisional; unsupported where it is not."""
    allowed_sources: SourcesFact
    """What it may be rebuilt from."""
    requirements: RequirementsView
    """What is asked for before a rebuild."""
    retired: FlagFact
    """Whether it came to its end, so that no data of it is expected."""
    generation: CountFact
    """The generation on record."""
    database: DatabaseFact
    """What stands under its name."""
    locked: FlagFact
    """Whether PostgreSQL refuses to drop it."""
    marker: MarkerFact
    """What its marker is worth."""
    filestore: FilestoreFact
    """Whose files stand in its folder."""
    runtime: RuntimeFact
    """What its runtime said."""
    evidence: EvidenceView
    """Backups of its data."""
    last_rebuild: TextFact
    """The newest operation that was started, in words."""
    kept: tuple[KeptView, ...]
    """What is kept, oldest first."""
    kept_files: tuple[str, ...] = ()
    """Folders in the keep that were set aside without a database; none where nobody looked."""
    unfinished: OperationView | None
    """The operation that holds it."""
    choices: tuple[ChoiceView, ...]
    """Every request that exists, each once."""
    warnings: tuple[WarningView, ...]
    """What else should be known."""

    @model_validator(mode="after")
    def _every_choice_once(self) -> Self:
        pairs = [(each.operation, each.data_source) for each in self.choices]
        if len(pairs) != len(set(pairs)) or set(pairs) != REQUESTS_THAT_EXIST:
            raise ValueError("a view holds every request that exists, each once")
        return self

    def choice(self, operation: Operation, data_source: DataSource) -> ChoiceView:
        """One of the choices. Raises KeyError where it is no request that exists."""
        return {(each.operation, each.data_source): each for each in self.choices}[
            operation, data_source
        ]
