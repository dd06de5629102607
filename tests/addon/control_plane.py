"""A signing key for these tests, and the file of its public key."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.orders import ISSUER, RUNTIME_AUDIENCE, WitnessOrder, header_type


class ControlPlane:
    """It asks running Odoos what they see."""

    def __init__(self, public_keys: Path) -> None:
        self._private = Ed25519PrivateKey.generate()
        self._key_id = secrets.token_hex(8)
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._private.public_key()))
        public_keys.write_text(json.dumps({"keys": [{**public, "kid": self._key_id}]}))

    def question(self, lane: Lane) -> str:
        """A token that asks a lane's Odoo."""
        now = datetime.now(UTC)
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": RUNTIME_AUDIENCE,
                "iat": now,
                "nbf": now,
                "exp": now + timedelta(minutes=2),
                "jti": secrets.token_hex(8),
                "order": WitnessOrder(lane=lane, expected_generation=None).to_plain(),
            },
            self._private,
            algorithm="EdDSA",
            headers={"kid": self._key_id, "typ": header_type("witness")},
        )
