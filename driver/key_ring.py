"""The life of the signing key: made ahead, taken into use, retired, revoked.

A key is published before it signs, so that every lane can verify it by then. One that no longer
signs stays published: it still verifies old markers, until it is revoked. Each step can be run
again after a crash and goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchplane_lane_contracts.contract import KeyId
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, LaneAuthorityError
from launchplane_lane_contracts.lane import Lane

from .guard_client import show
from .host_directory import HostDirectory
from .keys import (
    PublicKeys,
    SigningKey,
    private_key_files,
    publish,
    publish_no_longer,
    read_revoked,
    signed_by,
    write_private,
    write_revoked,
)

NEXT = "next"
"""What the file of a key begins with that was made and does not sign yet."""
KEY_REVOKED = "key_revoked"
"""What is noted in the ledger when a key was revoked."""
RETIRING = "retiring"
"""What the file of the key before it begins with while it is taken out of use."""


class KeyState(StrEnum):
    """What a key is good for."""

    SIGNS = "signs"
    """It signs, and verifies what it signed."""
    NEXT = "next"
    """It is published and does not sign yet."""
    RETIRED = "retired"
    """It verifies old markers, and signs no more."""
    REVOKED = "revoked"
    """It verifies nothing."""


@dataclass(frozen=True)
class KnownKey:
    """One key of the host."""

    key_id: KeyId
    state: KeyState


def known_keys(host: HostDirectory) -> tuple[KnownKey, ...]:
    """Every key that is published or was revoked. Raises CouldNotTell."""
    signing, following, revoked = _signing(host), _following(host), read_revoked(host)

    def state(key: KeyId) -> KeyState:
        if key in revoked:
            return KeyState.REVOKED
        if key == signing:
            return KeyState.SIGNS
        return KeyState.NEXT if key == following else KeyState.RETIRED

    found = sorted(PublicKeys.load(host).key_ids | revoked)
    return tuple(KnownKey(each, state(each)) for each in found)


def create_next_key(host: HostDirectory) -> KeyId:
    """Make the key that signs after the present one, and publish it. It does not sign yet.

    One that was made before is the answer. Raises CouldNotTell.
    """
    files = private_key_files(host, NEXT)
    if files:
        key = SigningKey.read(files[0])
    else:
        private = Ed25519PrivateKey.generate()
        key = SigningKey(private)
        write_private(host.keys / f"{NEXT}-{key.key_id}.pem", private)
    publish(host, key)
    return key.key_id


def require_next_key(host: HostDirectory) -> None:
    """Raise BadInput when there is no key to go over to, and none that is being gone over to."""
    if _following(host) is None and not private_key_files(host, RETIRING):
        raise BadInput(
            "There is no key to go over to. Make one with `lane-authority keys create`, give every "
            "lane its public half, then rotate."
        )


def rotate(host: HostDirectory) -> KeyId:
    """Let the key that was made ahead sign from now on; the present one is retired.

    The private half of a retired key is of no more use and is deleted. Raises BadInput when none
    was made ahead, CouldNotTell.
    """
    require_next_key(host)
    following = _following(host)
    if following is not None:
        publish(host, SigningKey.read(host.keys / f"{NEXT}-{following}.pem"))
        for file in private_key_files(host, "signing"):
            # First out of use, then the new one in: there are never two that sign.
            file.rename(file.with_name(file.name.replace("signing", RETIRING, 1)))
        (host.keys / f"{NEXT}-{following}.pem").rename(host.keys / f"signing-{following}.pem")
    for file in private_key_files(host, RETIRING):
        file.unlink()
    return SigningKey.load(host, {}).key_id


def revoke(host: HostDirectory, key: KeyId) -> None:
    """Let a key verify nothing any more, here and wherever the key set is copied to.

    Revoking it again changes nothing. Raises BadInput for the key that signs and for one that is
    not known, CouldNotTell.
    """
    require_revocable(host, key)
    write_revoked(host, read_revoked(host) | {key})
    publish_no_longer(host, key)
    for file in private_key_files(host, NEXT):
        if file.name == f"{NEXT}-{key}.pem":
            file.unlink()


def require_revocable(host: HostDirectory, key: KeyId) -> None:
    """Raise BadInput for the key that signs, and for one that is not known; CouldNotTell."""
    state = next((each.state for each in known_keys(host) if each.key_id == key), None)
    if state is None:
        raise BadInput(f"There is no key {key}. `lane-authority keys list` names them.")
    if state is KeyState.SIGNS:
        raise BadInput(
            f"Key {key} signs now. Make another (`lane-authority keys create`), go over to it "
            "(`lane-authority keys rotate`), then revoke this one."
        )


@dataclass(frozen=True)
class SignedLane:
    """By which key a lane's marker is signed."""

    lane: Lane
    key_id: KeyId | None
    """None where there is no marker, or it can't be read."""


def signed_lanes(host: HostDirectory) -> tuple[SignedLane, ...]:
    """Every configured lane, as its guard reads it now. Raises BadInput."""
    return tuple(_signed_lanes(host))


def _signed_lanes(host: HostDirectory) -> Iterator[SignedLane]:
    for lane, configuration in sorted(host.lanes().items(), key=lambda pair: str(pair[0])):
        row = show(configuration).database.marker_row
        yield SignedLane(lane, signed_by(row.token) if row is not None else None)


def _signing(host: HostDirectory) -> KeyId | None:
    try:
        return SigningKey.load(host).key_id
    except LaneAuthorityError:
        # It was lost, or a rotation died half-way: then none signs.
        return None


def _following(host: HostDirectory) -> KeyId | None:
    files = private_key_files(host, NEXT)
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise CouldNotTell(
            f"There are several keys in {host.keys} that were made ahead: {names}. Delete all but "
            "the one that the lanes have."
        )
    return SigningKey.read(files[0]).key_id if files else None
