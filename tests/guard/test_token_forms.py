"""A good signature is not enough: what it covers must be an order, spelt as ours are."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.orders import header_type
from launchplane_lane_guard.tokens import PublicKeys
from tests.guard.signing import ControlPlane
from tests.guard.test_token_bits import HOST, KEYS, KINDS, ORDERS, is_accepted

PERMIT = ORDERS["permit"]
HEADER = {"alg": "EdDSA", "kid": HOST.key_id, "typ": header_type("permit")}


def spell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def signed(header: Any, claims: Any) -> str:
    """A token with a good signature over whatever is given."""
    text = f"{spell(header)}.{spell(claims)}"
    signature = base64.urlsafe_b64encode(HOST.key.sign(text.encode())).rstrip(b"=").decode()
    return f"{text}.{signature}"


def test_this_way_of_signing_makes_good_tokens() -> None:
    assert is_accepted(signed(HEADER, HOST.claims(PERMIT)), "permit")


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "crit": []},
        {**HEADER, "b64": True},
        {**HEADER, "jwk": HOST.key_set()["keys"][0]},
        {**HEADER, "jku": "https://keys.example.com"},
        {**HEADER, "x5c": []},
        {**HEADER, "zip": "DEF"},
        {name: value for name, value in HEADER.items() if name != "kid"},
        {name: value for name, value in HEADER.items() if name != "typ"},
        {name: value for name, value in HEADER.items() if name != "alg"},
        {**HEADER, "kid": "control-plane-9"},
        {**HEADER, "kid": ""},
        {**HEADER, "kid": 1},
        {**HEADER, "kid": [HOST.key_id]},
        {**HEADER, "kid": HOST.key_id + "\x00"},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": header_type("permit").upper()},
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "Ed25519"},
        {**HEADER, "alg": "eddsa"},
        {**HEADER, "alg": None},
        [HEADER],
        "null",
        '{"kid": "another", ' + json.dumps(HEADER)[1:],
        '{"alg": "none", ' + json.dumps(HEADER)[1:],
        "{",
    ],
)
def test_a_header_that_is_none_of_ours(header: Any) -> None:
    assert not is_accepted(signed(header, HOST.claims(PERMIT)), "permit")


def twice(claims: dict[str, Any]) -> str:
    return json.dumps(claims)[:-1] + f', "order": {json.dumps(claims["order"])}}}'


def twice_inside(claims: dict[str, Any]) -> str:
    return json.dumps(claims).replace('"generation":', '"generation": 1, "generation":', 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: {**claims, "force": True},
        lambda claims: {**claims, "sub": "somebody"},
        lambda claims: {**claims, "aud": [claims["aud"]]},
        lambda claims: {**claims, "aud": [claims["aud"], "somebody"]},
        lambda claims: {**claims, "aud": "launchplane-lane-runtime"},
        lambda claims: {**claims, "iss": [claims["iss"]]},
        lambda claims: {**claims, "order": json.dumps(claims["order"])},
        lambda claims: {**claims, "order": [claims["order"]]},
        lambda claims: {**claims, "order": None},
        lambda claims: {**claims, "order": {}},
        lambda claims: {**claims, "order": {**claims["order"], "force": True}},
        lambda claims: {**claims, "order": {**claims["order"], "kind": "undo"}},
        lambda claims: {**claims, "order": {**claims["order"], "rulebook_version": 2}},
        lambda claims: {**claims, "order": {**claims["order"], "rulebook_version": "1"}},
        lambda claims: {**claims, "order": {**claims["order"], "schema_version": 2}},
        lambda claims: {**claims, "exp": "soon"},
        lambda claims: {**claims, "iat": True},
        twice,
        twice_inside,
        lambda claims: [claims],
        lambda claims: "null",
        lambda claims: '{"order": ' + "[" * 100_000,
        lambda claims: json.dumps(claims)[:-1],
    ],
)
def test_claims_that_are_none_of_ours(change: Callable[[dict[str, Any]], Any]) -> None:
    assert not is_accepted(signed(HEADER, change(HOST.claims(PERMIT))), "permit")


@pytest.mark.parametrize("left_out", sorted(HOST.claims(PERMIT)))
def test_every_claim_is_asked_for(left_out: str) -> None:
    claims = {name: value for name, value in HOST.claims(PERMIT).items() if name != left_out}
    assert not is_accepted(signed(HEADER, claims), "permit")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_signature_made_with_the_public_key(algorithm: str) -> None:
    """Everybody knows the public key; whoever takes it for a shared secret is lost."""
    digest = getattr(hashlib, f"sha{algorithm[2:]}")
    text = f"{spell({**HEADER, 'alg': algorithm})}.{spell(HOST.claims(PERMIT))}"
    for secret in (HOST.public_bytes, HOST.key_set()["keys"][0]["x"].encode(), b""):
        signature = hmac.new(secret, text.encode(), digest).digest()
        spelt = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        assert not is_accepted(f"{text}.{spelt}", "permit")


@pytest.mark.parametrize("signature", ["", "AA", "A" * 86, "A" * 85 + "Q"])
def test_no_signature_at_all(signature: str) -> None:
    for algorithm in ("none", "None", "EdDSA"):
        text = f"{spell({**HEADER, 'alg': algorithm})}.{spell(HOST.claims(PERMIT))}"
        assert not is_accepted(f"{text}.{signature}", "permit")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "{}", "null", "é.é.é", "\udcff", "A" * 2_000_000, "." * 50_000],
)
def test_what_is_no_token(token: str) -> None:
    assert not is_accepted(token, "permit")
    assert KEYS.judge_marker_token(token).order is None
    with pytest.raises(LaneAuthorityError):
        KEYS.witness_order(token)


def test_a_huge_token_with_a_good_signature() -> None:
    claims = HOST.claims(PERMIT)
    huge = {**claims, "order": {**claims["order"], "nonce": "n" * 2_000_000}}
    assert not is_accepted(signed(HEADER, huge), "permit")


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_taken_for_another(kind: str) -> None:
    for other in KINDS:
        if other != kind:
            assert not is_accepted(HOST.sign(ORDERS[kind]), other)
            dressed = HOST.sign(ORDERS[kind], header={"typ": header_type(other)})
            assert not is_accepted(dressed, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("minutes", [-16, 5])
def test_no_kind_is_good_out_of_its_time(kind: str, minutes: int) -> None:
    issued = datetime.now(UTC) + timedelta(minutes=minutes)
    assert good_at(kind, datetime.now(UTC))
    assert not good_at(kind, issued)


def good_at(kind: str, issued: datetime) -> bool:
    order = ORDERS[kind]
    moved = order.model_copy(
        update={"issued_at": issued, "begin_before": issued + timedelta(minutes=15)}
    )
    try:
        KEYS.order(HOST.sign(moved), kind=kind)
    except LaneAuthorityError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_was_taken_off_the_list(kind: str) -> None:
    token = HOST.sign(ORDERS[kind])
    left = PublicKeys.from_text(ControlPlane("control-plane-2").key_set_text())
    with pytest.raises(LaneAuthorityError, match="no public key"):
        left.order(token, kind=kind, heed_time=False)
    same_name = PublicKeys.from_text(ControlPlane(HOST.key_id).key_set_text())
    with pytest.raises(LaneAuthorityError, match="Signature verification failed"):
        same_name.order(token, kind=kind, heed_time=False)


def test_an_order_of_another_rule_book_could_not_be_told() -> None:
    """It may have fields that this guard does not know: its version is looked at before them."""
    order = {**PERMIT.to_plain(), "rulebook_version": 2, "a_field_of_tomorrow": 1}
    token = HOST.sign(PERMIT, order=order)
    with pytest.raises(LaneAuthorityError, match="rule book 2") as told:
        KEYS.order(token, kind="permit", heed_time=False)
    assert told.value.exit_code == 51
    assert KEYS.judge_marker_token(token).key_is_unknown


def test_a_witness_order_is_no_order() -> None:
    for kind in KINDS:
        with pytest.raises(LaneAuthorityError):
            KEYS.witness_order(HOST.sign(ORDERS[kind]))
        with pytest.raises(LaneAuthorityError):
            KEYS.witness_order(HOST.sign(ORDERS[kind], header={"typ": header_type("witness")}))
    assert jwt.get_unverified_header(HOST.sign(PERMIT)) == HEADER
