"""Taking over what Launchplane records of lanes: policies, and backups that are our own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.errors import BadInput, LaneAuthorityError
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lane_file import read_lanes
from launchplane_lane_contracts.launchplane_file import profile_lanes, read_profile
from launchplane_lane_contracts.launchplane_record import LaneMapping, LaunchplaneBackupGate
from launchplane_lane_contracts.mistakes import Mistakes
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.policy_comparison import (
    LaneChange,
    LaneComparison,
    compare_policies,
)
from launchplane_lane_contracts.text_file import PlainText, TextFormat, read_text

from .lane_office import LaneOffice
from .launchplane_source import LaunchplaneSource
from .policy_changes import apply_policy, propose_policy
from .recording_evidence import record_evidence

OUR_GATE = "lane_authority_gate"
"""The key of Launchplane's evidence under which our own gate lies, as JSON."""
PASSED = "pass"


class Came(StrEnum):
    """What became of one record."""

    CONTRADICTS = "contradicts"
    UNCHANGED = "unchanged"
    RECORDED = "recorded"
    NEEDS_APPROVALS = "needs_approvals"
    NOT_OURS = "not_ours"
    """A backup of which nothing says whose data, which database and which files it holds."""


@dataclass(frozen=True)
class ImportedLane:
    """One lane of a profile."""

    lane: Lane
    came: Came
    comparison: LaneComparison | None = None
    """What changes, where it can be read."""
    problem: str = ""
    """What contradicts, or why it was not recorded."""
    digest: Digest | None = None
    """What people sign."""
    done: bool = False
    """Whether it was carried out; not in a dry run."""


@dataclass(frozen=True)
class ImportedGate:
    """One record of a backup."""

    record_id: str
    came: Came
    lane: Lane | None = None
    problem: str = ""
    done: bool = False


def import_lanes(
    office: LaneOffice,
    source: LaunchplaneSource,
    mapping: bytes,
    *,
    products: tuple[str, ...],
    person: Person,
    why: str,
    dry_run: bool,
) -> tuple[ImportedLane, ...]:
    """Every lane of the profiles. What tightens is recorded, what loosens is put up for signatures.

    Nothing is recorded where a profile or the mapping cannot be read at all. Raises Mistakes,
    BadInput, CouldNotTell.
    """
    read_lanes(mapping, TextFormat.TOML, LaneMapping)
    # All of it is read before any of it is recorded.
    profiles = [(each, profile_lanes(each)) for each in source.profiles(products)]
    return tuple(
        _lane(office, profile, mapping, lane, person, why, dry_run)
        for profile, lanes in profiles
        for lane in lanes
    )


def _lane(
    office: LaneOffice,
    profile: bytes,
    mapping: bytes,
    lane: Lane,
    person: Person,
    why: str,
    dry_run: bool,
) -> ImportedLane:
    try:
        (found,) = read_profile(profile, mapping, only=lane)
    except Mistakes as problem:
        return ImportedLane(lane, Came.CONTRADICTS, problem=problem.message)
    current = office.store.policy(lane)
    old: tuple[Policy, ...] = (current.policy,) if current else ()
    (compared,) = compare_policies(old, (found.policy,))
    if compared.change is LaneChange.UNCHANGED:
        return ImportedLane(lane, Came.UNCHANGED, compared)
    came = Came.NEEDS_APPROVALS if compared.approvers_required else Came.RECORDED
    if dry_run:
        return ImportedLane(lane, came, compared)
    try:
        proposed = propose_policy(office, found.policy, proposer=person, why=why)
        if came is Came.RECORDED:
            apply_policy(office, proposed.digest)
    except LaneAuthorityError as problem:
        return ImportedLane(lane, Came.CONTRADICTS, compared, problem.message)
    return ImportedLane(lane, came, compared, digest=proposed.digest, done=True)


def gate_records(source: LaunchplaneSource) -> tuple[PlainText, ...]:
    """Every record of a backup, read before anything is recorded. Raises Mistakes, BadInput."""
    records = tuple(read_text(content, TextFormat.JSON) for content in source.gates())
    if not all(isinstance(each.value, dict) for each in records):
        raise BadInput("A record of a backup in Launchplane's state is no object.")
    return records


def import_gates(
    office: LaneOffice, records: Iterable[PlainText], *, dry_run: bool
) -> Iterator[ImportedGate]:
    """Every record of a backup. Only one that carries our own gate says whose data it holds."""
    for record in records:
        yield _gate(office, record, dry_run)


def _gate(office: LaneOffice, text: PlainText, dry_run: bool) -> ImportedGate:
    plain = text.value
    if text.mistakes:
        return ImportedGate(
            str(plain.get("record_id", "")), Came.CONTRADICTS, problem=str(text.mistakes[0])
        )
    known = {name: plain[name] for name in LaunchplaneBackupGate.model_fields if name in plain}
    try:
        record = LaunchplaneBackupGate.from_plain(known)
    except ValidationError:
        return ImportedGate(
            str(plain.get("record_id", "")), Came.CONTRADICTS, problem="it is no backup gate record"
        )
    if record.status != PASSED:
        return ImportedGate(
            record.record_id, Came.CONTRADICTS, problem=f"its status is {record.status}, not pass"
        )
    if OUR_GATE not in record.evidence:
        return ImportedGate(
            record.record_id,
            Came.NOT_OURS,
            problem="it does not say of which generation, database and files it is, so no plan may "
            "be judged by it; capture the lane's backup with `lane-authority backup`",
        )
    try:
        gate = BackupGate.from_json(record.evidence[OUR_GATE])
    except ValidationError:
        return ImportedGate(
            record.record_id, Came.CONTRADICTS, problem=f"its {OUR_GATE} cannot be read"
        )
    if (gate.lane.context, gate.lane.instance) != (record.context, record.instance):
        return ImportedGate(
            record.record_id,
            Came.CONTRADICTS,
            gate.lane,
            f"it is one of {record.context}/{record.instance}, and its gate of lane {gate.lane}",
        )
    if gate in office.store.evidence(gate.lane).gates:
        return ImportedGate(record.record_id, Came.UNCHANGED, gate.lane)
    if dry_run:
        return ImportedGate(record.record_id, Came.RECORDED, gate.lane)
    try:
        record_evidence(office, gate)
    except LaneAuthorityError as problem:
        return ImportedGate(record.record_id, Came.CONTRADICTS, gate.lane, problem.message)
    return ImportedGate(record.record_id, Came.RECORDED, gate.lane, done=True)
