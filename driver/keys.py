"""The host's signing key, and the public keys that verify what it signed. Ed25519 throughout."""

import base64
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from launchplane_lane_contracts.contract import KeyId
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.judgement import TokenVerdict
from launchplane_lane_contracts.orders import (
    ANY_ORDER,
    AUDIENCE,
    ISSUER,
    LowerOrder,
    Permit,
    SignedOrder,
    StampOrder,
    WitnessOrder,
    header_type,
    later_rule_book,
)

from .durable import write_durably
from .host_directory import HostDirectory
from .host_identity import HostApproval

KEY_VARIABLE = "LANE_AUTHORITY_SIGNING_KEY"
ALGORITHM = "EdDSA"
APPROVAL_AUDIENCE = "launchplane-lane-approvals"
"""The `aud` under which the host signs that it was told of an approval."""
APPROVAL_TYPE = "launchplane-approval+jwt"


def key_id(public: Ed25519PublicKey) -> KeyId:
    """A key's name: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return KeyId(hashlib.sha256(_raw(public)).hexdigest()[:16])


def create_signing_key(host: HostDirectory) -> KeyId:
    """Make the host's signing key and add its public key to the key set.

    Where there is a signing key already, that is the answer; nothing is changed but a public key
    that is missing. Raises CouldNotTell when the files cannot be read or written.
    """
    present = private_key_files(host, "signing")
    if present:
        key = SigningKey.load(host, environment={})
    else:
        private = Ed25519PrivateKey.generate()
        key = SigningKey(private)
        write_private(host.keys / f"signing-{key.key_id}.pem", private)
    publish(host, key)
    return key.key_id


def write_private(file: Path, private: Ed25519PrivateKey) -> None:
    """Write a private key that only this user can read. Raises CouldNotTell."""
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        write_durably(file, pem, mode=0o600, replace=False)
    except OSError as error:
        raise CouldNotTell(
            f"The signing key could not be written to {file}: {error.strerror}. Give this user "
            "the right to write there."
        ) from error


def publish(host: HostDirectory, key: "SigningKey") -> None:
    """Add the public half to the key set, unless it is there. Raises CouldNotTell."""
    file = host.public_keys_file
    text = _read(file) if file.exists() else '{"keys": []}'
    if key.key_id in PublicKeys.from_jwks(text).key_ids:
        return
    _write_jwks(host, [*json.loads(text)["keys"], key.public_jwk()])


def publish_no_longer(host: HostDirectory, key: KeyId) -> None:
    """Take a public key out of the key set. Raises CouldNotTell."""
    text = _read(host.public_keys_file)
    PublicKeys.from_jwks(text)
    kept = [each for each in json.loads(text)["keys"] if each["kid"] != key]
    _write_jwks(host, kept)


def _write_jwks(host: HostDirectory, keys: list[dict[str, str]]) -> None:
    text = json.dumps({"keys": keys}, indent=2) + "\n"
    _write_in_words(host.public_keys_file, text, mode=0o644)


def _write_in_words(file: Path, text: str, *, mode: int) -> None:
    try:
        write_durably(file, text.encode(), mode=mode)
    except OSError as error:
        raise CouldNotTell(
            f"{file} could not be written: {error.strerror}. Give this user the right to write "
            "there, and run the same command again."
        ) from error


def read_revoked(host: HostDirectory) -> frozenset[KeyId]:
    """The keys that verify nothing, whatever the key set says. Raises CouldNotTell."""
    file = host.revoked_keys_file
    if not file.exists():
        return frozenset()
    try:
        return frozenset(KeyId(each) for each in json.loads(_read(file))["revoked"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CouldNotTell(
            f"{file} cannot be read, so nobody can tell which keys were revoked. Put the saved "
            "file back."
        ) from error


def write_revoked(host: HostDirectory, keys: frozenset[KeyId]) -> None:
    """Write down which keys verify nothing. Raises CouldNotTell."""
    text = json.dumps({"revoked": sorted(keys)}, indent=2) + "\n"
    _write_in_words(host.revoked_keys_file, text, mode=0o644)


def signed_by(token: str) -> KeyId | None:
    """The name of the key that a token says it is signed by. Nothing is verified."""
    try:
        return KeyId(_header(token)["kid"])
    except _NotOurs:
        return None


class SigningKey:
    """The private key. It signs orders and shows itself to nobody."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key_id = key_id(private.public_key())

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    @classmethod
    def load(cls, host: HostDirectory, environment: Mapping[str, str] = os.environ) -> Self:
        """The key in the environment, or else the one file in the host directory.

        Raises CouldNotTell when there is none, more than one, or one that others can read.
        """
        pem = environment.get(KEY_VARIABLE)
        if pem:
            return cls(_read_private(pem.encode(), f"the environment's {KEY_VARIABLE}"))
        files = private_key_files(host, "signing")
        if not files:
            raise CouldNotTell(
                f"There is no signing key in {host.keys}. Put the saved one back. Where it is "
                "lost, go over to a new one: `lane-authority keys create`, give every lane the "
                "public half, `lane-authority keys rotate`; what the lost one signed still "
                f"verifies. A key may also be given as PEM in {KEY_VARIABLE}."
            )
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            raise CouldNotTell(
                f"There are several signing keys in {host.keys}: {names}. Move all but the one in "
                "use elsewhere; their public keys stay in the key set."
            )
        key = cls.read(files[0])
        if key.key_id in read_revoked(host):
            raise CouldNotTell(
                f"The signing key {key.key_id} was revoked, so nothing that it signs is worth "
                "anything. Go over to a new one: `lane-authority keys create`, then "
                "`lane-authority keys rotate`."
            )
        return key

    @classmethod
    def read(cls, file: Path) -> Self:
        """The key in one file. Raises CouldNotTell when others can read it, or it is none."""
        _refuse_shared(file)
        return cls(_read_private(_read(file).encode(), str(file)))

    def public_jwk(self) -> dict[str, str]:
        """The public key as it stands in a JSON Web Key Set."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": ALGORITHM,
            "use": "sig",
            "kid": self.key_id,
            "x": _encode(_raw(self._private.public_key())),
        }

    def sign(
        self,
        order: SignedOrder | WitnessOrder,
        *,
        audience: str,
        issued_at: datetime,
        expires_at: datetime,
    ) -> str:
        """The order as a signed token for `audience`, good from `issued_at` to `expires_at` (UTC).

        Its `jti` is the order's nonce where it has one.
        """
        nonce = None if isinstance(order, WitnessOrder) else order.nonce
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
            "jti": nonce or secrets.token_hex(16),
            "order": order.to_plain(),
        }
        headers = {"kid": self.key_id, "typ": header_type(order.kind)}
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers=headers)

    def sign_approval(self, approval: HostApproval, *, issued_at: datetime) -> str:
        """The token that stands in the store for the approval of an authenticated person."""
        claims = {
            "iss": ISSUER,
            "aud": APPROVAL_AUDIENCE,
            "iat": issued_at,
            "approval": approval.to_plain(),
        }
        headers = {"kid": self.key_id, "typ": APPROVAL_TYPE}
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers=headers)


class _NotOurs(Exception):
    """Why a token is not what we would have signed."""


class _OtherRuleBook(Exception):
    """It was signed by this host, under rules that are not known here."""


class PublicKeys:
    """The keys that verify what this host, or one before it, signed."""

    def __init__(
        self,
        keys: Mapping[KeyId, Ed25519PublicKey],
        revoked: frozenset[KeyId] = frozenset(),
    ) -> None:
        """`revoked` are the names of keys that verify nothing any more."""
        self._keys, self._revoked = dict(keys), revoked

    @property
    def key_ids(self) -> frozenset[KeyId]:
        """The names of the keys."""
        return frozenset(self._keys)

    @classmethod
    def load(cls, host: HostDirectory, environment: Mapping[str, str] = os.environ) -> Self:
        """The host's key set, and the public half of a signing key in the environment.

        Raises CouldNotTell when it cannot be read.
        """
        keys = cls.from_jwks(_read(host.public_keys_file))
        if environment.get(KEY_VARIABLE):
            key = SigningKey.load(host, environment)
            keys._keys[key.key_id] = key._private.public_key()
        revoked = read_revoked(host)
        # Also where somebody put an older key set back.
        left = {name: key for name, key in keys._keys.items() if name not in revoked}
        return cls(left, revoked)

    @classmethod
    def from_jwks(cls, text: str) -> Self:
        """Read a JSON Web Key Set.

        Raises CouldNotTell when one of its keys is not an Ed25519 public key under its own name.
        """
        try:
            keys = [_read_public(each) for each in json.loads(text)["keys"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CouldNotTell(
                "The set of public keys cannot be read: it must be a JSON Web Key Set of Ed25519 "
                "public keys, each with the kid that is made from it. Put the saved file back."
            ) from error
        return cls({key_id(each): each for each in keys})

    def verify_marker(self, token: str) -> TokenVerdict:
        """What the token in a marker row is worth. Its age does not matter: data grows old."""
        try:
            header = _header(token)
            key = self._keys.get(KeyId(header["kid"]))
            if key is None:
                return TokenVerdict(
                    key_is_unknown=True,
                    detail=f"no public key {header['kid'][:64]!r} is at hand",
                )
            return TokenVerdict(order=_marker_order(token, header, key))
        except _OtherRuleBook as error:
            # Nothing can be said of it, as where the key is not at hand.
            return TokenVerdict(key_is_unknown=True, detail=str(error))
        except _NotOurs as error:
            return TokenVerdict(detail=str(error))

    def read_approval(self, token: str) -> HostApproval | None:
        """What the host signed with `sign_approval`; None for anything else."""
        try:
            header = _header(token)
            key = self._keys.get(KeyId(header["kid"]))
            if key is None or header["typ"] != APPROVAL_TYPE:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=APPROVAL_AUDIENCE,
                issuer=ISSUER,
                options={"require": ["iss", "aud", "iat", "approval"], "verify_iat": False},
            )
            return HostApproval.from_plain(claims["approval"])
        except (_NotOurs, jwt.InvalidTokenError, ValidationError):
            return None

    def approval_on_record(
        self, token: str, revoked_before: Collection[str]
    ) -> HostApproval | None:
        """The same for a token that the ledger holds from before its key was revoked.

        Nothing can be verified with such a key; that the host had signed it then is the ledger's
        word. `revoked_before` are the keys that were revoked by then already.
        """
        try:
            name = _header(token)["kid"]
            if name in revoked_before or name not in self._revoked:
                return self.read_approval(token)
            claims = json.loads(_decode(token.split(".")[1]))
            return HostApproval.from_plain(claims["approval"])
        except (_NotOurs, ValueError, KeyError, TypeError):
            return None


# -- one step of the ladder each ---------------------------------------------------


def _header(token: str) -> dict[str, str]:
    parts = token.split(".")
    # Base64 has spellings that read the same; only the one that we write is a token of ours.
    if len(parts) != 3 or not all(_is_canonical(part) for part in parts):
        raise _NotOurs("it is not a signed token")
    try:
        header = json.loads(_decode(parts[0]))
    except (ValueError, RecursionError) as error:
        raise _NotOurs("the token's header cannot be read") from error
    if (
        not isinstance(header, dict)
        or set(header) != {"alg", "kid", "typ"}
        or not all(isinstance(value, str) for value in header.values())
    ):
        raise _NotOurs("the token's header is not one of ours")
    if header["alg"] != ALGORITHM:
        raise _NotOurs(f"the token is not signed with {ALGORITHM}")
    return header


def _marker_order(
    token: str, header: Mapping[str, str], key: Ed25519PublicKey
) -> Permit | StampOrder | LowerOrder:
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": ["iss", "aud", "iat", "nbf", "exp", "jti", "order"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise _NotOurs(f"the token is not good: {error}") from error
    if claims["aud"] != AUDIENCE:
        raise _NotOurs("the token is for others as well")
    # Before its fields: a later rule book may have others.
    version = later_rule_book(claims["order"])
    if version is not None:
        raise _OtherRuleBook(f"rule book {version} is unknown here")
    try:
        order = ANY_ORDER.validate_json(json.dumps(claims["order"]))
    except ValidationError as error:
        raise _NotOurs("the token holds no order that is known here") from error
    if header["typ"] != header_type(order.kind):
        raise _NotOurs(f"the token is called {header['typ'][:64]!r} and holds a {order.kind} order")
    if not isinstance(order, Permit | StampOrder | LowerOrder):
        raise _NotOurs(f"a {order.kind} order does not stand in a marker row")
    return order


def permit_said_by(token: str) -> Permit | None:
    """The permit that a token says it is. Nothing vouches for it: compare it with the ledger."""
    try:
        _header(token)
        order = ANY_ORDER.validate_json(
            json.dumps(json.loads(_decode(token.split(".")[1]))["order"])
        )
    except (_NotOurs, ValueError, KeyError, TypeError, RecursionError):
        return None
    return order if isinstance(order, Permit) else None


# -- files and encodings -----------------------------------------------------------


def private_key_files(host: HostDirectory, what: str) -> list[Path]:
    """The files of private keys whose names begin with `what`: `signing`, or another."""
    return sorted(host.keys.glob(f"{what}-*.pem"))


def _refuse_shared(file: Path) -> None:
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise CouldNotTell(
                f"The signing key {file} can be used by others (mode {mode:04o}), who could sign "
                f"permits with it. If nobody had it, run: chmod 600 {file}"
            )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CouldNotTell(
            f"{file} cannot be read. Make it with `lane-authority init`, or let this user read it."
        ) from error


def _read_private(pem: bytes, where: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        # What could not be read is a secret, so it is not repeated.
        raise CouldNotTell(
            f"There is no private key in PEM in {where}. Put the lanes' own key back there."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CouldNotTell(
            f"The private key in {where} is not an Ed25519 key. Put the lanes' own key back there."
        )
    return key


def _read_public(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    if jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519" or "d" in jwk:
        raise ValueError("not an Ed25519 public key")
    key = Ed25519PublicKey.from_public_bytes(_decode(jwk["x"]))
    if jwk["kid"] != key_id(key):
        raise ValueError("the key has another's name")
    return key


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_canonical(part: str) -> bool:
    try:
        return _encode(_decode(part)) == part
    except ValueError:
        return False
