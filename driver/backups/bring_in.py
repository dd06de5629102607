"""`backup import`: what others captured becomes a backup of ours; it is not proven by that."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from launchplane_lane_contracts.backup_answers import BackupCaptured
from launchplane_lane_contracts.contract import UtcInstant
from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.receipt import Outcome

from .. import guard_client
from ..lane_office import LaneOffice, utc_now
from ..recording_evidence import record_imported
from .asking import place, result_of, where_proven

PASSED = "pass"


@dataclass(frozen=True)
class Foreign:
    """What others captured, as the guard sees it."""

    dump: str
    files: str | None
    taken_at: datetime
    """The moment that it holds (UTC), as they say."""
    record: str = ""
    """The name of their record of it, where there is one."""


class _Record(BaseModel):
    """What is read of Launchplane's backup gate record; it has more."""

    model_config = ConfigDict(extra="ignore", strict=True)

    record_id: str
    context: str
    instance: str
    created_at: UtcInstant
    status: str
    evidence: dict[str, str]


def read_record(path: Path, lane: Lane) -> Foreign:
    """What a backup gate record of Launchplane says. Raises BadInput, CouldNotTell.

    Of its evidence, the dump is what has `dump` in its name, and the files `filestore`.
    """
    try:
        record = _Record.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise CouldNotTell(f"{path} cannot be read: {problem.strerror}.") from None
    except ValidationError:
        raise BadInput(
            f"{path} is no backup gate record: it needs record_id, context, instance, created_at, "
            "status and evidence."
        ) from None
    if (record.context, record.instance) != (lane.context, lane.instance):
        raise BadInput(
            f"The record {record.record_id} is of {record.context}/{record.instance}, and the "
            f"lane is {lane}."
        )
    if record.status != PASSED:
        raise BadInput(
            f"The record {record.record_id} says {record.status!r}: that backup failed. Name one "
            "that passed."
        )
    return Foreign(
        dump=_one_of(record, "dump"),
        files=_one_of(record, "filestore"),
        taken_at=record.created_at,
        record=record.record_id,
    )


def _one_of(record: _Record, word: str) -> str:
    found = [value for name, value in record.evidence.items() if word in name and value]
    if len(found) != 1:
        raise BadInput(
            f"The record {record.record_id} names {len(found)} paths with {word!r} in their name, "
            "and one is needed. Name the paths themselves with --dump, --files and --taken-at."
        )
    return found[0]


def bring_in(
    office: LaneOffice, lane: Lane, foreign: Foreign, *, workers: int, accept_lacking: bool = False
) -> BackupCaptured:
    """Have the guard make a backup of it, and record that.

    Raises Refused where the data in it is not known as this lane's, BadInput, CouldNotTell.
    """
    configuration = office.configuration(lane)
    arguments = [
        "import",
        f"--workers={workers}",
        *place(configuration),
        f"--dump={foreign.dump}",
        f"--taken-at={foreign.taken_at.isoformat()}",
        *((f"--files={foreign.files}",) if foreign.files is not None else ()),
        *(("--accept-lacking",) if accept_lacking else ()),
    ]
    receipt = guard_client.ask(
        where_proven(configuration), arguments, timeout=configuration.backup_timeout
    )
    if receipt.outcome is not Outcome.DONE:
        raise guard_client.failure_of(receipt)
    made = result_of(receipt, BackupCaptured)
    if made is None or made.gate.lane != lane:
        raise CouldNotTell("The guard answered with no backup of this lane. Look at its guard.")
    record_imported(office, made.gate)
    office.store.note(
        "backup_imported",
        lane,
        {
            "backup_id": made.gate.backup_id,
            "record": foreign.record,
            "dump": foreign.dump,
            "files": foreign.files,
            "lacking": made.lacking.to_plain(),
        },
        utc_now(),
    )
    return made
