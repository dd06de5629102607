"""Whether a token was signed by the control plane. The guard holds public keys only."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from pydantic import ValidationError

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.judgement import TokenVerdict
from launchplane_lane_contracts.orders import (
    ANY_ORDER,
    AUDIENCE,
    ISSUER,
    RUNTIME_AUDIENCE,
    LowerOrder,
    Permit,
    SignedOrder,
    StampOrder,
    WitnessOrder,
    header_type,
    later_rule_book,
)
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .token_form import read_header

ALGORITHM = "EdDSA"
CLAIMS = {"iss", "aud", "iat", "nbf", "exp", "jti", "order"}
LARGEST_CLOCK_DIFFERENCE_SECONDS = 60


class UnknownKey(Exception):
    """No key with that identifier is at hand."""


class PublicKeys:
    """The control plane's public keys, by key identifier."""

    def __init__(self, keys: dict[str, jwt.PyJWK]) -> None:
        self._keys = keys

    @classmethod
    def from_file(cls, path: Path | None) -> "PublicKeys":
        """Read a JWKS file.

        Raises CouldNotTell when it is not there or holds no usable key set.
        """
        if path is None:
            raise CouldNotTell(
                "No public keys are configured: set LANE_AUTHORITY_PUBLIC_KEYS to the file of "
                "public keys that the control plane gave you."
            )
        try:
            return cls.from_text(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as problem:
            raise CouldNotTell(f"The public keys in {path} could not be read: {problem}.") from None

    @classmethod
    def from_text(cls, text: str) -> "PublicKeys":
        """Read a JWKS document.

        Raises CouldNotTell when it is none.
        """
        try:
            entries = json.loads(text)["keys"]
            keys = {
                entry["kid"]: jwt.PyJWK(entry, algorithm=ALGORITHM)
                for entry in entries
                if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519"
            }
        except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
            raise CouldNotTell("The public keys are not a JWKS document.") from None
        return cls(keys)

    def claims(
        self, token: str, *, kind: str, audience: str = AUDIENCE, heed_time: bool = True
    ) -> dict[str, Any]:
        """The claims of a token whose signature, kind, audience and times are right.

        Raises UnknownKey or jwt.PyJWTError.
        """
        header = read_header(token)
        if header["alg"] != ALGORITHM:
            raise jwt.InvalidAlgorithmError(f"it is not signed with {ALGORITHM}")
        key = self._keys.get(header["kid"])
        if key is None:
            raise UnknownKey(f"no public key {header['kid'][:64]!r} is at hand")
        if header["typ"] != header_type(kind):
            raise jwt.InvalidTokenError(f"it is a {header['typ'][:64]!r}, not an order to {kind}")
        found: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=ISSUER,
            leeway=LARGEST_CLOCK_DIFFERENCE_SECONDS,
            options={
                "require": sorted(CLAIMS),
                "verify_exp": heed_time,
                "verify_nbf": heed_time,
                "verify_iat": heed_time,
            },
        )
        times = (found["iat"], found["nbf"], found["exp"])
        if (
            found["aud"] != audience
            or set(found) != CLAIMS
            or any(type(each) is not int for each in times)
        ):
            raise jwt.InvalidTokenError("it claims something else than an order does")
        return found

    def order(self, token: str, *, kind: str, heed_time: bool = True) -> SignedOrder:
        """The order in a token.

        Raises Refused when it is not one of ours or its time is over, CouldNotTell when its rule
        book is another than ours.
        """
        try:
            claims = self.claims(token.strip(), kind=kind, heed_time=heed_time)
            # Before its fields: another rule book may have others.
            if _other_rule_book(claims):
                raise CouldNotTell(
                    f"The order was made under rule book {claims['order']['rulebook_version']}; "
                    f"this guard knows {RULEBOOK_VERSION}. Use the guard that belongs to the "
                    "control plane's version; `lane-authority guard-bundle` makes one file of it."
                )
            order = ANY_ORDER.validate_json(json.dumps(claims["order"]))
        except jwt.ExpiredSignatureError:
            raise Refused.because(_expired()) from None
        except (UnknownKey, jwt.PyJWTError) as problem:
            raise Refused.because(_not_ours(str(problem))) from None
        except ValidationError:
            raise Refused.because(_not_ours("it does not have an order's fields")) from None
        except RecursionError:
            raise Refused.because(_not_ours("it is nested too deeply")) from None
        if order.kind != kind:
            raise Refused.because(_not_ours(f"it holds an order to {order.kind}"))
        # The claim `exp` may have leeway for clocks; the order's own limit has none.
        if heed_time and datetime.now(UTC) > order.begin_before:
            raise Refused.because(_expired())
        return order

    def judge_marker_token(self, token: str) -> TokenVerdict:
        """What the token in a marker row is worth. Its time does not count: markers stay."""
        try:
            kind = _kind(token)
            claims = self.claims(token, kind=kind, heed_time=False)
            # Before its fields: a later rule book may have others. A marker may well be older.
            version = later_rule_book(claims["order"])
            if version is not None:
                return TokenVerdict(
                    key_is_unknown=True, detail=f"rule book {version} is unknown here"
                )
            order = ANY_ORDER.validate_json(json.dumps(claims["order"]))
        except UnknownKey as problem:
            return TokenVerdict(key_is_unknown=True, detail=str(problem))
        except jwt.PyJWTError as problem:
            return TokenVerdict(detail=f"its signature is not good: {problem}")
        except (ValidationError, RecursionError):
            return TokenVerdict(detail="its token does not have an order's fields")
        if not isinstance(order, Permit | StampOrder | LowerOrder) or order.kind != kind:
            return TokenVerdict(detail=f"an order to {order.kind} does not write a marker")
        return TokenVerdict(order=order)

    def witness_order(self, token: str) -> WitnessOrder:
        """The question that the control plane asks a running Odoo.

        Raises Refused when it is not one.
        """
        try:
            claims = self.claims(token, kind="witness", audience=RUNTIME_AUDIENCE)
            return WitnessOrder.from_plain(claims["order"])
        except (UnknownKey, jwt.PyJWTError, ValidationError) as problem:
            raise Refused.because(_not_ours(type(problem).__name__)) from None


def _other_rule_book(claims: dict[str, Any]) -> bool:
    """Whether it was signed under rules that are not ours."""
    order = claims["order"]
    version = order.get("rulebook_version") if isinstance(order, dict) else None
    return isinstance(version, int) and version != RULEBOOK_VERSION


def _kind(token: str) -> str:
    kinds = {header_type(kind): kind for kind in ("permit", "stamp", "lower")}
    found = read_header(token)["typ"]
    if found not in kinds:
        raise jwt.InvalidTokenError(f"a {found[:64]!r} does not write a marker")
    return kinds[found]


def _not_ours(detail: str) -> Reason:
    return reason(
        ReasonCode.ORDER_REFUSED,
        f"The order was not accepted: {detail}.",
        "Let the control plane sign a new order for this lane; give the guard its public keys if "
        "it has none for it.",
        detail=detail,
    )


def _expired() -> Reason:
    return reason(
        ReasonCode.ORDER_EXPIRED,
        "The order's time is over.",
        "Finish or undo what was begun. Where nothing was, give the operation up on the host "
        "(`lane-authority undo`), then plan and authorize it again.",
    )
