"""The second way to approve: whom the host application authenticated, and nobody who typed it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from launchplane_lane_contracts.approval import APPROVAL_VALID_FOR, Thresholds
from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.errors import BadInput, ExitCode
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver import commands
from launchplane_lane_driver.approvers_file import names_person
from launchplane_lane_driver.audit import verify_record
from launchplane_lane_driver.host_approvals import record_host_approval
from launchplane_lane_driver.host_identity import HostIdentity
from launchplane_lane_driver.keys import PublicKeys
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.lost import DeclareLost
from launchplane_lane_driver.people_changes import apply_people, propose_people
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from launchplane_lane_driver.store import Store
from tests.driver.sample import OTHER_DIGEST
from tests.driver.small_host import (
    ANN,
    BEN,
    RITA,
    SmallHost,
    SmallLane,
    refused,
    resettable_policy,
)
from tests.system.people import make_people


def identity(person: Person, ago: timedelta = timedelta(0)) -> HostIdentity:
    """Somebody who is logged in."""
    return HostIdentity(
        person=person,
        application="launchplane",
        subject="account 7",
        authenticated_at=utc_now() - ago,
    )


def proposed(host: SmallHost, lane: SmallLane) -> Digest:
    """A loosening, for which Rita and two approvers sign."""
    return propose_policy(
        host.office, resettable_policy(lane.lane), proposer=RITA, why="a test"
    ).digest


def test_it_counts_as_that_person_once_beside_keys(host: SmallHost, bare: SmallLane) -> None:
    digest = proposed(host, bare)
    host.sign(digest, RITA)
    record_host_approval(host.office, digest, identity(ANN))
    # The same person by her key as well is still one person.
    host.sign(digest, ANN)
    assert {each.person for each in host.office.approvals(digest)} == {RITA, ANN}
    with refused(ReasonCode.APPROVALS_MISSING):
        apply_policy(host.office, digest)
    record_host_approval(host.office, digest, identity(BEN))
    assert apply_policy(host.office, digest).number == 1
    (entry,) = [
        each
        for each in host.office.store.ledger_entries()
        if each.kind == "approved" and each.document["person"] == BEN
    ]
    assert entry.document["key_fingerprint"] == "host:launchplane"
    assert verify_record(host.office.store, host.office.keys).used == 3
    # Used once: not again for anything.
    with refused(ReasonCode.APPROVALS_MISSING):
        record_host_approval(host.office, digest, identity(BEN))


def test_the_requester_is_no_approver_this_way_either(host: SmallHost, bare: SmallLane) -> None:
    digest = proposed(host, bare)
    for person in (RITA, ANN):
        record_host_approval(host.office, digest, identity(person))
    with refused(ReasonCode.APPROVALS_MISSING):
        apply_policy(host.office, digest)


def test_who_is_no_approver_or_logged_in_long_ago_is_refused(
    host: SmallHost, bare: SmallLane
) -> None:
    digest = proposed(host, bare)
    for each in (
        identity(Person("mallory")),
        identity(Person("*")),
        identity(ANN, timedelta(hours=12)),
        identity(ANN, -timedelta(minutes=5)),
    ):
        with refused(ReasonCode.APPROVALS_MISSING):
            record_host_approval(host.office, digest, each)
    for nothing in (OTHER_DIGEST, Digest("short")):
        with pytest.raises(BadInput):
            record_host_approval(host.office, nothing, identity(ANN))
    assert host.office.store.approvals(digest) == ()


def test_a_row_that_the_host_did_not_sign_counts_for_nothing(
    host: SmallHost, bare: SmallLane, tmp_path: Path
) -> None:
    digest, store = proposed(host, bare), host.office.store
    record_host_approval(host.office, digest, identity(ANN))
    (good,) = store.approvals(digest)
    second = propose_policy(
        host.office, resettable_policy(bare.lane), proposer=RITA, why="another"
    ).digest
    # A word, and a true token that was given for another digest and another person.
    for person, signature in ((BEN, "yes"), (ANN, good.signature), (RITA, good.signature)):
        store.add_approval(
            digest=second,
            person=person,
            key_fingerprint="host:launchplane",
            signature=signature,
            now=utc_now(),
        )
    assert host.office.approvals(second) == ()
    assert [each.person for each in host.office.approvals(digest)] == [ANN]
    assert PublicKeys({}).read_approval(good.signature) is None
    assert host.office.keys.read_approval(good.signature + "x") is None


def test_a_healthy_record_is_whole_whoever_left_and_whichever_key_was_revoked(
    host: SmallHost, production: SmallLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = look(host.office, DeclareLost(), Asked(production.lane, RITA, "the disk is gone"))
    host.sign(found.digest, ANN)
    file = host.host.approvers_file
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(f"{ANN} ")))
    make_people(host.folder / "eve", file, ("eve",))
    change = propose_people(host.office, proposer=RITA, why="she left, and Eve came").digest
    host.sign(change, RITA, ANN, BEN)
    apply_people(host.office, change)
    host.sign(found.digest, RITA)
    token = host.office.store.approvals(
        record_host_approval(host.office, found.digest, identity(BEN)).signed_digest
    )[-1].signature
    carry_out(host.office, DeclareLost(), found.digest)
    used = {
        each.approval.person: each.used_by for each in host.office.store.approvals(found.digest)
    }
    # Hers counted for nothing, so it was not used.
    assert used == {ANN: None, RITA: found.digest, BEN: found.digest}
    key = host.office.key.key_id
    for step in (("create",), ("rotate",), ("revoke", key, "--now")):
        done = host.operate("keys", *step)
        assert done.code == ExitCode.DONE, done
    keys = PublicKeys.load(host.host)
    # It counts for nothing new; that it counted then is the ledger's word.
    assert keys.read_approval(token) is None
    assert keys.approval_on_record(token, ()) is not None
    assert keys.approval_on_record(token, (key,)) is None
    assert keys.approval_on_record(f"{token}x", ()) is None
    assert PublicKeys({}).approval_on_record(token, ()) is None
    other = propose_policy(
        host.office, resettable_policy(production.lane), proposer=RITA, why="a test"
    ).digest
    reading = Store.whole_record

    @contextmanager
    def and_somebody_signs(store: Store) -> Iterator[Any]:
        with reading(store) as found:
            host.sign(other, BEN)
            yield found

    monkeypatch.setattr(Store, "whole_record", and_somebody_signs)
    # Ann's is the one that is free; Ben's came after the moment of which the record was read.
    assert verify_record(host.office.store, keys).free == 1
    assert len(host.office.store.approvals(other)) == 1


def test_it_lapses_like_any_other(host: SmallHost, bare: SmallLane) -> None:
    digest = proposed(host, bare)
    approval = record_host_approval(host.office, digest, identity(ANN))
    assert approval.counts_at(utc_now())
    assert not approval.counts_at(approval.signed_at + APPROVAL_VALID_FOR)


def test_no_command_takes_an_identity() -> None:
    for file in Path(commands.__path__[0]).glob("*.py"):
        text = file.read_text()
        assert "host_approvals" not in text, file
        assert "HostIdentity" not in text, file


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("ann ssh-ed25519 AAAA", True),
        ('ann namespaces="launchplane-lane-authority" ssh-ed25519 AAAA', True),
        ('ann namespaces="git,launchplane-lane-authority" ssh-ed25519 AAAA', True),
        ('ann namespaces="git" ssh-ed25519 AAAA', False),
        ('ann valid-before="20200101" ssh-ed25519 AAAA', False),
        ('ann valid-after="20200101",valid-before="20990101000000Z" ssh-ed25519 AAAA', True),
        ('ann valid-after="20990101" ssh-ed25519 AAAA', False),
        ('ann valid-after="soon" ssh-ed25519 AAAA', False),
        ("ann cert-authority ssh-ed25519 AAAA", False),
        ("ann,ben ssh-ed25519 AAAA", False),
        ("a* ssh-ed25519 AAAA", False),
        ("anne ssh-ed25519 AAAA", False),
        ("# ann ssh-ed25519 AAAA", False),
        ("ann", False),
    ],
)
def test_whose_line_it_is(line: str, counts: bool) -> None:
    people = People(approvers=line + "\n", thresholds=Thresholds())
    assert names_person(people, ANN, utc_now()) is counts
