"""Approvals: real signatures of real OpenSSH keys, and the ways in which one counts for nothing."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, Refused
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.approvals import (
    message_of,
    person_of,
    record_approval,
    sign,
    verify,
    verify_all,
)
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.keys import PublicKeys
from launchplane_lane_driver.people import people_in_files
from launchplane_lane_driver.store import Store
from tests.driver.sample import NOW, OTHER_DIGEST, SOME_DIGEST

ALICE, BOB = Person("alice"), Person("bob")
NO_KEYS = PublicKeys({})


class Desk:
    """A host with an approvers file, and people who have keys."""

    def __init__(self, host: HostDirectory, folder: Path) -> None:
        self.host = host
        self._folder = folder

    def key(self, name: str, kind: str = "ed25519") -> Path:
        """A new key of that name, or the one there is."""
        file = self._folder / name
        if not file.exists():
            subprocess.run(
                ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(file)], check=True
            )
        return file

    def line(self, principals: str, key: str, options: str = "") -> str:
        """A line of the approvers file."""
        public = " ".join((self._folder / f"{key}.pub").read_text().split()[:2])
        return f"{principals} {options} {public}\n".replace("  ", " ")

    @property
    def people(self) -> People:
        """Those whose signatures count, as the files say."""
        return people_in_files(self.host)

    def approvers(self, *lines: str) -> None:
        """What the approvers file holds from now on."""
        self.host.approvers_file.write_text("# people\n" + "".join(lines))


@pytest.fixture
def desk(host: HostDirectory, tmp_path: Path) -> Desk:
    """Alice and Bob, each with a key."""
    people = tmp_path / "people"
    people.mkdir()
    made = Desk(host, people)
    made.key("alice-key")
    made.key("bob-key")
    made.approvers(made.line("alice", "alice-key"), made.line("bob", "bob-key"))
    return made


@pytest.fixture
def books(host: HostDirectory) -> Iterator[Store]:
    """The host's store."""
    opened = Store.open(f"sqlite:///{host.store_file}", host.head_file)
    yield opened
    opened.close()


def _refusal(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        action()
    assert [each.code for each in caught.value.reasons] == [ReasonCode.APPROVALS_MISSING]
    assert caught.value.reasons[0].remedy
    return caught.value.message


def test_exactly_this_is_signed() -> None:
    assert message_of(SOME_DIGEST) == b"launchplane-lane-authority\n" + b"a" * 64 + b"\n"
    for text in ("", "a" * 63, "A" * 64, "a" * 64 + "\n", "alice"):
        with pytest.raises(BadInput):
            message_of(Digest(text))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_signature_is_recorded_under_its_signer(desk: Desk, books: Store, kind: str) -> None:
    desk.key("carol-key", kind)
    desk.approvers(desk.line("carol", "carol-key", 'namespaces="launchplane-lane-authority"'))
    approval = record_approval(
        desk.people, books, SOME_DIGEST, sign(SOME_DIGEST, desk.key("carol-key")), NOW
    )
    assert (approval.person, approval.signed_digest) == ("carol", SOME_DIGEST)
    (stored,) = books.approvals(SOME_DIGEST)
    assert stored.approval == approval
    assert stored.key_fingerprint.startswith("SHA256:")
    assert verify_all(desk.people, books, now=NOW, keys=NO_KEYS).good == (stored,)


def test_another_digest(desk: Desk, books: Store) -> None:
    signature = sign(OTHER_DIGEST, desk.key("alice-key"))
    said = _refusal(lambda: record_approval(desk.people, books, SOME_DIGEST, signature, NOW))
    assert SOME_DIGEST in said
    assert books.approvals() == ()


def test_another_namespace(desk: Desk, books: Store) -> None:
    signed = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(desk.key("alice-key"))],
        input=message_of(SOME_DIGEST),
        capture_output=True,
        check=True,
    )
    signature = signed.stdout.decode()
    assert "namespace" in _refusal(
        lambda: record_approval(desk.people, books, SOME_DIGEST, signature, NOW)
    )
    assert books.approvals() == ()


def test_a_key_that_is_for_something_else(desk: Desk) -> None:
    desk.approvers(desk.line("alice", "alice-key", 'namespaces="git"'))
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    _refusal(lambda: verify(desk.people, SOME_DIGEST, ALICE, signature, NOW))


def test_a_person_who_is_not_an_approver(desk: Desk, books: Store) -> None:
    signature = sign(SOME_DIGEST, desk.key("mallory-key"))
    said = _refusal(lambda: record_approval(desk.people, books, SOME_DIGEST, signature, NOW))
    assert "nobody's in the approvers file" in said
    assert books.approvals() == ()


def test_a_removed_approver_counts_no_longer(desk: Desk, books: Store) -> None:
    for name in ("alice", "bob"):
        record_approval(
            desk.people, books, SOME_DIGEST, sign(SOME_DIGEST, desk.key(f"{name}-key")), NOW
        )
    assert len(verify_all(desk.people, books, SOME_DIGEST, now=NOW, keys=NO_KEYS).good) == 2
    desk.approvers(desk.line("alice", "alice-key"))
    again = verify_all(desk.people, books, SOME_DIGEST, now=NOW, keys=NO_KEYS)
    assert [each.approval.person for each in again.good] == [ALICE]
    assert [each.approval.person for each, _why in again.rejected] == [BOB]
    assert "nobody's" in again.rejected[0][1]


def test_two_keys_of_one_person_are_one_person(desk: Desk, books: Store) -> None:
    desk.key("alice-second")
    desk.approvers(desk.line("alice", "alice-key"), desk.line("alice", "alice-second"))
    first = record_approval(
        desk.people, books, SOME_DIGEST, sign(SOME_DIGEST, desk.key("alice-key")), NOW
    )
    later = NOW + timedelta(hours=1)
    second = record_approval(
        desk.people, books, SOME_DIGEST, sign(SOME_DIGEST, desk.key("alice-second")), later
    )
    assert first == second
    assert len(books.approvals(SOME_DIGEST)) == 1


def test_nobody_signs_as_another(desk: Desk) -> None:
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    assert person_of(desk.people, signature, NOW) == ALICE
    assert "not of bob" in _refusal(lambda: verify(desk.people, SOME_DIGEST, BOB, signature, NOW))


@pytest.mark.parametrize("principals", ["alice,bob", "*", "al?ce", "alice,!mallory"])
def test_one_key_is_not_two_people(desk: Desk, principals: str) -> None:
    desk.approvers(desk.line(principals, "alice-key"))
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    for person in (ALICE, BOB):
        _refusal(partial(verify, desk.people, SOME_DIGEST, person, signature, NOW))


def test_one_key_on_two_lines_is_not_two_people(desk: Desk) -> None:
    desk.approvers(desk.line("alice", "alice-key"), desk.line("bob", "alice-key"))
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    assert verify(desk.people, SOME_DIGEST, ALICE, signature, NOW)
    _refusal(lambda: verify(desk.people, SOME_DIGEST, BOB, signature, NOW))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize("form", ["%Y%m%d%H%M%S", "%Y%m%d%H%M%SZ"])
def test_validity_is_in_utc_wherever_the_host_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, zone: str, form: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    until = NOW + timedelta(minutes=1)
    since = NOW - timedelta(minutes=1)
    options = f'valid-after="{since.strftime(form)}",valid-before="{until.strftime(form)}"'
    desk.approvers(desk.line("alice", "alice-key", options))
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    assert verify(desk.people, SOME_DIGEST, ALICE, signature, NOW)
    for now in (NOW - timedelta(minutes=3), NOW + timedelta(minutes=3)):
        _refusal(partial(verify, desk.people, SOME_DIGEST, ALICE, signature, now))


@pytest.mark.parametrize("text", ["", "junk", "-----BEGIN SSH SIGNATURE-----\n"])
def test_what_is_no_signature(desk: Desk, text: str) -> None:
    _refusal(lambda: person_of(desk.people, text, NOW))


def test_a_signature_that_was_changed(desk: Desk) -> None:
    lines = sign(SOME_DIGEST, desk.key("alice-key")).splitlines()
    flipped = lines[-3][:10] + ("A" if lines[-3][10] != "A" else "B") + lines[-3][11:]
    changed = "\n".join([*lines[:-3], flipped, *lines[-2:]]) + "\n"
    _refusal(lambda: verify(desk.people, SOME_DIGEST, ALICE, changed, NOW))


def test_an_approvers_file_that_others_write(desk: Desk) -> None:
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    desk.host.approvers_file.chmod(0o664)
    with pytest.raises(CouldNotTell, match="chmod go-w"):
        person_of(desk.people, signature, NOW)
    desk.host.approvers_file.unlink()
    with pytest.raises(CouldNotTell, match="lane-authority init"):
        person_of(desk.people, signature, NOW)


def test_a_stored_signature_that_is_not_its_persons(desk: Desk, books: Store) -> None:
    books.add_approval(
        digest=SOME_DIGEST,
        person=BOB,
        key_fingerprint="SHA256:made-up",
        signature=sign(SOME_DIGEST, desk.key("alice-key")),
        now=NOW,
    )
    again = verify_all(desk.people, books, now=NOW, keys=NO_KEYS)
    assert again.good == ()
    assert len(again.rejected) == 1


def test_without_ssh_keygen_it_is_said_plainly(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = sign(SOME_DIGEST, desk.key("alice-key"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CouldNotTell, match="openssh-client"):
        sign(SOME_DIGEST, desk.key("alice-key"))
    with pytest.raises(CouldNotTell, match="openssh-client"):
        person_of(desk.people, signature, NOW)


def test_a_key_file_that_is_none(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="did not sign"):
        sign(SOME_DIGEST, tmp_path / "nothing")
