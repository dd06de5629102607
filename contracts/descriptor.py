"""A driver as Launchplane's screens read it: what it is, what it can do, and who may ask for it."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from .contract import Contract, VersionedContract
from .reasons import Reason

Route = Annotated[str, StringConstraints(pattern=r"^/v1/drivers/[a-z0-9-]+/[a-z0-9_/{}-]+$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


class ActionSafety(StrEnum):
    """What an action may do."""

    READ = "read"
    SAFE_WRITE = "safe_write"
    MUTATION = "mutation"
    DESTRUCTIVE = "destructive"


class ActionScope(StrEnum):
    """What an action is about."""

    LANE = "lane"
    OPERATION = "operation"
    HOST = "host"


class DriverAction(Contract):
    """One thing that the driver can be asked for."""

    action_id: Identifier
    """Its stable name."""
    label: str
    """The same for people."""
    description: str
    """What it does."""
    scope: ActionScope
    """What it is about."""
    route_path: Route
    """Where it is asked for."""
    method: Literal["GET", "POST"]
    """How; GET changes nothing."""
    authz_action: Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
    """The right that the one who asks must have."""
    safety: ActionSafety
    """What it may do."""
    operator_visible: bool
    """Whether operators see it on their screens."""
    writes_records: tuple[Identifier, ...] = ()
    """The kinds of record that it writes."""
    enabled: bool = True
    """Whether it can be asked for now; of a lane, where the descriptor is of one."""
    disabled_reasons: tuple[Reason, ...] = ()
    """Why not, in full; empty exactly when it is enabled."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.enabled is bool(self.disabled_reasons):
            raise ValueError("an action is enabled, or it has the reasons why not")
        if (self.method == "GET") is not (self.safety is ActionSafety.READ):
            raise ValueError("GET is for what only reads, and for all of that")
        if self.safety is ActionSafety.READ and self.writes_records:
            raise ValueError("what only reads writes no records")
        return self


class DriverCapability(Contract):
    """One thing that the driver is good for."""

    capability_id: Identifier
    """Its stable name."""
    label: str
    """The same for people."""
    description: str
    """What it means."""
    actions: tuple[Identifier, ...]
    """The actions that it consists of."""


class SettingGroup(Contract):
    """Settings that belong together on a screen."""

    group_id: Identifier
    """Its stable name."""
    label: str
    """The same for people."""
    description: str
    """What they say."""
    fields: tuple[Identifier, ...]
    """The fields of the policy that it shows."""


class DriverDescriptor(VersionedContract):
    """The driver as a whole."""

    driver_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    """Its name."""
    base_driver_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    """The driver that it stands in front of."""
    label: str
    """The same for people."""
    product: str
    """The product that it is for; empty when it is for every one of the base driver's."""
    description: str
    """What it does."""
    context_patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    """The contexts that it is for, as shell patterns."""
    provider_boundary: str
    """What it does itself, and what it leaves to the provider."""
    capabilities: tuple[DriverCapability, ...]
    """What it is good for."""
    actions: tuple[DriverAction, ...]
    """What it can be asked for."""
    setting_groups: tuple[SettingGroup, ...]
    """What of a policy is shown together."""

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        names = [each.action_id for each in self.actions]
        if len(names) != len(set(names)):
            raise ValueError("two actions have one name")
        if any(not set(each.actions) <= set(names) for each in self.capabilities):
            raise ValueError("a capability names an action that is not there")
        prefix = f"/v1/drivers/{self.driver_id}/"
        if any(not each.route_path.startswith(prefix) for each in self.actions):
            raise ValueError(f"every route starts with {prefix}")
        return self

    def action(self, action_id: str) -> DriverAction:
        """One of the actions. Raises KeyError where there is none of that name."""
        return {each.action_id: each for each in self.actions}[action_id]
