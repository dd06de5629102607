"""Signatures of people, made and checked by OpenSSH. A name that somebody typed is no approval."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from launchplane_lane_contracts.approval import SIGNATURE_NAMESPACE, Approval
from launchplane_lane_contracts.contract import Contract, Digest, Person, UtcInstant
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, Refused
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reasons import ReasonCode, reason

from .approvers_file import is_one_name, names_person
from .host_identity import HostApproval
from .keys import PublicKeys
from .store import Store, StoredApproval

PATIENCE_SECONDS = 30
LARGEST_SIGNATURE = 64 * 1024
HOST_KEY = "host:"
"""How the fingerprint begins that is recorded where the host application vouches for a person."""

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ReverifiedApprovals(Contract):
    """Stored signatures, verified once more."""

    good: tuple[StoredApproval, ...]
    """Those that still verify."""
    rejected: tuple[tuple[StoredApproval, str], ...]
    """Those that do not, each with the reason in words."""


def message_of(digest: Digest) -> bytes:
    """Exactly what is signed.

    Raises BadInput when the text is no digest.
    """
    if not _DIGEST.fullmatch(digest):
        raise BadInput(f"{digest!r} is not a digest: give all of its 64 digits from 0 to f.")
    return f"{SIGNATURE_NAMESPACE}\n{digest}\n".encode()


def sign(digest: Digest, key_file: Path) -> str:
    """The signature of the key in `key_file` (or in the agent, by its public file).

    OpenSSH itself asks for a passphrase or for a touch. Raises BadInput when it does not sign.
    """
    # A person must see what a hardware key asks for.
    words = None if sys.stderr.isatty() else subprocess.PIPE
    try:
        child = subprocess.run(
            ["ssh-keygen", "-Y", "sign", "-n", SIGNATURE_NAMESPACE, "-f", str(key_file)],
            input=message_of(digest),
            stdout=subprocess.PIPE,
            stderr=words,
            check=False,
        )
    except FileNotFoundError as error:
        raise _no_program() from error
    if child.returncode != 0:
        raise BadInput(
            f"OpenSSH did not sign with {key_file}: {_last_line(child.stderr)}. Name the file of "
            "your own key."
        )
    return child.stdout.decode()


def person_of(people: People, signature: str, now: UtcInstant) -> Person:
    """Whose key made the signature, as the approvers file says at `now` (UTC).

    It does not look at what was signed. Raises Refused when the key is nobody's, or more than one
    person's.
    """
    with _files(people, signature) as (approvers, file):
        child = _ask("find-principals", *("-f", str(approvers), "-s", str(file), _verify_time(now)))
    names = child.stdout.decode(errors="replace").splitlines()
    if child.returncode != 0 or not names:
        raise _refusal(
            "The key of this signature is nobody's in the approvers file at "
            f"{now:%Y-%m-%d %H:%M} UTC: {_last_line(child.stderr)}.",
            "Sign with a key that is in that file, or have the key added, which is a change that "
            "others approve.",
        )
    if len(names) > 1 or not is_one_name(names[0]):
        raise _refusal(
            f"The key of this signature stands in the approvers file for {', '.join(names)}; "
            "one key must be one person's, by name.",
            "Give each person a line of its own there, with one name and no pattern.",
        )
    return Person(names[0])


def line_problem(line: str) -> str:
    """Why OpenSSH takes a line of the approvers file as no one person's, or nothing.

    Raises CouldNotTell when OpenSSH cannot be asked.
    """
    name = line.split()[0]
    if not is_one_name(name):
        return "it has a pattern or several names"
    with tempfile.TemporaryDirectory(prefix="lane-authority-") as folder:
        file = Path(folder) / "approvers"
        file.write_text(f"{line}\n", encoding="utf-8")
        child = _ask("match-principals", "-f", str(file), "-I", name)
    if child.returncode == 0:
        return ""
    first = child.stderr.decode(errors="replace").partition("\n")[0]
    return first.removeprefix(f"{file}:1: ").strip() or "OpenSSH gave no reason"


def verify(people: People, digest: Digest, person: Person, signature: str, now: UtcInstant) -> str:
    """See that `person` signed `digest`, with a key that is that person's at `now` (UTC).

    Returns the key's fingerprint. One person with two keys is one person. Raises Refused, saying
    why; CouldNotTell when it cannot be found out.
    """
    signer = person_of(people, signature, now)
    if signer != person:
        raise _refusal(
            f"The signature is that of {signer}, not of {person}.",
            f"Have {person} sign {digest}.",
        )
    with _files(people, signature) as (approvers, file):
        child = _ask(
            "verify",
            *("-n", SIGNATURE_NAMESPACE, "-f", str(approvers)),
            *("-I", person, "-s", str(file), _verify_time(now)),
            message=message_of(digest),
        )
    found = _FINGERPRINT.search(child.stdout.decode(errors="replace"))
    if child.returncode != 0 or found is None:
        raise _refusal(
            f"The signature of {person} does not stand for {digest}: {_last_line(child.stderr)}.",
            f"Sign exactly that digest: `lane-authority approve {digest}`.",
        )
    return found.group()


def record_approval(
    people: People,
    store: Store,
    digest: Digest,
    signature: str,
    now: UtcInstant,
    *,
    not_before: UtcInstant | None = None,
) -> Approval:
    """Verify a signature under `digest` and store it; it counts from `not_before` (UTC) on.

    Raises Refused when it does not verify, was used or has lapsed, or when that person signed it
    with a key that counts no longer; CouldNotTell.
    """
    person = person_of(people, signature, now)
    fingerprint = verify(people, digest, person, signature, now)
    stored = store.add_approval(
        digest=digest,
        person=person,
        key_fingerprint=fingerprint,
        signature=signature,
        now=now,
        not_before=not_before,
    )
    if stored.key_fingerprint != fingerprint and not _is_of_the_host(stored):
        # It came before, by another key, which may have been taken from that person since.
        try:
            verify(people, digest, person, stored.signature, now)
        except Refused:
            raise _refusal(
                f"{person} signed {digest} before, with a key that no longer counts, and one "
                "digest is signed once.",
                "Plan or propose it again with the reason of today; that has a digest of its own, "
                "which can be signed.",
            ) from None
    return stored.approval


def verify_all(
    people: People,
    store: Store,
    digest: Digest | None = None,
    *,
    now: UtcInstant,
    keys: PublicKeys,
) -> ReverifiedApprovals:
    """Verify what is stored once more, under one digest or all, as the approvers file is at `now`.

    Whoever was removed from the file since then counts no longer. `keys` are the host's own.
    """
    good: list[StoredApproval] = []
    rejected: list[tuple[StoredApproval, str]] = []
    for each in store.approvals(digest):
        problem = approval_problem(people, each, now=now, read=keys.read_approval)
        if problem:
            rejected.append((each, problem))
        else:
            good.append(each)
    return ReverifiedApprovals(good=tuple(good), rejected=tuple(rejected))


def approval_problem(
    people: People,
    stored: StoredApproval,
    *,
    now: UtcInstant,
    read: Callable[[str], HostApproval | None],
) -> str:
    """Why a stored signature does not count by these people at `now` (UTC), or nothing.

    Needs nothing but what is stored and OpenSSH; `read` gives what the host signed. Raises
    CouldNotTell.
    """
    claimed = stored.approval
    if _is_of_the_host(stored):
        return _host_approval_problem(people, stored, now, read(stored.signature))
    try:
        key = verify(people, claimed.signed_digest, claimed.person, stored.signature, now)
    except (Refused, BadInput) as refusal:
        return refusal.message
    if key != stored.key_fingerprint:
        return f"it was made by {key}, and {stored.key_fingerprint} is recorded"
    return ""


def _is_of_the_host(stored: StoredApproval) -> bool:
    """Whether the host application vouches for it, and no key of that person."""
    return stored.key_fingerprint.startswith(HOST_KEY)


def _host_approval_problem(
    people: People, stored: StoredApproval, now: UtcInstant, approval: HostApproval | None
) -> str:
    claimed = stored.approval
    if approval is None:
        return "the host did not sign that it was told of this approval"
    identity = approval.identity
    if (approval.signed_digest, identity.person, f"{HOST_KEY}{identity.application}") != (
        claimed.signed_digest,
        claimed.person,
        stored.key_fingerprint,
    ):
        return f"the host was told of {identity.person} approving {approval.signed_digest}"
    if not names_person(people, claimed.person, now):
        return f"{claimed.person} is nobody in the approvers file at {now:%Y-%m-%d %H:%M} UTC"
    return ""


@contextmanager
def _files(people: People, signature: str) -> Iterator[tuple[Path, Path]]:
    """The approvers and the signature as files, which is how OpenSSH takes them."""
    if len(signature) > LARGEST_SIGNATURE:
        raise BadInput("That is no SSH signature: it is far too long. Give the .sig file's text.")
    with tempfile.TemporaryDirectory(prefix="lane-authority-") as folder:
        approvers, file = Path(folder) / "approvers", Path(folder) / "signature"
        approvers.write_text(people.approvers, encoding="utf-8")
        file.write_text(signature, encoding="utf-8")
        yield approvers, file


def _verify_time(now: UtcInstant) -> str:
    # Without a zone, OpenSSH reads it in that of its environment, which `_ask` sets to UTC.
    return f"-Overify-time={now:%Y%m%d%H%M%S}"


def _ask(what: str, *arguments: str, message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", what, *arguments],
            input=message,
            capture_output=True,
            check=False,
            env=environment,
            timeout=PATIENCE_SECONDS,
        )
    except FileNotFoundError as error:
        raise _no_program() from error
    except subprocess.TimeoutExpired as error:
        raise CouldNotTell(
            f"ssh-keygen did not answer within {PATIENCE_SECONDS} seconds. Try again."
        ) from error


def _no_program() -> CouldNotTell:
    return CouldNotTell(
        "The program ssh-keygen is not on this machine's PATH, so no signature can be made or "
        "checked. Install OpenSSH's client programs (Debian: apt install openssh-client)."
    )


def _refusal(message: str, remedy: str) -> Refused:
    return Refused.because(reason(ReasonCode.APPROVALS_MISSING, message, remedy))


def _last_line(words: bytes | None) -> str:
    lines = (words or b"").decode(errors="replace").strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "it gave no reason"
