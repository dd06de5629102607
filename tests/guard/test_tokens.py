"""Only an order that the control plane signed, for this command and this time, moves anything."""

import base64
import hashlib
import hmac
import json
import random
from datetime import timedelta
from typing import Any

import pytest

from launchplane_lane_contracts.orders import RUNTIME_AUDIENCE, header_type
from tests.guard.estate import Estate, refused
from tests.guard.signing import ControlPlane
from tests.guard.test_token_bits import flipped


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(standing: Estate) -> str:
    permit = standing.permit()
    header = {"alg": "none", "typ": header_type("permit"), "kid": standing.host.key_id}
    return f"{part(header)}.{part(standing.host.claims(permit))}."


def signed_with_the_public_key(standing: Estate) -> str:
    permit = standing.permit()
    header = {"alg": "HS256", "typ": header_type("permit"), "kid": standing.host.key_id}
    text = f"{part(header)}.{part(standing.host.claims(permit))}"
    signature = hmac.new(standing.host.public_bytes, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def of_another_type(standing: Estate) -> str:
    return standing.host.sign(standing.permit(), header={"typ": header_type("stamp")})


def without_a_type(standing: Estate) -> str:
    return standing.host.sign(standing.permit(), header={"typ": None})


def for_another_audience(standing: Estate) -> str:
    return standing.host.sign(standing.permit(), aud=RUNTIME_AUDIENCE)


def of_another_issuer(standing: Estate) -> str:
    return standing.host.sign(standing.permit(), iss="somebody-else")


def without_an_end(standing: Estate) -> str:
    return standing.host.sign(standing.permit(), exp=None)


def by_an_unknown_key(standing: Estate) -> str:
    return ControlPlane("control-plane-2").sign(standing.permit())


def by_another_key_of_that_name(standing: Estate) -> str:
    return ControlPlane(standing.host.key_id).sign(standing.permit())


def with_a_key_of_its_own(standing: Estate) -> str:
    other = ControlPlane("control-plane-2")
    return other.sign(standing.permit(), header={"jwk": other.key_set()["keys"][0]})


def an_undo_in_a_permits_clothes(standing: Estate) -> str:
    order = standing.undo_order(standing.permit())
    return standing.host.sign(order, header={"typ": header_type("permit")})


def of_another_rule_book(standing: Estate) -> str:
    return standing.host.sign(standing.permit().model_copy(update={"rulebook_version": 2}))


def with_a_field_too_many(standing: Estate) -> str:
    permit = standing.permit()
    return standing.host.sign(permit, order={**permit.to_plain(), "force": True})


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_the_public_key,
        of_another_type,
        without_a_type,
        for_another_audience,
        of_another_issuer,
        without_an_end,
        by_an_unknown_key,
        by_another_key_of_that_name,
        with_a_key_of_its_own,
        an_undo_in_a_permits_clothes,
        of_another_rule_book,
        with_a_field_too_many,
    ],
)
def test_a_wrong_token_moves_nothing(standing: Estate, forge: Any) -> None:
    token = forge(standing)
    before = standing.everything()
    refused(standing.run("begin", token), exit_codes=(50, 51))
    assert standing.everything() == before
    assert standing.takes_connections()


@pytest.mark.parametrize("issued", [timedelta(minutes=-16), timedelta(minutes=5)])
def test_a_permit_out_of_its_time_moves_nothing(standing: Estate, issued: timedelta) -> None:
    permit = standing.permit(issued=issued)
    before = standing.everything()
    refused(standing.run("begin", standing.sign(permit)))
    assert standing.everything() == before


def test_each_order_fits_its_own_command_only(standing: Estate) -> None:
    permit = standing.permit()
    tokens = {
        "begin": standing.sign(permit),
        "undo": standing.sign(standing.undo_order(permit)),
        "stamp": standing.sign(standing.stamp_order(standing.show())),
        "prepare": standing.sign(standing.prepare_order(1)),
    }
    before = standing.everything()
    for command in tokens:
        for kind, token in tokens.items():
            if kind != command:
                refused(standing.run(command, token), "order_refused")
    assert standing.everything() == before


def test_no_flipped_bit_is_accepted(standing: Estate) -> None:
    """By effect; test_token_bits.py asks the same of every bit, without a lane."""
    token = standing.sign(standing.permit()).encode()
    before = standing.everything()
    for bit in random.Random(2).sample(range(8 * len(token)), 8):  # noqa: S311
        damaged = flipped(token, bit).encode("utf-8", errors="surrogateescape")
        answer = standing.run("begin", damaged)
        refused(answer, exit_codes=(2, 50))
    assert standing.everything() == before
    assert standing.takes_connections()


def test_a_begin_that_was_on_time_can_be_finished_late(lane: Estate) -> None:
    permit = lane.permit(issued=timedelta(minutes=-15, seconds=3))
    lane.done("begin", lane.sign(permit))
    lane.materialise()
    late = permit.model_copy(update={"begin_before": permit.issued_at})
    refused(lane.run("begin", lane.sign(late)), "order_expired")
    lane.done("finish", lane.sign(permit))


def test_a_revoked_key_and_no_keys_at_all(standing: Estate) -> None:
    token = standing.sign(standing.permit())
    before = standing.everything()
    for content in ('{"keys": []}', "", "[]", '{"keys": [1]}', '{"keys": {"kid": 1}}', "\x00"):
        standing.keys.write_text(content)
        refused(standing.run("begin", token), exit_codes=(50, 51))
    standing.keys.write_bytes(b"\xff\xfe")
    refused(standing.run("begin", token), exit_codes=(51,))
    standing.keys.unlink()
    refused(standing.run("begin", token), exit_codes=(51,))
    refused(standing.run("begin", token, LANE_AUTHORITY_PUBLIC_KEYS=None), exit_codes=(51,))
    standing.host.write_key_set(standing.keys)
    assert standing.everything() == before
