"""`lower`: where the policy no longer calls data the only true copy, its marker does not either.

`policy apply` does it at once with the signatures under the change, which say so. Later, or for a
claim or marker that the change did not name, it is signed by itself.
"""

from collections.abc import Iterator

from launchplane_lane_contracts.contract import Digest, Nonce
from launchplane_lane_contracts.lives import Lowering
from launchplane_lane_contracts.marker import Lineage, Marker
from launchplane_lane_contracts.observation import MarkerObservation
from launchplane_lane_contracts.orders import LowerOrder
from launchplane_lane_contracts.policy import PolicyRevision, effective_policy
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from ..guard_client import carry_out
from ..lane_office import LaneOffice, new_nonce, utc_now
from ..order_head import order_head
from ..store.store import LOWERED
from .life import Life, LifePlan, Seen, see
from .marking import record_marked
from .place import no_witness_contradicts, the_data_is_bound, the_lane_is_known_and_free


class Lower(Life[Lowering]):
    """Takes authority, and a claim, from exactly the marker that is there."""

    kind = "lowering"
    command = "lower"
    document = Lowering

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be bound data in order, that nothing but its own marker protects."""
        yield from the_lane_is_known_and_free(seen)
        yield from no_witness_contradicts(seen.observation)
        disorder = tuple(the_data_is_bound(seen, ReasonCode.MARKER_ABSENT))
        yield from disorder
        if not disorder and not _says_more(seen.observation.marker):
            yield reason(
                ReasonCode.NOTHING_TO_DO,
                "The marker in the lane's database neither calls its data the only true copy nor "
                "is claimed, so there is nothing to lower.",
                "Plan an operation on the lane; the plan says what else protects its data.",
            )
        if seen.revision is not None and policy_protects(seen.revision):
            yield reason(
                ReasonCode.POLICY_PROTECTS,
                f"Policy revision {seen.revision.number} in force calls the data the only true "
                "copy, and a marker never says less.",
                "Propose a policy that does not (`lane-authority policy propose`), which two "
                "approvers besides you sign; applying it lowers the marker.",
            )

    def proposed(self, seen: Seen) -> Lowering:
        """The marker that loses what it says, and whose signatures already say so."""
        assert seen.revision is not None
        assert seen.record.generation is not None
        assert seen.record.nonce is not None
        carried = seen.revision.change_digest if _is_carried(seen) else None
        return Lowering(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            policy_revision=seen.revision.number,
            generation=seen.record.generation,
            lowers_nonce=seen.record.nonce,
            authoritative=seen.observation.marker.authoritative,
            claimed=seen.observation.marker.claimed,
            carried_by=carried,
        )

    def words(self, document: Lowering) -> tuple[str, ...]:
        """A lowering in words."""
        said = [
            *(("calls it the only true copy",) if document.authoritative else ()),
            *(("carries a claim of protection from inside Odoo",) if document.claimed else ()),
        ]
        return (
            f"LOWER the marker of the data of lane {document.lane}, generation "
            f"{document.generation}, asked for by {document.requester}: {document.reason}",
            f"Found:      the marker {' and '.join(said)}",
            f"Afterwards: neither; the data may be replaced as policy revision "
            f"{document.policy_revision} says, and PostgreSQL no longer refuses to drop it.",
            *(
                (f"Signed:     with that policy change ({document.carried_by})",)
                if document.carried_by is not None
                else ()
            ),
        )

    def act(self, office: LaneOffice, plan: LifePlan[Lowering]) -> str:
        """Replace exactly that marker; the data keeps its generation."""
        seen, revision = plan.seen, plan.seen.revision
        identity = seen.reading.database.identity()
        assert revision is not None
        assert identity is not None
        marker = Marker(
            lane=seen.asked.lane,
            policy=revision.policy,
            policy_revision=revision.number,
            authoritative=False,
            generation=plan.document.generation,
            nonce=new_nonce(),
            identity=identity,
            filestore_path=seen.observation.filestore.path,
            lineage=Lineage(),
            stamped_at=utc_now(),
        )
        found = seen.reading.database.marker_digest
        assert found is not None
        return _lower(office, marker, plan.document, plan.digest, Digest(found))

    def go_on(self, office: LaneOffice, document: Lowering, digest: Digest) -> str | None:
        """The lowered marker may stand there already, and still be locked."""
        if not office.store.life_was_begun(document.lane, digest):
            return None
        seen = see(office, self.asked(document))
        row = seen.reading.database.marker_row
        order = office.keys.verify_marker(row.token).order if row is not None else None
        if (
            not isinstance(order, LowerOrder)
            or seen.record.nonce != document.lowers_nonce
            or order.lowers_nonce != document.lowers_nonce
            or order.marker.identity != seen.reading.database.identity()
            or seen.record.unfinished is not None
        ):
            return None
        return _lower(office, order.marker, document, digest, order.lowers_digest)


def policy_protects(revision: PolicyRevision) -> bool:
    """Whether the policy alone, or its end, makes the data the only true copy now."""
    return effective_policy(
        revision.policy, utc_now(), marker_authoritative=False, claimed=False
    ).authoritative


def may_be_lowered_at_once(seen: Seen) -> bool:
    """Whether the signatures under the policy in force were given for this marker as it is."""
    return (
        seen.revision is not None
        and not policy_protects(seen.revision)
        and _says_more(seen.observation.marker)
        and _is_carried(seen)
    )


def says_more_than_the_policy(seen: Seen) -> bool:
    """Whether only the marker, or a claim, still protects the data."""
    return (
        seen.revision is not None
        and not policy_protects(seen.revision)
        and _says_more(seen.observation.marker)
    )


def _says_more(marker: MarkerObservation) -> bool:
    return marker.authoritative or marker.claimed


def _is_carried(seen: Seen) -> bool:
    change = seen.lowering_change
    if change is None or change.lowers != seen.record.generation:
        return False
    # A claim that nobody saw who signed is not theirs to take away.
    return change.lowers_claim or not seen.observation.marker.claimed


def _lower(
    office: LaneOffice,
    marker: Marker,
    document: Lowering,
    digest: Digest,
    lowers_digest: Digest | None,
) -> str:
    order = LowerOrder(
        **order_head(marker.lane, marker.identity.database_name, marker.filestore_path),
        lowers_nonce=Nonce(document.lowers_nonce),
        lowers_digest=lowers_digest,
        marker=marker,
        lock=False,
    )
    carry_out(office.configuration(marker.lane), "lower", office.sign(order), order.nonce)
    record_marked(office, marker, digest, LOWERED)
    return (
        f"Lane {document.lane}: the marker of generation {marker.generation} is lowered; its data "
        f"may be replaced as policy revision {document.policy_revision} says."
    )
