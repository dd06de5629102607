"""What a PostgreSQL server keeps of a password, made here with one round of hashing.

The usual 4096 rounds guard a password that somebody chose. Ours are random, and every connection of
every test would hash them again.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode

ROUNDS = 1


def verifier(password: str) -> str:
    """The text that `PASSWORD` takes in place of the password itself (RFC 5803)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    keys = f"{_text(stored)}:{_text(_keyed(salted, b'Server Key'))}"
    return f"SCRAM-SHA-256${ROUNDS}:{_text(salt)}${keys}"


def _keyed(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _text(value: bytes) -> str:
    return b64encode(value).decode()
