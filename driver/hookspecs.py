"""The hooks of a Launchplane driver, and when each of them fires.

Every hook is answered by every registered driver; `host` asks them all and treats silence, an
exception and an unexpected type as a refusal. A second driver can veto and never allow what
another one refused.
"""

from collections.abc import Sequence

import pluggy

from launchplane_lane_contracts.evidence import Evidence
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.request import FreshVolumes, Request

from .answers import DriverDescription, Verdict
from .host_identity import HostIdentity
from .notice import Notice

PROJECT_NAME = "launchplane"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


@hookspec
def launchplane_describe_driver() -> DriverDescription:
    """Fires when the host loads its drivers; tells who it is, its rule book and its actions."""
    raise NotImplementedError


@hookspec
def launchplane_review_rebuild(host_directory: str, request: Request) -> Plan | Verdict:
    """Fires when somebody wants to know what a rebuild would do. Nothing is changed."""
    raise NotImplementedError


@hookspec
def launchplane_approve(host_directory: str, digest: str, identity: HostIdentity) -> Verdict:
    """Fires when somebody whom the host application has authenticated approves a digest.

    Nobody types that identity: the host application alone says who is logged in.
    """
    raise NotImplementedError


@hookspec
def launchplane_authorize_rebuild(host_directory: str, plan_digest: str) -> Verdict:
    """Fires when a reviewed plan is to be authorized, before the lane is claimed."""
    raise NotImplementedError


@hookspec
def launchplane_before_provider_effect(
    host_directory: str,
    lane: Lane,
    effect_name: str,
    data_source: str,
    fresh_volumes: FreshVolumes | None,
    provider_target: LiveTarget | None,
) -> Verdict:
    """Fires just before each effect of the provider: the last moment at which no means no.

    `data_source` is the mode that the workflow itself was asked for, empty when it has none;
    `fresh_volumes` are those that it names, where it names any; `provider_target` is the target
    that is about to be acted on, read from the provider for this effect.

    The driver that answers for the lane signs the permit here and has the data set aside.
    """
    raise NotImplementedError


@hookspec
def launchplane_finish_rebuild(
    host_directory: str, lane: Lane, succeeded: bool, report: str
) -> Verdict:
    """Fires after the materialiser has reported, whether it succeeded or not."""
    raise NotImplementedError


@hookspec
def launchplane_undo_rebuild(host_directory: str, lane: Lane) -> Verdict:
    """Fires when somebody wants the old data back, or gives a claim up, before it is settled."""
    raise NotImplementedError


@hookspec
def launchplane_record_evidence(host_directory: str, evidence: Evidence) -> Verdict:
    """Fires when a backup was captured or proven, or a tenant's declared source was read."""
    raise NotImplementedError


@hookspec
def launchplane_lane_view(host_directory: str, lane: Lane) -> LaneView:
    """Fires when somebody looks at one lane. Nothing is changed."""
    raise NotImplementedError


@hookspec
def launchplane_lane_views(host_directory: str) -> Sequence[LaneView]:
    """Fires when somebody looks at the lanes. Nothing is changed."""
    raise NotImplementedError


@hookspec
def launchplane_notify(notice: Notice) -> None:
    """Fires after something that people should hear of. It is too late to change anything.

    Whatever an answer is or does, how long it takes and whether there is one, is of no consequence.
    """
    raise NotImplementedError
