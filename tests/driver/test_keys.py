"""Keys and tokens: only what this host signed, and as it signed it, is worth anything."""

import base64
import hashlib
import hmac
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from launchplane_lane_contracts.contract import DatabaseName, Nonce, PermitId
from launchplane_lane_contracts.errors import CouldNotTell
from launchplane_lane_contracts.marker import Lineage, Marker
from launchplane_lane_contracts.orders import AUDIENCE, ISSUER, StampOrder, UndoOrder, WitnessOrder
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.keys import PublicKeys, SigningKey, create_signing_key, key_id
from launchplane_lane_guard.tokens import PublicKeys as GuardsKeys
from tests.driver.sample import CM, FILES, IDENTITY, NOW, open_policy

STAMP = StampOrder(
    lane=CM,
    nonce=Nonce("nonce-1"),
    database=DatabaseName("cm"),
    filestore_path=FILES,
    issued_at=NOW,
    begin_before=NOW + timedelta(minutes=15),
    rulebook_version=1,
    permit_id=None,
    marker=Marker(
        lane=CM,
        policy=open_policy(),
        policy_revision=1,
        authoritative=True,
        generation=1,
        nonce=Nonce("nonce-1"),
        identity=IDENTITY,
        filestore_path=FILES,
        lineage=Lineage(),
        stamped_at=NOW,
    ),
    lock=True,
)
PRIVATE = Ed25519PrivateKey.generate()
KEY = SigningKey(PRIVATE)
KEYS = PublicKeys({KEY.key_id: PRIVATE.public_key()})
GUARDS_KEYS = GuardsKeys.from_text(json.dumps({"keys": [KEY.public_jwk()]}))
HEADERS = {"kid": KEY.key_id, "typ": "launchplane-stamp+jwt"}


def _signed(order: StampOrder | UndoOrder | WitnessOrder = STAMP) -> str:
    return KEY.sign(order, audience=AUDIENCE, issued_at=NOW, expires_at=NOW + timedelta(minutes=15))


def _claims(**changed: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + timedelta(minutes=15),
        "jti": "nonce-1",
        "order": STAMP.to_plain(),
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_was_signed_is_read_back() -> None:
    token = _signed()
    assert KEYS.verify_marker(token).order == STAMP
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", **HEADERS}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["jti"], claims["iss"], claims["aud"]) == ("nonce-1", ISSUER, AUDIENCE)
    assert claims["exp"] - claims["iat"] == 900
    assert claims["order"] == STAMP.to_plain()


def test_a_marker_does_not_expire() -> None:
    old = NOW - timedelta(days=3000)
    token = KEY.sign(STAMP, audience=AUDIENCE, issued_at=old, expires_at=old)
    assert KEYS.verify_marker(token).order == STAMP


def test_a_key_that_is_not_at_hand_says_nothing() -> None:
    verdict = PublicKeys({}).verify_marker(_signed())
    assert verdict.key_is_unknown
    assert verdict.order is None


def test_another_key_under_the_same_name() -> None:
    other = Ed25519PrivateKey.generate()
    forged = jwt.encode(_claims(), other, algorithm="EdDSA", headers=HEADERS)
    verdict = KEYS.verify_marker(forged)
    assert (verdict.order, verdict.key_is_unknown) == (None, False)


@pytest.mark.parametrize(
    "public",
    [
        PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        PRIVATE.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        b"",
    ],
)
def test_the_public_key_taken_for_a_shared_secret(public: bytes) -> None:
    claims = json.loads(base64.urlsafe_b64decode(_signed().split(".")[1] + "=="))
    body = f"{_part({'alg': 'HS256', **HEADERS})}.{_part(claims)}"
    mac = hmac.new(public, body.encode(), hashlib.sha256).digest()
    token = f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    verdict = KEYS.verify_marker(token)
    assert (verdict.order, verdict.key_is_unknown) == (None, False)
    assert "EdDSA" in verdict.detail


@pytest.mark.parametrize("name", ["none", "None", "eddsa", "Ed25519", "RS256", ""])
def test_no_other_algorithm(name: str) -> None:
    _header, claims, signature = _signed().split(".")
    for end in (signature, ""):
        token = f"{_part({'alg': name, **HEADERS})}.{claims}.{end}"
        verdict = KEYS.verify_marker(token)
        assert (verdict.order, verdict.key_is_unknown) == (None, False)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "launchplane-lane-runtime"},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, "another"]},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"exp": None},
        {"nbf": None},
        {"jti": None},
        {"order": None},
        {"order": "text"},
        {"order": {**STAMP.to_plain(), "unknown": 1}},
        {"order": {**STAMP.to_plain(), "kind": "permit"}},
        {"order": {**STAMP.to_plain(), "rulebook_version": 0}},
        {"order": {**STAMP.to_plain(), "rulebook_version": "2"}},
    ],
)
def test_claims_that_are_not_ours(changed: dict[str, Any]) -> None:
    token = jwt.encode(_claims(**changed), PRIVATE, algorithm="EdDSA", headers=HEADERS)
    verdict = KEYS.verify_marker(token)
    assert (verdict.order, verdict.key_is_unknown) == (None, False)
    assert verdict.detail


@pytest.mark.parametrize(
    "order",
    [
        STAMP.to_plain(),
        {**STAMP.to_plain(), "rulebook_version": 2},
        {**STAMP.to_plain(), "rulebook_version": 2, "a_field_of_tomorrow": 1},
        {**STAMP.to_plain(), "rulebook_version": 0},
        {**STAMP.to_plain(), "rulebook_version": "2"},
        {"rulebook_version": 2},
        {},
        "text",
    ],
)
def test_host_and_guard_take_a_marker_of_any_rule_book_for_the_same(order: object) -> None:
    """Of a later one nothing can be said; its fields may be others."""
    claims = {**_claims(order=order), "iat": 1_900_000_000, "nbf": 1_900_000_000}
    token = jwt.encode(
        {**claims, "exp": 1_900_000_900}, PRIVATE, algorithm="EdDSA", headers=HEADERS
    )
    host, guard = KEYS.verify_marker(token), GUARDS_KEYS.judge_marker_token(token)
    assert (host.order, host.key_is_unknown) == (guard.order, guard.key_is_unknown)
    later = isinstance(order, dict) and order.get("rulebook_version") == 2
    assert host.key_is_unknown is later


@pytest.mark.parametrize(
    "headers",
    [
        {**HEADERS, "typ": "launchplane-permit+jwt"},
        {**HEADERS, "typ": "JWT"},
        {"kid": KEY.key_id},
        {**HEADERS, "crit": ["b64"]},
        {**HEADERS, "jku": "https://elsewhere.example/keys"},
    ],
)
def test_headers_that_are_not_ours(headers: dict[str, Any]) -> None:
    claims = _signed().split(".")[1]
    body = f"{_part({'alg': 'EdDSA', **headers})}.{claims}"
    signature = base64.urlsafe_b64encode(PRIVATE.sign(body.encode())).rstrip(b"=").decode()
    verdict = KEYS.verify_marker(f"{body}.{signature}")
    assert (verdict.order, verdict.key_is_unknown) == (None, False)


def test_orders_that_write_no_row() -> None:
    undo = UndoOrder(
        lane=CM,
        nonce=Nonce("nonce-1"),
        database=DatabaseName("cm"),
        filestore_path=FILES,
        issued_at=NOW,
        begin_before=NOW,
        rulebook_version=1,
        permit_id=PermitId("permit-1"),
        remains_name=DatabaseName("cm__remains"),
        generation=2,
    )
    for order in (undo, WitnessOrder(lane=CM, expected_generation=None)):
        assert KEYS.verify_marker(_signed(order)).order is None


def test_no_character_can_be_changed() -> None:
    token = _signed()
    for place in range(len(token)):
        for other in ("A" if token[place] != "A" else "B", chr(ord(token[place]) ^ 1)):
            changed = token[:place] + other + token[place + 1 :]
            assert KEYS.verify_marker(changed).order is None, place


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "\x00", "é.é.é", "e30.e30.e30"])
def test_what_is_no_token(token: str) -> None:
    verdict = KEYS.verify_marker(token)
    assert (verdict.order, verdict.key_is_unknown) == (None, False)


@pytest.mark.parametrize("end", ["=", "\n", " ", "."])
def test_no_second_spelling(end: str) -> None:
    assert KEYS.verify_marker(_signed() + end).order is None


# -- files -------------------------------------------------------------------------


def test_the_signing_key_is_made_once(host: HostDirectory) -> None:
    made = create_signing_key(host)
    file = host.keys / f"signing-{made}.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert create_signing_key(host) == made
    assert file.read_bytes() == content
    key, keys = SigningKey.load(host, {}), PublicKeys.load(host, {})
    assert keys.key_ids == {key.key_id} == {made}
    token = key.sign(STAMP, audience=AUDIENCE, issued_at=NOW, expires_at=NOW)
    assert keys.verify_marker(token).order == STAMP


def test_a_public_key_that_was_lost_is_added_again(host: HostDirectory) -> None:
    made = create_signing_key(host)
    host.public_keys_file.write_text('{"keys": []}')
    create_signing_key(host)
    assert PublicKeys.load(host, {}).key_ids == {made}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o777])
def test_a_key_that_others_can_use_is_refused(host: HostDirectory, mode: int) -> None:
    file = host.keys / f"signing-{create_signing_key(host)}.pem"
    file.chmod(mode)
    with pytest.raises(CouldNotTell) as caught:
        SigningKey.load(host, {})
    assert f"chmod 600 {file}" in caught.value.message


def test_no_key_two_keys_and_spoilt_keys(host: HostDirectory) -> None:
    with pytest.raises(CouldNotTell, match="lane-authority keys create"):
        SigningKey.load(host, {})
    file = host.keys / f"signing-{create_signing_key(host)}.pem"
    second = host.keys / "signing-0000000000000000.pem"
    second.write_bytes(file.read_bytes())
    with pytest.raises(CouldNotTell, match="several"):
        SigningKey.load(host, {})
    second.unlink()
    file.write_text("geheim")
    with pytest.raises(CouldNotTell) as caught:
        SigningKey.load(host, {})
    assert "geheim" not in caught.value.message


def _pem(key: Any) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def test_the_key_may_come_from_the_environment(host: HostDirectory) -> None:
    create_signing_key(host)
    environment = {"LANE_AUTHORITY_SIGNING_KEY": _pem(PRIVATE)}
    assert SigningKey.load(host, environment).key_id == KEY.key_id
    assert KEY.key_id in PublicKeys.load(host, environment).key_ids
    rsa = {"LANE_AUTHORITY_SIGNING_KEY": _pem(generate_private_key(65537, 2048))}
    with pytest.raises(CouldNotTell, match="not an Ed25519"):
        SigningKey.load(host, rsa)


def test_the_key_does_not_show_itself() -> None:
    assert repr(KEY) == f"SigningKey({KEY.key_id})"


@pytest.mark.parametrize(
    "changed",
    [{"kid": "0" * 16}, {"d": "AAAA"}, {"kty": "oct"}, {"crv": "Ed448"}, {"x": "AAAA"}, {"x": 1}],
)
def test_a_key_set_with_a_wrong_key(changed: dict[str, object]) -> None:
    with pytest.raises(CouldNotTell):
        PublicKeys.from_jwks(json.dumps({"keys": [{**KEY.public_jwk(), **changed}]}))
    assert PublicKeys.from_jwks(json.dumps({"keys": [KEY.public_jwk()]})).key_ids == {KEY.key_id}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', '{"keys": [1]}', "[" * 3000])
def test_what_is_no_key_set(text: str) -> None:
    with pytest.raises(CouldNotTell):
        PublicKeys.from_jwks(text)


def test_key_ids_are_made_from_the_key(tmp_path: Path) -> None:
    raw = PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert key_id(PRIVATE.public_key()) == hashlib.sha256(raw).hexdigest()[:16]
