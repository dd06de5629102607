"""A control plane for tests: it holds a private key and signs real orders."""

import json
import secrets
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from launchplane_lane_contracts.orders import AUDIENCE, ISSUER, RUNTIME_AUDIENCE, header_type


class ControlPlane:
    """One signing key, and the file of its public key."""

    def __init__(self):
        self.key_id = secrets.token_hex(8)
        self._private = Ed25519PrivateKey.generate()
        self._folder = tempfile.TemporaryDirectory(prefix="lane-keys-")
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._private.public_key()))
        self.public_keys = Path(self._folder.name) / "keys.json"
        self.public_keys.write_text(
            json.dumps({"keys": [{**public, "kid": self.key_id}]}), encoding="utf-8"
        )

    def close(self):
        """Remove the key file."""
        self._folder.cleanup()

    def sign(self, order, valid_for=timedelta(minutes=2)):
        """The order as a token."""
        now = datetime.now(UTC)
        witness = order.kind == "witness"
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": RUNTIME_AUDIENCE if witness else AUDIENCE,
                "iat": now,
                "nbf": now,
                "exp": now + valid_for,
                "jti": secrets.token_hex(8),
                "order": order.to_plain(),
            },
            self._private,
            algorithm="EdDSA",
            headers={"kid": self.key_id, "typ": header_type(order.kind)},
        )
