"""What Launchplane records of a lane's data, and what our operator adds to it."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from .contract import Contract, Duration, UtcInstant
from .lane import Lane
from .policy import UpstreamSource
from .vocabulary import RolloutState


class DataAuthority(StrEnum):
    """Launchplane's words for what a lane's data is worth."""

    UNKNOWN = "unknown"
    RESETTABLE = "resettable"
    RESTORABLE = "restorable"
    AUTHORITATIVE = "authoritative"


class RebuildSource(StrEnum):
    """Launchplane's words for what a lane may be rebuilt from."""

    EMPTY = "empty"
    UPSTREAM_RESTORE = "upstream_restore"


class SourceMode(StrEnum):
    """Launchplane's words for what a rebuild brings."""

    UNSAID = ""
    EXISTING = "existing"
    EMPTY = "empty"
    UPSTREAM_RESTORE = "upstream_restore"


class LaunchplaneDataPolicy(Contract):
    """`odoo_data_policy` of one lane."""

    data_authority: DataAuthority = DataAuthority.UNKNOWN
    """What the data is worth."""
    allowed_rebuild_sources: tuple[RebuildSource, ...] = ()
    """What the lane may be rebuilt from."""
    upstream_source: str = ""
    """The upstream source, in somebody's own words."""
    requires_backup_before_destroy: bool = True
    """Whether a backup is asked for."""
    requires_restore_proof: bool = True
    """Whether a proof of that backup is asked for."""
    requires_runtime_identity: bool = True
    """Whether the runtime must say who it is."""


class LaunchplaneRebuildSwitch(Contract):
    """`odoo_stable_bootstrap` or `odoo_prelaunch_rebuild` of one lane."""

    enabled: bool = False
    """Whether that kind of rebuild is switched on."""
    approval_issue_url: str = ""
    """Where people agreed to it."""
    data_source_mode: SourceMode = SourceMode.UNSAID
    """What it brings."""
    confirmation: str = ""
    """The phrase that is to be typed; ours has no use for it."""
    expected_target_name: str = ""
    """The provider's name of the target."""
    expected_domains: tuple[str, ...] = ()
    """The domains that the target serves."""


class LaunchplaneLane(Contract):
    """The part of a product profile's lane that decides about its data."""

    lane: Lane
    """Product, context and instance."""
    odoo_data_policy: LaunchplaneDataPolicy = LaunchplaneDataPolicy()
    """What is said about the data."""
    odoo_stable_bootstrap: LaunchplaneRebuildSwitch = LaunchplaneRebuildSwitch()
    """The switch of the stable bootstrap."""
    odoo_prelaunch_rebuild: LaunchplaneRebuildSwitch = LaunchplaneRebuildSwitch()
    """The switch of the rebuild before launch."""


class LaunchplaneBackupGate(Contract):
    """Launchplane's record that a backup was taken, as far as we look at it."""

    record_id: str
    """Its own identifier."""
    context: str
    """The lane's context."""
    instance: str
    """The lane's instance."""
    status: str
    """How it ended; `pass` alone is good."""
    evidence: dict[str, str] = {}
    """What it points to. Our own gate may lie in it, as JSON under `lane_authority_gate`."""


class LaneMapping(Contract):
    """What Launchplane's record cannot say of a lane, from the operator's mapping file."""

    lane: Lane
    """The lane."""
    rollout_state: RolloutState
    """How far the lane has come."""
    provisional_until: UtcInstant | None = None
    """The instant (UTC) from which a provisional lane is treated as production."""
    backup_max_age: Duration | None = None
    """How old a backup may be; our default where it is left out."""
    replaced_kept_for: Duration | None = None
    """How long what a rebuild replaces is kept; our default where it is left out."""
    upstream_text: str | None = None
    """The words of Launchplane's `upstream_source` that `upstream_source` stands for."""
    upstream_source: UpstreamSource | None = None
    """The same source in full."""
    target_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """The provider's own identifier of the target."""
