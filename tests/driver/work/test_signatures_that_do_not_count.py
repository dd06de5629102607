"""Signatures that count for nothing, at the command line and by effect: no policy comes of them.

A loosening needs two besides the one who asks. Rita asks and signs, Ann approves; in each case what
stands in Ben's place is no approval. When Ben himself has signed, the same command does it.
"""

import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.approval import APPROVAL_VALID_FOR
from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.errors import ExitCode
from launchplane_lane_contracts.vocabulary import OperationPhase
from launchplane_lane_driver import operations, planning
from launchplane_lane_driver.approvals import message_of, record_approval, sign
from launchplane_lane_driver.lane_office import utc_now
from tests.driver.fork_server import Done
from tests.driver.small_host import ANN, BEN, RITA, SmallHost, SmallLane, resettable_policy


def propose(host: SmallHost, lane: SmallLane, why: str) -> Digest:
    """Rita puts a loosening up for signatures."""
    file = host.folder / "policy.json"
    file.write_bytes(resettable_policy(lane.lane).canonical())
    done = host.operate("policy", "propose", str(file), "--reason", why, "--json")
    assert done.code == ExitCode.DONE, done
    return Digest(json.loads(done.stdout)["digest"])


def approve(host: SmallHost, digest: str, key: Path) -> Done:
    """Somebody signs, with this key."""
    return host.operate("approve", digest, "--key", str(key), "--yes")


def second_key(host: SmallHost) -> Path:
    """Ann has another key, which the file names as well."""
    key = host.folder / "ann-second"
    if not key.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(command, check=True)
    return key


def in_the_store(host: SmallHost, digest: Digest, signature: str) -> None:
    """Whoever can write to the store puts a row there in Ben's name."""
    host.office.store.add_approval(
        digest=digest, person=BEN, key_fingerprint="SHA256:x", signature=signature, now=utc_now()
    )


def forged(host: SmallHost, digest: Digest) -> None:
    in_the_store(host, digest, sign(digest, host.people[ANN].key_file))


def of_another_digest(host: SmallHost, digest: Digest) -> None:
    in_the_store(host, digest, sign(Digest("e" * 64), host.people[BEN].key_file))


def for_another_purpose(host: SmallHost, digest: Digest) -> None:
    key = str(host.people[BEN].key_file)
    signed = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", key],
        input=message_of(digest),
        capture_output=True,
        check=True,
    )
    in_the_store(host, digest, signed.stdout.decode())


def expired(host: SmallHost, digest: Digest) -> None:
    people = host.office.store.people()
    assert people is not None
    signature = sign(digest, host.people[BEN].key_file)
    then = utc_now() - APPROVAL_VALID_FOR - timedelta(minutes=1)
    record_approval(people, host.office.store, digest, signature, then)


def of_the_requester(host: SmallHost, digest: Digest) -> None:
    approve(host, digest, host.people[RITA].key_file)


def of_one_person_twice(host: SmallHost, digest: Digest) -> None:
    file = host.host.approvers_file
    public = " ".join((second_key(host).with_suffix(".pub")).read_text().split()[:2])
    file.write_text(file.read_text() + f'{ANN} namespaces="launchplane-lane-authority" {public}\n')
    proposed = host.operate("approvers", "propose", "--reason", "a token of hers", "--json")
    change = json.loads(proposed.stdout)["digest"]
    for person in (RITA, ANN, BEN):
        assert approve(host, change, host.people[person].key_file).code == ExitCode.DONE
    assert host.operate("approvers", "apply", change).code == ExitCode.DONE
    approve(host, digest, second_key(host))


def of_one_who_was_removed(host: SmallHost, digest: Digest) -> None:
    assert approve(host, digest, host.people[BEN].key_file).code == ExitCode.DONE
    file = host.host.approvers_file
    lines = file.read_text().splitlines(keepends=True)
    public = " ".join((second_key(host).with_suffix(".pub")).read_text().split()[:2])
    left = [line for line in lines if not line.startswith(f"{BEN} ")]
    # Without somebody in that place too few would be left.
    file.write_text("".join((*left, f"eve {public}\n")))
    proposed = host.operate("approvers", "propose", "--reason", "he left", "--json")
    change = json.loads(proposed.stdout)["digest"]
    for person in (RITA, ANN, BEN):
        assert approve(host, change, host.people[person].key_file).code == ExitCode.DONE
    assert host.operate("approvers", "apply", change).code == ExitCode.DONE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("in_bens_place", "ben_may_sign"),
    [
        (forged, False),
        (of_another_digest, False),
        (for_another_purpose, False),
        (expired, False),
        (of_the_requester, True),
        (of_one_person_twice, True),
        (of_one_who_was_removed, False),
    ],
)
def test_it_counts_for_nothing(
    host: SmallHost,
    bare: SmallLane,
    in_bens_place: Callable[[SmallHost, Digest], None],
    ben_may_sign: bool,
) -> None:
    digest = propose(host, bare, "as agreed")
    for person in (RITA, ANN):
        assert approve(host, digest, host.people[person].key_file).code == ExitCode.DONE
    in_bens_place(host, digest)
    for _time in range(2):
        done = host.operate("policy", "apply", digest)
        assert (done.code, "approvals_missing" in done.stderr) == (ExitCode.REFUSED, True), done
        assert host.office.store.policy(bare.lane) is None
    planned = host.operate("plan", str(bare.lane), "bootstrap/empty")
    assert (planned.code, "policy_unknown" in planned.stdout) == (ExitCode.REFUSED, True), planned
    if ben_may_sign:
        assert approve(host, digest, host.people[BEN].key_file).code == ExitCode.DONE
        assert host.operate("policy", "apply", digest).code == ExitCode.DONE
        assert host.office.store.policy(bare.lane) is not None


@pytest.mark.slow
def test_what_was_used_is_used_up(host: SmallHost, bare: SmallLane) -> None:
    digest = propose(host, bare, "as agreed")
    for person in (RITA, ANN, BEN):
        assert approve(host, digest, host.people[person].key_file).code == ExitCode.DONE
    assert host.operate("policy", "apply", digest).code == ExitCode.DONE
    again = host.operate("policy", "apply", digest)
    assert again.code == ExitCode.REFUSED, again
    assert approve(host, digest, host.people[BEN].key_file).code == ExitCode.REFUSED
    assert len(host.office.store.history(bare.lane)) == 1


def test_a_signature_that_has_lapsed_ends_no_claim(host: SmallHost, lane: SmallLane) -> None:
    made = host.plan(lane)
    people = host.office.store.people()
    assert people is not None
    signature = sign(made.plan_digest, host.people[ANN].key_file)
    long_ago = utc_now() - APPROVAL_VALID_FOR - timedelta(hours=1)
    record_approval(people, host.office.store, made.plan_digest, signature, long_ago)
    host.sign(made.plan_digest, RITA, BEN)
    claimed = planning.authorize(host.office, made.plan_digest)
    used = {each.approval.person: each.used_by for each in host.office.store.approvals()}
    assert {person: used[person] for person in (ANN, RITA, BEN)} == {
        ANN: None,
        RITA: claimed.operation_id,
        BEN: claimed.operation_id,
    }
    assert operations.start(host.office, claimed.operation_id).phase is OperationPhase.BEGUN
