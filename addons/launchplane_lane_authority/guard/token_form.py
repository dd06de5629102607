"""The one spelling of a token: asked before its signature is looked at.

A signature covers what was signed, not how it is spelt: base64 has spellings that read the same,
JSON may name a key twice, and a header can ask for things that we never do.
"""

import base64
import binascii
import json
from typing import Any

import jwt

PARTS = 3
HEADER_FIELDS = {"alg", "kid", "typ"}
LONGEST_TOKEN = 1_000_000
"""Characters. An order is a few thousand."""


def read_header(token: str) -> dict[str, str]:
    """The header of a token that is spelt as we spell it.

    Raises jwt.PyJWTError when it is not.
    """
    header, claims = _parts(token)
    found = _read_object(header)
    if set(found) != HEADER_FIELDS or not all(isinstance(each, str) for each in found.values()):
        raise jwt.DecodeError("its header is not one of ours")
    _read_object(claims)
    return found


def read_claims(token: str) -> dict[str, Any]:
    """What a token claims, whoever signed it: good for a doubt, never for a permission.

    Raises jwt.PyJWTError when it is not spelt as we spell it.
    """
    return _read_object(_parts(token)[1])


def _parts(token: str) -> tuple[bytes, bytes]:
    """Its header and its claims."""
    if len(token) > LONGEST_TOKEN:
        raise jwt.DecodeError("it is longer than any order")
    if not token.isascii():
        raise jwt.DecodeError("it holds other letters than a token does")
    parts = token.split(".")
    if len(parts) != PARTS:
        raise jwt.DecodeError("it does not have a token's three parts")
    header, claims, _signature = (_decoded(part) for part in parts)
    return header, claims


def _decoded(part: str) -> bytes:
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise jwt.DecodeError("it is not spelt in base64") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != part:
        raise jwt.DecodeError("it is not spelt as the control plane spells it")
    return content


def _read_object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content, object_pairs_hook=_each_once)
    except ValueError:
        raise jwt.DecodeError("it does not hold JSON") from None
    except RecursionError:
        raise jwt.DecodeError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise jwt.DecodeError("it does not hold a JSON object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise jwt.DecodeError("it names a key twice")
    return found
