"""Keys go, and lanes stay: rotated with overlap, revoked, and lost."""

import json
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import RolloutState
from launchplane_lane_driver import key_ring
from launchplane_lane_driver.key_ring import KeyState
from launchplane_lane_driver.keys import SigningKey, publish
from launchplane_lane_driver.lane_office import LaneOffice
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.restamp import Restamp
from tests.driver.lives.test_adopt import bound
from tests.driver.small_host import SmallHost, SmallLane, production_policy, untouched
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint


def reopen(host: SmallHost) -> None:
    """As the next command does."""
    host.office.close()
    host.office = LaneOffice.open(host.host)


def states(host: SmallHost) -> dict[str, KeyState]:
    return {each.key_id: each.state for each in key_ring.known_keys(host.host)}


def answered(host: SmallHost, *arguments: str) -> dict[str, object]:
    done = host.operate(*arguments, "--json")
    assert done.code == 0, done.stderr
    said: dict[str, object] = json.loads(done.stdout)
    return said


def codes(host: SmallHost, lane: SmallLane) -> set[ReasonCode]:
    return {each.code for each in host.plan(lane).decision.reasons}


def rotate(host: SmallHost) -> tuple[str, str]:
    """Go over to another key: the name of the old one, and of the new one."""
    old = host.office.key.key_id
    new = str(answered(host, "keys", "create")["key_id"])
    assert answered(host, "keys", "rotate")["key_id"] == new
    reopen(host)
    return old, new


def test_a_key_is_rotated_with_overlap_then_revoked_and_nothing_stops(
    host: SmallHost, lane: SmallLane
) -> None:
    name, data = str(lane.lane), lane.data()
    begun = host.begin(lane)
    old = host.office.key.key_id
    new = str(answered(host, "keys", "create")["key_id"])
    assert states(host) == {old: KeyState.SIGNS, new: KeyState.NEXT}
    assert str(answered(host, "keys", "create")["key_id"]) == new
    said = answered(host, "keys", "rotate")
    assert said["key_id"] == new
    reopen(host)
    assert states(host) == {old: KeyState.RETIRED, new: KeyState.SIGNS}
    # What was begun under the old key's permit is finished or undone under the new one.
    lane.materialise()
    assert host.operate("undo", begun.operation_id).code == 0
    assert lane.data() == data
    assert bound(host, lane)
    known = answered(host, "keys", "list")["keys"]
    assert isinstance(known, list)
    assert {each["key_id"]: each["lanes"] for each in known} == {old: [], new: [name]}


def test_a_lane_is_restamped_before_its_key_is_revoked(
    host: SmallHost, production: SmallLane
) -> None:
    old, new = rotate(host)
    name, data = str(production.lane), production.data()
    assert answered(host, "keys", "revoke", old)["restamp"] == [name]
    before = host.office.store.host_record(production.lane)
    assert "is signed with the present key" in host.live(Restamp(), production)
    after = host.office.store.host_record(production.lane)
    assert (after.generation, after.identity) == (before.generation, before.identity)
    assert after.nonce != before.nonce
    assert answered(host, "keys", "revoke", old)["restamp"] == []
    assert answered(host, "keys", "revoke", old, "--now")["revoked"] is True
    reopen(host)
    assert states(host) == {old: KeyState.REVOKED, new: KeyState.SIGNS}
    assert bound(host, production)
    assert production.data() == data
    assert fingerprint.databases(production.cluster)[production.database].locked
    host.office.store.verify_ledger()


def test_what_a_revoked_key_signed_is_worth_nothing_until_it_is_adopted(
    host: SmallHost, lane: SmallLane
) -> None:
    old_set = host.host.public_keys_file.read_text()
    old, _new = rotate(host)
    assert ReasonCode.MARKER_UNVERIFIABLE not in codes(host, lane)
    with untouched(lane):
        assert host.operate("keys", "revoke", old, "--now").code == 0
        reopen(host)
        (found,) = (
            each
            for each in host.plan(lane).decision.reasons
            if each.code is ReasonCode.MARKER_UNVERIFIABLE
        )
        assert "lane-authority adopt" in found.remedy
        # An older key set that is put back does not bring it back.
        host.host.public_keys_file.write_text(old_set)
        reopen(host)
        assert ReasonCode.MARKER_UNVERIFIABLE in codes(host, lane)
        assert states(host)[old] is KeyState.REVOKED
    # The revocation is done again, and the key that signs now is published again.
    assert host.operate("keys", "revoke", old, "--now").code == 0
    publish(host.host, host.office.key)
    reopen(host)
    host.live(Adopt(), lane)
    assert bound(host, lane)
    assert ReasonCode.MARKER_UNVERIFIABLE not in codes(host, lane)


@pytest.mark.parametrize("key_set_too", [False, True], ids=["key", "key and key set"])
def test_the_signing_key_is_lost(host: SmallHost, lane: SmallLane, key_set_too: bool) -> None:
    data = lane.data()
    lost = host.office.key.key_id
    (host.host.keys / f"signing-{lost}.pem").unlink()
    if key_set_too:
        host.host.public_keys_file.write_text('{"keys": []}')
    refused = host.operate("plan", str(lane.lane), "bootstrap/empty")
    assert refused.code == 51
    assert "lane-authority keys create" in refused.stderr
    assert "lane-authority keys rotate" in refused.stderr
    rotated = answered(host, "keys", "create")["key_id"]
    assert answered(host, "keys", "rotate") == {
        "key_id": rotated,
        "restamp": [str(lane.lane)],
    }
    reopen(host)
    if key_set_too:
        assert ReasonCode.MARKER_UNVERIFIABLE in codes(host, lane)
        host.live(Adopt(), lane)
    else:
        host.live(Restamp(), lane)
    assert bound(host, lane)
    assert lane.data() == data
    if not key_set_too:
        assert host.plan(lane).decision.allowed


@pytest.mark.parametrize("step", ["rename", "unlink"])
@pytest.mark.parametrize("moment", [1, 2])
def test_a_rotation_that_died_goes_on(
    host: SmallHost, monkeypatch: pytest.MonkeyPatch, step: str, moment: int
) -> None:
    old = host.office.key.key_id
    new = key_ring.create_next_key(host.host)
    real, calls = getattr(Path, step), iter(range(1, 100))

    def dies(file: Path, *arguments: object, **named: object) -> object:
        if file.parent == host.host.keys and file.suffix == ".pem" and next(calls) == moment:
            raise SystemExit("killed")
        return real(file, *arguments, **named)

    monkeypatch.setattr(Path, step, dies)
    died = True
    try:
        key_ring.rotate(host.host)
        died = False
    except SystemExit:
        pass
    monkeypatch.undo()
    assert died is (step == "rename" or moment == 1)
    if died:
        assert key_ring.rotate(host.host) == new
    assert SigningKey.load(host.host, {}).key_id == new
    assert states(host) == {old: KeyState.RETIRED, new: KeyState.SIGNS}
    assert [each.name for each in host.host.keys.glob("*.pem")] == [f"signing-{new}.pem"]


def test_what_keys_refuse(host: SmallHost) -> None:
    written = host.office.store.ledger_head()
    assert host.operate("keys", "rotate").code == 2
    signing = host.office.key.key_id
    for key in (signing, "0" * 16, "[/x]"):
        refusal = host.operate("keys", "revoke", key, "--now")
        assert (refusal.code, key in refusal.stderr) == (2, True)
    # What was refused stands in no ledger as done.
    assert host.office.store.ledger_head() == written
    made = str(answered(host, "keys", "create")["key_id"])
    following = host.host.keys / f"next-{made}.pem"
    assert following.stat().st_mode & 0o777 == 0o600
    following.chmod(0o640)
    shared = host.operate("keys", "rotate")
    assert (shared.code, f"chmod 600 {following}" in shared.stderr) == (51, True)
    following.chmod(0o600)
    # One that was made ahead is revoked, and can be neither gone over to nor put back.
    pem = following.read_bytes()
    assert host.operate("keys", "revoke", made, "--now").code == 0
    assert host.operate("keys", "rotate").code == 2
    (host.host.keys / f"signing-{signing}.pem").unlink()
    back = host.host.keys / f"signing-{made}.pem"
    back.write_bytes(pem)
    back.chmod(0o600)
    with pytest.raises(CouldNotTell, match="was revoked"):
        SigningKey.load(host.host, {})
    # Whoever wrote names into that file by hand sees them as they are.
    host.host.revoked_keys_file.write_text('{"revoked": ["[/x]"]}')
    assert "[/x]  revoked" in host.operate("keys", "list").stdout
    shown = host.operate("keys", "revoke", "[/x]")
    assert (shown.code, "Key [/x] would verify nothing" in shown.stdout) == (0, True)
    for text in ("{", "[" * 3000):
        host.host.revoked_keys_file.write_text(text)
        with pytest.raises(CouldNotTell, match="which keys were revoked"):
            key_ring.known_keys(host.host)
    environment = host.operate("keys", "create", LANE_AUTHORITY_SIGNING_KEY=pem.decode())
    assert environment.code == 2


def test_two_keys_made_ahead(host: SmallHost) -> None:
    first = key_ring.create_next_key(host.host)
    file = host.host.keys / f"next-{first}.pem"
    file.with_name("next-0000000000000000.pem").write_bytes(file.read_bytes())
    with pytest.raises(CouldNotTell, match="several"):
        key_ring.rotate(host.host)


@pytest.mark.parametrize("script", [BEFORE, AFTER], ids=["before stamp", "after stamp"])
def test_a_restamping_that_died_goes_on(host: SmallHost, lane: SmallLane, script: str) -> None:
    rotate(host)
    data = lane.data()
    digest = str(answered(host, "restamp", str(lane.lane))["digest"])
    command = ("restamp", str(lane.lane), "--digest", digest)
    killed_at(host, lane, script, "stamp", *command)
    assert host.operate(*command).code == 0
    assert bound(host, lane)
    assert lane.data() == data


def test_a_tightened_policy_is_written_into_the_database(host: SmallHost, lane: SmallLane) -> None:
    host.record_policy(production_policy(lane.lane))
    host.live(Restamp(), lane)
    assert bound(host, lane)
    row = host.office.look(host.office.store.host_record(lane.lane)).reading.database.marker_row
    assert row is not None
    assert (row.authoritative, row.rollout_state) == (True, RolloutState.PRODUCTION)
