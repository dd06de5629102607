"""Our driver: the hooks, each answered by the module that does the work."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, Digest
from launchplane_lane_contracts.errors import LaneAuthorityError, Refused
from launchplane_lane_contracts.evidence import Evidence
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.request import FreshVolumes, Request
from launchplane_lane_contracts.rules.people_and_host import target_reasons
from launchplane_lane_contracts.vocabulary import DataSource, TargetOrigin

from . import __version__
from .answers import DriverDescription, Verdict
from .descriptor import descriptor
from .effects import BEGINNING_EFFECTS
from .guard_client import show
from .hookspecs import hookimpl
from .host import DRIVER
from .host_approvals import record_host_approval
from .host_directory import HostDirectory
from .host_identity import HostIdentity
from .lane_office import LaneOffice
from .lane_view import lane_view, lane_views
from .notice import Notice
from .operations import finish, is_begun, start, undo
from .planning import authorize, plan
from .recording_evidence import record_evidence
from .store.records import OperationRecord

_LOG = logging.getLogger("launchplane_lane_driver")
# Only an application that set logging up sees it; nothing is written between an answer's lines.
_LOG.addHandler(logging.NullHandler())
SECONDS_FOR_ODOO_TO_START = 120.0


@contextmanager
def _office(host_directory: str) -> Iterator[LaneOffice]:
    """The host, opened for one question."""
    with closing(LaneOffice.open(HostDirectory.open(host_directory))) as office:
        yield office


def _refusal(problem: LaneAuthorityError) -> Verdict:
    return Verdict(
        driver_id=DRIVER, allowed=False, reasons=problem.reasons, message=problem.message
    )


@hookimpl
def launchplane_describe_driver() -> DriverDescription:
    """Who answers."""
    return DriverDescription(
        driver_id=DRIVER,
        label="Odoo lane authority",
        version=__version__,
        rulebook_version=RULEBOOK_VERSION,
        descriptor=descriptor(),
    )


@hookimpl
def launchplane_review_rebuild(host_directory: str, request: Request) -> Plan | Verdict:
    """The dry run."""
    try:
        with _office(host_directory) as office:
            return plan(office, request)
    except LaneAuthorityError as problem:
        return _refusal(problem)


@hookimpl
def launchplane_approve(host_directory: str, digest: str, identity: HostIdentity) -> Verdict:
    """Record that somebody whom the host application has authenticated approves."""
    try:
        with _office(host_directory) as office:
            approval = record_host_approval(office, Digest(digest), identity)
    except LaneAuthorityError as problem:
        return _refusal(problem)
    return Verdict(driver_id=DRIVER, allowed=True, message=f"{approval.person} approved {digest}")


@hookimpl
def launchplane_authorize_rebuild(host_directory: str, plan_digest: str) -> Verdict:
    """Claim the lane for a reviewed plan."""
    try:
        with _office(host_directory) as office:
            operation = authorize(office, Digest(plan_digest))
    except LaneAuthorityError as problem:
        return _refusal(problem)
    return _allowed(operation)


@hookimpl
def launchplane_before_provider_effect(
    host_directory: str,
    lane: Lane,
    effect_name: str,
    data_source: str,
    fresh_volumes: FreshVolumes | None,
    provider_target: LiveTarget | None,
) -> Verdict:
    """Start the authorized operation before the destroying effect; check before any other."""
    try:
        with _office(host_directory) as office:
            operation = _started(
                office, lane, effect_name, data_source, fresh_volumes, provider_target
            )
    except LaneAuthorityError as problem:
        return _refusal(problem)
    return _allowed(operation)


def _started(
    office: LaneOffice,
    lane: Lane,
    effect_name: str,
    data_source: str,
    fresh_volumes: FreshVolumes | None,
    provider_target: LiveTarget | None,
) -> OperationRecord:
    operation = _live(office, lane, f"`{effect_name}` would change it")
    _refuse_another_workflow(operation, effect_name, data_source)
    _refuse_other_volumes(operation, effect_name, fresh_volumes)
    _refuse_other_target(office, lane, effect_name, provider_target)
    if effect_name in BEGINNING_EFFECTS:
        if is_begun(operation):
            if _data_stays(office, operation):
                # A change that failed is rolled back, or tried again, as the same operation.
                return operation
            raise Refused.because(_begun_before(operation, effect_name))
        return start(office, operation.operation_id)
    if not is_begun(operation):
        raise Refused.because(
            reason(
                ReasonCode.PERMIT_NOT_BEGUN,
                f"Operation {operation.operation_id} is {operation.phase}: its data was not set "
                f"aside, and `{effect_name}` would change it.",
                "Let the workflow begin with the effect that replaces the data.",
                effect=effect_name,
            )
        )
    return operation


def _data_stays(office: LaneOffice, operation: OperationRecord) -> bool:
    """Whether the operation lets the data stay, and that very database still stands there."""
    if operation.plan.target.request.data_source is not DataSource.EXISTING:
        return False
    entry = show(office.configuration(operation.lane)).database.entry
    return entry is not None and entry.oid == operation.plan.observation.database.oid


def _begun_before(operation: OperationRecord, effect_name: str) -> Reason:
    """A second run of the workflow would drop what the first one left, which nobody set aside."""
    return reason(
        ReasonCode.PERMIT_ALREADY_BEGUN,
        f"Operation {operation.operation_id} is {operation.phase}: its permit was good for one "
        f"rebuild, and `{effect_name}` would begin another over what stands there now.",
        f"Finish it (`lane-authority finish {operation.operation_id}`) or put the old data back "
        f"(`lane-authority undo {operation.operation_id}`); then plan the next rebuild.",
        operation_id=operation.operation_id,
        effect=effect_name,
    )


def _refuse_another_workflow(
    operation: OperationRecord, effect_name: str, data_source: str
) -> None:
    """Refuse the effect of a workflow that does something else than what was authorized."""
    request = operation.plan.target.request
    served = BEGINNING_EFFECTS.get(effect_name)
    if served is None:
        return
    # Where one effect serves several modes, the mode must be told, and be the authorized one.
    told = data_source or (next(iter(served))[1] if len({each[1] for each in served}) == 1 else "")
    if (request.operation, request.data_source) in served and told == request.data_source:
        return
    raise Refused.because(
        reason(
            ReasonCode.NO_OPERATION_AUTHORIZED,
            f"Operation {operation.operation_id} is {request.operation}/{request.data_source}, "
            f"and `{effect_name}` is part of another workflow: "
            f"{' or '.join(sorted('/'.join(each) for each in served))}"
            + (f", asked for with {data_source}." if data_source else ", its mode not told."),
            "Run the workflow that was authorized, or give the operation up and plan the one "
            "that is wanted.",
            operation_id=operation.operation_id,
            effect=effect_name,
        )
    )


def _refuse_other_volumes(
    operation: OperationRecord, effect_name: str, named: FreshVolumes | None
) -> None:
    """Refuse a workflow that names other volumes than those that were authorized.

    One that names none is told from it by `finish`, which sees the cluster.
    """
    authorized = operation.plan.target.request.fresh_volumes
    if effect_name not in BEGINNING_EFFECTS or named is None or named == authorized:
        return
    raise Refused.because(
        reason(
            ReasonCode.NO_OPERATION_AUTHORIZED,
            f"Operation {operation.operation_id} was authorized "
            f"{_volumes_in_words(authorized)}, and `{effect_name}` would put the lane "
            f"{_volumes_in_words(named)}.",
            "Plan again with the volumes that the workflow names (`lane-authority plan "
            "--database-volume OLD=NEW`), or run it with those that were authorized.",
            operation_id=operation.operation_id,
            effect=effect_name,
        )
    )


def _refuse_other_target(
    office: LaneOffice, lane: Lane, effect_name: str, told: LiveTarget | None
) -> None:
    """Refuse to act on another target of the provider's than the policy in force names.

    The one that was planned with says nothing of where a record points by now. Effects that come
    after the first need not tell it again.
    """
    revision = office.store.policy(lane)
    recorded = revision.policy.provider_target if revision is not None else None
    if told is None and effect_name not in BEGINNING_EFFECTS:
        return
    if told is not None and told.read_from is not TargetOrigin.PROVIDER:
        # Here nothing but the provider's own answer counts, whoever says so.
        told = told.model_copy(update={"read_from": TargetOrigin.RECORD})
    reasons = tuple(target_reasons(recorded, told))
    if reasons:
        raise Refused.because(*reasons)


def _volumes_in_words(volumes: FreshVolumes | None) -> str:
    if volumes is None:
        return "on the volumes that are there"
    words = f"from volume {volumes.database_before} to {volumes.database_after}"
    if volumes.files_before is not None:
        words += f", its files from {volumes.files_before} to {volumes.files_after}"
    return words


def _live(office: LaneOffice, lane: Lane, purpose: str) -> OperationRecord:
    operation = office.store.live_operation(lane)
    if operation is None:
        raise Refused.because(
            reason(
                ReasonCode.NO_OPERATION_AUTHORIZED,
                f"No operation is authorized on lane {lane}, and {purpose}.",
                "Plan the operation and authorize it (`lane-authority plan`, `lane-authority "
                "authorize`), then let Launchplane go on.",
                lane=lane,
            )
        )
    return operation


def _allowed(operation: OperationRecord) -> Verdict:
    return Verdict(
        driver_id=DRIVER,
        allowed=True,
        message=f"operation {operation.operation_id} is {operation.phase}",
        operation_id=operation.operation_id,
    )


@hookimpl
def launchplane_finish_rebuild(
    host_directory: str, lane: Lane, succeeded: bool, report: str
) -> Verdict:
    """Settle what was begun."""
    try:
        with _office(host_directory) as office:
            operation = finish(
                office,
                _live(office, lane, "there is nothing to finish").operation_id,
                # Whoever calls may hand over a word, which is true whatever it says.
                succeeded=succeeded is True,
                report=report.encode(errors="backslashreplace").decode(),
                wait_for_runtime=SECONDS_FOR_ODOO_TO_START,
            )
    except LaneAuthorityError as problem:
        return _refusal(problem)
    return _allowed(operation)


@hookimpl
def launchplane_undo_rebuild(host_directory: str, lane: Lane) -> Verdict:
    """Put the old data back, or give the claim up."""
    try:
        with _office(host_directory) as office:
            operation = undo(office, _live(office, lane, "there is nothing to undo").operation_id)
    except LaneAuthorityError as problem:
        return _refusal(problem)
    return _allowed(operation)


@hookimpl
def launchplane_record_evidence(host_directory: str, evidence: Evidence) -> Verdict:
    """Put a gate, a proof or a declared source on record."""
    try:
        with _office(host_directory) as office:
            lane = record_evidence(office, evidence)
    except LaneAuthorityError as problem:
        return _refusal(problem)
    return Verdict(driver_id=DRIVER, allowed=True, message=f"recorded for lane {lane}")


@hookimpl
def launchplane_notify(notice: Notice) -> None:
    """Write it to the log of the application that we run in."""
    _LOG.warning("%s: %s %s", notice.kind.value, notice.message, notice.remedy)


@hookimpl
def launchplane_lane_view(host_directory: str, lane: Lane) -> LaneView:
    """One lane, asked now."""
    with _office(host_directory) as office:
        return lane_view(office, lane)


@hookimpl
def launchplane_lane_views(host_directory: str) -> Sequence[LaneView]:
    """Every lane that is configured or has a policy."""
    with _office(host_directory) as office:
        return tuple(lane_views(office))
