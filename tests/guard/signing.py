"""The control plane's key: it signs orders, and writes the key set that the guard is given."""

import base64
import json
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from launchplane_lane_contracts.orders import (
    AUDIENCE,
    ISSUER,
    SignedOrder,
    header_type,
)


class ControlPlane:
    """One signing key."""

    def __init__(self, key_id: str = "control-plane-1") -> None:
        self.key = Ed25519PrivateKey.generate()
        self.key_id = key_id

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def key_set(self) -> dict[str, Any]:
        """The public key as a JWKS document."""
        point = base64.urlsafe_b64encode(self.public_bytes).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": self.key_id, "x": point}]}

    def key_set_text(self) -> str:
        """The same as text."""
        return json.dumps(self.key_set())

    def write_key_set(self, path: Path) -> Path:
        """Write that document."""
        path.write_text(self.key_set_text())
        return path

    def claims(self, order: SignedOrder) -> dict[str, Any]:
        """The claims about an order."""
        return {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": int(order.issued_at.timestamp()),
            "nbf": int(order.issued_at.timestamp()),
            "exp": int(order.begin_before.timestamp()),
            "jti": order.nonce,
            "order": order.to_plain(),
        }

    def sign(
        self, order: SignedOrder, /, *, header: dict[str, Any] | None = None, **changed: Any
    ) -> str:
        """The order as a token; `header` and `changed` claims make a wrong one."""
        claims = {**self.claims(order), **changed}
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.key,
            algorithm="EdDSA",
            headers={"kid": self.key_id, "typ": header_type(order.kind), **(header or {})},
        )
