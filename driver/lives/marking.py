"""Writing a lane's marker outside a rebuild: stamped, seen by both witnesses, recorded."""

from collections.abc import Mapping

from launchplane_lane_contracts.contract import DatabaseName, Digest
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Lineage, Marker, PhysicalIdentity
from launchplane_lane_contracts.orders import PrepareOrder, StampOrder
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.vocabulary import FilestoreState, MarkerState

from ..guard_client import carry_out
from ..lane_office import LaneOffice, new_nonce, utc_now
from ..order_head import order_head
from ..stamping import stamp
from .life import Asked, LifePlan, Seen, see
from .place import no_witness_contradicts


def mark(
    office: LaneOffice,
    plan: LifePlan,  # type: ignore[type-arg]
    kind: str,
    *,
    authoritative: bool,
    generation: int | None = None,
    left_behind: Mapping[DatabaseName, str] | None = None,
    copy_of: Lane | None = None,
) -> Marker:
    """Give the data at the lane's place a marker and record it; of a new generation unless told."""
    seen = plan.seen
    entry = seen.reading.database.entry
    revision = seen.revision
    assert entry is not None
    assert revision is not None
    marker = Marker(
        lane=seen.asked.lane,
        policy=revision.policy,
        policy_revision=revision.number,
        authoritative=authoritative,
        generation=generation or office.store.new_generation(seen.asked.lane),
        nonce=new_nonce(),
        identity=_identity(office, seen),
        filestore_path=seen.observation.filestore.path,
        lineage=Lineage(),
        stamped_at=utc_now(),
    )
    # Locked only where Odoo itself has said that it goes on serving a locked database.
    lock = authoritative and (entry.locked or seen.observation.runtime.stays_listed_when_locked)
    stamp(
        office,
        marker,
        permit_id=None,
        lock=lock,
        replaces=Digest(seen.reading.database.marker_digest)
        if seen.reading.database.marker_digest is not None
        else None,
        document_digest=plan.digest,
        copy_of=copy_of,
    )
    return record_marked(office, marker, plan.digest, kind, left_behind=left_behind)


def _identity(office: LaneOffice, seen: Seen) -> PhysicalIdentity:
    """Where the data stands; a database without the marker's table gets an empty one."""
    database = seen.reading.database
    identity = database.identity()
    if identity is not None:
        return identity
    assert database.entry is not None
    prepare = PrepareOrder(
        **order_head(seen.asked.lane, database.name, seen.observation.filestore.path),
        database_oid=database.entry.oid,
    )
    _receipt, reading = carry_out(
        seen.configuration, "prepare", office.sign(prepare), prepare.nonce
    )
    made = reading.database.identity()
    assert made is not None
    return made


def record_marked(
    office: LaneOffice,
    marker: Marker,
    digest: Digest,
    kind: str,
    *,
    left_behind: Mapping[DatabaseName, str] | None = None,
) -> Marker:
    """See with both witnesses that the marker binds, and record the data.

    `left_behind` names kept data that stays where the data was before, each with the ground; None
    where the data did not move.
    """
    expected = office.store.host_record(marker.lane).model_copy(
        update={
            "generation": marker.generation,
            "nonce": marker.nonce,
            "identity": marker.identity,
            "filestore_path": marker.filestore_path,
            "declared_lost": False,
        }
    )
    observation = office.observe(office.look(expected))
    bound = observation.marker.state is MarkerState.BOUND
    ours = observation.filestore.state is FilestoreState.OURS
    contradictions = tuple(no_witness_contradicts(observation))
    if not bound or not ours or contradictions:
        raise Refused.because(
            reason(
                ReasonCode.READINGS_MOVED,
                f"The marker was written, and the lane is not as it should be: marker "
                f"{observation.marker.state} ({observation.marker.detail}), files "
                f"{observation.filestore.state} ({observation.filestore.detail}).",
                "Put that right and run the same command again: it goes on from here.",
            ),
            *contradictions,
        )
    office.store.record_data(
        marker.lane,
        generation=marker.generation,
        nonce=marker.nonce,
        identity=marker.identity,
        filestore_path=marker.filestore_path,
        now=utc_now(),
        kind=kind,
        life_digest=digest,
        left_behind=left_behind,
        ledger_document={"digest": digest},
    )
    return marker


def marked_before(
    office: LaneOffice,
    asked: Asked,
    digest: Digest,
    kind: str,
    *,
    left_behind: Mapping[DatabaseName, str] | None = None,
) -> Marker | None:
    """Go on where an earlier run had the row written and died: stamp it once more, and record it.

    The tags may not be there yet; writing the same once more changes nothing.
    """
    seen = see(office, asked)
    database = seen.reading.database
    row = database.marker_row
    order = office.keys.verify_marker(row.token).order if row is not None else None
    if (
        row is None
        or not isinstance(order, StampOrder)
        or order.document_digest != digest
        or order.marker.identity != database.identity()
        or not row.says_the_same_as(order.marker.row(row.token))
        or order.marker.generation < (seen.record.generation or 0)
        or order.marker.nonce == seen.record.nonce
        or seen.record.unfinished is not None
    ):
        return None
    stamp(
        office,
        order.marker,
        permit_id=None,
        lock=order.lock,
        replaces=None,
        document_digest=digest,
    )
    return record_marked(office, order.marker, digest, kind, left_behind=left_behind)
