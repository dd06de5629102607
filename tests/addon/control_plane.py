"""A signing key for these tests, and the file of its public key."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, Nonce
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Marker, MarkerRow
from launchplane_lane_contracts.orders import (
    AUDIENCE,
    ISSUER,
    RUNTIME_AUDIENCE,
    StampOrder,
    WitnessOrder,
    header_type,
)


class ControlPlane:
    """It asks running Odoos what they see, and signs markers."""

    def __init__(self, public_keys: Path) -> None:
        self._private = Ed25519PrivateKey.generate()
        self._key_id = secrets.token_hex(8)
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._private.public_key()))
        public_keys.write_text(json.dumps({"keys": [{**public, "kid": self._key_id}]}))

    def question(self, lane: Lane) -> str:
        """A token that asks a lane's Odoo."""
        return self._sign(WitnessOrder(lane=lane, expected_generation=None), RUNTIME_AUDIENCE)

    def marker_row(self, marker: Marker) -> MarkerRow:
        """The row that the guard would write for this marker, by an order signed here."""
        now = datetime.now(UTC)
        order = StampOrder(
            lane=marker.lane,
            nonce=Nonce(secrets.token_hex(8)),
            database=marker.identity.database_name,
            filestore_path=marker.filestore_path,
            issued_at=now,
            begin_before=now + timedelta(minutes=2),
            rulebook_version=RULEBOOK_VERSION,
            permit_id=None,
            marker=marker,
            lock=False,
        )
        return marker.row(self._sign(order, AUDIENCE))

    def _sign(self, order: WitnessOrder | StampOrder, audience: str) -> str:
        now = datetime.now(UTC)
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": audience,
                "iat": now,
                "nbf": now,
                "exp": now + timedelta(minutes=2),
                "jti": secrets.token_hex(8),
                "order": order.to_plain(),
            },
            self._private,
            algorithm="EdDSA",
            headers={"kid": self._key_id, "typ": header_type(order.kind)},
        )
