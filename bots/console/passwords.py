"""Passwords: kept as argon2id hashes (RFC 9106). Both functions take about a tenth of a second: not on the loop."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher()


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password)


def fits(kept: str, password: str) -> bool:
    """Whether this is the password; against no hash at all it takes as long, and never fits."""
    try:
        return _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return hashed(secrets.token_hex())
