"""The store: every change is one transaction, conditional on what it was judged by."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from launchplane_lane_contracts.contract import (
    DatabaseName,
    Digest,
    Nonce,
    OperationId,
    PermitId,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.errors import BadInput, Busy, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import PhysicalIdentity
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import OperationPhase, RolloutState
from launchplane_lane_driver.store import OperationRecord, Store
from launchplane_lane_driver.store.reconciling import KeptClaim, LaneClaim
from tests.driver.places import Place
from tests.driver.sample import (
    A_WEEK_ON,
    CM,
    FILES,
    IDENTITY,
    NOW,
    OTHER_DIGEST,
    REQUESTER,
    SOME_DIGEST,
    SYO,
    kept,
    open_policy,
    plan_for,
    record_open_policy,
)

STARTED = frozenset({OperationPhase.STARTED})
AUTHORIZED = frozenset({OperationPhase.AUTHORIZED})


def claimed(store: Store) -> OperationRecord:
    """An operation that holds lane `CM`."""
    if store.policy(CM) is None:
        record_open_policy(store)
    return store.claim(plan_for(store.host_record(CM)), now=NOW)


def begun(store: Store, *, keeping: bool = True) -> OperationRecord:
    """One that has set data aside, where `keeping`."""
    operation = claimed(store)
    permit_id = PermitId(f"permit-{operation.operation_id}")
    store.advance(
        operation.operation_id,
        expected=AUTHORIZED,
        to=OperationPhase.STARTED,
        now=NOW,
        permit_id=permit_id,
        permit_token="a.b.c",
    )
    return store.advance(
        operation.operation_id,
        expected=STARTED,
        to=OperationPhase.BEGUN,
        now=NOW,
        kept=kept(f"cm__kept_{operation.generation}", operation.generation) if keeping else None,
    )


def settled(store: Store) -> OperationRecord:
    """One that is over."""
    operation = begun(store)
    return store.settle(
        operation.operation_id,
        generation=operation.generation,
        nonce=Nonce(f"nonce-{operation.generation}"),
        identity=IDENTITY,
        filestore_path=FILES,
        now=NOW,
        kept_until=A_WEEK_ON,
    )


def test_policies_are_numbered_for_each_lane(store: Store) -> None:
    assert store.policy(CM) is None
    record_open_policy(store)
    record_open_policy(store, SYO)
    tightened = Policy(lane=CM, rollout_state=RolloutState.PRODUCTION)
    second = store.record_policy(
        tightened, actor=REQUESTER, reason="live", change_digest=OTHER_DIGEST, now=NOW, replaces=1
    )
    assert second.number == 2
    assert store.policy(CM) == second
    assert {str(lane): each.number for lane, each in store.policies().items()} == {
        str(CM): 2,
        str(SYO): 1,
    }
    assert [each.policy for each in store.history(CM)] == [open_policy(), tightened]


def test_a_policy_judged_against_an_older_revision_is_refused(store: Store) -> None:
    record_open_policy(store)
    with pytest.raises(Refused) as caught:
        store.record_policy(
            open_policy(),
            actor=REQUESTER,
            reason="x",
            change_digest=SOME_DIGEST,
            now=NOW,
            replaces=0,
        )
    assert caught.value.reasons[0].code is ReasonCode.PLAN_CHANGED
    assert len(store.history(CM)) == 1


def test_a_policy_that_may_not_be_recorded_now(store: Store) -> None:
    policy = open_policy().model_copy(
        update={
            "rollout_state": RolloutState.PROVISIONAL,
            "requires_runtime_identity": True,
            "provisional_until": NOW + timedelta(days=91),
        }
    )
    with pytest.raises(BadInput, match="90 days"):
        store.record_policy(policy, actor=REQUESTER, reason="x", change_digest=SOME_DIGEST, now=NOW)
    assert store.ledger_entries() == ()


def test_a_proposal_is_applied_once(store: Store) -> None:
    digest = store.propose("policy", open_policy(), REQUESTER, NOW)
    assert digest == open_policy().digest()
    assert store.propose("policy", open_policy(), Person("other"), NOW) == digest
    found = store.proposal(digest)
    assert (found.kind, found.proposer, found.applied_at) == ("policy", REQUESTER, None)
    assert Policy.from_json(found.document) == open_policy()
    store.record_policy(open_policy(), actor=REQUESTER, reason="x", change_digest=digest, now=NOW)
    assert store.proposal(digest).applied_at == NOW
    with pytest.raises(Refused, match="already"):
        store.record_policy(
            open_policy(), actor=REQUESTER, reason="x", change_digest=digest, now=NOW
        )
    with pytest.raises(BadInput):
        store.proposal(SOME_DIGEST)


def test_an_approval_is_used_once(store: Store) -> None:
    def sign(digest: Digest, person: str) -> int:
        return store.add_approval(
            digest=digest,
            person=Person(person),
            key_fingerprint="SHA256:x",
            signature=f"{person} {digest}",
            now=NOW,
        ).approval_id

    used, free = sign(SOME_DIGEST, "bob"), sign(OTHER_DIGEST, "bob")
    assert sign(SOME_DIGEST, "bob") == used
    store.record_policy(
        open_policy(), actor=REQUESTER, reason="x", change_digest=SOME_DIGEST, now=NOW
    )
    assert [each.used_by for each in store.approvals(SOME_DIGEST)] == [SOME_DIGEST]
    for ids, digest in (((used,), SOME_DIGEST), ((free,), SOME_DIGEST), ((99,), SOME_DIGEST)):
        with pytest.raises(Refused) as caught:
            store.record_policy(
                open_policy(),
                actor=REQUESTER,
                reason="x",
                change_digest=digest,
                now=NOW,
                approvals_used=ids,
            )
        assert caught.value.reasons[0].code is ReasonCode.APPROVALS_MISSING
    # The same signature, kept by somebody and handed in once more, counts no second time.
    with pytest.raises(Refused, match="One digest is signed once"):
        sign(SOME_DIGEST, "bob")
    assert len(store.history(CM)) == 1
    assert [each.used_by for each in store.approvals(OTHER_DIGEST)] == [None]


def test_a_lapsed_approval_is_not_made_fresh(store: Store) -> None:
    def sign(now: datetime) -> None:
        store.add_approval(
            digest=SOME_DIGEST,
            person=Person("bob"),
            key_fingerprint="SHA256:x",
            signature="the same",
            now=now,
        )

    sign(NOW)
    with pytest.raises(Refused, match="lapsed"):
        sign(NOW + timedelta(hours=24))
    assert [each.approval.signed_at for each in store.approvals()] == [NOW]


def test_a_claim_needs_the_signatures_that_it_was_decided_on(store: Store) -> None:
    record_open_policy(store)
    plan = plan_for(store.host_record(CM))
    stored = store.add_approval(
        digest=plan.plan_digest, person=Person("bob"), key_fingerprint="f", signature="s", now=NOW
    )
    judged = plan.model_copy(
        update={
            "observation": plan.observation.model_copy(update={"approvals": (stored.approval,)})
        }
    )
    first = store.claim(judged, now=NOW)
    assert [each.used_by for each in store.approvals(plan.plan_digest)] == [first.operation_id]
    store.advance(first.operation_id, expected=AUTHORIZED, to=OperationPhase.ABORTED, now=NOW)
    # The plan is the same one, with the same digest, but its signature is gone.
    with pytest.raises(Refused) as caught:
        store.claim(judged, now=NOW)
    assert caught.value.reasons[0].code is ReasonCode.APPROVALS_MISSING
    assert store.live_operation(CM) is None


def signed_claim(store: Store, *hours_before: int) -> OperationRecord:
    """A claim that rests on signatures which were given so many hours before it."""
    record_open_policy(store)
    plan = plan_for(store.host_record(CM))
    for number, hours in enumerate(hours_before):
        store.add_approval(
            digest=plan.plan_digest,
            person=Person(f"approver {number}"),
            key_fingerprint="f",
            signature=f"{number}",
            now=NOW - timedelta(hours=hours),
        )
    return store.claim(plan, now=NOW)


@pytest.mark.parametrize(
    ("hours_before", "lasts"), [((), 24), ((0,), 24), ((3, 20, 1), 4), ((25, 1), 23)], ids=str
)
def test_a_claim_lapses_with_the_first_of_its_signatures(
    store: Store, hours_before: tuple[int, ...], lasts: int
) -> None:
    operation = signed_claim(store, *hours_before)
    end = NOW + timedelta(hours=lasts)
    (overview,) = store.overviews((CM,))
    assert overview.live is not None
    assert overview.live.lapses_at == end
    assert store.lapse(CM, now=end - timedelta(microseconds=1)) is None
    assert store.live_operation(CM) == operation
    given_up = store.lapse(CM, now=end)
    assert given_up is not None
    assert (given_up.operation_id, given_up.phase) == (operation.operation_id, "expired")
    assert store.live_operation(CM) is None
    assert store.lapse(CM, now=end) is None
    assert store.ledger_entries()[-1].document["particulars"] == {"lapsed": True}
    assert store.lapse(SYO, now=end) is None
    # The lane is free, and what was signed is used up.
    again = store.claim(plan_for(store.host_record(CM), reason="once more"), now=end)
    store.advance(again.operation_id, expected=AUTHORIZED, to=OperationPhase.STARTED, now=end)
    # What was started does not lapse: its data may be set aside.
    (overview,) = store.overviews((CM,))
    assert overview.live is not None
    assert overview.live.lapses_at is None
    assert store.lapse(CM, now=end + timedelta(days=9)) is None


def test_a_claim_holds_the_lane(store: Store) -> None:
    operation = claimed(store)
    assert (operation.phase, operation.generation) == (OperationPhase.AUTHORIZED, 1)
    assert operation.requester == REQUESTER
    assert store.operation(operation.operation_id) == operation == store.live_operation(CM)
    record = store.host_record(CM)
    assert record.unfinished is not None
    assert record.unfinished.operation_id == operation.operation_id
    with pytest.raises(Busy) as caught:
        store.claim(plan_for(record), now=NOW)
    assert caught.value.reasons[0].code is ReasonCode.LANE_BUSY
    record_open_policy(store, SYO)
    other = store.claim(plan_for(store.host_record(SYO)), now=NOW)
    assert set(store.operations()) == {operation, other}
    assert store.operations(SYO) == (other,)


def test_a_plan_that_is_stale_or_refused_claims_nothing(store: Store) -> None:
    unknown = plan_for(store.host_record(CM), revision=None)
    record_open_policy(store)
    stale_policy = plan_for(store.host_record(CM), revision=2)
    before = plan_for(store.host_record(CM))
    store.record_data(CM, store.new_generation(CM), Nonce("nonce-x"), IDENTITY, FILES, NOW, "enrol")
    entries = len(store.ledger_entries())
    for plan, code in (
        (unknown, ReasonCode.POLICY_UNKNOWN),
        (stale_policy, ReasonCode.PLAN_CHANGED),
        (before, ReasonCode.PLAN_CHANGED),
    ):
        with pytest.raises(Refused) as caught:
            store.claim(plan, now=NOW)
        assert caught.value.reasons[0].code is code
    assert store.operations() == ()
    assert len(store.ledger_entries()) == entries


def _claim_at(place: Place, number: int) -> str:
    store = place.open()
    try:
        record = store.host_record(CM)
        return store.claim(plan_for(record, reason=f"no. {number}"), now=NOW).operation_id
    except Busy:
        return "busy"
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_one_of_eight_at_once_gets_the_lane(store: Store, place: Place, kind: str) -> None:
    record_open_policy(store)
    if kind == "threads":
        plans = [plan_for(store.host_record(CM), reason=f"no. {number}") for number in range(8)]

        def claim(number: int) -> str:
            try:
                return store.claim(plans[number], now=NOW).operation_id
            except Busy:
                return "busy"

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(claim, range(8)))
    else:
        # Forked ones would share the connections that are open here.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(4, mp_context=context) as processes:
            outcomes = list(processes.map(_claim_at, [place] * 8, range(8)))
    assert outcomes.count("busy") == 7
    assert len(store.operations(CM)) == 1
    assert store.host_record(CM).generation is None
    store.verify_ledger()
    assert store.trusted(NOW) == (True, "")


def test_generations_are_handed_out_once_under_load(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _number: store.new_generation(CM), range(24)))
    assert sorted(taken) == list(range(1, 25))
    store.verify_ledger()


def test_a_phase_is_left_only_from_where_it_was_expected(store: Store) -> None:
    operation = claimed(store)
    with pytest.raises(Busy):
        store.advance(operation.operation_id, expected=STARTED, to=OperationPhase.BEGUN, now=NOW)
    store.advance(operation.operation_id, expected=AUTHORIZED, to=OperationPhase.EXPIRED, now=NOW)
    entries = len(store.ledger_entries())
    with pytest.raises(Refused):
        store.advance(
            operation.operation_id, expected=AUTHORIZED, to=OperationPhase.STARTED, now=NOW
        )
    assert store.operation(operation.operation_id).phase is OperationPhase.EXPIRED
    assert len(store.ledger_entries()) == entries
    with pytest.raises(BadInput):
        store.operation(OperationId("op-unknown"))
    with pytest.raises(ValueError, match="settle"):
        store.advance(
            operation.operation_id, expected=AUTHORIZED, to=OperationPhase.SETTLED, now=NOW
        )


def test_a_rebuild_from_claim_to_settled(store: Store) -> None:
    first = settled(store)
    assert first.permit_token == "a.b.c"
    assert not first.live
    record = store.host_record(CM)
    assert (record.generation, record.nonce) == (1, "nonce-1")
    assert (record.identity, record.filestore_path) == (IDENTITY, FILES)
    assert record.unfinished is None
    assert [(each.name, each.kept_until) for each in record.kept] == [("cm__kept_1", A_WEEK_ON)]
    second = begun(store)
    assert second.generation == 2
    assert second.kept_name == "cm__kept_2"
    assert [each.kept_until for each in store.host_record(CM).kept] == [A_WEEK_ON, None]


def test_no_permit_belongs_to_two_operations(store: Store) -> None:
    first = settled(store)
    second = claimed(store)
    with pytest.raises(Exception, match="could not be used"):
        store.advance(
            second.operation_id,
            expected=AUTHORIZED,
            to=OperationPhase.STARTED,
            now=NOW,
            permit_id=first.permit_id,
        )
    assert store.operation(second.operation_id).phase is OperationPhase.AUTHORIZED


def test_undone_takes_back_what_was_set_aside(store: Store) -> None:
    first = settled(store)
    operation = begun(store)
    generation = store.new_generation(CM)
    with pytest.raises(Refused):
        # Data was recorded here, so the store must hear what it is now.
        store.undone(
            operation.operation_id,
            generation=None,
            nonce=None,
            identity=None,
            filestore_path=None,
            now=NOW,
            kept_until=A_WEEK_ON,
        )
    ended = store.undone(
        operation.operation_id,
        generation=generation,
        nonce=Nonce("nonce-undone"),
        identity=IDENTITY,
        filestore_path=FILES,
        now=NOW,
        kept_until=A_WEEK_ON,
        remains=kept("cm__remains", operation.generation),
    )
    assert ended.phase is OperationPhase.UNDONE
    record = store.host_record(CM)
    assert (record.generation, record.nonce) == (3, "nonce-undone")
    assert {each.name: each.kept_until for each in record.kept} == {
        f"cm__kept_{first.generation}": A_WEEK_ON,
        "cm__remains": A_WEEK_ON,
    }


def test_undone_where_nothing_was_recorded(store: Store) -> None:
    operation = begun(store, keeping=False)
    store.undone(
        operation.operation_id,
        generation=None,
        nonce=None,
        identity=None,
        filestore_path=None,
        now=NOW,
        kept_until=A_WEEK_ON,
    )
    record = store.host_record(CM)
    assert (record.generation, record.unfinished, record.kept) == (None, None, ())
    assert claimed(store).generation == 2


def test_kept_data_that_went_back_is_no_longer_listed(store: Store) -> None:
    settled(store)
    (present,) = store.host_record(CM).kept
    store.mark_kept_gone_back(CM, present.name, now=NOW)
    assert store.host_record(CM).kept == ()
    with pytest.raises(Refused) as caught:
        store.mark_kept_gone_back(CM, present.name, now=NOW)
    assert caught.value.reasons[0].code is ReasonCode.KEPT_UNKNOWN


def test_only_a_generation_that_was_handed_out_is_recorded(store: Store) -> None:
    settled(store)
    store.new_generation(CM)
    newer = store.new_generation(CM)
    store.record_data(CM, newer, Nonce("nonce-new"), IDENTITY, FILES, NOW, "enrol")
    for generation in (1, newer - 1, newer + 1):
        with pytest.raises(Refused):
            store.record_data(CM, generation, Nonce("nonce-old"), IDENTITY, FILES, NOW, "enrol")
    assert store.host_record(CM).nonce == "nonce-new"


def test_nothing_is_enrolled_while_an_operation_holds_the_lane(store: Store) -> None:
    claimed(store)
    with pytest.raises(Busy):
        store.record_data(CM, 1, Nonce("nonce-x"), IDENTITY, FILES, NOW, "enrol")
    assert store.host_record(CM).generation is None


def test_what_one_lane_has_on_record_is_recorded_for_no_other(store: Store) -> None:
    record_open_policy(store, SYO)
    store.record_data(
        SYO, store.new_generation(SYO), Nonce("nonce-syo"), IDENTITY, FILES, NOW, "enrol"
    )
    generation = store.new_generation(CM)

    def take(identity: PhysicalIdentity) -> None:
        store.record_data(CM, generation, Nonce("nonce-cm"), identity, FILES, NOW, "enrol")

    def refuse(oid: int, *, kept_as: str | None) -> None:
        renamed = {"database_oid": oid, "database_name": "renamed", "marker_table_oid": 30001}
        with pytest.raises(Refused) as caught:
            take(IDENTITY.model_copy(update=renamed))
        (found,) = caught.value.reasons
        assert found.code is ReasonCode.MARKER_FOREIGN
        assert (str(SYO) in found.message) and (kept_as is None or kept_as in found.message)
        assert store.host_record(CM).generation is None

    refuse(IDENTITY.database_oid, kept_as=None)
    # What is kept of a lane that has no data any more is still that lane's.
    aside = kept("syo__kept_1", 1).model_copy(update={"lane": SYO})
    digest = store.propose("loss", aside, REQUESTER, NOW)
    store.begin_life(SYO, digest, approvals_used=())
    store.declare_lost(SYO, life_digest=digest, kept=aside, kept_until=A_WEEK_ON, now=NOW)
    assert store.host_record(SYO).identity is None
    refuse(aside.database_oid, kept_as=aside.name)
    # Another cluster has another database with that oid; and what was released is nobody's.
    elsewhere = {"system_identifier": "7380000000000000002", "database_oid": aside.database_oid}
    take(IDENTITY.model_copy(update=elsewhere))
    released = store.propose("release", kept("syo__kept_1", 2), REQUESTER, NOW)
    store.mark_kept_released(SYO, aside.name, life_digest=released, now=NOW)
    take(IDENTITY.model_copy(update={"database_oid": aside.database_oid}))


def test_kept_data_is_on_the_cluster_where_it_was_set_aside(store: Store) -> None:
    """An oid says nothing on another cluster, and the lane may go on there without it."""
    first, second = IDENTITY.system_identifier, SystemIdentifier("7380000000000000002")

    def live(
        lane: Lane, on: SystemIdentifier, oid: int, left: dict[DatabaseName, str] | None
    ) -> None:
        identity = IDENTITY.model_copy(update={"system_identifier": on, "database_oid": oid})
        generation = store.new_generation(lane)
        nonce = Nonce(f"nonce-{lane.context}-{generation}")
        store.record_data(lane, generation, nonce, identity, FILES, NOW, "how", left_behind=left)

    def whose(on: SystemIdentifier, oid: int) -> str | None:
        found = store.anothers_data(CM, system_identifier=on, database_oid=oid, name="renamed")
        return found.kept_as if found is not None else None

    live(SYO, first, 20000, None)
    aside = kept("syo__kept_1", 1).model_copy(update={"lane": SYO})
    digest = store.propose("loss", aside, REQUESTER, NOW)
    store.begin_life(SYO, digest, approvals_used=())
    store.declare_lost(
        SYO, life_digest=digest, kept=aside, kept_on=first, kept_until=A_WEEK_ON, now=NOW
    )
    # On a new server the very oid is taken by the lane's new data, and then by another lane's.
    live(SYO, second, aside.database_oid, None)
    assert [each.name for each in store.host_record(SYO).kept] == [aside.name]
    live(SYO, second, 20000, None)
    assert whose(second, aside.database_oid) is None
    assert whose(first, aside.database_oid) == aside.name
    store.verify_ledger()
    # Where the lane's data moved, what is kept of it came along.
    live(SYO, first, 20000, {})
    live(SYO, second, 20000, {})
    assert whose(second, aside.database_oid) == aside.name
    with pytest.raises(Refused, match=aside.name):
        live(CM, second, aside.database_oid, None)
    live(CM, first, aside.database_oid, None)
    store.verify_ledger()


def test_what_stands_kept_again_is_taken_and_stops_no_other_lane(store: Store) -> None:
    settled(store)
    (gone,) = store.host_record(CM).kept
    digest = store.propose("release", gone, REQUESTER, NOW)
    store.mark_kept_released(CM, gone.name, life_digest=digest, now=NOW)

    def claim(name: str, oid: int) -> KeptClaim:
        return KeptClaim(
            name=DatabaseName(name),
            database_oid=oid,
            system_identifier=IDENTITY.system_identifier,
            generation=1,
            permit_id=PermitId(gone.permit_id),
            set_aside_at=NOW,
            has_filestore=True,
        )

    def reconcile(oid: int) -> tuple[str, ...]:
        claims = (
            LaneClaim(CM, None, (claim(gone.name, oid),)),
            LaneClaim(SYO, None, (claim("syo__kept_1", 16390),)),
        )
        return store.reconcile(claims, by=REQUESTER, now=NOW, look_only=False).taken

    # Other data under that name is told of, and the lane after it is taken.
    told, taken = reconcile(gone.database_oid + 1)
    assert gone.name in told
    assert "was not taken" in told
    assert "syo__kept_1 is kept" in taken
    assert store.host_record(CM).kept == ()
    assert [each.name for each in store.host_record(SYO).kept] == ["syo__kept_1"]
    # The very same, back from a place where it was left behind, counts as authoritative.
    (again,) = reconcile(gone.database_oid)
    assert "counts as authoritative" in again
    (kept_again,) = store.host_record(CM).kept
    assert (kept_again.database_oid, kept_again.authoritative) == (gone.database_oid, True)
    assert kept_again.kept_until is not None
    assert reconcile(gone.database_oid) == ()
    store.verify_ledger()
