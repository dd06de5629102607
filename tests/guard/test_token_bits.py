"""Every single bit of every kind of order counts: with one changed, nothing is accepted."""

from typing import get_args

import jwt
import pytest

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.orders import SignedOrder
from launchplane_lane_guard.tokens import PublicKeys
from tests.contracts.every_model import VALUES
from tests.guard.signing import ControlPlane

HOST = ControlPlane()
KEYS = PublicKeys.from_text(HOST.key_set_text())
ORDERS: dict[str, SignedOrder] = {
    each.kind: each for each in VALUES if isinstance(each, SignedOrder)
}
KINDS = sorted(ORDERS)


def flipped(token: bytes, bit: int) -> str:
    changed = bytearray(token)
    changed[bit // 8] ^= 1 << (bit % 8)
    return changed.decode("utf-8", errors="surrogateescape")


def is_accepted(token: str, kind: str) -> bool:
    try:
        KEYS.order(token, kind=kind, heed_time=False)
    except LaneAuthorityError:
        return False
    return True


def test_every_kind_of_order_is_tried() -> None:
    assert {type(each) for each in ORDERS.values()} == set(get_args(SignedOrder))


@pytest.mark.parametrize("kind", KINDS)
def test_no_changed_bit_is_accepted(kind: str) -> None:
    token = HOST.sign(ORDERS[kind]).encode()
    assert is_accepted(token.decode(), kind)
    accepted = [bit for bit in range(8 * len(token)) if is_accepted(flipped(token, bit), kind)]
    assert not accepted


@pytest.mark.parametrize("kind", ["permit", "stamp", "lower"])
def test_no_changed_bit_of_a_markers_token_is_good(kind: str) -> None:
    token = HOST.sign(ORDERS[kind]).encode()
    assert KEYS.judge_marker_token(token.decode()).order is not None
    for bit in range(0, 8 * len(token), 7):
        assert KEYS.judge_marker_token(flipped(token, bit)).order is None


def test_the_bits_that_mean_nothing_count_as_well() -> None:
    """64 bytes of signature leave four bits of the last letter unused: one spelling is ours."""
    token = HOST.sign(ORDERS["permit"])
    head, _, signature = token.rpartition(".")
    content = jwt.utils.base64url_decode(signature)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    alike = [
        f"{head}.{signature[:-1]}{letter}"
        for letter in letters
        if jwt.utils.base64url_decode(signature[:-1] + letter) == content
    ]
    assert len(alike) == 16
    assert [each for each in alike if is_accepted(each, "permit")] == [token]


@pytest.mark.parametrize("addition", ["=", "==", "\n", " ", "!", ".", "%", "é", "\x00"])
def test_letters_that_a_decoder_skips_count_as_well(addition: str) -> None:
    head, _, signature = HOST.sign(ORDERS["permit"]).rpartition(".")
    inside = f"{head}.{signature[:9]}{addition}{signature[9:]}"
    assert not is_accepted(inside, "permit")
    if addition.strip():
        assert not is_accepted(f"{head}.{signature}{addition}", "permit")
