"""`release`: kept data goes, when it is due, or when people have signed for it."""

from collections.abc import Iterator
from dataclasses import replace

from launchplane_lane_contracts.contract import DatabaseName, Digest, Person
from launchplane_lane_contracts.errors import LaneAuthorityError, Refused
from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.judgement import kept_is_unchanged
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import Release
from launchplane_lane_contracts.orders import (
    GivenUp,
    KeptReference,
    NotAuthoritative,
    ReleaseBasis,
    ReleaseOrder,
)
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .. import guard_client
from ..backups.asking import place
from ..backups.pins import pin
from ..lane_office import LaneOffice, utc_now
from ..order_head import order_head
from .life import Asked, Life, LifePlan, Seen, carry_out, look, see
from .place import the_lane_is_known_and_free


class ReleaseKept(Life[Release]):
    """The only way in which a lane's data is dropped."""

    kind = "release"
    command = "release"
    document = Release
    needs_reason = False

    def refusals(self, seen: Seen) -> Iterator[Reason]:
        """It must be kept data as it was recorded, on a lane where nothing is unfinished."""
        yield from the_lane_is_known_and_free(seen)
        kept = _kept(seen)
        if kept is None:
            yield reason(
                ReasonCode.KEPT_UNKNOWN,
                f"Nothing of lane {seen.asked.lane} is recorded as kept under the name "
                f"{seen.asked.kept}.",
                f"Look at what is kept (`lane-authority lane {seen.asked.lane}`) and name one of "
                "those.",
            )
            return
        if not kept_is_unchanged(seen.reading.database, seen.reading.keep, kept):
            yield reason(
                ReasonCode.KEPT_CHANGED,
                f"The kept data {kept.name} is not as it was recorded, or cannot be seen.",
                "If it was renamed or moved, put it back under its name; if something else stands "
                "there, move that away. Then try again.",
            )
        if seen.kept_on_record_as:
            yield reason(
                ReasonCode.MARKER_FOREIGN,
                f"{kept.name} is on record as {seen.kept_on_record_as} as well, so it is not this "
                "lane's to release.",
                "Find out whose data it is. A lane that has it on record by mistake declares it "
                "lost (`lane-authority lost`), with its guard at its own place; nothing is dropped "
                "by that.",
            )
        if counts_as_authoritative(seen, kept) and seen.proof is None and not seen.asked.give_up:
            yield reason(
                ReasonCode.RELEASE_NEEDS_PROOF,
                f"{kept.name} was the only true copy of its data, and no backup of it is proven.",
                f"Capture and prove it (`lane-authority backup capture {seen.asked.lane} --kept "
                f"{kept.name}`, then `backup prove`), and release it then. To let it go without, "
                "ask for the same with --give-up, which two approvers besides you sign.",
            )

    def proposed(self, seen: Seen) -> Release:
        """What would go, and on which ground."""
        kept = _kept(seen)
        assert kept is not None
        authoritative = counts_as_authoritative(seen, kept)
        given_up = authoritative and seen.proof is None
        return Release(
            lane=seen.asked.lane,
            requester=seen.asked.requester,
            reason=seen.asked.reason,
            kept=KeptReference(
                name=kept.name,
                database_oid=kept.database_oid,
                generation=kept.generation,
                permit_id=kept.permit_id,
            ),
            has_filestore=kept.has_filestore,
            authoritative=authoritative,
            proof=seen.proof if authoritative else None,
            # Giving up asks for the most already: it must not be another thing when night falls.
            early=not given_up and not is_due(kept, seen),
        )

    def words(self, document: Release) -> tuple[str, ...]:
        """A release in words."""
        if document.proof is not None:
            ground = f"a backup of it is proven ({document.proof.backup_id})"
        elif document.authoritative:
            ground = "IT IS GIVEN UP: no backup of it is proven, and nothing brings it back"
        else:
            ground = "it was not the only true copy of its data"
        return (
            f"RELEASE kept data of lane {document.lane}, asked for by {document.requester}"
            + (f": {document.reason}" if document.reason else "."),
            f"Database:   {document.kept.name}, oid {document.kept.database_oid}, generation "
            f"{document.kept.generation}, set aside by permit {document.kept.permit_id}"
            + (", with its files" if document.has_filestore else ""),
            f"Ground:     {ground}",
            *(("Early:      it goes before its time.",) if document.early else ()),
            "Afterwards: it is dropped, and no undo brings it back.",
        )

    def asked(self, document: Release) -> Asked:
        """What was asked for, from what was signed."""
        return replace(
            super().asked(document),
            kept=DatabaseName(document.kept.name),
            give_up=document.authoritative and document.proof is None,
        )

    def act(self, office: LaneOffice, plan: LifePlan[Release]) -> str:
        """Have the guard drop it, and see that it is gone."""
        return _drop(office, plan.document, plan.digest)

    def go_on(self, office: LaneOffice, document: Release, digest: Digest) -> str | None:
        """The guard may have begun to drop it, or have dropped it; then it finishes."""
        if not office.store.life_was_begun(document.lane, digest):
            return None
        seen = see(office, self.asked(document))
        kept = _kept(seen)
        if (
            kept is None
            or seen.record.unfinished is not None
            or seen.reading.database.server is None
            or kept_is_unchanged(seen.reading.database, seen.reading.keep, kept)
        ):
            return None
        return _drop(office, document, digest)


def _drop(office: LaneOffice, document: Release, digest: Digest) -> str:
    configuration = office.configuration(document.lane)
    order = ReleaseOrder(
        **order_head(document.lane, configuration.database, configuration.filestore_path),
        kept=document.kept,
        has_filestore=document.has_filestore,
        basis=_basis(office, document, digest),
    )
    pin(office, document)
    guard_client.carry_out(
        configuration,
        "release",
        office.sign(order),
        order.nonce,
        options=place(configuration),
        # All rows, all files and the whole backup are read once more.
        timeout=configuration.backup_timeout,
    )
    _require_gone(see(office, Asked(document.lane, document.requester)).reading, document)
    office.store.mark_kept_released(
        document.lane,
        DatabaseName(document.kept.name),
        life_digest=digest,
        now=utc_now(),
        ledger_document={"basis": order.basis.to_plain()},
    )
    return f"Lane {document.lane}: {document.kept.name} was released."


def _basis(office: LaneOffice, document: Release, digest: Digest) -> ReleaseBasis:
    if not document.authoritative:
        return NotAuthoritative()
    if document.proof is not None:
        return document.proof
    people = {each.approval.person for each in office.store.approvals(digest)}
    return GivenUp(by=tuple(sorted(people)))


def _require_gone(reading: LaneReading, document: Release) -> None:
    database, kept = reading.database, document.kept
    if database.server is not None and not any(
        each.oid == kept.database_oid for each in database.neighbours
    ):
        return
    raise Refused.because(
        reason(
            ReasonCode.READINGS_MOVED,
            f"The guard released {kept.name}, and it is not seen to be gone.",
            "Run the same command again: it looks once more.",
        )
    )


def _kept(seen: Seen) -> KeptData | None:
    return next((each for each in seen.record.kept if each.name == seen.asked.kept), None)


def counts_as_authoritative(seen: Seen, kept: KeptData) -> bool:
    """Whether policy or marker said so at the begin, or say so now."""
    if kept.authoritative or seen.revision is None:
        return True
    marker = seen.observation.marker
    return effective_policy(
        seen.revision.policy,
        utc_now(),
        marker_authoritative=marker.authoritative,
        claimed=marker.claimed,
    ).authoritative


def is_due(kept: KeptData, seen: Seen) -> bool:
    """Whether the time until which it is kept is over."""
    return kept.kept_until is not None and kept.kept_until <= seen.observation.taken_at


def release_due(
    office: LaneOffice, lanes: tuple[Lane, ...], requester: Person
) -> Iterator[tuple[Lane, DatabaseName, str, LaneAuthorityError | None]]:
    """Release what is due and needs nobody; for all else say what it waits for, or why it failed.

    One that fails stops no other. The last part is what failed, where something did.
    """
    life = ReleaseKept()
    for lane in lanes:
        for kept in office.store.host_record(lane).kept:
            if kept.kept_until is None or kept.kept_until > utc_now():
                until = f"{kept.kept_until:%Y-%m-%d %H:%M} UTC" if kept.kept_until else "settled"
                yield lane, kept.name, f"is kept until {until}", None
                continue
            try:
                plan = look(office, life, Asked(lane, requester, "due", kept=kept.name))
                yield lane, kept.name, carry_out(office, life, plan.digest), None
            except LaneAuthorityError as problem:
                codes = {each.code for each in problem.reasons}
                # That somebody has to decide is no failure: it is told every time.
                waits = codes == {ReasonCode.RELEASE_NEEDS_PROOF}
                way_on = "".join(f" {each.remedy}" for each in problem.reasons if waits)
                words = f"waits: {problem.message}{way_on}"
                yield lane, kept.name, words, None if waits else problem
