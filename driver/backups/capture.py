"""`backup capture`: the guard makes a backup of recorded data, and its gate goes on record."""

from collections.abc import Iterator
from contextlib import contextmanager

from launchplane_lane_contracts.backup_answers import BackupCaptured
from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.orders import KeptReference, OpenOrder
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.receipt import Outcome

from .. import guard_client
from ..lane_configuration import LaneConfiguration
from ..lane_office import LaneOffice, utc_now
from ..order_head import order_head
from ..recording_evidence import record_evidence
from .asking import place, result_of


def capture_live(
    office: LaneOffice, lane: Lane, *, workers: int, accept_lacking: bool = False
) -> BackupCaptured:
    """Capture the lane's recorded data. Raises Refused, CouldNotTell, Busy; then none was made."""
    configuration = office.configuration(lane)
    _require_recorded_data(office, configuration)
    return _capture(office, configuration, None, workers, accept_lacking=accept_lacking)


def capture_kept(
    office: LaneOffice,
    lane: Lane,
    name: DatabaseName,
    *,
    workers: int,
    accept_lacking: bool = False,
) -> BackupCaptured:
    """Capture kept data, which is opened for reading and closed again.

    Raises Refused, CouldNotTell, Busy; then none was made.
    """
    kept = _kept_on_record(office, lane, name)
    with _opened(office, kept):
        configuration = office.configuration(lane)
        return _capture(office, configuration, name, workers, accept_lacking=accept_lacking)


def _capture(
    office: LaneOffice,
    configuration: LaneConfiguration,
    database: DatabaseName | None,
    workers: int,
    *,
    accept_lacking: bool,
) -> BackupCaptured:
    arguments = [
        "capture",
        f"--workers={workers}",
        *place(configuration),
        *(("--database", database) if database is not None else ()),
        *(("--accept-lacking",) if accept_lacking else ()),
    ]
    receipt = guard_client.ask(configuration, arguments, timeout=configuration.backup_timeout)
    if receipt.outcome is not Outcome.DONE:
        raise guard_client.failure_of(receipt)
    captured = result_of(receipt, BackupCaptured)
    if captured is None or captured.gate.lane != configuration.lane:
        raise CouldNotTell("The guard answered with no backup of this lane. Look at its guard.")
    record_evidence(office, captured.gate)
    if captured.lacking.count:
        office.store.note(
            "backup_lacks_files",
            configuration.lane,
            {"backup_id": captured.gate.backup_id, "lacking": captured.lacking.to_plain()},
            utc_now(),
        )
    return captured


def _require_recorded_data(office: LaneOffice, configuration: LaneConfiguration) -> None:
    """Raise Refused, before hours of work, when what stands there is not what is on record."""
    record = office.store.host_record(configuration.lane)
    database = guard_client.show(configuration).database
    if database.server is None:
        raise CouldNotTell(f"Lane {configuration.lane} cannot be read: {database.problem}.")
    entry, identity = database.entry, record.identity
    if (
        entry is not None
        and identity is not None
        and (entry.oid, database.server.system_identifier)
        == (identity.database_oid, identity.system_identifier)
    ):
        return
    raise Refused.because(
        reason(
            ReasonCode.BACKUP_GATE_OTHER_DATA,
            f"What stands at lane {configuration.lane}'s place is not the data that is on record, "
            "so a backup of it would prove nothing of the lane.",
            "Look at the lane (`lane-authority lane`): finish or undo what is unfinished, enrol "
            "data that was never recorded, or adopt it.",
            lane=configuration.lane,
        )
    )


def _kept_on_record(office: LaneOffice, lane: Lane, name: DatabaseName) -> KeptData:
    for kept in office.store.host_record(lane).kept:
        if kept.name == name:
            return kept
    raise Refused.because(
        reason(
            ReasonCode.KEPT_UNKNOWN,
            f"Nothing of lane {lane} is recorded as kept under the name {name}.",
            f"Look at what is kept (`lane-authority lane {lane}`) and name one of those.",
        )
    )


@contextmanager
def _opened(office: LaneOffice, kept: KeptData) -> Iterator[None]:
    """Kept data, open for reading until the end of the block."""
    configuration = office.configuration(kept.lane)
    order = OpenOrder(
        **order_head(kept.lane, configuration.database, configuration.filestore_path),
        kept=(
            KeptReference(
                name=kept.name,
                database_oid=kept.database_oid,
                generation=kept.generation,
                permit_id=kept.permit_id,
            ),
        ),
    )
    token = office.sign(order)
    guard_client.carry_out(configuration, "open", token, order.nonce)
    try:
        yield
    finally:
        # The same order closes again, at any time.
        guard_client.carry_out(configuration, "open", token, order.nonce, options=("--close",))
